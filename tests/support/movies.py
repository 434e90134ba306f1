"""Movies to save: plain ones by number, and any that the domain lets through."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from hypothesis import strategies as st

from domain.fields import Field, FieldType, Source, Table
from domain.movie import CAST, DIRECTOR, Aka, Credit, Movie, Person, title_url

EPOCH: Final = datetime(2026, 1, 1, tzinfo=UTC)

# What tools have tripped over: delimiters, quotes, every line end there is, formulas, other tools' words for nothing.
AWKWARD_TEXTS: Final = (
    ",", '"', '""', "'", "a,b", 'say "when"', "line\nfeed", "carriage\rreturn", "both\r\nends", "\r", "\n", "\r\n",
    "=1+1", "+49", "-1", "@home", "'=1", "''=1", "'quoted'", "\tTab", "\r=cr", " lead", "trail ", "\\", "\\N", "\\.",
    "NULL", "null", "None", "{}", "{a,b}", "[]", "%s", "$1", "\x01", "\x1a", "\x1c\x1d\x1e", "\x85", "\u2028\u2029",
    "\x0b\x0c", "\x7f", "\ufeff", "\ufeffBOM", "\uffff", "\U0010ffff", "🎬🎞️", "אבא", "\u202eRTL", "é", "e\u0301",
    "Ǆ", "ﬀ", "日本語", "tt0000001", "1e5", "0", ";", "a;b", "x" * 10_000, '"\r\n"' * 500,
)  # fmt: skip


def imdb_id(number: int) -> str:
    return f"tt{number:07d}"


def person(number: int, name: str | None = None) -> Person:
    return Person(f"nm{number:07d}", name or f"Person {number}")


def credits_of(people: list[Person], category: str) -> tuple[Credit, ...]:
    return tuple(Credit(one, category, place) for place, one in enumerate(people, 1))


def movie(
    number: int,
    *,
    minutes: float = 0,
    title: str | None = None,
    directors: list[Person] | None = None,
    cast: list[Person] | None = None,
) -> Movie:
    """A movie read ``minutes`` after midnight, with nothing that is not asked for."""
    return Movie(
        imdb_id(number),
        title or f"Title {number}",
        title_url(imdb_id(number)),
        EPOCH + timedelta(minutes=minutes),
        directors=credits_of(directors or [], DIRECTOR),
        cast=credits_of(cast or [], CAST),
    )


def full_movie(number: int, *, people: int = 200_000, cast: int = 18, minutes: float = 0) -> Movie:
    """A movie as a title page tells it, its people shared with others; the same number gives the same movie."""
    actors = [person((number * 7919 + place * 104_729) % people + 1) for place in range(cast)]
    unique = list({one.person_id: one for one in actors}.values())
    return Movie(
        imdb_id(number),
        f'Title {number}, or "The {number}th"',
        title_url(imdb_id(number)),
        EPOCH + timedelta(minutes=minutes),
        original_title=f"Titre n° {number}",
        kind="movie",
        year=1900 + number % 120,
        rating=round(1 + number % 90 / 10, 1),
        votes=number * 31,
        duration_minutes=60 + number % 120,
        metascore=number % 101,
        genres=("Drama", "Crime"),
        plot=f"In year {number}, somebody does something to somebody.\nNothing is as it was, before." * 2,
        poster_url=f"https://m.media-amazon.com/images/M/{number}.jpg",
        certificate="R",
        release_date="1994-10-14",
        directors=credits_of([person(number % people + 1)], DIRECTOR),
        cast=tuple(Credit(one, CAST, place, (f"Role {place}",)) for place, one in enumerate(unique, 1)),
    )


def complete_movie(number: int) -> Movie:
    """A movie with every field of the field table filled, crew and other titles among them."""
    base = full_movie(number)
    values = {
        field.name: _EXAMPLES[field.type]
        for field in Table.MOVIES.fields
        if not field.derived and getattr(base, field.name) in (None, ()) and field.name not in ("source", "incomplete")
    }
    crew = (
        Credit(person(number + 7), "composer", 1),
        Credit(person(number), "writer", 1, job=("screenplay", "story by")),
        Credit(person(number + 1), "writer", 2, attributes=("uncredited",)),
    )
    voice = replace(base.cast[0], attributes=("voice",))
    return replace(
        base,
        **values,
        source="page",
        incomplete=("cast",),
        cast=(voice, *base.cast[1:]),
        crew=crew,
        akas=(Aka("Andere", "DE", "de", ("imdbDisplay",), ("long",)), Aka("Autre")),
    )


_EXAMPLES: Final[dict[FieldType, Any]] = {
    FieldType.TEXT: "Some text",
    FieldType.INTEGER: 1987,
    FieldType.BIGINT: 3_000_000_000,
    FieldType.DECIMAL: 7.5,
    FieldType.BOOLEAN: True,
    FieldType.DATE: date(2026, 3, 1),
    FieldType.PARTIAL_DATE: "1994-10",
    FieldType.TEXT_LIST: ("One", "Two, or three"),
    FieldType.TITLE_ID: "tt0000042",
}


# --- any movie ------------------------------------------------------------------

texts = st.one_of(
    st.sampled_from(AWKWARD_TEXTS),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=40),
)
_words = texts.filter(lambda text: bool(text.strip()))
_lists = st.lists(texts, max_size=3).map(tuple)
_days = st.dates(min_value=date(1888, 1, 1), max_value=date(9999, 12, 31))
_times = st.datetimes(min_value=datetime(1990, 1, 1), max_value=datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - the zone is added
ids = st.one_of(st.integers(1, 9_999_999).map(imdb_id), st.from_regex(r"tt[0-9]{7,10}", fullmatch=True))
people = st.builds(Person, st.from_regex(r"nm[0-9]{7,10}", fullmatch=True), _words)


def values_of(field: Field) -> st.SearchStrategy[Any]:
    """Any value that the field table allows in a field, missing ones among them."""
    if field.name == "source":
        return st.none() | st.sampled_from([*Source])
    number = st.integers(field.minimum or 0, field.maximum or 0)
    strategies: dict[FieldType, st.SearchStrategy[Any]] = {
        FieldType.TEXT: _words if field.required else texts,
        FieldType.INTEGER: number,
        FieldType.BIGINT: number,
        FieldType.DECIMAL: st.integers(10, 100).map(lambda tenths: tenths / 10),
        FieldType.BOOLEAN: st.booleans(),
        FieldType.DATE: _days,
        FieldType.PARTIAL_DATE: _days.flatmap(
            lambda day: st.sampled_from([day.isoformat(), day.isoformat()[:7], day.isoformat()[:4]])
        ),
        FieldType.TIMESTAMP: _times,
        FieldType.TEXT_LIST: _lists,
        FieldType.TITLE_ID: ids,
        FieldType.NAME_ID: st.from_regex(r"nm[0-9]{7,10}", fullmatch=True),
    }
    present = strategies[field.type]
    if field.required or (field.type is FieldType.TEXT_LIST and not field.keep_empty):
        return present
    return st.none() | present


def _credits(category: str) -> st.SearchStrategy[tuple[Credit, ...]]:
    parts = st.tuples(people, _lists, _lists, _lists)
    return st.lists(parts, max_size=4, unique_by=lambda part: part[0].person_id).map(
        lambda listed: tuple(Credit(part[0], category, place, *part[1:]) for place, part in enumerate(listed, 1))
    )


_akas = st.lists(
    st.builds(Aka, _words, st.none() | texts, st.none() | texts, _lists, _lists),
    max_size=3,
).map(tuple)
# Created once: creating the strategies for each example took most of the time of the tests that use them.
_VALUES = st.fixed_dictionaries({field.name: values_of(field) for field in Table.MOVIES.fields if not field.derived})
_CREDITS = {category: _credits(category) for category in (DIRECTOR, CAST, "composer", "writer")}


@st.composite
def movies(draw: st.DrawFn, imdb_ids: st.SearchStrategy[str] = ids) -> Movie:
    """Any movie the domain accepts and a store must keep. One person keeps one name within a movie."""
    values = dict(draw(_VALUES))
    values["imdb_id"] = draw(imdb_ids)
    known: dict[str, Person] = {}
    parts = []
    for listed in _CREDITS.values():
        credits = [
            replace(credit, person=known.setdefault(credit.person.person_id, credit.person)) for credit in draw(listed)
        ]
        parts.append(tuple(credits))
    directors, cast, *crew = parts
    return Movie(**values, directors=directors, cast=cast, crew=sum(crew, ()), akas=draw(_akas))

"""Movies to save: plain ones by number, and any that the domain lets through."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from hypothesis import strategies as st

from domain.movie import Category, Credit, Movie, Person, title_url

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


def credits_of(people: list[Person], category: Category) -> tuple[Credit, ...]:
    return tuple(Credit(one, category, place) for place, one in enumerate(people, 1))


def movie(
    number: int,
    *,
    minutes: float = 0,
    title: str | None = None,
    directors: list[Person] | None = None,
    cast: list[Person] | None = None,
    rank: int | None = None,
) -> Movie:
    """A movie read ``minutes`` after midnight, with nothing that is not asked for."""
    return Movie(
        imdb_id(number),
        title or f"Title {number}",
        title_url(imdb_id(number)),
        EPOCH + timedelta(minutes=minutes),
        rank=rank,
        directors=credits_of(directors or [], Category.DIRECTOR),
        cast=credits_of(cast or [], Category.CAST),
    )


def full_movie(number: int, *, people: int = 200_000, cast: int = 18, minutes: float = 0) -> Movie:
    """A movie with every field filled, its people shared with others; the same number gives the same movie."""
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
        rank=number,
        directors=credits_of([person(number % people + 1)], Category.DIRECTOR),
        cast=tuple(Credit(one, Category.CAST, place, (f"Role {place}",)) for place, one in enumerate(unique, 1)),
    )


# --- any movie ------------------------------------------------------------------

texts = st.one_of(
    st.sampled_from(AWKWARD_TEXTS),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=40),
)
_words = texts.filter(lambda text: bool(text.strip()))
_genres = st.lists(texts.filter(lambda text: "|" not in text), max_size=4).map(tuple)
_dates = st.dates(min_value=datetime(1888, 1, 1).date()).flatmap(  # noqa: DTZ001 - a calendar day has no zone
    lambda day: st.sampled_from([f"{day:%Y}", f"{day:%Y-%m}", f"{day:%Y-%m-%d}"])
)
_times = st.datetimes(min_value=datetime(1990, 1, 1), max_value=datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - the zone is added
ids = st.one_of(st.integers(1, 9_999_999).map(imdb_id), st.from_regex(r"tt[0-9]{7,10}", fullmatch=True))
people = st.builds(Person, st.from_regex(r"nm[0-9]{7,10}", fullmatch=True), _words)


def _credits(category: Category) -> st.SearchStrategy[tuple[Credit, ...]]:
    parts = st.tuples(people, st.lists(st.one_of(st.just(""), texts), max_size=3).map(tuple))
    return st.lists(parts, max_size=5, unique_by=lambda part: part[0].person_id).map(
        lambda listed: tuple(Credit(one, category, place, roles) for place, (one, roles) in enumerate(listed, 1))
    )


@st.composite
def movies(draw: st.DrawFn, imdb_ids: st.SearchStrategy[str] = ids) -> Movie:
    """Any movie the domain accepts and a store must keep. One person keeps one name within a movie."""
    name = draw(imdb_ids)
    directors = draw(_credits(Category.DIRECTOR))
    known = {credit.person.person_id: credit.person for credit in directors}
    cast = tuple(
        Credit(known.get(c.person.person_id, c.person), c.category, c.position, c.characters)
        for c in draw(_credits(Category.CAST))
    )
    missing = st.none()
    return Movie(
        imdb_id=name,
        title=draw(_words),
        source_url=title_url(name),
        scraped_at=draw(_times),
        original_title=draw(missing | texts),
        kind=draw(missing | st.sampled_from(["movie", "tvSeries"])),
        year=draw(missing | st.integers(1888, 9999)),
        rating=draw(missing | st.integers(10, 100).map(lambda tenths: tenths / 10)),
        votes=draw(missing | st.integers(0, 2**31 - 1)),
        duration_minutes=draw(missing | st.integers(1, 100_000)),
        metascore=draw(missing | st.integers(0, 100)),
        genres=draw(_genres),
        plot=draw(missing | texts),
        poster_url=draw(missing | texts),
        certificate=draw(missing | texts),
        release_date=draw(missing | _dates),
        rank=draw(missing | st.integers(1, 1_000_000)),
        directors=directors,
        cast=cast,
    )

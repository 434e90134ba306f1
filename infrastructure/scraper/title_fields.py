"""What one part of a page tells about a title, and how several parts make one movie.

A page tells a field more than once: in a JSON island, in another, in the markup.
Each part is read into a ``TitlePart``. A field is in one of these states there:

- whole: the complete value; ``None`` and ``()`` say that the title has none;
- partial: only the beginning of the value (three directors of seven);
- lost: the part should contain it, but it cannot be read or is doubtful;
- untold: the part does not contain it.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any, Final, NamedTuple, TypeAlias

import msgspec

from domain.errors import InvalidMovie
from domain.movie import CAST, DIRECTOR, Aka, Credit, Movie, Person, title_url
from infrastructure.scraper.page_bytes import original_address
from infrastructure.scraper.values import UNREADABLE, clean, full_size

_log = logging.getLogger(__name__)

Values: TypeAlias = dict[str, Any]  # by the names of ``domain.movie.Movie``, as a source words them

_WRITTEN_BY_US: Final = {"imdb_id", "source_url", "scraped_at", "rank", "source", "dataset_day", "incomplete"}
FIELDS: Final = frozenset(field.name for field in fields(Movie)) - _WRITTEN_BY_US
"""The fields of a movie that a source can tell."""

CORE_FIELDS: Final = frozenset(
    {
        "title", "original_title", "kind", "year", "rating", "votes", "duration_minutes", "metascore", "genres",
        "plot", "poster_url", "certificate", "release_date", "directors", "cast",
    }
)  # fmt: skip
"""The fields that every layout has somewhere: the other parts of a page are read only for these."""

_MARKUP_FIRST: Final = frozenset({"plot", "release_date", "cast", "directors", "genres"})
"""ld+json cuts these, or shifts them by a day, so the markup since 2022 outranks it there."""


class CreditLine(NamedTuple):
    """One line of a credits list, before anything is checked; ``category`` is empty for directors and cast."""

    person_id: str
    name: str
    characters: tuple[str, ...] = ()
    job: tuple[str, ...] = ()
    attributes: tuple[str, ...] = ()
    category: str = ""


class AkaLine(NamedTuple):
    """Another title, before anything is checked."""

    title: str
    region: str | None = None
    language: str | None = None
    attributes: tuple[str, ...] = ()


class TitlePart(msgspec.Struct):
    """One part of a page.

    Attributes:
        name: for messages.
        imdb_id: the title it describes, if it says so.
        whole: complete values.
        partial: values of which it tells only the beginning.
        cut: fields that are incomplete although this part should contain them: lost, or partial
            where the part states that there is more.
        settled: fields that no other part of the page tells better.
    """

    name: str
    imdb_id: str | None = None
    whole: Values = msgspec.field(default_factory=dict)
    partial: Values = msgspec.field(default_factory=dict)
    cut: set[str] = msgspec.field(default_factory=set)
    settled: set[str] = msgspec.field(default_factory=set)

    def tell(self, name: str, value: object, *, cut: bool = False) -> None:
        """Adds a value, or its beginning if it is cut; ``None``, an empty text and an empty list tell nothing."""
        if value in (None, "", ()):
            return
        if cut:
            self.partial[name] = value
            self.cut.add(name)
        else:
            self.whole[name] = value


class ParsedTitle(msgspec.Struct, frozen=True):
    """A movie, and what its source did not tell.

    Attributes:
        movie: the record.
        untold: fields that the source does not contain, or whose rest it withholds.
        cut: fields that the source should contain completely, but which are damaged, doubtful or incomplete.
        torn: the page ends before its end, or its main island does; another answer may be complete.
    """

    movie: Movie
    untold: frozenset[str] = frozenset()
    cut: frozenset[str] = frozenset()
    torn: bool = False

    @property
    def missing(self) -> frozenset[str]:
        """All fields that are not known completely."""
        return self.untold | self.cut


class MergedTitle(msgspec.Struct, frozen=True):
    """The best value of every field, and what is not whole.

    Attributes:
        values: by field.
        untold: fields that no part contains, or only their beginning because the source withholds the rest.
        cut: fields that the source should have contained completely.
    """

    values: Values
    untold: frozenset[str]
    cut: frozenset[str]

    def parsed(self, imdb_id: str, scraped_at: datetime, *, torn: bool = False) -> ParsedTitle:
        """The title that the values describe, checked.

        Raises:
            InvalidMovie: the id or the title cannot be true.
        """
        movie, cut = build_movie(self.values, imdb_id=imdb_id, scraped_at=scraped_at, cut=self.cut)
        return ParsedTitle(movie, self.untold - cut, cut, torn)


def merge_parts(parts: Sequence[TitlePart]) -> MergedTitle:
    """Take each field from the part that ranks highest for it.

    Of two values one of which continues the other, the longer one counts. Of two that contradict each
    other the one of the higher rank counts, and this is logged.

    Args:
        parts: the most trusted first.
    """
    if len(parts) == 1:  # nothing to compare, which is how most pages are read
        part = parts[0]
        lost = frozenset(part.cut - part.whole.keys())
        return MergedTitle(part.partial | part.whole, FIELDS - part.whole.keys() - lost, lost)
    values: Values = {}
    whole: set[str] = set()
    cut: set[str] = set()
    for name in FIELDS:
        ranked = sorted(parts, key=_markup_first) if name in _MARKUP_FIRST else parts
        if complete := [part for part in ranked if name in part.whole]:
            values[name] = _best(name, complete)
            longer = [part for part in ranked if _continues(part.partial.get(name), values[name])]
            if not longer:
                whole.add(name)
                continue
            # What was taken for whole is only the beginning of this beginning.
            best = max(longer, key=lambda part: _size(part.partial[name]))
            values[name] = best.partial[name]
            if name in best.cut:
                cut.add(name)
            continue
        if partial := [part.partial[name] for part in ranked if name in part.partial]:
            values[name] = max(partial, key=_size)
        if any(name in part.cut for part in parts):
            cut.add(name)
    return MergedTitle(values, FIELDS - whole - cut, frozenset(cut))


def _markup_first(part: TitlePart) -> int:
    return {"__NEXT_DATA__": 0, "markup": 1}.get(part.name, 2)


def _best(name: str, parts: Sequence[TitlePart]) -> Any:
    best = parts[0].whole[name]
    for part in parts[1:]:
        other = part.whole[name]
        if other in (best, None, ()):
            continue
        if best in (None, ()) or _continues(other, best):
            best = other if parts[0].name != "__NEXT_DATA__" else best  # its null says that there is none
        elif not _continues(best, other):
            _log.info("%s: %s and %s contradict each other; the first counts", name, parts[0].name, part.name)
    return best


def _continues(longer: Any, shorter: Any) -> bool:
    """Whether a value begins with another one."""
    if isinstance(longer, str) and isinstance(shorter, str):
        return len(longer) > len(shorter) and longer.startswith(shorter.rstrip(".… "))
    if isinstance(longer, tuple) and isinstance(shorter, tuple) and len(longer) > len(shorter):
        return [_identity(one) for one in longer[: len(shorter)]] == [_identity(one) for one in shorter]
    return False


def _identity(entry: Any) -> Any:
    return entry.person_id if isinstance(entry, CreditLine) else entry


def _size(value: Any) -> int:
    return len(value) if isinstance(value, str | tuple) else 0


def build_movie(
    values: Mapping[str, Any], *, imdb_id: str, scraped_at: datetime, cut: frozenset[str] = frozenset()
) -> tuple[Movie, frozenset[str]]:
    """The movie that these values describe, and its incomplete fields: ``cut``, left out as doubtful, or damaged.

    Text is stripped and made storable here, once for every source; a person named twice in a category
    keeps the first place, with the roles and jobs of both; no votes and no rating are both missing. A
    doubtful value is left out, and a credit with a doubtful person; the domain decides what is doubtful.

    Raises:
        InvalidMovie: the id or the title cannot be true.
    """
    doubtful: set[str] = set()
    told: Values = {}
    for name in FIELDS & values.keys():
        value = values[name]
        if isinstance(value, str):
            value = clean(value)
            if value and UNREADABLE in value:
                doubtful.add(name)
        elif value and isinstance(value, tuple):
            read = _akas if name == "akas" else _credits if name in ("directors", "cast", "crew") else _texts
            value = read(value, name, doubtful)
        told[name] = value
    told["title"] = told.get("title") or ""
    if (poster := told.get("poster_url")) is not None:
        poster = (full_size(poster) if "._V1" in poster else None) or original_address(poster)
        told["poster_url"] = poster if _WEB_ADDRESS.match(poster) else None
        if told["poster_url"] is None:
            doubtful.add("poster_url")
    if isinstance(rating := told.get("rating"), float):
        told["rating"] = round(rating, 1)
    elif rating is None and not told.get("votes"):
        told["votes"] = None
    fixed: Values = {"imdb_id": imdb_id, "source_url": title_url(imdb_id), "scraped_at": scraped_at}
    cut |= doubtful
    try:
        return Movie(**fixed, **told, incomplete=tuple(sorted(cut))), cut
    except (InvalidMovie, TypeError):
        fixed["title"] = told.pop("title")
        Movie(**fixed)  # an impossible id or title refuses the whole record
    for name in list(told):
        try:
            Movie(**fixed, **{name: told[name]})
        except (InvalidMovie, TypeError, ValueError) as error:
            _log.warning("%s: %s is left out: %s", imdb_id, name, _reason(error))
            doubtful.add(name)
            del told[name]
    cut |= doubtful
    return Movie(**fixed, **told, incomplete=tuple(sorted(cut))), cut


def _reason(error: Exception) -> str:
    return "; ".join(error.problems) if isinstance(error, InvalidMovie) else str(error)


def _texts(value: tuple[str, ...], name: str, doubtful: set[str]) -> tuple[str, ...]:
    cleaned = tuple(dict.fromkeys(filter(None, map(clean, value))))
    if UNREADABLE in "".join(cleaned):
        doubtful.add(name)
    return cleaned


_WEB_ADDRESS: Final = re.compile(r"(?:https?:)?//[^\s<>\"]+", re.IGNORECASE)
_CATEGORIES: Final = {"directors": DIRECTOR, "cast": CAST}


def _credits(lines: Iterable[CreditLine], field_name: str, doubtful: set[str]) -> tuple[Credit, ...]:
    """The credits of these lines, numbered within their category; lines of one person in one are joined."""
    by_category: dict[str, dict[str, Credit]] = {}
    only = _CATEGORIES.get(field_name)
    for person_id, name, characters, job, attributes, category in lines:
        category = only or category
        credits = by_category.setdefault(category, {})
        characters = characters and _texts(characters, field_name, doubtful)
        job = job and _texts(job, field_name, doubtful)
        attributes = attributes and _texts(attributes, field_name, doubtful)
        if (earlier := credits.get(person_id)) is not None:
            if characters or job or attributes:
                known = (earlier.characters, earlier.job, earlier.attributes)
                pairs = zip(known, (characters, job, attributes), strict=True)
                both = (tuple(dict.fromkeys(texts + others)) for texts, others in pairs)
                credits[person_id] = Credit(earlier.person, category, earlier.position, *both)
            continue
        try:
            person = Person(person_id, clean(name) or "")
        except InvalidMovie as error:
            _log.warning("a credit of category %s is left out: %s", category, _reason(error))
            doubtful.add(field_name)
            continue
        if UNREADABLE in person.name:
            doubtful.add(field_name)
        credits[person_id] = Credit(person, category, len(credits) + 1, characters, job, attributes)
    return tuple(credit for credits in by_category.values() for credit in credits.values())


def _akas(lines: Iterable[AkaLine], field_name: str, doubtful: set[str]) -> tuple[Aka, ...]:
    akas = []
    for line in lines:
        title = clean(line.title)
        if not title or UNREADABLE in title:
            doubtful.add(field_name)
        if title:
            attributes = _texts(line.attributes, field_name, doubtful)
            akas.append(Aka(title, clean(line.region), clean(line.language), attributes=attributes))
    return tuple(dict.fromkeys(akas))

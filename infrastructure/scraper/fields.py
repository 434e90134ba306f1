"""The fields of a title in IMDb's own JSON shapes, as its pages and its GraphQL server share them.

Every reader takes the object of a title (``{"titleText": {"text": …}, …}``) and
answers the value, or ``None`` where the site says that there is none. ``plot``,
``metacritic``, ``runtime`` and others may be null as a whole or further in.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Final, cast

from infrastructure.scraper.reading import TitleFields


class Untold(LookupError):
    """The object does not say: a key is absent, or holds another shape than known."""


def value_at(node: object, *path: str) -> object:
    """The value at the end of the path; ``None`` as soon as one step is null.

    Raises:
        Untold: a key is absent, or a step is no object.
    """
    for key in path:
        if node is None:
            return None
        if not isinstance(node, dict) or key not in node:
            raise Untold(".".join(path))
        node = node[key]
    return node


def text_at(node: object, *path: str) -> str | None:
    """A string at the end of the path.

    Raises:
        Untold: nothing there, or no string.
    """
    value = value_at(node, *path)
    if value is None or isinstance(value, str):
        return value
    raise Untold(".".join(path))


def integer_at(node: object, *path: str) -> int | None:
    """A whole number at the end of the path.

    Raises:
        Untold: nothing there, or no whole number.
    """
    value = value_at(node, *path)
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    raise Untold(".".join(path))


def list_at(node: object, *path: str) -> list[object]:
    """A list at the end of the path; empty where null stands instead.

    Raises:
        Untold: nothing there, or no list.
    """
    value = value_at(node, *path)
    if value is None:
        return []
    if isinstance(value, list):
        return value
    raise Untold(".".join(path))


def title(node: object) -> str:
    """``titleText``, the name shown to the visitor; a title without one does not exist."""
    text = text_at(node, "titleText", "text")
    if text is None:
        raise Untold("titleText.text")
    return text


def rating(node: object) -> float | None:
    """``ratingsSummary.aggregateRating``; IMDb writes 9 where it means 9.0."""
    value = value_at(node, "ratingsSummary", "aggregateRating")
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise Untold("ratingsSummary.aggregateRating")
    try:
        return float(value)
    except OverflowError:  # an absurd integer: the domain refuses what is not finite
        return math.inf


def duration_minutes(node: object) -> int | None:
    """``runtime.seconds`` in whole minutes."""
    return minutes(integer_at(node, "runtime", "seconds"))


def minutes(seconds: int | None) -> int | None:
    """Whole minutes, at least one; no running time is none."""
    if not seconds:
        return None
    return max(1, seconds // 60) if seconds > 0 else seconds // 60  # negative: for the domain to refuse


def genres(node: object) -> tuple[str, ...]:
    """All genres: ``genres.genres[].text``, or ``titleGenres.genres[].genre.text``."""
    try:
        texts = [text_at(genre, "text") for genre in list_at(node, "genres", "genres")]
    except Untold:
        texts = [text_at(genre, "genre", "text") for genre in list_at(node, "titleGenres", "genres")]
    return tuple(text for text in texts if text is not None)


def release_date(node: object) -> str | None:
    """``releaseDate`` in ISO 8601, as precise as the site knows it: a day without a month is no date."""
    if value_at(node, "releaseDate") is None:
        return None
    year, month, day = (integer_at(node, "releaseDate", key) for key in ("year", "month", "day"))
    if year is None:
        return None
    parts = [f"{year:04d}"]
    if month is not None:
        parts.append(f"{month:02d}")
        if day is not None:
            parts.append(f"{day:02d}")
    return "-".join(parts)


_READERS: Final[Mapping[str, Callable[[object], object]]] = {
    "title": title,
    "original_title": lambda node: text_at(node, "originalTitleText", "text"),
    "kind": lambda node: text_at(node, "titleType", "id"),
    "year": lambda node: integer_at(node, "releaseYear", "year"),
    "rating": rating,
    "votes": lambda node: integer_at(node, "ratingsSummary", "voteCount"),
    "duration_minutes": duration_minutes,
    "metascore": lambda node: integer_at(node, "metacritic", "metascore", "score"),
    "genres": genres,
    "plot": lambda node: text_at(node, "plot", "plotText", "plainText"),
    "poster_url": lambda node: text_at(node, "primaryImage", "url"),
    "certificate": lambda node: text_at(node, "certificate", "rating"),
    "release_date": release_date,
}


def read_fields(*nodes: object) -> TitleFields:
    """All fields but the people, each from the first object that tells it; absent where none does."""
    told: dict[str, object] = {}
    for name, read in _READERS.items():
        for node in nodes:
            with suppress(Untold):
                told[name] = read(node)
                break
    return cast(TitleFields, told)  # the readers' types are those of the fields

"""Reads a title from IMDb's JSON, which its pages and its GraphQL server share.

The object of a title (``{"titleText": {"text": …}, …}``) holds null for what the
title does not have. ``plot``, ``metacritic``, ``runtime`` and others may be null
as a whole or further in. The same object stands, by year, in:

=========================  ==============================================================
2021                       ``props.urqlState``: answers of the site's own GraphQL client
2022 to today              ``props.pageProps.aboveTheFoldData`` (A), ``mainColumnData`` (M)
GraphQL                    ``data.titles[]``
=========================  ==============================================================
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, NamedTuple

from infrastructure.scraper.title_fields import AkaLine, TitlePart
from infrastructure.scraper.values import (
    FieldAbsent,
    FieldDoubtful,
    entries,
    get,
    get_entries,
    get_text,
    integer_at,
    list_at,
    minutes,
    optional,
    partial_date,
    text_at,
    value_at,
)

CAST_SHOWN: Final = 18
"""How many of the cast a title page shows, and how many we ask GraphQL for."""

_COMPANIES_SHOWN: Final = 3
_OSCARS: Final = "ev0000003"


class Beginning(NamedTuple):
    """The first entries of a list that the source does not have whole; ``damaged`` if one of them cannot be read."""

    entries: tuple[Any, ...]
    damaged: bool = False


def _states_more(total: object, listed: int) -> bool:
    """Whether the list states a larger total than it has entries, or a total that is not a number."""
    return total is not None and (type(total) is not int or not 0 <= total <= listed)


def _title(node: object) -> str:
    text = text_at(node, "titleText", "text")
    if text is None:
        raise FieldAbsent("titleText.text")  # a title without a name does not exist
    return text


def _rating(node: object) -> float | None:
    """Returns a float, because IMDb writes 9 for 9.0."""
    value = value_at(node, "ratingsSummary", "aggregateRating")
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or abs(value) > 2**63:
        raise FieldDoubtful("ratingsSummary.aggregateRating")
    return float(value)


def _first(node: object, *readers: Callable[[object], Any]) -> Any:
    """What the first reader finds; the field is doubtful if it is for one of them and none finds it."""
    problems: list[FieldAbsent] = []
    for read in readers:
        try:
            return read(node)
        except FieldAbsent as error:
            problems.append(error)
    raise next((error for error in problems if isinstance(error, FieldDoubtful)), problems[-1])


def _end_year(node: object) -> int | None:
    first, last = (optional(integer_at, node, "releaseYear", key) for key in ("year", "endYear"))
    if first is not None and last is not None and last < first:
        raise FieldDoubtful("releaseYear.endYear")
    return integer_at(node, "releaseYear", "endYear")


def _release_date(node: object) -> str | None:
    return partial_date(*(integer_at(node, "releaseDate", key) for key in ("year", "month", "day")))


def _countries(node: object) -> tuple[str, ...] | Beginning:
    """Returns the longer of two lists: the heading of ``/reference`` names the first country only."""
    keys = [key for key in ("countriesOfOrigin", "countriesDetails") if get(node, key) is not None]
    told = [_listed(node, (key, "countries"), "id") for key in keys or ["countriesOfOrigin"]]
    return max(told, key=lambda found: len(found.entries if isinstance(found, Beginning) else found))


def _listed(node: object, path: tuple[str, ...], *text: str) -> tuple[str, ...] | Beginning:
    """The texts of a list; a Beginning where it states a larger total, or an entry has no text."""
    holder = value_at(node, *path[:-1])
    items = list_at(holder, path[-1])
    texts = [text_at(item, *text) for item in items]
    found = tuple(dict.fromkeys(filter(None, texts)))
    damaged = not all(texts)
    return Beginning(found, damaged) if damaged or _states_more(get(holder, "total"), len(items)) else found


def _texts(items: Iterable[object], *path: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for item in items if (text := text_at(item, *path))))


def _connection(node: object, key: str, read: Callable[[object], Any]) -> tuple[Any, ...] | Beginning:
    """The entries of a connection; a Beginning if one cannot be read, or its total or ``pageInfo`` tells of more."""
    connection = value_at(node, key)
    every = entries(connection)
    found = tuple(value for entry in every if (value := read(entry)))
    damaged = len(found) < len(every)
    more = get(get(connection, "pageInfo"), "hasNextPage") is True or _states_more(get(connection, "total"), len(every))
    return Beginning(found, damaged) if more or damaged else found


def _keyword(entry: object) -> Any:
    return _first(entry, lambda entry: text_at(entry, "text"), lambda entry: text_at(entry, "keyword", "text", "text"))


def _unstated(node: object, key: str, shown: int, read: Callable[[object], Any]) -> tuple[Any, ...] | Beginning:
    """The entries of a connection of which a page shows the first few without saying how many there are."""
    found = _connection(node, key, read)
    if isinstance(found, Beginning) or len(found) < shown or get(value_at(node, key), "total") is not None:
        return found
    return Beginning(found)


def _company(entry: object) -> str | None:
    return text_at(entry, "company", "companyText", "text")


def _aka(entry: object) -> AkaLine | None:
    title = text_at(entry, "text")
    if not title:
        return None
    attributes = _texts(get_entries(get(entry, "attributes")), "text")
    return AkaLine(title, get_text(entry, "country", "id"), get_text(entry, "language", "id"), attributes=attributes)


def _amount(node: object, *path: str) -> int | None:
    amount = value_at(node, *path, "amount")
    if amount is None:
        return None
    if isinstance(amount, bool) or not isinstance(amount, (int, float)) or not abs(amount) <= 2**63:
        raise FieldDoubtful(".".join(path))
    if amount != int(amount) or value_at(node, *path, "currency") is None:  # an amount of what?
        raise FieldDoubtful(".".join(path))
    return int(amount)


def _currency(node: object, *path: str) -> str | None:
    return text_at(node, *path, "currency") if value_at(node, *path, "amount") is not None else None


def _gross_currency(node: object) -> str | None:
    worldwide = optional(_currency, node, "worldwideGross", "total")
    return worldwide or _currency(node, "lifetimeGross", "total")


def _domestic(node: object) -> int | None:
    amount = _amount(node, "lifetimeGross", "total")
    if amount is not None and _currency(node, "lifetimeGross", "total") != _gross_currency(node):
        raise FieldDoubtful("lifetimeGross.total.currency")  # one column holds the currency of both
    return amount


def _oscar_wins(node: object) -> int | None:
    """``None`` where the title's most prestigious award is another one."""
    summary = value_at(node, "prestigiousAwardSummary")
    award = optional(value_at, summary, "awardNomination", "award") or value_at(summary, "award")
    event = optional(value_at, award, "eventEdition", "event") or value_at(award, "event")
    return integer_at(summary, "wins") if text_at(event, "id") == _OSCARS else None


def _series_number(node: object, on_page: str, *in_graphql: str) -> int | None:
    """The number of a season or an episode; IMDb writes ``unknown`` where it has none."""
    try:
        return integer_at(node, "series", "episodeNumber", on_page)
    except FieldDoubtful:
        raise
    except FieldAbsent:
        text = text_at(node, "series", "displayableEpisodeNumber", *in_graphql)
        return int(text) if text and text.isascii() and text.isdigit() else None


def _seasons(node: object) -> int | None:
    try:
        every = entries(value_at(node, "episodes", "displayableSeasons"))
        seasons = [optional(text_at, entry, "season") for entry in every]
        total = integer_at(node, "episodes", "displayableSeasons", "total")
    except FieldAbsent:
        numbers = [optional(integer_at, entry, "number") for entry in list_at(node, "episodes", "seasons")]
        return sum(number is not None for number in numbers) or None
    unknown = sum(1 for season in seasons if season is not None and not season.isdigit())
    return (total or 0) - unknown or None


def _cast_total(node: object) -> int | None:
    if get(node, "castV2") is not None:
        return next((integer_at(group, "totalCredits") for group in list_at(node, "castV2")), 0)
    return integer_at(node, "cast", "total")


class _Reader(NamedTuple):
    """Reads one field.

    Attributes:
        keys: of the title's object; without any of them it does not have the field.
        read: gives the value.
    """

    keys: tuple[str, ...]
    read: Callable[[object], Any]


def _text(*path: str) -> _Reader:
    return _Reader(path[:1], lambda node: text_at(node, *path))


def _integer(*path: str) -> _Reader:
    return _Reader(path[:1], lambda node: integer_at(node, *path))


def _list(*path: str, text: tuple[str, ...]) -> _Reader:
    return _Reader(path[:1], lambda node: _listed(node, path, *text))


def _edges(key: str, read: Callable[[object], Any]) -> _Reader:
    return _Reader((key,), lambda node: _connection(node, key, read))


def _either(*readers: _Reader) -> _Reader:
    keys = tuple(key for reader in readers for key in reader.keys)
    return _Reader(keys, lambda node: _first(node, *(reader.read for reader in readers)))


_READERS: Final[Mapping[str, _Reader]] = {
    "title": _Reader(("titleText",), _title),
    "original_title": _text("originalTitleText", "text"),
    "kind": _text("titleType", "id"),
    "year": _integer("releaseYear", "year"),
    "end_year": _Reader(("releaseYear",), _end_year),
    "rating": _Reader(("ratingsSummary",), _rating),
    "votes": _integer("ratingsSummary", "voteCount"),
    "duration_minutes": _Reader(("runtime",), lambda node: minutes(integer_at(node, "runtime", "seconds"))),
    "metascore": _integer("metacritic", "metascore", "score"),
    "genres": _either(
        _list("genres", "genres", text=("text",)), _list("titleGenres", "genres", text=("genre", "text"))
    ),
    "plot": _text("plot", "plotText", "plainText"),
    "poster_url": _text("primaryImage", "url"),
    "certificate": _text("certificate", "rating"),
    "release_date": _Reader(("releaseDate",), _release_date),
    "release_country": _text("releaseDate", "country", "id"),
    "series_id": _text("series", "series", "id"),
    "season": _Reader(("series",), lambda node: _series_number(node, "seasonNumber", "displayableSeason", "season")),
    "episode": _Reader(
        ("series",), lambda node: _series_number(node, "episodeNumber", "episodeNumber", "episodeNumber")
    ),
    "seasons": _Reader(("episodes",), _seasons),
    "episodes": _either(_integer("episodes", "episodes", "total"), _integer("episodes", "totalEpisodes", "total")),
    "countries": _Reader(("countriesOfOrigin", "countriesDetails"), _countries),
    "languages": _list("spokenLanguages", "spokenLanguages", text=("id",)),
    "keywords": _either(_edges("storylineKeywords", _keyword), _edges("keywords", _keyword)),
    "taglines": _edges("taglines", lambda entry: text_at(entry, "text")),
    "companies": _Reader(("production",), lambda node: _unstated(node, "production", _COMPANIES_SHOWN, _company)),
    "production_status": _text("productionStatus", "currentProductionStage", "text"),
    "is_adult": _Reader(("isAdult",), lambda node: value_at(node, "isAdult")),
    "budget": _Reader(("productionBudget",), lambda node: _amount(node, "productionBudget", "budget")),
    "budget_currency": _Reader(("productionBudget",), lambda node: _currency(node, "productionBudget", "budget")),
    "gross_worldwide": _Reader(("worldwideGross",), lambda node: _amount(node, "worldwideGross", "total")),
    "gross_domestic": _Reader(("lifetimeGross",), _domestic),
    "gross_currency": _Reader(("worldwideGross", "lifetimeGross"), _gross_currency),
    "award_wins": _integer("wins", "total"),
    "award_nominations": _either(_integer("nominationsExcludeWins", "total"), _integer("nominations", "total")),
    "oscar_wins": _Reader(("prestigiousAwardSummary",), _oscar_wins),
    "popularity_rank": _either(_integer("meterRanking", "currentRank"), _integer("meterRank", "currentRank")),
    "user_reviews": _integer("reviews", "total"),
    "critic_reviews": _integer("criticReviewsTotal", "total"),
    "cast_total": _Reader(("castV2", "cast"), _cast_total),
    "color": _list("technicalSpecifications", "colorations", "items", text=("text",)),
    "aspect_ratios": _list("technicalSpecifications", "aspectRatios", "items", text=("aspectRatio",)),
    "sound_mixes": _list("technicalSpecifications", "soundMixes", "items", text=("text",)),
    "locations": _edges("filmingLocations", lambda entry: text_at(entry, "text")),
    "akas": _Reader(("akas",), lambda node: _unstated(node, "akas", 1, _aka)),
}

FIELD_KEYS: Final = frozenset(key for reader in _READERS.values() for key in reader.keys)
"""The keys of a title's object that hold fields."""


def fields_under(key: str) -> tuple[str, ...]:
    """The fields that a key of a title's object holds."""
    return tuple(name for name, reader in _READERS.items() if key in reader.keys)


def read_fields(part: TitlePart, *nodes: object) -> None:
    """Add all fields but the people, each from the first object that tells it whole; lists from the longest."""
    known = [(node, node.keys() if isinstance(node, dict) else None) for node in nodes]
    for name, (keys, read) in _READERS.items():
        for node, has in known:
            if has is not None and has.isdisjoint(keys):
                continue
            try:
                value = read(node)
            except FieldDoubtful:
                part.cut.add(name)
                continue
            except FieldAbsent:
                continue
            if isinstance(value, tuple) and not isinstance(value, Beginning):
                # The heading of a page may have the first entries only, without saying that there are more.
                part.whole[name] = max(value, part.whole.get(name, ()), key=len)
                part.cut.discard(name)
                continue
            if not isinstance(value, Beginning):
                part.whole[name] = value
                part.cut.discard(name)
                break
            if value.damaged and name not in part.whole:
                part.cut.add(name)
            if len(value.entries) > len(part.partial.get(name, ())):
                part.partial[name] = value.entries

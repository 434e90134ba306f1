"""A title in IMDb's own JSON shapes, as its pages and its GraphQL server share them.

The object of a title (``{"titleText": {"text": …}, …}``) holds a null where the site
says that there is none. ``plot``, ``metacritic``, ``runtime`` and others may be null
as a whole or further in. The same object stands, by year, in:

=========================  ==============================================================
2021                       ``props.urqlState``: answers of the site's own GraphQL client
2022 to today              ``props.pageProps.aboveTheFoldData`` (A), ``mainColumnData`` (M)
GraphQL                    ``data.titles[]``
=========================  ==============================================================

Who worked on it stands in:

=========================  ==============================================================
2021, 2022 in spring       ``A.principalCredits``, ``M.directors``, ``M.writers``; cast:
                           ``M.principalCast`` and, after these, ``M.cast``
2022 in autumn, to 2025    the same, with the whole cast in ``M.cast``
from 2025                  ``A.principalCreditsV2``, ``M.crewV2``; cast: ``M.castV2``
/reference to mid-2025     ``M.creditCategories``, cut to ten; all of them in ``M.categories``
/reference since then      ``M.creditGroupings``, likewise
GraphQL                    ``directors``, ``cast`` and ``crew``, as our query names them
=========================  ==============================================================

Where several lists tell, the longest is taken: the principal credits are the first few.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final, NamedTuple, TypeAlias

import msgspec

from domain.errors import NotATitlePage
from infrastructure.scraper.page_bytes import RepeatedKey, count_keys, load_json
from infrastructure.scraper.title_fields import AkaLine, CreditLine, TitlePart, Values
from infrastructure.scraper.values import (
    FieldAbsent,
    FieldDoubtful,
    entries,
    integer_at,
    list_at,
    minutes,
    partial_date,
    text_at,
    value_at,
)

CAST_SHOWN: Final = 18
"""How many of the cast a title page shows, and how many we ask GraphQL for."""

_COMPANIES_SHOWN: Final = 3
_OSCARS: Final = "ev0000003"


class Beginning(NamedTuple):
    """The entries of a list of which the source does not tell all; ``damaged`` if one of them cannot be read."""

    entries: tuple[Any, ...]
    damaged: bool = False


def _states_more(total: object, listed: int) -> bool:
    """Whether the list's own total is larger than what is listed, or is not a count at all."""
    return total is not None and (type(total) is not int or not 0 <= total <= listed)


def _title(node: object) -> str:
    text = text_at(node, "titleText", "text")
    if text is None:
        raise FieldAbsent("titleText.text")  # a title without a name does not exist
    return text


def _rating(node: object) -> float | None:
    """IMDb writes 9 where it means 9.0."""
    value = value_at(node, "ratingsSummary", "aggregateRating")
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise FieldDoubtful("ratingsSummary.aggregateRating")
    try:
        return float(value)
    except OverflowError:
        raise FieldDoubtful("ratingsSummary.aggregateRating") from None


def _first(node: object, *readers: Callable[[object], Any]) -> Any:
    """What the first reader finds; the field is doubtful if it is for one of them and none finds it."""
    doubtful: FieldDoubtful | None = None
    absent = FieldAbsent()
    for read in readers:
        try:
            return read(node)
        except FieldDoubtful as error:
            doubtful = doubtful or error
        except FieldAbsent as error:
            absent = error
    raise doubtful or absent


def _genres(node: object) -> Any:
    return _first(
        node,
        lambda node: _listed(node, ("genres", "genres"), "text"),
        lambda node: _listed(node, ("titleGenres", "genres"), "genre", "text"),
    )


def _end_year(node: object) -> int | None:
    first, last = (_optional(integer_at, node, "releaseYear", key) for key in ("year", "endYear"))
    if first is not None and last is not None and last < first:
        raise FieldDoubtful("releaseYear.endYear")
    return integer_at(node, "releaseYear", "endYear")


def _release_date(node: object) -> str | None:
    if value_at(node, "releaseDate") is None:
        return None
    return partial_date(*(integer_at(node, "releaseDate", key) for key in ("year", "month", "day")))


def _ids(node: object, *path: str) -> tuple[str, ...] | Beginning:
    return _listed(node, path, "id")


def _countries(node: object) -> tuple[str, ...] | Beginning:
    """The longer of two lists: the heading of ``/reference`` names the first country only."""
    told = [
        _ids(node, key, "countries") for key in ("countriesOfOrigin", "countriesDetails") if _get(node, key) is not None
    ]
    longest = max(told, key=lambda found: len(found.entries if isinstance(found, Beginning) else found), default=None)
    return _ids(node, "countriesOfOrigin", "countries") if longest is None else longest


def _listed(node: object, path: tuple[str, ...], *text: str) -> tuple[str, ...] | Beginning:
    """The texts of a list; a Beginning where it states a larger total, or an entry has no text."""
    holder = value_at(node, *path[:-1])
    items = list_at(holder, path[-1])
    texts = [text_at(item, *text) for item in items]
    found = tuple(dict.fromkeys(filter(None, texts)))
    damaged = not all(texts)
    return Beginning(found, damaged) if damaged or _states_more(_get(holder, "total"), len(items)) else found


def _texts(items: Iterable[object], *path: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for item in items if (text := text_at(item, *path))))


def _connection(node: object, key: str, read: Callable[[object], Any]) -> tuple[Any, ...] | Beginning:
    """The entries of a connection; a Beginning if one cannot be read, or its total or ``pageInfo`` tells of more."""
    connection = value_at(node, key)
    if connection is None:
        return ()
    every = list(entries(connection))
    found = tuple(value for entry in every if (value := read(entry)))
    damaged = len(found) < len(every)
    more = _get(_get(connection, "pageInfo"), "hasNextPage") is True or _states_more(
        _get(connection, "total"), len(every)
    )
    return Beginning(found, damaged) if more or damaged else found


def _keyword(entry: object) -> Any:
    return _first(entry, lambda entry: text_at(entry, "text"), lambda entry: text_at(entry, "keyword", "text", "text"))


def _keywords(node: object) -> Any:
    return _first(
        node,
        lambda node: _connection(node, "storylineKeywords", _keyword),
        lambda node: _connection(node, "keywords", _keyword),
    )


def _companies(node: object) -> tuple[str, ...] | Beginning:
    found = _connection(node, "production", lambda entry: text_at(entry, "company", "companyText", "text"))
    if isinstance(found, Beginning) or _get(value_at(node, "production"), "total") is not None:
        return found
    return Beginning(found) if len(found) >= _COMPANIES_SHOWN else found  # a page does not say how many there are


def _location(entry: object) -> str | None:
    return text_at(entry, "text")


def _aka(entry: object) -> AkaLine | None:
    title = text_at(entry, "text")
    if not title:
        return None
    attributes = _texts(_entries_or_none(_get(entry, "attributes")), "text")
    return AkaLine(title, _text(entry, "country", "id"), _text(entry, "language", "id"), attributes=attributes)


def _akas(node: object) -> tuple[Any, ...] | Beginning:
    found = _connection(node, "akas", _aka)
    if isinstance(found, Beginning) or _get(value_at(node, "akas"), "total") is not None:
        return found
    return Beginning(found) if found else found  # a page shows one, and does not say how many there are


def _optional(read: Callable[..., Any], node: object, *path: str) -> Any:
    with suppress(FieldAbsent):
        return read(node, *path)
    return None


def _amount(node: object, *path: str) -> int | None:
    amount = value_at(node, *path, "amount")
    if amount is None:
        return None
    if isinstance(amount, bool) or not isinstance(amount, (int, float)) or amount != amount or abs(amount) > 2**63:
        raise FieldDoubtful(".".join(path))
    if amount != int(amount):
        raise FieldDoubtful(".".join(path))
    if value_at(node, *path, "currency") is None:
        raise FieldDoubtful(".".join((*path, "currency")))  # an amount of what?
    return int(amount)


def _currency(node: object, *path: str) -> str | None:
    return text_at(node, *path, "currency") if value_at(node, *path, "amount") is not None else None


def _gross_currency(node: object) -> str | None:
    worldwide = _optional(_currency, node, "worldwideGross", "total")
    return worldwide or _currency(node, "lifetimeGross", "total")


def _domestic(node: object) -> int | None:
    amount = _amount(node, "lifetimeGross", "total")
    if amount is not None and _currency(node, "lifetimeGross", "total") != _gross_currency(node):
        raise FieldDoubtful("lifetimeGross.total.currency")  # one column holds the currency of both
    return amount


def _oscar_wins(node: object) -> int | None:
    """``None`` where the title's most prestigious award is another one."""
    summary = value_at(node, "prestigiousAwardSummary")
    if summary is None:
        return None
    award = _optional(value_at, summary, "awardNomination", "award") or value_at(summary, "award")
    event = _optional(value_at, award, "eventEdition", "event") or value_at(award, "event")
    return integer_at(summary, "wins") if text_at(event, "id") == _OSCARS else None


def _nominations(node: object) -> Any:
    return _first(
        node,
        lambda node: integer_at(node, "nominationsExcludeWins", "total"),
        lambda node: integer_at(node, "nominations", "total"),
    )


def _popularity(node: object) -> Any:
    return _first(
        node,
        lambda node: integer_at(node, "meterRanking", "currentRank"),
        lambda node: integer_at(node, "meterRank", "currentRank"),
    )


def _series_number(node: object, on_page: str, *in_graphql: str) -> int | None:
    """The number of a season or an episode; IMDb writes ``unknown`` where it has none."""
    if value_at(node, "series") is None:
        return None
    try:
        return integer_at(node, "series", "episodeNumber", on_page)
    except FieldDoubtful:
        raise
    except FieldAbsent:
        text = text_at(node, "series", "displayableEpisodeNumber", *in_graphql)
        return int(text) if text and text.isascii() and text.isdigit() else None


def _seasons(node: object) -> int | None:
    if value_at(node, "episodes") is None:
        return None
    try:
        seasons = [
            _optional(text_at, entry, "season") for entry in entries(value_at(node, "episodes", "displayableSeasons"))
        ]
        total = integer_at(node, "episodes", "displayableSeasons", "total")
    except FieldAbsent:
        numbers = [_optional(integer_at, entry, "number") for entry in list_at(node, "episodes", "seasons")]
        return sum(number is not None for number in numbers) or None
    unknown = sum(1 for season in seasons if season is not None and not season.isdigit())
    return (total or 0) - unknown or None


def _episodes(node: object) -> int | None:
    if value_at(node, "episodes") is None:
        return None
    for path in (("episodes", "episodes", "total"), ("episodes", "totalEpisodes", "total")):
        with suppress(FieldAbsent):
            return integer_at(node, *path)
    raise FieldAbsent("episodes.episodes.total")


def _cast_total(node: object) -> int | None:
    if _get(node, "castV2") is not None:
        return next((integer_at(group, "totalCredits") for group in list_at(node, "castV2")), 0)
    return integer_at(node, "cast", "total")


def _items(node: object, kind: str, key: str) -> tuple[str, ...] | Beginning:
    if value_at(node, "technicalSpecifications") is None:
        return ()
    return _listed(node, ("technicalSpecifications", kind, "items"), key)


_READERS: Final[Mapping[str, Callable[[object], Any]]] = {
    "title": _title,
    "original_title": lambda node: text_at(node, "originalTitleText", "text"),
    "kind": lambda node: text_at(node, "titleType", "id"),
    "year": lambda node: integer_at(node, "releaseYear", "year"),
    "end_year": _end_year,
    "rating": _rating,
    "votes": lambda node: integer_at(node, "ratingsSummary", "voteCount"),
    "duration_minutes": lambda node: minutes(integer_at(node, "runtime", "seconds")),
    "metascore": lambda node: integer_at(node, "metacritic", "metascore", "score"),
    "genres": _genres,
    "plot": lambda node: text_at(node, "plot", "plotText", "plainText"),
    "poster_url": lambda node: text_at(node, "primaryImage", "url"),
    "certificate": lambda node: text_at(node, "certificate", "rating"),
    "release_date": _release_date,
    "release_country": lambda node: text_at(node, "releaseDate", "country", "id"),
    "series_id": lambda node: text_at(node, "series", "series", "id"),
    "season": lambda node: _series_number(node, "seasonNumber", "displayableSeason", "season"),
    "episode": lambda node: _series_number(node, "episodeNumber", "episodeNumber", "episodeNumber"),
    "seasons": _seasons,
    "episodes": _episodes,
    "countries": _countries,
    "languages": lambda node: _ids(node, "spokenLanguages", "spokenLanguages"),
    "keywords": _keywords,
    "taglines": lambda node: _connection(node, "taglines", lambda entry: text_at(entry, "text")),
    "companies": _companies,
    "production_status": lambda node: text_at(node, "productionStatus", "currentProductionStage", "text"),
    "is_adult": lambda node: value_at(node, "isAdult"),
    "budget": lambda node: _amount(node, "productionBudget", "budget"),
    "budget_currency": lambda node: _currency(node, "productionBudget", "budget"),
    "gross_worldwide": lambda node: _amount(node, "worldwideGross", "total"),
    "gross_domestic": _domestic,
    "gross_currency": _gross_currency,
    "award_wins": lambda node: integer_at(node, "wins", "total"),
    "award_nominations": _nominations,
    "oscar_wins": _oscar_wins,
    "popularity_rank": _popularity,
    "user_reviews": lambda node: integer_at(node, "reviews", "total"),
    "critic_reviews": lambda node: integer_at(node, "criticReviewsTotal", "total"),
    "cast_total": _cast_total,
    "color": lambda node: _items(node, "colorations", "text"),
    "aspect_ratios": lambda node: _items(node, "aspectRatios", "aspectRatio"),
    "sound_mixes": lambda node: _items(node, "soundMixes", "text"),
    "locations": lambda node: _connection(node, "filmingLocations", _location),
    "akas": _akas,
}


def read_fields(part: TitlePart, *nodes: object) -> None:
    """Add all fields but the people, each from the first object that tells it whole; lists from the longest."""
    for name, read in _READERS.items():
        for node in nodes:
            try:
                value = read(node)
            except FieldDoubtful:
                part.cut.add(name)
                continue
            except FieldAbsent:
                continue
            if isinstance(value, tuple) and not isinstance(value, Beginning):
                # The heading of a page may have the first entries only, without a word that there are more.
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


# People


class _Kind(NamedTuple):
    """A kind of credit by its ids, which stay when the labels are translated."""

    category: str
    grouping: str

    def matches(self, identity: str) -> bool:
        return identity == self.category or identity.endswith("." + self.grouping)


_DIRECTOR: Final = _Kind("director", "ace5cb4c-8708-4238-9542-04641e7c8171")
_CAST: Final = _Kind("cast", "7caf7d16-5db9-4f4f-8864-d4c6e711c686")
_STARS: Final = _Kind("cast", "7510356e-fde9-438e-b3ad-0099ba6bc8ce")

_CATEGORY_OF: Final[Mapping[str, str]] = {
    "00f5faa0-5f76-4eb5-87a1-ec8d484d1779": "composer",
    "0af123ce-1605-4a51-93cf-7ad477b11832": "producer",
    "19e9f38d-89a0-4963-91c1-e3958f1d4534": "costume_department",
    "2677b7dc-373c-41d1-8b13-7bdc171ca372": "editorial_department",
    "306aa45f-30d6-4786-a7f9-b3103ebca806": "assistant_director",
    "359a8a76-1c15-4fd1-bd31-26c7e2a046f8": "set_decorator",
    "44d5f7aa-fe79-46e8-a72a-0f861c37bfff": "animation_department",
    "5c60f6fa-29f1-40a4-8fe5-b4c26a6a7db4": "casting_department",
    "60a44752-af76-44f7-9de0-ec51aea2180d": "art_director",
    "63b1f9c6-9d3b-4be6-88fc-6321c9fa5ae2": "editor",
    "67b6990c-f7de-4882-916b-dad87ec4406a": "casting_director",
    "79cc5241-902a-4d4b-971d-27a3590fa1f4": "stunts",
    "85198717-6c2d-481e-93a5-47858774bcce": "creator",
    "856eb49a-7610-47d5-9a07-c7df3f715075": "special_effects",
    "8c952a79-f27c-4e5a-be85-b114b0ecd04e": "transportation_department",
    "95338d09-b2a1-4188-ac9f-55f5255bb437": "location_management",
    "a2d21716-45de-40e2-9f7d-9de01fc34a71": "costume_designer",
    "a7c2d410-e513-4bd7-85d5-73060ec46a84": "miscellaneous",
    "aad1533c-6974-45a4-ba98-5f2f43286cfc": "music_department",
    "b3eac1a6-a62b-4f46-8b93-5331b94f6af3": "production_manager",
    "bf32c344-897c-4e0a-b401-36bfa2c3669e": "script_department",
    "c3f25a53-cdb2-4260-ab78-1ef0a6052ee1": "make_up_department",
    "c84ecaff-add5-4f2e-81db-102a41881fe3": "writer",
    "ce258419-131b-41f0-b2c5-227f5d9b719f": "sound_department",
    "ce558628-5755-438c-92d7-757518864a00": "production_designer",
    "d782ea94-18fe-4513-a71c-7cdd652ef2d8": "art_department",
    "daf5bc70-1a41-413b-af5a-af1e285bf049": "camera_department",
    "e2bf7217-c947-461b-aa58-47e27da1c78e": "cinematographer",
    "fcb0b804-e618-4044-8a74-79e94d17e3cd": "visual_effects",
}
"""IMDb's own names of the credit categories, by the id that the pages since 2025 use instead."""


class _People(NamedTuple):
    """The people of one list.

    Attributes:
        lines: those that could be read.
        listed: how many entries the list has.
        total: how many there are by the list's own account.
        more: whether the list says that it has more entries.
    """

    lines: tuple[CreditLine, ...]
    listed: int
    total: int | None = None
    more: bool = False

    @property
    def unreadable(self) -> bool:
        return len(self.lines) < self.listed


def read_people(part: TitlePart, above: object, *nodes: object) -> None:
    """Add directors, cast and the other credits.

    Args:
        part: is filled.
        above: the first object; its ``crewV2`` and ``castV2`` name only the first few.
        nodes: the other objects, or all of them.
    """
    principal = (above, *nodes)
    directors = _longest(
        (
            *_groups(nodes, "crewV2", _DIRECTOR),
            *_groups(nodes, "directors", None),
            *_groups((above,), "principalCreditsV2", _DIRECTOR),
            *_groups((above,), "principalCredits", _DIRECTOR),
            *(people for people in _groups(nodes, "principalCreditsV2", _DIRECTOR) if people.total),
            *(people for people in _groups(nodes, "principalCredits", _DIRECTOR) if people.total),
            *_groups(nodes, "creditGroupings", _DIRECTOR),
            *_groups(nodes, "creditCategories", _DIRECTOR),
            *_sections(nodes, _DIRECTOR),
        )
    )
    if directors is not None:
        _add(part, "directors", directors)
    elif few := _few(above, nodes, _DIRECTOR, "crewV2", "directorsPageTitle"):
        part.partial["directors"] = few.lines
    first = next((people.lines for people in _groups(nodes, "principalCast", None)), ())
    cast = _longest(
        (
            *_groups(nodes, "castV2", None),
            *(
                people._replace(lines=first + people.lines, listed=len(first) + people.listed)
                for people in _plain(nodes, "cast")
            ),
            *_groups(nodes, "creditGroupings", _CAST),
            *_groups(nodes, "creditCategories", _CAST),
            *_sections(nodes, _CAST),
        )
    )
    if cast is not None:
        shown = None if cast.total is None else min(cast.total, CAST_SHOWN)
        _add(part, "cast", cast._replace(total=shown, more=cast.more and cast.listed < CAST_SHOWN))
        if cast.total is not None:
            part.whole["cast_total"] = cast.total
            if cast.total < len({line.person_id for line in cast.lines}):  # fewer than there are
                del part.whole["cast_total"]
                part.cut.add("cast_total")
    elif few := _few(above, nodes, _STARS, "castV2", "castPageTitle"):
        part.partial["cast"] = few.lines
    _read_crew(part, principal)


def read_listed_people(part: TitlePart, node: object, *, whole_cast: bool = False) -> None:
    """Add the lists of a GraphQL response, where each credit of the crew names its category.

    Args:
        part: is filled.
        node: the object of the title.
        whole_cast: the cast is not bounded by what a page shows.
    """
    for name in ("directors", "cast", "crew"):
        try:
            people = _people(value_at(node, name) or [])
        except FieldAbsent:
            continue
        if name == "cast" and people.total is not None:
            part.whole["cast_total"] = people.total
        if name == "cast" and not whole_cast:
            shown = None if people.total is None else min(people.total, CAST_SHOWN)
            people = people._replace(total=shown, more=people.more and people.listed < CAST_SHOWN)
        if name != "crew":
            _add(part, name, people)
            continue
        lines = tuple(line for line in people.lines if line.category)
        if people.more or (people.total is not None and people.listed < people.total):
            part.partial["crew"] = lines
        else:
            _add(part, "crew", people._replace(lines=lines))


def _add(part: TitlePart, name: str, people: _People) -> None:
    """Add a list as whole, or as a beginning where its own total is larger.

    A list that is empty although its total is not is withheld by the site; one that is short is cut.
    """
    more = people.more or (people.total is not None and people.listed < people.total)
    if not more and not people.unreadable:
        part.whole[name] = people.lines
        return
    part.settled.add(name)
    if people.lines:
        part.partial[name] = people.lines
    if people.listed:
        part.cut.add(name)


def _read_crew(part: TitlePart, nodes: Sequence[object]) -> None:
    """Add the credits of all other categories. A title page tells only the principal ones."""
    found: dict[str, list[_People]] = {}
    every = False
    for key in ("creditCategories", "creditGroupings", "crewV2", "writers", "principalCreditsV2", "principalCredits"):
        for category, people in _categories(nodes, key):
            found.setdefault(category, []).append(people)
    for category, people in _all_sections(nodes):
        every = True
        if category in _NOT_CREW:
            continue
        found.setdefault(category, []).append(people)
    crew: list[CreditLine] = []
    complete = every
    for category, lists in found.items():
        if (best := _longest(lists)) is None:
            continue
        crew += [line._replace(category=category) for line in best.lines]
        complete &= best.total is not None and best.listed >= best.total
        if best.unreadable:
            part.cut.add("crew")
    if found:
        (part.whole if complete and "crew" not in part.cut else part.partial)["crew"] = tuple(crew)


def _few(above: object, nodes: Sequence[object], kind: _Kind, heading: str, window: str) -> _People | None:
    """The people that the page names in its heading or its window's title, for want of the lists."""
    return _longest(
        (
            *_groups((above, *nodes), "principalCreditsV2", kind),
            *_groups((above, *nodes), "principalCredits", kind),
            *_groups((above,), heading, None),
            *_groups((above, *nodes), window, None),
            *_plain((above, *nodes), window),
        )
    )


def _longest(lists: Iterable[_People]) -> _People | None:
    """The longest list, with the largest total that any of them states."""
    every = list(lists)
    if not every:
        return None
    best = max(every, key=lambda people: len(people.lines))
    return best._replace(total=max((people.total for people in every if people.total is not None), default=None))


def people_in(listed: object) -> tuple[CreditLine, ...]:
    """The people of one list, in its order. An entry that names no person is passed over.

    Raises:
        FieldAbsent: it is no list.
    """
    return _people(listed).lines


def _people(listed: object, total: object = None) -> _People:
    every = list(entries(listed))
    if isinstance(listed, dict):
        total = listed.get("total", total)
    lines = tuple(line for entry in every if (line := _credit_line(entry)) is not None)
    count = total if isinstance(total, int) and not isinstance(total, bool) and total >= 0 else None
    more = _get(_get(listed, "pageInfo"), "hasNextPage") is True or (count is None and total is not None)
    return _People(lines, len(every), count, more)


def _plain(nodes: Sequence[object], key: str) -> Iterator[_People]:
    """The people of a list that is not divided into groups, where it is there."""
    for listed in _told(nodes, key):
        with suppress(FieldAbsent):
            yield _people(listed)


def _told(nodes: Sequence[object], key: str) -> list[object]:
    """The values of a key in the objects that have it; an empty list for null."""
    return [node[key] or [] for node in nodes if isinstance(node, dict) and key in node]


def _groups(nodes: Sequence[object], key: str, kind: _Kind | None) -> Iterator[_People]:
    """The people of a list's groups of one kind, or of all its groups, where it is there."""
    for listed in _told(nodes, key):
        with suppress(FieldAbsent):
            chosen = [group for group in entries(listed) if kind is None or kind.matches(_identity(group))]
            parts = [_people(value_at(group, "credits") or [], _get(group, "totalCredits")) for group in chosen]
            totals = [people.total for people in parts if people.total is not None]
            yield _People(
                tuple(line for people in parts for line in people.lines),
                sum(people.listed for people in parts),
                sum(totals) if totals else None,
                any(people.more for people in parts),
            )


_NOT_CREW: Final = ("", "director", "cast")


def _categories(nodes: Sequence[object], key: str) -> Iterator[tuple[str, _People]]:
    """Each group of a list with IMDb's name of its category."""
    for listed in _told(nodes, key):
        with suppress(FieldAbsent):
            for group in entries(listed):
                category = "writer" if key == "writers" else _category(_identity(group))
                if category in _NOT_CREW:
                    continue
                people = _people(_get(group, "credits") or [], _get(group, "totalCredits"))
                if people.listed or people.total:
                    yield category, people


def _category(identity: str) -> str:
    """IMDb's own name of a category, empty for the groups that are none (the stars)."""
    last = identity.rpartition(".")[2]
    for kind in (_DIRECTOR, _CAST):
        if kind.matches(identity):
            return kind.category
    return _CATEGORY_OF.get(last, "" if "." in identity else identity)


def _identity(group: object) -> str:
    return _text(group, "category", "id") or _text(group, "grouping", "groupingId") or ""


def _sections(nodes: Sequence[object], kind: _Kind) -> Iterator[_People]:
    """The lists of one kind that ``/reference`` shows."""
    wanted = _category(kind.category)
    return (people for category, people in _all_sections(nodes) if category == wanted)


def _all_sections(nodes: Sequence[object]) -> Iterator[tuple[str, _People]]:
    """The lists that ``/reference`` shows, in a shape of their own."""
    for node in nodes:
        with suppress(FieldAbsent):
            for section in list_at(node, "categories"):
                items = list_at(section, "section", "items")
                lines = tuple(line for item in items if (line := _section_line(item)) is not None)
                total = _optional(integer_at, section, "section", "total")
                yield _category(text_at(section, "id") or ""), _People(lines, len(items), total)


def _section_line(item: object) -> CreditLine | None:
    with suppress(FieldAbsent):
        person_id, name = text_at(item, "id"), text_at(item, "rowTitle")
        roles = _optional(list_at, item, "characters") or []
        if person_id and name and name.strip():
            characters = tuple(role for role in roles if isinstance(role, str))
            job, attributes = _worded_remarks(_optional(text_at, item, "attributes") or "")
            return CreditLine(person_id, name, characters, () if _get(item, "isCast") else job, attributes)
    return None


def _worded_remarks(text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Jobs and attributes of ``story by / written by (as Andy W.) (uncredited) &``."""
    rest = text.removesuffix(" &").removesuffix(" and").strip()
    attributes: list[str] = []
    while rest.endswith(")"):
        depth = 0
        for place in range(len(rest) - 1, -1, -1):
            depth += {")": 1, "(": -1}.get(rest[place], 0)
            if not depth:
                break
        if depth:
            break  # a bracket that nothing opens
        attributes.insert(0, rest[place + 1 : -1].strip())
        rest = rest[:place].rstrip()
    return _distinct(rest.split(" / ")), _distinct(attributes)


def _credit_line(entry: Any) -> CreditLine | None:
    try:
        person = entry["name"]
        person_id, name = person["id"], person["nameText"]["text"]
    except (KeyError, TypeError):
        return None
    if not isinstance(person_id, str) or not isinstance(name, str) or not person_id or not name.strip():
        return None
    if entry.keys().isdisjoint(_REMARKS):
        return CreditLine(person_id, name)
    return CreditLine(person_id, name, *_remarks(entry), _text(entry, "category", "id") or "")


_REMARKS: Final = ("characters", "creditedRoles", "attributes", "jobs", "jobDetails")
_Remarks: TypeAlias = tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]


def _remarks(entry: dict[str, Any]) -> _Remarks:
    """Roles, jobs and attributes; an entry without any is common, so nothing here is an error."""
    characters: list[object] = []
    job: list[object] = []
    attributes: list[object] = []
    for role in (entry, *_entries_or_none(entry.get("creditedRoles"))):
        if not isinstance(role, dict):
            continue
        if listed := role.get("attributes"):
            for attribute in _entries_or_none(listed):
                is_job = _get(attribute, "__typename") == "JobCreditAttribute"
                (job if is_job else attributes).append(_get(attribute, "text"))
        if listed := role.get("jobs"):
            job += [_get(detail, "text") for detail in _entries_or_none(listed)]
        if listed := role.get("jobDetails"):  # on /reference to mid-2025
            for detail in _entries_or_none(listed):
                job.append(_get(_get(detail, "job"), "text"))
                attributes += [_get(attribute, "text") for attribute in _entries_or_none(_get(detail, "attributes"))]
        if played := _entries_or_none(role.get("characters")):
            characters += [_get(character, "name") for character in played]
        elif role is not entry:
            job.append(role.get("text"))  # on /reference since then; of the cast it names the characters
    return _distinct(characters), _distinct(job), _distinct(attributes)


def _entries_or_none(listed: object) -> Sequence[object]:
    """The entries of a list of either shape; none where it is no list."""
    if not listed:
        return ()
    if isinstance(listed, dict):
        listed = listed.get("edges")
        return [_get(edge, "node") for edge in listed] if isinstance(listed, list) else ()
    return listed if isinstance(listed, list) else ()


def _get(node: object, key: str) -> Any:
    return node.get(key) if isinstance(node, dict) else None


def _text(node: object, key: str, inner: str) -> str | None:
    """A text in an object in another one; ``None`` where it is not there."""
    found = _get(_get(node, key), inner)
    return found if isinstance(found, str) else None


def _distinct(texts: Sequence[object]) -> tuple[str, ...]:
    return tuple(dict.fromkeys([text for text in texts if text and isinstance(text, str)])) if texts else ()


# The island of a page

_INTERFACE_TEXTS: Final = b',"translationContext":'
_PEOPLE_KEYS: Final = (
    "principalCredits", "principalCreditsV2", "crewV2", "castV2", "directors", "writers", "cast", "principalCast",
    "creditGroupings", "creditCategories", "categories", "directorsPageTitle", "castPageTitle",
)  # fmt: skip
_FIELD_KEYS: Final = (
    "id", "titleText", "originalTitleText", "titleType", "releaseYear", "ratingsSummary", "runtime", "metacritic",
    "genres", "titleGenres", "plot", "primaryImage", "certificate", "releaseDate", "series", "episodes",
    "countriesOfOrigin", "countriesDetails", "spokenLanguages", "keywords", "storylineKeywords", "taglines",
    "production",
    "productionStatus", "isAdult", "productionBudget", "worldwideGross", "lifetimeGross", "wins",
    "nominationsExcludeWins", "nominations", "prestigiousAwardSummary", "meterRanking", "reviews",
    "criticReviewsTotal", "technicalSpecifications", "filmingLocations", "akas",
)  # fmt: skip
_KEYS: Final = _FIELD_KEYS + _PEOPLE_KEYS


_PAGE_PROPS: Final = b'{"props":{"pageProps":{'
_decode_value: Final = msgspec.json.Decoder().decode
_split: Final = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def read_island(island: bytes, own: str | None = None) -> TitlePart | None:
    """What ``__NEXT_DATA__`` tells; ``None`` when the title's objects are not where they are known to be.

    Only the objects that the readers need are built. An island of another shape than known is parsed in
    full, and read as far as it goes.

    Args:
        island: the JSON.
        own: the page's id, which an island of 2021 does not always say.

    Raises:
        NotATitlePage: the island says that it belongs to another page.
        ValueError: it is no JSON.
    """
    end = island.find(_INTERFACE_TEXTS) if island.startswith(_PAGE_PROPS) else -1
    if end >= 0:
        # The texts of the site's own buttons and menus are four fifths of the island. In a string the mark's quotes
        # would be escaped, so it can only be a key. Where it is one of another object than ``pageProps``, what is left
        # is no JSON, and the whole island is read; so is an island without a title, to see what page it is.
        with suppress(ValueError, RecursionError):
            part = _read_parts({}, _members(island[len(_PAGE_PROPS) - 1 : end] + b"}"), own)
            if part is not None and part.imdb_id and "title" in part.whole:
                return part
    with suppress(ValueError, RecursionError):
        top = _members(island)
        props = _members(top.get("props", b"{}"))
        return _read_parts(top, {**props, **_members(props.get("pageProps", b"{}"))}, own)
    return _read_document(load_json(island, unique=True), own)


def _members(document: bytes) -> dict[str, msgspec.Raw]:
    """The members of a JSON object that is written compactly, none of them twice.

    Raises:
        ValueError: it is no such object.
    """
    parts = _split(document)
    # Four characters beside each key and value, and one for the object. Of a key that is repeated, ``parts`` has only
    # the last value.
    if len(document) != (sum(map(len, parts)) + sum(map(len, parts.values())) + 4 * len(parts) + 1 if parts else 2):
        raise ValueError("not compact, or a key is repeated")
    return parts


def _read_parts(top: Mapping[str, msgspec.Raw], props: Mapping[str, msgspec.Raw], own: str | None) -> TitlePart | None:
    def value(parts: Mapping[str, msgspec.Raw], name: str) -> Any:
        return _decode_value(parts[name]) if name in parts else None

    return _read(
        value(top, "page"),
        _title_object(props.get("aboveTheFoldData")),
        _title_object(props.get("mainColumnData")),
        value(props, "urqlState"),
        value(props, "tconst") or value(top, "query"),
        own,
    )


def _title_object(raw: msgspec.Raw | None) -> dict[str, Any]:
    """The values of an object that the readers need; a RepeatedKey where a key is there twice."""
    if raw is None:
        return {}
    with suppress(ValueError):
        parts = _members(raw)
        names = [name for name in _KEYS if name in parts]
        needed = b"[" + b",".join([parts[name] for name in names]) + b"]"
        values = _decode_value(needed)
        if count_keys(msgspec.json.encode(values)) == count_keys(needed):
            return dict(zip(names, values, strict=True))
    whole = load_json(bytes(raw), unique=True)
    return whole if isinstance(whole, dict) else {}


def _read_document(document: object, own: str | None) -> TitlePart | None:
    props = _once(document, "props")
    page_props = _once(props, "pageProps")
    above, main = (_once(page_props, name) for name in ("aboveTheFoldData", "mainColumnData"))
    state = _get(props, "urqlState") or _get(page_props, "urqlState")
    said = _get(page_props, "tconst") or _get(document, "query")
    return _read(_get(document, "page"), above, main, state, said, own)


def _once(node: object, name: str) -> dict[str, object]:
    """An object that stands in another one; empty where it does not.

    Raises:
        ValueError: it is there twice.
    """
    found = _get(node, name)
    if isinstance(found, RepeatedKey):
        raise ValueError(f"the key {name} occurs more than once")
    return found if isinstance(found, dict) else {}


def _read(page: object, above: Values, main: Values, state: object, said: object, own: str | None) -> TitlePart | None:
    nodes: Sequence[Values] = (above, main)
    others: Sequence[Values] = (main,)
    if not (above or main) and (cached := tuple(_cached_titles(state, said, own))):
        # Each answer has the fields that were asked for in it; null in one does not speak for the others.
        known = {key: value for node in reversed(cached) for key, value in node.items() if value is not None}
        nodes = others = ({**cached[0], **known}, *cached)
    told = any(nodes)
    if isinstance(page, str) and not _is_title_route(page, told):
        raise NotATitlePage(f"this is IMDb's page {page[:80]!r}, not a title's")
    if not told:
        return None
    part = TitlePart("__NEXT_DATA__", _imdb_id(nodes))
    if above or main:
        twice = {key: main[key] for key in main.keys() & above.keys()}
        read_fields(part, main | above, *([twice] if twice else []))
    else:
        read_fields(part, *nodes)
    read_people(part, nodes[0], *others)
    return part


def _is_title_route(page: str, told: bool) -> bool:
    """``/title/[tconst]``, ``/title/[id]``, and what is below them if it has a title's data (``/reference``)."""
    return page.startswith("/title/[") and (told or page.endswith("]"))


def _imdb_id(nodes: Sequence[object]) -> str | None:
    for node in nodes:
        with suppress(FieldAbsent):
            if imdb_id := text_at(node, "id"):
                return imdb_id
    return None


def _cached_titles(state: object, said: object, own: str | None) -> Iterator[Values]:
    """The title's own objects in ``urqlState``, the cache of the site's GraphQL client in 2021.

    An entry's ``data`` is an object, or JSON text. Other titles are in the cache too.
    """
    wanted = said if isinstance(said, str) else _get(said, "tconst") or _get(said, "id") or own
    for entry in state.values() if isinstance(state, dict) else ():
        data = _get(entry, "data")
        if isinstance(data, str):
            with suppress(ValueError):
                data = load_json(data.encode("utf-8", "surrogatepass"), unique=True)
        for found in data.values() if isinstance(data, dict) else ():
            yield from (
                title
                for title in (found if isinstance(found, list) else [found])
                if isinstance(title, dict) and wanted and title.get("id") == wanted
            )

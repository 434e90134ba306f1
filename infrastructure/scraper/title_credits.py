"""Reads the people of a title from IMDb's JSON, which its pages and its GraphQL server share.

Where the object of a title (A, M: as in ``title_json``) has them, by year:

=========================  ==============================================================
2021, 2022 in spring       ``A.principalCredits``, ``M.directors``, ``M.writers``; cast:
                           ``M.principalCast`` and, after these, ``M.cast``
2022 in autumn, to 2025    the same, with the whole cast in ``M.cast``
from 2025                  ``A.principalCreditsV2``, ``M.crewV2``; cast: ``M.castV2``
/reference to mid-2025     ``M.creditCategories``, cut to ten; all of them in ``M.categories``
/reference since then      ``M.creditGroupings``, likewise
GraphQL                    ``directors``, ``cast`` and ``crew``, as our query names them
=========================  ==============================================================

If there are several lists, the longest is used: the principal credits are only the first few.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final, NamedTuple, TypeAlias

from domain.movie import CAST, DIRECTOR
from infrastructure.scraper.title_fields import CreditLine, TitlePart
from infrastructure.scraper.title_json import CAST_SHOWN
from infrastructure.scraper.values import (
    FieldAbsent,
    entries,
    get,
    get_entries,
    get_text,
    integer_at,
    list_at,
    optional,
    text_at,
    value_at,
)

_STARS: Final = "stars"
_PRINCIPAL: Final = ("principalCreditsV2", "principalCredits")
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
    "ace5cb4c-8708-4238-9542-04641e7c8171": DIRECTOR,
    "7caf7d16-5db9-4f4f-8864-d4c6e711c686": CAST,
    "7510356e-fde9-438e-b3ad-0099ba6bc8ce": _STARS,
}
"""IMDb's own names of the credit categories, by the id that the pages since 2025 use in every language."""


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

    @property
    def short(self) -> bool:
        """Whether there are more than are listed."""
        return self.more or (self.total is not None and self.listed < self.total)

    def as_shown(self) -> _People:
        """A cast judged by what a title page shows of it."""
        shown = None if self.total is None else min(self.total, CAST_SHOWN)
        return self._replace(total=shown, more=self.more and self.listed < CAST_SHOWN)


def read_people(part: TitlePart, above: object, *nodes: object) -> None:
    """Add directors, cast and the other credits.

    Args:
        part: is filled.
        above: the first object; its ``crewV2`` and ``castV2`` name only the first few.
        nodes: the other objects, or all of them.
    """
    directors = _longest(
        (
            *_groups(nodes, "crewV2", of=(DIRECTOR,)),
            *_groups(nodes, "directors"),
            *_groups((above,), *_PRINCIPAL, of=(DIRECTOR,)),
            *(people for people in _groups(nodes, *_PRINCIPAL, of=(DIRECTOR,)) if people.total),
            *_groups(nodes, "creditGroupings", "creditCategories", of=(DIRECTOR,)),
            *_sections(nodes, DIRECTOR),
        )
    )
    if directors is not None:
        _add(part, "directors", directors)
    elif few := _few(above, nodes, (DIRECTOR,), "crewV2", "directorsPageTitle"):
        part.partial["directors"] = few.lines
    first = next((people.lines for people in _groups(nodes, "principalCast")), ())
    cast = _longest(
        (
            *_groups(nodes, "castV2"),
            *(
                people._replace(lines=first + people.lines, listed=len(first) + people.listed)
                for people in _plain(nodes, "cast")
            ),
            *_groups(nodes, "creditGroupings", "creditCategories", of=(CAST,)),
            *_sections(nodes, CAST),
        )
    )
    if cast is not None:
        _add(part, "cast", cast.as_shown())
        part.tell("cast_total", cast.total)
        if cast.total is not None and cast.total < len({line.person_id for line in cast.lines}):  # fewer than there are
            del part.whole["cast_total"]
            part.cut.add("cast_total")
    elif few := _few(above, nodes, (CAST, _STARS), "castV2", "castPageTitle"):
        part.partial["cast"] = few.lines
    _read_crew(part, (above, *nodes))


def read_listed_people(part: TitlePart, node: object, *, whole_cast: bool = False) -> None:
    """Add the lists of a GraphQL response, where each credit of the crew names its category.

    Args:
        part: is filled.
        node: the object of the title.
        whole_cast: the cast is not bounded by what a page shows.
    """
    for name in ("directors", "cast", "crew"):
        try:
            people = people_in(value_at(node, name) or [])
        except FieldAbsent:
            continue
        if name == "cast":
            part.tell("cast_total", people.total)
            people = people if whole_cast else people.as_shown()
        elif name == "crew":
            people = people._replace(lines=tuple(line for line in people.lines if line.category))
            if people.short:
                part.partial["crew"] = people.lines
                continue
        _add(part, name, people)


def _add(part: TitlePart, name: str, people: _People) -> None:
    """Add a list as whole, or as a beginning where its own total is larger.

    A list that is empty although its total is not is withheld by the site; one that is short is cut.
    """
    if not people.short and not people.unreadable:
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
    sections = list(_all_sections(nodes))
    keys = ("creditCategories", "creditGroupings", "crewV2", "writers", *_PRINCIPAL)
    for category, people in (*(pair for key in keys for pair in _categories(nodes, key)), *sections):
        if category not in _NOT_CREW:
            found.setdefault(category, []).append(people)
    crew: list[CreditLine] = []
    complete = bool(sections)
    for category, lists in found.items():
        best = _longest(lists) or lists[0]
        crew += [line._replace(category=category) for line in best.lines]
        complete &= best.total is not None and best.listed >= best.total
        if best.unreadable:
            part.cut.add("crew")
    if found:
        (part.whole if complete and "crew" not in part.cut else part.partial)["crew"] = tuple(crew)


def _few(above: object, nodes: Sequence[object], of: tuple[str, ...], heading: str, window: str) -> _People | None:
    """Returns the people in the page's heading or window title, if the lists are missing."""
    every = (above, *nodes)
    headings = (*_groups(every, *_PRINCIPAL, of=of), *_groups((above,), heading))
    return _longest((*headings, *_groups(every, window), *_plain(every, window)))


def _longest(lists: Sequence[_People]) -> _People | None:
    """Returns the longest list, with the largest total that any of them states."""
    if not lists:
        return None
    best = max(lists, key=lambda people: len(people.lines))
    return best._replace(total=max((people.total for people in lists if people.total is not None), default=None))


def people_in(listed: object, total: object = None) -> _People:
    """Reads the people of one list, in its order. An entry without a person is skipped.

    Args:
        listed: the list.
        total: how many there are, if the list does not say so itself.

    Raises:
        FieldAbsent: it is no list.
    """
    every = entries(listed)
    if isinstance(listed, dict):
        total = listed.get("total", total)
    lines = tuple([line for entry in every if (line := _credit_line(entry)) is not None])
    count = total if isinstance(total, int) and not isinstance(total, bool) and total >= 0 else None
    more = get(get(listed, "pageInfo"), "hasNextPage") is True or (count is None and total is not None)
    return _People(lines, len(every), count, more)


def _plain(nodes: Sequence[object], key: str) -> Iterator[_People]:
    """Yields the people of a list without groups, if there is one."""
    for listed in _told(nodes, key):
        with suppress(FieldAbsent):
            yield people_in(listed)


def _told(nodes: Sequence[object], key: str) -> list[object]:
    """Returns the values of a key in the objects that have it; an empty list for null."""
    return [node[key] or [] for node in nodes if isinstance(node, dict) and key in node]


def _groups(nodes: Sequence[object], *keys: str, of: tuple[str, ...] = ()) -> Iterator[_People]:
    """Yields the people of each list's groups of these categories, or of all its groups."""
    for listed in (listed for key in keys for listed in _told(nodes, key)):
        with suppress(FieldAbsent):
            chosen = [group for group in entries(listed) if not of or _category_of_group(group) in of]
            parts = [people_in(value_at(group, "credits") or [], get(group, "totalCredits")) for group in chosen]
            totals = [people.total for people in parts if people.total is not None]
            yield _People(
                tuple(line for people in parts for line in people.lines),
                sum(people.listed for people in parts),
                sum(totals) if totals else None,
                any(people.more for people in parts),
            )


_NOT_CREW: Final = ("", DIRECTOR, CAST, _STARS)


def _categories(nodes: Sequence[object], key: str) -> Iterator[tuple[str, _People]]:
    """Yields each group of a list with IMDb's name of its category."""
    for listed in _told(nodes, key):
        with suppress(FieldAbsent):
            for group in entries(listed):
                category = "writer" if key == "writers" else _category_of_group(group)
                if category in _NOT_CREW:
                    continue
                people = people_in(get(group, "credits") or [], get(group, "totalCredits"))
                if people.listed or people.total:
                    yield category, people


def _category(identity: str) -> str:
    """Returns IMDb's name of a category; empty for an unknown id."""
    return _CATEGORY_OF.get(identity.rpartition(".")[2], "" if "." in identity else identity)


def _category_of_group(group: object) -> str:
    return _category(get_text(group, "category", "id") or get_text(group, "grouping", "groupingId") or "")


def _sections(nodes: Sequence[object], wanted: str) -> Iterator[_People]:
    """Yields the lists of one category on ``/reference``."""
    return (people for category, people in _all_sections(nodes) if category == wanted)


def _all_sections(nodes: Sequence[object]) -> Iterator[tuple[str, _People]]:
    """Yields the lists on ``/reference``, whose shape differs."""
    for listed in _told(nodes, "categories"):
        with suppress(FieldAbsent):
            for section in list_at(listed):
                items = list_at(section, "section", "items")
                lines = tuple(line for item in items if (line := _section_line(item)) is not None)
                total = optional(integer_at, section, "section", "total")
                yield _category(text_at(section, "id") or ""), _People(lines, len(items), total)


def _section_line(item: object) -> CreditLine | None:
    with suppress(FieldAbsent):
        person_id, name = text_at(item, "id"), text_at(item, "rowTitle")
        roles = optional(list_at, item, "characters") or []
        if person_id and name and name.strip():
            characters = tuple(role for role in roles if isinstance(role, str))
            job, attributes = _worded_remarks(optional(text_at, item, "attributes") or "")
            return CreditLine(person_id, name, characters, () if get(item, "isCast") else job, attributes)
    return None


def _worded_remarks(text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Splits jobs and attributes of ``story by / written by (as Andy W.) (uncredited) &``."""
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
    category = get_text(entry, "category", "id") if "category" in entry else None
    return CreditLine(person_id, name, *_remarks(entry), category or "")


_REMARKS: Final = ("characters", "attributes", "jobs", "jobDetails")
_Remarks: TypeAlias = tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]


def _remarks(entry: dict[str, Any]) -> _Remarks:
    """Reads roles, jobs and attributes, which many entries lack."""
    roles = get_entries(entry.get("creditedRoles"))
    if not entry.keys().isdisjoint(_REMARKS):
        roles = [entry, *roles]
    if not roles:
        return (), (), ()
    characters: list[object] = []
    job: list[object] = []
    attributes: list[object] = []
    for role in roles:
        if not isinstance(role, dict):
            continue
        if listed := role.get("attributes"):
            for attribute in get_entries(listed):
                is_job = get(attribute, "__typename") == "JobCreditAttribute"
                (job if is_job else attributes).append(get(attribute, "text"))
        if listed := role.get("jobs"):
            job += [get(detail, "text") for detail in get_entries(listed)]
        if listed := role.get("jobDetails"):  # on /reference to mid-2025
            for detail in get_entries(listed):
                job.append(get(get(detail, "job"), "text"))
                attributes += [get(attribute, "text") for attribute in get_entries(get(detail, "attributes"))]
        if played := get_entries(role.get("characters")):
            characters += [get(character, "name") for character in played]
        elif role is not entry:
            job.append(role.get("text"))  # on /reference since then; of the cast it names the characters
    return _distinct(characters), _distinct(job), _distinct(attributes)


def _distinct(texts: Sequence[object]) -> tuple[str, ...]:
    return tuple(dict.fromkeys([text for text in texts if text and isinstance(text, str)])) if texts else ()

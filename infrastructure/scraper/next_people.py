"""Who directed and who played, in ``__NEXT_DATA__``.

``A`` is ``aboveTheFoldData`` and ``M`` is ``mainColumnData``:

======================  ================================================================
2022, spring            ``A.principalCredits``, ``M.directors``; cast: ``M.principalCast``
                        and, after these, ``M.cast``
2022, autumn, to 2025   the same, with the whole cast in ``M.cast``
from 2025               ``A.principalCreditsV2``, ``M.crewV2``; cast: ``M.castV2``
/reference to mid-2025  ``M.creditCategories``, cut to ten; all of them in ``M.categories``
/reference since then   ``M.creditGroupings``, likewise
======================  ================================================================

Where several lists tell, the longest is taken: the principal credits are the first few.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Final, NamedTuple, TypeAlias

from infrastructure.scraper.fields import Untold, list_at, text_at, value_at
from infrastructure.scraper.people import lines, people_in
from infrastructure.scraper.reading import Credited

People: TypeAlias = tuple[Credited, ...]


class _Kind(NamedTuple):
    """A kind of credit by its ids, which stay when the labels are translated."""

    category: str
    grouping: str

    def matches(self, identity: str) -> bool:
        return identity == self.category or identity.endswith("." + self.grouping)


_DIRECTOR: Final = _Kind("director", "ace5cb4c-8708-4238-9542-04641e7c8171")
_CAST: Final = _Kind("cast", "7caf7d16-5db9-4f4f-8864-d4c6e711c686")
_STARS: Final = _Kind("cast", "7510356e-fde9-438e-b3ad-0099ba6bc8ce")


def directors(above: object, main: object) -> People | None:
    """The directors; empty when the crew is listed without one, as for series; ``None`` without any list."""
    return _longest(
        (
            *_groups(above, "principalCreditsV2", _DIRECTOR),
            *_groups(main, "crewV2", _DIRECTOR),
            *_groups(above, "principalCredits", _DIRECTOR),
            *_groups(main, "directors", None),
            *_groups(main, "creditGroupings", _DIRECTOR),
            *_groups(main, "creditCategories", _DIRECTOR),
            *_sections(main, _DIRECTOR),
        )
    )


def cast(main: object) -> People | None:
    """The cast as the page shows it; empty when it shows none; ``None`` without any list."""
    first = next(_groups(main, "principalCast", None), ())
    return _longest(
        (
            *_groups(main, "castV2", None),
            *(first + rest for rest in _plain(main, "cast")),
            *_groups(main, "creditGroupings", _CAST),
            *_groups(main, "creditCategories", _CAST),
            *_sections(main, _CAST),
        )
    )


def few_directors(above: object, main: object) -> People | None:
    """The directors that the page names in its heading or its window's title, for want of the lists."""
    return _few(above, main, _DIRECTOR, "crewV2", "directorsPageTitle")


def stars(above: object, main: object) -> People | None:
    """The players named there."""
    return _few(above, main, _STARS, "castV2", "castPageTitle")


def _few(above: object, main: object, kind: _Kind, heading: str, window: str) -> People | None:
    return _longest(
        (
            *_groups(main, "principalCreditsV2", kind),
            *_groups(main, "principalCredits", kind),
            *_groups(above, heading, None),
            *_groups(above, window, None),
            *_groups(main, window, None),
            *_plain(above, window),
            *_plain(main, window),
        )
    )


def _longest(lists: Iterable[People]) -> People | None:
    return max(lists, key=len, default=None)


def _plain(node: object, key: str) -> Iterator[People]:
    """The people of a list that is not divided into groups, if it is there."""
    with suppress(Untold):
        yield people_in(value_at(node, key))


def _groups(node: object, key: str, kind: _Kind | None) -> Iterator[People]:
    """The people of a list's groups of one kind, or of all its groups, if it is there."""
    with suppress(Untold):
        chosen = [group for group in lines(value_at(node, key)) if kind is None or kind.matches(_identity(group))]
        yield tuple(person for group in chosen for person in people_in(value_at(group, "credits")))


def _identity(group: object) -> str:
    for path in (("category", "id"), ("grouping", "groupingId")):
        with suppress(Untold):
            return text_at(group, *path) or ""
    return ""


def _sections(main: object, kind: _Kind) -> Iterator[People]:
    """The lists that ``/reference`` shows, in a shape of their own."""
    with suppress(Untold):
        for section in list_at(main, "categories"):
            if kind.matches(text_at(section, "id") or ""):
                items = list_at(section, "section", "items")
                yield tuple(credited for item in items if (credited := _shown(item)) is not None)


def _shown(item: object) -> Credited | None:
    with suppress(Untold):
        person_id, name = text_at(item, "id"), text_at(item, "rowTitle")
        roles = list_at(item, "characters") if isinstance(item, dict) and "characters" in item else []
        if person_id and name and name.strip():
            return Credited(person_id, name, tuple(role for role in roles if isinstance(role, str)))
    return None

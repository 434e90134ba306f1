"""Lists of people in IMDb's own JSON shapes, of every year.

A list is ``[…]`` or ``{"edges": [{"node": …}]}``; a line of it names a person and
the roles played, in ``characters`` or, since 2025, in ``creditedRoles``.
"""

from __future__ import annotations

from collections.abc import Iterator

from infrastructure.scraper.fields import Untold, list_at, text_at, value_at
from infrastructure.scraper.reading import Credited


def people_in(listed: object) -> tuple[Credited, ...]:
    """The people of one list, in its order. A line that names nobody is passed over.

    Raises:
        Untold: it is no list.
    """
    return tuple(credited for line in lines(listed) if (credited := _credited(line)) is not None)


def lines(listed: object) -> Iterator[object]:
    """The entries of a list, whether they are wrapped in edges and nodes or not.

    Raises:
        Untold: it is no list.
    """
    plain = listed if isinstance(listed, list) else list_at(listed, "edges")
    for line in plain:
        yield line["node"] if isinstance(line, dict) and "node" in line else line


def _credited(line: object) -> Credited | None:
    try:
        person_id, name = text_at(line, "name", "id"), text_at(line, "name", "nameText", "text")
    except Untold:
        return None
    return Credited(person_id, name, _characters(line)) if person_id and name and name.strip() else None


def _characters(line: object) -> tuple[str, ...]:
    """Roles played; a line without any is common (directors, the unnamed), so nothing here is an error."""
    try:
        if isinstance(line, dict) and "characters" in line:
            roles: list[object] = [line]
        else:
            roles = list(lines(value_at(line, "creditedRoles") or []))
        named = [text_at(character, "name") for role in roles for character in _listed(role)]
    except Untold:
        return ()
    return tuple(dict.fromkeys(text for text in named if text))


def _listed(role: object) -> Iterator[object]:
    return lines(value_at(role, "characters") or [])

"""Single values: by their path in a JSON object, and as IMDb words them in text."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Final

from infrastructure.scraper.page_bytes import original_address
from shared.countries import country_code

UNREADABLE: Final = "\ufffd"  # stands for a character that could not be read or stored

# PostgreSQL's text takes no NUL, and no store's UTF-8 takes half of a surrogate pair.
_UNSTORABLE: Final = re.compile("[\\x00\\ud800-\\udfff]")
ISO_DURATION: Final = re.compile(r"P(?!T?$)(?:(\d{1,9})D)?(?:T(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,9})S)?)?")
_MONTHS: Final = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_DATE: Final = re.compile(
    rf"(?:(?P<day>\d{{1,2}}) )?(?:(?P<month>{'|'.join(_MONTHS)}) )?(?:(?P<us_day>\d{{1,2}}), )?(?P<year>\d{{4}})"
    r"(?: \([^()]*\))?(?: See more.*)?"
)
_BRACKETS: Final = re.compile(r"\(([^()]*)\)")
_COUNT: Final = re.compile(r"\d{1,3}(?:,\d{3}){1,4}|\d{1,9}")
_RUNNING_TIME: Final = re.compile(r"(?:(\d{1,4}) ?h(?:ours?|rs?)?\b)? ?(?:(\d{1,5}) ?m(?:in(?:utes?|s)?)?\b\.?)?")
_PICTURE: Final = re.compile(
    r"((?:https?:)?//[^\s<>\"]+/images/M/[^\s<>\"/]+?)(?:\._[A-Z][^\s<>\"/]*)?\.(jpe?g|png|gif|webp)\b", re.IGNORECASE
)


class FieldAbsent(LookupError):
    """The object does not have the field."""


class FieldDoubtful(FieldAbsent):
    """The object has the field in a shape that is not known."""


def value_at(node: object, *path: str) -> object:
    """The value at the end of the path; ``None`` as soon as one step is null.

    Raises:
        FieldAbsent: a key is absent.
        FieldDoubtful: a step is no object.
    """
    for key in path:
        if node is None:
            return None
        if not isinstance(node, dict):
            raise FieldDoubtful(".".join(path))
        try:
            node = node[key]
        except KeyError:
            raise FieldAbsent(".".join(path)) from None
    return node


def text_at(node: object, *path: str) -> str | None:
    """A string at the end of the path; raises as ``value_at`` does, and FieldDoubtful for another type."""
    value = value_at(node, *path)
    if value is None or isinstance(value, str):
        return value
    raise FieldDoubtful(".".join(path))


def integer_at(node: object, *path: str) -> int | None:
    """A whole number at the end of the path; raises as ``value_at`` does, and FieldDoubtful for another type."""
    value = value_at(node, *path)
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    raise FieldDoubtful(".".join(path))


def list_at(node: object, *path: str) -> list[object]:
    """A list at the end of the path, empty for null; raises as ``value_at``, and FieldDoubtful for another type."""
    value = value_at(node, *path)
    if value is None:
        return []
    if isinstance(value, list):
        return value
    raise FieldDoubtful(".".join(path))


def entries(listed: object) -> list[object]:
    """The entries of a list, which is ``[…]`` or ``{"edges": [{"node": …}]}``.

    Raises:
        FieldAbsent: it is no list.
    """
    plain = listed if isinstance(listed, list) else list_at(listed, "edges")
    return [entry["node"] if isinstance(entry, dict) and "node" in entry else entry for entry in plain]


def storable(text: str) -> str:
    """The text with U+FFFD for each character that no store can hold."""
    return text if text.isascii() and "\0" not in text else _UNSTORABLE.sub(UNREADABLE, text)


def clean(text: str | None) -> str | None:
    """Storable, without blanks around it; ``None`` when nothing is left."""
    return None if text is None else storable(text).strip() or None


def minutes(seconds: int | None) -> int | None:
    """Whole minutes, at least one; no running time is none."""
    return None if not seconds else seconds // 60 or 1  # negative: for the domain to refuse


def partial_date(year: int | None, month: int | None, day: int | None) -> str | None:
    """ISO 8601, as precise as the parts are known: a day without a month is no date."""
    if year is None:
        return None
    if month is None:
        return f"{year:04d}"
    return f"{year:04d}-{month:02d}" + ("" if day is None else f"-{day:02d}")


def iso_seconds(duration: str) -> int | None:
    """An ISO 8601 duration (``PT2H22M``) in seconds; ``None`` if it is none."""
    match = ISO_DURATION.fullmatch(duration)
    if not match:
        return None
    days, hours, mins, seconds = (int(part or 0) for part in match.groups())
    return ((days * 24 + hours) * 60 + mins) * 60 + seconds


def count(text: str) -> int | None:
    """``2,237,134``; not ``2.2M``, which is no count but a rounding."""
    return int(text.replace(",", "")) if _COUNT.fullmatch(text) else None


def worded_date(text: str) -> str | None:
    """``March 31, 1999 (United States)``, ``31 March 1999``, ``March 1999`` or ``1999`` in ISO 8601.

    Text that is only partly understood is no date.
    """
    match = _DATE.fullmatch(text.strip())
    if not match or (match["day"] and match["us_day"]) or ((match["day"] or match["us_day"]) and not match["month"]):
        return None
    month = _MONTHS.index(match["month"]) + 1 if match["month"] else None
    day = match["day"] or match["us_day"]
    return partial_date(int(match["year"]), month, int(day) if day else None)


def worded_country(text: str) -> str | None:
    """The code of the country in ``31 March 1999 (USA)``."""
    match = _BRACKETS.search(text)
    return country_code(match[1]) if match else None


def running_minutes(text: str) -> int | None:
    """``2 hours 16 minutes``, ``2h 16m (136 min)``, ``2h 16min``; the first running time of several.

    Text that is only partly understood (``2 ore e 16 minuti``) is no running time.
    """
    match = _RUNNING_TIME.fullmatch(text.partition("(")[0].strip())
    if not match or not any(match.groups()):
        return None
    hours, mins = (int(part or 0) for part in match.groups())
    return None if match[1] and mins >= 60 else hours * 60 + mins or None


def full_size(address: str) -> str | None:
    """The address of the whole picture: without an archive's prefix, and without the size and crop in its name.

    ``None`` for the site's own placeholders, which are not under ``/images/M/``.
    """
    match = _PICTURE.match(original_address(address))
    return f"{'https:' * match[1].startswith('//')}{match[1]}._V1_.{match[2]}" if match else None


def optional(read: Callable[..., Any], node: object, *path: str, **options: Any) -> Any:
    """What one of the readers above gives; ``None`` where the key is absent."""
    with suppress(FieldAbsent):
        return read(node, *path, **options)
    return None


def get(node: object, key: str) -> Any:
    """The value of a key; ``None`` where it is absent, or the node is no object."""
    return node.get(key) if isinstance(node, dict) else None


def get_text(node: object, key: str, inner: str) -> str | None:
    """A text in an object in another one; ``None`` where it is absent or no text."""
    found = get(get(node, key), inner)
    return found if isinstance(found, str) else None


def get_entries(listed: object) -> Sequence[object]:
    """The entries of a list of either shape; none where it is no list."""
    if isinstance(listed, dict):
        edges = listed.get("edges") or ()
        return [get(edge, "node") for edge in edges] if isinstance(edges, list) else ()
    return listed if isinstance(listed, list) else ()

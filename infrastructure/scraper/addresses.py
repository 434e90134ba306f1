"""Where a page says that it lives, read off its bytes."""

from __future__ import annotations

import re
from typing import Final

_TAG: Final = re.compile(rb"""<(?:link|meta)\b((?:[^>"']++|"[^"]{0,600}"|'[^']{0,600}')*+)""", re.IGNORECASE)
_IS_ADDRESS: Final = re.compile(rb"""(?:rel|property)\s*=\s*["']?(?:canonical|og:url)(?:["'\s]|$)""", re.IGNORECASE)
_VALUE: Final = re.compile(rb"""(?:href|content)\s*=\s*["']?(https?://[^"'\s<>]+)""", re.IGNORECASE)
_TITLE: Final = re.compile(
    r"https?://[^/]+(?:/[a-z]{2}(?:-[a-z]{2,3})?)?/title/(tt[0-9]+)(?:/(?:reference|maindetails|combined)?/?)?(?:[?#].*)?",
    re.IGNORECASE,
)


def addresses(body: bytes) -> tuple[str, ...]:
    """What ``<link rel="canonical">`` and ``<meta property="og:url">`` name, without repeats."""
    tags = (tag[1] for tag in _TAG.finditer(body) if _IS_ADDRESS.search(tag[1]))
    found = (value for tag in tags for value in _VALUE.findall(tag))
    return tuple(dict.fromkeys(value.decode("ascii", "replace") for value in found))


def title_id(address: str) -> str | None:
    """The IMDb id, if this is the address of a title's own page, in any language, and not of one below it."""
    match = _TITLE.fullmatch(address)
    return match[1] if match else None

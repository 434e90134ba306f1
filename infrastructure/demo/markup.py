"""Small pieces of IMDb's markup that title and chart pages share."""

from __future__ import annotations

import html
import re
from typing import Final

_UNWRITABLE: Final = re.compile("[\x00\ud800-\udfff]")

STAR: Final = (
    '<svg width="24" height="24" xmlns="http://www.w3.org/2000/svg" class="ipc-icon ipc-icon--star-inline" '
    'viewBox="0 0 24 24" fill="currentColor" role="presentation"><path d="M12 2l3 7 7 .6-5.3 4.6 1.6 7L12 17.5 '
    '5.7 21.200 7.300 14.200 2 9.600l7-.6z"></path></svg>'
)
MONTHS: Final = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip


def text(value: str) -> str:
    """Text for the DOM: escaped, and without what no UTF-8 page can hold."""
    return html.escape(_UNWRITABLE.sub("\ufffd", value))


def inline_item(content: str) -> str:
    """An entry of one of IMDb's one-line lists; the content is markup."""
    return f'<li role="presentation" class="ipc-inline-list__item">{content}</li>'


def link(href: str, content: str, css: str = "ipc-link ipc-link--baseAlt ipc-link--inherit-color") -> str:
    """A link as IMDb writes it; the content is markup."""
    return f'<a class="{css}" tabindex="0" aria-disabled="false" href="{href}">{content}</a>'


def duration(seconds: int) -> str:
    """``2h 22m``, ``45m``, ``2h``."""
    hours, minutes = divmod(seconds // 60, 60)
    return " ".join(part for part in (f"{hours}h" if hours else "", f"{minutes}m" if minutes else "") if part)


def short_count(votes: int) -> str:
    """``2.2M``, ``85K``, ``3``."""
    if votes >= 1_000_000:
        return f"{votes / 1_000_000:.1f}M"
    return f"{votes // 1000}K" if votes >= 1000 else str(votes)

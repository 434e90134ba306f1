"""Asking an image server for the size that is needed instead of the largest."""

from __future__ import annotations

import re
from typing import Final

_SIZABLE: Final = re.compile(r"(?P<stem>.+)\._V1_[^/]*\.(?P<suffix>jpe?g|png|webp)", re.IGNORECASE)


def sized(url: str, width: int) -> str:
    """The address of the same picture at ``width`` pixels, where its form allows to ask.

    IMDb's image server takes instructions between ``._V1_`` and the suffix:
    ``UX720`` scales to a width and never enlarges. Any other address is answered
    as it is.
    """
    match = _SIZABLE.fullmatch(url)
    return url if match is None else f"{match['stem']}._V1_UX{width}_.{match['suffix']}"

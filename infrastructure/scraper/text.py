"""Text as both stores can hold it."""

from __future__ import annotations

import re
from typing import Final

# PostgreSQL's text takes no NUL, and neither store's UTF-8 takes half of a surrogate pair.
_UNSTORABLE: Final = re.compile("[\\x00\\ud800-\\udfff]")


def storable(text: str) -> str:
    """The text with each character that no store can hold turned into U+FFFD."""
    return text if text.isascii() and "\0" not in text else _UNSTORABLE.sub("\ufffd", text)


def clean(text: str | None) -> str | None:
    """Storable, without blanks around it; ``None`` when nothing is left."""
    return None if text is None else storable(text).strip() or None

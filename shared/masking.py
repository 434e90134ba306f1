"""Masks secrets in text before it is written anywhere."""

from __future__ import annotations

import re
import threading
from typing import Final
from urllib.parse import quote, quote_plus

from shared.secret import Secret

_MASK: Final = "***"
_SHORTEST: Final = 4  # masking every "a" would make the text unreadable and hide nothing
_URL_CREDENTIALS: Final = re.compile(r"(?<=://)[^\s/?#'\"<>]*@")

_PASSWORD: Final = re.compile(r"(?i)\b(password|passwd|pwd)(\s*=\s*)('(?:[^'\\]|\\.)*'|[^\s'\"&,;]+)")

_lock = threading.Lock()
_secrets: set[str] = set()
_pattern: re.Pattern[str] | None = None


def register(*secrets: Secret) -> None:
    """Registers secrets to be masked, also in their URL-encoded forms.

    Secrets of fewer than four characters are not masked.
    """
    global _pattern  # one process, one set of secrets
    with _lock:
        for secret in secrets:
            text = secret.reveal()
            _secrets.update(form for form in (text, quote(text, safe=""), quote_plus(text)) if len(text) >= _SHORTEST)
        if _secrets:
            longest_first = sorted(_secrets, key=lambda text: (-len(text), text))
            _pattern = re.compile("|".join(map(re.escape, longest_first)))


def mask(text: str) -> str:
    """The text without registered secrets, without users and passwords in URLs and without ``password=...``."""
    if "@" in text:
        text = _URL_CREDENTIALS.sub(_MASK + "@", text)
    if "=" in text:
        text = _PASSWORD.sub(rf"\1\2{_MASK}", text)
    pattern = _pattern
    return pattern.sub(_MASK, text) if pattern is not None else text

"""Secrets, and how they are kept out of everything that is shown or written.

Addresses in settings may contain ``user:password``. It is sent as authentication and never shown: code that stores or
prints an address uses the first part of ``split_user_info`` or ``mask_user_info``.
"""

from __future__ import annotations

import base64
import re
import threading
from typing import Final
from urllib.parse import quote, quote_plus, unquote_to_bytes


class Secret:
    """A password or a connection string; only ``reveal`` returns it."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself, for the one call that needs it."""
        return self._text

    def __bool__(self) -> bool:
        return bool(self._text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash((Secret, self._text))

    def __repr__(self) -> str:
        return "Secret('***')" if self._text else "Secret('')"

    __str__ = __repr__


# --- user information in web addresses --------------------------------------------

_MASK: Final = "***"
_NONE: Final = Secret("")


def split_user_info(url: str) -> tuple[str, Secret]:
    """Returns the address without user information, and ``user:password`` as it was written; empty if there is none.

    Passwords are often pasted unescaped. An ``@`` behind a host that cannot be one (``http://user:pa/ss@host``)
    therefore ends the user information too.
    """
    scheme, separator, rest = url.partition("://")
    if not separator or "@" not in rest:
        return url, _NONE
    end = min((place for mark in "/?#" if (place := rest.find(mark)) >= 0), default=len(rest))
    if "@" not in rest[:end] and not _has_bad_port(rest[:end]):
        return url, _NONE
    written, _, address = (rest if "@" not in rest[:end] else rest[:end]).rpartition("@")
    tail = rest[end:] if "@" in rest[:end] else ""
    return f"{scheme}://{address}{tail}", Secret(written)


def mask_user_info(url: str) -> str:
    """The address with ``***`` in place of its user information."""
    address, user_info = split_user_info(url)
    return address.replace("://", f"://{_MASK}@", 1) if user_info else address


def basic_authorization(user_info: Secret) -> Secret:
    """The value of an Authorization header for the ``user:password`` of an address (RFC 7617), in UTF-8."""
    user, _, password = user_info.reveal().partition(":")
    credentials = unquote_to_bytes(user) + b":" + unquote_to_bytes(password)
    return Secret("Basic " + base64.b64encode(credentials).decode("ascii"))


def passwords(user_info: Secret) -> tuple[Secret, ...]:
    """The parts of ``user:password`` that must not appear in any output, as written and decoded."""
    _, _, password = user_info.reveal().partition(":")
    decoded = unquote_to_bytes(password).decode("utf-8", errors="replace")
    return tuple(Secret(form) for form in dict.fromkeys((password, decoded)) if form)


def _has_bad_port(authority: str) -> bool:
    _, colon, port = authority.rpartition(":")
    return bool(colon) and "]" not in port and bool(port) and not port.isdecimal()


# --- masking ---------------------------------------------------------------------

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

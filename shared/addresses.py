"""User information in web addresses: ``http://user:password@host``.

Addresses in settings may contain it. It is sent as authentication and never shown: code that stores or prints an
address uses the first part of ``split_user_info`` or ``mask_user_info``.
"""

from __future__ import annotations

import base64
from typing import Final
from urllib.parse import unquote_to_bytes

from shared.secret import Secret

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

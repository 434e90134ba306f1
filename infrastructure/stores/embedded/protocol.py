"""The messages between the supervisor and its users.

A user keeps a stream socket to the supervisor open as long as it needs the
server; the kernel closes it when the user ends, for any reason. The supervisor
writes lines of JSON:

- ``{"state": "ready", ...}`` once the server accepts connections, or
- ``{"state": "failed", "message": ...}`` if it cannot start; then
- ``{"state": "left"}`` or ``{"state": "stopped"}`` after the user has closed its
  sending side: others still need the server, or the last user has left.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator

READY = "ready"
FAILED = "failed"
LEFT = "left"
STOPPED = "stopped"

Message = dict[str, str | int]


def send(connection: socket.socket, message: Message) -> bool:
    """Writes one message; False if the other side has closed."""
    try:
        connection.sendall(json.dumps(message).encode() + b"\n")
    except OSError:
        return False
    return True


class Lines:
    """Splits the bytes that arrive into messages."""

    def __init__(self) -> None:
        self._buffer = b""

    def feed(self, data: bytes) -> Iterator[Message]:
        """The messages that are complete with these bytes."""
        *whole, self._buffer = (self._buffer + data).split(b"\n")
        for line in whole:
            yield json.loads(line)

"""What the supervisor and its users say to each other.

A user holds a stream socket to the supervisor for as long as it needs the
server; the kernel closes it whatever ends the user. The supervisor writes lines
of JSON:

- ``{"state": "ready", ...}`` once the server takes connections, or
- ``{"state": "failed", "message": ...}`` if it never will; then
- ``{"state": "left"}`` or ``{"state": "stopped"}`` after the user has closed its
  sending side: others still need the server, or the last one is out.
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
    """Write one message; False if the other side is gone."""
    try:
        connection.sendall(json.dumps(message).encode() + b"\n")
    except OSError:
        return False
    return True


class Lines:
    """Takes messages out of the bytes as they arrive."""

    def __init__(self) -> None:
        self._buffer = b""

    def feed(self, data: bytes) -> Iterator[Message]:
        """The messages that are complete with these bytes."""
        *whole, self._buffer = (self._buffer + data).split(b"\n")
        for line in whole:
            yield json.loads(line)

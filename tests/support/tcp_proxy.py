"""A TCP proxy on loopback that can cut, freeze and delay what passes through it."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from types import TracebackType


class TcpProxy:
    """Forwards connections to ``target`` (a port on loopback) while it is open as a context.

    Attributes:
        delay: seconds that every piece is held back.
    """

    def __init__(self, target: int) -> None:
        self._target = target
        self.delay = 0.0
        self._flowing = threading.Event()
        self._flowing.set()
        self._lose_reply = threading.Event()
        self._closed = threading.Event()
        self._lock = threading.Lock()
        self._open: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]

    def __enter__(self) -> TcpProxy:
        self._start(self._accept)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closed.set()
        self._flowing.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()
        for thread in self._threads:
            thread.join()

    def cut(self) -> None:
        """Reset every connection there is."""
        with self._lock:
            victims, self._open = self._open, []
        for victim in victims:
            with contextlib.suppress(OSError):
                victim.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                victim.shutdown(socket.SHUT_RDWR)
            victim.close()

    def freeze(self) -> None:
        """Take everything and pass nothing on, without a sign to either side."""
        self._flowing.clear()

    def thaw(self) -> None:
        """Pass on again what was held back, and all that follows."""
        self._flowing.set()

    def lose_next_reply(self) -> None:
        """Let the next piece from a client through, and reset everything when the answer comes."""
        self._lose_reply.set()

    def _accept(self) -> None:
        while not self._closed.is_set():
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(("127.0.0.1", self._target))
            except OSError:
                client.close()
                continue
            with self._lock:
                self._open += [client, server]
            self._start(self._forward, client, server, False)
            self._start(self._forward, server, client, True)

    def _forward(self, source: socket.socket, sink: socket.socket, replies: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                self._flowing.wait()
                if self._closed.wait(self.delay):
                    break
                if replies and self._lose_reply.is_set():
                    self._lose_reply.clear()
                    self.cut()
                    break
                sink.sendall(data)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_WR)

    def _start(self, target: object, *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

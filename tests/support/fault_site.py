"""A web server over real sockets whose answers a test defines byte by byte."""

from __future__ import annotations

import contextlib
import gzip
import os
import socket
import ssl
import struct
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType

PAGE = b"<!DOCTYPE html><html><head><title>Invented</title></head><body>" + b"<p>words</p>" * 2000 + b"</body></html>"
CHALLENGE = b"<html><script>window.gokuProps = {};</script><div id='challenge-container'></div></html>"


@dataclass(frozen=True, slots=True)
class Seen:
    """One request as it came in."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    client: tuple[str, int]


Reply = Callable[[socket.socket, Seen], None]


def reply(
    status: int = 200, body: bytes = PAGE, headers: Mapping[str, str] | None = None, *, length: int | None = None
) -> Reply:
    """An answer; ``length`` is what Content-Length says when it is not the truth."""

    def send(connection: socket.socket, _: Seen) -> None:
        lines = {"Content-Type": "text/html", "Content-Length": str(len(body) if length is None else length)}
        lines.update(headers or {})
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        connection.sendall(f"HTTP/1.1 {status} Said\r\n{head}\r\n".encode() + body)

    return send


def compressed(body: bytes = PAGE, *, cut: int = 0) -> Reply:
    """A gzip answer, the last ``cut`` bytes of it missing though its length is right."""
    packed = gzip.compress(body)
    return reply(body=packed[: len(packed) - cut], headers={"Content-Encoding": "gzip"})


def cut_off(connection: socket.socket, seen: Seen) -> None:
    """Sends half a body and closes the connection."""
    reply(body=PAGE[: len(PAGE) // 2], length=len(PAGE))(connection, seen)
    connection.shutdown(socket.SHUT_RDWR)


def cut_off_chunks(connection: socket.socket, _: Seen) -> None:
    """Sends one chunk of a chunked body and closes the connection."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
    connection.shutdown(socket.SHUT_RDWR)


def reset(connection: socket.socket, _: Seen) -> None:
    """Resets the connection."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    os.close(connection.detach())


def garbage(connection: socket.socket, _: Seen) -> None:
    """Sends something that is not HTTP."""
    connection.sendall(b"\x00\x01\x02 220 this is no web server\r\n\r\n")
    connection.shutdown(socket.SHUT_RDWR)


class FaultSite:
    """Answers each path with its list of replies, one after the other; the last one again and again.

    A path without a list gets a page. ``seen`` holds all requests in their order.
    Replies run in the connection's own thread; ``stopping`` is set when the site
    closes, for replies that take their time.
    """

    def __init__(self, host: str = "127.0.0.1", *, tls: ssl.SSLContext | None = None) -> None:
        self._listener = socket.create_server((host, 0), backlog=256)
        self.host, self.port = self._listener.getsockname()[:2]
        self.url = f"{'https' if tls else 'http'}://{host}:{self.port}"
        self._tls = tls
        self.seen: list[Seen] = []
        self.stopping = threading.Event()
        self._plans: dict[str, list[Reply]] = {}
        self._default: Reply = reply()
        self._lock = threading.Lock()
        self._connections: set[socket.socket] = set()
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def plan(self, path: str, *replies: Reply) -> str:
        """Set the replies of a path; answers its address. ``*`` is every path without its own."""
        if path == "*":
            self._default = replies[0]
            return self.url
        self._plans[path] = list(replies)
        return self.url + path

    def count(self) -> Counter[str]:
        """Requests by path."""
        with self._lock:
            return Counter(seen.path for seen in self.seen)

    def drip(self, body: bytes = PAGE, interval: float = 0.05) -> Reply:
        """An answer that comes byte by byte, for as long as the site is up."""

        def send(connection: socket.socket, _: Seen) -> None:
            connection.sendall(f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n".encode())
            for place in range(len(body)):
                if self.stopping.wait(interval):
                    return
                connection.sendall(body[place : place + 1])

        return send

    def silence(self, connection: socket.socket, _: Seen) -> None:
        """No answer, for as long as the site is up."""
        self.stopping.wait()

    def _accept(self) -> None:
        while not self.stopping.is_set():
            try:
                connection, client = self._listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=(connection, client), daemon=True)
            with self._lock:
                self._connections.add(connection)
                self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket, client: tuple[str, int]) -> None:
        with contextlib.suppress(OSError), self._secured(connection) as secured, secured.makefile("rb") as stream:
            while line := stream.readline():
                method, path, _ = line.decode("latin-1").split(" ", 2)
                headers: dict[str, str] = {}
                while (header := stream.readline().strip()) != b"":
                    name, _, value = header.decode("latin-1").partition(":")
                    headers[name.lower()] = value.strip()
                seen = Seen(method, path, headers, stream.read(int(headers.get("content-length", 0))), client)
                self._next(seen)(secured, seen)
                if headers.get("connection", "").lower() == "close":
                    secured.shutdown(socket.SHUT_RDWR)

    def _secured(self, connection: socket.socket) -> socket.socket:
        return self._tls.wrap_socket(connection, server_side=True) if self._tls else connection

    def _next(self, seen: Seen) -> Reply:
        with self._lock:
            self.seen.append(seen)
            plan = self._plans.get(seen.path)
            if plan is None:
                return reply(404, b"") if seen.path == "/robots.txt" else self._default
            return plan.pop(0) if len(plan) > 1 else plan[0]

    def close(self) -> None:
        """Stop, and end all connections."""
        self.stopping.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            connections, threads = tuple(self._connections), tuple(self._threads)
        for connection in connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in threads:
            thread.join(5)

    def __enter__(self) -> FaultSite:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

"""Answers that break the protocol: cut, reset, slow, mislabelled, or far too large once unpacked."""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from infrastructure.demo.body import Body, Shared, gzipped
from infrastructure.demo.faults import Fault
from infrastructure.demo.messages import Answer, Request
from infrastructure.demo.refusals import REFUSALS, WORDY
from infrastructure.demo.site import Site

_MEGABYTE: Final = 1024 * 1024
_FOREVER: Final = 3600.0


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request whose answer is about to go out.

    ``close``: the visitor wants the connection closed. ``argument``: the fault's, where there is one.
    """

    request: Request
    site: Site
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    close: bool
    argument: str = ""

    def proper(self) -> Answer:
        """What the site would have answered."""
        return self.site.answer(self.request)


Delivery: TypeAlias = Callable[[Exchange], Awaitable[bool]]


def check(fault: Fault) -> None:
    """Whether the site can do this.

    Raises:
        ValueError: no; the message says what is wrong.
    """
    status = fault.action.isdigit() and 200 <= int(fault.action) < 600
    if not (status or fault.action in REFUSALS or fault.action in DELIVERIES):
        names = ", ".join(sorted({*REFUSALS, *DELIVERIES}))
        raise ValueError(f"{fault.action!r} is neither a status code nor one of {names}")
    if not status and fault.action not in WORDY and not re.fullmatch(r"\d*(\.\d+)?", fault.argument):
        raise ValueError(f"{fault.action}:{fault.argument} needs a number")


async def deliver(action: str, exchange: Exchange) -> bool:
    """Answer as the action says; whether the connection may be used again."""
    return await DELIVERIES[action](exchange)


async def send(writer: asyncio.StreamWriter, request: Request | None, answer: Answer, *, close: bool) -> None:
    """Answer properly."""
    head = answer.head(length=answer.body.length, close=close)
    if request is not None and request.method == "HEAD":
        writer.write(head)
    else:
        writer.writelines((head, *answer.body.parts))
    await writer.drain()


async def _cut(exchange: Exchange) -> bool:
    answer = exchange.proper()
    body = answer.body.joined()
    sent = body[: int(exchange.argument) if exchange.argument else len(body) // 2]
    exchange.writer.writelines((answer.head(length=len(body), close=False), sent))
    await exchange.writer.drain()
    return False


async def _reset(exchange: Exchange) -> bool:
    if exchange.argument:
        answer = exchange.proper()
        body = answer.body.joined()
        exchange.writer.writelines((answer.head(length=len(body), close=False), body[: int(exchange.argument)]))
        await exchange.writer.drain()
        await asyncio.sleep(0.05)  # so that the bytes leave before the reset overtakes them
    connection: socket.socket = exchange.writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    exchange.writer.transport.abort()
    return False


async def _drip(exchange: Exchange) -> bool:
    """Ten small pieces a second, together as many bytes a second as the argument says, 1,000 by default."""
    answer = exchange.proper()
    body = answer.body.joined()
    step = max(1, int(exchange.argument or 1000) // 10)
    exchange.writer.write(answer.head(length=len(body), close=False))
    for start in range(0, len(body), step):
        exchange.writer.write(body[start : start + step])
        await exchange.writer.drain()
        await asyncio.sleep(0.1)
    return not exchange.close


async def _hang(exchange: Exchange) -> bool:
    with contextlib.suppress(TimeoutError):
        seconds = float(exchange.argument or _FOREVER)
        await asyncio.wait_for(exchange.reader.read(1), seconds)  # or until the visitor gives up
    return False


async def _slow(exchange: Exchange) -> bool:
    await asyncio.sleep(float(exchange.argument or 1))
    await send(exchange.writer, exchange.request, exchange.proper(), close=exchange.close)
    return not exchange.close


async def _wrong_length(exchange: Exchange) -> bool:
    """Content-Length says fewer bytes than come."""
    answer = exchange.proper()
    told = max(0, answer.body.length - int(exchange.argument or 100))
    exchange.writer.writelines((answer.head(length=told, close=False), *answer.body.parts))
    await exchange.writer.drain()
    return False


async def _bad_gzip(exchange: Exchange) -> bool:
    body = bytearray(gzipped([exchange.proper().body.joined()]).joined())
    middle = len(body) // 2
    body[middle : middle + 64] = b"\xff" * len(body[middle : middle + 64])
    return await _send_body(exchange, Body((bytes(body),), gzipped=True))


async def _not_gzip(exchange: Exchange) -> bool:
    """Says gzip, is none."""
    return await _send_body(exchange, Body((b"<html>not compressed at all</html>",), gzipped=True))


async def _bomb(exchange: Exchange) -> bool:
    """So many megabytes of zeros, 200 by default, in a thousandth of that."""
    zeros = Shared.of(bytes(_MEGABYTE))
    return await _send_body(exchange, gzipped([zeros] * int(exchange.argument or 200)))


async def _send_body(exchange: Exchange, body: Body) -> bool:
    answer = replace(exchange.proper(), body=body)
    await send(exchange.writer, exchange.request, answer, close=exchange.close)
    return not exchange.close


async def _chunked(exchange: Exchange) -> bool:
    await _send_chunks(exchange, exchange.proper().body.joined())
    exchange.writer.write(b"0\r\n\r\n")
    await exchange.writer.drain()
    return not exchange.close


async def _cut_chunked(exchange: Exchange) -> bool:
    body = exchange.proper().body.joined()
    await _send_chunks(exchange, body[: len(body) // 2])
    return False


async def _send_chunks(exchange: Exchange, body: bytes) -> None:
    answer = exchange.proper()
    chunked = replace(answer, headers=(*answer.headers, ("Transfer-Encoding", "chunked")))
    exchange.writer.write(chunked.head(length=None, close=exchange.close))
    for start in range(0, len(body), 16_384):
        chunk = body[start : start + 16_384]
        exchange.writer.writelines((f"{len(chunk):x}\r\n".encode(), chunk, b"\r\n"))
        await exchange.writer.drain()


async def _not_http(exchange: Exchange) -> bool:
    exchange.writer.write(b"\x15\x03\x01\x00\x02\x02\x50 this is no HTTP\r\n\r\n")
    await exchange.writer.drain()
    return False


DELIVERIES: Final[dict[str, Delivery]] = {
    "cut": _cut,  # the body ends early; the argument is after how many bytes, half by default
    "reset": _reset,  # RST instead of an answer, or after so many bytes of the body
    "drip": _drip,
    "hang": _hang,  # no answer at all, for so many seconds
    "slow": _slow,  # a proper answer, so many seconds late
    "wrong-length": _wrong_length,
    "bad-gzip": _bad_gzip,
    "not-gzip": _not_gzip,
    "bomb": _bomb,
    "chunked": _chunked,  # nothing wrong with it
    "cut-chunked": _cut_chunked,
    "not-http": _not_http,
}

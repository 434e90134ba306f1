"""HTTP/1.1 over asyncio streams, with the socket near enough to break the protocol on purpose.

A web framework would answer well-formed HTTP only; cut bodies, resets and
drips are half of this site's work.
"""

from __future__ import annotations

import asyncio
import json
import logging
import socket
from dataclasses import replace
from typing import Any, Final

from infrastructure.demo.faults import Fault, FaultPlan
from infrastructure.demo.messages import Answer, Request
from infrastructure.demo.misbehaviour import Exchange, check, deliver, send
from infrastructure.demo.options import DemoOptions
from infrastructure.demo.refusals import refuse
from infrastructure.demo.request_log import RequestLog
from infrastructure.demo.site import Site

_log = logging.getLogger(__name__)
_MAX_HEAD: Final = 64 * 1024
_MAX_BODY: Final = 1024 * 1024
_SEND_BUFFER: Final = 1024 * 1024  # a whole page in one send: nothing to copy, no second wake-up
_ADMIN: Final = "/_demo/"


class DemoServer:
    """Serves a site on a socket that listens already."""

    def __init__(self, options: DemoOptions, listener: socket.socket, site: Site) -> None:
        self._listener = listener
        self._latency = options.latency
        self._site = site
        self._visits = RequestLog()
        self._seed = options.seed
        self._plan = self._planned([*options.faults])

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until ``stop`` is set; connections still open are dropped."""
        server = await asyncio.start_server(self._connected, sock=self._listener, limit=_MAX_HEAD, backlog=1024)
        await stop.wait()
        server.close()  # without waiting: from Python 3.12 on that would last as long as the last visitor stays

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection: socket.socket = writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
        client = str(writer.get_extra_info("peername")[0])
        try:
            while (request := await _read(reader, client)) is not None:
                close = request.headers.get("connection", "").lower() == "close"
                if request.path.startswith(_ADMIN):
                    await send(writer, request, self._administer(request), close=close)
                elif not await self._serve(Exchange(request, self._site, reader, writer, close)):
                    break
                if close:
                    break
        except (ConnectionError, TimeoutError, asyncio.IncompleteReadError):
            _log.debug("visitor %s left in the middle", client)
        except (ValueError, asyncio.LimitOverrunError) as error:
            await send(writer, None, Answer.text(400, f"{error}\n", "text/plain"), close=True)
        except asyncio.CancelledError:
            _log.debug("the site stops with visitor %s connected", client)  # the task ends here anyway
        finally:
            writer.close()

    async def _serve(self, exchange: Exchange) -> bool:
        """Answer well or badly; whether the connection may be used again."""
        request = exchange.request
        with self._visits.visit(request) as visit:
            fault = self._plan.next(request)
            if self._latency:
                await asyncio.sleep(self._latency)
            if fault is None:
                answer = self._site.answer(request)
            else:
                visit.fault = fault.action
                refused = refuse(fault.action, fault.argument, request, self._site)
                if refused is None:
                    return await deliver(fault.action, replace(exchange, argument=fault.argument))
                answer = refused
            visit.status = answer.status
            visit.size = answer.body.length
            await send(exchange.writer, request, answer, close=exchange.close)
            return True

    def _planned(self, faults: list[str | dict[str, Any]]) -> FaultPlan:
        plan = FaultPlan([Fault.from_json(fault) for fault in faults], self._seed)
        for fault in plan.faults:
            check(fault)
        return plan

    def _administer(self, request: Request) -> Answer:
        match request.method, request.path.removeprefix(_ADMIN):
            case "GET", "log":
                return Answer.json(self._visits.report(visits="visits" in request.query))
            case "GET", "faults":
                return Answer.json([fault.to_json() for fault in self._plan.faults])
            case "POST", "faults":
                try:
                    self._plan = self._planned(json.loads(request.body))
                except (ValueError, TypeError, AttributeError) as error:
                    return Answer.json({"error": str(error)}, status=400)
                return Answer.json({})
            case "POST", "reset":
                self._visits.clear()
                return Answer.json({})
            case "GET", "ids":
                return Answer.text(200, "".join(f"{i}\n" for i in self._site.catalogue.ids()), "text/plain")
        return Answer.json({"error": f"no {request.method} {request.path}"}, status=404)


async def _read(reader: asyncio.StreamReader, client: str) -> Request | None:
    """The next request of a connection, or None once the visitor has closed it.

    Raises:
        ValueError: this is not HTTP, or too much of it.
        asyncio.LimitOverrunError: the head is too long.
        asyncio.IncompleteReadError: the visitor left in the middle of a request.
    """
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as error:
        if not error.partial:
            return None
        raise
    first, *lines = head.decode("latin-1").split("\r\n")[:-2]
    method, target, version = first.split(" ")
    if not version.startswith("HTTP/1."):
        raise ValueError(f"{version} is not HTTP/1.1")
    headers = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    length = int(headers.get("content-length", "0"))
    if not 0 <= length <= _MAX_BODY:
        raise ValueError(f"a body of {length} bytes")
    return Request(method, target, client, headers, await reader.readexactly(length) if length else b"")

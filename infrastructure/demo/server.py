"""HTTP/1.1 over asyncio streams, in this process or as the child of ``DemoProcess``.

A web framework only sends well-formed HTTP; this server can cut bodies and reset
connections on purpose.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
import sys
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, Final

import msgspec

from infrastructure.demo.faults import DELIVERIES, DemoFault, FaultPlan, PendingResponse, respond, send
from infrastructure.demo.messages import DemoRequest, DemoResponse
from infrastructure.demo.process import DemoOptions
from infrastructure.demo.site import DemoSite

_log = logging.getLogger(__name__)
_MAX_HEAD: Final = 64 * 1024
_MAX_BODY: Final = 1024 * 1024
_SEND_BUFFER: Final = 1024 * 1024  # a whole page in one send: no copy and no second wake-up
_ADMIN: Final = "/_demo/"
_REMEMBERED: Final = 50_000  # requests kept one by one; the counts include all


class RequestLog:
    """Counts requests, so that tests can count at the site. For one event loop."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._cpu = time.process_time()
        self._paths: Counter[str] = Counter()
        self._clients: Counter[str] = Counter()
        self._statuses: Counter[int] = Counter()
        self._faults: Counter[str] = Counter()
        self._open = 0
        self._peak = 0
        self._visits: deque[dict[str, Any]] = deque(maxlen=_REMEMBERED)

    @contextmanager
    def count(self, request: DemoRequest) -> Iterator[dict[str, Any]]:
        """Counts a request; the block ends when its response has been sent, and notes ``status`` and ``fault``."""
        visit: dict[str, Any] = {
            "at": round(time.monotonic() - self._started, 4),
            "client": request.client,
            "target": request.target,
            "agent": request.headers.get("user-agent", ""),
            "status": 0,  # stays where a fault broke the protocol
        }
        self._visits.append(visit)
        self._paths[request.path] += 1
        self._clients[request.client] += 1
        self._open += 1
        self._peak = max(self._peak, self._open)
        try:
            yield visit
        finally:
            self._open -= 1
            self._statuses[visit["status"]] += 1
            if "fault" in visit:
                self._faults[visit["fault"]] += 1

    def report(self, *, visits: bool) -> dict[str, Any]:
        """Gives all counts as JSON values; ``cpu_seconds`` is this process's use since the log was cleared."""
        report = {
            "total": self._paths.total(),
            "paths": self._paths,
            "clients": self._clients,
            "statuses": self._statuses,
            "faults": self._faults,
            "peak_concurrency": self._peak,
            "cpu_seconds": round(time.process_time() - self._cpu, 4),
        }
        return report | {"visits": list(self._visits)} if visits else report


class DemoServer:
    """Serves a site on a listening socket."""

    def __init__(self, options: DemoOptions, listener: socket.socket, site: DemoSite) -> None:
        self._listener = listener
        self._latency = options.latency
        self._site = site
        self._requests = RequestLog()
        self._seed = options.seed
        self._plan = self._planned(options.faults)

    async def run(self, ready: Callable[[], None], stop_on: Sequence[int]) -> None:
        """Serves until one of these signals arrives; open connections are dropped."""
        stop = asyncio.Event()
        for number in stop_on:
            with contextlib.suppress(NotImplementedError):  # Windows: Ctrl-C raises KeyboardInterrupt instead
                asyncio.get_running_loop().add_signal_handler(number, stop.set)
        server = await asyncio.start_server(self._connected, sock=self._listener, limit=_MAX_HEAD, backlog=1024)
        ready()
        await stop.wait()
        server.close()  # not awaited: since Python 3.12 that takes until the last client has disconnected

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection: socket.socket = writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
        client = str(writer.get_extra_info("peername")[0])
        try:
            while (request := await _read(reader, client)) is not None:
                close = request.headers.get("connection", "").lower() == "close"
                if request.path.startswith(_ADMIN):
                    await send(writer, request, self._administer(request), close=close)
                elif not await self._serve(PendingResponse(request, self._site, reader, writer, close)):
                    break
                if close:
                    break
        except (ConnectionError, TimeoutError, asyncio.IncompleteReadError):
            _log.debug("client %s closed the connection during a request", client)
        except (ValueError, asyncio.LimitOverrunError) as error:
            await send(writer, None, DemoResponse.of(400, f"{error}\n", "text/plain"), close=True)
        except asyncio.CancelledError:
            _log.debug("the site stops while client %s is connected", client)  # the task ends here in any case
        finally:
            writer.close()

    async def _serve(self, pending: PendingResponse) -> bool:
        """Answers with or without a fault; tells whether the connection can be used again."""
        with self._requests.count(pending.request) as visit:
            fault = self._plan.next(pending.request)
            if self._latency:
                await asyncio.sleep(self._latency)
            if fault is None:
                response = pending.proper()
            else:
                visit["fault"] = fault.action
                pending = msgspec.structs.replace(pending, argument=fault.argument)
                if deliver := DELIVERIES.get(fault.action):
                    return await deliver(pending)
                response = respond(fault.action, pending)
            visit["status"] = response.status
            await send(pending.writer, pending.request, response, close=pending.close)
            return True

    def _planned(self, faults: Sequence[str]) -> FaultPlan:
        return FaultPlan(map(DemoFault.parse, faults), self._seed)

    def _administer(self, request: DemoRequest) -> DemoResponse:
        match request.method, request.target.removeprefix(_ADMIN):
            case "GET", "log" | "log?visits" as wanted:
                return DemoResponse.json(self._requests.report(visits=wanted != "log"))
            case "GET", "ids":
                return DemoResponse.of(200, "".join(f"{i}\n" for i in self._site.catalogue.ids()), "text/plain")
            case "POST", "faults":
                try:
                    self._plan = self._planned(msgspec.json.decode(request.body, type=list[str]))
                except ValueError as error:
                    return DemoResponse.json({"error": str(error)}, status=400)
            case "POST", "replace":
                path, content_type = request.headers["x-path"], request.headers["content-type"]
                self._site.replaced[path] = DemoResponse.of(200, request.body, content_type)
            case "POST", "reset":
                self._requests = RequestLog()
                self._site.replaced.clear()
            case _:
                return DemoResponse.json({"error": f"no {request.method} {request.path}"}, status=404)
        return DemoResponse.json({})


async def _read(reader: asyncio.StreamReader, client: str) -> DemoRequest | None:
    """Reads the next request of a connection; None once the client has closed it.

    Raises:
        ValueError: this is not HTTP, or the body is too large.
        asyncio.LimitOverrunError: the head is too long.
        asyncio.IncompleteReadError: the client closed the connection during a request.
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
    return DemoRequest(method, target, client, headers, await reader.readexactly(length) if length else b"")


def serve(
    options: DemoOptions,
    ready: Callable[[str], None],
    stop_on: Sequence[int] = (signal.SIGINT, signal.SIGTERM),
) -> None:
    """Serves in this process until one of the signals arrives.

    Args:
        options: how to serve.
        ready: called once with the site's address when it answers.
        stop_on: the signals.

    Raises:
        OSError: the address cannot be used, for example because the port is taken.
        ValueError: the site does not know a fault.
    """
    with contextlib.closing(socket.create_server((options.host, options.port), backlog=1024)) as listener:
        url = f"http://{options.host}:{listener.getsockname()[1]}"
        site = DemoSite(options, options.public_url or url)
        site.prepare()
        asyncio.run(DemoServer(options, listener, site).run(lambda: ready(url), stop_on))


def _exit_with_parent() -> None:
    with contextlib.suppress(OSError):
        sys.stdin.buffer.read()  # the parent writes nothing, so this returns when it has ended
    os._exit(0)  # from this thread; the site has nothing to save


def _main() -> None:
    """The child process: reads its options from one JSON argument; writes its address, or why it has none."""
    logging.basicConfig(level=logging.ERROR)  # clients that disconnect early are expected
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent handles the terminal's Ctrl-C
    threading.Thread(target=_exit_with_parent, name="parent", daemon=True).start()
    try:
        serve(msgspec.json.decode(sys.argv[1], type=DemoOptions), partial(print, flush=True), stop_on=())
    except (OSError, ValueError) as error:
        print(error)  # noqa: T201 - for the parent
        sys.exit(1)


if __name__ == "__main__":
    _main()

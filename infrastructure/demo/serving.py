"""Bring a demo site up in this process and keep it up."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from collections.abc import Callable

from infrastructure.demo.options import DemoOptions
from infrastructure.demo.server import DemoServer
from infrastructure.demo.site import Site


def serve(
    options: DemoOptions,
    ready: Callable[[str], None],
    until: Callable[[Callable[[], None]], None] | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT, or until told to stop.

    Args:
        options: how.
        ready: called once with the site's address, when it answers.
        until: called once with a function that stops the site from any thread.

    Raises:
        OSError: the address cannot be had, for example because the port is taken.
        ValueError: a fault is none that the site knows.
    """
    with contextlib.closing(socket.create_server((options.host, options.port), backlog=1024)) as listener:
        url = f"http://{options.host}:{listener.getsockname()[1]}"
        site = Site(options, options.public_url or url)
        site.prepare()
        asyncio.run(_run(DemoServer(options, listener, site), lambda: ready(url), until))


async def _run(
    server: DemoServer, ready: Callable[[], None], until: Callable[[Callable[[], None]], None] | None
) -> None:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    if until is None:
        for number in (signal.SIGINT, signal.SIGTERM):
            with contextlib.suppress(
                NotImplementedError
            ):  # Windows: Ctrl-C raises KeyboardInterrupt out of asyncio.run
                loop.add_signal_handler(number, stop.set)
    else:
        until(lambda: _set(loop, stop))
    serving = asyncio.create_task(server.run(stop))
    ready()
    await serving


def _set(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    with contextlib.suppress(RuntimeError):  # the loop has ended already
        loop.call_soon_threadsafe(stop.set)

"""A look at the catalogue in a browser on this machine. Not for the world: that is a web server's work."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final

from domain.errors import UsageError

log = logging.getLogger(__name__)
HOST: Final = "127.0.0.1"
# The machine's own table may lack these, and a browser refuses a script that is called something else.
_TYPES: Final = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".md": "text/plain; charset=utf-8",
    ".webp": "image/webp",
    ".woff2": "font/woff2",
    ".svg": "image/svg+xml",
}


class _Handler(SimpleHTTPRequestHandler):
    """Files only: no listing of folders, and nothing on the screen for each request."""

    def guess_type(self, path: str | os.PathLike[str]) -> str:
        return _TYPES.get(Path(path).suffix) or super().guess_type(path)

    def list_directory(self, path: object) -> None:  # noqa: ARG002 - the base class's signature
        self.send_error(404, "No such page")

    def end_headers(self) -> None:
        self.send_header("Cache-Control", "no-cache")  # a page published anew is seen at once
        super().end_headers()

    def log_message(self, format: str, *args: object) -> None:  # the name is the base class's
        log.debug("%s %s", self.address_string(), format % args)


def serve(folder: Path, port: int, *, ready: Callable[[str], None], cancel: threading.Event) -> None:
    """Serve a catalogue on loopback until ``cancel`` is set.

    Args:
        folder: of the catalogue.
        port: 0 takes a free one.
        ready: told the address once it can be opened.
        cancel: ends it.

    Raises:
        UsageError: there is no catalogue, or the port is taken.
    """
    if not (folder / "index.html").is_file():
        raise UsageError(f"{folder} holds no catalogue; run python main.py publish first")
    try:
        server = ThreadingHTTPServer((HOST, port), partial(_Handler, directory=str(folder)))
    except (OSError, OverflowError) as error:
        raise UsageError(f"cannot listen on port {port}: {getattr(error, 'strerror', None) or error}") from error
    with server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, name="serve")
        thread.start()
        try:
            ready(f"http://{HOST}:{server.server_address[1]}/")
            cancel.wait()
        finally:
            server.shutdown()
            thread.join()

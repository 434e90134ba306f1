"""Serves a catalogue to browsers on this machine. Not meant for the public; use a web server for that."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from domain.errors import UsageError

log = logging.getLogger(__name__)
HOST: Final = "127.0.0.1"
_LOOPBACK_NAMES: Final = ("localhost", "127.0.0.1", "::1")
# The operating system's table may lack these, and browsers refuse scripts and styles of another type.
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
    """Serves regular files inside the folder: no listings, no symbolic links out of it, loopback names only."""

    extensions_map = SimpleHTTPRequestHandler.extensions_map | _TYPES

    def send_head(self):  # type: ignore[no-untyped-def]  # the base class has no annotation
        if not _is_loopback(self.headers.get("Host")):
            # Another name that resolves to this machine would let foreign pages read ours (DNS rebinding).
            self.send_error(403, "Only loopback names are served")
            return None
        if not self._is_page():
            self._not_found()
            return None
        return super().send_head()

    def _is_page(self) -> bool:
        """Whether the path of the request names a regular file in the folder."""
        try:
            top, target = Path(self.directory).resolve(), Path(self.translate_path(self.path)).resolve()
            if target.is_dir():
                target = (target / "index.html").resolve()
            return target.is_relative_to(top) and target.is_file()
        except (OSError, RuntimeError, ValueError):  # too long, a loop of links, a NUL character
            return False

    def _not_found(self) -> None:
        """Answers with the catalogue's own error page, whose links then start at the server's root."""
        try:
            page = Path(self.directory, "404.html").read_bytes()
        except OSError:
            self.send_error(404, "No such page")
            return
        page = page.replace(b"<head>", b'<head>\n<base href="/">', 1)
        self.send_response(404)
        self.send_header("Content-Type", _TYPES[".html"])
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(page)

    def end_headers(self) -> None:
        self.send_header("Cache-Control", "no-cache")  # browsers show a new publish at once
        super().end_headers()

    def log_message(self, format: str, *args: object) -> None:  # the base class's parameter name
        log.debug("%s %s", self.address_string(), format % args)


def _is_loopback(host: str | None) -> bool:
    """Whether a ``Host`` header names this machine; HTTP/1.0 clients may omit it."""
    if host is None:
        return True
    try:
        return urlsplit(f"//{host}").hostname in _LOOPBACK_NAMES
    except ValueError:
        return False


def serve(folder: Path, port: int, *, ready: Callable[[str], None], cancel: threading.Event) -> None:
    """Serves a catalogue on the loopback interface until ``cancel`` is set.

    Args:
        folder: the catalogue.
        port: 0 chooses a free one.
        ready: called with the address once it can be opened.
        cancel: stops the server.

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

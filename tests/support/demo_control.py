"""The client side of ``/_demo/``: reads the site's log and changes its faults while it runs."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit


class DemoControl:
    """Talks to a running demo site; its own requests are not counted and get no faults.

    Raises:
        OSError: the site does not answer (every method).
        ValueError: the site refuses; the message is the site's (every method).
    """

    def __init__(self, url: str) -> None:
        self._host = urlsplit(url).netloc

    def log(self, *, visits: bool = False) -> dict[str, Any]:
        """Gives the counts since the start or the last ``reset``; with ``visits``, each request too."""
        report: dict[str, Any] = json.loads(self._ask("GET", "log?visits" if visits else "log"))
        return report

    def reset(self) -> None:
        """Sets the counts to zero and removes replaced responses."""
        self._ask("POST", "reset")

    def faults(self, faults: Iterable[str]) -> None:
        """Replaces the plan and starts counting for it from zero; an empty plan means no faults."""
        self._ask("POST", "faults", json.dumps(list(faults)))

    def ids(self) -> list[str]:
        """Gives the ids of the Top chart in rank order, as the chart lists them."""
        return self._ask("GET", "ids").decode().split()

    def replace(self, path: str, body: bytes, content_type: str) -> None:
        """Puts a response in place of the site's own at this path."""
        self._ask("POST", "replace", body, {"X-Path": path, "Content-Type": content_type})

    def _ask(
        self, method: str, what: str, body: str | bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> bytes:
        connection = http.client.HTTPConnection(self._host, timeout=10)
        try:
            connection.request(method, f"/_demo/{what}", body, dict(headers or {}))
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        if answer.status != 200:
            raise ValueError(json.loads(content)["error"])
        return content

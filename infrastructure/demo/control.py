"""The visitor's side of ``/_demo/``: read the site's log and change its faults while it runs."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

from infrastructure.demo.faults import Fault


class DemoControl:
    """Talks to a running demo site; its own requests are neither counted nor misanswered.

    Raises:
        OSError: the site does not answer (every method).
        ValueError: the site refuses; the message is the site's (every method).
    """

    def __init__(self, url: str) -> None:
        self._host = urlsplit(url).netloc

    def log(self, *, visits: bool = False) -> dict[str, Any]:
        """Counts since the start or the last ``reset``; with ``visits``, each request too."""
        report: dict[str, Any] = json.loads(self._ask("GET", "log?visits" if visits else "log"))
        return report

    def reset(self) -> None:
        """Forget what was counted."""
        self._ask("POST", "reset")

    def faults(self, faults: Iterable[Fault | str]) -> None:
        """Replace the plan, and start counting for it from nothing; an empty one makes the site behave."""
        plan = [fault if isinstance(fault, str) else fault.to_json() for fault in faults]
        self._ask("POST", "faults", json.dumps(plan))

    def ids(self) -> list[str]:
        """The ids of the Top chart in rank order, as the chart names them."""
        return self._ask("GET", "ids").decode().split()

    def _ask(self, method: str, what: str, body: str | None = None) -> bytes:
        connection = http.client.HTTPConnection(self._host, timeout=10)
        try:
            connection.request(method, f"/_demo/{what}", body)
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        if answer.status != 200:
            raise ValueError(json.loads(content)["error"])
        return content

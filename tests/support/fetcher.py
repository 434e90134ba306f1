"""A network that answers what a test has prepared, and remembers what was asked of it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from domain.errors import Cancelled, FilmledgerError
from infrastructure.http import Page


@dataclass(frozen=True, slots=True)
class Sent:
    """One request as it reached the network; ``body`` is empty for a GET."""

    url: str
    body: bytes
    headers: Mapping[str, str]
    max_requests: int
    patient: bool

    @property
    def variables(self) -> dict[str, Any]:
        """Of a GraphQL request."""
        found: dict[str, Any] = json.loads(self.body)["variables"]
        return found


Answer: TypeAlias = bytes | Page | FilmledgerError


class FakeFetcher:
    """Asks ``answer`` for every request: a body, a whole page, or an error to raise."""

    def __init__(self, answer: Callable[[Sent], Answer]) -> None:
        self._answer = answer
        self._lock = threading.Lock()
        self.sent: list[Sent] = []
        self.not_recognised: list[Page] = []
        self.pages_recognised: list[Page] = []

    def get(
        self,
        url: str,
        *,
        max_requests: int,
        cancel: threading.Event,
        headers: Mapping[str, str] | None = None,
        patient: bool = True,
    ) -> Page:
        return self._send(Sent(url, b"", headers or {}, max_requests, patient), cancel)

    def post(
        self,
        url: str,
        body: bytes,
        *,
        max_requests: int,
        cancel: threading.Event,
        headers: Mapping[str, str] | None = None,
        patient: bool = True,
    ) -> Page:
        return self._send(Sent(url, body, headers or {}, max_requests, patient), cancel)

    def recognised(self, page: Page) -> None:
        with self._lock:
            self.pages_recognised.append(page)

    def unrecognised(self, page: Page) -> None:
        with self._lock:
            self.not_recognised.append(page)

    def _send(self, sent: Sent, cancel: threading.Event) -> Page:
        with self._lock:
            self.sent.append(sent)
        if cancel.is_set():
            raise Cancelled(f"{sent.url}: cancelled")
        answer = self._answer(sent)
        if isinstance(answer, FilmledgerError):
            raise answer
        if isinstance(answer, Page):
            return answer
        return Page(sent.url, 200, {}, answer, size=len(answer), requests=1)

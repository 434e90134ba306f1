"""Sources of charts and titles that hold what a test gives them."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence

from application.ports.sources import FetchedTitle
from domain.chart import ChartEntry, ChartName
from domain.errors import Cancelled, FilmledgerError, NotFound


class FakeChartSource:
    """Answers with the given entries, or raises the given error; counts how often it was asked."""

    def __init__(self, answer: Sequence[ChartEntry] | FilmledgerError) -> None:
        self._answer = answer
        self.asked = 0

    def entries(self, chart: ChartName, cancel: threading.Event) -> tuple[ChartEntry, ...]:
        self.asked += 1
        if cancel.is_set():
            raise Cancelled(f"{chart}: cancelled")
        if isinstance(self._answer, FilmledgerError):
            raise self._answer
        return tuple(self._answer)


class FakeTitleSource:
    """Answers with the title or raises the error held for an id; remembers what it was asked."""

    def __init__(self, titles: Mapping[str, FetchedTitle | FilmledgerError]) -> None:
        self._titles = titles
        self._lock = threading.Lock()
        self.asked: list[tuple[str, int]] = []

    def title(self, imdb_id: str, *, max_requests: int, cancel: threading.Event) -> FetchedTitle:
        with self._lock:
            self.asked.append((imdb_id, max_requests))
        if cancel.is_set():
            raise Cancelled(f"{imdb_id}: cancelled")
        answer = self._titles.get(imdb_id, NotFound(f"{imdb_id}: no such title"))
        if isinstance(answer, FilmledgerError):
            raise answer
        return answer

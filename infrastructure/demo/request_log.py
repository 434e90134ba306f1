"""What the site saw: for tests that count at the site instead of believing the visitor."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from infrastructure.demo.messages import Request

_REMEMBERED: Final = 50_000  # requests kept one by one; the counts hold all


@dataclass(slots=True)
class Visit:
    """One request; ``status`` and ``size`` stay 0 where a fault broke the protocol on purpose."""

    at: float
    client: str
    method: str
    target: str
    agent: str
    status: int = 0
    size: int = 0
    fault: str = ""


class RequestLog:
    """Counts requests. Used by one event loop, so it needs no lock."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Forget everything; times count from now."""
        self._started = time.monotonic()
        self._cpu = time.process_time()
        self._paths: Counter[str] = Counter()
        self._clients: Counter[str] = Counter()
        self._statuses: Counter[int] = Counter()
        self._faults: Counter[str] = Counter()
        self._sent = 0
        self._open = 0
        self._peak = 0
        self._visits: deque[Visit] = deque(maxlen=_REMEMBERED)

    @contextmanager
    def visit(self, request: Request) -> Iterator[Visit]:
        """Count a request from here until its answer is out."""
        at = round(time.monotonic() - self._started, 4)
        visit = Visit(at, request.client, request.method, request.target, request.headers.get("user-agent", ""))
        self._visits.append(visit)
        self._paths[request.path] += 1
        self._clients[request.client] += 1
        self._open += 1
        self._peak = max(self._peak, self._open)
        try:
            yield visit
        finally:
            self._open = max(0, self._open - 1)
            self._statuses[visit.status] += 1
            self._sent += visit.size
            if visit.fault:
                self._faults[visit.fault] += 1

    def report(self, *, visits: bool) -> dict[str, Any]:
        """All counts as JSON values; ``cpu_seconds`` is what this process used since the log was cleared."""
        report: dict[str, Any] = {
            "total": sum(self._paths.values()),
            "paths": dict(self._paths),
            "clients": dict(self._clients),
            "statuses": {str(status): count for status, count in sorted(self._statuses.items())},
            "faults": dict(self._faults),
            "bytes_sent": self._sent,
            "peak_concurrency": self._peak,
            "seconds": round(time.monotonic() - self._started, 4),
            "cpu_seconds": round(time.process_time() - self._cpu, 4),
        }
        if visits:
            names = Visit.__slots__
            report["visits"] = [{name: getattr(visit, name) for name in names} for visit in self._visits]
        return report

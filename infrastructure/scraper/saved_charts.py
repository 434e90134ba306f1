"""The charts among saved pages, read before the titles so that these get their ranks."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

from domain.chart import ChartEntry, ChartName
from domain.errors import Cancelled, SourceError
from infrastructure.scraper.addresses import addresses
from infrastructure.scraper.chart_page import CHART_PATHS, parse_chart
from infrastructure.scraper.saved_files import MAX_BYTES, read_file, saved_at

_log = logging.getLogger(__name__)
_MARKS: Final = (b"chartTitles", b"itemListElement", b"titleColumn")  # of the three layouts; no title's page has one
_ROUTE: Final = re.compile(rb'"page"\s*:\s*"(/chart/[a-z]+)"')


@dataclass(frozen=True, slots=True)
class SavedChart:
    """One chart that was saved."""

    path: Path
    chart: ChartName
    saved_at: datetime
    entries: tuple[ChartEntry, ...] = field(repr=False)

    @property
    def ranks(self) -> dict[str, int]:
        """Every title's rank, by IMDb id."""
        return {entry.imdb_id: entry.rank for entry in self.entries}


def chart_to_rank_by(
    paths: Iterable[Path], cancel: threading.Event, *, chart: ChartName | None = None, max_bytes: int = MAX_BYTES
) -> SavedChart | None:
    """The chart that gives the titles of a folder their ranks; ``None`` if there is none in it.

    Ranks of two charts, or of two editions of one, cannot stand side by side. Of
    the kind asked for, or else of the first kind that is there in the order of
    ``ChartName``, the newest edition counts. What is left aside is said in the log.

    Raises:
        Cancelled: we were asked to stop.
    """
    found = list(saved_charts(paths, cancel, max_bytes=max_bytes))
    wanted = list(ChartName) if chart is None else [chart]
    candidates = [one for one in found if one.chart in wanted]
    if not candidates:
        return None
    chosen = min(candidates, key=lambda one: (wanted.index(one.chart), -one.saved_at.timestamp(), str(one.path)))
    if others := len(found) - 1:
        _log.warning(
            "ranks come from %s (the %s chart of %s); %d other charts are left aside",
            chosen.path, chosen.chart, chosen.saved_at.date(), others,
        )  # fmt: skip
    return chosen


def saved_charts(paths: Iterable[Path], cancel: threading.Event, *, max_bytes: int = MAX_BYTES) -> Iterator[SavedChart]:
    """The charts of known kinds among the files. Files that cannot be read are for the second reading to report.

    Raises:
        Cancelled: we were asked to stop.
    """
    for path in paths:
        if cancel.is_set():
            raise Cancelled("cancelled while looking for charts")
        with suppress(SourceError):
            file = read_file(path, max_bytes)
            if any(mark in file.body for mark in _MARKS) and (name := _name(file.body)):
                yield SavedChart(path, name, saved_at(file), parse_chart(file.body))


def _name(body: bytes) -> ChartName | None:
    """Which chart a page is, by its address."""
    places = [*addresses(body), *(found.decode() for found in _ROUTE.findall(body)[:1])]
    for name, path in CHART_PATHS.items():
        if any(place.split("?")[0].rstrip("/").endswith(path.rstrip("/")) for place in places):
            return name
    return None

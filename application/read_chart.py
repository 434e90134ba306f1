"""Reads a chart from several sources: the first complete list is the chart; otherwise the parts are combined."""

from __future__ import annotations

import logging
import threading
from collections.abc import Collection, Iterable, Mapping, Sequence

from application.ports import ChartSource
from domain.chart import ChartEntry, ChartName, complete
from domain.errors import Blocked, Cancelled, ChartError, SourceError

_log = logging.getLogger(__name__)


def read_chart(
    sources: Mapping[str, ChartSource],
    chart: ChartName,
    cancel: threading.Event,
    size: int | None = None,
    first: int | None = None,
) -> tuple[ChartEntry, ...]:
    """The whole chart, in rank order; at least its ``first`` places if only those are needed.

    The sources are read in their order, each only if something is still missing. A
    list that is complete by itself is the result. Otherwise the parts are combined,
    but only if they agree: if two sources give one rank to two titles, or one title
    two ranks, they have read different versions of the chart, and the combination
    would have ranks that never existed.

    Args:
        sources: by the name that messages use.
        cancel: once set, the reading stops.
        size: how many titles it should have; the chart's own size unless given.
        first: how many places are needed; all unless given. More are returned if the chart is complete.

    Raises:
        ChartError: the chart, or its first part, is not complete; the message says what is missing and
            why each source failed.
        Blocked: every source refuses automated clients.
        Cancelled: ``cancel`` was set.
    """
    found: dict[str, tuple[ChartEntry, ...]] = {}
    failures: dict[str, SourceError] = {}
    problems: list[str] = []
    for name, source in sources.items():
        try:
            entries = source.entries(chart, cancel)
        except Cancelled:
            raise
        except SourceError as error:
            _log.info("%s chart, source %s: %s", chart, name, error)
            failures[name] = error
            problems.append(f"{name}: {error}")
            continue
        try:
            whole = _whole(chart, entries, size, first)
        except ChartError as error:
            _log.info("%s chart, source %s: %s", chart, name, error)
            found[name] = entries
            problems.append(f"{name}: {error}")
        else:
            _warn(chart, name, problems)
            return whole
    if not found:
        raise _nothing_read(chart, failures)
    try:
        whole = _whole(chart, _united(chart, found), size, first)
    except ChartError as error:
        reasons = problems if len(sources) > 1 else []
        raise ChartError("; ".join([str(error), *reasons])) from error
    _warn(chart, " and ".join(found), problems)
    return whole


def _warn(chart: ChartName, source: str, problems: Sequence[str]) -> None:
    """Logs the problems once the chart is read after all; otherwise the error has them."""
    if problems:
        _log.warning("the %s chart was read from %s; %s", chart, source, "; ".join(problems))


def _whole(
    chart: ChartName, entries: Collection[ChartEntry], size: int | None, first: int | None
) -> tuple[ChartEntry, ...]:
    size = chart.size if size is None else size
    if first is None or first >= size:
        return complete(chart, entries, size)
    try:
        return complete(chart, entries, size)
    except ChartError:
        return complete(chart, [entry for entry in entries if entry.rank <= first], first)


def _united(chart: ChartName, found: Mapping[str, Iterable[ChartEntry]]) -> list[ChartEntry]:
    """All entries of all parts, each once.

    Raises:
        ChartError: two parts contradict each other.
    """
    by_rank: dict[int, tuple[ChartEntry, str]] = {}
    by_id: dict[str, tuple[ChartEntry, str]] = {}
    within: list[ChartEntry] = []  # a contradiction within one list; `complete` reports it
    for name, entries in found.items():
        for entry in entries:
            known, owner = by_rank.get(entry.rank) or by_id.get(entry.imdb_id) or (entry, name)
            if known == entry:
                by_rank[entry.rank] = by_id[entry.imdb_id] = (entry, owner)
            elif owner == name:
                within.append(entry)
            else:
                raise ChartError(
                    f"the {chart} chart cannot be put together: {known.imdb_id} is {known.rank} according to {owner}, "
                    f"but {entry.imdb_id} is {entry.rank} according to {name}"
                )
    return [entry for entry, _ in by_rank.values()] + within


def _nothing_read(chart: ChartName, failures: Mapping[str, SourceError]) -> SourceError | ChartError:
    names: dict[str, list[str]] = {}
    for name, error in failures.items():
        names.setdefault(str(error), []).append(name)
    reasons = "; ".join(f"{' and '.join(sources)}: {reason}" for reason, sources in names.items())
    if failures and all(isinstance(error, Blocked) for error in failures.values()):
        blocked = Blocked(f"the {chart} chart could not be read: {reasons}")
        blocked.requests = sum(error.requests for error in failures.values())
        blocked.size = sum(error.size for error in failures.values())
        return blocked
    return ChartError(f"the {chart} chart could not be read: {reasons or 'there is no source to read it from'}")

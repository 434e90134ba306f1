"""Reports runs to other systems: log events, notifications, metrics. A failure here never fails a run."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from application.ports.runs import ChartHistory
from application.ports.stores import MovieRepository
from application.run_jobs import RunResult, StopReason
from domain.errors import Blocked, FilmledgerError
from shared.logs import log_event

if TYPE_CHECKING:
    from application.chart_changes import Move
    from application.run_report import RunReport
    from infrastructure.bootstrap.session import RunSession

log = logging.getLogger(__name__)


class RunMonitor(msgspec.Struct):
    """Collects the report of a run, which began at ``started``; its caller sets ``result``."""

    started: datetime
    result: RunResult | None = None
    moves: tuple[Move, ...] = ()
    titles: dict[str, str] = msgspec.field(default_factory=dict)

    def read_changes(self, chart: str, history: ChartHistory, store: MovieRepository) -> None:
        """Reads the changes of the chart since the last complete run before; skipped if the store is unavailable."""
        from application.chart_changes import moves_between
        from application.run_report import MAX_LISTED

        try:
            snapshots = [each for each in history.snapshots(2) if each.chart == chart]
            snapshots.sort(key=lambda each: each.taken_at)
            if len(snapshots) < 2 or snapshots[-1].taken_at < self.started:
                return  # the first run, or this run is not complete
            earlier, later = snapshots[-2:]
            self.moves = tuple(moves_between(earlier, later, MAX_LISTED))
            for move in self.moves:
                movie = store.find(move.imdb_id)
                self.titles[move.imdb_id] = movie.title if movie else move.imdb_id
        except FilmledgerError as error:
            log.info("the changes of the chart could not be read: %s", error)


@contextmanager
def monitored(session: RunSession, subject: str) -> Iterator[RunMonitor]:
    """Reports the run of the block, for any end."""
    monitor = RunMonitor(session.clock.now())
    log_event(log, "run_started", "run of %s started", subject, subject=subject)
    error: FilmledgerError | OSError | None = None
    try:
        yield monitor
    except (FilmledgerError, OSError) as caught:
        error = caught
        raise
    finally:
        from application.run_report import RunReport

        result = monitor.result
        report = RunReport(
            subject,
            monitor.started,
            session.clock.now(),
            result,
            error=str(error or ""),
            refused=isinstance(error, Blocked) or (result is not None and result.stop_reason is StopReason.BLOCKED),
            moves=monitor.moves,
        )
        _report(session, report, monitor.titles)


def _report(session: RunSession, report: RunReport, titles: dict[str, str]) -> None:
    from infrastructure.monitoring import notify, write_metrics

    counts = {} if report.result is None else report.result.summary.as_dict()
    counts.pop("failures", None)
    log_event(
        log,
        "run_finished",
        "%s in %.1f s",
        report.title(),
        report.seconds,
        subject=report.subject,
        seconds=round(report.seconds, 3),
        success=report.succeeded,
        refused=report.refused,
        ended=None if report.result is None else str(report.result.stop_reason),
        error=report.error or None,
        **counts,
    )
    settings = session.settings
    if settings.metrics_file is not None:
        try:
            write_metrics(settings.metrics_file, report)
        except OSError as error:
            session.output.warn(f"METRICS_FILE {settings.metrics_file} cannot be written: {error.strerror}")
    if settings.notify_urls:
        body = "\n".join(report.lines(lambda imdb_id: titles.get(imdb_id, imdb_id)))
        for problem in notify(settings.notify_urls, report.title(), body):
            session.output.warn(problem)

"""``verify``: do both stores say the same?"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import ExitStack
from math import floor
from typing import TYPE_CHECKING

import click

from infrastructure.cli.exit_codes import Exit
from infrastructure.cli.options import JOB_LOGS, CommandContext, command_context

if TYPE_CHECKING:
    from application.completeness import Expectation
    from application.verify import Report


@click.command("verify", short_help="Compare CSV and PostgreSQL, cell by cell.")
@click.option("--repair", is_flag=True, help="Make both equal: the newer record wins, PostgreSQL wins ties.")
@click.option(
    "--threshold", type=click.FloatRange(0, 1), default=0.5, show_default=True,
    help="Warn of a column that is filled in a smaller share of the movies.",
)  # fmt: skip
@click.option("--all", "every", is_flag=True, help="List every difference, not only the first of each table.")
@command_context
def verify(frame: CommandContext, repair: bool, threshold: float, every: bool) -> None:
    """Compare every cell of all three tables in both stores, and both with what the last run was asked for.

    Exit code 0 only if both hold the same and nothing is missing. May be used
    while a run is going on; --repair may not.
    """
    from application.repair import repair as make_equal
    from application.verify import verify as compare
    from infrastructure import bootstrap
    from infrastructure.data_dir.directory import DataDir

    settings = frame.settings
    clock = bootstrap.clock_of(os.environ)
    say: Callable[[str], None] = _silent if frame.quiet else click.echo
    with ExitStack() as stack:
        directory = DataDir(settings.data_dir)
        directory.require()
        expectation, alive = _asked_for(frame)
        if repair:
            stack.enter_context(directory.lock("verify --repair", clock))
        opened = stack.enter_context(bootstrap.database_of(settings, clock))
        csv, postgres = stack.enter_context(
            bootstrap.each_store(settings, opened, read_only=not repair, mending=repair)
        )
        if repair:
            for action in make_equal(csv, postgres):
                say(str(action))
        report = compare(
            csv,
            postgres,
            expectation=expectation,
            threshold=threshold,
            live=alive,
            now=clock.now(),
            on_finding=(lambda finding: say(str(finding))) if every else None,
        )
        _tell(say, report, listed=every)
        if expectation is None:
            say("no job log tells what was asked for, so nobody knows whether that is all")
        say(_verdict(report, repaired=repair))
    sys.exit(Exit.DONE if report.good else Exit.FAILED)


def _asked_for(frame: CommandContext) -> tuple[Expectation | None, bool]:
    """What the last run was to bring, and whether it is still going on."""
    from application.completeness import Expectation
    from domain.chart import ChartName
    from infrastructure.joblog.status_file import JobLogStatus

    log = JobLogStatus(frame.settings.data_dir / JOB_LOGS["scrape"])
    logged = log.read()
    if logged is None or not logged.whole or logged.identity.work != "scrape":
        return None, False
    ranks = logged.identity.subject in [chart.value for chart in ChartName]
    return Expectation(logged.counts.total, ranks, logged.started, log.completed()), bool(logged.alive)


def _tell(say: Callable[[str], None], report: Report, *, listed: bool) -> None:
    for table in report.tables:
        found = ", ".join(f"{count} {verdict}" for verdict, count in table.found.items() if count)
        moving = f", {table.moving} being written" if table.moving else ""
        say(f"{table.table}: {table.same} the same" + (f", {found}" if found else "") + moving)
    if not listed:
        for finding in report.examples:
            say(f"  {finding}")
    movies = report.tables[0]
    if movies.rows:
        # Rounded down: 100% means all of them.
        shares = ", ".join(f"{name} {floor((movies.share(name) or 0) * 100)}%" for name in movies.table.columns)
        roles = floor((report.tables[2].share("characters") or 0) * 100)
        say(f"filled: {shares}; characters of the cast {roles}%")
    for warning in report.warnings:
        say(f"warning: {warning}")
    for line in report.incomplete:
        say(f"missing: {line}")


def _verdict(report: Report, *, repaired: bool) -> str:
    if not report.same and repaired:
        return "the stores still differ: why a record could not be repaired stands above"
    if not report.same:
        return "the stores differ: `verify --repair` makes them equal"
    if report.incomplete:
        return "both stores hold the same, but not all that the last run was asked for: start it again to go on"
    return "both stores hold the same"


def _silent(_line: str) -> None:
    return None


COMMANDS = (verify,)

"""``doctor``, ``status`` and ``verify``: whether the site can be reached, how the last run went, what is stored."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Iterable
from dataclasses import asdict
from math import floor
from pathlib import Path
from typing import TYPE_CHECKING

import click

from domain.errors import UsageError
from infrastructure.cli import streams
from infrastructure.cli.exit_codes import Exit, graceful_stop
from infrastructure.cli.options import CommandContext, command_context, json_option, print_json
from infrastructure.cli.streams import complain, echo

if TYPE_CHECKING:
    from application.comparison import Finding
    from application.verify import VerifyReport


@click.command("doctor", short_help="Check this machine, the database, and each route to the site.")
@json_option
@command_context
def doctor(context: CommandContext, as_json: bool) -> None:
    """Check rights, disk, clock and database; send one request over each route; ask each source for one title.

    EXIT_ADDRESS_URL names a service that returns the caller's address. Without
    it, only the site is asked; for a site on this machine it is not used.
    """
    from infrastructure.bootstrap.checking import examine

    cancel = threading.Event()
    ok = True
    checks: list[dict[str, object]] = []
    with graceful_stop(cancel, complain) as interrupted:
        for finding in examine(context.settings, context.clock, cancel):
            ok = ok and finding.ok
            checks.append(asdict(finding))
            if as_json or (context.quiet and finding.ok):
                continue
            echo(f"{'✓' if finding.ok else '✗'} {finding.subject}: {finding.detail}")
            if finding.advice:
                echo(f"  {finding.advice}")
    if as_json:
        print_json({"ok": ok, "checks": checks})
    if interrupted.is_set():
        sys.exit(Exit.INTERRUPTED)
    sys.exit(Exit.DONE if ok else Exit.FAILED)


@click.command("status", short_help="Show the state of the last run, also while it is running.")
@json_option
@click.option("--joblog", "job_log", type=click.Path(dir_okay=False, path_type=Path), help="Job log to read.")
@click.option("--check", is_flag=True, help="Exit with 1 if the last run had failures, was refused or was killed.")
@command_context
def status(context: CommandContext, as_json: bool, job_log: Path | None, check: bool) -> None:
    """Show how far the last run got, what failed and why, and whether it is still running."""
    from infrastructure.bootstrap.display import run_status, status_lines

    path = job_log or context.job_log("scrape")
    found = run_status(path, context.clock)
    if found is None:
        if job_log is not None:
            raise UsageError(f"there is no job log {job_log}")
        echo("null" if as_json else f"no run is recorded in {path}: run `python main.py` first, or set DATA_DIR")
        return
    for line in [json.dumps(found.as_dict())] if as_json else status_lines(found):
        echo(line)
    if check and not found.well:
        sys.exit(Exit.FAILED)


@click.command("verify", short_help="Compare the stores, cell by cell.")
@click.option("--repair", is_flag=True, help="Make them equal: the newer record wins, ties go to the first of STORES.")
@click.option(
    "--threshold", type=click.FloatRange(0, 1), default=0.5, show_default=True,
    help="Warn of columns that are filled in a smaller share of the movies.",
)  # fmt: skip
@click.option("--prune", is_flag=True, help="With --repair: drop people whom no title credits.")
@click.option("--all", "every", is_flag=True, help="List every difference, not only the first of each table.")
@json_option
@command_context
def verify(context: CommandContext, repair: bool, prune: bool, threshold: float, every: bool, as_json: bool) -> None:
    """Compare every cell of all tables in all stores, and the stores with the last run's job log.

    The exit code is 0 only if all are equal and nothing is missing. It works
    during a run; --repair does not.
    """
    from infrastructure.bootstrap.checking import verify_stores

    echo: Callable[[str], None] = _ignore if context.quiet or as_json else streams.echo
    repairs: list[str] = []
    differences: list[Finding] = []

    def on_repair(action: str) -> None:
        repairs.append(action)
        echo(action)

    def on_finding(finding: Finding) -> None:
        if as_json:
            differences.append(finding)
        echo(str(finding))

    report, complete = verify_stores(
        context.settings,
        context.clock,
        context.job_log("scrape"),
        threshold=threshold,
        on_repair=on_repair if repair or prune else None,
        prune_people=prune,
        on_finding=on_finding if every else None,
    )
    if as_json:
        print_json(_as_dict(report, differences if every else report.examples, repairs, checked=complete))
    _print_report(echo, report, listed=every)
    if not complete:
        echo("no job log says what was asked for, so completeness cannot be checked")
    echo(_verdict(report, repaired=repair))
    sys.exit(Exit.DONE if report.good else Exit.FAILED)


def _as_dict(
    report: VerifyReport, differences: Iterable[Finding], repairs: list[str], *, checked: bool
) -> dict[str, object]:
    return {
        "stores": list(report.stores),
        "equal": report.same,
        "complete": report.good if checked else None,
        "progress": report.progress,
        "unfinished_load": report.unfinished_load,
        "incomplete_movies": report.movies.cut,
        "tables": [
            {
                "table": str(table.table),
                "rows": table.rows,
                "same": table.same,
                "differences": {str(verdict): count for verdict, count in table.found.items() if count},
                "being_written": table.moving,
                "filled": {column: table.share(column) for column in table.filled},
            }
            for table in report.tables
        ],
        "differences": [
            {
                "table": str(finding.table),
                "key": list(finding.key),
                "verdict": str(finding.verdict),
                "detail": finding.detail,
            }
            for finding in differences
        ],
        "missing": list(report.missing),
        "warnings": list(report.warnings),
        "refused": list(report.refused),
        "repairs": repairs,
    }


def _print_report(echo: Callable[[str], None], report: VerifyReport, *, listed: bool) -> None:
    for table in report.tables:
        found = ", ".join(f"{count} {verdict}" for verdict, count in table.found.items() if count)
        moving = f", {table.moving} being written" if table.moving else ""
        echo(f"{table.table}: {table.same} the same" + (f", {found}" if found else "") + moving)
    if not listed:
        for finding in report.examples:
            echo(f"  {finding}")
    movies, credits = report.movies, next(table for table in report.tables if table.table == "credits")
    if movies.cut:
        echo(f"incomplete: {movies.cut} of {movies.rows} movies lack fields that a response cut off")
    if movies.rows:
        # Rounded down: 100% means all of them.
        shares = ", ".join(
            f"{field.name} {floor((movies.share(field.name) or 0) * 100)}%"
            for field in movies.table.fields
            if field.warn_if_rare
        )
        roles = floor((credits.share("characters") or 0) * 100)
        echo(f"filled: {shares}; characters of the cast {roles}%")
    for warning in report.warnings:
        echo(f"warning: {warning}")
    for line in report.missing:
        echo(f"missing: {line}")
    for line in report.refused:
        echo(f"refused: {line}")


def _verdict(report: VerifyReport, *, repaired: bool) -> str:
    names = " and ".join(report.stores)
    if report.unfinished_load:
        return "load unfinished: a load of data files has reached some stores only; the next run completes it"
    if not report.same and repaired:
        return "the stores still differ: the lines above say why a record could not be repaired"
    if not report.same:
        return "the stores differ: `verify --repair` makes them equal"
    agree = f"{names} hold the same" if len(report.stores) > 1 else f"{names} can be read"
    if report.missing:
        return f"{agree}, but titles of the last run are missing: run it again to fetch them"
    if report.refused:
        return f"{agree}, but a chart is not what its name says"
    if report.progress:
        return f"{report.progress}; {agree}: run the same command to continue"
    return agree


def _ignore(_line: str) -> None:
    return None


COMMANDS = (doctor, status, verify)

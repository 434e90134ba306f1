"""``verify``: compares the stores with each other, and with what the last run was asked for."""

from __future__ import annotations

import sys
from collections.abc import Callable
from math import floor
from typing import TYPE_CHECKING

import click

from infrastructure.cli import streams
from infrastructure.cli.exit_codes import Exit
from infrastructure.cli.options import CommandContext, command_context

if TYPE_CHECKING:
    from application.verify import Report


@click.command("verify", short_help="Compare CSV and PostgreSQL, cell by cell.")
@click.option("--repair", is_flag=True, help="Make both equal: the newer record wins, PostgreSQL wins ties.")
@click.option(
    "--threshold", type=click.FloatRange(0, 1), default=0.5, show_default=True,
    help="Warn of columns that are filled in a smaller share of the movies.",
)  # fmt: skip
@click.option("--all", "every", is_flag=True, help="List every difference, not only the first of each table.")
@command_context
def verify(context: CommandContext, repair: bool, threshold: float, every: bool) -> None:
    """Compare every cell of all three tables in both stores, and both with what the last run was asked for.

    The exit code is 0 only if both are equal and nothing is missing. Works
    during a run, too; --repair does not.
    """
    from infrastructure.bootstrap.checking import verify_stores

    echo: Callable[[str], None] = _ignore if context.quiet else streams.echo
    report, complete = verify_stores(
        context.settings,
        context.clock,
        context.job_log("scrape"),
        threshold=threshold,
        on_repair=echo if repair else None,
        on_finding=(lambda finding: echo(str(finding))) if every else None,
    )
    _print_report(echo, report, listed=every)
    if not complete:
        echo("no job log says what was asked for, so completeness cannot be checked")
    echo(_verdict(report, repaired=repair))
    sys.exit(Exit.DONE if report.good else Exit.FAILED)


def _print_report(echo: Callable[[str], None], report: Report, *, listed: bool) -> None:
    for table in report.tables:
        found = ", ".join(f"{count} {verdict}" for verdict, count in table.found.items() if count)
        moving = f", {table.moving} being written" if table.moving else ""
        echo(f"{table.table}: {table.same} the same" + (f", {found}" if found else "") + moving)
    if not listed:
        for finding in report.examples:
            echo(f"  {finding}")
    movies = report.tables[0]
    if movies.rows:
        # Rounded down: 100% means all of them.
        shares = ", ".join(f"{name} {floor((movies.share(name) or 0) * 100)}%" for name in movies.table.columns)
        roles = floor((report.tables[2].share("characters") or 0) * 100)
        echo(f"filled: {shares}; characters of the cast {roles}%")
    for warning in report.warnings:
        echo(f"warning: {warning}")
    for line in report.incomplete:
        echo(f"missing: {line}")


def _verdict(report: Report, *, repaired: bool) -> str:
    if not report.same and repaired:
        return "the stores still differ: the lines above say why a record could not be repaired"
    if not report.same:
        return "the stores differ: `verify --repair` makes them equal"
    if report.incomplete:
        return "both stores hold the same, but not all that the last run was asked for: run it again to continue"
    return "both stores hold the same"


def _ignore(_line: str) -> None:
    return None


COMMANDS = (verify,)

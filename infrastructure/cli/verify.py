"""``verify``: compares the stores with each other, and with what the last run was asked for."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from math import floor
from typing import TYPE_CHECKING

import click

from infrastructure.cli import streams
from infrastructure.cli.exit_codes import Exit
from infrastructure.cli.options import CommandContext, command_context, json_option, print_json

if TYPE_CHECKING:
    from application.comparison import Finding
    from application.verify import Report


@click.command("verify", short_help="Compare CSV and PostgreSQL, cell by cell.")
@click.option("--repair", is_flag=True, help="Make both equal: the newer record wins, PostgreSQL wins ties.")
@click.option(
    "--threshold", type=click.FloatRange(0, 1), default=0.5, show_default=True,
    help="Warn of columns that are filled in a smaller share of the movies.",
)  # fmt: skip
@click.option("--all", "every", is_flag=True, help="List every difference, not only the first of each table.")
@json_option
@command_context
def verify(context: CommandContext, repair: bool, threshold: float, every: bool, as_json: bool) -> None:
    """Compare every cell of all three tables in both stores, and both with what the last run was asked for.

    The exit code is 0 only if both are equal and nothing is missing. Works
    during a run, too; --repair does not.
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
        on_repair=on_repair if repair else None,
        on_finding=on_finding if every else None,
    )
    if as_json:
        print_json(_as_dict(report, differences if every else report.examples, repairs, checked=complete))
    _print_report(echo, report, listed=every)
    if not complete:
        echo("no job log says what was asked for, so completeness cannot be checked")
    echo(_verdict(report, repaired=repair))
    sys.exit(Exit.DONE if report.good else Exit.FAILED)


def _as_dict(report: Report, differences: Iterable[Finding], repairs: list[str], *, checked: bool) -> dict[str, object]:
    return {
        "equal": report.same,
        "complete": not report.incomplete if checked else None,
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
                "columns": list(finding.columns),
                "note": finding.note,
            }
            for finding in differences
        ],
        "missing": list(report.incomplete),
        "warnings": list(report.warnings),
        "repairs": repairs,
    }


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

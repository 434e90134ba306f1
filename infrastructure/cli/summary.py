"""A run's terminal output: lines during the run, and a summary and an exit code at its end."""

from __future__ import annotations

import logging
import os
import shlex
import shutil
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from application.run_jobs import RunResult, StopReason
from domain.fields import Table
from infrastructure.bootstrap.session import RunSession
from infrastructure.cli.exit_codes import Exit, graceful_stop
from infrastructure.cli.options import CommandContext, print_json
from infrastructure.cli.streams import complain, confirm, say
from shared.logs import SCREEN
from shared.settings import Settings

if TYPE_CHECKING:
    from infrastructure.bootstrap.stores import OpenStores

screen = logging.getLogger(SCREEN)


class TerminalOutput:
    """Satisfies ``RunOutput``: results on standard output, problems on standard error, both in the log file.

    Args:
        as_json: print no lines; the caller prints JSON at the end.
    """

    def __init__(self, context: CommandContext, data_dir: Path, *, as_json: bool = False) -> None:
        self.quiet = context.quiet
        self._logging = context.logging
        self._startup = context.startup
        self._data_dir = data_dir
        self._as_json = as_json

    def say(self, line: str) -> None:
        screen.info("%s", line)
        if not self.quiet and not self._as_json:
            with self._startup.paused():
                say(line)

    def warn(self, message: str) -> None:
        complain(message)

    @property
    def interactive(self) -> bool:
        return not self.quiet and not self._as_json and sys.stdin.isatty() and sys.stderr.isatty()

    def ask(self, question: str, cancel: threading.Event) -> bool:
        with self._startup.paused():
            return confirm(question, cancel)

    def progress_begins(self) -> None:
        self._startup.end()

    def run_opened(self, run_id: str) -> None:
        self._logging.run = run_id

    def run_ended(self, result: RunResult, opened: OpenStores | None, noun: str) -> None:
        from infrastructure.bootstrap.display import summary_lines

        summary = result.summary
        for line in summary_lines(summary, noun=noun, speed=self._logging.verbose):
            self.say(line)
        if opened is not None:
            self.say(f"data: {self._data_dir} ({', '.join(_contents(opened))})")
        saved = f"{summary.saved} {noun} are saved, {summary.pending} pending"
        if result.stop_reason is StopReason.BLOCKED:
            self._report_block(result.message, saved)
        elif result.stop_reason is StopReason.STORE:
            complain(f"stopped because a store does not accept data: {result.message}")
            complain(f"{saved}: run the same command to continue")
        elif summary.pending:
            complain(f"{saved}: run the same command to continue")
        elif summary.failed:
            self.say(f"next: add --retry-failed to the same command to try the failed {noun} again")
        elif opened is not None:
            self.say("next, look at it:")
            query = f' "{_example(opened)}"' if any(store.name != "csv" for store in opened.each) else ""
            self.say(f"  {command_line('sql' if query else 'publish', self._data_dir)}{query}")

    def _report_block(self, message: str, saved: str) -> None:
        from infrastructure.bootstrap.network import block_advice  # imported late: `parse` needs no network

        complain(f"the site refuses programs: {message.removesuffix(f'; {block_advice()}')}")
        complain(f"{saved}. Wait some hours and run the same command again,")
        complain("or set DATASETS=yes to read titles from IMDb's data files, or configure proxies of your own,")
        complain("or set DETAIL_SOURCE=graphql, or save pages with a browser")
        complain(f"and read them with `{_this_program()} parse FOLDER`")


def _example(opened: OpenStores) -> str:
    """A query of the chart that was read last, or of all titles if no complete chart has been read yet."""
    read = Table.CHARTS.column_index("read_at")
    newest = max(opened.together.rows(Table.CHARTS), key=lambda row: row[read] or "", default=None)
    if newest is None:
        return "select title, year, rating from movies order by rating desc limit 10"
    chart = str(newest[Table.CHARTS.column_index("chart")])
    return f"select rank, title, rating from {chart.replace('-', '_')} order by rank limit 10"  # noqa: S608 - names of ours, shown only


def _contents(opened: OpenStores) -> Iterator[str]:
    """The data of each store in the data directory, or its other place."""
    for store in opened.each:
        if store.name == "csv":
            yield "movies.csv, people.csv, credits.csv, charts.csv"
        elif store.name == "sqlite":
            yield "filmledger.sqlite"
        elif opened.place is not None:
            yield "PostgreSQL in postgres/" if opened.place.embedded else "and PostgreSQL on your server"


@contextmanager
def run_session(
    context: CommandContext, chosen: AbstractContextManager[Settings], *, as_json: bool = False
) -> Iterator[tuple[RunSession, threading.Event]]:
    """A run with terminal output that the first signal stops in order.

    Args:
        chosen: the settings of the run, which may differ from the command's; left with the run.

    Yields:
        The run, and an event that is set once a signal was received.
    """
    cancel = threading.Event()
    with graceful_stop(cancel, complain) as interrupted, chosen as settings:
        output = TerminalOutput(context, settings.data_dir, as_json=as_json)
        yield RunSession(settings, context.clock, cancel, output), interrupted


def print_results(results: Mapping[str, RunResult], data_dir: Path) -> None:
    """Prints the results of runs as JSON, by the kind of work."""
    print_json(
        {
            "data_dir": str(data_dir),
            "runs": [
                {"work": work, "ended": str(result.stop_reason), "message": result.message, **result.summary.as_dict()}
                for work, result in results.items()
            ],
        }
    )


def command_line(command: str, data_dir: Path) -> str:
    """A command line for another command on a data directory; can be pasted into a shell."""
    option = "" if data_dir == Path("data") else f" --data-dir {shlex.quote(str(data_dir))}"
    return f"{_this_program()} {command}{option}"


def _this_program() -> str:
    """The interpreter and the script as this process was started."""
    python = Path(sys.executable)
    if shutil.which("python") == sys.executable:
        python = Path("python")
    elif python.is_relative_to(Path.cwd()):
        python = python.relative_to(Path.cwd())
    script = Path(sys.argv[0])
    if script.suffix != ".py":  # the installed console script
        on_path = shutil.which("filmledger") and "UV" not in os.environ  # `uvx` runs it with a different PATH
        return "filmledger" if on_path else shlex.quote(str(script))
    return shlex.join([str(python), sys.argv[0]])


def exit_code(*runs: RunResult, interrupted: bool) -> Exit:
    """The exit code of consecutive runs that ended this way."""
    if interrupted:
        return Exit.INTERRUPTED
    if any(result.stop_reason is StopReason.BLOCKED for result in runs):
        return Exit.BLOCKED
    return Exit.FAILED if any(_has_failed(result) for result in runs) else Exit.DONE


def _has_failed(result: RunResult) -> bool:
    # A picture that cannot be used is a warning: reported and counted, but the movie is complete without it.
    failed = result.summary.failed > result.summary.minor
    return failed or result.edited or result.stop_reason is not StopReason.FINISHED

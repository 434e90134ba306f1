"""The demo site, put together: in a process of its own for a run, or alone until Ctrl-C."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import msgspec

from domain.errors import UsageError
from infrastructure.bootstrap.resume import JOB_LOGS
from shared.activity import activity
from shared.atomic import write_atomically
from shared.settings import Settings


@contextmanager
def demo_settings(settings: Settings) -> Iterator[Settings]:
    """Runs the demo site until the block ends; gives the settings of a run on it."""
    from infrastructure.demo.options import DemoOptions
    from infrastructure.demo.process import DemoProcess

    data_dir = Path("data/demo") if settings.data_dir == Path("data") else settings.data_dir
    with ExitStack() as stack:
        with activity("starting the demo site"):
            site = stack.enter_context(DemoProcess(DemoOptions(day=demo_day(data_dir))))
        yield msgspec.structs.replace(
            settings,
            base_url=site.url,
            graphql_url=f"{site.url}/graphql",
            datasets_url=f"{site.url}/datasets",
            data_dir=data_dir,
        )


def demo_day(data_dir: Path) -> int:
    """Gives the day that the demo site simulates for a run into this directory, from 0.

    A new day begins with the first run after a finished one, so that an interrupted run is continued on its
    own day. ``.filmledger/demo-day.json`` keeps the day and the id of the last run of the day before.

    Raises:
        UsageError: the file or the job log cannot be read.
    """
    from infrastructure.data_dir.directory import STATE_FOLDER
    from infrastructure.demo.catalogue import MAX_DAY
    from infrastructure.joblog.status_file import JobLogStatus

    path = data_dir / STATE_FOLDER / "demo-day.json"
    try:
        saved = json.loads(path.read_bytes()) if path.exists() else {"day": 0, "last_run": ""}
        day, last_run = int(saved["day"]), str(saved["last_run"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(f"cannot read {path}: {error}; delete it to begin with the first day") from error
    run = JobLogStatus(data_dir / JOB_LOGS["scrape"]).read()
    if run is not None and run.run != last_run and run.whole and not run.counts.pending:
        day = min(day + 1, MAX_DAY)
        path.parent.mkdir(mode=0o700, exist_ok=True)
        write_atomically(path, json.dumps({"day": day, "last_run": run.run}).encode(), mode=0o600)
    return day


def serve_demo(
    host: str,
    port: int,
    ready: Callable[[str], None],
    *,
    count: int,
    latency: float,
    page_kb: int,
    seed: int,
    day: int,
    public_url: str | None,
    faults: tuple[str, ...],
) -> None:
    """Serves the demo site until SIGINT or SIGTERM; see ``DemoOptions`` for the arguments.

    Raises:
        UsageError: a fault is not one that the site knows, or a number is out of range.
        OSError: the address cannot be used.
    """
    from infrastructure.demo.options import DemoOptions
    from infrastructure.demo.server import serve

    try:
        options = DemoOptions(host, port, count, latency, page_kb, seed, public_url, faults=faults, day=day)
        serve(options, ready)
    except ValueError as error:
        raise UsageError(str(error)) from error


def fault_names() -> tuple[str, ...]:
    """What ``--fault`` takes besides status codes, sorted."""
    from infrastructure.demo.faults import ACTIONS

    return tuple(sorted(ACTIONS))

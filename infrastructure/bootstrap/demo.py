"""Composes the demo site: in a child process for a run, or alone until Ctrl-C."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

import msgspec

from domain.errors import UsageError
from infrastructure.bootstrap import JOB_LOGS
from shared.atomic import write_atomically
from shared.logs import activity
from shared.settings import Settings

DEMO_SITE: Final = "the demo site"  # recorded in the data directory, because its address differs each time


@contextmanager
def settings_of_data(settings: Settings) -> Iterator[Settings]:
    """Gives the settings of a command that reads more about stored titles; runs the demo site if they are from there.

    Raises:
        UsageError: the data directory's record of its site cannot be read, or the demo site does not start.
    """
    if not is_from_demo(settings):
        yield settings
        return
    with demo_settings(settings) as demo:
        yield demo


def is_from_demo(settings: Settings) -> bool:
    """Whether the data directory was filled from the demo site."""
    from infrastructure.data_dir import DataDir

    return DataDir(settings.data_dir).site == DEMO_SITE


@contextmanager
def demo_settings(settings: Settings) -> Iterator[Settings]:
    """Runs the demo site until the block ends; gives the settings of a run on it."""
    from infrastructure.demo.process import DemoOptions, DemoProcess

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

    A new day begins with the first run after a finished scrape or a finished load of data files, so that an
    interrupted run is continued on its own day. ``.filmledger/demo-day.json`` keeps the day and what had been
    finished when it began.

    Raises:
        UsageError: the file or the job log cannot be read.
    """
    from infrastructure.bootstrap.datasets import LAST_LOAD
    from infrastructure.data_dir import STATE_FOLDER
    from infrastructure.demo.process import MAX_DAY
    from infrastructure.joblog.status_file import JobLogStatus

    state = data_dir / STATE_FOLDER
    path = state / "demo-day.json"
    saved: dict[str, Any] = {"day": 0, "finished": [None, None]}
    try:
        if path.exists():
            saved = json.loads(path.read_bytes())
        day, finished = int(saved["day"]), list(saved["finished"])
        load = state / LAST_LOAD
        loaded = hashlib.sha256(load.read_bytes()).hexdigest() if load.exists() else None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(f"cannot read {path}: {error}; delete it to begin with the first day") from error
    run = JobLogStatus(data_dir / JOB_LOGS["scrape"]).read()
    scraped = finished[0] if run is None or not run.whole or run.counts.pending else run.run
    if [scraped, loaded] != finished:
        day = min(day + 1, MAX_DAY)
        write_atomically(
            path, json.dumps({"day": day, "finished": [scraped, loaded]}).encode(), mode=0o600, parents=True
        )
    return day


def serve_demo(ready: Callable[[str], None], **options: Any) -> None:
    """Serves the demo site until SIGINT or SIGTERM.

    Args:
        ready: called with its address once it answers.
        options: those of ``DemoOptions``.

    Raises:
        UsageError: a fault is unknown, or a number is out of range.
        OSError: the address cannot be used.
    """
    from infrastructure.demo.process import DemoOptions
    from infrastructure.demo.server import serve

    try:
        serve(DemoOptions(**options), ready)
    except ValueError as error:
        raise UsageError(str(error)) from error


def fault_names() -> tuple[str, ...]:
    """The values of ``--fault`` besides status codes, sorted."""
    from infrastructure.demo.faults import ACTIONS

    return tuple(sorted(ACTIONS))

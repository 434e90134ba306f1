"""Composes the checks: the comparison of the stores, and the state of the last run."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Final

from application.comparison import Finding
from application.ports.runs import CheckResult
from application.ports.sources import TitleSource
from application.repair import prune, repair
from application.verify import Expectation, VerifyReport, verify
from domain.errors import Cancelled, FilmledgerError, InvalidMovie, NotFound, SourceError, UsageError
from infrastructure.bootstrap.network import block_advice, downloader, graphql_client, network_options
from infrastructure.bootstrap.stores import PENDING_LOAD, database, open_stores
from infrastructure.data_dir import DataDir
from infrastructure.joblog.status_file import JobLogStatus
from shared.clock import Clock
from shared.secret import split_user_info
from shared.settings import Settings


def verify_stores(
    settings: Settings,
    clock: Clock,
    job_log: Path,
    *,
    threshold: float,
    on_repair: Callable[[str], None] | None = None,
    prune_people: bool = False,
    on_finding: Callable[[Finding], None] | None = None,
) -> tuple[VerifyReport, bool]:
    """Compares the stores with each other and with the last run's job log.

    Args:
        job_log: of the last scraping run.
        threshold: warn of a column that is filled in a smaller part of the movies, 0 to 1.
        on_repair: makes the stores equal first; called with each change.
        prune_people: with a repair, drops people whom no title credits.
        on_finding: called with each difference.

    Returns:
        The report, and whether the job log could be compared.

    Raises:
        UsageError: there is no data directory, or another process writes it during a repair.
        StoreError: a store cannot be read.
    """
    with ExitStack() as stack:
        directory = DataDir(settings.data_dir)
        directory.require()
        expectation, alive = _expectation(job_log)
        repairing = on_repair is not None
        if repairing:
            stack.enter_context(directory.lock("verify --repair", clock))
        opened = stack.enter_context(
            open_stores(settings, clock, existing=True, read_only=not repairing, mending=repairing)
        )
        if on_repair is not None:
            for action in repair(opened.each):
                on_repair(str(action))
            if prune_people:
                on_repair(f"{prune(opened.each)} people without credits dropped")
        report = verify(
            opened.each,
            expectation=expectation,
            threshold=threshold,
            live=alive,
            now=clock.now(),
            on_finding=on_finding,
        )
        if (directory.state / PENDING_LOAD).exists():  # in a repair, opening the stores has completed it
            report = replace(report, unfinished_load=True)
    return report, expectation is not None


def _expectation(job_log: Path) -> tuple[Expectation | None, bool]:
    """What the last run's job log requires, and whether the run is still in progress."""
    log = JobLogStatus(job_log)
    logged = log.read()
    if logged is None or not logged.whole or logged.identity.work != "scrape":
        return None, False
    return Expectation(logged.counts, log.completed()), bool(logged.alive)


def examine(settings: Settings, clock: Clock, cancel: threading.Event) -> Iterator[CheckResult]:
    """Checks data directory, disk, clock, database, notifications and network; creates nothing.

    Raises:
        Cancelled: ``cancel`` was set.
        UsageError: settings that cannot be used.
    """
    from infrastructure.http.doctor import examine_network
    from infrastructure.monitoring import examine_machine, unusable_addresses

    yield from examine_machine(settings.data_dir, clock)
    if "postgres" in settings.store_names:
        yield _database(settings, clock)
    if settings.notify_urls:
        problems = list(unusable_addresses(settings.notify_urls))
        yield CheckResult("notifications", not problems, "; ".join(problems) or "every address is known")
    yield from examine_network(network_options(settings), cancel, address_url=settings.exit_address_url)
    best: str | None = None
    try:
        for result in _examine_sources(settings, clock, cancel):
            if result.ok and best is None:
                best = result.subject
            yield result
    except UsageError as error:  # of proxies or Tor, which have a line of their own
        yield CheckResult("sources", False, str(error))
    yield CheckResult("what to use", best is not None, _USE[best])


_KNOWN_TITLE: Final = "tt0111161"
_USE: Final = {
    "pages": "pages: `python main.py` (DETAIL_SOURCE=auto)",
    "GraphQL": "GraphQL: `python main.py` changes to it by itself; DETAIL_SOURCE=graphql asks no pages",
    "data files": "IMDb's data files: `python main.py datasets`, or DATASETS=yes for the titles of a run",
    None: "nothing works from here; wait some hours, or use another connection",
}


def _examine_sources(settings: Settings, clock: Clock, cancel: threading.Event) -> Iterator[CheckResult]:
    """Reads one title from pages and GraphQL, and the beginning of one data file.

    The data files are not checked if the site is on this machine and their server is not.
    """
    from infrastructure.datasets.files import DataFile
    from infrastructure.http.doctor import examine_file
    from infrastructure.http.messages import Origin
    from infrastructure.scraper.sources import GraphqlTitleSource, PageTitleSource

    with downloader(settings, keep_robots=False) as network:
        client = graphql_client(settings, network, patient=False)
        sources: dict[str, TitleSource] = {
            "pages": PageTitleSource(network, settings.site, clock, patient=False),
            "GraphQL": GraphqlTitleSource(client, clock, batch_size=1),
        }
        for name, source in sources.items():
            yield _source_result(name, _problem(source, cancel))
    loopback = Origin.of(settings.site).loopback
    if not loopback or Origin.of(split_user_info(settings.datasets_url)[0]).loopback:
        url = f"{settings.datasets_url.rstrip('/')}/{DataFile.RATINGS.file_name}"
        yield _source_result("data files", examine_file(network_options(settings), url, cancel))


def _source_result(name: str, problem: str) -> CheckResult:
    return CheckResult(name, not problem, problem or "titles can be read")


def _problem(source: TitleSource, cancel: threading.Event) -> str:
    """Why a source gives no titles; empty if it works, which includes the answer that this title does not exist."""
    try:
        source.title(_KNOWN_TITLE, max_requests=1, cancel=cancel)
    except (NotFound, InvalidMovie):
        return ""
    except Cancelled:
        raise
    except SourceError as error:
        return str(error).removesuffix(f"; {block_advice()}")
    return ""


def _database(settings: Settings, clock: Clock) -> CheckResult:
    if not settings.postgres_dsn and not settings.postgres_host and not (settings.data_dir / "postgres").is_dir():
        return CheckResult("database", True, "none yet; the first run makes it")
    try:
        with database(settings, clock, existing=True, migrate=False):
            where = "embedded server" if not settings.postgres_dsn and not settings.postgres_host else "your server"
            return CheckResult("database", True, f"{where} answers, and its schema is this program's")
    except FilmledgerError as error:
        return CheckResult(
            "database", False, str(error), "see the message; `python main.py settings` shows its address"
        )

"""The one place that names concrete classes: settings go in, a program put together comes out.

Imports stand inside the functions, because a command should load only what it
uses: the start is part of every run's time.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from application.ports import ChartHistory, ChartSource, PosterSource, RunHistory, TitleSource
from application.records import Table
from application.run_jobs import RetryRule
from application.save_movie import SaveMovie
from domain.errors import UsageError
from shared import clock as clocks
from shared.clock import Clock
from shared.settings import Settings

if TYPE_CHECKING:
    from infrastructure.http import Downloader, NetworkOptions
    from infrastructure.persistence.csv.repository import CsvMovieRepository
    from infrastructure.persistence.destinations import Destinations
    from infrastructure.persistence.postgres.database import Database
    from infrastructure.persistence.postgres.repository import PostgresMovieRepository
    from infrastructure.posters import PosterFolder

VERSION = "0.1.0"


@dataclass(frozen=True, slots=True)
class Sources:
    """Where charts and titles are read."""

    charts: Mapping[str, ChartSource]
    titles: TitleSource


def clock_of(environ: Mapping[str, str]) -> Clock:
    """The clock that the environment asks for.

    Raises:
        UsageError: SOURCE_DATE_EPOCH is no number of seconds.
    """
    try:
        return clocks.from_environment(environ)
    except (ValueError, OverflowError, OSError) as error:
        raise UsageError("SOURCE_DATE_EPOCH: allowed: whole seconds since 1970") from error


def retry_rule(settings: Settings) -> RetryRule:
    """When a failed job is queued again."""
    return RetryRule(
        retries=settings.batch_retries if settings.backoff_and_retry else 0,
        max_requests=settings.max_requests,
        delay=settings.backoff_factor,
        longest=settings.max_backoff_seconds,
    )


def network_options(settings: Settings) -> NetworkOptions:
    """The network's part of the settings.

    Raises:
        UsageError: values that cannot be used, all of them named.
    """
    from infrastructure.http import NetworkOptions

    return NetworkOptions(
        base_url=settings.site,
        graphql_url=settings.graphql,
        backoff_and_retry=settings.backoff_and_retry,
        backoff_factor=settings.backoff_factor,
        max_backoff_seconds=settings.max_backoff_seconds,
        max_backoff_retries=settings.max_backoff_retries,
        retry_status_codes=frozenset(int(code) for code in settings.retry_status_codes.split(",")),
        max_wait_per_title=settings.max_wait_per_title_seconds,
        max_wait_per_run=settings.max_wait_per_run_seconds,
        connect_timeout=settings.connect_timeout_seconds,
        read_timeout=settings.read_timeout_seconds,
        request_deadline=settings.request_deadline_seconds,
        max_body_bytes=settings.max_body_mb * 1024 * 1024,
        requests_per_second=settings.requests_per_second,
        respect_robots=settings.respect_robots,
        max_block_wait_seconds=settings.max_block_wait_seconds,
        proxy_host=settings.proxy_host,
        proxy_port=settings.proxy_port,
        proxy_user=settings.proxy_user,
        proxy_pass=settings.proxy_pass,
        proxies=settings.proxies or None,
        proxy_file=settings.proxy_file,
        allow_direct_fallback=settings.allow_direct_fallback,
        rotate_after_requests=settings.rotate_after_requests,
        use_tor=settings.use_tor,
        tor_host=settings.tor_host,
        tor_proxy_port=settings.tor_proxy_port,
        tor_control_port=settings.tor_control_port,
        tor_password=settings.tor_password,
        tor_circuits=settings.tor_circuits,
    )


@contextmanager
def downloader(settings: Settings) -> Iterator[Downloader]:
    """The network with all its routes.

    Raises:
        UsageError: a proxy cannot be read, the list of them is empty, or Tor is not ready.
    """
    from infrastructure.http import build_downloader

    with closing(build_downloader(network_options(settings))) as opened:
        yield opened


def destinations(settings: Settings, *, check: bool) -> Destinations:
    """The disks for files other than the CSVs; ``check`` looks for the one with most room.

    Raises:
        UsageError: a folder cannot be made.
    """
    from infrastructure.persistence.destinations import Destinations
    from shared.sizes import parse_size

    folders = [Path(each.strip()) for each in settings.data_dirs.split(",") if each.strip()] or [settings.data_dir]
    try:
        return Destinations(folders, margin=parse_size(settings.disk_margin), check=check)
    except OSError as error:
        raise UsageError(f"DATA_DIRS: {error.filename} cannot be made: {error.strerror}") from error


def page_keeper(settings: Settings, *, check: bool) -> Callable[[str, bytes], object]:
    """Keeps fetched pages, compressed, on the disks of DATA_DIRS.

    Raises:
        UsageError: a folder cannot be made.
    """
    import gzip

    kept = destinations(settings, check=check)
    return lambda imdb_id, body: kept.write(f"pages/{imdb_id}.html.gz", gzip.compress(body, 6, mtime=0))


def history(opened: Database) -> RunHistory:
    """Where runs are remembered."""
    from infrastructure.persistence.postgres.history import PostgresHistory

    return PostgresHistory(opened)


def sources(
    settings: Settings, downloader: Downloader, clock: Clock, keep: Callable[[str, bytes], object] | None = None
) -> Sources:
    """Pages and GraphQL, put together as DETAIL_SOURCE says; ``keep`` is handed each title page."""
    from infrastructure.scraper.chart_sources import GraphqlChartSource, PageChartSource
    from infrastructure.scraper.graphql_client import GraphqlClient
    from infrastructure.scraper.title_sources import AutoTitleSource, GraphqlTitleSource, PageTitleSource

    client = GraphqlClient(downloader, settings.graphql)
    most = settings.max_requests
    pages, graphql = settings.detail_source != "graphql", settings.detail_source != "page"
    charts: dict[str, ChartSource] = {}
    if pages:
        charts["page"] = PageChartSource(downloader, settings.site, max_requests=most, patient=not graphql)
    if graphql:
        charts["graphql"] = GraphqlChartSource(client, max_requests=most)
    by_page = PageTitleSource(downloader, settings.site, clock, patient=not graphql, keep=keep)
    by_graphql = GraphqlTitleSource(client, clock, batch_size=settings.graphql_batch_size)
    titles: TitleSource = AutoTitleSource(by_page, by_graphql)
    if not (pages and graphql):
        titles = by_page if pages else by_graphql
    return Sources(charts, titles)


@dataclass(frozen=True, slots=True)
class Place:
    """Where the database is.

    Attributes:
        address: answers the connection string to use now.
        shell: PostgreSQL's own shell of the same version, where we have one.
        embedded: whether it is ours, under the data directory.
    """

    address: Callable[[], str]
    shell: Path | None
    embedded: bool


@contextmanager
def database_place(
    settings: Settings, directory: Path, cancel: threading.Event | None = None, *, existing: bool = False
) -> Iterator[Place]:
    """The database that the settings name, or the embedded server of a data directory, running.

    Args:
        settings: whether a server is configured.
        directory: the data directory.
        cancel: once set, nothing is waited for.
        existing: do not make a database that is not there.

    Raises:
        UsageError: no embedded server on this platform, its folder cannot be used, or no run has filled it.
        StoreUnavailable: the embedded server does not come up.
    """
    if settings.postgres_dsn or settings.postgres_host:
        from infrastructure.persistence.postgres.address import from_parts

        dsn = settings.postgres_dsn.reveal() or from_parts(
            settings.postgres_host,
            settings.postgres_port,
            settings.postgres_db,
            settings.postgres_user,
            settings.postgres_password.reveal(),
            sslmode=settings.postgres_sslmode,
            sslrootcert=settings.postgres_sslrootcert,
        )
        yield Place(lambda: dsn, None, embedded=False)
        return
    from infrastructure.persistence.embedded.server import EmbeddedServer

    embedded = EmbeddedServer(directory / "postgres", cancel=cancel)
    if existing and not embedded.exists:
        raise UsageError(f"there is no database in {directory} yet: run `python main.py` first, or set DATA_DIR")
    with embedded as server:
        yield Place(server.dsn, server.start().psql, embedded=True)


@contextmanager
def database(
    settings: Settings, place: Place, clock: Clock, cancel: threading.Event | None = None
) -> Iterator[Database]:
    """Pooled connections to a database whose schema is the one of this program.

    Raises:
        UsageError: wrong address, password or schema.
        StoreUnavailable: it cannot be reached.
    """
    from infrastructure.persistence.postgres.database import Database
    from infrastructure.persistence.postgres.schema import prepare

    opened = Database(
        place.address,
        pool_size=settings.postgres_pool_size,
        patience=settings.store_wait_seconds,
        cancel=cancel,
    )
    try:
        prepare(opened, clock)
        yield opened
    finally:
        opened.close()


@contextmanager
def database_of(settings: Settings, clock: Clock, cancel: threading.Event | None = None) -> Iterator[Database]:
    """``database`` at its ``database_place``, for commands that look into one that a run has filled."""
    with (
        database_place(settings, settings.data_dir, cancel, existing=True) as place,
        database(settings, place, clock, cancel) as opened,
    ):
        yield opened


@contextmanager
def each_store(
    settings: Settings, opened: Database, *, read_only: bool = False, mending: bool = False
) -> Iterator[tuple[CsvMovieRepository, PostgresMovieRepository]]:
    """CSV and PostgreSQL, each by itself.

    Args:
        settings: where they are.
        opened: the database.
        read_only: change nothing in the CSV files.
        mending: set CSV rows aside that cannot be read, instead of refusing the files.

    Raises:
        UsageError: a CSV file of another shape stands in the data directory.
    """
    from infrastructure.persistence.csv.repository import CsvMovieRepository
    from infrastructure.persistence.postgres.repository import PostgresMovieRepository

    csv = CsvMovieRepository(
        settings.data_dir,
        escape_formulas=settings.csv_escape_formulas,
        read_only=read_only,
        set_aside_unreadable=mending,
    )
    with closing(csv):
        yield csv, PostgresMovieRepository(opened)


@contextmanager
def stores(settings: Settings, opened: Database) -> Iterator[SaveMovie]:
    """Both stores, open for saving, as one repository.

    Raises:
        UsageError: a CSV file of another shape stands in the data directory.
    """
    with (
        each_store(settings, opened) as (csv, postgres),
        closing(SaveMovie(postgres, csv, concurrency=settings.threads)) as both,
    ):
        yield both


def postgres_store(opened: Database) -> PostgresMovieRepository:
    """The movies in PostgreSQL, for reading."""
    from infrastructure.persistence.postgres.repository import PostgresMovieRepository

    return PostgresMovieRepository(opened)


def chart_history(opened: Database) -> ChartHistory:
    """The charts of earlier runs."""
    from infrastructure.persistence.postgres.history import PostgresHistory

    return PostgresHistory(opened)


def poster_shelf(settings: Settings, *, check: bool = True) -> PosterFolder:
    """Where posters are kept: on the disks of DATA_DIRS, their manifest in the data directory.

    Raises:
        UsageError: a folder cannot be made.
        StoreUnavailable: the manifest cannot be read.
    """
    from infrastructure.posters import PosterFolder, Recipe, within

    placement = within(destinations(settings, check=check).reserve) if settings.data_dirs else None
    recipe = Recipe(optimize=settings.optimize_assets)
    return PosterFolder(settings.data_dir / "posters", recipe, placement=placement)


def poster_source(opened: Downloader, shelf: PosterFolder) -> PosterSource:
    """Where posters are fetched, in the width that the shelf keeps."""
    from infrastructure.posters import HttpPosterSource

    return HttpPosterSource(opened, shelf.recipe.full_width)


def poster_addresses(opened: Database) -> dict[str, str]:
    """The poster's address of each movie that has one, by IMDb id."""
    columns = Table.MOVIES.columns
    place = columns.index("poster_url")
    return {str(row[0]): url for row in postgres_store(opened).rows(Table.MOVIES) if (url := row[place])}

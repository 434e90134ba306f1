"""Composes the cluster's parts, in the program and on its workers."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial

import msgspec

from application.ports.sources import TitleSource
from domain.errors import UsageError
from infrastructure.bootstrap import network
from shared.clock import Clock
from shared.secret import Secret
from shared.settings import Settings


class NetworkReading:
    """A worker's network and title source; satisfies ``ReaderSource``. Only the rate limit is shared.

    Args:
        settings: of the run, without those of its stores.
        clock: the time at which a title is read.

    Raises:
        UsageError: a route cannot be used.
    """

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._stack = ExitStack()
        self._downloader = self._stack.enter_context(
            network.downloader(settings, grace=network.GRACE_SECONDS, keep_robots=False)
        )
        self._titles = network.sources(settings, self._downloader, clock).titles

    @property
    def titles(self) -> TitleSource:
        return self._titles

    def share(self, workers: int) -> None:
        self._downloader.divide_rate(workers)

    def close(self) -> None:
        self._stack.close()


class ClusterReading(msgspec.Struct, frozen=True):
    """The program's title source on a cluster; ``lost`` has the reason if the cluster was lost."""

    titles: TitleSource
    lost: Callable[[], str]


@contextmanager
def cluster_reading(where: str, settings: Settings, clock: Clock, cancel: threading.Event) -> Iterator[ClusterReading]:
    """The titles of a run, read on a cluster.

    Args:
        where: ``local``, ``local:4`` or a scheduler's address.
        cancel: of the run; set when the cluster has gone.

    Raises:
        UsageError: the package for it is missing, or the cluster cannot be used.
        SourceError: it cannot be reached.
    """
    try:
        import distributed  # noqa: F401 - an optional package
    except ImportError as error:
        raise UsageError(
            "--cluster needs Dask: pip install -r requirements-cluster.txt, or the extra `cluster`"
        ) from error
    from infrastructure.cluster.connect import connect_cluster, parse_cluster
    from infrastructure.cluster.pending import ClusterTitleSource, PendingTitles
    from infrastructure.cluster.pool import WorkerPool, WorkPlan

    make = partial(NetworkReading, for_workers(settings), clock)
    pending = PendingTitles()
    with connect_cluster(parse_cluster(where)) as client:
        pool = WorkerPool(client, WorkPlan(secrets.token_hex(8), make, settings.threads), pending, cancel)
        try:
            yield ClusterReading(ClusterTitleSource(pending), lambda: pool.lost)
        finally:
            pool.close()


def for_workers(settings: Settings) -> Settings:
    """The settings for workers: without the database, and without files of this machine."""
    proxies = ",".join(proxy.address.reveal() for proxy in network.network_options(settings).all_proxies())
    return msgspec.structs.replace(
        settings,
        postgres_dsn=Secret(""),
        postgres_host="",
        postgres_user="",
        postgres_password=Secret(""),
        proxy_host="",
        proxy_port=None,
        proxy_user="",
        proxy_pass=Secret(""),
        proxy_file=None,
        proxies=Secret(proxies),
    )

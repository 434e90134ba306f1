"""The one place that names concrete classes: settings go in, a program put together comes out."""

from __future__ import annotations

from collections.abc import Mapping

from domain.errors import UsageError
from infrastructure.bootstrap.files import destinations, page_keeper, poster_addresses, poster_source, poster_store
from infrastructure.bootstrap.network import GRACE_SECONDS, Sources, downloader, network_options, retry_rule, sources
from infrastructure.bootstrap.stores import (
    Place,
    chart_history,
    database,
    database_of,
    database_place,
    disk_wait,
    each_store,
    history,
    postgres_store,
    stores,
)
from shared import clock as clocks
from shared.clock import Clock

__all__ = [
    "GRACE_SECONDS",
    "VERSION",
    "Place",
    "Sources",
    "chart_history",
    "clock_of",
    "database",
    "database_of",
    "database_place",
    "destinations",
    "disk_wait",
    "downloader",
    "each_store",
    "history",
    "network_options",
    "page_keeper",
    "poster_addresses",
    "poster_source",
    "poster_store",
    "postgres_store",
    "retry_rule",
    "sources",
    "stores",
]

VERSION = "0.1.0"


def clock_of(environ: Mapping[str, str]) -> Clock:
    """The clock that the environment asks for.

    Raises:
        UsageError: SOURCE_DATE_EPOCH is no number of seconds.
    """
    try:
        return clocks.from_environment(environ)
    except (ValueError, OverflowError, OSError) as error:
        raise UsageError("SOURCE_DATE_EPOCH: allowed: whole seconds since 1970") from error

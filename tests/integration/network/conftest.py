"""What tests of the network share: a site that misbehaves and downloaders that do not take long about it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from infrastructure.http import Downloader, NetworkOptions, build_downloader
from tests.support.fault_site import FaultSite

Connect = Callable[..., Downloader]


@pytest.fixture
def site() -> Iterator[FaultSite]:
    with FaultSite() as site:
        yield site


@pytest.fixture
def cancel() -> threading.Event:
    return threading.Event()


@pytest.fixture
def connect(site: FaultSite) -> Iterator[Connect]:
    """Builds downloaders for the site, with short waits unless told otherwise."""
    built: list[Downloader] = []

    def build(**settings: Any) -> Downloader:
        short: dict[str, Any] = {
            "base_url": site.url,
            "graphql_url": "",
            "backoff_factor": 0.001,
            "max_backoff_seconds": 0.05,
            "max_block_wait_seconds": 0.2,
            "connect_timeout": 2.0,
            "read_timeout": 2.0,
        }
        built.append(build_downloader(NetworkOptions(**{**short, **settings})))
        return built[-1]

    yield build
    for downloader in built:
        downloader.close()

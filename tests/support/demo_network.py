"""The real network layer toward a demo site, with waits too short to notice."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from infrastructure.http import Downloader, NetworkOptions, build_downloader

MAX_REQUESTS = 3


@contextmanager
def demo_network(url: str, *, also: str = "") -> Iterator[Downloader]:
    """A downloader that knows nothing yet about the demo site at this address; it may reach ``also`` too."""
    downloader = build_downloader(
        NetworkOptions(
            base_url=url,
            graphql_url=f"{url}/graphql",
            datasets_url=also,
            backoff_factor=0.001,
            max_backoff_seconds=0.01,
            max_backoff_retries=MAX_REQUESTS - 1,
            max_block_wait_seconds=0,
        )
    )
    try:
        yield downloader
    finally:
        downloader.close()

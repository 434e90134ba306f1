"""What the sources need from the network, and how its cost is passed on."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Protocol

from domain.errors import InvalidMovie, SourceError
from infrastructure.http import Page


class Fetcher(Protocol):
    """The part of the downloader that sources use. Called from many threads at once.

    ``get`` and ``post`` raise Transient, NotFound, Disallowed, Blocked or
    Cancelled, with ``requests`` and ``size`` filled in. Without ``patient`` a
    block is raised at once; with it the site is given time and probed first.
    """

    def get(
        self,
        url: str,
        *,
        max_requests: int,
        cancel: threading.Event,
        headers: Mapping[str, str] | None = None,
        patient: bool = True,
    ) -> Page: ...

    def post(
        self,
        url: str,
        body: bytes,
        *,
        max_requests: int,
        cancel: threading.Event,
        headers: Mapping[str, str] | None = None,
        patient: bool = True,
    ) -> Page: ...

    def recognised(self, page: Page) -> None:
        """Reports that a page held what was expected."""

    def unrecognised(self, page: Page) -> None:
        """Reports that nothing was recognised in a page of status 200.

        Raises:
            Blocked: there were many in a row.
        """


@contextmanager
def charged(requests: int, size: int) -> Iterator[None]:
    """Add what was spent before to whatever error leaves the block."""
    try:
        yield
    except (SourceError, InvalidMovie) as error:
        error.requests += requests
        error.size += size
        raise

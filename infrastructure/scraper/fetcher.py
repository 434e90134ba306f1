"""What the sources need from the network, and how its cost is passed on."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Protocol, Self

from domain.errors import FilmledgerError
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


class Spent:
    """HTTP requests and bytes spent so far. As a context manager it adds them to an error that leaves its block."""

    def __init__(self, requests: int = 0, size: int = 0) -> None:
        self.requests = requests
        self.size = size

    def add(self, requests: int, size: int) -> None:
        """Adds the cost of a page, a response, or an error that is not raised."""
        self.requests += requests
        self.size += size

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: object, error: object, _trace: object) -> None:
        if isinstance(error, FilmledgerError):
            error.requests += self.requests
            error.size += self.size

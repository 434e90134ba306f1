"""A page as it came."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Page:
    """An answer that is neither a block nor an error.

    Attributes:
        url: where it came from in the end, redirects followed.
        status: HTTP status: 2xx, 304 for a conditional request, 4xx for a query the server could not take.
        headers: of the answer, found in any spelling of upper and lower case.
        body: decoded.
        size: body bytes over the wire, those of failed tries and redirects included.
        requests: HTTP requests spent, failed tries and redirects included.
        route: which way it came, without secrets: ``direct``, ``http://***@host:port``, ``tor 1``.
    """

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    size: int = 0
    requests: int = 1
    route: str = "direct"

"""One question to the GraphQL server, and what it cost."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass

from domain.errors import Transient, UnknownLayout
from infrastructure.scraper.fetcher import Fetcher, charged
from infrastructure.scraper.graphql import HEADERS, Request
from infrastructure.scraper.graphql_answer import Answer, PersistedQueryMiss, read_answer

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer, with the HTTP requests and body bytes that it took."""

    answer: Answer
    requests: int
    size: int


class GraphqlClient:
    """Asks the GraphQL server. Safe to share between threads.

    Args:
        fetcher: the network.
        url: of the server.
        patient: whether to wait and probe when the server refuses.
    """

    def __init__(self, fetcher: Fetcher, url: str, *, patient: bool = True) -> None:
        self._fetcher = fetcher
        self._url = url
        self._patient = patient

    def ask(self, request: Request, *, max_requests: int, cancel: threading.Event) -> Reply:
        """Send the full query; if the server wants it registered, register it.

        Raises:
            SourceError: the network's, or as ``read_answer`` says.
        """
        try:
            return self._ask(request, register=False, max_requests=max_requests, cancel=cancel)
        except PersistedQueryMiss as miss:
            _log.info("%s; sending it again to register it", miss)
            left = max_requests - miss.requests
            with charged(miss.requests, miss.size):
                if left < 1:
                    raise Transient(f"{miss}; no request is left to register it") from miss
                try:
                    return self._ask(request, register=True, max_requests=left, cancel=cancel)
                except PersistedQueryMiss as again:
                    refused = UnknownLayout("GraphQL takes registered queries only and did not let us register ours")
                    refused.requests, refused.size = again.requests, again.size
                    raise refused from again

    def _ask(self, request: Request, *, register: bool, max_requests: int, cancel: threading.Event) -> Reply:
        page = self._fetcher.post(
            self._url,
            request.body(register=register),
            headers=HEADERS,
            max_requests=max_requests,
            cancel=cancel,
            patient=self._patient,
        )
        with charged(page.requests, page.size):
            return Reply(read_answer(page.body, page.status), page.requests, page.size)

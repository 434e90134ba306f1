"""Titles read on a Dask cluster."""

from __future__ import annotations

import threading

from application.ports import FetchedTitle
from domain.errors import Transient
from infrastructure.cluster.asking import Asks
from infrastructure.cluster.wire import Wanted


class ClusterTitleSource:
    """A TitleSource whose titles are fetched and parsed by the workers of a fleet.

    Args:
        asks: what the fleet works on.
    """

    def __init__(self, asks: Asks) -> None:
        self._asks = asks

    def title(self, imdb_id: str, *, max_requests: int, cancel: threading.Event) -> FetchedTitle:
        if max_requests < 1:
            raise Transient(f"{imdb_id}: no request is left for it in this run")
        return self._asks.title(Wanted(imdb_id, max_requests), cancel)

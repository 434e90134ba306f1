"""After a chart was read whole: no movie keeps a rank that the chart no longer gives it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final

from application.ports import MovieRepository
from application.records import Row, Table, parse_timestamp

log = logging.getLogger(__name__)
_ID: Final = Table.MOVIES.columns.index("imdb_id")
_RANK: Final = Table.MOVIES.columns.index("rank")
_SCRAPED_AT: Final = Table.MOVIES.columns.index("scraped_at")


def renew_ranks(store: MovieRepository, ranks: Mapping[str, int], since: datetime) -> int:
    """Give every movie that this run did not save the rank it has now, or none.

    A title that left the chart would otherwise share its old rank with the one
    that took its place. Movies saved by the run carry their ranks already; among
    them are those that IMDb moved to another id, which the chart does not name.

    Args:
        store: both stores in one.
        ranks: by IMDb id, of the places that the run was asked for, from 1 on.
        since: when the run began.

    Returns:
        How many movies changed their rank.

    Raises:
        StoreError: a store could not take it; what was changed stays changed.
    """
    stale = [str(row[_ID]) for row in store.rows(Table.MOVIES) if _is_stale(row, ranks, since)]
    for imdb_id in stale:
        movie = store.find(imdb_id)
        if movie is not None:
            store.save(replace(movie, rank=ranks.get(imdb_id)))
            log.info("%s: rank %s is now %s", imdb_id, movie.rank, ranks.get(imdb_id) or "none")
    return len(stale)


def _is_stale(row: Row, ranks: Mapping[str, int], since: datetime) -> bool:
    rank = row[_RANK]
    if rank is None or int(rank) > len(ranks) or ranks.get(str(row[_ID])) == int(rank):
        return False
    try:
        return parse_timestamp(str(row[_SCRAPED_AT])) < since
    except ValueError:  # a time that cannot be, put there by hand: `verify` tells of it
        return False

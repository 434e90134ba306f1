"""The jobs of a run: a chart's titles in rank order, or the ids of a list."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING, Final

from application.ports import Job, MovieRepository
from domain.chart import ChartEntry
from domain.fields import Table

if TYPE_CHECKING:
    from application.listed_titles import ListedTitle

_SERIES_ID: Final = Table.MOVIES.column_index("series_id")


def jobs_of_chart(entries: Iterable[ChartEntry]) -> Iterator[Job]:
    """A job for each entry, in the given order."""
    return (Job(seq, entry.imdb_id, entry.rank, label=entry.title) for seq, entry in enumerate(entries))


def with_episodes(jobs: Iterable[Job], episodes: Callable[[str], Iterable[tuple[str, str]]]) -> Iterator[Job]:
    """Each job, followed by one for each episode if it is a series; a title is listed once. Streams.

    Args:
        episodes: id and title of each episode of a series; nothing for other titles.
    """
    seen: set[str] = set()
    for job in jobs:
        if job.key in seen:  # an episode that was listed with its series
            continue
        for one in chain((job,), (Job(0, imdb_id, label=title) for imdb_id, title in episodes(job.key))):
            if one.key not in seen:
                yield replace(one, seq=len(seen))
                seen.add(one.key)


class StoredEpisodes:
    """The episodes in the stores, read on first use."""

    def __init__(self, store: MovieRepository) -> None:
        self._store = store
        self._firsts: dict[str, str] | None = None

    def first(self, series_id: str) -> str | None:
        """The id of one episode of this series."""
        if self._firsts is None:
            pairs = ((row[_SERIES_ID], str(row[0])) for row in self._store.rows(Table.MOVIES))
            self._firsts = {series: imdb_id for series, imdb_id in pairs if series is not None}
        return self._firsts.get(series_id)


def jobs_of_titles(titles: Iterable[ListedTitle]) -> Iterator[Job]:
    """A job for each title of a list, in its order. Streams."""
    return (Job(seq, title.imdb_id) for seq, title in enumerate(titles))

"""Titles and lists of episodes from IMDb's data files, for runs whose pages and GraphQL requests are refused."""

from __future__ import annotations

import csv
import shutil
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from application.load_datasets import LoadedTitle
from application.ports.sources import FetchedTitle
from application.ports.stores import MovieRepository
from application.records import from_rows, to_rows
from domain.errors import Cancelled, NotFound, UsageError
from domain.fields import Source, Table
from domain.movie import Movie
from infrastructure.datasets.files import CheckedFile, DataFile
from infrastructure.datasets.prepare import LoadPreparation, Selection
from infrastructure.datasets.prepared import PreparedFiles

if TYPE_CHECKING:
    import duckdb

# Fields that the data files never have.
UNTOLD: Final = frozenset(
    field.name
    for field in Table.MOVIES.fields
    if field.sources and not field.derived and Source.DATASETS not in field.sources
)


class DatasetEpisodeSource:
    """Lists the episodes of a series by ``title.episode``, which is read once; an EpisodeSource.

    Args:
        file: gives the checked file; may download it.
        work: a folder for the table made of it; removed by ``close``.
        memory: maximum memory of DuckDB, as ``1GB``.
    """

    def __init__(self, file: Callable[[], CheckedFile], work: Path, *, memory: str) -> None:
        self._file = file
        self._work = work
        self._memory = memory
        self._table: duckdb.DuckDBPyConnection | None = None

    def episodes(self, imdb_id: str, cancel: threading.Event) -> Iterator[tuple[str, str]]:
        """See ``EpisodeSource.episodes``; numbered episodes first. The file has no titles.

        Raises:
            NotFound: the file names no episode of it.
            UsageError: the file is missing or damaged.
        """
        if self._table is None:
            self._table = self._read()
        found = self._table.cursor().execute(
            "SELECT tconst FROM episodes WHERE series = ? ORDER BY season NULLS LAST, episode NULLS LAST, tconst",
            [imdb_id],
        )
        listed = False
        while rows := found.fetchmany(1000):
            if cancel.is_set():
                raise Cancelled(f"{imdb_id}: cancelled")
            listed = True
            yield from ((str(row[0]), "") for row in rows)
        if listed:
            return
        series = self._table.cursor().execute("SELECT series FROM episodes WHERE tconst = ?", [imdb_id]).fetchone()
        if series is None:
            raise NotFound(f"{imdb_id} has no episodes in {DataFile.EPISODES.file_name}")
        yield str(series[0]), ""
        yield from self.episodes(str(series[0]), cancel)

    def close(self) -> None:
        """Removes the table."""
        if self._table is not None:
            self._table.close()
            shutil.rmtree(self._work, ignore_errors=True)

    def _read(self) -> duckdb.DuckDBPyConnection:
        import duckdb

        file = self._file()
        scan = msgspec.structs.replace(file, strict=False).scan("ignore_errors=true")
        shutil.rmtree(self._work, ignore_errors=True)
        self._work.mkdir(mode=0o700, parents=True)
        table = duckdb.connect(str(self._work / "episodes.duckdb"))
        try:
            table.execute("SET memory_limit = ?", [self._memory])
            table.execute(
                "CREATE TABLE episodes AS SELECT DISTINCT tconst, parentTconst AS series,"
                " try_cast(seasonNumber AS INTEGER) AS season, try_cast(episodeNumber AS INTEGER) AS episode"
                f" FROM {scan}"
                " WHERE regexp_full_match(tconst, 'tt[0-9]{7,10}') AND regexp_full_match(parentTconst, 'tt[0-9]{7,10}')"
                " ORDER BY series"
            )
        except duckdb.Error as error:
            table.close()
            raise UsageError(f"{file.path} cannot be read: {error}; download it again") from error
        return table


class DatasetTitleSource:
    """Satisfies ``TitleSource``: reads the files once for all titles of a run, with the first request.

    A stored title is returned merged with its record, by the rule of each field.

    Args:
        files: gives the checked data files and their day; may download them.
        ids: the titles of the run.
        store: gives all stores in one, once they are open.
        work: a folder for the preparation; removed afterwards.
        memory: maximum memory of DuckDB, as ``1GB``.

    Attributes:
        day: of the data files, once they were read.
    """

    def __init__(
        self,
        files: Callable[[Selection], tuple[Mapping[DataFile, CheckedFile], date]],
        ids: Callable[[], Iterable[str]],
        store: Callable[[], MovieRepository],
        work: Path,
        *,
        memory: str,
    ) -> None:
        self._files = files
        self._ids = ids
        self._store = store
        self._work = work
        self._memory = memory
        self._lock = threading.Lock()
        self._titles: dict[str, LoadedTitle] | None = None
        self.day: date | None = None
        self._given: set[str] = set()

    def title(self, imdb_id: str, *, max_requests: int, cancel: threading.Event) -> FetchedTitle:  # noqa: ARG002
        """See ``TitleSource.title``.

        Raises:
            NotFound: the data files do not have the title.
            UsageError: a file is missing or damaged.
        """
        with self._lock:
            if self._titles is None:
                self._titles = self._read(cancel)
            found = self._titles.get(imdb_id)
            if found is not None:
                self._given.add(imdb_id)
        if found is None:
            raise NotFound(f"{imdb_id} is not in IMDb's data files of {self.day}")
        movie = from_rows(found.movie, found.credits, found.names, found.akas)
        source = movie.source or Source.DATASETS
        untold = frozenset(name for name in UNTOLD if getattr(movie, name) in (None, ()))
        return FetchedTitle(movie, source, untold=untold)

    @property
    def given(self) -> int:
        """The number of titles read from the files."""
        return len(self._given)

    def _read(self, cancel: threading.Event) -> dict[str, LoadedTitle]:
        selection = Selection(ids=tuple(dict.fromkeys(self._ids())))
        files, self.day = self._files(selection)
        shutil.rmtree(self._work, ignore_errors=True)
        self._work.mkdir(mode=0o700, parents=True)
        preparation = LoadPreparation(self._work, memory=self._memory, cancel=cancel)
        try:
            stored = self._write_stored(selection.ids or ())
            preparation.prepare(files, selection, self.day, stored.get, allow_older=True)
        finally:
            preparation.close()
        with PreparedFiles(self._work, memory=self._memory) as records:
            titles = {str(title.movie[0]): title for title in records.titles()}
        shutil.rmtree(self._work, ignore_errors=True)
        return titles

    def _write_stored(self, ids: Iterable[str]) -> dict[Table, Path]:
        """The stored records of the titles as CSV files, for the join."""
        store = self._store()
        stored = [movie for imdb_id in ids if (movie := store.find(imdb_id)) is not None]
        paths = {}
        for table in (Table.MOVIES, Table.PEOPLE, Table.CREDITS, Table.AKAS):
            paths[table] = self._work / f"stored-{table}.csv"
            with paths[table].open("w", encoding="utf-8", newline="") as out:
                writer = csv.writer(out)
                writer.writerow(table.columns)
                written: set[str] = set()
                for movie in stored:
                    for row in _rows_of(movie, table):
                        if table is Table.PEOPLE and row[0] in written:
                            continue
                        written.add(str(row[0]))
                        writer.writerow([cell or "" for cell in row])
        return paths


def _rows_of(movie: Movie, table: Table) -> Iterable[tuple[str | None, ...]]:
    rows = to_rows(movie)
    return {
        Table.MOVIES: (rows.movie,),
        Table.PEOPLE: rows.people,
        Table.CREDITS: rows.credits,
        Table.AKAS: rows.akas,
    }[table]

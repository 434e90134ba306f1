"""Titles and lists of episodes from IMDb's data files, for runs whose pages and GraphQL requests are refused."""

from __future__ import annotations

import csv
import shutil
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import date
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from application.load_datasets import LoadedTitle
from application.ports.sources import FetchedTitle
from application.ports.stores import MovieRepository
from application.records import MovieRows, Row, from_rows, to_rows
from domain.errors import Cancelled, NotFound, UsageError
from domain.fields import Source, Table
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
        store = self._store()
        records = [to_rows(movie) for imdb_id in selection.ids or () if (movie := store.find(imdb_id)) is not None]

        def stored(table: Table) -> Path:
            return _write_stored(records, table, self._work / f"stored-{table}.csv")

        with prepared_rows(
            self._work, files, selection, self.day, stored, memory=self._memory, cancel=cancel
        ) as prepared:
            return prepared.titles()


@contextmanager
def prepared_rows(
    work: Path,
    files: Mapping[DataFile, CheckedFile],
    selection: Selection,
    day: date,
    stored: Callable[[Table], Path | None],
    *,
    memory: str,
    cancel: threading.Event,
) -> Iterator[PreparedFiles]:
    """The rows of a selection of the data files, which may be older than what is stored.

    Args:
        work: a folder for the preparation; emptied before and removed afterwards.
        stored: see ``LoadPreparation.prepare``.
    """
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(mode=0o700, parents=True)
    try:
        with closing(LoadPreparation(work, memory=memory, cancel=cancel)) as preparation:
            preparation.prepare(files, selection, day, stored, allow_older=True)
        with PreparedFiles(work, memory=memory, cancel=cancel) as prepared:
            yield prepared
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _write_stored(records: Iterable[MovieRows], table: Table, path: Path) -> Path:
    """Writes the stored records of the titles as a CSV file, for the join."""
    rows: Iterable[Row] = chain.from_iterable(
        {
            Table.MOVIES: (record.movie,),
            Table.PEOPLE: record.people,
            Table.CREDITS: record.credits,
            Table.AKAS: record.akas,
        }.get(table, ())
        for record in records
    )
    if table is Table.PEOPLE:  # one person may be in many titles
        rows = {row[0]: row for row in rows}.values()
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(table.columns)
        writer.writerows([cell or "" for cell in row] for row in rows)
    return path

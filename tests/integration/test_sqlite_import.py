"""What is imported into SQLite is every row of the files, or nothing."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from application.records import details_row
from domain.errors import UsageError
from domain.fields import Table
from domain.movie import PersonDetails
from infrastructure.export import import_csv
from infrastructure.stores.csv import CsvMovieRepository
from infrastructure.stores.sqlite.repository import SqliteLoader, SqliteMovieRepository
from tests.support.movies import EPOCH, full_movie

RUN = "run_id,site,chart,asked,saved,failed,complete,started_at,finished_at\r\n"


@pytest.fixture
def files(tmp_path: Path) -> Path:
    folder = tmp_path / "files"
    with closing(CsvMovieRepository(folder)) as store:
        for number in (1, 2):
            store.save(full_movie(number))
        person = full_movie(1).cast[0].person.person_id
        store.save_rows(Table.PEOPLE, [details_row(PersonDetails(person, EPOCH, "graphql", born="1950"))])
        store.finalize()
    (folder / "runs.csv").write_text(RUN + "7,the site,top250,2,2,0,true,2026-01-01T00:00:00.000000Z,\r\n")
    return folder


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteMovieRepository]:
    with closing(SqliteMovieRepository(tmp_path / "store.sqlite")) as store:
        yield store


def test_every_row_is_there_and_only_an_empty_store_is_filled(
    files: Path, store: SqliteMovieRepository, tmp_path: Path
) -> None:
    counts = import_csv(files, SqliteLoader(store), escape_formulas=False)
    assert counts[Table.MOVIES] == 2
    with closing(CsvMovieRepository(files, read_only=True)) as source:
        for table in Table:
            assert list(store.rows(table)) == list(source.rows(table))
    with closing(sqlite3.connect(tmp_path / "store.sqlite")) as connection:
        assert connection.execute("SELECT run_id, site, complete FROM runs").fetchall() == [(7, "the site", 1)]
    with pytest.raises(UsageError, match="this one holds 2 movies"):
        import_csv(files, SqliteLoader(store), escape_formulas=False)


def twice(data: bytes) -> bytes:
    header, body = data.split(b"\r\n", 1)
    return header + b"\r\n" + body * 2


def with_short_id(data: bytes) -> bytes:
    return data.replace(b"tt0000002,", b"tt2,", 1)


@pytest.mark.parametrize("edit", [twice, with_short_id])
def test_files_with_a_bad_row_fill_nothing(
    files: Path, store: SqliteMovieRepository, edit: Callable[[bytes], bytes]
) -> None:
    path = files / "movies.csv"
    path.write_bytes(edit(path.read_bytes()))
    with pytest.raises(UsageError, match="nothing was imported"):
        import_csv(files, SqliteLoader(store), escape_formulas=False)
    assert list(store.ids()) == []

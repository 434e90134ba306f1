"""What every store that takes whole loads of data files must do, whatever it is made of."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import psycopg2
import pytest

from application.ports.stores import BulkRepository, LoadPart
from application.records import Row, chart_rows
from domain.errors import RecordRejected
from domain.fields import Table
from infrastructure.datasets.files import find_data_files
from infrastructure.datasets.prepare import LOADED_TABLES, LoadPreparation, Selection
from infrastructure.datasets.prepared import PreparedFiles
from infrastructure.stores.postgres.database import Database
from infrastructure.stores.postgres.repository import PostgresMovieRepository
from infrastructure.stores.sqlite.repository import SqliteMovieRepository, connect
from tests.support.data_files import AKAS, BASICS, RATINGS, write_data_files
from tests.support.movies import EPOCH, full_movie
from tests.support.postgres import empty_database
from tests.support.repositories import contents
from tests.support.stores import BulkOpener, csv_files, csv_files_with_escaped_formulas, postgres, sqlite_file

# More than one block of an index: the CSV store finds every title through it.
MANY = [
    (f"tt20{number:05}", "movie", f"Crossing, No. {number}" + ' "again"' * (number % 3), "\\N", "0", "1990", "\\N",
     "\\N", "Drama")
    for number in range(3000)
]  # fmt: skip
MANY_AKAS = [(row[0], "1", f"=Übergang\u2028{row[0]}", "DE", "\\N", "\\N", "\\N", "0") for row in MANY]


@dataclass(frozen=True)
class Loads:
    """The load of one day, and that of the next onto it; the third deletes what is gone."""

    first: PreparedFiles
    second: PreparedFiles
    pruned: PreparedFiles


@pytest.fixture(scope="module")
def loads(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loads]:
    folder = tmp_path_factory.mktemp("loads")
    with ExitStack() as stack:
        first = prepared(folder, "first", date(2026, 11, 27), {}, basics=[*BASICS, *MANY], akas=[*AKAS, *MANY_AKAS])
        opened = stack.enter_context(first)
        stored = {table: folder / f"{table}.csv" for table in LOADED_TABLES}
        for table, path in stored.items():
            with path.open("w", encoding="utf-8", newline="") as out:
                csv.writer(out).writerows([table.columns, *opened.rows(table, LoadPart.COMPLETE)])
        second = prepared(
            folder, "second", date(2026, 11, 28), stored, basics=[*BASICS[:3], *MANY[1:]], akas=AKAS[1:],
            ratings=[("tt1000001", "9.1", "2600"), *RATINGS[1:]],
        )  # fmt: skip
        pruned = prepared(folder, "pruned", date(2026, 11, 28), stored, prune=True, basics=[*BASICS[1:], *MANY])
        yield Loads(opened, stack.enter_context(second), stack.enter_context(pruned))


def prepared(
    folder: Path, name: str, day: date, stored: dict[Table, Path], *, prune: bool = False, **rows: object
) -> PreparedFiles:
    selection = Selection(kinds=(), min_votes=0, prune=prune)
    files = find_data_files(write_data_files(folder / f"{name}-files", **rows), selection.files)  # type: ignore[arg-type]
    preparation = LoadPreparation(folder / name)
    preparation.prepare(files, selection, day, stored.get)
    preparation.close()
    return PreparedFiles(folder / name)


KINDS: tuple[Callable[[], AbstractContextManager[BulkOpener]], ...] = (
    csv_files, csv_files_with_escaped_formulas, postgres, sqlite_file,
)  # fmt: skip


@pytest.fixture(
    params=[
        pytest.param(kind, id=kind.__name__, marks=pytest.mark.long if kind is csv_files_with_escaped_formulas else ())
        for kind in KINDS
    ]
)
def opener(request: pytest.FixtureRequest) -> Iterator[BulkOpener]:
    with request.param() as opener:
        yield opener


@pytest.fixture
def repository(opener: BulkOpener) -> Iterator[BulkRepository]:
    repository = opener()
    yield repository
    repository.close()


def load(repository: BulkRepository, tables: PreparedFiles, load_id: str) -> None:
    with repository.loading(tables, load_id) as commit:
        commit()


def complete(tables: PreparedFiles) -> dict[Table, list[Row]]:
    return {table: list(tables.rows(table, LoadPart.COMPLETE)) for table in LOADED_TABLES}


def loaded(repository: BulkRepository) -> dict[Table, list[Row]]:
    return {table: list(repository.rows(table)) for table in LOADED_TABLES}


def test_a_load_into_an_empty_store_and_one_onto_it(opener: BulkOpener, loads: Loads) -> None:
    repository = opener()
    assert isinstance(repository, BulkRepository)
    assert repository.load_id is None
    load(repository, loads.first, "one")
    assert loaded(repository) == complete(loads.first)
    assert repository.load_id == "one"
    load(repository, loads.second, "two")
    assert loaded(repository) == complete(loads.second)
    repository.close()
    again = opener()
    assert (loaded(again), again.load_id) == (complete(loads.second), "two")
    again.close()


def test_a_load_that_deletes_a_title_deletes_its_credits_and_other_titles(
    repository: BulkRepository, loads: Loads
) -> None:
    load(repository, loads.first, "one")
    assert repository.find("tt1000001") is not None
    load(repository, loads.pruned, "two")
    assert repository.find("tt1000001") is None
    assert loaded(repository) == complete(loads.pruned)


def test_every_title_of_a_load_is_found_and_can_be_saved_over(repository: BulkRepository, loads: Loads) -> None:
    load(repository, loads.first, "one")
    for row in MANY[::97]:
        found = repository.find(row[0])
        assert found is not None
        assert (found.title, [aka.title for aka in found.akas]) == (row[2], [f"=Übergang\u2028{row[0]}"])
    repository.save(full_movie(1))
    repository.finalize()
    assert repository.find(full_movie(1).imdb_id) == full_movie(1)
    assert repository.load_id == "one"


def test_a_load_that_is_not_committed_leaves_the_store_as_it_was(repository: BulkRepository, loads: Loads) -> None:
    repository.save(full_movie(1))
    repository.finalize()
    before = contents(repository)
    with repository.loading(loads.first, "one"):
        assert contents(repository) == before
    assert (contents(repository), repository.load_id) == (before, None)
    with pytest.raises(ZeroDivisionError), repository.loading(loads.first, "two"):
        raise ZeroDivisionError
    assert (contents(repository), repository.load_id) == (before, None)
    repository.save(full_movie(2))  # nothing is held that a save waits for


def test_tables_that_a_load_does_not_write_stay(repository: BulkRepository, loads: Loads) -> None:
    places = list(chart_rows("top250", ["tt1000001", "tt7000001"], EPOCH))
    repository.replace_chart("top250", places)
    repository.set_marker("equal")
    load(repository, loads.first, "one")
    assert list(repository.rows(Table.CHARTS)) == places
    assert repository.marker == "equal"


def test_a_table_is_written_as_csv_with_every_cell(repository: BulkRepository, loads: Loads, tmp_path: Path) -> None:
    load(repository, loads.first, "one")
    for table in LOADED_TABLES:
        path = tmp_path / f"{table}.csv"
        repository.write_table(table, path)
        with path.open(encoding="utf-8", newline="") as lines:
            header, *rows = csv.reader(lines)
        assert len(header) == len(table.columns)
        assert [tuple(cell or None for cell in row) for row in rows] == list(repository.rows(table))


# --- stores that can refuse ---------------------------------------------------------


def test_a_row_that_postgresql_refuses_refuses_the_load(loads: Loads) -> None:
    with empty_database() as dsn, closing(PostgresMovieRepository(Database(dsn))) as repository:
        with added(
            dsn,
            "ALTER TABLE movies ADD CONSTRAINT no_ferry CHECK (title !~ 'Ferry')",
            "ALTER TABLE movies DROP CONSTRAINT no_ferry",
        ):
            with pytest.raises(RecordRejected, match="no_ferry"):
                load(repository, loads.first, "one")
            assert (contents(repository), repository.load_id) == ({table: [] for table in Table}, None)
        load(repository, loads.first, "one")


def test_rows_that_a_trigger_drops_refuse_the_load(loads: Loads) -> None:
    with (
        empty_database() as dsn,
        closing(PostgresMovieRepository(Database(dsn))) as repository,
        added(
            dsn,
            "CREATE FUNCTION drop_row() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';"
            " CREATE TRIGGER dropping BEFORE INSERT ON akas FOR EACH ROW EXECUTE FUNCTION drop_row()",
            "DROP FUNCTION drop_row CASCADE",
        ),
    ):
        with pytest.raises(RecordRejected, match="akas: the database kept 0 of 3003 rows"):
            load(repository, loads.first, "one")
        assert list(repository.rows(Table.MOVIES)) == []


@pytest.mark.parametrize(
    ("create", "drop"),
    [
        ("CREATE VIEW first_titles AS SELECT imdb_id, title FROM akas GROUP BY imdb_id, position", "DROP VIEW"),
        ('CREATE TABLE first_titles (imdb_id text COLLATE "C" REFERENCES movies)', "DROP TABLE"),
    ],
)
def test_objects_that_depend_on_the_keys_of_postgresql_stay(loads: Loads, create: str, drop: str) -> None:
    with (
        empty_database() as dsn,
        closing(PostgresMovieRepository(Database(dsn))) as repository,
        added(
            dsn,
            create,
            f"{drop} first_titles",  # fails if it is not there any more
        ),
    ):
        load(repository, loads.first, "one")
        assert loaded(repository) == complete(loads.first)


@contextmanager
def added(dsn: str, create: str, drop: str) -> Iterator[None]:
    """Something of a user's own in the database, which the tests share, for the block."""
    _execute(dsn, create)
    try:
        yield
    finally:
        _execute(dsn, drop)


def test_rows_that_a_trigger_of_sqlite_drops_refuse_the_load(loads: Loads, tmp_path: Path) -> None:
    path = tmp_path / "movies.sqlite"
    with closing(SqliteMovieRepository(path)) as repository:
        with connect(path, 10) as other:
            other.execute("CREATE TRIGGER dropping BEFORE INSERT ON akas BEGIN SELECT RAISE(IGNORE); END")
        with pytest.raises(RecordRejected, match="akas: the file kept 0 of 3003 rows"):
            load(repository, loads.first, "one")
        assert contents(repository) == {table: [] for table in Table}


def test_a_row_that_sqlite_refuses_refuses_the_load(loads: Loads, tmp_path: Path) -> None:
    path = tmp_path / "movies.sqlite"
    repository = SqliteMovieRepository(path)
    with connect(path, 10) as other:
        other.execute(
            "CREATE TRIGGER no_ferry BEFORE INSERT ON movies WHEN new.title LIKE '%Ferry%'"
            " BEGIN SELECT RAISE(ABORT, 'no ferry here'); END"
        )
    with pytest.raises(RecordRejected, match="no ferry here"):
        load(repository, loads.first, "one")
    assert (contents(repository), repository.load_id) == ({table: [] for table in Table}, None)
    repository.close()


def _execute(dsn: str, statement: str) -> None:
    with psycopg2.connect(dsn) as connection, connection.cursor() as cursor:
        cursor.execute(statement)
    connection.close()

"""A database that goes away around the commit of a load: both stores are as before or as after, never between."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, nullcontext
from datetime import date
from pathlib import Path

import psycopg2
import pytest

from application.load_datasets import Settlement, load_datasets, settle_load
from application.ports.stores import BulkRepository, LoadPart, PreparedTables
from domain.errors import StoreUnavailable
from domain.fields import Table
from infrastructure.datasets.files import find_data_files
from infrastructure.datasets.prepare import LOADED_TABLES, LoadPreparation, Selection
from infrastructure.datasets.prepared import LoadFile, PreparedFiles
from infrastructure.stores.csv.repository import CsvMovieRepository
from infrastructure.stores.postgres import schema
from infrastructure.stores.postgres.database import Database
from infrastructure.stores.postgres.repository import PostgresMovieRepository
from tests.support.data_files import write_data_files
from tests.support.movies import full_movie
from tests.support.private_postgres import PrivatePostgres
from tests.support.tcp_proxy import TcpProxy

OLD_DATABASE = Path(__file__).parents[2] / "data" / "database_0_1.sql"


class DisturbedPostgres(PostgresMovieRepository):
    """Calls a function before a load is committed."""

    before_commit: Callable[[], object] = staticmethod(lambda: None)

    @contextmanager
    def loading(self, prepared: PreparedTables, load_id: str) -> Iterator[Callable[[], object]]:
        with super().loading(prepared, load_id) as commit:

            def disturbed() -> None:
                self.before_commit()
                commit()

            yield disturbed


@contextmanager
def opened(folder: Path, dsn: str) -> Iterator[tuple[CsvMovieRepository, DisturbedPostgres]]:
    with ExitStack() as stack:
        files = CsvMovieRepository(folder / "csv")
        stack.callback(files.close)
        yield files, stack.enter_context(closing(DisturbedPostgres(Database(dsn, timeout=1))))


def prepared(folder: Path, store: BulkRepository) -> PreparedFiles:
    """Data files, joined with the rows of a store."""

    def stored(table: Table) -> Path:
        store.write_table(table, folder / f"{table}.csv")
        return folder / f"{table}.csv"

    selection = Selection(kinds=(), min_votes=0)
    files = find_data_files(write_data_files(folder / "files"), selection.files)
    preparation = LoadPreparation(folder / "load")
    preparation.prepare(files, selection, date(2026, 11, 27), stored)
    preparation.close()
    return PreparedFiles(folder / "load")


def loaded(stores: Sequence[BulkRepository]) -> list[dict[Table, list[object]]]:
    return [{table: list(store.rows(table)) for table in LOADED_TABLES} for store in stores]


@pytest.mark.parametrize("filled", [False, True])
@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("the server dies before the commit", Settlement.DISCARDED),
        ("the answer to the commit is lost", Settlement.COMPLETED),
        ("the server dies before the derived data", Settlement.COMPLETED),
    ],
)
def test_a_database_that_goes_away_around_the_commit_leaves_no_store_between(
    running: PrivatePostgres, fresh: str, tmp_path: Path, moment: str, expected: Settlement, filled: bool
) -> None:
    record = LoadFile(tmp_path / "load.json")
    with closing(Database(fresh)) as database:
        schema.prepare(database)
    with opened(tmp_path, fresh) as stores:
        for store in stores:
            if filled:
                store.save(full_movie(1))
                store.finalize()
            store.set_marker("equal")
        before = loaded(stores)
        tables = prepared(tmp_path, stores[1])

    def finish() -> None:
        running.stop()
        stores[1].replace_chart("estimated-top250", [])

    with tables, TcpProxy(running.port) as proxy:
        after = {table: list(tables.rows(table, LoadPart.COMPLETE)) for table in LOADED_TABLES}
        through = running.dsn(tcp=True, database=fresh.rsplit("=", 1)[1], port=proxy.port)
        with opened(tmp_path, through) as stores:
            if moment == "the server dies before the commit":
                stores[1].before_commit = running.stop
            if moment == "the answer to the commit is lost":
                stores[1].before_commit = proxy.lose_next_reply
            with pytest.raises(StoreUnavailable, match="postgres"):
                load_datasets(tables, stores, record, finish)
        running.restart()
        assert record.read() is not None
        with opened(tmp_path, through) as stores:
            assert settle_load(record, stores, lambda: nullcontext(tables)) is expected
            assert loaded(stores) == (before if expected is Settlement.DISCARDED else [after, after])
    assert record.read() is None


def test_a_database_of_version_0_1_with_triggers_and_views_of_its_user_takes_a_load(fresh: str, tmp_path: Path) -> None:
    """Its tables have rows, and what the user built on them works afterwards."""
    run(fresh, OLD_DATABASE.read_text(encoding="utf-8"))
    run(
        fresh,
        """
        UPDATE runs SET complete = true;
        CREATE TABLE changes (imdb_id text, what text);
        CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS
            'BEGIN INSERT INTO changes VALUES (NEW.imdb_id, TG_OP); RETURN NEW; END';
        CREATE TRIGGER noting AFTER INSERT OR UPDATE ON movies FOR EACH ROW EXECUTE FUNCTION note();
        CREATE TABLE mine (imdb_id text COLLATE "C" REFERENCES movies, note text);
        INSERT INTO mine SELECT imdb_id, 'seen' FROM movies;
        CREATE ROLE reader_of_this NOLOGIN;
        GRANT SELECT ON movies TO reader_of_this;
        """,
    )
    try:
        with closing(Database(fresh)) as database:
            schema.prepare(database)
        run(fresh, "CREATE VIEW named AS SELECT imdb_id, title, count(*) OVER () FROM movies")
        known = run(fresh, "SELECT imdb_id FROM movies ORDER BY 1")
        run(fresh, "DELETE FROM changes")
        with opened(tmp_path, fresh) as stores:
            with prepared(tmp_path, stores[1]) as tables:
                load_datasets(tables, [stores[1]], LoadFile(tmp_path / "load.json"))
                after = {table: list(tables.rows(table, LoadPart.COMPLETE)) for table in LOADED_TABLES}
            assert loaded(stores)[1] == after
        new = [row[:1] for row in after[Table.MOVIES] if row[:1] not in known]
        assert sorted(run(fresh, "SELECT imdb_id FROM changes WHERE what = 'INSERT'")) == sorted(new) != []
        assert run(fresh, "SELECT imdb_id FROM mine ORDER BY 1") == known
        assert run(fresh, "SELECT count(*) FROM named") == [(len(after[Table.MOVIES]),)]
        assert run(fresh, "SELECT has_table_privilege('reader_of_this', 'movies', 'SELECT')") == [(True,)]
    finally:
        run(fresh, "DROP OWNED BY reader_of_this; DROP ROLE reader_of_this")


def run(dsn: str, sql: str) -> list[tuple[object, ...]]:
    with closing(psycopg2.connect(dsn)) as connection, connection, connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall() if cursor.description else []

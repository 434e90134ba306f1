"""What only the SQLite store does: its file, its versions, history and queries."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from application.ports.runs import Run
from application.records import chart_rows
from domain.chart import ChartEntry
from domain.errors import RecordRejected, StoreUnavailable, UsageError
from domain.fields import Table
from infrastructure.stores.sqlite import schema
from infrastructure.stores.sqlite.history import SqliteHistory
from infrastructure.stores.sqlite.queries import SqliteReports, run_query
from infrastructure.stores.sqlite.repository import SqliteMovieRepository
from tests.support.movies import EPOCH, complete_movie, full_movie, imdb_id, movie


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "filmledger.sqlite"


@pytest.fixture
def store(path: Path) -> Iterator[SqliteMovieRepository]:
    with closing(SqliteMovieRepository(path)) as opened:
        yield opened


def ask(path: Path, query: str) -> list[tuple[object, ...]]:
    return list(run_query(path, query).rows)


def test_a_column_of_a_later_version_is_added_in_place(path: Path) -> None:
    with closing(SqliteMovieRepository(path)) as store:
        store.save(full_movie(1))
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA writable_schema = ON")  # views are checked when a column goes
        connection.execute("DELETE FROM sqlite_schema WHERE type = 'view'")
        connection.execute("PRAGMA writable_schema = RESET")
        connection.execute("ALTER TABLE movies DROP COLUMN award_wins")
    with closing(SqliteMovieRepository(path)) as store:
        assert store.find(imdb_id(1)) == replace(full_movie(1), rank=None)
        store.save(complete_movie(2))
        assert store.find(imdb_id(2)) == complete_movie(2)


def test_a_newer_file_is_refused(path: Path) -> None:
    SqliteMovieRepository(path).close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {schema.FORMAT + 1}")
    for read_only in (False, True):
        with pytest.raises(UsageError, match="made by a newer filmledger"):
            SqliteMovieRepository(path, read_only=read_only)


def test_tables_of_another_program_are_refused(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE movies (anything)")
    with pytest.raises(UsageError, match="did not make: movies"):
        SqliteMovieRepository(path)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT name FROM sqlite_schema").fetchall() == [("movies",)]


def test_a_file_that_is_no_database_is_refused(path: Path) -> None:
    path.write_text("id,title\n" * 200)
    with pytest.raises(UsageError, match="cannot be used as SQLite file"):
        SqliteMovieRepository(path)


def test_a_file_that_another_process_holds_is_waited_for_and_named(path: Path) -> None:
    with closing(SqliteMovieRepository(path, wait_seconds=0.1)) as store:
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(StoreUnavailable, match=r"filmledger\.sqlite: database is locked"):
                store.save(movie(1))
        store.save(movie(1))
        assert store.find(imdb_id(1)) == movie(1)


def test_a_stop_ends_the_wait_for_another_process(path: Path) -> None:
    cancel = threading.Event()
    with closing(SqliteMovieRepository(path, wait_seconds=3600, cancel=cancel)) as store:
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            wait = store.save_async(movie(1))
            cancel.set()
            with pytest.raises(StoreUnavailable, match="database is locked"):
                wait()
        store.save(movie(1))


def test_a_constraint_of_the_users_own_refuses_one_record_alone(path: Path, store: SqliteMovieRepository) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "CREATE TRIGGER mine BEFORE INSERT ON movies WHEN new.year = 1999 "
            "BEGIN SELECT RAISE(ABORT, 'not 1999'); END"
        )
    waits = [store.save_async(replace(movie(number), year=1997 + number)) for number in range(1, 4)]
    waits[0]()
    with pytest.raises(RecordRejected, match="tt0000002: not 1999"):
        waits[1]()
    waits[2]()
    assert list(store.ids()) == [imdb_id(1), imdb_id(3)]


def test_views_show_charts_with_names(path: Path, store: SqliteMovieRepository) -> None:
    saved = full_movie(1)
    store.save(saved)
    store.replace_chart("top250", list(chart_rows("top250", [imdb_id(1), imdb_id(2)], EPOCH)))
    rows = ask(path, 'SELECT rank, title, genres, directors, "cast" FROM top250')
    names = [", ".join(credit.person.name for credit in part) for part in (saved.directors, saved.cast)]
    assert rows == [(1, saved.title, "Drama, Crime", *names), (2, None, None, None, None)]
    assert ask(path, "SELECT count(*) FROM toptv") == [(0,)]


def test_history_is_written_and_read(path: Path, store: SqliteMovieRepository) -> None:
    history = SqliteHistory(store, path)
    for number, order in enumerate(([1, 2], [2, 3])):
        run = Run("site", "top250", 2, EPOCH + timedelta(days=number))
        history.begin(run, [ChartEntry(rank, imdb_id(n)) for rank, n in enumerate(order, 1)])
        for n in order:
            store.save(replace(movie(n, minutes=1440 * number + 1), rating=8.0 + number, votes=n))
        end = run.started_at + timedelta(hours=1)
        for _ in range(2):
            history.end(run, saved=2, failed=0, complete=True, finished_at=end)
    first, second = history.snapshots(5)
    assert [(title.rank, title.imdb_id, title.rating) for title in first.entries] == [
        (1, imdb_id(1), 8.0), (2, imdb_id(2), 8.0),
    ]  # fmt: skip
    assert second.taken_at == EPOCH + timedelta(days=1, hours=1)
    assert ask(path, "SELECT imdb_id, rank, rank_before FROM chart_changes ORDER BY 1") == [
        (imdb_id(1), None, 1), (imdb_id(2), 1, 2), (imdb_id(3), 2, None),
    ]  # fmt: skip
    assert ask(path, "SELECT count(*) FROM chart_history") == [(4,)]
    assert ask(path, "SELECT series, season, episode, title, rating, votes, date FROM episodes") == []


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("DELETE FROM movies", "readonly database|read-only"),
        ("ATTACH '/tmp/x.sqlite' AS x", "not authorized"),
        ("SELECT 1; SELECT 2", "one statement"),
        ("SELECT missing_one", "no such column"),
        ("", "returns rows"),
    ],
)
def test_queries_can_only_read(path: Path, store: SqliteMovieRepository, query: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        ask(path, query)


def test_a_query_ends_at_its_time_limit(path: Path, store: SqliteMovieRepository) -> None:
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"
    with pytest.raises(UsageError, match=r"longer than 0\.1 s"):
        run_query(path, endless, seconds=0.1)


def test_every_table_has_the_columns_of_the_field_table(path: Path, store: SqliteMovieRepository) -> None:
    with closing(sqlite3.connect(path)) as connection:
        for table in Table:
            info = connection.execute(f"PRAGMA table_info({table})").fetchall()
            assert [row[1] for row in info] == list(table.columns)
            assert {row[1] for row in info if row[5]} == set(table.key)


def test_reports_are_answered(path: Path, store: SqliteMovieRepository) -> None:
    for number in range(1, 5):
        store.save(full_movie(number, people=10))
    reports = SqliteReports(path)
    found = {table.name: table for table in reports.tables()}
    assert tuple(found) == reports.names()
    assert "none exists so far" in found["newcomers"].explanation
    for name in ("length_by_decade", "rank_within_year", "frequent_actors", "actors_and_movies", "genre_shares"):
        assert list(found[name].rows), name
    with pytest.raises(UsageError, match="unknown report 'ratings_by_year'"):
        reports.tables(["ratings_by_year"])


@pytest.mark.parametrize("event", ["INSERT", "UPDATE"])
def test_a_record_that_a_trigger_drops_is_refused(path: Path, store: SqliteMovieRepository, event: str) -> None:
    store.save(movie(1))
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(f"CREATE TRIGGER dropping BEFORE {event} ON movies BEGIN SELECT RAISE(IGNORE); END")
    with pytest.raises(RecordRejected, match="a trigger drops it"):
        store.save(movie(2 if event == "INSERT" else 1, minutes=1))
    store.save(movie(1, minutes=-1))  # an older reading changes nothing
    assert list(store.ids()) == [imdb_id(1)]


def test_a_record_from_the_future_that_a_trigger_protects_stays_and_the_new_one_is_refused(
    path: Path, store: SqliteMovieRepository
) -> None:
    ahead = replace(movie(1), scraped_at=datetime(9000, 1, 1, tzinfo=UTC))
    store.save(ahead)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TRIGGER dropping BEFORE UPDATE ON movies BEGIN SELECT RAISE(IGNORE); END")
    with pytest.raises(RecordRejected, match="a trigger drops it"):
        store.save(movie(1))
    assert store.find(ahead.imdb_id) == ahead

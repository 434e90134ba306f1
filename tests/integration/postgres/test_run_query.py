"""``sql`` and ``psql``: the user's own questions."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest
from psycopg2 import extensions

from domain.errors import StoreUnavailable, UsageError
from infrastructure.stores.postgres.address import environment_of
from infrastructure.stores.postgres.database import Database
from infrastructure.stores.postgres.queries import interruptible, run_query
from infrastructure.stores.postgres.repository import PostgresMovieRepository
from infrastructure.tables import Format, write
from tests.integration.postgres.waiting import wait_until
from tests.support.films import film
from tests.support.postgres import empty_database, server
from tests.support.private_postgres import PrivatePostgres


@pytest.fixture
def database() -> Iterator[Database]:
    with empty_database() as dsn, closing(Database(dsn)) as database:
        repository = PostgresMovieRepository(database)
        for number in range(3):
            repository.save(film(number))
        yield database


def ask(database: Database, sql: str) -> tuple[tuple[str, ...], list[tuple[object, ...]]]:
    table = run_query(database, sql)
    return table.columns, list(table.rows)


def test_answers_with_names_and_values(database: Database) -> None:
    columns, rows = ask(database, "select imdb_id, 1.50 as price, null as nothing from movies order by 1;")
    assert columns == ("imdb_id", "price", "nothing")
    assert rows == [(film(number).imdb_id, Decimal("1.50"), None) for number in range(3)]


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("true", True),
        ("array['a', 'b,c']", '["a", "b,c"]'),
        ("timestamptz '2026-01-02 03:04:05+01'", "2026-01-02 02:04:05+00"),
        ("timestamptz 'infinity'", "infinity"),
        ("date '4000-01-01 BC'", "4000-01-01 BC"),
        ("interval '3 days'", "3 days, 0:00:00"),
        ("jsonb '{\"a\": [1, null]}'", '{"a": [1, null]}'),
        ("'\\xff00'::bytea", "\\xff00"),
        ("'100%s'", "100%s"),
    ],
)
def test_every_kind_of_value_can_be_shown(database: Database, expression: str, value: object) -> None:
    assert ask(database, f"SELECT {expression} AS x") == (("x",), [(value,)])


@pytest.mark.parametrize(
    "sql",
    [
        "-- a comment\nSELECT 1",
        "/* another */ (SELECT 1)",
        "WITH x AS (SELECT 1) TABLE x",
        "VALUES (1)",
        "SHOW port",
        "SELECT 1;; -- end",
    ],
)
def test_all_that_gives_a_table_is_taken(database: Database, sql: str) -> None:
    assert len(ask(database, sql)[1]) == 1


def test_explain_works_too(database: Database) -> None:
    assert ask(database, "EXPLAIN SELECT * FROM movies")[0] == ("QUERY PLAN",)


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        ("DELETE FROM movies", "one statement that returns a table"),
        ("DELETE FROM movies RETURNING *", "read-only transaction"),
        ("WITH gone AS (DELETE FROM movies RETURNING *) SELECT * FROM gone", "data-modifying|read-only"),
        ("DROP TABLE movies", "one statement"),
        ("COMMIT; DELETE FROM movies", "one statement"),
        ("ROLLBACK; BEGIN READ WRITE; DELETE FROM movies; COMMIT", "one statement"),
        ("SET TRANSACTION READ WRITE", "one statement"),
        ("SELECT set_config('transaction_read_only', 'off', false)", "read-write mode must be set before"),
        ("DO $$ BEGIN DELETE FROM movies; END $$", "one statement"),
        ("SELECT 1; END $$; DELETE FROM movies; DO $$ BEGIN", "syntax error|one statement"),
        ("COPY (SELECT 1) TO PROGRAM 'false'", "one statement"),
        ("SELEKT 1", "syntax error"),
        ("SELECT nothing FROM movies", 'column "nothing" does not exist'),
        ("SELECT 1/0", "division by zero"),
        ("SET work_mem = '1MB'", "one statement"),
        ("", "one statement"),
        ("SELECT 1; SELECT 2", "one statement"),
        ("SELECT 1; DELETE FROM movies", "one statement"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_changed(database: Database, sql: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        ask(database, sql)
    assert ask(database, "SELECT count(*) FROM movies")[1] == [(3,)]


def test_large_answers_stream(database: Database) -> None:
    table = run_query(database, "SELECT generate_series(1, 1000000000) AS n")
    rows = iter(table.rows)
    assert [next(rows)[0] for _ in range(2500)] == list(range(1, 2501))


def test_an_error_on_the_way_is_told(database: Database) -> None:
    table = run_query(database, "SELECT 1 / (5000 - n) FROM generate_series(1, 10000) AS n")
    with pytest.raises(UsageError, match="division by zero"):
        list(table.rows)


def sleeping(database: Database) -> bool:
    """Whether the server is busy with ``pg_sleep``."""
    with database.connected() as connection, connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'")
        return cursor.fetchone() == (1,)


def test_ctrl_c_stops_a_long_query_on_the_server_too(database: Database) -> None:
    def press() -> None:
        wait_until(lambda: sleeping(database))
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    presser = threading.Thread(target=press)
    presser.start()
    with pytest.raises(KeyboardInterrupt):
        run_query(database, "SELECT pg_sleep(3600)")
    presser.join()
    wait_until(lambda: not sleeping(database))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("before_the_wait", [True, False])
def test_a_signal_between_two_steps_of_the_wait_stops_the_query_on_the_server(
    database: Database, number: signal.Signals, before_the_wait: bool
) -> None:
    """It comes when the query has been sent and the wait for its answer is about to begin, or has looked once."""

    def look(_frame: object, event: str, function: object) -> None:
        if event == "c_return" and getattr(function, "__name__", "") == "poll":
            sys.setprofile(None)
            signal.raise_signal(number)

    def query() -> None:
        with database.connected() as connection, connection.cursor() as cursor, interruptible():
            waiting = extensions.get_wait_callback()
            assert waiting is not None

            def pressing(waited: extensions.connection) -> None:
                if before_the_wait:
                    signal.raise_signal(number)
                else:
                    sys.setprofile(look)
                waiting(waited)

            extensions.set_wait_callback(pressing)
            cursor.execute("SELECT pg_sleep(3600)")

    try:
        with pytest.raises(KeyboardInterrupt):
            query()
    finally:
        sys.setprofile(None)
    wait_until(lambda: not sleeping(database))


def test_a_signal_after_the_last_wait_is_not_lost() -> None:
    with pytest.raises(KeyboardInterrupt), interruptible():
        signal.raise_signal(signal.SIGINT)


def test_a_server_that_is_not_there_is_told() -> None:
    with (
        closing(Database("host=127.0.0.1 port=1", timeout=0.5)) as nowhere,
        pytest.raises(StoreUnavailable, match="refused"),
    ):
        ask(nowhere, "SELECT 1")


def test_the_answer_goes_well_with_the_renderer(database: Database) -> None:
    out = io.StringIO()
    table = run_query(database, "SELECT title, true AS yes FROM movies ORDER BY imdb_id LIMIT 1")
    write([table], Format.CSV, out, headings=False)
    assert out.getvalue() == f"title,yes\n{film(0).title},true\n"


def counted(program: Path, dsn: str) -> str:
    """What psql answers, given the address in the environment alone."""
    done = subprocess.run(
        [program, "-XAtc", "SELECT 40 + 2"],
        env={**os.environ, **environment_of(dsn)},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip() or done.stderr


def test_psql_opens_the_embedded_database(database: Database) -> None:
    info = server().start()
    assert counted(info.psql, info.dsn) == "42"


@pytest.mark.long
def test_psql_opens_a_configured_database(running: PrivatePostgres) -> None:
    assert counted(server().start().psql, running.dsn(tcp=True)) == "42"

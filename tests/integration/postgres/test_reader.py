"""Users' queries on the embedded server: they read everything of the database, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import psycopg2
import pytest

from domain.errors import UsageError
from infrastructure.stores.postgres.database import Database
from infrastructure.stores.postgres.queries import READER, PostgresReports, prepare_reader, run_query
from infrastructure.stores.postgres.repository import PostgresMovieRepository
from tests.support.films import film
from tests.support.postgres import empty_database, server


def execute(dsn: str, sql: str) -> None:
    with closing(psycopg2.connect(dsn)) as connection, connection, connection.cursor() as cursor:
        cursor.execute(sql)


@pytest.fixture
def owner() -> Iterator[str]:
    with empty_database() as dsn:
        execute(dsn, f"DO $$ BEGIN DROP OWNED BY {READER}; EXCEPTION WHEN undefined_object THEN END $$")
        execute(dsn, f"DROP ROLE IF EXISTS {READER}")
        yield dsn
        execute(dsn, "DROP SCHEMA IF EXISTS mine CASCADE")


@pytest.fixture
def reading(owner: str) -> Iterator[Database]:
    with closing(Database(owner)) as database, closing(Database(prepare_reader(database, server().dsn))) as reader:
        yield reader


def test_every_table_and_view_can_be_read(owner: str, reading: Database) -> None:
    with closing(PostgresMovieRepository(Database(owner))) as repository:
        repository.save(film(1))
    execute(
        owner,
        "CREATE SCHEMA mine; CREATE TABLE mine.notes (x text); INSERT INTO mine.notes VALUES ('kept');"
        "CREATE VIEW mine.titles AS SELECT title FROM movies",
    )
    assert list(run_query(reading, "SELECT current_user").rows) == [(READER,)]
    assert list(run_query(reading, "SELECT title FROM movies").rows) == [(film(1).title,)]
    assert list(run_query(reading, "SELECT x, title FROM mine.notes, mine.titles").rows) == [("kept", film(1).title)]
    assert len(list(PostgresReports(reading).tables())) > 5


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT pg_read_file('/etc/passwd')",
        "SELECT pg_ls_dir('.')",
        "SELECT lo_export(1, '/tmp/x')",
        "SELECT pg_reload_conf()",
        "SELECT pg_switch_wal()",
    ],
)
def test_nothing_else_is_allowed(reading: Database, sql: str) -> None:
    with pytest.raises(UsageError, match=r"permission denied|does not exist|read-only"):
        list(run_query(reading, sql).rows)


def test_a_query_ends_at_its_time_limit(reading: Database) -> None:
    with pytest.raises(UsageError, match=r"took longer than 0\.2 s; SQL_TIMEOUT_SECONDS"):
        run_query(reading, "SELECT count(*) FROM generate_series(1, 1000000000)", seconds=0.2)


@pytest.mark.parametrize(
    "spoiled",
    [
        "ALTER ROLE {} SUPERUSER",
        "ALTER ROLE {} NOLOGIN",
        "ALTER ROLE {} PASSWORD 'other'",
        "ALTER ROLE {} SET search_path = nowhere",
        "GRANT pg_write_all_data TO {}",
        "REVOKE pg_read_all_data FROM {}",
        "DROP ROLE {}",
    ],
)
def test_the_role_is_corrected_before_it_is_used(owner: str, reading: Database, spoiled: str) -> None:
    assert list(run_query(reading, "SELECT 1").rows) == [(1,)]
    execute(owner, spoiled.format(READER))
    with closing(Database(owner)) as database, closing(Database(prepare_reader(database, server().dsn))) as reader:
        assert list(run_query(reader, "SELECT count(*) FROM movies").rows) == [(0,)]
        with pytest.raises(UsageError, match="permission denied"):
            run_query(reader, "SELECT pg_read_file('/etc/passwd')")
    with closing(psycopg2.connect(owner)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT rolsuper, rolconfig FROM pg_roles WHERE rolname = %s", (READER,))
        assert cursor.fetchone() == (False, None)
        cursor.execute("SELECT roleid::regrole::text FROM pg_auth_members WHERE member = %s::regrole", (READER,))
        assert cursor.fetchall() == [("pg_read_all_data",)]

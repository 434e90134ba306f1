"""The schema on every supported server: made, brought up to date, refused, whoever dies on the way."""

from __future__ import annotations

import threading
from contextlib import closing
from datetime import UTC, datetime

import psycopg2
import pytest
from psycopg2.extensions import make_dsn

from domain.errors import StoreUnavailable, UsageError
from infrastructure.stores.postgres import schema
from infrastructure.stores.postgres.database import Database
from infrastructure.stores.postgres.repository import PostgresMovieRepository
from shared.clock import FixedClock
from tests.support.films import film


def execute(dsn: str, sql: str) -> list[tuple[object, ...]]:
    with closing(psycopg2.connect(dsn)) as connection, connection, connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall() if cursor.description else []


def prepare(dsn: str, timeout: float = 60.0) -> None:
    with closing(Database(dsn, timeout=timeout)) as database:
        schema.prepare(database)


def applied(dsn: str) -> list[object]:
    return [row[0] for row in execute(dsn, "SELECT migration_id FROM _yoyo_migration ORDER BY 1")]


def works(dsn: str) -> bool:
    with closing(PostgresMovieRepository(Database(dsn))) as repository:
        repository.save(film(1))
        return repository.find(film(1).imdb_id) == film(1)


def test_makes_the_schema_once(fresh: str) -> None:
    prepare(fresh)
    prepare(fresh)
    assert applied(fresh) == schema.versions()
    assert works(fresh)


@pytest.mark.parametrize("version", schema.versions())
def test_a_start_that_died_after_any_migration_is_taken_up(fresh: str, version: str) -> None:
    with closing(Database(fresh)) as database:
        schema.prepare(database, until=version)
    execute(fresh, f"DELETE FROM _yoyo_migration WHERE migration_id = '{version}'")
    prepare(fresh)
    assert applied(fresh) == schema.versions()
    assert works(fresh)


def test_a_newer_database_is_refused(fresh: str) -> None:
    prepare(fresh)
    execute(
        fresh,
        "INSERT INTO _yoyo_migration (migration_hash, migration_id, applied_at_utc) VALUES ('x', '9999.future', now())",
    )
    with pytest.raises(UsageError, match=r"newer filmledger.*9999\.future"):
        prepare(fresh)


def test_the_lock_of_a_dead_migration_does_not_block(fresh: str) -> None:
    prepare(fresh)
    execute(
        fresh,
        "INSERT INTO yoyo_lock (locked, ctime, pid) VALUES (1, now(), 1); "
        f"DELETE FROM _yoyo_migration WHERE migration_id = '{schema.versions()[-1]}'",
    )
    prepare(fresh)
    assert applied(fresh) == schema.versions()


def test_many_starts_at_once_migrate_once(fresh: str) -> None:
    errors: list[BaseException] = []

    def start() -> None:
        try:
            prepare(fresh)
        except BaseException as error:  # noqa: BLE001 - asserted below
            errors.append(error)

    threads = [threading.Thread(target=start) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert applied(fresh) == schema.versions()


def test_the_same_clock_leaves_the_same_tables(fresh: str) -> None:
    moment = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    with closing(Database(fresh)) as database:
        schema.prepare(database, FixedClock(moment))
    times = "SELECT applied_at_utc FROM _yoyo_migration UNION SELECT installed_at_utc FROM _yoyo_version"
    assert execute(fresh, times) == [(moment.replace(tzinfo=None),)]
    assert execute(fresh, "SELECT count(*) FROM _yoyo_log") == [(0,)]


def test_missing_privileges_are_named(fresh: str) -> None:
    execute(fresh, "REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    execute(fresh, f"CREATE ROLE guest_{fresh[-8:]} LOGIN PASSWORD 'guest'")
    guest = " ".join(
        fresh.replace("'right password'", "guest").replace("user=tester", f"user=guest_{fresh[-8:]}").split()
    )
    with pytest.raises(UsageError, match="permission denied for schema public"):
        prepare(guest)


@pytest.mark.parametrize(
    ("change", "kind", "says"),
    [
        (("right password", "wrong secret"), UsageError, "password authentication failed"),
        (("dbname=t", "dbname=nowhere"), UsageError, "does not exist"),
        (("user=tester", "user=nobody_here"), UsageError, "password authentication failed|does not exist"),
        (("host=/", "host=/nowhere/"), StoreUnavailable, "No such file"),
    ],
)
def test_says_in_one_line_why_it_cannot_log_in(
    fresh: str, change: tuple[str, str], kind: type[Exception], says: str
) -> None:
    with pytest.raises(kind, match=says) as caught:
        prepare(fresh.replace(*change), timeout=0.5)
    assert "secret" not in str(caught.value)
    assert "right" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_nobody_listening_is_told() -> None:
    with pytest.raises(StoreUnavailable, match="Connection refused"):
        prepare("host=127.0.0.1 port=1 user=x password=hidden dbname=x", timeout=0.5)


def test_a_broken_connection_string_is_not_repeated() -> None:
    with pytest.raises(UsageError, match="POSTGRES_DSN is not a connection string") as caught:
        prepare("postgresql://user:hunter2@host:notaport:/x y=")
    assert "hunter2" not in repr(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    ("made", "says"),
    [
        ("CREATE TABLE movies (name text)", "table movies.*ALTER TABLE public.movies RENAME TO movies_before"),
        ("CREATE VIEW credits AS SELECT 1 AS x", "view credits.*ALTER VIEW public.credits RENAME TO credits_before"),
        ("ALTER DATABASE {name} SET default_transaction_read_only = on", "the database is read-only"),
        ("ALTER DATABASE {name} SET search_path = nowhere", "no schema of search_path exists"),
        ("ALTER DATABASE {name} SET search_path = pg_catalog", "no schema of search_path exists"),
    ],
)
def test_what_stands_in_the_way_is_named_and_nothing_is_left_behind(fresh: str, made: str, says: str) -> None:
    execute(fresh, made.format(name=fresh.rsplit("=", 1)[1]))
    before = execute(fresh, "SELECT oid FROM pg_class ORDER BY oid")
    with pytest.raises(UsageError, match=says) as caught:
        prepare(fresh)
    assert "\n" not in str(caught.value)
    assert execute(fresh, "SELECT oid FROM pg_class ORDER BY oid") == before


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("PGHOSTADDR", "127.0.0.9"),
        ("PGOPTIONS", "-c no_such_setting=1"),
        ("PGOPTIONS", "-c default_transaction_read_only=on"),
        ("PGOPTIONS", "-c search_path=nowhere"),
    ],
)
def test_a_variable_of_libpq_that_causes_an_error_is_named(
    fresh: str, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    dsn = make_dsn(fresh, host="127.0.0.1")
    monkeypatch.setenv(variable, value)
    with pytest.raises(
        (UsageError, StoreUnavailable), match=rf"\(the environment variables {variable} took part in it\)$"
    ):
        prepare(dsn, timeout=0.5)


def test_a_database_of_another_encoding_is_refused(fresh: str) -> None:
    name = f"l{fresh[-12:]}"
    with closing(psycopg2.connect(fresh)) as connection:
        connection.autocommit = True
        connection.cursor().execute(f"CREATE DATABASE {name} ENCODING 'LATIN1' TEMPLATE template0")
    with pytest.raises(UsageError, match="encoding is LATIN1"):
        prepare(f"{fresh.rsplit('=', 1)[0]}={name}")

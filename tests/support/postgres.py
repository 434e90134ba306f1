"""A real PostgreSQL for tests: one embedded server for the whole session, started when it is first needed."""

from __future__ import annotations

import atexit
import functools
import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager

import psycopg2

from infrastructure.stores.embedded.server import EmbeddedServer
from infrastructure.stores.postgres import schema
from infrastructure.stores.postgres.database import Database
from tests.support.private_postgres import quick_folder


@functools.cache
def server() -> EmbeddedServer:
    """The session's server, with the schema in its database; stopped when the tests end."""
    folder = quick_folder()
    embedded = EmbeddedServer(folder / "postgres")
    atexit.register(shutil.rmtree, folder)
    atexit.register(embedded.stop)
    with closing(Database(embedded.dsn)) as database:
        schema.prepare(database)
    return embedded


@contextmanager
def empty_database() -> Iterator[str]:
    """The address of the session's database, without any rows."""
    dsn = server().dsn()
    with closing(psycopg2.connect(dsn)) as connection, connection, connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM credits; DELETE FROM akas; DELETE FROM people; DELETE FROM movies; DELETE FROM charts; "
            "DELETE FROM my_ratings; DELETE FROM ratings_history; DELETE FROM store_state; "
            "DELETE FROM runs; ALTER SEQUENCE runs_run_id_seq RESTART"
        )
    yield dsn

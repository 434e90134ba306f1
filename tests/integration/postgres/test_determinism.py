"""However many threads save, in whatever order: the same dump."""

from __future__ import annotations

import os
import random
import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import timedelta

import pytest

from application.ports.runs import Run
from domain.chart import ChartEntry
from domain.movie import Movie
from infrastructure.stores.postgres.database import Database
from infrastructure.stores.postgres.history import PostgresHistory
from infrastructure.stores.postgres.repository import PostgresMovieRepository
from tests.support.films import READ_AT, film
from tests.support.postgres import empty_database, server

FILMS = [film(number, rank=number + 1, of=10) for number in range(80)]
RUN = Run("https://www.example.org", "top250", len(FILMS), READ_AT)


def dump() -> str:
    """What pg_dump says of the data, without the random token it guards its output with."""
    info = server().start()
    done = subprocess.run(
        [info.psql.with_name("pg_dump"), "--data-only", info.dsn],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "LC_ALL": "C"},
    )
    return "\n".join(line for line in done.stdout.splitlines() if not line.startswith(("\\restrict", "\\unrestrict")))


def dump_after(threads: int, films: Sequence[Movie]) -> str:
    with empty_database() as dsn, closing(Database(dsn)) as database:
        history, repository = PostgresHistory(database), PostgresMovieRepository(database)
        history.begin(RUN, [ChartEntry(movie.rank or 0, movie.imdb_id) for movie in FILMS])
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(repository.save, films))
        repository.finalize()
        history.end(RUN, saved=len(films), failed=0, complete=True, finished_at=READ_AT + timedelta(hours=1))
    return dump()


@pytest.fixture(scope="module")
def serial() -> str:
    return dump_after(1, FILMS)


@pytest.mark.parametrize("threads", [5, 10, 20, 50])
def test_threads_leave_no_trace(serial: str, threads: int) -> None:
    shuffled = random.Random(threads).sample(FILMS, len(FILMS))
    assert dump_after(threads, shuffled) == serial
    assert FILMS[79].imdb_id in serial


def test_a_reader_in_the_way_does_not_hold_up_the_end(serial: str) -> None:
    with empty_database() as dsn, closing(Database(dsn)) as database, database.connected() as reader:
        repository = PostgresMovieRepository(database)
        repository.save(FILMS[0])
        reader.cursor().execute("SELECT count(*) FROM credits")
        repository.finalize()
        assert repository.find(FILMS[0].imdb_id) == replace(FILMS[0], rank=None)

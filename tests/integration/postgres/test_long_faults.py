"""Faults that take longer: restarts at random moments, a full disk."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path
from time import sleep

import pytest

from application.records import to_rows
from domain.errors import StoreUnavailable
from domain.fields import Table
from domain.movie import Movie
from infrastructure.stores.embedded.server import EmbeddedServer
from infrastructure.stores.postgres import schema
from infrastructure.stores.postgres.database import Database
from infrastructure.stores.postgres.repository import PostgresMovieRepository
from tests.integration.postgres.waiting import wait_until
from tests.support.disks import small_disk
from tests.support.films import film
from tests.support.private_postgres import PrivatePostgres
from tests.support.repositories import InMemoryMovieRepository
from tests.support.tcp_proxy import TcpProxy

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def movies() -> list[Movie]:
    return [film(number, of=200) for number in range(600)]


def same_as(repository: PostgresMovieRepository, movies: list[Movie]) -> bool:
    model = InMemoryMovieRepository()
    for movie in movies:
        model.save(movie)
    return all(list(repository.rows(table)) == list(model.rows(table)) for table in Table)


@pytest.mark.parametrize("seed", range(12))
def test_restarts_at_random_moments_lose_nothing(
    running: PrivatePostgres, fresh: str, movies: list[Movie], seed: int
) -> None:
    chance = random.Random(seed)
    name = fresh.rsplit("=", 1)[1]
    with ExitStack() as stack:
        proxy = stack.enter_context(TcpProxy(running.port))
        proxy.delay = chance.choice((0, 0, 0.001))
        dsn = chance.choice((fresh, running.dsn(tcp=True, database=name, port=proxy.port)))
        database = stack.enter_context(closing(Database(dsn)))
        schema.prepare(database)
        repository = PostgresMovieRepository(database)
        pool = stack.enter_context(ThreadPoolExecutor(chance.choice((1, 10, 50))))
        saves = [pool.submit(repository.save, movie) for movie in movies]
        for _ in range(3):
            sleep(chance.uniform(0.05, 0.4))
            if chance.random() < 0.5:
                running.restart(chance.choice(("immediate", "fast")))
            else:
                proxy.cut()
        for save in saves:
            save.result()
        assert same_as(repository, movies)


@pytest.mark.parametrize("seed", range(8))
def test_the_embedded_server_killed_under_a_run_comes_back(folder: Path, movies: list[Movie], seed: int) -> None:
    chance = random.Random(seed)
    with EmbeddedServer(folder) as server, closing(Database(server.dsn)) as database:
        schema.prepare(database)
        repository = PostgresMovieRepository(database)
        with ThreadPoolExecutor(20) as pool:
            saves = [pool.submit(repository.save, movie) for movie in movies]
            for _ in range(2):
                sleep(chance.uniform(0.05, 0.4))
                for process in chance.choice(((0,), (1,), (0, 1))):
                    try:
                        os.kill(server.start().processes[process], 9)
                    except ProcessLookupError:
                        continue
            for save in saves:
                save.result()
        assert same_as(repository, movies)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path / "small", 150) as mounted:
        yield mounted


def test_a_full_disk_fails_what_it_must_and_harms_nothing(disk: Path, movies: list[Movie]) -> None:
    ballast = disk / "ballast"
    saved: list[Movie] = []
    with EmbeddedServer(disk / "postgres") as server, closing(Database(server.dsn, timeout=1)) as database:
        schema.prepare(database)
        repository = PostgresMovieRepository(database)
        repository.save(movies[0])
        saved.append(movies[0])
        _fill(ballast)
        with pytest.raises(StoreUnavailable):
            _save_all(repository, movies[1:], saved)
        ballast.unlink()
        wait_until(lambda: _saves(repository, movies[-1]))
        saved.append(movies[-1])
        kept = {row[0] for row in repository.rows(Table.MOVIES)}
        assert {movie.imdb_id for movie in saved} <= kept
        for movie in movies:
            found = repository.find(movie.imdb_id)
            assert found is None or [*to_rows(found).credits] == [*to_rows(movie).credits]


def test_a_full_disk_at_the_first_start_is_told(disk: Path) -> None:
    ballast = disk / "ballast"
    ballast.write_bytes(b"x" * 140_000_000)
    with pytest.raises(StoreUnavailable, match="No space left on device"):
        EmbeddedServer(disk / "postgres").start()
    ballast.unlink()
    with EmbeddedServer(disk / "postgres") as server:
        assert server.start().processes
    assert sorted(path.name for path in (disk / "postgres").glob("cluster*")) == ["cluster", "cluster.lock"]


def _fill(ballast: Path) -> None:
    """Leave no room on the disk."""
    with ballast.open("wb") as file:
        try:
            while True:
                file.write(b"x" * 65536)
                file.flush()
        except OSError:
            return


def _save_all(repository: PostgresMovieRepository, movies: list[Movie], saved: list[Movie]) -> None:
    """Save one after the other and note which were."""
    for movie in movies:
        repository.save(movie)
        saved.append(movie)


def _saves(repository: PostgresMovieRepository, movie: Movie) -> bool:
    try:
        repository.save(movie)
    except StoreUnavailable:
        return False
    return True

"""People whom nobody credits, and tables that somebody else has changed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from application.repair import ThoroughRepository
from domain.errors import StoreError
from domain.fields import Table
from infrastructure.stores.postgres.database import Database
from infrastructure.stores.postgres.repository import PostgresMovieRepository
from tests.support.movies import movie, person
from tests.support.postgres import empty_database

ANNA, BERT = person(1, "Anna"), person(2, "Bert")


@pytest.fixture
def database() -> Iterator[Database]:
    with empty_database() as dsn, closing(Database(dsn)) as database:
        yield database


@pytest.fixture
def repository(database: Database) -> PostgresMovieRepository:
    return PostgresMovieRepository(database)


def execute(database: Database, sql: str) -> None:
    database.transact(lambda cursor: cursor.execute(sql))


def names(repository: PostgresMovieRepository) -> list[str | None]:
    return [row[1] for row in repository.rows(Table.PEOPLE)]


def test_who_lost_the_last_credit_leaves_at_the_end(repository: PostgresMovieRepository) -> None:
    repository.save(movie(1, cast=[ANNA, BERT]))
    repository.save(movie(1, cast=[BERT]))
    assert names(repository) == ["Anna", "Bert"]
    repository.finalize()
    assert names(repository) == ["Bert"]


def test_who_is_credited_elsewhere_stays(repository: PostgresMovieRepository) -> None:
    repository.save(movie(1, cast=[ANNA]))
    repository.save(movie(2, cast=[ANNA]))
    repository.save(movie(1))
    repository.finalize()
    assert names(repository) == ["Anna"]


def test_a_run_that_died_before_its_end_is_tidied_up_by_the_next(
    database: Database, repository: PostgresMovieRepository
) -> None:
    repository.save(movie(1, cast=[ANNA]))
    repository.save(movie(1))
    PostgresMovieRepository(database).finalize()
    assert names(repository) == []


def test_movies_deleted_by_hand_take_their_people_along(
    database: Database, repository: PostgresMovieRepository
) -> None:
    repository.save(movie(1, cast=[ANNA]))
    repository.save(movie(2, cast=[BERT]))
    execute(database, f"DELETE FROM movies WHERE imdb_id = '{movie(1).imdb_id}'")
    repository.finalize()
    assert names(repository) == ["Bert"]
    assert [row[0] for row in repository.rows(Table.CREDITS)] == [movie(2).imdb_id]


def test_people_put_in_by_hand_are_found_by_looking_at_all(
    database: Database, repository: PostgresMovieRepository
) -> None:
    assert isinstance(repository, ThoroughRepository)
    repository.save(movie(1, cast=[ANNA]))
    execute(database, "INSERT INTO people VALUES ('nm7777777', 'Stray', now(), '')")
    repository.finalize()
    assert names(repository) == ["Anna", "Stray"]
    repository.drop_uncredited()
    assert names(repository) == ["Anna"]


def test_saving_again_mends_what_somebody_changed(database: Database, repository: PostgresMovieRepository) -> None:
    whole = movie(1, cast=[ANNA, BERT])
    repository.save(whole)
    execute(
        database,
        "UPDATE movies SET title = 'Other'; UPDATE people SET name = 'Other' WHERE person_id = 'nm0000001'; "
        "UPDATE credits SET characters = '{X}' WHERE position = 1; DELETE FROM credits WHERE position = 2; "
        "INSERT INTO credits VALUES ('tt0000001', 'nm0000001', 'cast', 7, '{}')",
    )
    with pytest.raises(StoreError, match="tt0000001 cannot be read"):
        repository.find(whole.imdb_id)
    repository.save(whole)
    assert repository.find(whole.imdb_id) == whole

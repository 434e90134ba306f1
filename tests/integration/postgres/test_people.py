"""Tables that another program has changed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

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


def test_movies_deleted_by_hand_leave_their_people(database: Database, repository: PostgresMovieRepository) -> None:
    repository.save(movie(1, cast=[ANNA]))
    repository.save(movie(2, cast=[BERT]))
    execute(database, f"DELETE FROM movies WHERE imdb_id = '{movie(1).imdb_id}'")
    repository.finalize()
    assert [row[1] for row in repository.rows(Table.PEOPLE)] == ["Anna", "Bert"]
    assert [row[0] for row in repository.rows(Table.CREDITS)] == [movie(2).imdb_id]


def test_saving_again_mends_what_somebody_changed(database: Database, repository: PostgresMovieRepository) -> None:
    whole = movie(1, cast=[ANNA, BERT])
    repository.save(whole)
    execute(
        database,
        "UPDATE movies SET title = 'Other'; UPDATE people SET name = 'Other' WHERE person_id = 'nm0000001'; "
        "UPDATE credits SET characters = '{X}' WHERE position = 1; DELETE FROM credits WHERE position = 2; "
        "INSERT INTO credits VALUES ('tt0000001', 'nm0000001', 'cast', 7)",
    )
    with pytest.raises(StoreError, match="tt0000001 cannot be read"):
        repository.find(whole.imdb_id)
    repository.save(whole)
    assert repository.find(whole.imdb_id) == whole

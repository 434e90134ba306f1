"""What a transaction sends: lists as array literals, statements together."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from psycopg2.extensions import AsIs

from application.records import Row, list_cell
from domain.errors import UsageError
from domain.fields import Table
from infrastructure.stores.postgres.database import BatchingCursor, Database
from infrastructure.stores.postgres.repository import PostgresMovieRepository
from infrastructure.stores.postgres.statements import encode_columns
from tests.support.movies import movie, person
from tests.support.postgres import empty_database

_CHARACTERS = Table.CREDITS.column_index("characters")
_texts = st.text(st.sampled_from('ab,"\\[]{}\n\x01é '), max_size=6)


@pytest.fixture(scope="module")
def database() -> Iterator[Database]:
    with empty_database() as dsn, closing(Database(dsn)) as opened:
        yield opened


@given(st.lists(st.one_of(st.none(), st.lists(_texts, min_size=1, max_size=3)), min_size=1, max_size=5))
@example([["a[b"], ["c]d"]])
@example([['["a"]'], None])
@example([["", ""], ["plain"]])
def test_lists_arrive_as_they_were(database: Database, lists: list[list[str] | None]) -> None:
    rows: list[Row] = [
        ("tt0000001", "nm0000001", "cast", str(place), list_cell(texts) if texts else None, None, None)
        for place, texts in enumerate(lists)
    ]
    sent = encode_columns(Table.CREDITS, rows)

    def ask(cursor: BatchingCursor) -> list[list[str] | None]:
        cursor.execute("SELECT characters::text[] FROM unnest(%s::text[]) AS sent (characters)", (sent[_CHARACTERS],))
        return [found for (found,) in cursor.fetchall()]

    assert database.transact(ask) == (lists if sent[_CHARACTERS] else [])


def test_a_deferred_statement_is_part_of_the_transaction(database: Database) -> None:

    def fail(cursor: BatchingCursor) -> None:
        cursor.execute("CREATE TABLE first_of_two ()")
        cursor.defer("SELECT * FROM %s", (AsIs("no_such_table"),))

    with pytest.raises(UsageError, match="no_such_table"):
        database.transact(fail)
    assert database.transact(_tables) == []


def test_what_was_deferred_before_an_error_is_not_sent(database: Database) -> None:

    def fail(cursor: BatchingCursor) -> None:
        cursor.defer("CREATE TABLE deferred ()")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        database.transact(fail)
    assert database.transact(_tables) == []


def _tables(cursor: BatchingCursor) -> list[str]:
    cursor.execute("SELECT tablename FROM pg_tables WHERE tablename IN ('first_of_two', 'deferred')")
    return [name for (name,) in cursor.fetchall()]


def test_a_pooler_may_give_another_session_to_each_transaction(database: Database) -> None:
    repository = PostgresMovieRepository(database)
    repository.save(movie(1, cast=[person(1)]))
    database.run(lambda connection: connection.cursor().execute("DEALLOCATE ALL"))
    repository.save(movie(2, cast=[person(2)]))
    assert list(repository.ids()) == ["tt0000001", "tt0000002"]
    assert [row[1] for row in repository.rows(Table.CREDITS)] == ["nm0000001", "nm0000002"]

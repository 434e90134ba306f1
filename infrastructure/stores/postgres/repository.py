"""Movies in PostgreSQL, saved in groups that form by themselves under load."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from psycopg2.extensions import connection as Connection  # noqa: N812 - classes in all but name
from psycopg2.extensions import cursor as Cursor  # noqa: N812

from application.records import Row, Table, from_rows
from domain.errors import RecordRejected, StoreError
from domain.movie import Movie
from infrastructure.stores.postgres import encoding, reading, tidying
from infrastructure.stores.postgres.culprits import culprit, flaws
from infrastructure.stores.postgres.database import Database, Refused
from infrastructure.stores.postgres.encoding import groups
from infrastructure.stores.postgres.failures import STORE
from infrastructure.stores.postgres.queries import query
from infrastructure.stores.postgres.values import CANONICAL_TIME
from shared.batcher import Batcher

_MAX_BATCH_SIZE = 50
_MAX_LANES = 4  # more transactions at a time mean smaller batches, which cost the server more


class PostgresMovieRepository:
    """Satisfies ``MovieRepository`` and ``ThoroughRepository``.

    A lone save is a transaction of its own. While transactions are under way the
    saves of other threads gather, and the next transaction takes them together;
    if it fails for one of them, each is saved by itself, so that only the
    culprit fails. Saving again is harmless, so a commit whose answer got lost is
    simply repeated.

    Args:
        database: where to; closed with the repository.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._saved = False
        self._batcher: Batcher[Movie, None] = Batcher(
            self._flush, max_batch=_MAX_BATCH_SIZE, lanes=min(database.pool_size, _MAX_LANES)
        )

    @property
    def name(self) -> str:
        return STORE

    def save(self, movie: Movie) -> None:
        """See ``MovieRepository.save``."""
        self._batcher.submit(movie)

    def find(self, imdb_id: str) -> Movie | None:
        """See ``MovieRepository.find``."""

        def read(connection: Connection) -> tuple[Any, ...] | None:
            with connection.cursor() as cursor:
                cursor.execute(query("find_movie"), (imdb_id,))
                return cursor.fetchone()

        found = self._database.run(read)
        if found is None:
            return None
        *movie, credits = found
        if not CANONICAL_TIME.fullmatch(movie[-1]):
            raise StoreError(
                STORE, f"{imdb_id} cannot be read: scraped_at {movie[-1]} is no time that a movie can have"
            )
        try:
            return from_rows(tuple(movie), [tuple(row[:-1]) for row in credits], {row[1]: row[-1] for row in credits})
        except ValueError as error:
            raise StoreError(STORE, f"{imdb_id} cannot be read: {error}") from error

    def ids(self) -> Iterator[str]:
        """See ``MovieRepository.ids``."""
        return (row[0] or "" for row in reading.stream(self._database, "ids"))

    def rows(self, table: Table) -> Iterator[Row]:
        """See ``MovieRepository.rows``."""
        return reading.stream(self._database, f"rows_{table}")

    def finalize(self) -> None:
        """See ``MovieRepository.finalize``."""
        tidying.drop_uncredited(self._database)
        if self._saved:
            self._saved = False
            tidying.sort(self._database)

    def drop_uncredited(self) -> None:
        """See ``ThoroughRepository.drop_uncredited``."""
        tidying.drop_all_uncredited(self._database)

    def close(self) -> None:
        """See ``MovieRepository.close``."""
        self._database.close()

    def _flush(self, movies: Sequence[Movie]) -> list[Exception | None]:
        results: dict[int, Exception | None] = {}
        for group in groups(movies):
            try:
                self._write([movies[index] for index in group])
            except (Refused, UnicodeEncodeError):
                results.update({index: self._alone(movies[index]) for index in group})
            except StoreError as error:
                results.update(dict.fromkeys(group, error))
        return [results.get(index) for index in range(len(movies))]

    def _alone(self, movie: Movie) -> Exception | None:
        """Save one that was refused in company; its error if it was the reason."""
        try:
            self._write([movie])
        except Refused as refused:
            return RecordRejected(STORE, f"{movie.imdb_id}: {culprit(movie, refused, self._database)}")
        except UnicodeEncodeError as error:
            return RecordRejected(STORE, f"{movie.imdb_id}: {flaws(movie) or error}")
        except StoreError as error:
            return error
        return None

    def _write(self, movies: Sequence[Movie]) -> None:
        self._saved = True
        document = encoding.encode(movies)

        def call(connection: Connection) -> None:
            with connection.cursor() as cursor:
                if self._call(cursor, document) < len(movies):  # some are older than what is stored, or seem to be
                    cursor.execute(query("forget_impossible_times"), ([movie.imdb_id for movie in movies],))
                    if cursor.rowcount:
                        self._call(cursor, document)

        self._database.run(call)

    @staticmethod
    def _call(cursor: Cursor, document: str) -> int:
        """How many were written."""
        cursor.execute("SELECT save_movies(%s)", (document,))
        ((written,),) = cursor.fetchall()
        return int(written)

"""Where movies are kept, and how they are exported and imported."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

from application.records import Row, Table
from domain.movie import Movie


class MovieRepository(Protocol):
    """A store of movies. Called from many threads at once."""

    @property
    def name(self) -> str:
        """What messages call it: ``csv``, ``postgres``."""

    def save(self, movie: Movie) -> None:
        """Insert or replace one movie with its credits; durable when this returns.

        An older record (``scraped_at``) never replaces a newer one, nor does it
        name anybody; one of the same time does. Where two movies name a person
        differently, the newer movie's name stays, then the smaller id's; it
        stays too when that movie no longer credits the person.

        Raises:
            StoreUnavailable: nothing was saved; may work later.
            RecordRejected: this record can never be saved (NUL, half a surrogate pair); the message names the column.
        """

    def find(self, imdb_id: str) -> Movie | None:
        """The movie as it is stored, or ``None``.

        Raises:
            StoreError: it is there, but cannot be read as a movie.
        """

    def ids(self) -> Iterator[str]:
        """The ids of all movies, in no order; of several stores in one, those that each of them holds."""

    def rows(self, table: Table) -> Iterator[Row]:
        """All rows of one table as canonical cells, ordered by the table's key.

        Text is ordered by code point, positions by number: ``application.row_order.sort_key``.
        Streams: memory does not grow with the table. Works while another process writes.
        """

    def finalize(self) -> None:
        """Bring the store into its final form at the end of a run. May be called again.

        People whom no movie credits any more are dropped here, and only here.
        """

    def close(self) -> None:
        """Let go of files and connections. Saving afterwards is an error."""


class BackgroundRepository(MovieRepository, Protocol):
    """A store that writes on a thread of its own, so that a caller can do other work meanwhile."""

    def save_async(self, movie: Movie) -> Callable[[], None]:
        """Begin what ``save`` does; calling the answer, once, waits for its end.

        Raises:
            RecordRejected: as ``save``. Whatever else ``save`` raises comes from the answer.
        """


class Snapshot(Protocol):
    """One moment's picture of a store, in the order that a finished run leaves in the CSV files."""

    def rows(self, table: Table) -> Iterator[Row]:
        """Canonical cells: movies by rank, the rest by id; credits likewise, directors first; people by id."""

    def documents(self) -> Iterator[str]:
        """Each movie as a JSON object with its directors and cast, in the order of the movies."""


class Loader(Protocol):
    """Fills an empty store."""

    def load(self, rows: Callable[[Table], Iterator[Row]]) -> dict[Table, int]:
        """Take over all rows of all tables, or none.

        Args:
            rows: canonical cells of a table, in the order of its key.

        Returns:
            How many rows each table got.

        Raises:
            UsageError: the store is not empty, or a row cannot be true; the message says which.
            StoreUnavailable: the store went away.
        """

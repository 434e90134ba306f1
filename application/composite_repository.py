"""One movie into both stores at the same time, or it was not saved."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from application.ports import BackgroundRepository, MovieRepository
from application.records import Row, Table
from domain.errors import RecordRejected, StoreError, StoreUnavailable
from domain.movie import Movie


class CompositeMovieRepository:
    """The composite repository: every save goes to both stores at once and waits for both.

    Reading asks ``primary`` alone.

    Args:
        primary: saved from the calling thread.
        secondary: begins before, on its own thread, and is waited for after.
    """

    def __init__(self, primary: MovieRepository, secondary: BackgroundRepository) -> None:
        self._primary = primary
        self._secondary = secondary

    @property
    def name(self) -> str:
        return f"{self._primary.name} and {self._secondary.name}"

    def save(self, movie: Movie) -> None:
        """Save to both and wait for both, whatever becomes of either.

        Raises:
            StoreUnavailable: a store could not take it now; saving again may help.
            RecordRejected: a store refuses this record; its name is in the message.
        """
        errors: list[StoreError] = []
        begun: Callable[[], None] | None = None
        try:
            begun = self._secondary.save_async(movie)
        except StoreError as error:
            errors.append(error)
        try:
            self._primary.save(movie)
        except StoreError as error:
            errors.insert(0, error)
        finally:
            if begun is not None:
                try:
                    begun()
                except StoreError as error:
                    errors.append(error)
        if errors:
            raise _combined(errors)

    def find(self, imdb_id: str) -> Movie | None:
        return self._primary.find(imdb_id)

    def ids(self) -> Iterator[str]:
        """The ids of the movies that both stores hold."""
        here = set(self._primary.ids())
        return (imdb_id for imdb_id in self._secondary.ids() if imdb_id in here)

    def rows(self, table: Table) -> Iterator[Row]:
        return self._primary.rows(table)

    def finalize(self) -> None:
        """Bring both stores into their final form; the second is tried even if the first fails."""
        self._each("finalize")

    def close(self) -> None:
        """Close both; saves under way end first."""
        self._each("close")

    def _each(self, step: str) -> None:
        errors: list[StoreError] = []
        for store in (self._primary, self._secondary):
            try:
                getattr(store, step)()
            except StoreError as error:
                errors.append(error)
        if errors:
            raise _combined(errors)


def _combined(errors: list[StoreError]) -> StoreError:
    """One error for one or two; it may be retried only if each of them may."""
    if len(errors) == 1:
        return errors[0]
    kind = StoreUnavailable if all(error.retry for error in errors) else RecordRejected
    combined = kind(errors[0].store, f"{errors[0].message}; {errors[1].store}: {errors[1].message}")
    combined.__cause__ = errors[0]
    return combined

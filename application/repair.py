"""Make both stores equal: the newer record wins, PostgreSQL wins ties."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, runtime_checkable

from application.comparison import Finding, Verdict, compare
from application.ports import MovieRepository
from application.records import Table, to_rows
from domain.errors import RecordRejected, StoreError, StoreUnavailable
from domain.movie import Movie, Person


class RenamingRepository(MovieRepository, Protocol):
    """A store in which a person can be given a name that no movie brings."""

    def rename(self, person: Person) -> None:
        """Set a person's name without regard to who gave the stored one.

        Raises:
            StoreUnavailable: nothing was saved.
            RecordRejected: the name cannot be stored.
        """


@runtime_checkable
class ThoroughRepository(Protocol):
    """A store whose ``finalize`` drops only people who have lost a credit, and which can look at all of them."""

    def drop_uncredited(self) -> None:
        """Drop everybody whom no movie credits, whoever put them there.

        Raises:
            StoreUnavailable: nothing was dropped.
        """


class Step(StrEnum):
    """What was done about a difference."""

    TO_CSV = "copied from PostgreSQL to CSV"
    TO_POSTGRES = "copied from CSV to PostgreSQL"
    RENAMED = "name copied from PostgreSQL to CSV"
    DROPPED = "dropped"
    GIVEN_UP = "could not be repaired"


@dataclass(frozen=True, slots=True)
class Action:
    """One thing that was done: to which id, and why so."""

    step: Step
    key: str
    reason: str

    def __str__(self) -> str:
        return f"{self.key}: {self.step} ({self.reason})"


def repair(csv: RenamingRepository, postgres: MovieRepository) -> Iterator[Action]:
    """Make the stores equal, and tell each thing that is done.

    Nothing happens unless the answer is read to its end. Both stores are brought into their final form.

    Args:
        csv, postgres: the stores, open for writing.

    Raises:
        StoreUnavailable: a store cannot go on; what was told has been done.
    """
    done: set[str] = set()  # a movie is copied with all its credits
    for table in (Table.MOVIES, Table.CREDITS):
        for finding in compare(table, csv, postgres):
            imdb_id = finding.key[0]
            if imdb_id not in done:
                done.add(imdb_id)
                yield from _copy(imdb_id, finding, csv, postgres)
    alone = {finding.key[0]: finding.verdict for finding in compare(Table.PEOPLE, csv, postgres) if _is_alone(finding)}
    for store in (csv, postgres):
        if isinstance(store, ThoroughRepository):
            store.drop_uncredited()
        store.finalize()  # whom nobody credits leaves both
    for finding in compare(Table.PEOPLE, csv, postgres):
        alone.pop(finding.key[0], None)
        if finding.postgres is None:
            yield Action(Step.GIVEN_UP, finding.key[0], f"{finding.verdict}; no movie credits this person")
        else:
            yield _renamed(finding, csv)
    for person_id, verdict in alone.items():
        yield Action(Step.DROPPED, person_id, f"{verdict}; no movie credits this person")
    csv.finalize()


def _copy(imdb_id: str, finding: Finding, csv: MovieRepository, postgres: MovieRepository) -> Iterator[Action]:
    ours, theirs = _find(csv, imdb_id), _find(postgres, imdb_id)
    if isinstance(ours, Movie) and (not isinstance(theirs, Movie) or ours.scraped_at > theirs.scraped_at):
        reason = "not in PostgreSQL" if theirs is None else str(theirs) if isinstance(theirs, StoreError) else "newer"
        yield _saved(ours, postgres, Step.TO_POSTGRES, reason)
    elif isinstance(theirs, Movie):
        if ours is None:
            reason = "not in CSV"
        elif isinstance(ours, StoreError):
            reason = str(ours)
        else:
            reason = "newer" if theirs.scraped_at > ours.scraped_at else f"of the same time; {finding.verdict}"
        yield _saved(theirs, csv, Step.TO_CSV, reason)
    elif finding.table is Table.CREDITS and ours is None and theirs is None:  # they leave with the next finish
        yield Action(Step.DROPPED, imdb_id, f"credits {finding.verdict}, and no such movie")
    elif finding.table is Table.MOVIES:
        problem = next((one for one in (ours, theirs) if one is not None), finding)
        yield Action(Step.GIVEN_UP, imdb_id, str(problem))


def _is_alone(finding: Finding) -> bool:
    return finding.verdict in (Verdict.ONLY_CSV, Verdict.ONLY_POSTGRES)


def _find(store: MovieRepository, imdb_id: str) -> Movie | StoreError | None:
    try:
        return store.find(imdb_id)
    except StoreUnavailable:
        raise
    except StoreError as error:
        return error


def _saved(movie: Movie, store: MovieRepository, step: Step, reason: str) -> Action:
    try:
        store.save(movie)
    except RecordRejected as error:
        return Action(Step.GIVEN_UP, movie.imdb_id, str(error))
    kept = _find(store, movie.imdb_id)
    if isinstance(kept, Movie) and _unnamed(kept) == _unnamed(movie):
        return Action(step, movie.imdb_id, reason)
    return Action(Step.GIVEN_UP, movie.imdb_id, f"{store.name} keeps another record")


def _unnamed(movie: Movie) -> tuple[object, ...]:
    """The movie without the names of its people, which newer movies may have given."""
    rows = to_rows(movie)
    return (rows.movie, rows.credits)


def _renamed(finding: Finding, csv: RenamingRepository) -> Action:
    person_id, name = (finding.postgres or ("", ""))[:2]
    try:
        csv.rename(Person(person_id or "", name or ""))
    except (RecordRejected, ValueError) as error:
        return Action(Step.GIVEN_UP, person_id or "", str(error))
    return Action(Step.RENAMED, person_id or "", finding.verdict.value)

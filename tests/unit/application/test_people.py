from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from application.people import SavePerson, people_jobs
from application.ports.runs import Job, Outcome, Status
from application.ports.sources import FetchedPerson
from application.records import Row, details_row, timestamp
from domain.errors import FilmledgerError, NotFound, StoreUnavailable
from domain.fields import Table
from domain.movie import Credit, Person, PersonDetails
from tests.support.movies import movie
from tests.support.progress import RecordingProgress
from tests.support.repositories import InMemoryMovieRepository

MONDAY = datetime(2026, 11, 23, tzinfo=UTC)
ADA = PersonDetails("nm0000001", MONDAY, "graphql", born="1950-02", professions=("director",), known_for=("tt0000001",))


def row(number: int, read_at: datetime | None) -> Row:
    cells = {"person_id": f"nm{number:07d}", "name": f"Person {number}"}
    if read_at is not None:
        cells["details_read_at"] = timestamp(read_at)
    return tuple(cells.get(name) for name in Table.PEOPLE.columns)


ROWS = [row(1, None), row(2, MONDAY), row(3, MONDAY - timedelta(days=40)), row(4, None)]


@pytest.mark.parametrize(
    ("older_than", "expected"),
    [
        (None, [1, 4]),
        (MONDAY - timedelta(days=30), [1, 3, 4]),
        (MONDAY, [1, 3, 4]),
        (MONDAY + timedelta(1), [1, 2, 3, 4]),
    ],
)
def test_people_without_details_or_with_old_ones_are_read(older_than: datetime | None, expected: list[int]) -> None:
    assert list(people_jobs(ROWS, older_than=older_than)) == [
        Job(seq, f"nm{number:07d}", label=f"Person {number}") for seq, number in enumerate(expected)
    ]


def test_details_of_data_files_count_as_old_where_old_ones_are_read_again() -> None:
    loaded = (*row(5, MONDAY)[:-1], "datasets")
    assert list(people_jobs([loaded], older_than=None)) == []
    assert [job.key for job in people_jobs([loaded], older_than=MONDAY - timedelta(days=30))] == ["nm0000005"]


class FakePersonSource:
    """Answers with the person or raises the error; remembers what it was asked."""

    def __init__(self, answer: FetchedPerson | FilmledgerError) -> None:
        self._answer = answer
        self.asked: list[tuple[str, int]] = []

    def person(self, person_id: str, *, max_requests: int, cancel: threading.Event) -> FetchedPerson:
        self.asked.append((person_id, max_requests))
        if isinstance(self._answer, FilmledgerError):
            raise self._answer
        return self._answer


class FullRepository(InMemoryMovieRepository):
    """Saves no rows."""

    def save_rows(self, table: Table, rows: object) -> None:
        raise StoreUnavailable("memory", "the disk is full")


FETCHED = FetchedPerson(Person("nm0000001", "Ada Holm"), ADA, size=100, requests=2)


def work(
    store: InMemoryMovieRepository, source: FakePersonSource, job: Job, progress: RecordingProgress | None = None
) -> Outcome:
    progress = progress or RecordingProgress()
    return SavePerson(source, store, max_requests=6, progress=progress, cancel=threading.Event())(job)


def stored(store: InMemoryMovieRepository, person_id: str) -> Row:
    return next(found for found in store.rows(Table.PEOPLE) if found[0] == person_id)


def test_details_are_added_to_the_stored_person() -> None:
    store, progress = InMemoryMovieRepository(), RecordingProgress()
    person = Person("nm0000009", "Bo Lind")
    store.save(replace(movie(1), cast=(Credit(person, "cast", 1),)))
    source = FakePersonSource(FETCHED)
    outcome = work(store, source, Job(0, person.person_id, spent=2), progress)
    details = dict(zip(Table.PEOPLE.columns, stored(store, person.person_id), strict=True))
    assert (details["name"], details["born"]) == (person.name, "1950-02")
    assert details["details_read_at"] == timestamp(MONDAY)
    assert source.asked == [(person.person_id, 4)]  # six requests in all, two were spent before
    assert (outcome.status, outcome.detail, outcome.size, outcome.requests) == (Status.COMPLETED, "Ada Holm", 100, 2)
    assert [phase for _, phase, _ in progress.phases] == ["fetch", "save"]


def test_a_person_whose_id_has_changed_keeps_the_id_of_the_credits() -> None:
    store = InMemoryMovieRepository()
    store.save_rows(Table.PEOPLE, [row(9, None)])
    work(store, FakePersonSource(FETCHED), Job(0, "nm0000009"))
    assert stored(store, "nm0000009")[Table.PEOPLE.column_index("born")] == "1950-02"
    assert [found[0] for found in store.rows(Table.PEOPLE)] == ["nm0000009"]


def test_a_store_that_cannot_save_leaves_the_person_to_the_next_run() -> None:
    outcome = work(FullRepository(), FakePersonSource(FETCHED), Job(0, "nm0000001"))
    assert (outcome.status, outcome.unavailable, outcome.requests) == (Status.FAILED, True, 2)
    assert "the disk is full" in outcome.detail


def test_what_the_source_raises_reaches_the_worker() -> None:
    with pytest.raises(NotFound):
        work(InMemoryMovieRepository(), FakePersonSource(NotFound("no such person")), Job(0, "nm0000001"))


def test_details_fill_the_columns_of_the_person_and_leave_the_name_alone() -> None:
    cells = dict(zip(Table.PEOPLE.columns, details_row(ADA), strict=True))
    assert {name for name, cell in cells.items() if cell is not None} == {
        "person_id", "born", "professions", "known_for", "details_read_at", "details_source",
    }  # fmt: skip

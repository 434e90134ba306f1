"""What every store of movies must do, whatever it is made of."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TypeAlias

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from application.blocks import text_of
from application.ports.stores import MovieRepository, RestoringRepository, TextRepository
from application.records import Row, chart_rows, details_row, sort_key, timestamp, to_row
from domain.errors import RecordRejected
from domain.fields import Table
from domain.movie import CAST, Aka, Credit, Movie, Person, PersonDetails
from tests.support.movies import AWKWARD_TEXTS, EPOCH, complete_movie, full_movie, imdb_id, movie, movies, person
from tests.support.repositories import InMemoryMovieRepository, contents, expected
from tests.support.stores import csv_files, csv_files_with_escaped_formulas, postgres, sqlite_file

Opener: TypeAlias = Callable[[], MovieRepository]
"""Opens a store on the same data, every time it is called."""
Kind: TypeAlias = Callable[[], AbstractContextManager[Opener]]
"""Gives fresh, empty data and takes it away again."""


@contextmanager
def in_memory() -> Iterator[Opener]:
    repository = InMemoryMovieRepository()

    def reopen() -> MovieRepository:
        repository.closed = False
        return repository

    yield reopen


KINDS = (in_memory, csv_files, csv_files_with_escaped_formulas, postgres, sqlite_file)


@pytest.fixture(
    params=[
        pytest.param(kind, id=kind.__name__, marks=pytest.mark.long if kind is csv_files_with_escaped_formulas else ())
        for kind in KINDS
    ]
)
def kind(request: pytest.FixtureRequest) -> Kind:
    return request.param  # type: ignore[no-any-return]  # pytest does not say what a parameter is


@pytest.fixture
def opener(kind: Kind) -> Iterator[Opener]:
    with kind() as opener:
        yield opener


@pytest.fixture
def repository(opener: Opener) -> Iterator[MovieRepository]:
    repository = opener()
    yield repository
    repository.close()


def names(repository: MovieRepository) -> dict[str | None, str | None]:
    return {row[0]: row[1] for row in repository.rows(Table.PEOPLE)}


# --- one movie ------------------------------------------------------------------


def test_an_empty_store_has_no_rows(repository: MovieRepository) -> None:
    assert contents(repository) == {table: [] for table in Table}
    assert repository.find(imdb_id(1)) is None


def test_a_full_movie_comes_back_as_it_was(repository: MovieRepository) -> None:
    repository.save(full_movie(1))
    assert repository.find(imdb_id(1)) == full_movie(1)
    assert contents(repository) == expected([full_movie(1)])


def test_every_field_of_the_field_table_comes_back(repository: MovieRepository) -> None:
    complete = complete_movie(1)
    repository.save(complete)
    assert repository.find(imdb_id(1)) == complete
    assert contents(repository) == expected([complete])
    row = next(repository.rows(Table.MOVIES))
    assert [name for name, cell in zip(Table.MOVIES.columns, row, strict=True) if cell is None] == []


def test_what_is_missing_stays_missing(repository: MovieRepository) -> None:
    repository.save(movie(1))
    found = repository.find(imdb_id(1))
    assert found == movie(1)
    row = dict(zip(Table.MOVIES.columns, next(repository.rows(Table.MOVIES)), strict=True))
    filled = {column for column, cell in row.items() if cell is not None}
    assert filled == {"imdb_id", "title", "incomplete", "source_url", "scraped_at"}


@pytest.mark.parametrize("kind", KINDS[1:], ids=lambda kind: kind.__name__)  # the model in memory gives rows only
def test_the_text_of_a_table_is_that_of_its_rows(repository: MovieRepository) -> None:
    assert isinstance(repository, TextRepository)
    for number, text in enumerate(AWKWARD_TEXTS, 1):
        repository.save(_awkward(number, text))
    repository.save(complete_movie(900))
    for _ in range(2):  # the CSV store reads its journal first, then its files
        for table in Table:
            pieces = repository.text(table)
            assert pieces is not None
            found = list(pieces)
            assert b"".join(found).decode() == text_of(repository.rows(table))
            assert all(piece.endswith(b"\r\n") for piece in found)
        repository.finalize()


def test_nought_votes_are_not_missing(repository: MovieRepository) -> None:
    repository.save(replace(movie(1), votes=0, metascore=0))
    found = repository.find(imdb_id(1))
    assert found is not None
    assert (found.votes, found.metascore) == (0, 0)


def test_awkward_text_survives_in_every_field(repository: MovieRepository) -> None:
    saved = [_awkward(number, text) for number, text in enumerate(AWKWARD_TEXTS, 1)]
    with ThreadPoolExecutor(50) as executor:
        list(executor.map(repository.save, saved))
    assert [repository.find(one.imdb_id) for one in saved] == saved
    assert contents(repository) == expected([*saved])
    repository.finalize()
    assert [repository.find(one.imdb_id) for one in saved] == saved
    assert contents(repository) == expected([*saved])


def _awkward(number: int, text: str) -> Movie:
    named = text if text.strip() else f"{text}x"
    part = Credit(person(number, named), CAST, 1, (text, text + text), (text,), (text, "x"))
    whole = replace(movie(number, title=named), original_title=text, plot=text, poster_url=text, certificate=text)
    return replace(whole, genres=(text, f"x{text}"), cast=(part,), akas=(Aka(named, text, text, (text,), (text,)),))


def test_a_plot_of_a_megabyte_survives(repository: MovieRepository) -> None:
    long = replace(movie(1), plot='"A", and then\r\n' * 70_000)
    repository.save(long)
    repository.finalize()
    assert repository.find(imdb_id(1)) == long


@pytest.mark.parametrize("bad", ["a\0b", "half \ud83c a pair"])
def test_what_no_store_can_hold_is_refused_with_its_column(repository: MovieRepository, bad: str) -> None:
    with pytest.raises(RecordRejected, match="plot"):
        repository.save(replace(movie(1), plot=bad))
    with pytest.raises(RecordRejected, match="name"):
        repository.save(movie(1, cast=[person(1, bad)]))
    with pytest.raises(RecordRejected, match="characters"):
        repository.save(replace(movie(1), cast=(Credit(person(1), CAST, 1, ("ok", bad)),)))
    assert contents(repository) == {table: [] for table in Table}
    repository.save(movie(2))
    assert len(contents(repository)[Table.MOVIES]) == 1


def test_text_that_looks_like_an_escaped_nul_is_just_text(repository: MovieRepository) -> None:
    tricky = replace(movie(1), cast=(Credit(person(1), CAST, 1, ("\\u0000",)),))
    repository.save(tricky)
    assert repository.find(imdb_id(1)) == tricky


# --- saving again ---------------------------------------------------------------


def test_a_newer_record_replaces_all_of_an_older_one(repository: MovieRepository) -> None:
    repository.save(full_movie(1))
    bare = movie(1, minutes=1)
    repository.save(bare)
    assert repository.find(imdb_id(1)) == bare
    assert contents(repository)[Table.CREDITS] == []


def test_credits_are_replaced_as_a_whole(repository: MovieRepository) -> None:
    repository.save(movie(1, directors=[person(1)], cast=[person(2), person(3)]))
    repository.save(movie(1, minutes=1, cast=[person(3), person(4)]))
    assert contents(repository)[Table.CREDITS] == [
        (imdb_id(1), "nm0000003", "cast", "1", None, None, None),
        (imdb_id(1), "nm0000004", "cast", "2", None, None, None),
    ]


def test_an_older_record_changes_nothing(repository: MovieRepository) -> None:
    repository.save(movie(1, minutes=5, cast=[person(1, "New")]))
    before = contents(repository)
    repository.save(movie(1, minutes=4, title="Old", cast=[person(1, "Old"), person(2)]))
    assert contents(repository) == before


def test_a_record_of_the_same_time_replaces(repository: MovieRepository) -> None:
    repository.save(movie(1, title="First", cast=[person(1)]))
    repository.save(movie(1, title="Second", cast=[person(1), person(2)]))
    assert contents(repository) == expected([movie(1, title="Second", cast=[person(1), person(2)])])


def test_saving_the_same_again_changes_nothing(repository: MovieRepository) -> None:
    for _ in range(3):
        repository.save(full_movie(1))
        repository.save(full_movie(2))
    assert contents(repository) == expected([full_movie(1), full_movie(2)])


# --- people ---------------------------------------------------------------------


def test_a_newer_movie_names_a_person(repository: MovieRepository) -> None:
    repository.save(movie(2, minutes=1, cast=[person(1, "Newer")]))
    repository.save(movie(1, minutes=0, cast=[person(1, "Older")]))
    assert names(repository) == {"nm0000001": "Newer"}
    repository.save(movie(3, minutes=2, cast=[person(1, "Newest")]))
    assert names(repository) == {"nm0000001": "Newest"}


@pytest.mark.parametrize("order", [(1, 2), (2, 1)])
def test_of_the_same_time_the_smaller_name_counts(repository: MovieRepository, order: tuple[int, int]) -> None:
    for number in order:
        repository.save(movie(number, cast=[person(1, f"By {number}")]))
    assert names(repository) == {"nm0000001": "By 1"}


def test_a_newer_movie_with_the_same_name_keeps_it_from_those_between(repository: MovieRepository) -> None:
    repository.save(movie(1, minutes=1, cast=[person(1, "Same")]))
    repository.save(movie(2, minutes=3, cast=[person(1, "Same")]))
    repository.save(movie(3, minutes=2, cast=[person(1, "Between")]))
    assert names(repository) == {"nm0000001": "Same"}


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_name_that_was_read_before_its_movie_counts_from_then(opener: Opener, order: tuple[int, int]) -> None:
    early = replace(person(1, "Early"), named_at=EPOCH)
    movies = [movie(1, minutes=5, cast=[early]), movie(2, minutes=3, cast=[person(1, "Later")])]
    repository = opener()
    for place in order:
        repository.save(movies[place])
    repository.close()
    reopened = opener()
    assert [row[1:3] for row in reopened.rows(Table.PEOPLE)] == [("Later", timestamp(EPOCH + timedelta(minutes=3)))]
    reopened.close()


def test_a_name_stays_when_its_movie_no_longer_credits_the_person(opener: Opener) -> None:
    repository = opener()
    repository.save(movie(1, minutes=2, cast=[person(1, "Kept")]))
    repository.save(movie(2, minutes=1, cast=[person(1, "Other")]))
    repository.save(movie(1, minutes=3))
    assert names(repository) == {"nm0000001": "Kept"}
    for _ in range(2):  # and it is remembered, too, how new it was
        repository.finalize()
        repository.close()
        repository = opener()
    repository.save(movie(2, minutes=1, cast=[person(1, "Other")]))
    assert names(repository) == {"nm0000001": "Kept"}
    repository.save(movie(2, minutes=2.5, cast=[person(1, "Other")]))
    assert names(repository) == {"nm0000001": "Other"}
    repository.close()


def test_people_stay_when_their_last_credit_goes(repository: MovieRepository) -> None:
    repository.save(movie(1, cast=[person(1), person(2)]))
    repository.save(movie(1, minutes=1, cast=[person(3)]))
    repository.finalize()
    assert set(names(repository)) == {"nm0000001", "nm0000002", "nm0000003"}


def test_people_without_credits_are_deleted_on_demand(repository: MovieRepository) -> None:
    repository.save(movie(1, cast=[person(1), person(2)]))
    repository.save(movie(1, minutes=1, cast=[person(3)]))
    keys = [("nm0000001",), ("nm0000003",), ("nm0000009",)]
    assert repository.delete_rows(Table.PEOPLE, keys) == 1
    repository.finalize()
    assert set(names(repository)) == {"nm0000002", "nm0000003"}


DETAILS = PersonDetails("nm0000001", EPOCH, "graphql", born="1946-10", professions=("Actress", "Director"))


def test_details_of_a_person_are_kept_apart_from_the_name(repository: MovieRepository) -> None:
    repository.save(movie(1, cast=[person(1, "First")]))
    repository.save_rows(Table.PEOPLE, [details_row(DETAILS)])
    repository.save(movie(1, minutes=1, cast=[person(1, "Second")]))
    older = replace(DETAILS, details_read_at=EPOCH - timedelta(1), born="1900")
    repository.save_rows(Table.PEOPLE, [details_row(older)])
    (row,) = repository.rows(Table.PEOPLE)
    values = dict(zip(Table.PEOPLE.columns, row, strict=True))
    assert (values["name"], values["born"], values["details_source"]) == ("Second", "1946-10", "graphql")
    assert values["professions"] == '["Actress", "Director"]'
    repository.save_rows(Table.PEOPLE, [details_row(replace(DETAILS, details_read_at=EPOCH + timedelta(1)))])
    assert next(repository.rows(Table.PEOPLE))[1] == "Second"


def test_two_people_may_have_one_name(repository: MovieRepository) -> None:
    repository.save(movie(1, cast=[person(1, "Twin"), person(2, "Twin")]))
    assert names(repository) == {"nm0000001": "Twin", "nm0000002": "Twin"}


def test_a_director_may_act_too(repository: MovieRepository) -> None:
    both = movie(1, directors=[person(1)], cast=[person(2), person(1)])
    repository.save(both)
    assert repository.find(imdb_id(1)) == both
    assert len(contents(repository)[Table.CREDITS]) == 3


# --- order ----------------------------------------------------------------------


def test_rows_come_in_the_order_of_their_keys(repository: MovieRepository) -> None:
    crowd = [person(number) for number in range(12, 0, -1)]
    for number in (30, 9_999_999, 2, 10_000_000, 1):
        repository.save(movie(number, directors=crowd[:2], cast=crowd))
    found = contents(repository)
    for table, rows in found.items():
        assert rows == sorted(rows, key=lambda row: sort_key(table, row))
    assert [row[0] for row in found[Table.MOVIES]] == [
        "tt0000001", "tt0000002", "tt0000030", "tt10000000", "tt9999999",
    ]  # fmt: skip
    positions = [row[3] for row in found[Table.CREDITS] if row[0] == "tt0000001" and row[2] == "cast"]
    assert positions == [str(place) for place in range(1, 13)]


def test_the_ids_are_those_of_all_movies(repository: MovieRepository) -> None:
    assert list(repository.ids()) == []
    for number in (3, 1, 2, 3):
        repository.save(full_movie(number))
    assert list(repository.ids()) == [imdb_id(number) for number in (1, 2, 3)]


# --- charts, lists and histories -------------------------------------------------


def places(repository: MovieRepository) -> list[tuple[str | None, ...]]:
    return [row[:3] for row in repository.rows(Table.CHARTS)]


def test_a_chart_is_replaced_as_a_whole(repository: MovieRepository) -> None:
    ids = [imdb_id(number) for number in range(11, 0, -1)]
    repository.replace_chart("top250", [*chart_rows("top250", ids, EPOCH)])
    repository.replace_chart("toptv", [*chart_rows("toptv", ids[:1], EPOCH)])
    assert places(repository)[:11] == [("top250", str(rank), one) for rank, one in enumerate(ids, 1)]
    repository.replace_chart("top250", [*chart_rows("top250", ids[2:4], EPOCH + timedelta(1))])
    expected = [("top250", "1", ids[2]), ("top250", "2", ids[3]), ("toptv", "1", ids[0])]
    assert places(repository) == expected
    repository.finalize()
    assert places(repository) == expected


def test_an_older_reading_of_a_chart_changes_nothing(repository: MovieRepository) -> None:
    repository.replace_chart("top250", [*chart_rows("top250", [imdb_id(1)], EPOCH)])
    repository.replace_chart("top250", [*chart_rows("top250", [imdb_id(2)], EPOCH - timedelta(1))])
    assert places(repository) == [("top250", "1", imdb_id(1))]
    repository.replace_chart("top250", [])
    assert places(repository) == []


def my_rating(number: int, rating: int, days: int) -> Row:
    values = {"imdb_id": imdb_id(number), "rating": rating, "read_at": EPOCH + timedelta(days)}
    return to_row(Table.MY_RATINGS, values)


def test_a_record_and_a_chart_from_the_future_do_not_shut_out_newer_readings(
    repository: MovieRepository, caplog: pytest.LogCaptureFixture
) -> None:
    read, ahead = full_movie(1), replace(full_movie(1), title="Ahead", scraped_at=datetime.now(UTC) + timedelta(400))
    repository.save(ahead)
    repository.replace_chart("top250", list(chart_rows("top250", [ahead.imdb_id], ahead.scraped_at)))
    repository.save(read)
    places = list(chart_rows("top250", [read.imdb_id, imdb_id(2)], read.scraped_at))
    repository.replace_chart("top250", places)
    assert repository.find(read.imdb_id) == read
    assert list(repository.rows(Table.CHARTS)) == places
    if not isinstance(repository, InMemoryMovieRepository):
        told = [record.message.partition(": ")[2].partition(",")[0] for record in caplog.records]
        moment = timestamp(ahead.scraped_at)
        assert told == [
            f"{read.imdb_id} was stored as read at {moment}",
            f"chart top250 was stored as read at {moment}",
        ]


def test_of_two_ratings_of_ones_own_the_later_reading_counts(repository: MovieRepository) -> None:
    repository.save_rows(Table.MY_RATINGS, [my_rating(2, 7, 0), my_rating(1, 9, 5)])
    repository.save_rows(Table.MY_RATINGS, [my_rating(1, 3, 4), my_rating(2, 8, 1)])
    assert list(repository.rows(Table.MY_RATINGS)) == [my_rating(1, 9, 5), my_rating(2, 8, 1)]
    assert repository.delete_rows(Table.MY_RATINGS, [(imdb_id(1),)]) == 1
    assert list(repository.rows(Table.MY_RATINGS)) == [my_rating(2, 8, 1)]


def test_the_history_of_ratings_has_a_row_a_day(repository: MovieRepository) -> None:
    rows = [
        to_row(Table.RATINGS_HISTORY, {"imdb_id": imdb_id(1), "day": date(2026, 3, day), "rating": 9.0, "votes": day})
        for day in (10, 2, 1)
    ]
    repository.save_rows(Table.RATINGS_HISTORY, rows)
    repository.save_rows(Table.RATINGS_HISTORY, rows[:1])
    assert list(repository.rows(Table.RATINGS_HISTORY)) == rows[::-1]


def test_a_refused_save_is_undone(repository: MovieRepository) -> None:
    before = movie(1, title="Before", cast=[person(1)])
    repository.save(before)
    repository.save(movie(1, minutes=1, title="After", cast=[person(2)]))
    repository.replace(imdb_id(1), before)
    assert repository.find(imdb_id(1)) == before
    repository.finalize()
    assert repository.find(imdb_id(1)) == before
    repository.replace(imdb_id(1), None)
    assert repository.find(imdb_id(1)) is None
    assert list(repository.rows(Table.CREDITS)) == []
    assert set(names(repository)) == {"nm0000001", "nm0000002"}
    repository.save(before)
    assert repository.find(imdb_id(1)) == before


@pytest.mark.parametrize("merged", [(), ("before",), ("after",), ("before", "after")])
@pytest.mark.parametrize("kind", [csv_files, csv_files_with_escaped_formulas], ids=lambda kind: kind.__name__)
def test_what_was_held_is_put_back_whatever_was_merged(repository: MovieRepository, merged: tuple[str, ...]) -> None:
    assert isinstance(repository, RestoringRepository)
    repository.save(complete_movie(1))
    if "before" in merged:
        repository.finalize()
    undo = [repository.hold(imdb_id(number)) for number in (1, 2)]
    for number in (1, 2):
        repository.save(movie(number, minutes=1, cast=[person(2)]))
    if "after" in merged:
        repository.finalize()
    for put_back in undo:
        put_back()
    assert list(repository.ids()) == [imdb_id(1)]
    assert repository.find(imdb_id(1)) == complete_movie(1)


def test_a_marker_is_remembered(opener: Opener) -> None:
    repository = opener()
    assert repository.marker is None
    repository.set_marker("one")
    repository.set_marker("two")
    repository.close()
    repository = opener()
    assert repository.marker == "two"
    repository.close()


# --- time and threads -----------------------------------------------------------


def test_what_was_saved_is_there_after_opening_again(opener: Opener) -> None:
    saved = []
    for number in range(1, 8):
        repository = opener()
        repository.save(full_movie(number))
        saved.append(full_movie(number))
        assert contents(repository) == expected([*saved])
        if number % 2:
            repository.finalize()
        repository.close()
    repository = opener()
    assert contents(repository) == expected([*saved])
    repository.close()


def test_finishing_again_changes_nothing(repository: MovieRepository) -> None:
    for number in (3, 1, 2):
        repository.save(full_movie(number))
    repository.finalize()
    before = contents(repository)
    repository.finalize()
    assert contents(repository) == before == expected([*(full_movie(number) for number in (1, 2, 3))])
    repository.save(full_movie(4))
    assert contents(repository) == expected([*(full_movie(number) for number in (1, 2, 3, 4))])


def test_saving_after_closing_is_an_error(opener: Opener) -> None:
    repository = opener()
    repository.save(movie(1))
    repository.close()
    with pytest.raises(RuntimeError, match="closed"):
        repository.save(movie(2))


@pytest.mark.long
def test_fifty_threads_that_share_actors(repository: MovieRepository) -> None:
    saved = [full_movie(number, people=40, minutes=number % 5) for number in range(1, 301)]
    start = threading.Barrier(50)

    def work(part: int) -> None:
        start.wait(timeout=60)
        for one in saved[part::50]:
            repository.save(one)
            assert repository.find(one.imdb_id) is not None

    with ThreadPoolExecutor(50) as executor:
        for done in [executor.submit(work, part) for part in range(50)]:
            done.result()
    assert contents(repository) == expected([*saved])
    repository.finalize()
    assert contents(repository) == expected([*saved])


def test_threads_that_save_one_movie_leave_its_newest_record(repository: MovieRepository) -> None:
    records = [movie(1, minutes=number, title=f"At {number}", cast=[person(1)]) for number in range(100)]
    with ThreadPoolExecutor(50) as executor:
        list(executor.map(repository.save, records))
    assert repository.find(imdb_id(1)) == records[-1]
    assert len(contents(repository)[Table.MOVIES]) == 1


def test_one_bad_record_harms_no_other(repository: MovieRepository) -> None:
    mixed = [
        replace(movie(number), plot="a\0b") if number % 5 == 0 else movie(number, cast=[person(number)])
        for number in range(1, 101)
    ]

    def save(one: Movie) -> bool:
        try:
            repository.save(one)
        except RecordRejected:
            return False
        return True

    with ThreadPoolExecutor(50) as executor:
        done = list(executor.map(save, mixed))
    assert done == [bool(number % 5) for number in range(1, 101)]
    assert contents(repository) == expected([*(one for one, saved in zip(mixed, done, strict=True) if saved)])


def test_rows_can_be_read_while_others_save(repository: MovieRepository) -> None:
    for number in range(1, 51):
        repository.save(full_movie(number))
    stop = threading.Event()

    def keep_saving() -> None:
        number = 51
        while not stop.is_set():
            repository.save(full_movie(number))
            number += 1

    with ThreadPoolExecutor(4) as executor:
        writers = [executor.submit(keep_saving) for _ in range(4)]
        try:
            for _ in range(5):
                listed = [row[0] for row in repository.rows(Table.MOVIES)]
                assert listed == sorted(set(listed), key=str)
                assert {imdb_id(number) for number in range(1, 51)} <= set(listed)
        finally:
            stop.set()
    for writer in writers:
        writer.result()


# --- any movies -----------------------------------------------------------------


_ANY = st.lists(movies(), min_size=1, max_size=4, unique_by=lambda one: one.imdb_id)
_CHECKS = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


@settings(max_examples=8, suppress_health_check=_CHECKS)
@given(saved=_ANY)
def test_any_movie_comes_back_as_it_was(kind: Kind, saved: list[Movie]) -> None:
    _comes_back(kind, saved)


@pytest.mark.long
@settings(max_examples=100, suppress_health_check=_CHECKS)
@given(saved=_ANY)
def test_many_more_movies_come_back_as_they_were(kind: Kind, saved: list[Movie]) -> None:
    _comes_back(kind, saved)


def _comes_back(kind: Kind, saved: list[Movie]) -> None:
    with kind() as opener:
        repository = opener()
        for one in saved:
            repository.save(one)
        found = contents(repository)
        assert found == expected([*saved])
        assert [repository.find(one.imdb_id) for one in saved] == [_renamed(one, found) for one in saved]
        repository.finalize()
        assert contents(repository) == expected([*saved])
        repository.close()
        again = opener()
        assert contents(again) == expected([*saved])
        again.close()


def _renamed(one: Movie, found: dict[Table, list[Row]]) -> Movie:
    """The movie with its people under the names that won."""
    kept = {row[0]: row[1] for row in found[Table.PEOPLE]}
    directors, cast, crew = (
        tuple(
            replace(credit, person=Person(credit.person.person_id, str(kept[credit.person.person_id])))
            for credit in listed
        )
        for listed in (one.directors, one.cast, one.crew)
    )
    return replace(one, directors=directors, cast=cast, crew=crew)


# --- any history ----------------------------------------------------------------

_few_people = st.builds(person, st.integers(1, 6), st.sampled_from(["Ann", "Bob", "Cy"]))
_few_credits = st.lists(_few_people, max_size=3, unique_by=lambda one: one.person_id)
_few_movies = st.builds(
    lambda number, minutes, directors, cast: movie(
        number,
        minutes=minutes,
        directors=directors,
        cast=[one for one in cast if one.person_id not in {other.person_id for other in directors}],
    ),
    st.integers(1, 5),
    st.integers(0, 4),
    _few_credits,
    _few_credits,
)


class History(RuleBasedStateMachine):
    """Saves, ends and new beginnings in any order; the store and the model must agree whenever one looks."""

    kind: Kind = staticmethod(in_memory)

    def __init__(self) -> None:
        super().__init__()
        self.data = type(self).kind()
        self.open = self.data.__enter__()
        self.store = self.open()
        self.model = InMemoryMovieRepository()

    @rule(one=_few_movies)
    def save(self, one: Movie) -> None:
        self.store.save(one)
        self.model.save(one)

    @rule(number=st.integers(1, 5))
    def undo(self, number: int) -> None:
        before = self.model.find(imdb_id(number))
        self.store.replace(imdb_id(number), before)
        self.model.replace(imdb_id(number), before)

    @rule(one=_few_movies, merged=st.booleans())
    def save_and_put_back(self, one: Movie, merged: bool) -> None:
        if isinstance(self.store, RestoringRepository):
            put_back, before = self.store.hold(one.imdb_id), self.model.find(one.imdb_id)
            self.save(one)
            if merged:
                self.store.finalize()
            put_back()
            self.model.replace(one.imdb_id, before)

    @rule(ids=st.lists(st.integers(1, 5).map(imdb_id), max_size=3, unique=True), minutes=st.integers(0, 4))
    def chart(self, ids: list[str], minutes: int) -> None:
        rows = [*chart_rows("top250", ids, EPOCH + timedelta(minutes=minutes))]
        self.store.replace_chart("top250", rows)
        self.model.replace_chart("top250", rows)

    @rule(number=st.integers(1, 6), days=st.integers(0, 3), born=st.none() | st.sampled_from(["1950", "1951-02"]))
    def details(self, number: int, days: int, born: str | None) -> None:
        details = PersonDetails(f"nm{number:07d}", EPOCH + timedelta(days), "graphql", born=born)
        self.store.save_rows(Table.PEOPLE, [details_row(details)])
        self.model.save_rows(Table.PEOPLE, [details_row(details)])

    @rule()
    def finalize(self) -> None:
        self.store.finalize()
        self.model.finalize()

    @rule()
    def reopen(self) -> None:
        self.store.close()
        self.store = self.open()

    @rule()
    def look(self) -> None:
        assert contents(self.store) == contents(self.model)
        for number in range(1, 6):
            assert self.store.find(imdb_id(number)) == self.model.find(imdb_id(number))

    def teardown(self) -> None:
        self.look()
        self.store.close()
        self.data.__exit__(None, None, None)


def run_histories(kind: Kind, examples: int, steps: int) -> None:
    of_this_kind = type("HistoryOf", (History,), {"kind": staticmethod(kind)})
    run_state_machine_as_test(of_this_kind, settings=settings(max_examples=examples, stateful_step_count=steps))


def test_any_history_leaves_what_the_model_says(kind: Kind) -> None:
    run_histories(kind, examples=8, steps=12)


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_many_long_histories_leave_what_the_model_says(kind: Kind) -> None:
    run_histories(kind, examples=60, steps=40)

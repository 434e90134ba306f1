"""A store read as a whole."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from application.catalogue_data import NOT_SHOWN, build_catalogue_data, printable, read_catalogue_data
from application.records import Row, chart_rows
from domain.fields import Table
from domain.movie import CAST, DIRECTOR, Credit, Movie, Person
from tests.support.catalogue import FixedHistory
from tests.support.films import bare, film, films, snapshots
from tests.support.repositories import InMemoryMovieRepository


def _store(*movies: object) -> InMemoryMovieRepository:
    store = InMemoryMovieRepository()
    for movie in movies:
        store.save(movie)  # type: ignore[arg-type]
    return store


def _shown(movie: Movie) -> Movie:
    """The movie without what no page shows."""
    nothing = bare(0)
    return replace(movie, rank=None, akas=(), **{name: getattr(nothing, name) for name in NOT_SHOWN})


def test_every_movie_comes_back_with_its_credits() -> None:
    made = [*films(30), bare(1), bare(2)]
    found = read_catalogue_data(_store(*made), FixedHistory(snapshots(made, 2)))
    assert found.movies == {movie.imdb_id: _shown(movie) for movie in made}
    people = [credit.person for movie in found.movies.values() for credit in movie.credits]
    assert len({id(person) for person in people}) == len(set(people)) < len(people), "one object for a person"
    assert [len(chart.places) for chart in found.charts] == [30]


def test_a_store_without_history_has_its_current_charts() -> None:
    store = _store(film(1), film(2))
    ids = [film(2).imdb_id, film(1).imdb_id, "tt9999999"]
    store.replace_chart("top250", [*chart_rows("top250", ids, NOW)])
    (chart,) = read_catalogue_data(store, FixedHistory()).charts
    assert (chart.chart, chart.taken_at) == ("top250", NOW)
    assert [(place.rank, place.movie.imdb_id) for place in chart.places] == [(1, ids[0]), (2, ids[1])]


NOW = datetime(2026, 1, 2, tzinfo=UTC)


def test_people_with_two_credits_or_more_have_their_films_newest_first() -> None:
    both = Person("nm0000001", "Ada Both")
    once = Person("nm0000002", "Bram Once")
    old = bare(1, year=1950, directors=(Credit(both, DIRECTOR, 1),), cast=(Credit(both, CAST, 1),))
    new = bare(2, year=1990, cast=(Credit(both, CAST, 1), Credit(once, CAST, 2)))
    found = build_catalogue_data({movie.imdb_id: movie for movie in (old, new)}, ()).people
    assert list(found) == ["nm0000001"]
    assert [(each.movie.year, each.credit.category) for each in found["nm0000001"]] == [
        (1990, "cast"),
        (1950, "director"),
        (1950, "cast"),
    ]


def test_genres_and_decades_hold_their_films_best_first() -> None:
    good = bare(1, year=1994, rating=9.0, votes=10, genres=("Drama", "War"))
    same = bare(2, year=1990, rating=9.0, votes=99, genres=("Drama",))
    none = bare(3)
    found = build_catalogue_data({movie.imdb_id: movie for movie in (good, same, none)}, ())
    assert found.genres == {"Drama": (same, good), "War": (good,)}
    assert found.decades == {1990: (same, good), None: (none,)}


def test_decades_stand_newest_first_and_the_unknown_last() -> None:
    made = {m.imdb_id: m for m in (bare(1, year=1921), bare(2), bare(3, year=2024))}
    assert list(build_catalogue_data(made, ()).decades) == [2020, 1920, None]


class _Damaged(InMemoryMovieRepository):
    """A store in which somebody has edited a row."""

    def rows(self, table: Table) -> Iterator[Row]:
        for row in super().rows(table):
            yield (*row[:5], "eleven", *row[6:]) if table is Table.MOVIES and row[0] == "tt8000001" else row


def test_a_record_that_cannot_be_true_is_left_out_and_named(caplog: pytest.LogCaptureFixture) -> None:
    store = _Damaged()
    for movie in (bare(0), bare(1, rating=8.0), bare(2)):
        store.save(movie)
    with caplog.at_level(logging.WARNING):
        found = read_catalogue_data(store, FixedHistory())
    assert list(found.movies) == ["tt8000000", "tt8000002"]
    assert "tt8000001 is left out of the catalogue" in caplog.text


class _Orphans(InMemoryMovieRepository):
    """A store with credits of movies that are not there."""

    def rows(self, table: Table) -> Iterator[Row]:
        if table is Table.CREDITS:
            yield ("tt0000001", "nm0000001", "cast", "1", "[]")
        yield from super().rows(table)
        if table is Table.CREDITS:
            yield ("tt9999999", "nm0000001", "cast", "1", "[]")


def test_credits_without_a_movie_do_no_harm() -> None:
    store = _Orphans()
    store.save(film(1))
    assert read_catalogue_data(store, FixedHistory()).movies == {film(1).imdb_id: _shown(film(1))}


class _Busy(InMemoryMovieRepository):
    """A store into which another film is saved whenever one of its tables has been begun."""

    def rows(self, table: Table) -> Iterator[Row]:
        found = list(super().rows(table))
        number = 50 + list(Table).index(table)
        self.save(film(number, of=60))
        return iter(found)


def test_a_store_that_is_written_to_gives_whole_films(caplog: pytest.LogCaptureFixture) -> None:
    store = _Busy()
    made = [film(number, of=60) for number in range(20)]
    for movie in made:
        store.save(movie)
    with caplog.at_level(logging.WARNING):
        found = read_catalogue_data(store, FixedHistory())
    assert found.movies == {movie.imdb_id: _shown(movie) for movie in made}
    assert caplog.text == ""


def test_an_empty_store_gives_an_empty_library() -> None:
    found = read_catalogue_data(InMemoryMovieRepository(), FixedHistory())
    assert (found.movies, found.people, found.genres, found.decades, found.charts) == ({}, {}, {}, {}, ())


def test_control_characters_become_visible() -> None:
    person = Person("nm0000001", "A\x01da")
    movie = replace(bare(1, title="Be\x08ll", plot="line\nline\x0b"), cast=(Credit(person, CAST, 1),))
    (found,) = read_catalogue_data(_store(movie), FixedHistory()).movies.values()
    assert (found.title, found.plot) == ("Be�ll", "line\nline�")
    assert found.cast[0].person.name == "A�da"


@given(st.text())
def test_printable_text_can_stand_in_xml(text: str) -> None:
    element = etree.Element("a")
    element.text = printable(text)
    assert printable(printable(text)) == printable(text)
    etree.fromstring(etree.tostring(element))

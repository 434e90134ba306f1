from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from application.composite_repository import CompositeMovieRepository
from application.ports.runs import Job, Outcome, Status
from application.ports.sources import FetchedTitle
from application.records import timestamp
from application.scrape_movie import Freshness, ScrapeMovie
from domain.errors import FilmledgerError, NotFound, RecordRejected, StoreError, StoreUnavailable
from domain.fields import Table
from domain.movie import Credit, Movie, Person
from tests.support.movies import movie
from tests.support.progress import RecordingProgress
from tests.support.repositories import InMemoryMovieRepository
from tests.support.sources import FakeTitleSource

MOVIE = movie(1)
JOB = Job(0, MOVIE.imdb_id, rank=7, spent=2)


def _scrape(
    answer: FetchedTitle | FilmledgerError, store: InMemoryMovieRepository, job: Job = JOB
) -> tuple[Outcome, FakeTitleSource]:
    source = FakeTitleSource({job.key: answer})
    work = ScrapeMovie(source, store, max_requests=6, progress=RecordingProgress(), cancel=threading.Event())
    return work(job), source


def test_a_title_is_saved_with_its_source() -> None:
    store = InMemoryMovieRepository()
    outcome, source = _scrape(FetchedTitle(MOVIE, "page", size=100, requests=2), store)
    assert store.find(MOVIE.imdb_id) == replace(MOVIE, source="page")
    assert (outcome.status, outcome.detail, outcome.size, outcome.requests) == (
        Status.COMPLETED, MOVIE.title, 100, 2,
    )  # fmt: skip
    assert source.asked == [(MOVIE.imdb_id, 4)]  # six requests in all, two were spent before


def test_a_record_from_the_future_does_not_shut_out_a_page() -> None:
    store = InMemoryMovieRepository()
    store.save(replace(MOVIE, title="Ahead", plot="Kept.", scraped_at=MOVIE.scraped_at.replace(year=9000)))
    _scrape(FetchedTitle(replace(MOVIE, plot=None), "page", cut=frozenset({"plot"})), store)
    assert store.find(MOVIE.imdb_id) == replace(MOVIE, plot="Kept.", source="page")


def test_a_title_that_has_moved_is_saved_under_its_new_id_and_both_are_named(caplog: pytest.LogCaptureFixture) -> None:
    store = InMemoryMovieRepository()
    moves: list[tuple[str, str]] = []
    caplog.set_level("INFO")
    work = ScrapeMovie(
        FakeTitleSource({"tt7777777": FetchedTitle(MOVIE, "page")}),
        store,
        max_requests=6,
        progress=RecordingProgress(),
        cancel=threading.Event(),
        on_moved=lambda old, new: moves.append((old, new)),
    )
    outcome = work(Job(0, "tt7777777"))
    assert moves == [("tt7777777", MOVIE.imdb_id)]
    assert outcome.saved_as == MOVIE.imdb_id
    assert store.find(MOVIE.imdb_id) is not None
    assert store.find("tt7777777") is None
    assert f"tt7777777 has moved: saved as {MOVIE.imdb_id}" in caplog.text
    assert not [record for record in caplog.records if record.levelno > logging.INFO], "a moved title is no fault"


def test_a_partial_page_never_blanks_what_an_older_complete_one_filled(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    store = InMemoryMovieRepository()
    whole = replace(MOVIE, metascore=80, plot="Long.", genres=("Drama", "Crime"))
    store.save(whole)
    partial = replace(MOVIE, metascore=None, plot=None, genres=("Drama",))
    outcome, _ = _scrape(FetchedTitle(partial, "page", cut=frozenset({"metascore", "genres", "kind"})), store)
    saved = store.find(MOVIE.imdb_id)
    assert saved is not None
    assert (saved.metascore, saved.genres) == (80, ("Drama", "Crime"))
    assert saved.plot is None  # the page told that there is none
    assert outcome.missing == ("genres", "kind", "metascore")
    assert "kept from the saved record: genres, " in caplog.text


OLDER = replace(MOVIE, metascore=80, plot=None, votes=6, kind="short")
NEWER = replace(MOVIE, metascore=None, plot="New.", votes=7, scraped_at=MOVIE.scraped_at + timedelta(days=1))


def _reader(files: dict[str, FetchedTitle], store: InMemoryMovieRepository) -> Callable[[str], Outcome]:
    progress, cancel = RecordingProgress(), threading.Event()
    work = ScrapeMovie(FakeTitleSource(dict(files)), store, max_requests=6, progress=progress, cancel=cancel)
    return lambda name: work(Job(0, name))


@pytest.mark.parametrize("order", [("older", "newer"), ("newer", "older"), ("newer", "none", "older")])
def test_of_two_files_of_one_title_either_may_be_read_first(order: tuple[str, ...]) -> None:
    gaps = frozenset({"metascore", "kind", "genres"})
    files = {
        "older": FetchedTitle(OLDER, "file", cut=frozenset({"genres"})),
        "newer": FetchedTitle(NEWER, "file", cut=gaps),
        "none": FetchedTitle(replace(OLDER, metascore=None, kind=None), "file", cut=gaps),
    }
    store = InMemoryMovieRepository()
    read = _reader(files, store)
    incomplete = ("genres",)  # both are
    for name in order:
        read(name)
    assert store.find(MOVIE.imdb_id) == replace(NEWER, metascore=80, kind="short", source="file", incomplete=incomplete)


def test_an_older_file_gives_nothing_to_a_newer_one_without_gaps() -> None:
    store = InMemoryMovieRepository()
    read = _reader({"newer": FetchedTitle(NEWER, "file"), "older": FetchedTitle(OLDER, "file")}, store)
    read("newer")
    read("older")
    assert store.find(MOVIE.imdb_id) == replace(NEWER, source="file")


def test_two_files_of_one_title_read_at_the_same_time_do_not_miss_each_other() -> None:
    class Slow(InMemoryMovieRepository):
        """Gives the older page all the time it wants between the newer one's look and its save."""

        def find(self, imdb_id: str) -> Movie | None:
            found = super().find(imdb_id)
            if not other.ident:
                other.start()
                other.join(0.2)
            return found

    store = Slow()
    files = {
        "older": FetchedTitle(OLDER, "file"),
        "newer": FetchedTitle(NEWER, "file", cut=frozenset({"metascore", "kind"})),
    }
    read = _reader(files, store)
    other = threading.Thread(target=read, args=("older",))
    read("newer")
    other.join()
    assert store.find(MOVIE.imdb_id) == replace(NEWER, metascore=80, kind="short", source="file")


def _people(number: int, category: str = "cast") -> tuple[Credit, ...]:
    return tuple(Credit(Person(f"nm{place:07d}", f"Person {place}"), category, place) for place in range(1, number + 1))


@pytest.mark.parametrize("order", [("newer", "older"), ("older", "newer")])
def test_people_of_a_replaced_list_are_saved_whichever_file_is_read_first(order: tuple[str, str]) -> None:
    files = {
        "newer": FetchedTitle(replace(NEWER, cast=_people(2)), "file"),
        "older": FetchedTitle(replace(OLDER, cast=(replace(_people(4)[3], position=1),)), "file"),
    }
    store = InMemoryMovieRepository()
    read = _reader(files, store)
    for name in order:
        read(name)
    people = {row[0]: row[2] for row in store.rows(Table.PEOPLE)}
    assert people.keys() >= {"nm0000001", "nm0000002", "nm0000004"}
    assert people["nm0000004"] == timestamp(OLDER.scraped_at)


@pytest.mark.parametrize("first", ["whole", "cut"])
def test_a_whole_older_value_is_never_replaced_by_a_cut_newer_one(first: str) -> None:
    whole = replace(MOVIE, directors=_people(22, "director"))
    cut = replace(MOVIE, directors=_people(3, "director"), scraped_at=MOVIE.scraped_at + timedelta(days=1))
    titles = {
        "whole": FetchedTitle(whole, "graphql"),
        "cut": FetchedTitle(cut, "file", cut=frozenset({"directors"})),
    }
    store = InMemoryMovieRepository()
    read = _reader(titles, store)
    for name in (first, *(titles.keys() - {first})):
        read(name)
    saved = store.find(MOVIE.imdb_id)
    assert saved is not None
    assert (len(saved.directors), saved.incomplete, saved.scraped_at) == (22, (), cut.scraped_at)


def test_of_two_incomplete_values_the_longer_stays_and_is_named() -> None:
    store = InMemoryMovieRepository()
    store.save(replace(MOVIE, directors=_people(10, "director"), incomplete=("directors",)))
    _scrape(FetchedTitle(replace(MOVIE, directors=_people(3, "director")), "page", cut=frozenset({"directors"})), store)
    saved = store.find(MOVIE.imdb_id)
    assert saved is not None
    assert (len(saved.directors), saved.incomplete) == (10, ("directors",))


@pytest.mark.parametrize(("shown", "kept"), [(_people(18), 60), (_people(19)[1:], 18)])
def test_a_bounded_cast_does_not_replace_the_whole_one_that_it_begins(shown: tuple[Credit, ...], kept: int) -> None:
    shown = tuple(replace(credit, position=place) for place, credit in enumerate(shown, 1))
    store = InMemoryMovieRepository()
    store.save(replace(MOVIE, cast=_people(60), cast_total=60))
    _scrape(FetchedTitle(replace(MOVIE, cast=shown, cast_total=60), "page"), store)
    saved = store.find(MOVIE.imdb_id)
    assert saved is not None
    assert len(saved.cast) == kept


def test_what_a_source_withholds_is_kept_from_the_saved_record_and_is_not_incomplete() -> None:
    store = InMemoryMovieRepository()
    store.save(replace(MOVIE, keywords=("fog", "ferry", "night"), taglines=("Mind the gap.",)))
    page = FetchedTitle(replace(MOVIE, keywords=("fog",)), "page", untold=frozenset({"keywords", "taglines"}))
    outcome, _ = _scrape(page, store)
    saved = store.find(MOVIE.imdb_id)
    assert saved is not None
    assert (saved.keywords, saved.taglines, saved.incomplete) == (("fog", "ferry", "night"), ("Mind the gap.",), ())
    assert outcome.missing == ()


def test_nought_is_not_nothing() -> None:
    store = InMemoryMovieRepository()
    store.save(replace(MOVIE, metascore=0, votes=0))
    _scrape(FetchedTitle(replace(MOVIE, votes=None), "page", cut=frozenset({"metascore", "votes"})), store)
    saved = store.find(MOVIE.imdb_id)
    assert saved is not None
    assert (saved.metascore, saved.votes) == (0, 0)


def test_a_page_that_cannot_be_had_saves_nothing() -> None:
    store = InMemoryMovieRepository()
    with pytest.raises(NotFound):
        _scrape(NotFound("gone"), store)
    assert store.find(MOVIE.imdb_id) is None


def test_a_store_that_fails_is_told_with_what_the_page_cost() -> None:
    class Full(InMemoryMovieRepository):
        def save(self, movie: object, rows: object = None) -> None:
            raise StoreUnavailable("csv", "disk full")

    outcome, _ = _scrape(FetchedTitle(MOVIE, "page", size=100, requests=2), Full())
    assert (outcome.status, outcome.retry, outcome.unavailable) == (Status.FAILED, True, True)
    assert (outcome.detail, outcome.requests, outcome.size) == ("csv: disk full", 2, 100)


def test_a_record_that_is_young_enough_is_left_alone() -> None:
    store = InMemoryMovieRepository()
    store.save(MOVIE)
    source, progress, cancel = FakeTitleSource({}), RecordingProgress(), threading.Event()
    for since, asked in ((MOVIE.scraped_at, 0), (MOVIE.scraped_at + timedelta(seconds=1), 1)):
        freshness = Freshness(since, since)
        work = ScrapeMovie(source, store, max_requests=6, progress=progress, cancel=cancel, freshness=freshness)
        if asked:
            with pytest.raises(NotFound):
                work(JOB)
        else:
            assert work(JOB).source == "saved"
        assert len(source.asked) == asked
    assert store.find(MOVIE.imdb_id) == MOVIE


WEEK = timedelta(days=7)
CAST = tuple(Credit(Person(f"nm000000{number}", "Ada"), "cast", number) for number in range(1, 4))


@pytest.mark.parametrize(
    ("changes", "kept", "kept_by_full_credits"),
    [
        ({}, True, True),
        ({"incomplete": ()}, True, True),
        ({"incomplete": None}, True, True),
        ({"incomplete": ("plot",)}, False, False),
        ({"incomplete": ("plot",), "scraped_at": MOVIE.scraped_at + timedelta(days=6, hours=1)}, True, True),
        ({"source": "datasets"}, False, False),
        ({"cast": CAST[:2], "cast_total": 3}, True, False),
        ({"cast": CAST[:2], "cast_total": 2}, True, True),
        ({"cast": CAST, "cast_total": 9}, True, True),  # more than a page shows: read by FULL_CREDITS
    ],
)
def test_what_is_kept_depends_on_what_a_record_lacks_and_why(
    changes: dict[str, Any], kept: bool, kept_by_full_credits: bool
) -> None:
    record = replace(MOVIE, **changes)
    now = MOVIE.scraped_at + WEEK
    freshness = Freshness(now - WEEK, now - timedelta(days=1))
    assert freshness.keeps(record) is kept
    assert replace(freshness, cast_shown=2).keeps(record) is kept_by_full_credits


def test_a_record_of_the_data_files_is_kept_where_they_are_the_only_source() -> None:
    freshness = Freshness(MOVIE.scraped_at, MOVIE.scraped_at, data_files=True)
    assert freshness.keeps(replace(MOVIE, source="datasets"))


LOADED = replace(
    movie(1, title="From files", minutes=60 * 24 * 26, cast=[Person("nm0000001", "Ada")]),
    source="datasets",
    genres=("Drama",),
    rating=8.1,
    votes=900,
    dataset_day=date(2026, 1, 27),
    incomplete=(),
)


def saved_page(day: int, **told: Any) -> FetchedTitle:
    page = replace(movie(1, title=f"Page of day {day}", minutes=60 * 24 * (day - 1)), rating=8.0, votes=day, **told)
    return FetchedTitle(page, "file", untold=frozenset({"genres", "cast", "plot"}) - told.keys())


@pytest.mark.parametrize("order", ["ab", "ba"])
def test_saved_pages_count_before_newer_data_files_in_any_order_and_the_newest_figures_stay(order: str) -> None:
    store = InMemoryMovieRepository()
    store.save(LOADED)
    files = {"a": saved_page(3, plot="Old plot.", genres=("War",)), "b": saved_page(5, plot="New plot.")}
    work = ScrapeMovie(
        FakeTitleSource(files), store, max_requests=6, progress=RecordingProgress(), cancel=threading.Event()
    )
    for key in order:
        assert work(Job(0, key)).status is Status.COMPLETED
    found = store.find(LOADED.imdb_id)
    assert found is not None
    assert (found.title, found.plot, found.genres, found.source) == ("Page of day 5", "New plot.", ("War",), "file")
    assert (found.rating, found.votes, found.dataset_day) == (8.1, 900, LOADED.dataset_day)
    assert found.scraped_at == files["b"].movie.scraped_at
    assert found.cast == LOADED.cast


@pytest.mark.parametrize("error", [RecordRejected, StoreUnavailable])
def test_a_saved_page_that_a_store_does_not_take_leaves_the_record_of_the_data_files(
    error: type[StoreError],
) -> None:

    class Refusing(InMemoryMovieRepository):
        def replace(self, imdb_id: str, movie: Movie | None) -> None:
            if movie is not None and movie.source == "file":
                raise error("a store", "no")
            super().replace(imdb_id, movie)

    stores = [InMemoryMovieRepository(), Refusing()]
    both = CompositeMovieRepository(stores)
    both.save(LOADED)
    source = FakeTitleSource({JOB.key: saved_page(3)})
    work = ScrapeMovie(source, both, max_requests=6, progress=RecordingProgress(), cancel=threading.Event())
    assert work(JOB).status is not Status.COMPLETED
    assert [store.find(LOADED.imdb_id) for store in stores] == [LOADED, LOADED]

"""Titles over the network: by page, by GraphQL in batches, and from one to the other when pages are refused."""

from __future__ import annotations

import copy
import json
import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from application.ports.sources import FetchedTitle, TitleSource
from domain.errors import (
    Blocked,
    Cancelled,
    InvalidMovie,
    NotATitlePage,
    NotFound,
    SourceError,
    Transient,
    UnknownLayout,
    WrongTitle,
)
from domain.movie import DIRECTOR, Credit, Movie, Person, title_url
from infrastructure.http import Page
from infrastructure.scraper.graphql import GraphqlClient
from infrastructure.scraper.sources import AutoTitleSource, GraphqlTitleSource, PageTitleSource, PeopleSource
from shared.clock import FixedClock
from tests.support.fetcher import Answer, FakeFetcher, Sent
from tests.support.site_shapes import graphql_answer, graphql_title, page_of, title_page
from tests.support.sources import FakeTitleSource

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
CLOCK = FixedClock(NOW)
IDS = [f"tt{number:07d}" for number in range(1, 51)]
ID = IDS[0]


NEVER = threading.Event()


def read(source: TitleSource, imdb_id: str = ID, max_requests: int = 6) -> FetchedTitle:
    return source.title(imdb_id, max_requests=max_requests, cancel=NEVER)


def pages(answer: Callable[[Sent], Answer]) -> tuple[PageTitleSource, FakeFetcher]:
    fetcher = FakeFetcher(answer)
    return PageTitleSource(fetcher, "http://site.example/", CLOCK, patient=False), fetcher


def graphql(
    answer: Callable[[Sent], Answer], *, batch_size: int = 25, lanes: int = 1
) -> tuple[GraphqlTitleSource, FakeFetcher]:
    fetcher = FakeFetcher(answer)
    client = GraphqlClient(fetcher, "http://api.example/")
    return GraphqlTitleSource(client, CLOCK, batch_size=batch_size, max_concurrency=lanes), fetcher


def all_titles(sent: Sent) -> Answer:
    return graphql_answer(titles=[graphql_title(imdb_id) for imdb_id in sent.variables["ids"]])


class Gate:
    """Holds the first request back until ``more`` others have been handed in, so that these make a batch."""

    def __init__(self, answer: Callable[[Sent], Answer]) -> None:
        self._answer = answer
        self.first_is_in = threading.Event()
        self.open = threading.Event()

    def __call__(self, sent: Sent) -> Answer:
        if not self.first_is_in.is_set():
            self.first_is_in.set()
            assert self.open.wait(30)
        return self._answer(sent)


def together(
    source: GraphqlTitleSource, gate: Gate, first: str, rest: list[str], max_requests: int = 6
) -> dict[str, FetchedTitle | Exception]:
    """Ask for one title, and for the rest while its request is under way; all in threads of their own."""

    def ask(imdb_id: str) -> FetchedTitle | Exception:
        try:
            return read(source, imdb_id, max_requests)
        except (SourceError, InvalidMovie) as error:
            return error

    with ThreadPoolExecutor(len(rest) + 1) as executor:
        futures = {first: executor.submit(ask, first)}
        assert gate.first_is_in.wait(30)
        futures |= {imdb_id: executor.submit(ask, imdb_id) for imdb_id in rest}
        await_waiting(source, len(rest))
        gate.open.set()
        return {imdb_id: future.result(30) for imdb_id, future in futures.items()}


def await_waiting(source: GraphqlTitleSource | PeopleSource, threads: int) -> None:
    """Wait until so many threads have handed in a title that no request has taken yet."""
    for _ in range(30_000):
        if len(source._batcher._waiting) == threads:
            return
        NEVER.wait(0.001)
    raise AssertionError(f"{threads} threads should have been waiting by now")


# --- pages ------------------------------------------------------------------------


def test_a_title_is_read_from_its_page_with_what_it_cost() -> None:
    body = title_page(graphql_title(ID))
    source, fetcher = pages(lambda sent: Page(sent.url, 200, {}, body, size=321, requests=2))
    title = read(source)
    assert (title.movie.imdb_id, title.movie.scraped_at) == (ID, NOW)
    assert (title.source, title.cut, title.size, title.requests) == ("page", frozenset(), 321, 2)
    assert [(sent.url, sent.max_requests, sent.patient) for sent in fetcher.sent] == [
        (f"http://site.example/title/{ID}/", 6, False)
    ]


def test_a_page_that_was_redirected_to_is_the_title_under_its_new_id() -> None:
    new_url = f"http://site.example/title/{IDS[1]}/"
    source, _ = pages(lambda _: Page(new_url, 200, {}, title_page(graphql_title(IDS[1]))))
    assert read(source).movie.imdb_id == IDS[1]


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (title_page(graphql_title(IDS[1])), WrongTitle),
        (page_of({"props": {}, "page": "/find"}), NotATitlePage),
        (b"<html><body>Hello</body></html>", UnknownLayout),
        (title_page(graphql_title(ID, titleText={"text": " "})), InvalidMovie),
    ],
)
def test_a_page_that_is_not_the_title_is_an_error(body: bytes, error: type[Exception]) -> None:
    source, _ = pages(lambda _: body)
    with pytest.raises(error):
        read(source)


def test_only_a_page_in_which_nothing_was_recognised_is_reported_and_its_cost_told() -> None:
    strange = Page("x", 200, {}, b"<html><body>Hello</body></html>", size=31, requests=3)
    source, fetcher = pages(lambda _: strange)
    with pytest.raises(UnknownLayout) as caught:
        read(source)
    assert (caught.value.requests, caught.value.size) == (3, 31)
    assert fetcher.not_recognised == [strange]
    source, fetcher = pages(lambda _: title_page(graphql_title(IDS[1])))
    with pytest.raises(WrongTitle):
        read(source)
    assert fetcher.not_recognised == []


# --- GraphQL ----------------------------------------------------------------------


def test_one_title_alone_goes_at_once() -> None:
    source, fetcher = graphql(all_titles)
    title = read(source)
    assert (title.movie.imdb_id, title.source, title.cut, title.requests) == (ID, "graphql", frozenset(), 1)
    assert title.movie.scraped_at == NOW
    assert [sent.variables for sent in fetcher.sent] == [{"ids": [ID]}]


def test_the_same_title_by_page_and_by_graphql_is_the_same_movie() -> None:
    by_page, _ = pages(lambda _: title_page(graphql_title(ID)))
    by_graphql, _ = graphql(all_titles)
    assert read(by_page).movie == read(by_graphql).movie


def test_fifty_threads_share_few_requests_and_each_gets_its_own_title() -> None:
    gate = Gate(all_titles)
    source, fetcher = graphql(gate)
    results = together(source, gate, IDS[0], IDS[1:])
    assert {imdb_id: title.movie.imdb_id for imdb_id, title in results.items() if isinstance(title, FetchedTitle)} == {
        imdb_id: imdb_id for imdb_id in IDS
    }
    assert [len(sent.variables["ids"]) for sent in fetcher.sent] == [1, 25, 24]


def test_the_size_of_an_answer_is_shared_out_without_a_rest() -> None:
    gate = Gate(all_titles)
    source, _ = graphql(gate)
    results = together(source, gate, IDS[0], IDS[1:4])
    shared = [title.size for imdb_id, title in results.items() if isinstance(title, FetchedTitle) and imdb_id != IDS[0]]
    assert sum(shared) == len(graphql_answer(titles=[graphql_title(imdb_id) for imdb_id in IDS[1:4]]))


def test_one_missing_title_does_not_harm_the_others_of_its_batch() -> None:
    gate = Gate(
        lambda sent: graphql_answer(titles=[None if i == IDS[2] else graphql_title(i) for i in sent.variables["ids"]])
    )
    source, _ = graphql(gate)
    results = together(source, gate, IDS[0], IDS[1:4])
    assert [type(results[imdb_id]) for imdb_id in IDS[:4]] == [FetchedTitle, FetchedTitle, NotFound, FetchedTitle]
    assert getattr(results[IDS[2]], "requests") == 1  # noqa: B009 - the type is checked above


def test_impossible_values_cost_what_reading_them_took() -> None:
    impossible = graphql_title(ID, titleText={"text": " "})
    body = title_page(impossible)
    by_page, _ = pages(lambda sent: Page(sent.url, 200, {}, body, size=321, requests=2))
    by_graphql, _ = graphql(lambda _: Page("x", 200, {}, graphql_answer(titles=[impossible]), size=654, requests=3))
    for source, cost in ((by_page, (2, 321)), (by_graphql, (3, 654))):
        with pytest.raises(InvalidMovie) as caught:
            read(source)
        assert (caught.value.requests, caught.value.size) == cost
        again = copy.copy(caught.value)
        assert (again.requests, again.size, again.problems) == (*cost, caught.value.problems)


def poisoned(kind: str) -> Callable[[Sent], Answer]:
    """A server that fails wholly on any question that holds the third title."""

    def answer(sent: Sent) -> Answer:
        if IDS[2] not in sent.variables["ids"]:
            return all_titles(sent)
        errors = {
            "fails": [{"message": "timeout"}],
            "refuses": [{"message": "no", "extensions": {"code": "BAD_REQUEST"}}],
        }
        return json.dumps({"data": None, "errors": errors[kind]}).encode()

    return answer


@pytest.mark.parametrize(("kind", "error"), [("fails", Transient), ("refuses", UnknownLayout)])
def test_a_title_on_which_the_server_fails_is_found_by_halving_and_fails_alone(
    kind: str, error: type[SourceError]
) -> None:
    gate = Gate(poisoned(kind))
    source, fetcher = graphql(gate)
    results = together(source, gate, IDS[0], IDS[1:9])
    failed = results.pop(IDS[2])
    assert isinstance(failed, error)
    assert {imdb_id: type(result) for imdb_id, result in results.items()} == dict.fromkeys(results, FetchedTitle)
    assert [len(sent.variables["ids"]) for sent in fetcher.sent] == [1, 8, 4, 2, 1, 1, 2, 4]
    spent = {imdb_id: result.requests for imdb_id, result in results.items() if isinstance(result, FetchedTitle)}
    assert (failed.requests, spent[IDS[1]], spent[IDS[3]], spent[IDS[8]]) == (4, 4, 3, 2)


@pytest.mark.parametrize(
    "body",
    [b"Too many requests", b'{"errors": [{"message": "x", "extensions": {"code": "GRAPHQL_VALIDATION_FAILED"}}]}'],
)
def test_a_failure_that_a_smaller_question_would_meet_as_well_is_not_halved(body: bytes) -> None:
    gate = Gate(lambda sent: all_titles(sent) if len(sent.variables["ids"]) == 1 else body)
    source, fetcher = graphql(gate)
    results = together(source, gate, IDS[0], IDS[1:9])
    assert all(isinstance(results[imdb_id], UnknownLayout) for imdb_id in IDS[1:9])
    assert [len(sent.variables["ids"]) for sent in fetcher.sent] == [1, 8]


def test_halving_stops_when_the_requests_are_used_up() -> None:
    gate = Gate(poisoned("fails"))
    source, fetcher = graphql(gate)
    results = together(source, gate, IDS[0], IDS[1:9], max_requests=2)
    assert [len(sent.variables["ids"]) for sent in fetcher.sent] == [1, 8, 4, 4]
    assert {type(results[imdb_id]).__name__ for imdb_id in IDS[1:5]} == {"ServerFailed"}
    assert all(isinstance(results[imdb_id], FetchedTitle) for imdb_id in IDS[5:9])
    assert all(getattr(result, "requests") <= 2 for result in results.values())  # noqa: B009


@pytest.mark.parametrize("with_dask", [False, True])  # once imported it stays: the order matters
def test_a_lost_network_is_not_asked_again_in_halves_and_each_thread_has_an_error_of_its_own(with_dask: bool) -> None:
    if with_dask:
        import distributed  # noqa: F401 - it changes how exceptions are copied
    lost = Transient("connection reset")
    lost.requests, lost.size = 6, 7
    gate = Gate(lambda sent: all_titles(sent) if len(sent.variables["ids"]) == 1 else lost)
    source, fetcher = graphql(gate)
    results = together(source, gate, IDS[0], IDS[1:4])
    errors = [results[imdb_id] for imdb_id in IDS[1:4]]
    assert len({id(error) for error in errors}) == 3
    assert [(str(error), getattr(error, "requests")) for error in errors] == [("connection reset", 6)] * 3  # noqa: B009
    assert sum(getattr(error, "size") for error in errors) == 7  # noqa: B009
    assert len(fetcher.sent) == 2


def test_a_batch_has_no_more_requests_than_its_poorest_title() -> None:
    gate = Gate(all_titles)
    source, fetcher = graphql(gate)
    with ThreadPoolExecutor(3) as executor:
        executor.submit(read, source, IDS[0], 6)
        assert gate.first_is_in.wait(30)
        others = [executor.submit(read, source, IDS[place], place) for place in (2, 5)]
        await_waiting(source, 2)
        gate.open.set()
        assert {future.result(30).requests for future in others} == {1}
    assert [sent.max_requests for sent in fetcher.sent] == [6, 2]


def test_without_a_request_left_nothing_is_sent() -> None:
    source, fetcher = graphql(all_titles)
    with pytest.raises(Transient, match="no request is left"):
        read(source, max_requests=0)
    assert fetcher.sent == []


def test_titles_with_different_cancel_events_do_not_share_a_request() -> None:
    gate = Gate(all_titles)
    source, fetcher = graphql(gate)
    cancelled = threading.Event()
    with ThreadPoolExecutor(4) as executor:
        executor.submit(read, source, IDS[0])
        assert gate.first_is_in.wait(30)
        kept = [executor.submit(source.title, i, max_requests=6, cancel=NEVER) for i in IDS[1:3]]
        ended = executor.submit(source.title, IDS[3], max_requests=6, cancel=cancelled)
        await_waiting(source, 3)
        cancelled.set()
        gate.open.set()
        with pytest.raises(Cancelled):
            ended.result(30)
        assert sorted(future.result(30).movie.imdb_id for future in kept) == IDS[1:3]
    assert sorted(len(sent.variables["ids"]) for sent in fetcher.sent) == [1, 1, 2]


# --- auto -------------------------------------------------------------------------


def plain_title(imdb_id: str, source: str, requests: int = 1, size: int = 100) -> FetchedTitle:
    return FetchedTitle(
        Movie(imdb_id, "The Glass Ferry", title_url(imdb_id), NOW), source, size=size, requests=requests
    )


def blocked(requests: int = 2, size: int = 30) -> Blocked:
    error = Blocked("a challenge instead of the page")
    error.requests, error.size = requests, size
    return error


def test_pages_are_read_as_long_as_they_come() -> None:
    by_page = FakeTitleSource({imdb_id: plain_title(imdb_id, "page") for imdb_id in IDS})
    by_graphql = FakeTitleSource({})
    source = AutoTitleSource(by_page, by_graphql)
    assert {read(source, imdb_id).source for imdb_id in IDS} == {"page"}
    assert by_graphql.asked == []


def test_a_block_turns_this_title_and_the_rest_to_graphql_and_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    by_page = FakeTitleSource({ID: blocked()})
    by_graphql = FakeTitleSource({imdb_id: plain_title(imdb_id, "graphql") for imdb_id in IDS})
    source = AutoTitleSource(by_page, by_graphql)
    with caplog.at_level(logging.WARNING):
        first, second = read(source), read(source, IDS[1])
    assert first == replace(plain_title(ID, "graphql"), requests=3, size=130)
    assert second == plain_title(IDS[1], "graphql")
    assert by_page.asked == [(ID, 5)]
    assert by_graphql.asked == [(ID, 4), (IDS[1], 6)]
    assert [record.getMessage() for record in caplog.records] == [
        "title pages are blocked (a challenge instead of the page); the rest is read by GraphQL"
    ]


def test_threads_that_are_blocked_at_the_same_time_say_it_once(caplog: pytest.LogCaptureFixture) -> None:
    barrier = threading.Barrier(10)

    class Refusing:
        def title(self, imdb_id: str, *, max_requests: int, cancel: threading.Event) -> FetchedTitle:
            barrier.wait(30)
            raise blocked()

    source = AutoTitleSource(Refusing(), FakeTitleSource({i: plain_title(i, "graphql") for i in IDS}))
    with ThreadPoolExecutor(10) as executor:
        titles = list(executor.map(lambda imdb_id: read(source, imdb_id), IDS[:10]))
    assert {title.source for title in titles} == {"graphql"}
    assert len(caplog.records) == 1


@pytest.mark.parametrize("error", [NotFound("404"), Transient("reset"), UnknownLayout("strange"), Cancelled("stop")])
def test_any_other_failure_of_a_page_is_not_a_reason_to_switch(error: SourceError) -> None:
    by_graphql = FakeTitleSource({ID: plain_title(ID, "graphql")})
    with pytest.raises(type(error)):
        read(AutoTitleSource(FakeTitleSource({ID: error}), by_graphql))
    assert by_graphql.asked == []


def test_refused_by_both_is_a_block_with_the_cost_of_both() -> None:
    source = AutoTitleSource(FakeTitleSource({ID: blocked(2, 30)}), FakeTitleSource({ID: blocked(1, 118)}))
    with pytest.raises(Blocked) as caught:
        read(source)
    assert (caught.value.requests, caught.value.size) == (3, 148)


def test_one_request_is_kept_back_for_graphql_when_there_are_two() -> None:
    by_page = FakeTitleSource({})
    source = AutoTitleSource(by_page, FakeTitleSource({}))
    for max_requests in (2, 1):
        with pytest.raises(NotFound):
            read(source, max_requests=max_requests)
    assert by_page.asked == [(ID, 1), (ID, 1)]


def test_a_title_that_used_up_its_requests_on_the_block_does_not_end_the_run() -> None:
    by_graphql, fetcher = graphql(all_titles)
    source = AutoTitleSource(FakeTitleSource({ID: blocked(requests=1)}), by_graphql)
    with pytest.raises(Transient) as caught:
        read(source, max_requests=1)
    assert caught.value.requests == 1
    assert fetcher.sent == []


# What is cut in a page


def cut_title(**more: Any) -> FetchedTitle:
    """A page with three of 22 directors."""
    title = plain_title(ID, "page")
    three = tuple(Credit(Person(f"nm{place:07d}", f"Director {place}"), DIRECTOR, place) for place in range(1, 4))
    return replace(title, movie=replace(title.movie, directors=three), cut=frozenset({"directors"}), **more)


def whole_title() -> FetchedTitle:
    title = plain_title(ID, "graphql")
    every = tuple(Credit(Person(f"nm{place:07d}", f"Director {place}"), DIRECTOR, place) for place in range(1, 23))
    return replace(title, movie=replace(title.movie, directors=every))


def test_what_is_cut_in_a_page_comes_from_graphql() -> None:
    page, answer = cut_title(), whole_title()
    gaps = FakeTitleSource({ID: answer})
    title = read(AutoTitleSource(FakeTitleSource({ID: page}), FakeTitleSource({}), gaps=gaps))
    assert (len(title.movie.directors), title.cut, title.source) == (22, frozenset(), "page")
    assert title.movie.scraped_at == page.movie.scraped_at
    assert (title.requests, title.size) == (page.requests + answer.requests, page.size + answer.size)
    assert gaps.asked == [(ID, 1)]


def test_a_list_that_needs_several_requests_is_asked_for_with_those_that_are_left() -> None:
    gaps = FakeTitleSource({ID: cut_title()})
    title = read(AutoTitleSource(FakeTitleSource({ID: cut_title()}), FakeTitleSource({}), gaps=gaps), max_requests=6)
    assert [most for _, most in gaps.asked] == [1, 6 - cut_title().requests - 1]
    assert title.cut == {"directors"}


@pytest.mark.parametrize(("error", "asked"), [(Transient("reset"), 1), (blocked(1), 1), (NotFound("404"), 2)])
def test_a_gap_that_cannot_be_filled_stays_and_a_server_out_of_reach_is_left_alone(
    error: SourceError, asked: int
) -> None:
    gaps = FakeTitleSource({ID: error})
    source = AutoTitleSource(FakeTitleSource({ID: cut_title()}), FakeTitleSource({}), gaps=gaps)
    for _ in range(2):
        title = read(source)
        assert (len(title.movie.directors), title.cut) == (3, frozenset({"directors"}))
    assert len(gaps.asked) == asked


def test_a_page_without_requests_left_keeps_its_gap() -> None:
    gaps = FakeTitleSource({ID: whole_title()})
    source = AutoTitleSource(FakeTitleSource({ID: cut_title(requests=2)}), FakeTitleSource({}), gaps=gaps)
    assert read(source, max_requests=2).cut == {"directors"}
    assert gaps.asked == []


def test_people_asked_for_again_in_halves_count_the_request_that_failed() -> None:
    under_way, open_ = threading.Semaphore(0), threading.Event()

    def answer(sent: Sent) -> Answer:
        under_way.release()
        assert open_.wait(30)
        ids = sent.variables["ids"]  # of two people none is answered
        return graphql_answer(names=[{"id": one, "nameText": {"text": "Ada Holm"}} for one in ids] * (len(ids) == 1))

    source = PeopleSource(GraphqlClient(FakeFetcher(answer), "http://api.example/"), CLOCK, batch_size=25)
    with ThreadPoolExecutor(4) as executor:
        people = []
        for place in range(1, 5):
            people.append(executor.submit(source.person, f"nm{place:07d}", max_requests=6, cancel=NEVER))
            if place < 3:  # each of the first takes one of the two requests that may be in flight
                assert under_way.acquire(timeout=30)
        await_waiting(source, 2)
        open_.set()
        assert [one.result(30).requests for one in people] == [1, 1, 2, 2]

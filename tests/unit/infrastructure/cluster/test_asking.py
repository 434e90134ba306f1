"""Threads that wait for titles, and those who hand the titles out."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from application.ports import FetchedTitle
from domain.errors import Cancelled, NotFound, Transient
from infrastructure.cluster.asking import Ask, Asks
from infrastructure.cluster.title_source import ClusterTitleSource
from infrastructure.cluster.wire import Wanted
from tests.support.movies import imdb_id, movie

NEVER = threading.Event()


def _title(number: int) -> FetchedTitle:
    return FetchedTitle(movie(number), "page")


def _wanted(number: int) -> Wanted:
    return Wanted(imdb_id(number), 6)


def _asked(asks: Asks, count: int) -> list[Ask]:
    return [asks.put(Ask(_wanted(number))) for number in range(1, count + 1)]


@contextmanager
def _waiting(asks: Asks, number: int, cancel: threading.Event) -> Iterator[Future[FetchedTitle]]:
    """A thread that waits for a title."""
    with ThreadPoolExecutor(1) as pool:
        yield pool.submit(asks.title, _wanted(number), cancel)


def _take(asks: Asks, most: int = 10) -> list[Ask]:
    return asks.take(most, wait=True, unless=NEVER)


@given(st.integers(0, 20), st.lists(st.integers(0, 7)))
def test_titles_are_handed_out_once_each_in_their_order(count: int, most: list[int]) -> None:
    asks = Asks()
    asked = _asked(asks, count)
    handed = [ask for each in most for ask in asks.take(each, wait=False, unless=NEVER)]
    assert handed == asked[: sum(most)]


def test_what_is_put_back_comes_first_and_in_its_order() -> None:
    asks = Asks()
    first, second, third = _asked(asks, 3)
    assert _take(asks, 2) == [first, second]
    asks.put_back([first, second])
    assert _take(asks) == [first, second, third]


def test_the_title_comes_to_the_thread_that_asked() -> None:
    asks = Asks()
    with _waiting(asks, 1, NEVER) as result:
        (ask,) = _take(asks)
        ask.settle(_title(1))
        assert result.result(10) == _title(1)


def test_so_does_the_error() -> None:
    asks = Asks()
    with _waiting(asks, 1, NEVER) as result:
        (ask,) = _take(asks)
        ask.settle(NotFound("gone"))
        with pytest.raises(NotFound, match="gone"):
            result.result(10)


def test_a_stop_gives_up_what_no_worker_has() -> None:
    asks, cancel = Asks(), threading.Event()
    with _waiting(asks, 1, cancel) as result:
        cancel.set()
        with pytest.raises(Cancelled):
            result.result(10)
    assert asks.take(1, wait=False, unless=NEVER) == []


def test_a_stop_waits_for_what_a_worker_has() -> None:
    asks, cancel = Asks(), threading.Event()
    with _waiting(asks, 1, cancel) as result:
        (ask,) = _take(asks)
        cancel.set()
        with pytest.raises(TimeoutError):
            result.result(0.3)
        ask.settle(_title(1))
        assert result.result(10) == _title(1)


def test_a_stop_gives_up_what_a_worker_has_lost() -> None:
    asks, cancel = Asks(), threading.Event()
    with _waiting(asks, 1, cancel) as result:
        taken = _take(asks)
        cancel.set()
        asks.put_back(taken)
        with pytest.raises(Cancelled):
            result.result(10)


def test_the_end_settles_all_those_that_a_worker_has_and_those_to_come() -> None:
    asks = Asks()
    with _waiting(asks, 1, NEVER) as taken, _waiting(asks, 2, NEVER) as waiting:
        _take(asks, 1)
        asks.close(Transient("over"))
        for result in (taken, waiting):
            with pytest.raises(Transient, match="over"):
                result.result(10)
    with pytest.raises(Transient, match="over"):
        asks.title(_wanted(3), NEVER)
    assert _take(asks) == []


def test_the_first_to_settle_is_right() -> None:
    ask = Ask(_wanted(1))
    ask.settle(_title(1))
    ask.settle(Cancelled("late"))
    assert ask.wait(NEVER) == _title(1)


def test_those_who_hand_out_are_woken_when_it_is_over() -> None:
    asks, over = Asks(), threading.Event()
    with ThreadPoolExecutor(1) as pool:
        taking = pool.submit(asks.take, 1, wait=True, unless=over)
        over.set()
        while not taking.done():
            asks.wake()
    assert taking.result() == []


def test_a_title_without_requests_left_is_not_asked_for() -> None:
    asks = Asks()
    with pytest.raises(Transient, match="no request is left"):
        ClusterTitleSource(asks).title("tt0000001", max_requests=0, cancel=NEVER)
    assert asks.take(1, wait=False, unless=NEVER) == []

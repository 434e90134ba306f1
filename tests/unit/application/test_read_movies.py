"""Movies in the order of their list, whatever the order they are read in."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest

from application.ports import FetchedTitle, Job
from application.read_movies import read_movies
from domain.errors import NotFound
from infrastructure.executors import SerialExecutor, ThreadedExecutor
from tests.support.movies import movie

AHEAD = 3


class _Titles:
    """Titles that can be held back; counts those that were asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.held: dict[str, threading.Event] = {}
        self.cancelled = threading.Event()

    def title(self, imdb_id: str, *, max_requests: int, cancel: threading.Event) -> FetchedTitle:
        self.asked.append(imdb_id)
        if imdb_id == "tt0000404":
            raise NotFound(imdb_id)
        if imdb_id in self.held:
            self.held[imdb_id].wait()
        if imdb_id == "tt0000999":
            cancel.wait()
            self.cancelled.set()
        return FetchedTitle(replace(movie(1), imdb_id=imdb_id), "page")


def _jobs(*ids: str) -> Iterator[Job]:
    return (Job(seq, imdb_id, seq + 1) for seq, imdb_id in enumerate(ids))


def _ids(count: int) -> list[str]:
    return [f"tt{number:07}" for number in range(1, count + 1)]


@pytest.mark.parametrize("executor", [SerialExecutor(), ThreadedExecutor(AHEAD)])
def test_each_title_once_in_order_with_its_rank(executor: SerialExecutor | ThreadedExecutor) -> None:
    ids = [*_ids(20), "tt0000404", "tt0000021"]
    read = list(read_movies(_jobs(*ids), _Titles(), executor, ahead=AHEAD, max_requests=1, cancel=threading.Event()))
    assert [title.imdb_id for title in read] == ids
    assert [title.movie.rank if title.movie else title.error for title in read][:20] == list(range(1, 21))
    assert isinstance(read[20].error, NotFound)
    assert read[20].movie is None


def test_a_slow_title_holds_back_no_more_than_the_window() -> None:
    titles = _Titles()
    titles.held["tt0000001"] = threading.Event()
    reading = read_movies(
        _jobs(*_ids(10)), titles, ThreadedExecutor(AHEAD), ahead=AHEAD, max_requests=1, cancel=threading.Event()
    )
    first: list[str] = []
    consumer = threading.Thread(target=lambda: first.append(next(reading).imdb_id))
    consumer.start()
    titles.held["tt0000001"].set()
    consumer.join()
    assert first == ["tt0000001"]
    assert set(titles.asked) <= set(_ids(AHEAD))
    assert [title.imdb_id for title in reading] == _ids(10)[1:]


def test_closing_cancels_what_is_being_fetched() -> None:
    titles = _Titles()
    reading = read_movies(
        _jobs("tt0000001", "tt0000999"), titles, ThreadedExecutor(2), ahead=2, max_requests=1, cancel=threading.Event()
    )
    next(reading)
    reading.close()
    assert titles.cancelled.is_set()


def test_an_error_in_the_list_cancels_what_is_being_fetched() -> None:
    def broken() -> Iterator[Job]:
        yield Job(0, "tt0000999")
        raise ValueError("broken list")

    titles = _Titles()
    reading = read_movies(broken(), titles, ThreadedExecutor(2), ahead=2, max_requests=1, cancel=threading.Event())
    with pytest.raises(ValueError, match="broken list"):
        next(reading)
    assert titles.cancelled.is_set()

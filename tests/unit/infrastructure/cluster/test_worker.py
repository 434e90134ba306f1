"""What a worker reads titles with: batches, shares and the end."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from application.ports.sources import FetchedTitle, TitleSource
from domain.errors import Cancelled, NotFound, SourceError, Transient
from infrastructure.cluster.pending import RateShare, TitleReply, TitleRequest
from infrastructure.cluster.worker import TitleReader
from tests.support.movies import imdb_id, movie

ONE = RateShare(0, 1)


class GatedSource:
    """Titles that come once a test lets them; remembers what it was asked."""

    def __init__(self) -> None:
        self.gates: dict[str, threading.Event] = {}
        self.asked: list[tuple[str, int]] = []
        self.error: Exception | None = None

    def title(self, imdb_id: str, *, max_requests: int, cancel: threading.Event) -> FetchedTitle:
        self.asked.append((imdb_id, max_requests))
        gate = self.gates.setdefault(imdb_id, threading.Event())
        while not gate.wait(0.01):
            if cancel.is_set():
                raise Cancelled(f"{imdb_id}: stopped")
        if self.error:
            raise self.error
        return FetchedTitle(movie(int(imdb_id[2:])), "page")


class FakeReading:
    """Satisfies ``ReaderSource``."""

    def __init__(self) -> None:
        self.source = GatedSource()
        self.shares: list[int] = []
        self.closed = False

    @property
    def titles(self) -> TitleSource:
        return self.source

    def share(self, workers: int) -> None:
        self.shares.append(workers)

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def reading() -> FakeReading:
    return FakeReading()


@pytest.fixture
def reader(reading: FakeReading) -> Iterator[TitleReader]:
    reader = TitleReader(reading, threads=4)
    yield reader
    reader.close()


def _wanted(*numbers: int, most: int = 6) -> list[TitleRequest]:
    return [TitleRequest(imdb_id(number), most) for number in numbers]


def _open(reading: FakeReading, number: int) -> None:
    reading.source.gates.setdefault(imdb_id(number), threading.Event()).set()


def _all(reader: TitleReader, wanted: list[TitleRequest]) -> dict[str, TitleReply]:
    """Turns until everything has come."""
    replies: dict[str, TitleReply] = {}
    while len(replies) < len(wanted):
        rest = [each for each in wanted if each.imdb_id not in replies]
        replies |= {reply.imdb_id: reply for reply in reader.batch(rest, ONE)}
    return replies


def test_a_turn_brings_what_is_ready_and_the_rest_goes_on(reading: FakeReading, reader: TitleReader) -> None:
    _open(reading, 1)
    assert [reply.imdb_id for reply in reader.batch(_wanted(1, 2), ONE)] == [imdb_id(1)]
    _open(reading, 2)
    assert list(_all(reader, _wanted(2))) == [imdb_id(2)]
    assert sorted(reading.source.asked) == [(imdb_id(1), 6), (imdb_id(2), 6)], "nothing is fetched twice"


def test_a_title_that_is_tried_again_is_read_again(reading: FakeReading, reader: TitleReader) -> None:
    for most in (6, 4):
        _open(reading, 1)
        _all(reader, _wanted(1, most=most))
    assert reading.source.asked == [(imdb_id(1), 6), (imdb_id(1), 4)]


@pytest.mark.parametrize("error", [NotFound("gone"), Transient("reset")])
def test_an_error_travels_as_it_is(reading: FakeReading, reader: TitleReader, error: SourceError) -> None:
    reading.source.error = error
    _open(reading, 1)
    outcome = _all(reader, _wanted(1))[imdb_id(1)].outcome()
    assert (type(outcome), str(outcome)) == (type(error), str(error))


def test_an_error_nobody_thought_of_is_one_of_the_title(reading: FakeReading, reader: TitleReader) -> None:
    reading.source.error = ZeroDivisionError("oh")
    _open(reading, 1)
    outcome = _all(reader, _wanted(1))[imdb_id(1)].outcome()
    assert (type(outcome), str(outcome)) == (SourceError, "ZeroDivisionError: oh")


def test_a_stop_cancels_what_waits(reading: FakeReading, reader: TitleReader) -> None:
    assert reader.batch(_wanted(1), ONE) == []
    replies: list[TitleReply] = []
    while not replies:
        replies = reader.batch(_wanted(1), ONE, stopping=True)
    assert isinstance(replies[0].outcome(), Cancelled)


def test_the_newest_share_holds_however_late_an_older_one_comes(reading: FakeReading, reader: TitleReader) -> None:
    for share in (RateShare(1, 2), RateShare(3, 4), RateShare(2, 3), RateShare(4, 4), RateShare(5, 1)):
        reader.adopt(share)
    assert reading.shares == [2, 4, 1]


def test_closing_stops_what_is_under_way_and_lets_go(reading: FakeReading) -> None:
    reader = TitleReader(reading, threads=1)
    reader.batch(_wanted(1, 2), ONE)
    reader.close()
    assert reading.closed
    assert reading.source.asked == [(imdb_id(1), 6)]

"""A run as a whole: its jobs, what it takes up again, how it ends; titles that are read without stores."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice

import pytest

from application.ports.runs import Job, Outcome, Run, Status
from application.ports.sources import FetchedTitle
from application.run_jobs import RetryRule, RunContext, StopReason
from application.scrape import StoredEpisodes, jobs_of_chart, read_movies, scrape, with_episodes
from domain.chart import ChartEntry
from domain.errors import NotFound, StoreUnavailable
from infrastructure.executors import SerialExecutor, ThreadedExecutor
from shared.clock import FixedClock
from tests.support.joblog import MemoryJobLog
from tests.support.movies import imdb_id, movie
from tests.support.progress import RecordingProgress
from tests.support.repositories import InMemoryMovieRepository

# --- jobs -----------------------------------------------------------------------


def test_a_chart_becomes_jobs_with_ranks() -> None:
    entries = [ChartEntry(1, "tt0000007"), ChartEntry(2, "tt0000003")]
    assert list(jobs_of_chart(entries)) == [Job(0, "tt0000007", 1), Job(1, "tt0000003", 2)]


def test_each_series_is_followed_by_its_episodes_and_every_title_comes_once() -> None:
    listed = {"tt0000001": [("tt0000011", "One"), ("tt0000002", "Two"), ("tt0000011", "")], "tt0000002": []}
    jobs = [Job(0, "tt0000001", 1, label="A"), Job(1, "tt0000002", 2), Job(2, "tt0000011", 3)]
    assert list(with_episodes(jobs, lambda imdb_id: listed[imdb_id])) == [
        Job(0, "tt0000001", 1, label="A"),
        Job(1, "tt0000011", label="One"),
        Job(2, "tt0000002", label="Two"),
    ]


def test_the_episodes_of_a_series_are_listed_only_when_they_are_taken() -> None:
    asked: list[str] = []
    taken: list[str] = []

    def episodes(imdb_id: str) -> Iterator[tuple[str, str]]:
        asked.append(imdb_id)
        for number in range(15_000):
            taken.append(imdb_id)
            yield f"tt{number + 1000:07d}", ""

    jobs = with_episodes([Job(0, "tt0000001"), Job(1, "tt0000002")], episodes)
    first = list(islice(jobs, 10))
    assert [job.seq for job in first] == list(range(10))
    assert (asked, len(taken)) == (["tt0000001"], 9)  # the first job is the series itself
    assert sum(1 for _ in jobs) + 10 == 15_002


def test_an_episode_of_a_series_is_found_in_the_stores() -> None:
    store = InMemoryMovieRepository()
    store.save(movie(1))
    store.save(replace(movie(2), kind="tvEpisode", series_id="tt0000001"))
    episodes = StoredEpisodes(store)
    assert episodes.first("tt0000001") == movie(2).imdb_id
    assert episodes.first(movie(2).imdb_id) is None


# --- to the stores --------------------------------------------------------------

NOW = datetime(2026, 6, 1, tzinfo=UTC)
RUN = Run("demo", None, 3, NOW)


class History:
    """Satisfies ``RunHistory``; the end may be refused."""

    def __init__(self, refusal: StoreUnavailable | None = None) -> None:
        self._refusal = refusal
        self.saved = 0

    def begin(self, run: Run, entries: Iterable[ChartEntry]) -> None:
        pass

    def end(self, run: Run, *, saved: int, failed: int, complete: bool, finished_at: datetime) -> None:
        if self._refusal is not None:
            raise self._refusal
        self.saved = saved


def _crew(job_log: MemoryJobLog) -> RunContext:
    return RunContext(
        executor=SerialExecutor(),
        workers=1,
        job_log=job_log,
        progress=RecordingProgress(),
        rule=RetryRule(0, 6, 0, 0),
        clock=FixedClock(NOW),
        cancel=threading.Event(),
    )


def _listed() -> MemoryJobLog:
    job_log = MemoryJobLog()
    job_log.list(Job(0, imdb_id(number)) for number in (1, 2, 3))
    return job_log


def test_what_a_store_has_lost_is_done_again_when_a_run_goes_on() -> None:
    store, done = InMemoryMovieRepository(), []

    def work(job: Job) -> Outcome:
        done.append(job.key)
        store.save(movie(int(job.key[2:])))
        return Outcome(job, Status.COMPLETED)

    job_log = _listed()
    for job in list(job_log.pending())[:2]:
        work(job)
        job_log.record(Outcome(job, Status.COMPLETED))
    emptied, history = InMemoryMovieRepository(), History()
    emptied.save(movie(2))
    store, done = emptied, []
    ended = scrape(_crew(job_log.reopened()), store, work, history=history, run=RUN)
    assert ended.stop_reason is StopReason.FINISHED
    assert done == [imdb_id(1), imdb_id(3)]
    assert history.saved == 3


def test_a_database_that_goes_at_the_end_leaves_the_other_store_in_order() -> None:
    store = InMemoryMovieRepository()
    gone = StoreUnavailable("postgres", "gone")
    with pytest.raises(StoreUnavailable, match="gone"):
        scrape(
            _crew(_listed()), store, lambda job: Outcome(job, Status.COMPLETED), history=History(gone), run=RUN
        )  # fmt: skip
    assert store.finished == 1


# --- without stores -------------------------------------------------------------

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

"""Which posters are fetched, and what becomes of those that cannot be."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from application.ports.posters import Poster, PosterAnswer
from application.ports.runs import Job, Status
from application.posters import SavePoster, asset_workers, poster_jobs
from application.records import movie_row
from domain.errors import Blocked, StoreUnavailable, Transient, UnusablePicture
from infrastructure.posters import PosterFolder
from tests.support import pictures
from tests.support.films import bare, film
from tests.support.progress import RecordingProgress

_JOB = Job(0, "tt0000001")
_URL = "https://images.example/1.jpg"


class _Calendar:
    """A clock on which days pass when told."""

    def __init__(self) -> None:
        self._now = datetime(2026, 11, 20, tzinfo=UTC)

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._now.timestamp()

    def advance(self, days: int) -> None:
        self._now += timedelta(days=days)


class FakePosterSource:
    """Gives the prepared answers in turn and remembers which version it was asked about."""

    def __init__(self, *answers: PosterAnswer | Exception) -> None:
        self._answers = list(answers)
        self.asked: list[tuple[str, str, int]] = []

    def poster(self, url: str, known: Poster | None, *, max_requests: int, cancel: threading.Event) -> PosterAnswer:
        self.asked.append((url, known.etag if known else "", max_requests))
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def _answer(body: bytes | None = None, etag: str = '"1"') -> PosterAnswer:
    return PosterAnswer(body, "image/jpeg", etag=etag, size=len(body or b""), requests=1)


class _Bench:
    def __init__(
        self,
        folder: Path,
        source: FakePosterSource,
        addresses: Mapping[str, str] | None = None,
        store: PosterFolder | None = None,
    ) -> None:
        self.clock = _Calendar()
        self.store = store or PosterFolder(folder)
        self.work = SavePoster(
            source,
            self.store,
            (addresses if addresses is not None else {_JOB.key: _URL}).get,
            max_requests=6,
            recheck_after=timedelta(days=7),
            progress=RecordingProgress(),
            clock=self.clock,
            cancel=threading.Event(),
        )


def test_a_poster_is_fetched_and_kept(tmp_path: Path) -> None:
    source = FakePosterSource(_answer(pictures.smooth("JPEG")))
    bench = _Bench(tmp_path, source)
    outcome = bench.work(replace(_JOB, spent=2))
    assert (outcome.status, outcome.detail, outcome.requests) == (Status.COMPLETED, "400 x 600", 1)
    assert outcome.size > 0
    assert source.asked == [(_URL, "", 4)], "requests of earlier attempts count"
    kept = bench.store.find(_JOB.key)
    assert kept is not None
    assert kept.checked_at == bench.clock.now()


def test_a_poster_looked_at_lately_is_not_asked_for(tmp_path: Path) -> None:
    source = FakePosterSource(_answer(pictures.smooth("JPEG")))
    bench = _Bench(tmp_path, source)
    bench.work(_JOB)
    outcome = bench.work(_JOB)
    assert (outcome.status, outcome.detail, outcome.requests) == (Status.COMPLETED, "unchanged", 0)
    assert len(source.asked) == 1


def test_an_older_one_is_asked_for_by_its_version(tmp_path: Path) -> None:
    source = FakePosterSource(_answer(pictures.smooth("JPEG")), _answer(None))
    bench = _Bench(tmp_path, source)
    bench.work(_JOB)
    bench.clock.advance(days=8)
    outcome = bench.work(_JOB)
    assert (outcome.detail, outcome.requests, outcome.size) == ("unchanged", 1, 0)
    assert source.asked[1] == (_URL, '"1"', 6)
    assert bench.work(_JOB).requests == 0, "the answer holds for another week"


def test_a_new_address_is_fetched_at_once(tmp_path: Path) -> None:
    source = FakePosterSource(_answer(pictures.smooth("JPEG")), _answer(pictures.plain("JPEG"), '"2"'))
    addresses = {_JOB.key: _URL}
    bench = _Bench(tmp_path, source, addresses)
    bench.work(_JOB)
    addresses[_JOB.key] = "https://images.example/2.jpg"
    bench.work(_JOB)
    kept = bench.store.find(_JOB.key)
    assert kept is not None
    assert (kept.url, kept.etag) == ("https://images.example/2.jpg", '"2"')


def test_a_poster_deleted_by_hand_comes_back(tmp_path: Path) -> None:
    source = FakePosterSource(*[_answer(pictures.smooth("JPEG"))] * 2)
    bench = _Bench(tmp_path, source)
    bench.work(_JOB)
    kept = bench.store.find(_JOB.key)
    assert kept is not None
    kept.files[0].path.unlink()
    bench.work(_JOB)
    assert bench.store.find(_JOB.key) == kept
    assert source.asked[1][1] == "", "and not by its version, for we have it no more"


def test_a_corrupt_picture_is_a_warning_with_its_id(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    bench = _Bench(tmp_path, FakePosterSource(_answer(pictures.smooth("JPEG")[:2000])))
    with caplog.at_level(logging.WARNING):
        outcome = bench.work(_JOB)
    assert (outcome.status, outcome.reason, outcome.retry) == (Status.FAILED, "UnusablePicture", False)
    assert (outcome.requests, outcome.size) == (1, 2000), "what it cost is counted"
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "tt0000001: its poster is left out: broken JPEG" in caplog.text


def test_a_movie_without_a_poster_is_no_failure(tmp_path: Path) -> None:
    source = FakePosterSource()
    outcome = _Bench(tmp_path, source, {}).work(_JOB)
    assert (outcome.status, outcome.detail) == (Status.COMPLETED, "no poster")
    assert source.asked == []


@pytest.mark.parametrize("error", [Transient("reset"), Blocked("challenge")])
def test_what_the_network_raises_goes_to_the_edge(tmp_path: Path, error: Exception) -> None:
    with pytest.raises(type(error)):
        _Bench(tmp_path, FakePosterSource(error)).work(_JOB)


class _FullDisk(PosterFolder):
    def keep(self, imdb_id: str, url: str, answer: PosterAnswer, checked_at: datetime) -> Poster:
        raise StoreUnavailable("posters", "no space left on device")


def test_a_full_disk_ends_the_run_and_the_job_stays_pending(tmp_path: Path) -> None:
    source = FakePosterSource(_answer(pictures.smooth("JPEG")))
    outcome = _Bench(tmp_path, source, store=_FullDisk(tmp_path)).work(_JOB)
    assert (outcome.status, outcome.retry, outcome.unavailable) == (Status.FAILED, True, True)


def test_jobs_are_made_of_the_movies_that_have_a_poster() -> None:
    rows = [movie_row(film(1)), movie_row(bare(2)), movie_row(film(3))]
    assert list(poster_jobs(rows)) == [Job(0, "tt9000001"), Job(1, "tt9000003")]


@pytest.mark.parametrize(
    ("asked", "cores", "jobs", "parallel", "expected"),
    [
        (None, 2, 250, True, 2),
        (None, 64, 250, True, 8),
        (12, 2, 250, True, 12),
        (3, 64, 250, True, 3),
        (0, 4, 250, True, 1),
        (None, 8, 1, True, 1),
        (8, 8, 0, True, 1),
        (8, 8, 250, False, 1),
    ],
)
def test_how_many_workers(asked: int | None, cores: int, jobs: int, parallel: bool, expected: int) -> None:
    assert asset_workers(asked, cores=cores, jobs=jobs, parallel=parallel) == expected


def test_unusable_pictures_are_not_tried_again() -> None:
    assert not UnusablePicture.retry

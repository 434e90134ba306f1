"""A folder of saved pages, charts first, through the same work as a scraped title."""

from __future__ import annotations

import gzip
import logging
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from application.ports.runs import Job, Outcome, Status
from application.run_jobs import failed
from application.scrape_movie import ScrapeMovie
from domain.errors import SourceError
from domain.movie import Movie
from infrastructure.scraper.containers import UnreadableFile
from infrastructure.scraper.saved_pages import (
    BlockedPage,
    FileTitleSource,
    ParseFile,
    chart_to_rank_by,
    find_documents,
)
from shared.clock import FixedClock
from tests.support.progress import RecordingProgress
from tests.support.repositories import InMemoryMovieRepository
from tests.support.site_shapes import graphql_title, page_of, title_page

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
IDS = [f"tt{number:07d}" for number in range(1, 9)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Eight titles, one of them twice, their chart, and what else is found in a folder."""
    for imdb_id in IDS:
        (tmp_path / f"{imdb_id}.html").write_bytes(title_page(graphql_title(imdb_id)))
    again = title_page(graphql_title(IDS[0], titleText={"text": "Another Print"}))
    (tmp_path / "again.html.gz").write_bytes(gzip.compress(again))
    edges = [{"currentRank": rank, "node": {"id": imdb_id}} for rank, imdb_id in enumerate(IDS[:6], 1)]
    chart = page_of({"props": {"pageProps": {"pageData": {"chartTitles": {"edges": edges}}}}, "page": "/chart/top"})
    (tmp_path / "z-chart.html").write_bytes(chart)
    (tmp_path / "challenge.html").write_bytes(b"<html><script>window.gokuProps = {};</script></html>")
    (tmp_path / "cut.html.gz").write_bytes(gzip.compress(again)[:-20])
    for path in tmp_path.iterdir():
        os.utime(path, (NOW.timestamp(), NOW.timestamp()))
    return tmp_path


def parse(folder: Path, threads: int) -> tuple[dict[str, Outcome | SourceError], dict[str, Movie | None]]:
    store = InMemoryMovieRepository()
    keys = find_documents(folder).keys
    chart = chart_to_rank_by(keys, threading.Event())
    assert chart is not None
    source = FileTitleSource(FixedClock(NOW), ranks=chart.ranks)
    scrape = ScrapeMovie(source, store, max_requests=1, progress=RecordingProgress(), cancel=threading.Event())
    work = ParseFile(scrape)

    def outcome(job: Job) -> Outcome | SourceError:
        try:
            return work(job)
        except SourceError as error:
            return error

    with ThreadPoolExecutor(threads) as executor:
        results = executor.map(outcome, [Job(seq, key) for seq, key in enumerate(keys)])
    outcomes = dict(zip([Path(key).name for key in keys], results, strict=True))
    return outcomes, {imdb_id: store.find(imdb_id) for imdb_id in IDS}


def test_a_folder_comes_out_file_by_file(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        outcomes, movies = parse(folder, 1)
    refused = {name: type(outcome) for name, outcome in outcomes.items() if isinstance(outcome, SourceError)}
    assert refused == {"challenge.html": BlockedPage, "cut.html.gz": UnreadableFile}
    done = {name: outcome for name, outcome in outcomes.items() if isinstance(outcome, Outcome)}
    assert {outcome.status for outcome in done.values()} == {Status.COMPLETED}
    assert done["z-chart.html"].detail == "a chart of 6 titles"
    assert done["z-chart.html"].source == "chart"
    assert done[f"{IDS[1]}.html"].source == "file"
    assert done[f"{IDS[1]}.html"].detail.startswith("The Glass Ferry")
    assert [movie.imdb_id for movie in movies.values() if movie] == IDS
    assert caplog.records == []  # a path is no id that a title could have moved from


def test_a_saved_block_does_not_end_the_run() -> None:
    outcome = failed(Job(0, "challenge.html"), BlockedPage("a challenge"))
    assert (outcome.blocked, outcome.retry, outcome.reason) == (False, False, "BlockedPage")


def test_any_number_of_threads_leaves_the_same_movies(folder: Path) -> None:
    _, alone = parse(folder, 1)
    for _ in range(5):
        assert parse(folder, 8)[1] == alone

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from application.list_jobs import StoredEpisodes, jobs_of_chart, jobs_of_lines, with_episodes
from application.ports import Job
from domain.chart import ChartEntry
from tests.support.movies import movie
from tests.support.repositories import InMemoryMovieRepository


def test_a_chart_becomes_jobs_with_ranks() -> None:
    entries = [ChartEntry(1, "tt0000007"), ChartEntry(2, "tt0000003")]
    assert list(jobs_of_chart(entries)) == [Job(0, "tt0000007", 1), Job(1, "tt0000003", 2)]


@pytest.mark.parametrize(
    "line",
    [
        "tt0111161",
        "\ufefftt0111161\r\n",
        "  tt0111161  # the first\n",
        "https://www.imdb.com/title/tt0111161/",
        "https://www.imdb.com/title/tt0111161/?ref_=chttp_t_1",
        "http://m.imdb.com/title/tt0111161#top",
        "www.imdb.com/title/tt0111161/reference",
        "/title/tt0111161",
    ],
)
def test_a_line_is_an_id_or_an_address(line: str) -> None:
    complaints: list[str] = []
    assert list(jobs_of_lines([line], complaints.append)) == [Job(0, "tt0111161")]
    assert complaints == []


def test_a_bad_line_is_named_with_its_number_and_skipped() -> None:
    complaints: list[str] = []
    lines = ["# my list\n", "\n", "tt0111161\n", "nm0000209\n", "tt12\n", "tt0068646\n"]
    assert [job.key for job in jobs_of_lines(lines, complaints.append)] == ["tt0111161", "tt0068646"]
    assert [complaint.split(":")[0] for complaint in complaints] == ["line 4", "line 5"]


@given(st.lists(st.text()))
def test_any_lines_are_read(lines: list[str]) -> None:
    complaints: list[str] = []
    jobs = list(jobs_of_lines(lines, complaints.append))
    assert [job.seq for job in jobs] == list(range(len(jobs)))
    assert len(jobs) + len(complaints) <= len(lines)


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

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

from application.list_jobs import StoredEpisodes, jobs_of_chart, with_episodes
from application.ports import Job
from domain.chart import ChartEntry
from tests.support.movies import movie
from tests.support.repositories import InMemoryMovieRepository


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

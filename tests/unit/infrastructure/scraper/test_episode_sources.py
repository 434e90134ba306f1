"""Lists of episodes by GraphQL, by pages, and by the next source where one is refused."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from itertools import islice

import pytest

from domain.errors import Blocked, FilmledgerError, NotFound, SourceError, Transient
from infrastructure.scraper.episode_sources import (
    AutoEpisodeSource,
    GraphqlEpisodeSource,
    PageEpisodeSource,
    neighbours,
)
from infrastructure.scraper.graphql import GraphqlClient
from tests.support.clock import ManualClock
from tests.support.fetcher import Answer, FakeFetcher, Sent
from tests.support.title_pages import above_the_fold, next_data, page

SERIES, FILM = "tt1520211", "tt0000099"
EPISODES = ("tt1628063", "tt1628064", "tt1628065", "tt1628066")


def listed(source: object, imdb_id: str) -> list[str]:
    return [episode for episode, _ in source.episodes(imdb_id, threading.Event())]  # type: ignore[attr-defined]


def episode_page(imdb_id: str) -> bytes:
    place = EPISODES.index(imdb_id)
    before, after = (EPISODES[at] if 0 <= at < len(EPISODES) else None for at in (place - 1, place + 1))
    series = {
        "episodeNumber": {"episodeNumber": place + 1, "seasonNumber": 1},
        "series": {"id": SERIES},
        "nextEpisode": after and {"id": after},
        "previousEpisode": before and {"id": before},
    }
    return page(next_data(above_the_fold(id=imdb_id, titleType={"id": "tvEpisode"}, series=series), {}))


def site(sent: Sent) -> Answer:
    imdb_id = sent.url.rstrip("/").rpartition("/")[2]
    if imdb_id in EPISODES:
        return episode_page(imdb_id)
    kind = "tvSeries" if imdb_id == SERIES else "movie"
    return page(next_data(above_the_fold(id=imdb_id, titleType={"id": kind}, series=None), {}))


def pages(stored: dict[str, str]) -> PageEpisodeSource:
    return PageEpisodeSource(FakeFetcher(site), "http://site", ManualClock(), max_requests=3, stored=stored.get)


@pytest.mark.parametrize("known", EPISODES)
def test_pages_lead_from_a_stored_episode_to_all_others(known: str) -> None:
    assert sorted(listed(pages({SERIES: known}), SERIES)) == list(EPISODES)


def test_pages_lead_from_a_named_episode_to_its_series_and_the_others() -> None:
    assert listed(pages({}), EPISODES[2]) == [SERIES, *(EPISODES[place] for place in (2, 1, 0, 3))]


def test_a_series_without_a_stored_episode_is_refused_with_what_to_do() -> None:
    with pytest.raises(SourceError, match="does not name its episodes; set DATASETS=yes"):
        listed(pages({}), SERIES)
    with pytest.raises(NotFound, match="it is no series"):
        listed(pages({}), FILM)


def test_a_page_without_data_names_no_neighbours() -> None:
    assert neighbours(b"<html>no data</html>") == (None, None)
    assert neighbours(page(next_data(above_the_fold(), {}))) == (None, None)


def graphql(answer: dict[str, object]) -> GraphqlEpisodeSource:
    def respond(sent: Sent) -> Answer:
        return json.dumps({"data": {"title": answer[sent.variables["id"]]}}).encode()

    return GraphqlEpisodeSource(GraphqlClient(FakeFetcher(respond), "http://graphql"), max_requests=3)


def test_graphql_leads_from_an_episode_to_its_series_and_the_others() -> None:
    edges = [{"node": {"id": imdb_id, "titleText": None}} for imdb_id in EPISODES]
    connection = {"total": 4, "pageInfo": {"hasNextPage": False, "endCursor": None}, "edges": edges}
    series = {"id": SERIES, "titleText": {"text": "Series"}}
    source = graphql(
        {
            SERIES: {**series, "series": None, "episodes": {"episodes": connection}},
            EPISODES[1]: {
                "id": EPISODES[1],
                "titleText": {"text": "2"},
                "series": {"series": series},
                "episodes": None,
            },
            FILM: {"id": FILM, "titleText": {"text": "Film"}, "series": None, "episodes": None},
        }
    )
    assert listed(source, SERIES) == list(EPISODES)
    assert listed(source, EPISODES[1]) == [SERIES, *EPISODES]
    with pytest.raises(NotFound, match="it is no series"):
        listed(source, FILM)


class FakeEpisodeSource:
    """Lists these ids, and raises the error behind them if there is one."""

    def __init__(self, ids: Sequence[str], error: FilmledgerError | None = None) -> None:
        self._ids = ids
        self._error = error
        self.asked = 0

    def episodes(self, imdb_id: str, cancel: threading.Event) -> Iterator[tuple[str, str]]:
        self.asked += 1
        yield from ((one, imdb_id) for one in self._ids)
        if self._error is not None:
            raise self._error


def test_a_refused_source_is_followed_by_the_next_and_not_asked_again(caplog: pytest.LogCaptureFixture) -> None:
    first, second = FakeEpisodeSource(["a"], Blocked("refused; advice")), FakeEpisodeSource(["a", "b"])
    source = AutoEpisodeSource({"GraphQL": first, "data files": second})
    assert listed(source, SERIES) == ["a", "a", "b"]
    assert listed(source, SERIES) == ["a", "b"]
    assert (first.asked, second.asked) == (1, 2)
    assert caplog.messages == ["GraphQL: refused; episodes are listed by data files"]


def test_a_source_that_failed_once_is_asked_for_the_next_series() -> None:
    first, second = (
        FakeEpisodeSource([], Transient("no answer; wait")),
        FakeEpisodeSource([], SourceError("none; do this")),
    )
    source = AutoEpisodeSource({"GraphQL": first, "pages": second})
    for _ in range(2):
        with pytest.raises(SourceError, match="no answer; none; do this") as raised:
            listed(source, SERIES)
        assert isinstance(raised.value, Transient)
    assert first.asked == 2


def test_a_title_that_is_no_series_is_not_asked_for_elsewhere() -> None:
    second = FakeEpisodeSource(["a"])
    with pytest.raises(NotFound):
        listed(AutoEpisodeSource({"GraphQL": FakeEpisodeSource([], NotFound("no")), "pages": second}), SERIES)
    assert second.asked == 0


def test_a_series_of_fifteen_thousand_episodes_is_asked_for_page_by_page() -> None:
    ids = [f"tt{number:07d}" for number in range(100_000, 115_000)]
    asked: list[str | None] = []

    def respond(sent: Sent) -> Answer:
        asked.append(sent.variables.get("after"))
        start = int(asked[-1] or 0)
        end = min(start + 250, len(ids))
        connection = {
            "total": len(ids),
            "pageInfo": {"hasNextPage": end < len(ids), "endCursor": str(end)},
            "edges": [{"node": {"id": imdb_id, "titleText": {"text": "One"}}} for imdb_id in ids[start:end]],
        }
        series = {"id": SERIES, "titleText": {"text": "Series"}, "series": None, "episodes": {"episodes": connection}}
        return json.dumps({"data": {"title": series}}).encode()

    source = GraphqlEpisodeSource(GraphqlClient(FakeFetcher(respond), "http://graphql"), max_requests=3)
    episodes = source.episodes(SERIES, threading.Event())
    first = [imdb_id for imdb_id, _ in islice(episodes, 250)]
    assert (first, asked) == (ids[:250], [None])
    assert [imdb_id for imdb_id, _ in episodes] == ids[250:]
    assert len(asked) == 60

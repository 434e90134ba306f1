"""Titles that are larger or stranger than most: nothing is lost, and what is doubtful is named."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime
from typing import Any

from domain.errors import Transient
from infrastructure.scraper.graphql import GraphqlClient
from infrastructure.scraper.sources import FullCreditsSource, GraphqlTitleSource
from infrastructure.scraper.title_fields import ParsedTitle
from infrastructure.scraper.title_page import parse_title
from tests.support.clock import ManualClock
from tests.support.fetcher import Answer, FakeFetcher, Sent
from tests.support.site_shapes import graphql_title
from tests.support.title_pages import above_the_fold, main_column, next_data, page

ID = "tt0000001"
KEYWORDS = [f"keyword {number}" for number in range(900)]
CAST = [f"nm{number:07d}" for number in range(1, 10_001)]
KEYWORD_NODES = [{"keyword": {"text": {"text": word}}} for word in KEYWORDS]
CAST_NODES = [
    {"name": {"id": one, "nameText": {"text": f"Person {one}"}}, "characters": [{"name": "Self"}]} for one in CAST
]


def connection(nodes: list[Any], after: str | None) -> dict[str, Any]:
    """One page of 250."""
    start = int(after or 0)
    end = min(start + 250, len(nodes))
    return {
        "total": len(nodes),
        "pageInfo": {"hasNextPage": end < len(nodes), "endCursor": str(end)},
        "edges": [{"node": node} for node in nodes[start:end]],
    }


def server(sent: Sent) -> Answer:
    query = json.loads(sent.body)["query"]
    if "titles(" in query:
        title = graphql_title() | {"id": ID, "keywords": connection(KEYWORD_NODES, None)}
        return json.dumps({"data": {"titles": [title]}}).encode()
    after = sent.variables["after"]
    if "keywords(" in query:
        nodes: list[Any] = KEYWORD_NODES
    else:
        nodes = CAST_NODES if 'categories:["cast"]' in query else []
    return json.dumps({"data": {"title": {"id": ID, "list": connection(nodes, after)}}}).encode()


def source(answer: Any) -> tuple[GraphqlTitleSource, GraphqlClient]:
    client = GraphqlClient(FakeFetcher(answer), "http://graphql")
    return GraphqlTitleSource(client, ManualClock(), batch_size=25), client


def test_nine_hundred_keywords_are_read_to_their_end() -> None:
    found = source(server)[0].title(ID, max_requests=10, cancel=threading.Event())
    assert found.movie.keywords == tuple(KEYWORDS)
    assert "keywords" not in found.missing


def test_ten_thousand_credits_are_read_to_their_end() -> None:
    titles, client = source(server)
    found = FullCreditsSource(titles, client).title(ID, max_requests=10, cancel=threading.Event())
    assert [credit.person.person_id for credit in found.movie.cast] == CAST
    assert found.movie.cast_total == len(CAST)
    assert "cast" not in found.missing


def test_credits_whose_rest_cannot_be_read_are_named() -> None:
    def failing(sent: Sent) -> Answer:
        if '"after":"5000"' in sent.body.decode():
            return Transient("no answer")
        return server(sent)

    titles, client = source(failing)
    found = FullCreditsSource(titles, client).title(ID, max_requests=10, cancel=threading.Event())
    assert len(found.movie.cast) == 5000
    assert "cast" in found.cut


def parsed(**main: Any) -> ParsedTitle:
    body = page(next_data(above_the_fold(), main_column(**main)))
    return parse_title(body, imdb_id=None, scraped_at=datetime(2026, 1, 1, tzinfo=UTC))


def test_a_currency_without_an_amount_is_no_money_and_an_amount_without_a_currency_is_named() -> None:
    title = parsed(productionBudget={"budget": {"amount": None, "currency": "EUR"}})
    assert (title.movie.budget, title.movie.budget_currency) == (None, None)
    assert "budget" not in title.cut
    title = parsed(productionBudget={"budget": {"amount": 5, "currency": None}})
    assert (title.movie.budget, title.movie.budget_currency) == (None, None)
    assert "budget" in title.cut


def test_an_episode_whose_series_cannot_be_read_keeps_its_place() -> None:
    place = {"episodeNumber": {"seasonNumber": 2, "episodeNumber": 5}}
    title = parsed(series={**place, "series": {"id": "no id"}})
    assert (title.movie.series_id, title.movie.season, title.movie.episode) == (None, 2, 5)
    assert "series_id" in title.cut
    assert parsed(series={**place, "series": None}).movie.season == 2

"""A GraphQL server that demands one thing after the other, as IMDb's did over the years: all titles arrive.

The server of these tests passes requests on to the demo site, unless they lack what it demands.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

import pytest
import requests

from application.ports.sources import FetchedTitle
from domain.errors import Blocked, UnknownLayout
from infrastructure.demo.process import DemoOptions, DemoProcess
from infrastructure.scraper.graphql import CORE_QUERY, TITLES_QUERY, GraphqlClient, titles_query
from infrastructure.scraper.sources import FullCreditsSource, GraphqlTitleSource
from shared.clock import FixedClock
from tests.support.demo_control import DemoControl
from tests.support.demo_network import demo_network

CLOCK: Final = FixedClock(datetime(2026, 3, 1, 12, tzinfo=UTC))
NEVER: Final = threading.Event()
FORBIDDEN: Final = b"<html><head><title>403 Forbidden</title></head><body><center>awselb/2.0</center></body></html>"


@dataclass
class Demands:
    """What the server demands of a request; the first refusal of ``refuse`` that is not ``None`` is sent."""

    demo_url: str
    refuse: Callable[[Any, bytes, dict[str, Any]], tuple[int, bytes] | None]
    bodies: list[dict[str, Any]] = field(default_factory=list)


@contextmanager
def serving(demands: Demands) -> Iterator[str]:
    """The address of a server with these demands."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            asked = json.loads(body)
            demands.bodies.append(asked)
            refusal = demands.refuse(self.headers, body, asked)
            if refusal is None:
                headers = {name: self.headers[name] for name in ("Referer", "Content-Type") if name in self.headers}
                answer = requests.post(f"{demands.demo_url}/graphql", body, headers=headers, timeout=20)
                refusal = answer.status_code, answer.content
            self.send_response(refusal[0])
            self.send_header("Content-Length", str(len(refusal[1])))
            self.end_headers()
            self.wfile.write(refusal[1])

        def do_GET(self) -> None:
            self.send_response(404)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_arguments: object) -> None:
            """Says nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(scope="module")
def demo() -> Iterator[DemoProcess]:
    with DemoProcess(DemoOptions(count=30, page_kb=0)) as process:
        yield process


def read_all(demands: Demands, **headers: str) -> list[FetchedTitle]:
    """All titles of the demo site from a server with these demands, twenty at a time."""
    ids = DemoControl(demands.demo_url).ids()
    with serving(demands) as url, demo_network(url) as downloader:
        client = GraphqlClient(downloader, url, headers=headers, patient=False)
        source = GraphqlTitleSource(client, CLOCK, batch_size=25)
        with ThreadPoolExecutor(20) as executor:
            return list(executor.map(lambda imdb_id: source.title(imdb_id, max_requests=9, cancel=NEVER), ids))


def registered(body: bytes, asked: dict[str, Any], known: set[str]) -> tuple[int, bytes] | None:
    """Refuses a query without a hash, and a hash without a query that it does not know."""
    digest = asked.get("extensions", {}).get("persistedQuery", {}).get("sha256Hash")
    if digest is not None and "query" in asked:
        known.add(digest)
    if digest in known:
        return None
    return 400, json.dumps({"errors": [{"message": "PersistedQueryNotFound"}]}).encode()


@pytest.mark.parametrize("header", ["Referer", "Origin", "x-imdb-client-name"])
def test_a_header_that_is_demanded_is_sent(demo: DemoProcess, header: str) -> None:
    def refuse(headers: Any, _body: bytes, _asked: dict[str, Any]) -> tuple[int, bytes] | None:
        return None if headers[header] == "https://site.example/" or header == "Referer" else (403, FORBIDDEN)

    titles = read_all(Demands(demo.url, refuse), **({} if header == "Referer" else {header: "https://site.example/"}))
    assert len(titles) == 30
    with pytest.raises(Blocked):
        read_all(Demands(demo.url, refuse), Referer="", Origin="", **{"x-imdb-client-name": ""})


def test_a_server_that_takes_registered_queries_only_learns_ours(demo: DemoProcess) -> None:
    known: set[str] = set()
    demands = Demands(demo.url, lambda _headers, body, asked: registered(body, asked, known))
    assert len(read_all(demands)) == 30
    assert "query" not in demands.bodies[-1]  # once it is registered, the hash is enough
    assert known == {hashlib.sha256(TITLES_QUERY.encode()).hexdigest()}


@pytest.mark.parametrize("status", [413, 200])
def test_a_query_that_is_too_long_is_sent_by_its_hash_where_the_server_knows_it(demo: DemoProcess, status: int) -> None:
    requests.post(
        f"{demo.url}/graphql",
        titles_query([]).body(digest=True),
        headers={"Referer": "https://www.imdb.com/"},
        timeout=20,
    ).raise_for_status()
    too_long = json.dumps({"errors": [{"message": "The query is too large"}]}).encode()

    def refuse(_headers: Any, body: bytes, _asked: dict[str, Any]) -> tuple[int, bytes] | None:
        return (status, too_long) if len(body) > 1000 else None

    demands = Demands(demo.url, refuse)
    titles = read_all(demands)
    assert all(title.movie.countries for title in titles if title.movie.year)
    assert sum("query" in asked for asked in demands.bodies) <= 2  # those that were on their way at once


def test_a_server_that_limits_the_body_gets_the_short_query(demo: DemoProcess) -> None:
    def refuse(_headers: Any, body: bytes, asked: dict[str, Any]) -> tuple[int, bytes] | None:
        if "query" not in asked:
            return 400, json.dumps({"errors": [{"message": "Must provide query string."}]}).encode()
        return (413, b"") if len(body) > 1000 else None

    demands = Demands(demo.url, refuse)
    titles = read_all(demands)
    assert len(titles) == 30
    assert all("countries" in title.untold and "countries" not in title.cut for title in titles)
    assert all(title.movie.title and title.movie.directors for title in titles)
    assert demands.bodies[-1]["query"] == CORE_QUERY


def test_a_batch_that_is_too_large_is_halved_and_the_size_remembered(demo: DemoProcess) -> None:
    limit = len(titles_query(["tt1234567"] * 6, core=True).body()) + 10

    def refuse(_headers: Any, body: bytes, asked: dict[str, Any]) -> tuple[int, bytes] | None:
        if "query" not in asked:
            return 400, json.dumps({"errors": [{"message": "Must provide query string."}]}).encode()
        return (413, b"") if len(body) > limit else None

    demands = Demands(demo.url, refuse)
    assert len(read_all(demands)) == 30
    sizes = [len(asked["variables"]["ids"]) for asked in demands.bodies if asked.get("query") == CORE_QUERY]
    assert max(sizes[-4:]) <= 6


def test_a_403_with_an_answer_is_an_error_in_the_query_and_no_block(demo: DemoProcess) -> None:
    answer = json.dumps({"errors": [{"message": 'Cannot query field "x" on type "Title".'}]}).encode()
    with pytest.raises(UnknownLayout, match="rejected the query"):
        read_all(Demands(demo.url, lambda _headers, _body, _asked: (403, answer)))


def test_further_pages_that_fail_leave_the_first_and_are_named(demo: DemoProcess) -> None:
    """A crew of more than one page, whose second page the server refuses."""

    def refuse(_headers: Any, _body: bytes, asked: dict[str, Any]) -> tuple[int, bytes] | None:
        failed = json.dumps({"data": None, "errors": [{"message": "tired", "path": ["title"]}]}).encode()
        return (200, failed) if asked["variables"].get("after") is None and "id" in asked["variables"] else None

    demands = Demands(demo.url, refuse)
    (imdb_id, *_) = DemoControl(demo.url).ids()
    with serving(demands) as url, demo_network(url) as downloader:
        client = GraphqlClient(downloader, url, patient=False)
        titles = GraphqlTitleSource(client, CLOCK, batch_size=25)
        found = FullCreditsSource(titles, client).title(imdb_id, max_requests=2, cancel=NEVER)
    assert {"cast", "crew"} <= found.cut
    assert found.movie.cast


@pytest.mark.long
def test_a_server_that_changes_its_demands_during_a_run_still_gives_all_titles(demo: DemoProcess) -> None:
    """First it wants queries registered, then forgets ours, then limits the body, then the number of titles."""
    known: set[str] = set()
    turns: list[str] = []

    def refuse(headers: Any, body: bytes, asked: dict[str, Any]) -> tuple[int, bytes] | None:
        if not all(headers[name] for name in ("Referer", "Origin", "x-imdb-client-name")):
            return 403, FORBIDDEN
        if len(asked["variables"].get("ids", ())) > 3 and len(turns) > 6:
            turns.append("number")
            return 413, b""
        if len(turns) > 4 and "query" in asked and len(body) > 2000:
            turns.append("body")
            return 413, b""
        if len(turns) == 4:
            known.clear()
        turns.append("registered")
        return registered(body, asked, known)

    demands = Demands(demo.url, refuse)
    titles = read_all(demands, Origin="https://www.imdb.com", **{"x-imdb-client-name": "imdb-web-next"})
    assert len({title.movie.imdb_id for title in titles}) == 30
    assert {"registered", "number"} <= set(turns)

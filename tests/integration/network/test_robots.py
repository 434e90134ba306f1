"""robots.txt over real sockets: read once, obeyed, and what its absence means (RFC 9309)."""

from __future__ import annotations

import gzip
import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from domain.errors import Blocked, Cancelled, Disallowed, Transient
from infrastructure.http.messages import Origin
from infrastructure.http.robots import RobotsFile
from tests.integration.network.conftest import Connect
from tests.support import fault_site
from tests.support.clock import ManualClock
from tests.support.fault_site import PAGE, FaultSite, Reply, reply

TITLE = "/title/tt0000001/"
CLOSED = reply(body=b"User-agent: *\nDisallow: /find\nDisallow: /search/\n")


def test_what_is_closed_is_reported_and_not_fetched(site: FaultSite, connect: Connect, cancel: threading.Event) -> None:
    site.plan("/robots.txt", CLOSED)
    downloader = connect()

    assert downloader.get(site.url + TITLE, max_requests=1, cancel=cancel).status == 200
    with pytest.raises(Disallowed, match=r"/find/: robots\.txt closes it") as raised:
        downloader.get(site.url + "/find/", max_requests=1, cancel=cancel)

    assert raised.value.requests == 0
    assert site.count() == {"/robots.txt": 1, TITLE: 1}


def test_a_redirect_into_what_is_closed_is_not_followed(
    site: FaultSite, connect: Connect, cancel: threading.Event
) -> None:
    site.plan("/robots.txt", CLOSED)
    site.plan(TITLE, reply(302, b"", {"Location": "/search/"}))

    with pytest.raises(Disallowed) as raised:
        connect().get(site.url + TITLE, max_requests=3, cancel=cancel)

    assert raised.value.requests == 1
    assert site.count()["/search/"] == 0


def test_a_query_is_asked_about_as_well(site: FaultSite, connect: Connect, cancel: threading.Event) -> None:
    site.plan("/robots.txt", CLOSED)

    with pytest.raises(Disallowed):
        connect().post(site.url + "/search/", b"{}", max_requests=1, cancel=cancel)


def test_the_user_may_decide_otherwise(site: FaultSite, connect: Connect, cancel: threading.Event) -> None:
    site.plan("/robots.txt", CLOSED)

    connect(respect_robots=False).get(site.url + "/find/", max_requests=1, cancel=cancel)

    assert site.count() == {"/find/": 1}


def test_fifty_threads_read_it_once(site: FaultSite, connect: Connect, cancel: threading.Event) -> None:
    asked = threading.Event()

    def slow(connection: object, seen: object) -> None:
        asked.wait(0.2)
        CLOSED(connection, seen)  # type: ignore[arg-type]

    site.plan("/robots.txt", slow)
    downloader = connect()
    with ThreadPoolExecutor(50) as executor:
        pages = executor.map(
            lambda number: downloader.get(f"{site.url}/{number}", max_requests=1, cancel=cancel), range(50)
        )
        assert len(list(pages)) == 50

    assert site.count()["/robots.txt"] == 1


HTML = reply(body=b"<!DOCTYPE html><html><body>Disallow: /title/ <p>Not found, but 200</p></body></html>")


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(reply(404), id="missing"),
        pytest.param(reply(410), id="gone"),
        pytest.param(reply(403), id="forbidden"),
        pytest.param(reply(401), id="unauthorised"),
        pytest.param(HTML, id="HTML"),
        pytest.param(reply(body=b""), id="empty"),
        pytest.param(reply(body=b"\x00\xff\xfe" * 1000), id="binary"),
        pytest.param(reply(302, b"", {"Location": "/robots.txt"}), id="redirect loop"),
        pytest.param(reply(302, b"", {"Location": "http://elsewhere.test/robots.txt"}), id="redirect elsewhere"),
    ],
)
def test_without_rules_all_is_allowed(
    site: FaultSite, connect: Connect, cancel: threading.Event, answer: Reply
) -> None:
    site.plan("/robots.txt", answer)

    assert connect().get(site.url + TITLE, max_requests=1, cancel=cancel).status == 200


def test_it_is_followed_where_it_has_moved(site: FaultSite, connect: Connect, cancel: threading.Event) -> None:
    site.plan("/robots.txt", reply(301, b"", {"Location": "/rules.txt"}))
    site.plan("/rules.txt", CLOSED)

    with pytest.raises(Disallowed):
        connect().get(site.url + "/find/", max_requests=1, cancel=cancel)


@pytest.mark.parametrize("packed", [False, True])
def test_of_a_huge_one_the_beginning_counts(
    site: FaultSite, connect: Connect, cancel: threading.Event, packed: bool
) -> None:
    body = b"User-agent: *\nDisallow: /find\n" + b"# nothing\n" * 10_000_000 + b"Disallow: /title\n"
    headers = {"Content-Encoding": "gzip"} if packed else {}
    site.plan("/robots.txt", reply(body=gzip.compress(body, 1) if packed else body, headers=headers))
    downloader = connect()

    assert downloader.get(site.url + TITLE, max_requests=1, cancel=cancel).status == 200
    with pytest.raises(Disallowed):
        downloader.get(site.url + "/find/", max_requests=1, cancel=cancel)


@pytest.mark.parametrize("fault", [reply(503), fault_site.reset, fault_site.cut_off])
def test_an_error_in_its_place_means_that_nothing_may_be_fetched(
    site: FaultSite, connect: Connect, cancel: threading.Event, fault: Reply
) -> None:
    site.plan("/robots.txt", fault)
    downloader = connect(max_backoff_retries=1)

    for _ in range(3):
        with pytest.raises(Transient, match=r"robots\.txt"):
            downloader.get(site.url + TITLE, max_requests=1, cancel=cancel)

    assert site.count() == {"/robots.txt": 2}  # tried again once, then known


def test_an_error_that_passes_is_waited_for(site: FaultSite, connect: Connect, cancel: threading.Event) -> None:
    site.plan("/robots.txt", reply(503), CLOSED)

    assert connect().get(site.url + TITLE, max_requests=1, cancel=cancel).requests == 1


def test_a_challenge_in_its_place_is_a_block(site: FaultSite, connect: Connect, cancel: threading.Event) -> None:
    site.plan("/robots.txt", reply(202, b"", {"x-amzn-waf-action": "challenge"}))

    with pytest.raises(Blocked, match="challenge"):
        connect().get(site.url + TITLE, max_requests=1, cancel=cancel)

    assert site.count()[TITLE] == 0


def test_waiting_for_it_ends_when_cancelled(site: FaultSite, connect: Connect, cancel: threading.Event) -> None:
    site.plan("/robots.txt", site.silence)
    downloader = connect(read_timeout=600, request_deadline=600)
    threading.Timer(0.2, cancel.set).start()

    with ThreadPoolExecutor(5) as executor:
        calls = [executor.submit(downloader.get, site.url + TITLE, max_requests=1, cancel=cancel) for _ in range(5)]

    assert all(isinstance(call.exception(), Cancelled) for call in calls)


def test_the_captured_ones_leave_charts_and_titles_open(
    site: FaultSite, connect: Connect, cancel: threading.Event, captures: Path
) -> None:
    for path in sorted((captures / "robots").glob("*.txt")):
        site.plan("/robots.txt", reply(body=path.read_bytes()))
        downloader = connect()

        for open_ in ("/chart/top/", "/chart/moviemeter/", "/title/tt0111161/", "/title/tt0111161/reference"):
            assert downloader.get(site.url + open_, max_requests=1, cancel=cancel).status == 200
        for closed in ("/find/?q=x", "/search/title-text", "/tvschedule"):
            with pytest.raises(Disallowed):
                downloader.get(site.url + closed, max_requests=1, cancel=cancel)


class TestKeptForLaterRuns:
    def test_a_second_downloader_does_not_fetch_it(
        self, site: FaultSite, connect: Connect, cancel: threading.Event, tmp_path: Path
    ) -> None:
        site.plan("/robots.txt", CLOSED)
        cache = tmp_path / "robots.json"
        for _ in range(2):
            downloader = connect(robots_cache=cache)
            downloader.get(site.url + TITLE, max_requests=1, cancel=cancel)
            with pytest.raises(Disallowed):
                downloader.get(site.url + "/find/", max_requests=1, cancel=cancel)

        assert site.count() == {"/robots.txt": 1, TITLE: 2}
        assert stat.S_IMODE(cache.stat().st_mode) == 0o600

    def test_its_absence_is_kept_as_well(
        self, site: FaultSite, connect: Connect, cancel: threading.Event, tmp_path: Path
    ) -> None:
        for _ in range(2):
            connect(robots_cache=tmp_path / "robots.json").get(site.url + TITLE, max_requests=1, cancel=cancel)

        assert site.count()["/robots.txt"] == 1

    def test_an_error_in_its_place_is_not(
        self, site: FaultSite, connect: Connect, cancel: threading.Event, tmp_path: Path
    ) -> None:
        site.plan("/robots.txt", reply(503), CLOSED)
        cache = tmp_path / "robots.json"
        with pytest.raises(Transient):
            connect(robots_cache=cache, max_backoff_retries=0).get(site.url + TITLE, max_requests=1, cancel=cancel)

        assert not cache.exists()
        connect(robots_cache=cache).get(site.url + TITLE, max_requests=1, cancel=cancel)
        assert site.count()["/robots.txt"] == 2

    def test_sites_do_not_share_it(
        self, site: FaultSite, connect: Connect, cancel: threading.Event, tmp_path: Path
    ) -> None:
        cache = tmp_path / "robots.json"
        site.plan("/robots.txt", CLOSED)
        with FaultSite("127.0.0.3") as other:
            connect(robots_cache=cache).get(site.url + TITLE, max_requests=1, cancel=cancel)
            for _ in range(2):
                downloader = connect(robots_cache=cache, graphql_url=other.url)
                downloader.get(other.url + "/find/", max_requests=1, cancel=cancel)

            assert other.count()["/robots.txt"] == site.count()["/robots.txt"] == 1

    @pytest.mark.parametrize(
        "content",
        [
            b"",
            b"\xff\xfe no JSON",
            b"[]",
            b'{"http://127.0.0.1:1": 1}',
            b'{"ORIGIN": {"text": 1, "fetched_at": "NOW"}}',
            b'{"ORIGIN": {"text": "", "fetched_at": "tomorrow"}}',
            b'{"ORIGIN": {"text": "", "fetched_at": "2026-01-01T00:00:00"}}',
            b'{"ORIGIN": {"text": "", "fetched_at": "PAST"}}',
            b'{"ORIGIN": {"text": "", "fetched_at": "FUTURE"}}',
            b"[" * 100_000,
        ],
        ids=range(10),
    )
    def test_what_cannot_be_used_is_fetched_again_and_replaced(
        self, site: FaultSite, connect: Connect, cancel: threading.Event, tmp_path: Path, content: bytes
    ) -> None:
        site.plan("/robots.txt", CLOSED)
        now = datetime.now(UTC)
        moments = {"NOW": now, "PAST": now - timedelta(hours=24, seconds=1), "FUTURE": now + timedelta(minutes=5)}
        for word, moment in moments.items():
            content = content.replace(word.encode(), moment.isoformat().encode())
        cache = tmp_path / "robots.json"
        cache.write_bytes(content.replace(b"ORIGIN", site.url.encode()))
        for _ in range(2):
            with pytest.raises(Disallowed):
                connect(robots_cache=cache).get(site.url + "/find/", max_requests=1, cancel=cancel)

        assert site.count()["/robots.txt"] == 1

    def test_a_folder_that_is_not_there_is_not_made(
        self, site: FaultSite, connect: Connect, cancel: threading.Event, tmp_path: Path
    ) -> None:
        connect(robots_cache=tmp_path / "no" / "robots.json").get(site.url + TITLE, max_requests=1, cancel=cancel)

        assert list(tmp_path.iterdir()) == []

    def test_a_disk_that_takes_nothing_does_not_end_the_run(
        self, site: FaultSite, connect: Connect, cancel: threading.Event, tmp_path: Path
    ) -> None:
        cache = tmp_path / "robots.json"
        cache.mkdir()  # cannot be replaced by a file

        assert connect(robots_cache=cache).get(site.url + TITLE, max_requests=1, cancel=cancel).body == PAGE

    def test_many_sites_do_not_make_it_grow_without_end(self, tmp_path: Path) -> None:
        clock = ManualClock()
        kept = RobotsFile(tmp_path / "robots.json", clock)
        origins = [Origin.of(f"http://127.0.0.1:{port}") for port in range(1, 50)]
        for origin in origins:
            kept.write(origin, "x")

        assert sum(kept.read(origin) is not None for origin in origins) == 20
        assert kept.read(origins[-1]) is not None

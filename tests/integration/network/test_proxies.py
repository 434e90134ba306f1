"""Real proxies: which way requests go, and what happens when proxies die, hang, lie or are blocked."""

from __future__ import annotations

import logging
import threading
from base64 import b64decode
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from domain.errors import Blocked, SourceError, Transient
from infrastructure.http import Downloader
from shared.secret import Secret
from tests.integration.network.conftest import Connect
from tests.support.fault_site import FaultSite, Seen, reply
from tests.support.proxies import PASSWORD, USER, ProxyServer, dante, free_port, microsocks, missing, tinyproxy

CREDENTIALS = f"{USER}:{PASSWORD}"
CHALLENGED = reply(202, b"", {"x-amzn-waf-action": "challenge"})
pytestmark = pytest.mark.skipif(
    bool(missing("tinyproxy") + missing("microsocks") + missing("danted")),
    reason=f"real proxies are needed: {missing('tinyproxy')} {missing('microsocks')} {missing('danted')}",
)


@pytest.fixture(scope="module")
def http_proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProxyServer]:
    with tinyproxy(tmp_path_factory.mktemp("tinyproxy"), "127.0.0.11") as proxy:
        yield proxy


@pytest.fixture(scope="module")
def socks_proxy() -> Iterator[ProxyServer]:
    with microsocks("127.0.0.12") as proxy:
        yield proxy


@pytest.fixture(scope="module")
def socks4_proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProxyServer]:
    with dante(tmp_path_factory.mktemp("dante"), "127.0.0.13") as proxy:
        yield proxy


def fetch_all(downloader: Downloader, site: FaultSite, count: int, cancel: threading.Event, threads: int = 50) -> int:
    """Fetch so many titles; answers how many came."""

    def fetch(number: int) -> bool:
        page = downloader.get(f"{site.url}/title/tt{number:07}/", max_requests=6, cancel=cancel)
        return page.status == 200

    with ThreadPoolExecutor(threads) as executor:
        return sum(executor.map(fetch, range(count)))


def addresses(site: FaultSite) -> Counter[str]:
    """Requests for titles by the address they came from."""
    return Counter(seen.client[0] for seen in site.seen if seen.path.startswith("/title/"))


@pytest.mark.parametrize(
    ("proxy", "scheme", "credentials"),
    [
        ("http_proxy", "http", CREDENTIALS),
        ("socks_proxy", "socks5", CREDENTIALS),
        ("socks_proxy", "socks5h", CREDENTIALS),
        ("socks4_proxy", "socks4", ""),
        ("socks4_proxy", "socks5h", ""),
    ],
)
def test_every_kind_of_proxy_is_gone_through(
    site: FaultSite, connect: Connect, cancel: threading.Event, request: pytest.FixtureRequest,
    proxy: str, scheme: str, credentials: str, caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    caplog.set_level(logging.DEBUG)
    server: ProxyServer = request.getfixturevalue(proxy)
    downloader = connect(proxies=Secret(server.url(scheme, credentials)))

    page = downloader.get(site.url + "/title/tt0000001/", max_requests=2, cancel=cancel)

    assert page.route == f"{scheme}://{'***@' if credentials else ''}127.0.0.1:{server.port}"
    assert {seen.client[0] for seen in site.seen} == {server.exit_address}
    assert PASSWORD not in caplog.text


def test_the_single_proxy_has_settings_of_its_own(
    site: FaultSite, connect: Connect, cancel: threading.Event, http_proxy: ProxyServer
) -> None:
    downloader = connect(
        proxy_host="127.0.0.1", proxy_port=http_proxy.port, proxy_user=USER, proxy_pass=Secret(PASSWORD)
    )

    downloader.get(site.url + "/title/tt0000001/", max_requests=2, cancel=cancel)

    assert addresses(site) == {http_proxy.exit_address: 1}


def test_a_password_of_any_characters_gets_in(site: FaultSite, connect: Connect, cancel: threading.Event) -> None:
    with microsocks("127.0.0.14", password="p@ss:w/rd%41 #ü") as proxy:
        downloader = connect(
            proxies=Secret(proxy.url("socks5h", f"{USER}:p%40ss%3Aw%2Frd%2541%20%23%C3%BC")), connect_timeout=2
        )
        assert downloader.get(site.url + "/title/tt0000001/", max_requests=1, cancel=cancel).status == 200


def test_the_password_of_an_http_proxy_is_sent_in_utf_8(
    site: FaultSite, connect: Connect, cancel: threading.Event
) -> None:
    downloader = connect(proxies=Secret(site.url.replace("://", "://me:日本%E9@")))
    with suppress(SourceError, Transient):  # the site is no proxy
        downloader.get("http://nowhere.invalid/", max_requests=1, cancel=cancel)
    (sent,) = {seen.headers["proxy-authorization"] for seen in site.seen}
    assert b64decode(sent.removeprefix("Basic ")) == "me:日本".encode() + b"\xe9"


@pytest.mark.parametrize("password", ["wr0ngw0rd", ""])
@pytest.mark.parametrize("scheme", ["http", "socks5", "socks5h"])
def test_a_wrong_or_missing_password_is_said_and_the_site_never_asked(
    site: FaultSite, connect: Connect, cancel: threading.Event, scheme: str, password: str,
    http_proxy: ProxyServer, socks_proxy: ProxyServer, caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    caplog.set_level(logging.DEBUG)
    proxy = http_proxy if scheme == "http" else socks_proxy
    credentials = f"{USER}:{password}" if password else ""
    downloader = connect(proxies=Secret(proxy.url(scheme, credentials)), backoff_factor=600)

    with pytest.raises(Transient, match=r"no route is left.*(rejected|not accept)") as raised:
        downloader.get(site.url + "/title/tt0000001/", max_requests=6, cancel=cancel)

    assert site.seen == []
    assert "wr0ngw0rd" not in caplog.text + str(raised.value) + repr(downloader._network)


@pytest.mark.parametrize("scheme", ["http", "socks4", "socks5", "socks5h"])
def test_a_dead_proxy_is_found_at_once_and_said(
    site: FaultSite, connect: Connect, cancel: threading.Event, scheme: str
) -> None:
    downloader = connect(proxies=Secret(f"{scheme}://127.0.0.1:{free_port()}"), backoff_factor=600)

    with pytest.raises(Transient, match=r"no route is left .*cannot be reached"):
        downloader.get(site.url + "/title/tt0000001/", max_requests=6, cancel=cancel)

    assert site.seen == []  # never directly


@pytest.mark.long
def test_one_dead_proxy_in_five_and_a_tenth_of_answers_bad_costs_no_title(
    site: FaultSite, connect: Connect, cancel: threading.Event, caplog: pytest.LogCaptureFixture
) -> None:
    turn = threading.Semaphore(0)
    lock = threading.Lock()
    served = Counter[str]()

    def answer(connection: object, seen: Seen) -> None:
        with lock:
            served["all"] += 1
            number = served["all"]
        fault = reply(503) if number % 20 == 10 else reply(429) if number % 20 == 0 else reply()
        fault(connection, seen)  # type: ignore[arg-type]
        turn.release()

    site.plan("*", answer)
    with ExitStack() as running:
        proxies = [running.enter_context(microsocks(f"127.0.0.{20 + number}", password=None)) for number in range(4)]
        lines = ",".join([*(proxy.url("socks5h") for proxy in proxies), f"socks5h://127.0.0.1:{free_port()}"])
        downloader = connect(proxies=Secret(lines))

        assert fetch_all(downloader, site, 250, cancel) == 250

    came_from = addresses(site)
    assert set(came_from) == {proxy.exit_address for proxy in proxies}
    assert max(site.count().values()) <= 6
    assert caplog.text.count("does not work and is not used") == 1


def test_a_run_in_which_every_route_is_blocked_once_arrives_whole(
    site: FaultSite, connect: Connect, cancel: threading.Event
) -> None:
    blocked: Counter[str] = Counter()
    lock = threading.Lock()

    def answer(connection: object, seen: Seen) -> None:
        with lock:
            came = addresses(site)[seen.client[0]]
            block = came > 20 and blocked[seen.client[0]] == 0
            blocked[seen.client[0]] += block
        (CHALLENGED if block else reply())(connection, seen)  # type: ignore[arg-type]

    site.plan("*", answer)
    with ExitStack() as running:
        proxies = [running.enter_context(microsocks(f"127.0.0.{30 + number}", password=None)) for number in range(4)]
        downloader = connect(proxies=Secret(",".join(proxy.url("socks5h") for proxy in proxies)))

        assert fetch_all(downloader, site, 250, cancel, threads=20) == 250

    assert blocked == {proxy.exit_address: 1 for proxy in proxies}
    assert max(site.count().values()) <= 6


def test_a_proxy_that_dies_in_the_middle_costs_no_title(
    site: FaultSite, connect: Connect, cancel: threading.Event
) -> None:
    with microsocks("127.0.0.41", password=None) as dying, microsocks("127.0.0.42", password=None) as living:
        downloader = connect(proxies=Secret(f"{dying.url('socks5h')},{living.url('socks5h')}"))
        assert fetch_all(downloader, site, 40, cancel, threads=8) == 40
        assert set(addresses(site)) == {dying.exit_address, living.exit_address}
        dying.stop()

        assert fetch_all(downloader, site, 40, cancel, threads=8) == 40


def test_a_proxy_that_hangs_is_left_for_another(
    site: FaultSite, connect: Connect, cancel: threading.Event, socks_proxy: ProxyServer
) -> None:
    with FaultSite() as hanging:
        hanging.plan("*", hanging.silence)
        lines = f"http://127.0.0.1:{hanging.port},{socks_proxy.url('socks5h', CREDENTIALS)}"
        downloader = connect(proxies=Secret(lines), read_timeout=2, connect_timeout=2)

        assert fetch_all(downloader, site, 6, cancel, threads=2) == 6

        assert addresses(site) == {socks_proxy.exit_address: 6}
        assert len(hanging.seen) <= 2  # one for each thread: after that it is left alone


def test_a_proxy_that_lies_is_doubted_and_another_tried(
    site: FaultSite, connect: Connect, cancel: threading.Event, socks_proxy: ProxyServer
) -> None:
    with FaultSite() as liar:
        liar.plan("*", reply(200, b"<html>Buy now!</html>"))
        lines = f"http://127.0.0.1:{liar.port},{socks_proxy.url('socks5h', CREDENTIALS)}"
        downloader = connect(proxies=Secret(lines), respect_robots=False)
        complaints = 0
        for number in range(10):
            url = f"{site.url}/title/tt{number:07}/"
            page = downloader.get(url, max_requests=6, cancel=cancel)
            if b"Buy now" in page.body:
                complaints += 1
                with pytest.raises(Transient, match=f"received over http://127.0.0.1:{liar.port}"):
                    downloader.unrecognised(page)

        assert 1 <= complaints <= 2
        assert addresses(site)[socks_proxy.exit_address] == 10 - complaints


def test_who_asked_for_proxies_is_never_sent_out_directly(
    site: FaultSite, connect: Connect, cancel: threading.Event, socks_proxy: ProxyServer
) -> None:
    site.plan("*", CHALLENGED)
    downloader = connect(proxies=Secret(socks_proxy.url("socks5h", CREDENTIALS)))

    with pytest.raises(Blocked):
        downloader.get(site.url + "/title/tt0000001/", max_requests=6, cancel=cancel)

    assert set(addresses(site)) == {socks_proxy.exit_address}


def test_with_leave_the_direct_connection_is_the_last_resort(
    site: FaultSite, connect: Connect, cancel: threading.Event, socks_proxy: ProxyServer,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    def answer(connection: object, seen: Seen) -> None:
        block = seen.client[0] == socks_proxy.exit_address and len(site.seen) > 5
        (CHALLENGED if block else reply())(connection, seen)  # type: ignore[arg-type]

    site.plan("*", answer)
    downloader = connect(proxies=Secret(socks_proxy.url("socks5h", CREDENTIALS)), allow_direct_fallback=True)

    assert fetch_all(downloader, site, 10, cancel, threads=1) == 10

    assert set(addresses(site)) == {socks_proxy.exit_address, "127.0.0.1"}
    assert "through the direct connection from now on" in caplog.text


def test_routes_are_changed_after_so_many_requests(
    site: FaultSite, connect: Connect, cancel: threading.Event, tmp_path: Path
) -> None:
    with microsocks("127.0.0.51", password=None) as first, microsocks("127.0.0.52", password=None) as second:
        listed = tmp_path / "proxies.txt"
        listed.write_text(f"# two of them\n{first.url('socks5h')}\n\n{second.url('socks5h')}  # the other\n")
        downloader = connect(proxy_file=listed, rotate_after_requests=3, respect_robots=False)

        assert fetch_all(downloader, site, 12, cancel, threads=1) == 12

    order = [seen.client[0] for seen in site.seen]
    assert [len(set(order[start : start + 3])) for start in (0, 3, 6, 9)] == [1, 1, 1, 1]
    assert addresses(site) == {"127.0.0.51": 6, "127.0.0.52": 6}


def test_each_route_keeps_a_user_agent_of_its_own(site: FaultSite, connect: Connect, cancel: threading.Event) -> None:
    with microsocks("127.0.0.61", password=None) as first, microsocks("127.0.0.62", password=None) as second:
        downloader = connect(proxies=Secret(f"{first.url('socks5h')},{second.url('socks5h')}"), rotate_after_requests=2)
        assert fetch_all(downloader, site, 20, cancel, threads=4) == 20

    agents = {(seen.client[0], seen.headers["user-agent"]) for seen in site.seen}
    assert len(agents) == 2

"""A whole Tor network on this machine: exits with addresses of their own, a site that blocks them one by one."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from domain.errors import Transient
from infrastructure.http import Downloader, NetworkOptions, build_downloader
from shared.secret import Secret
from tests.support.fault_site import FaultSite, Seen, reply
from tests.support.tor_network import PASSWORD, TorNetwork, bootstrapped, tor_missing

pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(600),
    pytest.mark.skipif(bool(tor_missing()), reason=f"a private Tor network is needed: {tor_missing()}"),
]
CHALLENGED = reply(202, b"", {"x-amzn-waf-action": "challenge"})
ALLOWANCE = 50


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TorNetwork]:
    with TorNetwork(tmp_path_factory.mktemp("tor")) as network:
        yield network


@pytest.fixture
def site(network: TorNetwork) -> Iterator[FaultSite]:
    """A site inside the namespace; the test is inside as well."""
    with network.namespace.inside(), FaultSite(network.site) as site:
        yield site


def over_tor(site: FaultSite, **settings: object) -> Downloader:
    options: dict[str, object] = {"tor_password": Secret(PASSWORD), "requests_per_second": 200.0, **settings}
    return build_downloader(
        NetworkOptions(base_url=site.url, graphql_url="", use_tor=True, backoff_factor=0.1, **options)  # type: ignore[arg-type]
    )


def fetch_all(downloader: Downloader, site: FaultSite, count: int, threads: int, *, tries: int = 6) -> int:
    cancel = threading.Event()

    def fetch(number: int) -> bool:
        return downloader.get(f"{site.url}/title/tt{number:07}/", max_requests=tries, cancel=cancel).status == 200

    with ThreadPoolExecutor(threads) as executor:
        return sum(executor.map(fetch, range(count)))


def titles(site: FaultSite) -> list[Seen]:
    return [seen for seen in site.seen if seen.path.startswith("/title/")]


def test_a_run_in_which_every_exit_is_blocked_after_fifty_titles_arrives_whole(
    network: TorNetwork, site: FaultSite
) -> None:
    """An exit is let in again once another one has come: a blocked address has to be left."""
    lock = threading.Lock()
    given: Counter[str] = Counter()
    last = [""]
    in_a_row = [0]

    def answer(connection: object, seen: Seen) -> None:
        address = seen.client[0]
        with lock:
            if address != last[0]:
                last[0], in_a_row[0] = address, 0
            served = in_a_row[0] < ALLOWANCE
            in_a_row[0] += served
            given[address] += served
        (reply() if served else CHALLENGED)(connection, seen)  # type: ignore[arg-type]

    site.plan("*", answer)
    downloader = over_tor(site)
    try:
        assert fetch_all(downloader, site, 250, threads=20) == 250
    finally:
        downloader.close()

    assert sum(given.values()) == 250
    assert len(given) >= 2
    assert set(given) <= set(network.exits)  # never directly
    assert max(site.count().values()) <= 6


def test_exits_that_are_blocked_for_good_are_left_for_those_that_are_not(network: TorNetwork, site: FaultSite) -> None:
    """Three exits that are let in fifty times each, and titles enough to need them all."""
    lock = threading.Lock()
    given: Counter[str] = Counter()

    def answer(connection: object, seen: Seen) -> None:
        with lock:
            served = given[seen.client[0]] < ALLOWANCE
            given[seen.client[0]] += served
        (reply() if served else CHALLENGED)(connection, seen)  # type: ignore[arg-type]

    site.plan("*", answer)
    # Tor chooses the exits: with two of three closed for good, a title may meet these some times in a row.
    downloader = over_tor(site, max_backoff_retries=19)
    try:
        assert fetch_all(downloader, site, 130, threads=20, tries=20) == 130
    finally:
        downloader.close()

    assert set(given) == set(network.exits)
    assert max(site.count().values()) <= 20


def test_threads_hold_different_circuits_at_once(network: TorNetwork, site: FaultSite) -> None:
    together = threading.Barrier(4, timeout=60)

    def answer(connection: object, seen: Seen) -> None:
        together.wait()  # four requests are under way at the same time
        reply()(connection, seen)  # type: ignore[arg-type]

    site.plan("*", answer)
    downloader = over_tor(site, tor_circuits=4, respect_robots=False)
    try:
        assert fetch_all(downloader, site, 4, threads=4) == 4
        controller = downloader._network.rotation._control._connected()  # type: ignore[union-attr]
        users = {one.socks_username for one in controller.get_circuits() if one.socks_username}
    finally:
        downloader.close()

    assert {user.split("-")[1] for user in users} >= {"1", "2", "3", "4"}
    assert {seen.client[0] for seen in titles(site)} <= set(network.exits)


def test_circuits_are_changed_after_so_many_requests(network: TorNetwork, site: FaultSite) -> None:
    downloader = over_tor(site, rotate_after_requests=3, respect_robots=False)
    try:
        assert fetch_all(downloader, site, 30, threads=1) == 30
    finally:
        downloader.close()

    connections = [seen.client for seen in titles(site)]
    assert len(set(connections)) == 10
    assert [connections.count(one) for one in dict.fromkeys(connections)] == [3] * 10


def test_names_are_resolved_at_the_exit(network: TorNetwork, site: FaultSite) -> None:
    """Tor resolves an unknown name and reports it; this machine's resolver is not used."""
    downloader = over_tor(site, max_backoff_retries=0, respect_robots=False)
    try:
        with pytest.raises(Transient, match=r"cannot reach no-such-host\.invalid"):
            downloader.get("http://no-such-host.invalid/", max_requests=1, cancel=threading.Event())
    finally:
        downloader.close()


def test_a_tor_that_dies_in_the_middle_is_said(network: TorNetwork, site: FaultSite) -> None:
    ports = {"tor_proxy_port": 9060, "tor_control_port": 9061}
    with network.namespace.inside():
        client = network.start_client("client-mortal", "SocksPort 127.0.0.1:9060\nControlPort 127.0.0.1:9061\n")
    bootstrapped(client)
    downloader = over_tor(site, **ports)
    try:
        assert fetch_all(downloader, site, 2, threads=1) == 2
        client.kill()
        client.wait()
        with pytest.raises(Transient, match=r"no route is left \(tor 1: the proxy cannot be reached"):
            fetch_all(downloader, site, 1, threads=1)
    finally:
        downloader.close()

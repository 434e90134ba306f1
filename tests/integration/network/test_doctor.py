"""What doctor says of the network."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from application.ports.runs import CheckResult
from domain.errors import Cancelled
from infrastructure.http import NetworkOptions
from infrastructure.http.doctor import examine_network
from shared.secret import Secret
from tests.integration.network.conftest import Connect
from tests.support.fault_site import FaultSite, Seen, reply
from tests.support.proxies import PASSWORD, USER, free_port, microsocks, missing

CHALLENGED = reply(202, b"", {"x-amzn-waf-action": "challenge"})


def examine(site: FaultSite, cancel: threading.Event, **settings: Any) -> dict[str, CheckResult]:
    def echo(connection: object, seen: Seen) -> None:
        reply(body=f'{{"IP": "{seen.client[0]}"}}'.encode())(connection, seen)  # type: ignore[arg-type]

    address_url = site.plan("/ip", echo)
    options = NetworkOptions(**{"base_url": site.url, "graphql_url": "", "connect_timeout": 2.0, **settings})
    return {finding.subject: finding for finding in examine_network(options, cancel, address_url=address_url)}


def test_a_healthy_network(site: FaultSite, cancel: threading.Event) -> None:
    site.plan("/robots.txt", reply(body=b"User-agent: *\nDisallow: /find\n"))

    found = examine(site, cancel)

    assert found["robots.txt"] == CheckResult("robots.txt", True, "leaves charts and titles open")
    route = found["route direct"]
    assert route.ok
    assert route.detail.startswith("reaches the site, not blocked; ")
    assert route.detail.endswith(" ms; exit address 127.0.0.1")
    assert site.count() == {"/robots.txt": 1, "/chart/top/": 1, "/ip": 1}


def test_a_block_is_named_with_advice(site: FaultSite, cancel: threading.Event) -> None:
    site.plan("/chart/top/", CHALLENGED)

    route = examine(site, cancel)["route direct"]

    assert not route.ok
    assert route.detail.startswith("blocked: the site answered with a challenge")
    assert "PROXIES" in route.advice


def test_rules_that_close_titles_are_kept_here_too(site: FaultSite, cancel: threading.Event) -> None:
    site.plan("/robots.txt", reply(body=b"User-agent: *\nDisallow: /\n"))

    found = examine(site, cancel)

    assert found["robots.txt"].detail == "closes /chart/top/ and /title/tt0111161/ to programs"
    assert found["route direct"].ok
    assert site.count()["/chart/top/"] == 0


@pytest.mark.parametrize(
    ("answer", "ok", "said"),
    [(reply(404), True, "all is allowed"), (CHALLENGED, False, "challenge"), (reply(403), True, "all is allowed")],
)
def test_robots_txt_that_is_not_there(
    site: FaultSite, cancel: threading.Event, answer: Any, ok: bool, said: str
) -> None:
    site.plan("/robots.txt", answer)

    finding = examine(site, cancel)["robots.txt"]

    assert (finding.ok, said in finding.detail) == (ok, True)


@pytest.mark.skipif(bool(missing("microsocks")), reason=f"real proxies are needed: {missing('microsocks')}")
def test_each_route_has_its_line(site: FaultSite, cancel: threading.Event) -> None:
    dead = f"socks5h://127.0.0.1:{free_port()}"
    with microsocks("127.0.0.81") as proxy:
        lines = f"{proxy.url('socks5h', f'{USER}:{PASSWORD}')},{dead},{proxy.url('socks5', f'{USER}:wr0ngw0rd')}"
        found = examine(site, cancel, proxies=Secret(lines))

    assert list(found) == [
        "robots.txt", f"route socks5h://***@127.0.0.1:{proxy.port}", f"route {dead}",
        f"route socks5://***@127.0.0.1:{proxy.port}",
    ]  # fmt: skip
    good, gone, locked = list(found.values())[1:]
    assert (good.ok, gone.ok, locked.ok) == (True, False, False)
    assert good.detail.endswith("exit address 127.0.0.81")
    assert gone.detail == "the proxy cannot be reached (connection refused)"
    assert "user name and password" in locked.detail
    assert "off the list" in gone.advice
    assert "wr0ngw0rd" not in repr(found)


def test_a_site_that_is_not_there(site: FaultSite, cancel: threading.Event) -> None:
    found = examine(site, cancel, base_url=f"http://127.0.0.1:{free_port()}")

    assert [finding.ok for finding in found.values()] == [False, False]
    assert found["route direct"].detail == "connection refused"
    assert "BASE_URL" in found["route direct"].advice


def test_settings_that_cannot_be_used_are_a_line(site: FaultSite, cancel: threading.Event) -> None:
    finding = examine(site, cancel, proxies=Secret("gopher://h:1"))["routes"]

    assert not finding.ok
    assert "unknown scheme 'gopher'" in finding.detail


def test_a_tor_that_is_not_there_is_a_line(site: FaultSite, cancel: threading.Event) -> None:
    found = examine(site, cancel, use_tor=True, tor_proxy_port=free_port(), tor_control_port=free_port())

    assert not found["Tor"].ok
    assert "cannot be reached" in found["Tor"].detail
    assert found["route tor 1"].detail == "the proxy cannot be reached (connection refused)"


def test_no_outside_service_is_asked_about_a_site_on_this_machine(site: FaultSite, cancel: threading.Event) -> None:
    options = NetworkOptions(base_url=site.url, graphql_url="")

    found = list(examine_network(options, cancel, address_url="https://no-such-host.invalid/"))

    assert "exit address" not in found[-1].detail


def test_it_ends_at_once_when_cancelled(site: FaultSite, cancel: threading.Event, connect: Connect) -> None:
    site.plan("/robots.txt", site.silence)
    threading.Timer(0.2, cancel.set).start()

    with pytest.raises(Cancelled):
        examine(site, cancel, read_timeout=600.0, request_deadline=600.0)

"""Addresses out of pages are untrusted: only public ones are connected to, unless the settings name the host."""

from __future__ import annotations

import os
import shutil
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from domain.errors import SourceError, Transient
from shared.secret import Secret
from tests.integration.network.conftest import Connect
from tests.support.fault_site import PAGE, FaultSite, reply
from tests.support.namespace import Namespace, why_not
from tests.support.proxies import microsocks

REFUSED = "not a public address|no address that can be fetched"
PUBLIC = "198.20.0.7"  # of no special registry; only inside the namespace does it lead to this machine


@pytest.fixture
def other() -> Iterator[FaultSite]:
    """Another server on this machine, which no setting names."""
    with FaultSite("127.0.0.3") as other:
        yield other


@pytest.mark.parametrize(
    "host",
    ["127.0.0.3", "localhost", "2130706435", "127.3", "0x7f000003", "[::ffff:127.0.0.3]", "①②⑦.0.0.3"],
)
def test_a_host_on_this_machine_is_refused_however_it_is_written(
    other: FaultSite, connect: Connect, cancel: threading.Event, host: str
) -> None:
    with pytest.raises(SourceError, match=REFUSED) as raised:
        connect().get(f"http://{host}:{other.port}/admin?x=.jpg", max_requests=3, cancel=cancel)

    assert not raised.value.retry
    assert other.seen == []


@pytest.mark.parametrize("host", ["169.254.169.254", "10.0.0.1", "192.168.1.1", "[fd00::1]", "[fe80::1]", "100.64.0.1"])
def test_addresses_of_private_networks_are_refused(connect: Connect, cancel: threading.Event, host: str) -> None:
    with pytest.raises(SourceError, match=REFUSED):
        connect(backoff_factor=600).get(f"http://{host}/latest/meta-data", max_requests=3, cancel=cancel)


def test_the_sites_own_host_on_another_port_is_refused(
    site: FaultSite, connect: Connect, cancel: threading.Event
) -> None:
    with FaultSite() as neighbour, pytest.raises(SourceError, match=REFUSED):
        connect().get(neighbour.url + "/a.jpg", max_requests=1, cancel=cancel)


def test_hosts_that_the_settings_name_may_be_anywhere(
    other: FaultSite, connect: Connect, cancel: threading.Event
) -> None:
    for setting in ("base_url", "graphql_url", "datasets_url"):
        assert connect(**{setting: other.url}).get(other.url + "/", max_requests=1, cancel=cancel).body == PAGE


def test_a_name_that_leads_to_both_is_connected_to_its_public_address_only(
    other: FaultSite, connect: Connect, cancel: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []
    real = socket.getaddrinfo

    def resolve(host: Any, port: Any, *args: Any, **kwargs: Any) -> Any:
        asked.append(host)
        if host != "rebinding.test":
            return real(host, port, *args, **kwargs)
        # The second answer would lead to this machine, as an attacker's name server would have it.
        found = ["127.0.0.3", PUBLIC] if asked.count(host) == 1 else ["127.0.0.3"]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in found]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)

    with pytest.raises(Transient, match=r"cannot reach rebinding\.test"):
        connect(connect_timeout=0.2, respect_robots=False).get(
            f"http://rebinding.test:{other.port}/a.jpg", max_requests=1, cancel=cancel
        )

    assert asked.count("rebinding.test") == 1
    assert other.seen == []


@pytest.mark.skipif(bool(why_not()), reason=f"a network namespace is needed: {why_not()}")
def test_a_public_address_is_fetched_and_its_redirects_to_this_machine_are_not(
    connect: Connect, cancel: threading.Event
) -> None:
    with Namespace(f"filmledger-{os.getpid()}", [PUBLIC]) as namespace, namespace.inside():
        with FaultSite(PUBLIC) as images, FaultSite("127.0.0.1") as hidden:
            downloader = connect(base_url="http://127.0.0.1:1")
            assert downloader.get(images.url + "/a.jpg", max_requests=1, cancel=cancel).body == PAGE

            url = images.plan("/b.jpg", reply(302, b"", {"Location": hidden.url + "/admin"}))
            with pytest.raises(SourceError, match="redirects to http://127"):
                downloader.get(url, max_requests=3, cancel=cancel)
            assert hidden.seen == []
        downloader.close()


@pytest.mark.skipif(shutil.which("microsocks") is None, reason="microsocks is not installed")
@pytest.mark.parametrize("host", ["127.0.0.3", "localhost", "2130706435", "127.3", "169.254.169.254", "①②⑦.0.0.3"])
def test_through_a_proxy_private_addresses_are_refused_as_they_are_written(
    other: FaultSite, connect: Connect, cancel: threading.Event, host: str, tmp_path: Path
) -> None:
    with microsocks("127.0.0.41", password=None) as proxy:
        downloader = connect(proxies=Secret(proxy.url("socks5h")))
        with pytest.raises(SourceError, match=REFUSED):
            downloader.get(f"http://{host}:{other.port}/a.jpg", max_requests=3, cancel=cancel)

    assert other.seen == []


@pytest.mark.skipif(shutil.which("microsocks") is None, reason="microsocks is not installed")
def test_through_a_proxy_nothing_is_resolved_here(
    connect: Connect, cancel: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []
    real = socket.getaddrinfo

    def resolve(host: Any, *args: Any, **kwargs: Any) -> Any:
        asked.append(host)
        return real(host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)

    with microsocks("127.0.0.42", password=None) as proxy, pytest.raises(Transient):
        connect(proxies=Secret(proxy.url("socks5h"))).get("http://images.invalid/a.jpg", max_requests=1, cancel=cancel)

    assert "images.invalid" not in asked

"""Notifications against a real server on loopback."""

from __future__ import annotations

import json
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from infrastructure.monitoring.notify import INSTALL, addresses, notify, unusable_addresses
from shared.secret import Secret

pytest.importorskip("apprise", reason="Apprise is an optional package")


class Receiver(ThreadingHTTPServer):
    """Remembers what was posted; answers ``status``, or not at all while ``hold`` is clear."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.status = 200
        self.hold = threading.Event()
        self.hold.set()
        self.received: list[dict[str, str]] = []


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        self.server.received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.server.hold.wait()
        self.send_response(self.server.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None: ...


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.hold.set()
        server.shutdown()
        thread.join()


def url(server: Receiver) -> str:
    return f"json://user:hunter2@127.0.0.1:{server.server_port}/"


def test_a_message_is_sent_to_every_address(receiver: Receiver) -> None:
    urls = Secret(f"{url(receiver)} {url(receiver)}")
    assert list(notify(urls, "a title", "two\nlines")) == []
    assert [each["title"] for each in receiver.received] == ["a title"] * 2
    assert "two" in receiver.received[0]["message"]


def test_a_service_that_refuses_is_one_line_without_the_address(receiver: Receiver) -> None:
    receiver.status = 500
    assert list(notify(Secret(url(receiver)), "a title", "text")) == [
        "notification 1 was not sent: the service did not accept it"
    ]


def test_nobody_listens() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
    (problem,) = notify(Secret(f"json://127.0.0.1:{port}/"), "a title", "text")
    assert problem == "notification 1 was not sent: the service did not accept it"


def test_a_service_that_hangs_is_given_up_and_the_next_one_is_told(receiver: Receiver) -> None:
    receiver.hold.clear()
    quick = Receiver()
    thread = threading.Thread(target=quick.serve_forever, args=(0.01,))
    thread.start()
    try:
        problems = list(notify(Secret(f"{url(receiver)} {url(quick)}"), "a title", "text", seconds=0.2))
    finally:
        quick.shutdown()
        thread.join()
        quick.server_close()
    assert problems[0] == "notification 1 was given up: no answer within 0 s"
    assert len(quick.received) == 1


def test_an_unknown_address_is_named_by_its_place_only(receiver: Receiver) -> None:
    urls = Secret(f"nonsense://hunter2, {url(receiver)}")
    assert list(unusable_addresses(urls)) == ["NOTIFY_URLS: address 1 is not one that Apprise knows"]
    assert list(notify(urls, "a title", "text")) == ["NOTIFY_URLS: address 1 is not one that Apprise knows"]
    assert len(receiver.received) == 1


def test_without_the_package_one_line_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)
    assert list(notify(Secret("json://127.0.0.1/"), "a title", "text")) == [INSTALL]
    assert list(unusable_addresses(Secret("json://127.0.0.1/"))) == [INSTALL]


def test_addresses_are_separated_by_spaces_commas_and_lines() -> None:
    text = "mailto://a:b@c.example?to=x@y.example,z@y.example, json://h/\n json://i/"
    assert addresses(Secret(text)) == [
        "mailto://a:b@c.example?to=x@y.example,z@y.example", "json://h/", "json://i/",
    ]  # fmt: skip

"""The static server, over sockets."""

from __future__ import annotations

import queue
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from domain.errors import UsageError
from infrastructure.catalogue import serve


@pytest.fixture
def site(tmp_path: Path) -> Iterator[str]:
    (tmp_path / "index.html").write_text("<h1>Top</h1>")
    (tmp_path / "assets").mkdir()
    (tmp_path / "assets" / "a.woff2").write_bytes(b"font")
    (tmp_path / "assets" / "a.js").write_bytes(b"script")
    (tmp_path / "a.webp").write_bytes(b"picture")
    addresses: queue.Queue[str] = queue.Queue()
    cancel = threading.Event()
    thread = threading.Thread(target=serve, args=(tmp_path, 0), kwargs={"ready": addresses.put, "cancel": cancel})
    thread.start()
    try:
        yield addresses.get(timeout=20)
    finally:
        cancel.set()
        thread.join()


def _get(address: str) -> requests.Response:
    with requests.Session() as session:
        session.trust_env = False
        return session.get(address, timeout=20)


def test_pages_come_with_their_type(site: str) -> None:
    found = {path: _get(site + path) for path in ("", "index.html", "assets/a.woff2", "assets/a.js", "a.webp")}
    assert {path: answer.headers["Content-Type"].partition(";")[0] for path, answer in found.items()} == {
        "": "text/html",
        "index.html": "text/html",
        "assets/a.woff2": "font/woff2",
        "assets/a.js": "text/javascript",
        "a.webp": "image/webp",
    }
    assert found[""].text == "<h1>Top</h1>"


@pytest.mark.parametrize("path", ["nothing.html", "assets/", "../../etc/hostname", "%2e%2e/%2e%2e/etc/hostname"])
def test_nothing_else_is_shown(site: str, path: str) -> None:
    assert _get(site + path).status_code == 404


def test_it_listens_on_loopback_alone(site: str) -> None:
    assert site.startswith("http://127.0.0.1:")


def test_a_folder_without_a_catalogue_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"run python main\.py publish first"):
        serve(tmp_path, 0, ready=lambda _: None, cancel=threading.Event())


def test_a_port_that_is_taken_is_told(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("x")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=f"cannot listen on port {port}"):
            serve(tmp_path, port, ready=lambda _: None, cancel=threading.Event())

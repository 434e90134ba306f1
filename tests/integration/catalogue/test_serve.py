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
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "site"
    folder.mkdir()
    return folder


@pytest.fixture
def site(folder: Path) -> Iterator[str]:
    (folder / "index.html").write_text("<h1>Top</h1>")
    (folder / "assets").mkdir()
    (folder / "assets" / "a.woff2").write_bytes(b"font")
    (folder / "assets" / "a.js").write_bytes(b"script")
    (folder / "a.webp").write_bytes(b"picture")
    addresses: queue.Queue[str] = queue.Queue()
    cancel = threading.Event()
    thread = threading.Thread(target=serve, args=(folder, 0), kwargs={"ready": addresses.put, "cancel": cancel})
    thread.start()
    try:
        yield addresses.get(timeout=20)
    finally:
        cancel.set()
        thread.join()


def _get(address: str, host: str | None = None) -> requests.Response:
    with requests.Session() as session:
        session.trust_env = False
        return session.get(address, timeout=20, headers=None if host is None else {"Host": host})


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


@pytest.mark.parametrize(
    "path", ["nothing.html", "assets/", "../../etc/hostname", "%2e%2e/%2e%2e/etc/hostname", "a%00b", "a" * 300]
)
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


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8000", "127.0.0.1:1", "[::1]:8000"])
def test_loopback_names_are_served(site: str, host: str) -> None:
    assert _get(site, host).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8000", "127.0.0.1.evil.example", "", "[", "10.0.0.1"])
def test_other_names_are_refused(site: str, host: str) -> None:
    answer = _get(site, host)
    assert answer.status_code == 403
    assert "Top" not in answer.text


def test_links_out_of_the_folder_are_not_followed(site: str, folder: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.html").write_text("secret")
    (outside / "index.html").write_text("secret")
    (folder / "file.html").symlink_to(outside / "secret.html")
    (folder / "linked").symlink_to(outside)
    (folder / "dangling.html").symlink_to(tmp_path / "nothing")
    (folder / "inside.html").symlink_to(folder / "index.html")
    for path in ("file.html", "linked/secret.html", "linked/", "linked", "dangling.html"):
        answer = _get(site + path)
        assert (answer.status_code, "secret" in answer.text) == (404, False), path
    assert _get(site + "inside.html").status_code == 200


def test_the_catalogues_own_error_page_is_shown(site: str, folder: Path) -> None:
    (folder / "404.html").write_text("<!doctype html><head>\n<title>Not here</title>")
    answer = _get(site + "films/a/b/c.html")
    assert answer.status_code == 404
    assert '<base href="/">' in answer.text
    assert "Not here" in answer.text

"""Files are downloaded to a temporary name, resumed, and put in place whole, over real sockets with named faults."""

from __future__ import annotations

import errno
import os
import re
import resource
import signal
import socket
import stat
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from domain.errors import Cancelled, Disallowed, NotFound, SourceError, Transient
from infrastructure.http import DownloadedFile
from tests.integration.network.conftest import Connect
from tests.support.fault_site import FaultSite, Reply, Seen, reply

CONTENT = bytes(range(256)) * 4096  # 1 MiB
OTHER = CONTENT[::-1]
ETAG, DATE = '"v1"', "Sat, 03 Jan 2026 10:00:00 GMT"
PATH = "/title.basics.tsv.gz"

Download = Callable[..., DownloadedFile]


def serve(
    content: bytes = CONTENT, etag: str = ETAG, date: str = DATE, *, ranges: bool = True, cut_at: int | None = None
) -> Reply:
    """A file server; ``cut_at`` ends the connection after so many bytes of the body."""

    def send(connection: socket.socket, seen: Seen) -> None:
        named = {name: value for name, value in (("ETag", etag), ("Last-Modified", date)) if value}
        if etag and seen.headers.get("if-none-match") == etag:
            connection.sendall(b"HTTP/1.1 304 Not Modified\r\nETag: " + etag.encode() + b"\r\n\r\n")
            return
        asked = re.fullmatch(r"bytes=(\d+)-", seen.headers.get("range", ""))
        same = seen.headers.get("if-range") in (etag, date)
        start = int(asked[1]) if asked and same and ranges else 0
        if asked and start:
            named["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        body = content[start:]
        shown = body if cut_at is None else body[:cut_at]
        reply(206 if asked and start else 200, shown, named, length=len(body))(connection, seen)
        if cut_at is not None:
            connection.shutdown(socket.SHUT_RDWR)

    return send


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "title.basics.tsv.gz"


@pytest.fixture
def download(site: FaultSite, connect: Connect, cancel: threading.Event, target: Path) -> Download:
    """Downloads the file of the site, with the network's settings in ``network``."""

    def run(network: dict[str, Any] | None = None, **options: Any) -> DownloadedFile:
        given = {"max_requests": 6, "cancel": cancel, **options}
        return connect(**(network or {})).download_file(site.url + PATH, target, **given)

    return run


def left_over(target: Path) -> set[str]:
    return {path.name.removeprefix(target.name) for path in target.parent.iterdir()} - {""}


def ranges(site: FaultSite) -> list[str | None]:
    return [seen.headers.get("range") for seen in site.seen if seen.path == PATH]


def test_a_file_arrives_whole_with_its_version(site: FaultSite, download: Download, target: Path) -> None:
    site.plan(PATH, serve())
    steps: list[tuple[int, int | None]] = []

    done = download(progress=lambda present, total: steps.append((present, total)))

    assert target.read_bytes() == CONTENT
    assert done == DownloadedFile(True, ETAG, DATE, len(CONTENT), 0, 1)
    assert steps[-1] == (len(CONTENT), len(CONTENT))
    assert [present for present, _ in steps] == sorted({present for present, _ in steps})
    assert left_over(target) == set()
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert site.seen[-1].headers["accept-encoding"] == "identity"


def test_it_may_be_larger_than_a_page(site: FaultSite, download: Download, target: Path) -> None:
    site.plan(PATH, serve())

    download(network={"max_body_bytes": 1000})

    assert target.read_bytes() == CONTENT


def test_a_version_that_is_known_is_not_sent_again(site: FaultSite, download: Download, target: Path) -> None:
    site.plan(PATH, serve())
    target.write_bytes(b"known")

    done = download(etag=ETAG, last_modified=DATE)

    assert (done.changed, done.etag, done.last_modified, done.size) == (False, ETAG, DATE, 0)
    assert target.read_bytes() == b"known"
    assert left_over(target) == set()
    assert site.seen[-1].headers["if-modified-since"] == DATE


def test_another_version_replaces_the_known_one(site: FaultSite, download: Download, target: Path) -> None:
    site.plan(PATH, serve(etag='"v2"'))
    target.write_bytes(b"known")

    done = download(etag=ETAG)

    assert (done.changed, done.etag) == (True, '"v2"')
    assert target.read_bytes() == CONTENT


def test_304_that_was_not_asked_for_is_no_file(site: FaultSite, download: Download, target: Path) -> None:
    def unasked(connection: socket.socket, _: Seen) -> None:
        connection.sendall(b"HTTP/1.1 304 Not Modified\r\n\r\n")

    site.plan(PATH, unasked, serve())

    assert download().requests == 2
    assert target.read_bytes() == CONTENT


def test_a_file_that_is_cut_is_continued_in_the_same_call(site: FaultSite, download: Download, target: Path) -> None:
    site.plan(PATH, serve(cut_at=300_000), serve(cut_at=200_000), serve())

    done = download()

    assert target.read_bytes() == CONTENT
    assert ranges(site) == [None, "bytes=300000-", "bytes=500000-"]
    assert [seen.headers.get("if-range") for seen in site.seen][-2:] == [ETAG, ETAG]
    assert (done.requests, done.size) == (3, len(CONTENT))


def test_a_file_that_is_cut_is_continued_by_the_next_run(site: FaultSite, download: Download, target: Path) -> None:
    target.write_bytes(b"old")
    site.plan(PATH, serve(cut_at=300_000), serve())
    with pytest.raises(Transient, match="cut off"):
        download(max_requests=1)
    assert target.read_bytes() == b"old"
    assert left_over(target) == {".part", ".part.json"}
    assert {stat.S_IMODE(path.stat().st_mode) for path in target.parent.glob("*.part*")} == {0o600}

    done = download()

    assert target.read_bytes() == CONTENT
    assert done.resumed_at == 300_000
    assert left_over(target) == set()


def test_the_date_identifies_a_version_without_a_strong_tag(site: FaultSite, download: Download, target: Path) -> None:
    weak = 'W/"v1"'
    site.plan(PATH, serve(etag=weak, cut_at=300_000), serve(etag=weak))

    download()

    assert target.read_bytes() == CONTENT
    assert (site.seen[-1].headers["if-range"], ranges(site)) == (DATE, [None, "bytes=300000-"])


def test_without_a_version_it_starts_over(site: FaultSite, download: Download, target: Path) -> None:
    site.plan(PATH, serve(etag="", date="", cut_at=300_000), serve(OTHER, etag="", date=""))

    done = download()

    assert target.read_bytes() == OTHER
    assert (ranges(site), done.etag, done.last_modified) == ([None, None], "", "")


@pytest.mark.parametrize(
    "then",
    [
        pytest.param(serve(OTHER, '"v2"'), id="changed meanwhile"),
        pytest.param(serve(OTHER, ranges=False), id="200 instead of 206"),
    ],
)
def test_a_whole_file_in_place_of_a_range_is_taken_from_its_beginning(
    site: FaultSite, download: Download, target: Path, then: Reply
) -> None:
    site.plan(PATH, serve(cut_at=300_000), then)

    done = download()

    assert target.read_bytes() == OTHER
    assert (done.requests, done.resumed_at) == (2, 0)
    assert ranges(site) == [None, "bytes=300000-"]


@pytest.mark.parametrize(
    ("odd", "said"),
    [
        pytest.param({"Content-Range": f"bytes 0-{len(OTHER) - 1}/{len(OTHER)}"}, "another range", id="another start"),
        pytest.param({}, "another range", id="no range named"),
        pytest.param({"Content-Range": "bytes 300000-300009/*", "ETag": '"v2"'}, "has changed", id="another version"),
        pytest.param({"Content-Range": "bytes 300000-300009/77"}, "instead of 77", id="another size"),
    ],
)
def test_a_range_that_does_not_fit_is_thrown_away(
    site: FaultSite, download: Download, target: Path, odd: dict[str, str], said: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    site.plan(PATH, serve(cut_at=300_000), reply(206, OTHER[:10], odd), serve())

    download()

    assert target.read_bytes() == CONTENT
    assert ranges(site) == [None, "bytes=300000-", None]
    assert said in caplog.text


def test_206_that_was_not_asked_for_is_no_file(site: FaultSite, download: Download, target: Path) -> None:
    part = reply(206, CONTENT[:5000], {"Content-Range": f"bytes 0-4999/{len(CONTENT)}", "ETag": ETAG})
    site.plan(PATH, part, serve())

    download()

    assert target.read_bytes() == CONTENT


def test_a_range_that_does_not_exist_any_more_starts_over(site: FaultSite, download: Download, target: Path) -> None:
    site.plan(PATH, serve(cut_at=300_000), reply(416, b"", {"Content-Range": "bytes */5"}), serve(b"short", '"v2"'))

    download()

    assert target.read_bytes() == b"short"
    assert ranges(site) == [None, "bytes=300000-", None]


def test_errors_between_the_pieces_are_waited_for(site: FaultSite, download: Download, target: Path) -> None:
    site.plan(PATH, reply(503), serve(cut_at=300_000), reply(503, b"<html>busy</html>"), serve())

    assert download().requests == 4
    assert target.read_bytes() == CONTENT


@pytest.mark.parametrize("notes", ["", "[]", "{}", '{"url": "http://other.test/", "etag": "x", "last_modified": ""}'])
def test_a_part_that_cannot_be_trusted_is_not_continued(
    site: FaultSite, download: Download, target: Path, notes: str
) -> None:
    site.plan(PATH, serve())
    target.with_name(target.name + ".part").write_bytes(b"something else")
    target.with_name(target.name + ".part.json").write_text(notes)

    assert download().resumed_at == 0
    assert (target.read_bytes(), ranges(site)) == (CONTENT, [None])


def test_an_html_page_in_its_place_is_the_callers_business(site: FaultSite, download: Download, target: Path) -> None:
    site.plan(PATH, reply(body=b"<html>Maintenance</html>"))

    assert download().size == 24
    assert target.read_bytes() == b"<html>Maintenance</html>"


@pytest.mark.parametrize(("answer", "kind"), [(reply(404), NotFound), (reply(451), SourceError)])
def test_refusals_leave_nothing_behind(
    site: FaultSite, download: Download, target: Path, answer: Reply, kind: type[Exception]
) -> None:
    site.plan(PATH, answer)

    with pytest.raises(kind):
        download()

    assert list(target.parent.iterdir()) == []


def test_robots_txt_holds_for_files_too(site: FaultSite, download: Download) -> None:
    site.plan("/robots.txt", reply(body=b"User-agent: *\nDisallow: /title.\n"))

    with pytest.raises(Disallowed):
        download()


def test_a_cancelled_download_ends_at_once_and_can_be_continued(
    site: FaultSite, connect: Connect, target: Path
) -> None:
    cancel = threading.Event()

    def stalls(connection: socket.socket, _: Seen) -> None:
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(CONTENT)}\r\nETag: {ETAG}\r\n\r\n".encode()
        connection.sendall(head + CONTENT[:300_000])
        site.stopping.wait()

    site.plan(PATH, stalls, serve())
    downloader = connect(read_timeout=600, request_deadline=600)

    def stop(present: int, _: int | None) -> None:
        if present == 300_000:
            cancel.set()

    with pytest.raises(Cancelled):
        downloader.download_file(site.url + PATH, target, max_requests=6, cancel=cancel, progress=stop)
    done = downloader.download_file(site.url + PATH, target, max_requests=6, cancel=threading.Event())

    assert (done.resumed_at, target.read_bytes()) == (300_000, CONTENT)


def test_a_large_file_may_take_longer_than_a_page(site: FaultSite, download: Download, target: Path) -> None:
    pieces = 12

    def slow(connection: socket.socket, _: Seen) -> None:
        connection.sendall(f"HTTP/1.1 200 OK\r\nContent-Length: {pieces * len(CONTENT)}\r\n\r\n".encode())
        for _piece in range(pieces):
            connection.sendall(CONTENT)
            site.stopping.wait(0.1)

    site.plan(PATH, slow)

    done = download(network={"request_deadline": 0.9})  # the file takes 1.2 seconds at least

    assert done.size == target.stat().st_size == pieces * len(CONTENT)


def test_a_drip_ends_with_the_deadline(site: FaultSite, download: Download) -> None:
    site.plan(PATH, site.drip(CONTENT))

    with pytest.raises(Transient, match=r"not complete after 0\.4 s"):
        download(network={"request_deadline": 0.4}, max_requests=1)


def test_a_folder_that_does_not_exist_is_an_error_of_the_disk(
    site: FaultSite, connect: Connect, cancel: threading.Event, tmp_path: Path
) -> None:
    site.plan(PATH, serve())
    missing = tmp_path / "missing" / "file"

    with pytest.raises(FileNotFoundError):
        connect().download_file(site.url + PATH, missing, max_requests=3, cancel=cancel)

    assert site.count()[PATH] == 1


def test_a_full_disk_is_an_error_of_the_disk(site: FaultSite, download: Download, target: Path) -> None:
    site.plan(PATH, serve())
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (600_000, before[1]))
    try:
        with pytest.raises(OSError, match=os.strerror(errno.EFBIG)):
            download()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)
    assert not target.exists()
    assert site.count()[PATH] == 1

    done = download()  # there is room again

    assert done.resumed_at > 0
    assert target.read_bytes() == CONTENT

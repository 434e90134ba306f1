"""The network from outside: what odd sites cost, and that passwords in addresses are sent and not shown."""

from __future__ import annotations

import base64
import re
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from infrastructure.demo.process import DemoProcess
from tests.e2e.conftest import Program
from tests.support.demo_control import DemoControl
from tests.support.fault_site import FaultSite, Seen, reply

EPOCH = "1767225600"  # the moment at which everything is read
USER_INFO = "anna:s3cr3tw%C3%B6rd"
FORMS = ("s3cr3t", base64.b64encode("anna:s3cr3twörd".encode()).decode())


@pytest.fixture
def odd_site(site: DemoProcess) -> Iterator[FaultSite]:
    """The demo site behind odd HTTP: each address first answers 206 with a part, then after a 103 with all of it."""
    asked: Counter[str] = Counter()
    lock = threading.Lock()

    def answer(connection: socket.socket, seen: Seen) -> None:
        page = requests.get(site.url + seen.path, timeout=20)
        with lock:
            asked[seen.path] += 1
            first = asked[seen.path] == 1
        if first and seen.path.startswith("/title/"):
            part = {"Content-Range": f"bytes 0-4999/{len(page.content)}"}
            reply(206, page.content[:5000], part)(connection, seen)
            return
        connection.sendall(b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n")
        headers = {f"X-{number}": "v" for number in range(150)}
        reply(page.status_code, page.content, headers | {"Content-Encoding": "none"})(connection, seen)

    with FaultSite() as odd:
        odd.plan("*", answer)
        odd.plan("/robots.txt", reply(404, b""))
        yield odd


@pytest.mark.long
def test_a_site_that_sends_parts_first_gives_whole_titles(
    odd_site: FaultSite, program: Program, tmp_path: Path
) -> None:
    program.run("--limit", "12", DETAIL_SOURCE="page", SOURCE_DATE_EPOCH=EPOCH, BASE_URL=odd_site.url)
    straight = Program(tmp_path / "straight" / "data", program.environment)
    straight.data_dir.parent.mkdir()
    straight.run("--limit", "12", DETAIL_SOURCE="page", SOURCE_DATE_EPOCH=EPOCH)

    assert len(straight.table("credits")) > 100
    for table in ("credits", "people"):
        assert program.table(table) == straight.table(table)


@pytest.mark.long
def test_robots_txt_is_fetched_once_for_two_runs(program: Program, site: DemoProcess) -> None:
    with FaultSite() as counted:

        def answer(connection: socket.socket, seen: Seen) -> None:
            page = requests.get(site.url + seen.path, timeout=20)
            reply(page.status_code, page.content)(connection, seen)

        counted.plan("*", answer)
        counted.plan("/robots.txt", reply(body=b"User-agent: *\nDisallow: /find\n"))
        for _ in range(2):
            program.run("--limit", "2", DETAIL_SOURCE="page", BASE_URL=counted.url)

        assert counted.count()["/robots.txt"] == 1
        assert counted.count()["/chart/top/"] == 2


@pytest.mark.long
def test_user_information_is_sent_and_shown_nowhere(program: Program, odd_site: FaultSite) -> None:
    address = odd_site.url.replace("://", f"://{USER_INFO}@")
    run = program.run("--limit", "2", "--debug", "--log-file", "log.txt", BASE_URL=address)
    status = program.run("status", BASE_URL=address)

    expected = "Basic " + FORMS[1]
    assert {seen.headers.get("authorization") for seen in odd_site.seen} == {expected}
    written = [path.read_bytes() for path in program.data_dir.parent.rglob("*") if path.is_file()]
    shown = [run.stdout, run.stderr, status.stdout, status.stderr]
    for form in FORMS:
        assert not any(form.encode() in content for content in written)
        assert not any(form in text for text in shown)
    assert re.search(rb"127\.0\.0\.1:%d" % odd_site.port, (program.data_dir / "joblog.jsonl").read_bytes())


@pytest.mark.long
def test_posters_on_this_machine_are_not_requested_and_a_refusing_host_fails_its_own(
    program: Program, site: DemoProcess
) -> None:
    ids = DemoControl(site.url).ids()[:6]

    with FaultSite() as front, FaultSite("127.0.0.3") as hidden:
        moved = {ids[0]: f"{hidden.url}/admin?x=.jpg", ids[1]: "http://169.254.169.254/latest/meta-data.jpg"}

        def answer(connection: socket.socket, seen: Seen) -> None:
            if ids[2] in seen.path and seen.path.startswith("/images/"):
                reply(403, b"no")(connection, seen)
                return
            page = requests.get(site.url + seen.path, timeout=20)
            body = page.content
            if page.headers["Content-Type"].startswith("text/html"):
                text = body.decode()
                for imdb_id, address in moved.items():
                    text = re.sub(rf"{re.escape(site.url)}/images/[^\"<&]*{imdb_id}[^\"<&]*\.jpg", address, text)
                body = text.replace(site.url, front.url).encode()
            reply(page.status_code, body, {"Content-Type": page.headers["Content-Type"]})(connection, seen)

        front.plan("*", answer)
        program.run("--limit", "6", DETAIL_SOURCE="page", BASE_URL=front.url)
        posters = program.run("posters", code=1, BASE_URL=front.url)

        assert hidden.seen == []
        stored = {row["imdb_id"]: row["poster_url"] for row in program.table("movies")}
        assert stored[ids[0]].startswith(hidden.url)

    files = [path.name for path in (program.data_dir / "posters").rglob("tt*.jpg")]
    expected = {imdb_id for imdb_id, address in stored.items() if address and imdb_id not in ids[:3]}
    assert expected
    assert {imdb_id for imdb_id in ids if any(name.startswith(imdb_id) for name in files)} == expected
    assert "127.0.0.3 is not a public address" in posters.stdout + posters.stderr

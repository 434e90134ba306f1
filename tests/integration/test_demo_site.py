"""The demo site as others meet it: a process of its own, sockets, faults one by one."""

from __future__ import annotations

import gzip
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest
import requests

from domain.chart import ChartName
from domain.errors import UsageError
from domain.movie import Movie
from infrastructure.demo.catalogue import DemoCatalogue
from infrastructure.demo.process import DemoOptions, DemoProcess
from infrastructure.scraper.chart_page import parse_chart
from infrastructure.scraper.graphql import HEADERS, read_response, titles_query
from infrastructure.scraper.graphql_titles import TitleNode, read_titles, to_title
from infrastructure.scraper.title_fields import CORE_FIELDS
from infrastructure.scraper.title_page import parse_title
from tests.support.demo_control import DemoControl
from tests.support.demo_movies import movie_of, without

ROOT = Path(__file__).resolve().parents[2]
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
OPTIONS = DemoOptions(count=250, page_kb=60)


@pytest.fixture(scope="module")
def process() -> Iterator[DemoProcess]:
    with DemoProcess(OPTIONS) as started:
        yield started


@pytest.fixture
def control(process: DemoProcess) -> Iterator[DemoControl]:
    control = DemoControl(process.url)
    control.faults([])
    control.reset()
    yield control
    control.faults([])


@pytest.fixture
def visitor() -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        yield session


@pytest.fixture
def address(process: DemoProcess, control: DemoControl) -> str:
    return f"{process.url}/title/{control.ids()[0]}/"


def eventually(condition: Callable[[], bool], seconds: float = 10) -> bool:
    """Whether the condition comes true in time; looks often rather than sleeping once."""
    deadline = time.monotonic() + seconds
    while not (held := condition()) and time.monotonic() < deadline:
        threading.Event().wait(0.02)
    return held


def ended(pid: int) -> bool:
    """Whether the process runs no more; in a container nobody may have buried it."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


# --- well-behaved ------------------------------------------------------------------


def damaged(movie: Movie) -> set[str]:
    """The texts that hold a character which no store can take."""
    return {name for name in ("title", "original_title", "plot") if "\ufffd" in (getattr(movie, name) or "")}


@pytest.mark.long
def test_every_title_reads_back_as_what_it_is(process: DemoProcess, visitor: requests.Session) -> None:
    catalogue = DemoCatalogue(OPTIONS.seed, OPTIONS.count)
    for title in catalogue.chart(ChartName.TOP250):
        answer = visitor.get(f"{process.url}/title/{title.listed_id}/")
        read = parse_title(answer.content, imdb_id=title.listed_id, scraped_at=NOW, final_url=answer.url)
        expected = replace(movie_of(title, process.url, NOW), incomplete=tuple(sorted(read.cut)))
        assert without(read.movie, read.untold) == without(expected, read.untold)
        assert not read.untold & CORE_FIELDS
        assert read.cut == damaged(read.movie)


_FIRST_ENTRIES = 250


@pytest.mark.long
def test_every_title_reads_the_same_over_graphql(process: DemoProcess, visitor: requests.Session) -> None:
    titles = list(DemoCatalogue(OPTIONS.seed, OPTIONS.count).chart(ChartName.TOP250))
    for start in range(0, len(titles), 50):
        batch = titles[start : start + 50]
        ids = [title.listed_id for title in batch]
        answer = visitor.post(f"{process.url}/graphql", titles_query(ids).body(), headers=dict(HEADERS))
        for title, node in zip(batch, read_titles(read_response(answer.content), ids), strict=True):
            assert isinstance(node, TitleNode)
            read = to_title(node, scraped_at=NOW)
            expected = replace(movie_of(title, process.url, NOW), incomplete=tuple(sorted(read.cut)))
            bounded = {"keywords"} if len(expected.keywords) > _FIRST_ENTRIES else set()  # the query asks for so many
            expected = replace(expected, keywords=expected.keywords[:_FIRST_ENTRIES])
            assert without(read.movie, read.untold) == without(expected, read.untold)
            assert not read.untold & CORE_FIELDS
            assert read.cut == damaged(read.movie) | bounded


@pytest.mark.parametrize(
    ("path", "chart"),
    [("top", "top250"), ("toptv", "toptv"), ("moviemeter", "moviemeter"), ("bottom", "bottom100")],
)
def test_every_chart_reads_back_whole(process: DemoProcess, visitor: requests.Session, path: str, chart: str) -> None:
    titles = DemoCatalogue(OPTIONS.seed, OPTIONS.count).chart(ChartName(chart))
    entries = parse_chart(visitor.get(f"{process.url}/chart/{path}/").content)
    assert [(entry.rank, entry.imdb_id) for entry in entries] == [
        (rank, title.listed_id) for rank, title in enumerate(titles, 1)
    ]


def test_plain_and_gzipped_pages_are_the_same(visitor: requests.Session, address: str) -> None:
    packed = visitor.get(address, headers={"Accept-Encoding": "gzip"})
    bare = visitor.get(address, headers={"Accept-Encoding": "identity"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in bare.headers
    assert packed.content == bare.content
    assert "Content-Encoding" not in visitor.get(address, headers={"Accept-Encoding": "gzip;q=0"}).headers


def test_a_moved_title_redirects_to_where_it_is(process: DemoProcess, visitor: requests.Session) -> None:
    moved = next(t for t in DemoCatalogue(OPTIONS.seed, OPTIONS.count).chart(ChartName.TOP250) if t.moved)
    answer = visitor.get(f"{process.url}/title/{moved.listed_id}/")
    assert [step.status_code for step in answer.history] == [301]
    assert answer.url == f"{process.url}/title/{moved.imdb_id}/"


def test_addresses_without_a_slash_gain_one(visitor: requests.Session, process: DemoProcess, address: str) -> None:
    assert visitor.get(address[:-1]).url == address
    assert visitor.get(f"{process.url}/chart/top").url == f"{process.url}/chart/top/"


@pytest.mark.parametrize("path", ["/title/tt0000000/", "/title/tt1/", "/name/nm0000001/", "/images/M/tt0000000.jpg"])
def test_what_is_not_there_is_404(visitor: requests.Session, process: DemoProcess, path: str) -> None:
    assert visitor.get(process.url + path).status_code == 404


def test_robots_txt_leaves_titles_and_charts_open(visitor: requests.Session, process: DemoProcess) -> None:
    from protego import Protego

    rules = Protego.parse(visitor.get(f"{process.url}/robots.txt").text)
    assert rules.can_fetch("/chart/top/", "anybody")
    assert rules.can_fetch("/title/tt1234567/", "anybody")
    assert not rules.can_fetch("/find?q=x", "anybody")


def test_head_has_the_length_and_no_body(visitor: requests.Session, address: str) -> None:
    told = visitor.head(address)
    assert told.content == b""
    assert int(told.headers["Content-Length"]) > 1000
    assert visitor.get(address).status_code == 200  # over the same connection


def test_posters_are_where_pages_say(visitor: requests.Session, process: DemoProcess, control: DemoControl) -> None:
    title = next(DemoCatalogue(OPTIONS.seed, OPTIONS.count).chart(ChartName.TOP250))
    url = movie_of(title, process.url, NOW).poster_url
    assert url is not None
    answer = visitor.get(url)
    assert answer.headers["Content-Type"] == "image/jpeg"
    assert answer.content[:3] == b"\xff\xd8\xff"
    assert visitor.get(url, headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304


def test_what_is_no_http_is_answered_400(process: DemoProcess) -> None:
    host, _, port = process.url.removeprefix("http://").partition(":")
    for nonsense in (b"hello\r\n\r\n", b"GET / SPDY/9\r\n\r\n", b"GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n"):
        with socket.create_connection((host, int(port)), timeout=5) as connection:
            connection.sendall(nonsense)
            assert connection.recv(100).startswith(b"HTTP/1.1 400 ")


# --- the log -----------------------------------------------------------------------


def test_the_log_counts(process: DemoProcess, control: DemoControl, address: str) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: requests.get(address, timeout=5), range(8)))
    requests.get(f"{process.url}/nowhere", timeout=5, headers={"User-Agent": "somebody"})
    log = control.log(visits=True)
    assert log["total"] == 9
    assert log["paths"] == {address.removeprefix(process.url): 8, "/nowhere": 1}
    assert log["clients"] == {"127.0.0.1": 9}
    assert log["statuses"] == {"200": 8, "404": 1}
    assert log["visits"][-1]["agent"] == "somebody"
    assert [visit["at"] for visit in log["visits"]] == sorted(visit["at"] for visit in log["visits"])
    control.reset()
    assert control.log()["total"] == 0


def test_peak_concurrency_is_seen() -> None:
    with DemoProcess(DemoOptions(count=1, page_kb=0, latency=0.3)) as site, ThreadPoolExecutor(5) as pool:
        list(pool.map(lambda _: requests.get(f"{site.url}/robots.txt", timeout=5), range(5)))
        assert DemoControl(site.url).log()["peak_concurrency"] == 5


# --- misbehaviour ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "status", "headers", "body"),
    [
        ("title=503", 503, {}, b"503"),
        ("title=429:7", 429, {"Retry-After": r"7"}, b""),
        ("title=429:date+9", 429, {"Retry-After": r"\w{3}, \d\d \w{3} \d{4} [\d:]{8} GMT"}, b""),
        ("title=403", 403, {}, b"403 Forbidden"),
        ("title=404", 404, {}, b""),
        ("title=410", 410, {}, b""),
        ("title=challenge", 202, {"x-amzn-waf-action": "challenge", "Content-Length": "0"}, b""),
        ("title=challenge-page", 202, {"x-amzn-waf-action": "challenge"}, b"gokuProps"),
        ("title=challenge-page:405", 405, {"x-amzn-waf-action": "challenge"}, b"gokuProps"),
        ("title=empty", 200, {"Content-Length": "0"}, b""),
        ("title=garbage", 200, {}, b"without any title data"),
        ("title=redirect:http://elsewhere.invalid/x", 302, {"Location": r"http://elsewhere\.invalid/x"}, b""),
        ("title=drip:500000", 200, {}, b"__NEXT_DATA__"),
        ("title=slow:0.01", 200, {}, b"__NEXT_DATA__"),
    ],
)
def test_wrong_answers(
    control: DemoControl, visitor: requests.Session, address: str, fault: str, status: int,
    headers: dict[str, str], body: bytes,
) -> None:  # fmt: skip
    control.faults([f"{fault}x1"])
    answer = visitor.get(address, allow_redirects=False, timeout=5)
    assert answer.status_code == status
    for name, pattern in headers.items():
        assert re.fullmatch(pattern, answer.headers[name])
    assert body in answer.content
    again = visitor.get(address, timeout=5)
    assert again.status_code == 200
    assert b"__NEXT_DATA__" in again.content


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("cut", requests.exceptions.ChunkedEncodingError),
        ("cut:0", requests.exceptions.ChunkedEncodingError),
        ("reset", requests.exceptions.ConnectionError),
        ("reset:500", requests.exceptions.ChunkedEncodingError),
        ("hang", requests.exceptions.ReadTimeout),
    ],
)
def test_broken_answers(
    control: DemoControl, visitor: requests.Session, address: str, fault: str, error: type[Exception]
) -> None:
    control.faults([f"title={fault}x1"])
    with pytest.raises(error):
        visitor.get(address, timeout=1 if fault == "hang" else 5)
    assert visitor.get(address, timeout=5).status_code == 200


def test_a_drip_does_not_end_soon(control: DemoControl, address: str) -> None:
    control.faults(["title=drip:100x1"])
    with requests.get(address, timeout=5, stream=True) as answer:
        first = next(answer.raw.stream(10, decode_content=False))
        assert len(first) == 10
    assert eventually(lambda: control.log()["faults"] == {"drip": 1})  # it notices that we left


def test_the_page_of_another_title(control: DemoControl, visitor: requests.Session, address: str) -> None:
    other = control.ids()[7]
    control.faults([f"title=wrong-title:{other}"])
    assert f'"tconst":"{other}"'.encode() in visitor.get(address).content


def test_a_visitor_is_blocked_after_so_many_titles(
    control: DemoControl, visitor: requests.Session, process: DemoProcess
) -> None:
    control.faults(["title=challenge@3/client"])
    statuses = [visitor.get(f"{process.url}/title/{imdb_id}/").status_code for imdb_id in control.ids()[:5]]
    assert statuses == [200, 200, 200, 202, 202]
    assert visitor.get(f"{process.url}/chart/top/").status_code == 200


def test_graphql_loses_a_title(control: DemoControl, visitor: requests.Session, process: DemoProcess) -> None:
    control.faults(["graphql=graphql-partialx1"])
    body = titles_query(control.ids()[:3]).body()
    content = visitor.post(process.url, body, headers=dict(HEADERS)).json()
    assert [title is None for title in content["data"]["titles"]] == [True, False, False]
    assert content["errors"][0]["path"] == ["titles", 0]
    assert "errors" not in visitor.post(process.url, body, headers=dict(HEADERS)).json()


def test_graphql_fails(control: DemoControl, visitor: requests.Session, process: DemoProcess) -> None:
    control.faults(["graphql=graphql-errors"])
    answer = visitor.post(process.url, titles_query(["tt7654321"]).body(), headers=dict(HEADERS))
    assert answer.status_code == 200
    assert answer.json()["errors"][0]["message"] == "Internal server error"


def test_graphql_demands_a_header_a_small_body_or_a_registered_query(
    control: DemoControl, visitor: requests.Session, process: DemoProcess
) -> None:
    query = titles_query(["tt7654321"])
    small, registered = query.body(), query.body(digest=True)
    bare = {"Referer": "https://www.imdb.com/", "Content-Type": "application/json"}

    def status(fault: str, body: bytes, **headers: str) -> int:
        control.faults([f"graphql={fault}"])
        return visitor.post(process.url, body, headers={**bare, **headers}).status_code

    assert status("graphql-needs:origin", small) == 403
    assert status("graphql-needs:origin", small, Origin="https://www.imdb.com") == 200
    assert status("graphql-needs:x-imdb-client-name", small) == 403
    assert status(f"graphql-small:{len(small)}", small) == 200
    assert status(f"graphql-small:{len(small) - 1}", small) == 403
    assert status("graphql-registered", small) == 400
    assert status("graphql-registered", registered) == 200


def test_faults_can_be_given_at_the_start() -> None:
    with DemoProcess(DemoOptions(count=3, page_kb=0, faults=("chart=503x1",))) as site:
        path = f"{site.url}/chart/top/"
        assert [requests.get(path, timeout=5).status_code for _ in range(2)] == [503, 200]


def test_a_fault_that_is_none_is_refused_and_changes_nothing(
    control: DemoControl, visitor: requests.Session, address: str
) -> None:
    control.faults(["title=404"])
    with pytest.raises(ValueError, match="explode"):
        control.faults(["title=explode"])
    assert visitor.get(address).status_code == 404


def test_a_test_can_replace_a_response(control: DemoControl, visitor: requests.Session, process: DemoProcess) -> None:
    path = f"/images/M/{control.ids()[0]}@._V1_UX100_.jpg"
    proper = visitor.get(process.url + path)
    control.replace(path, b"<svg/>", "image/svg+xml")
    answer = visitor.get(process.url + path)
    assert (answer.content, answer.headers["Content-Type"]) == (b"<svg/>", "image/svg+xml")
    control.reset()
    assert visitor.get(process.url + path).content == proper.content


@pytest.mark.parametrize(
    ("fault", "problem"),
    [
        ("dataset-truncated", "end-of-stream"),
        ("dataset-html", "Not a gzipped file"),
        ("dataset-utf8", "invalid start byte"),
    ],
)
def test_a_data_file_that_cannot_be_read(
    control: DemoControl, visitor: requests.Session, process: DemoProcess, fault: str, problem: str
) -> None:
    url = f"{process.url}/datasets/title.ratings.tsv.gz"
    proper = visitor.get(url).content
    control.faults([f"dataset={fault}x1"])
    with pytest.raises((EOFError, OSError, UnicodeDecodeError), match=problem):
        gzip.decompress(visitor.get(url).content).decode()
    assert visitor.get(url).content == proper


def test_a_data_file_with_wrong_rows(control: DemoControl, visitor: requests.Session, process: DemoProcess) -> None:
    url = f"{process.url}/datasets/title.ratings.tsv.gz"

    def lines(fault: str = "") -> list[str]:
        control.faults([f"dataset={fault}"] if fault else [])
        return gzip.decompress(visitor.get(url).content).decode().splitlines()

    proper = lines()
    assert lines("dataset-header")[0] == proper[0].replace("tconst", "tkonst")
    assert lines("dataset-short-row")[2] == proper[2].rpartition("\t")[0]
    assert sorted(lines("dataset-duplicates")) == sorted((*proper, *proper[1:4]))
    control.faults([])
    today = visitor.get(url).headers["ETag"]
    control.faults(["dataset=dataset-old"])
    assert visitor.get(url).headers["ETag"] == today  # the first day has no day before


# --- the process -------------------------------------------------------------------


def test_it_does_not_depend_on_the_current_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with DemoProcess(DemoOptions(count=1, page_kb=0)) as site:
        assert requests.get(f"{site.url}/robots.txt", timeout=5).status_code == 200
    assert list(tmp_path.iterdir()) == []


def test_two_processes_serve_the_same_pages() -> None:
    options = DemoOptions(count=40, page_kb=0, public_url="http://demo.invalid")
    with DemoProcess(options) as one, DemoProcess(options) as other:
        for imdb_id in DemoControl(one.url).ids():
            path = f"/title/{imdb_id}/"
            assert requests.get(one.url + path, timeout=5).content == requests.get(other.url + path, timeout=5).content


def test_it_is_gone_after_stop() -> None:
    site = DemoProcess(DemoOptions(count=1, page_kb=0))
    with requests.get(f"{site.url}/robots.txt", timeout=5):  # a connection is still open
        site.stop()
    assert not psutil.pid_exists(site.pid)
    site.stop()


def test_a_port_that_is_taken_is_said_and_leaves_nothing_behind() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        before = {child.pid for child in psutil.Process().children()}
        with pytest.raises(UsageError, match=r"(?i)in use"):
            DemoProcess(DemoOptions(port=taken.getsockname()[1], count=1, page_kb=0))
        assert {child.pid for child in psutil.Process().children()} <= before


def test_a_fault_that_cannot_be_is_said_at_the_start() -> None:
    with pytest.raises(UsageError, match="explode"):
        DemoProcess(DemoOptions(count=1, page_kb=0, faults=("title=explode",)))


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_ctrl_c_leaves_it_running(process: DemoProcess, control: DemoControl) -> None:
    os.kill(process.pid, signal.SIGINT)
    assert os.getsid(process.pid) != os.getsid(0)
    assert control.log()["total"] == 0


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
def test_it_ends_with_its_parent_even_on_kill_9() -> None:
    program = (
        "import sys, time\n"
        "from infrastructure.demo.process import DemoOptions, DemoProcess\n"
        "site = DemoProcess(DemoOptions(count=1, page_kb=0))\n"
        "print(site.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert psutil.pid_exists(child)
        parent.kill()
    assert eventually(lambda: ended(child))


@pytest.mark.long
def test_250_real_size_pages_fit_into_little_memory() -> None:
    with DemoProcess(DemoOptions(count=250, page_kb=1600)) as site:
        for imdb_id in DemoControl(site.url).ids()[::10]:
            assert len(requests.get(f"{site.url}/title/{imdb_id}/", timeout=5).content) > 1_500_000
        assert psutil.Process(site.pid).memory_info().rss < 150 * 1024 * 1024

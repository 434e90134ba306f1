"""Saved files: each kind by its content, titles with their ranks, and when a page was fetched."""

from __future__ import annotations

import gzip
import json
import os
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.chart import ChartName
from domain.errors import Cancelled, InvalidMovie, NotATitlePage, SourceError, UsageError
from infrastructure.scraper.containers import UnreadableFile
from infrastructure.scraper.saved_pages import (
    BlockedPage,
    ChartPage,
    FileTitleSource,
    chart_to_rank_by,
    find_documents,
    read_document,
    read_title,
    saved_at,
)
from shared.clock import FixedClock
from tests.support.site_shapes import graphql_title, page_of, title_page

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
CHALLENGE = b"<html><script>window.gokuProps = {};</script><script src='x/challenge.js'></script></html>"
SERVED = "2025-06-01T10:20:30.400Z"


def chart_page(*ids: str, path: str = "/chart/top", served: str = SERVED) -> bytes:
    edges = [{"currentRank": rank, "node": {"id": imdb_id}} for rank, imdb_id in enumerate(ids, 1)]
    props: dict[str, Any] = {
        "pageData": {"chartTitles": {"edges": edges}},
        "requestContext": {"timestamp": served},
    }
    return page_of({"props": {"pageProps": props}, "page": path})


def bare_data(page: bytes) -> bytes:
    """The ``__NEXT_DATA__`` of a page without the page."""
    return page.split(b'<script id="__NEXT_DATA__">')[1].split(b"</script>")[0]


TITLE = title_page(graphql_title("tt0000001"))
IMPOSSIBLE = title_page(graphql_title("tt0000001", titleText={"text": " "}))
TORN_TITLE = b'<html><head><link rel="canonical" href="https://www.imdb.com/title/tt0000001/"/></head></html>'
KINDS = [
    (TITLE, None),
    (bare_data(TITLE), None),
    (b"\xef\xbb\xbf" + TITLE, None),
    (TITLE.decode().encode("utf-16"), None),
    (IMPOSSIBLE, None),
    (chart_page("tt0000001"), ChartPage),
    (bare_data(chart_page("tt0000001")), ChartPage),
    (chart_page("tt0000001", path="/chart/boxoffice"), ChartPage),
    (CHALLENGE, BlockedPage),
    (b"<html><head><title>403 Forbidden</title></head></html>", BlockedPage),
    (page_of({"props": {}, "page": "/name/[nconst]"}), NotATitlePage),
    (b"<html><body>A recipe</body></html>", NotATitlePage),
    (b"User-agent: *\nDisallow: /find\n", UnreadableFile),
    (b'{"data": {"title": {"id": "tt0000001"}}}', NotATitlePage),
    (b"[1, 2, 3]", NotATitlePage),
    (b"", UnreadableFile),
    (b" \r\n", UnreadableFile),
    (b"SQLite format 3\0\x10\0\x01", UnreadableFile),
    (bare_data(TITLE)[:-40], UnreadableFile),
    (TORN_TITLE, UnreadableFile),
]


def refusal(body: bytes) -> type[SourceError] | None:
    """Of which class the error is that refuses to read a document as a title."""
    try:
        read_title(body, scraped_at=NOW)
    except SourceError as error:
        return type(error)
    except InvalidMovie:
        pass  # a title with impossible values is still a title
    return None


@pytest.mark.parametrize(("body", "error"), KINDS)
def test_a_file_is_known_by_its_content(body: bytes, error: type[SourceError] | None) -> None:
    assert refusal(body) is error


@given(st.one_of(st.binary(), st.sampled_from([body for body, _ in KINDS]), st.text().map(str.encode)), st.data())
def test_any_content_is_of_some_kind(body: bytes, data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(body)))
    assert refusal(body[:cut]) in (None, ChartPage, BlockedPage, NotATitlePage, UnreadableFile)


def source(**settings: Any) -> FileTitleSource:
    return FileTitleSource(FixedClock(NOW), **settings)


def read(path: Path, **settings: Any) -> Any:
    return source(**settings).title(str(path), max_requests=0, cancel=threading.Event())


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize("name", ["page.html", "page.html.gz", "page"])
def test_a_title_is_read_whatever_the_file_is_called(tmp_path: Path, packed: bool, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(gzip.compress(TITLE) if packed else TITLE)
    title = read(path, ranks={"tt0000001": 7})
    assert (title.movie.imdb_id, title.movie.rank, title.source) == ("tt0000001", 7, "file")
    assert (title.cut, title.requests, title.size) == (frozenset(), 0, path.stat().st_size)


def test_a_title_outside_the_chart_has_no_rank(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_bytes(TITLE)
    assert read(path, ranks={"tt0000002": 1}).movie.rank is None
    assert read(path).movie.rank is None


@pytest.mark.parametrize(
    ("body", "error", "said"),
    [
        (chart_page("tt0000001", "tt0000002"), ChartPage, "a chart of 2 titles"),
        (CHALLENGE, BlockedPage, "challenge"),
        (b"<html><body>A recipe</body></html>", NotATitlePage, "not recognised"),
        (b"", UnreadableFile, "empty"),
        (gzip.compress(TITLE, mtime=0)[:-20], UnreadableFile, "damaged"),
        (b"\x1f\x8b\x08\x00garbage", UnreadableFile, "damaged"),
        (gzip.compress(b"x" * 5000, mtime=0), UnreadableFile, "larger than 4,000 bytes"),
        (b"x" * 5000, UnreadableFile, "larger than 4,000 bytes"),
    ],
)
def test_anything_else_is_an_error_that_says_what_it_is(
    tmp_path: Path, body: bytes, error: type[SourceError], said: str
) -> None:
    path = tmp_path / "page.html.gz"
    path.write_bytes(body)
    with pytest.raises(error, match=said) as caught:
        read(path, max_bytes=4000)
    assert type(caught.value) is error
    assert not caught.value.retry


@pytest.mark.parametrize("name", ["missing.html", "folder", "nul\0.html"])
def test_what_cannot_be_opened_is_unreadable(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(UnreadableFile, match="cannot be read"):
        read(tmp_path / name)


def test_impossible_values_are_told_as_such(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_bytes(IMPOSSIBLE)
    with pytest.raises(InvalidMovie, match="title is empty"):
        read(path)


def test_cancelled_reads_nothing(tmp_path: Path) -> None:
    cancel = threading.Event()
    cancel.set()
    with pytest.raises(Cancelled):
        source().title(str(tmp_path / "missing.html"), max_requests=0, cancel=cancel)
    with pytest.raises(Cancelled):
        chart_to_rank_by([str(tmp_path / "missing.html")], cancel)


# --- when a page was fetched --------------------------------------------------------


def moment_of(path: Path, body: bytes, written: datetime = NOW) -> datetime:
    path.write_bytes(body)
    os.utime(path, (written.timestamp(), written.timestamp()))
    return saved_at(read_document(str(path)))


def near(moment: datetime, expected: datetime) -> bool:
    return timedelta(0) <= moment - expected < timedelta(milliseconds=1)


def test_a_page_was_fetched_when_it_was_served(tmp_path: Path) -> None:
    moment = moment_of(tmp_path / "a.html", chart_page("tt0000001"))
    assert near(moment, datetime(2025, 6, 1, 10, 20, 30, 400_000, tzinfo=UTC))


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"<html></html>", NOW),
        (b'{"requestContext": {"timestamp": "2025-99-99T10:20:30Z"}}', NOW),
        (b"<a>Copyright &copy;</a> 1990-2014 <a>Site</a>", datetime(2015, 1, 1, tzinfo=UTC)),
        ("© 1990-2019".encode(), datetime(2020, 1, 1, tzinfo=UTC)),
        (b'<td class="titleColumn">', datetime(2024, 1, 1, tzinfo=UTC)),
        (b"&copy; 1990-2031", NOW),
    ],
)
def test_an_older_page_was_fetched_when_it_was_written_but_not_after_its_own_year(
    tmp_path: Path, body: bytes, expected: datetime
) -> None:
    assert near(moment_of(tmp_path / "a.html", body), expected)


def test_two_copies_of_one_moment_are_told_apart_the_same_way_each_time(tmp_path: Path) -> None:
    one, two = (moment_of(tmp_path / name, b"<html></html>") for name in ("one.html", "two.html"))
    assert one != two
    assert one == moment_of(tmp_path / "one.html", b"<html></html>")


def test_a_movie_is_never_younger_than_now(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    later = TITLE.replace(b'"page":', b'"requestContext": {"timestamp": "2031-01-01T00:00:00.000Z"}, "page":')
    path.write_bytes(later)
    assert saved_at(read_document(str(path))) > NOW
    assert timedelta(0) <= NOW - read(path).movie.scraped_at < timedelta(milliseconds=1)


def test_two_copies_from_the_future_are_still_told_apart(tmp_path: Path) -> None:
    moments = set()
    for name in ("one.html", "two.html", "three.html"):
        moment_of(tmp_path / name, b"<html></html>", NOW + timedelta(days=9))
        moments.add(saved_at(read_document(str(tmp_path / name)), NOW))
    assert len(moments) == 3
    assert max(moments) <= NOW


# --- which files --------------------------------------------------------------------


def test_files_are_found_in_all_folders_in_sorted_order(tmp_path: Path) -> None:
    for name in ("b.html", "a/z.html.gz", "a/b/c.HTML", "c.txt", "d.html/x.html"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = [Path(key).relative_to(tmp_path).as_posix() for key in find_documents(tmp_path, "*.html*").keys]
    assert found == ["a/z.html.gz", "b.html", "d.html/x.html"]
    some = find_documents(tmp_path, "c.*")
    assert ([Path(key).name for key in some.keys], some.passed_over) == (["c.HTML"], {"files that are no pages": 1})
    assert find_documents(tmp_path, "*.pdf").keys == ()


@pytest.mark.parametrize(("folder", "pattern"), [("missing", "*"), ("file", "*"), (".", ""), (".", "/etc/*")])
def test_a_folder_or_pattern_that_cannot_be_is_refused(tmp_path: Path, folder: str, pattern: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError):
        find_documents(tmp_path / folder, pattern)


# --- charts first -------------------------------------------------------------------


def folder(tmp_path: Path, **files: bytes) -> list[str]:
    for name, body in files.items():
        (tmp_path / name).write_bytes(body)
    return sorted(map(str, tmp_path.iterdir()))


def test_a_folder_without_a_chart_gives_no_ranks(tmp_path: Path) -> None:
    paths = folder(tmp_path, a=TITLE, b=CHALLENGE, c=gzip.compress(TITLE)[:-9], d=b"")
    assert chart_to_rank_by(paths, threading.Event()) is None


def test_the_newest_edition_gives_the_ranks(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    old = chart_page("tt0000001", "tt0000002", served="2024-01-01T00:00:00.000Z")
    new = chart_page("tt0000002", "tt0000001", served="2025-01-01T00:00:00.000Z")
    paths = folder(tmp_path, a=old, b=gzip.compress(new), c=old, d=TITLE)
    chosen = chart_to_rank_by(paths, threading.Event())
    assert chosen is not None
    assert (Path(chosen.key).name, chosen.chart) == ("b", ChartName.TOP250)
    assert chosen.ranks == {"tt0000002": 1, "tt0000001": 2}
    assert "2 other charts are not used" in caplog.text


def test_one_kind_of_chart_gives_the_ranks(tmp_path: Path) -> None:
    meter = chart_page("tt0000003", path="/chart/moviemeter", served="2026-01-01T00:00:00.000Z")
    office = chart_page("tt0000004", path="/chart/boxoffice", served="2026-01-01T00:00:00.000Z")
    paths = folder(tmp_path, a=meter, b=chart_page("tt0000001"), c=office)
    chosen, other = (chart_to_rank_by(keys, threading.Event()) for keys in (paths, [paths[0], paths[2]]))
    assert chosen is not None
    assert other is not None
    assert (chosen.ranks, other.ranks) == ({"tt0000001": 1}, {"tt0000003": 1})
    assert chart_to_rank_by(paths[2:], threading.Event()) is None


@pytest.mark.parametrize(
    ("head", "chart"),
    [
        ('<link rel="canonical" href="https://www.imdb.com/chart/toptv/"/>', ChartName.TOPTV),
        ('<link href="http://www.imdb.com/chart/top" rel="canonical">', ChartName.TOP250),
        ('<meta property="og:url" content="https://www.imdb.com/chart/bottom/?x=1"/>', ChartName.BOTTOM100),
    ],
)
def test_a_chart_is_known_by_its_address(tmp_path: Path, head: str, chart: ChartName) -> None:
    items = json.dumps({"itemListElement": [{"item": {"url": "https://www.imdb.com/title/tt0000001/"}}]})
    body = f'<html><head>{head}<script type="application/ld+json">{items}</script></head></html>'
    chosen = chart_to_rank_by(folder(tmp_path, a=body.encode()), threading.Event())
    assert chosen is not None
    assert chosen.chart is chart

"""One title page in each form in which people save pages: all of them give the same record."""

from __future__ import annotations

import base64
import gzip
import html
import io
import json
import quopri
import re
import threading
import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Final

import pytest
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from domain.errors import NotATitlePage, SourceError
from domain.movie import Movie
from infrastructure.scraper.containers import UnreadableFile
from infrastructure.scraper.saved_pages import FileTitleSource, find_documents, read_document
from shared.clock import FixedClock
from tests.support.site_shapes import graphql_title, title_page

NOW: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)
ID: Final = "tt0000001"
URL: Final = f"https://www.imdb.com/title/{ID}/"
PAGE: Final = title_page(graphql_title(ID))
FRAME: Final = b"<html><body><div>an advertisement</div></body></html>"


def browser(folder: Path) -> None:
    (folder / "Ferry (1961) - IMDb.htm").write_bytes(PAGE)
    parts = folder / "Ferry (1961) - IMDb_files"
    parts.mkdir()
    (parts / "saved_resource.html").write_bytes(FRAME)
    (parts / "style.css").write_bytes(b"h1 {}")


def mhtml_message() -> bytes:
    message = EmailMessage()
    message["From"] = "<Saved by Blink>"
    message["Snapshot-Content-Location"] = URL
    message["Date"] = "Sat, 28 Feb 2026 10:00:00 +0000"
    message.set_content(PAGE, maintype="text", subtype="html", cte="quoted-printable")
    message.make_related()
    message.add_related(FRAME, maintype="text", subtype="html", cte="quoted-printable")
    message.add_related(b"\x89PNG", maintype="image", subtype="png")
    return b"MIME-Version: 1.0\n" + message.as_bytes().replace(b"MIME-Version: 1.0\n", b"")


def mhtml(folder: Path) -> None:
    (folder / "ferry.mhtml").write_bytes(mhtml_message())


def warc_records(*, packed: bool) -> bytes:
    out = io.BytesIO()
    writer = WARCWriter(out, gzip=packed)
    for url, body, kind in (
        ("https://www.imdb.com/robots.txt", b"User-agent: *", "text/plain"),
        ("https://www.imdb.com/name/nm0000001/", FRAME, "text/html"),
        (URL, gzip.compress(PAGE), "text/html; charset=utf-8"),
    ):
        headers = [("Content-Type", kind)] + [("Content-Encoding", "gzip")] * body.startswith(b"\x1f\x8b")
        http = StatusAndHeaders("200 OK", headers, protocol="HTTP/1.1")
        writer.write_record(
            writer.create_warc_record(
                url, "response", payload=io.BytesIO(body), http_headers=http,
                warc_headers_dict={"WARC-Date": "2026-02-28T10:00:00Z"},
            )
        )  # fmt: skip
    return out.getvalue()


def warc(folder: Path) -> None:
    (folder / "crawl.warc").write_bytes(warc_records(packed=False))


def warc_gz(folder: Path) -> None:
    (folder / "crawl.warc.gz").write_bytes(warc_records(packed=True))


def har_log() -> bytes:
    def entry(url: str, mime: str, text: str, **more: str) -> dict[str, object]:
        content = {"mimeType": mime, "text": text, **more}
        return {
            "startedDateTime": "2026-02-28T10:00:00.000Z",
            "request": {"method": "GET", "url": url},
            "response": {"status": 200, "content": content},
        }

    return json.dumps(
        {
            "log": {
                "version": "1.2",
                "entries": [
                    entry("https://m.example/a.js", "text/javascript", "1"),
                    entry(URL, "text/html; charset=utf-8", base64.b64encode(PAGE).decode(), encoding="base64"),
                ],
            }
        }
    ).encode()


def har(folder: Path) -> None:
    (folder / "network.har").write_bytes(har_log())


def zipped(folder: Path) -> None:
    with zipfile.ZipFile(folder / "pages.zip", "w") as archive:
        archive.writestr("Ferry.html", gzip.compress(PAGE))
        archive.writestr("Ferry_files/frame.html", FRAME)
        archive.writestr("cover.jpg", b"\xff\xd8\xff")


def zipped_mhtml(folder: Path) -> None:
    with zipfile.ZipFile(folder / "pages.zip", "w") as archive:
        archive.writestr("ferry.mht", mhtml_message())


def in_zip(folder: Path, name: str, content: bytes) -> None:
    with zipfile.ZipFile(folder / "all.zip", "w") as archive:
        archive.writestr("notes.txt", "nothing")
        archive.writestr(name, content)


def zipped_warc(folder: Path) -> None:
    in_zip(folder, "crawl.warc.gz", warc_records(packed=True))


def zipped_har(folder: Path) -> None:
    in_zip(folder, "network", gzip.compress(har_log()))


def zip_in_zip(folder: Path) -> None:
    zipped(folder)
    in_zip(folder, "inner.zip", (folder / "pages.zip").read_bytes())
    (folder / "pages.zip").unlink()


def packed_zip(folder: Path) -> None:
    zipped(folder)
    (folder / "pages.zip").write_bytes(gzip.compress((folder / "pages.zip").read_bytes()))


def har_with_mark(folder: Path) -> None:
    (folder / "network.json").write_bytes(b"\xef\xbb\xbf" + har_log())


def mhtml_of_one_part(folder: Path) -> None:
    body = PAGE.decode().encode("cp1252")
    head = "From: <Saved by a browser>\r\nMIME-Version: 1.0\r\nContent-Type: text/html;\r\n\tcharset=windows-1252\r\n"
    encoded = quopri.encodestring(body)
    (folder / "ferry.mht").write_bytes(head.encode() + b"Content-Transfer-Encoding: quoted-printable\r\n\r\n" + encoded)


def mhtml_with_a_frame_first(folder: Path) -> None:
    message = EmailMessage()
    message["Snapshot-Content-Location"] = URL
    message.set_content(FRAME, maintype="text", subtype="html", cte="base64")
    message.make_related()
    message.add_related(PAGE, maintype="text", subtype="html", cte="base64", headers=[f"Content-Location: {URL}"])
    (folder / "ferry").write_bytes(b"MIME-Version: 1.0\n" + message.as_bytes().replace(b"MIME-Version: 1.0\n", b""))


def browser_in_german(folder: Path) -> None:
    (folder / "Fähre.html").write_bytes(PAGE)
    (folder / "Fähre-Dateien").mkdir()
    (folder / "Fähre-Dateien" / "anzeige.html").write_bytes(FRAME)


def parts_without_their_page(folder: Path) -> None:
    (folder / "ferry.html").write_bytes(PAGE)
    (folder / "Gone_files").mkdir()
    (folder / "Gone_files" / "saved_resource.html").write_bytes(FRAME)


def folder_that_only_looks_like_parts(folder: Path) -> None:
    (folder / "old_files").mkdir()
    (folder / "old_files" / "ferry.html").write_bytes(PAGE)


def packed(folder: Path) -> None:
    (folder / "ferry.html.gz").write_bytes(gzip.compress(PAGE))


def packed_har(folder: Path) -> None:
    (folder / "network.har.gz").write_bytes(gzip.compress(har_log()))


def view_source(folder: Path) -> None:
    head = '<html><head><meta name="color-scheme" content="light dark"></head><body><div></div><table><tbody>'
    rows = (
        '<tr><td class="line-number" value="1"></td><td class="line-content">'
        + re.sub("(&lt;/?[a-z]+)", r'<span class="html-tag">\1</span>', html.escape(line, quote=False))
        + "</td></tr>"
        for line in PAGE.decode().split("\n", 3)  # the last one is longer than any head of a file
    )
    (folder / "view-source_ferry.html").write_text(head + "".join(rows) + "</tbody></table></body></html>")


def wayback(folder: Path) -> None:
    address = f'<link rel="canonical" href="https://web.archive.org/web/20260228100000/{URL}">'
    (folder / "archived").write_bytes(address.encode() + PAGE)


FORMS: Final[list[Callable[[Path], None]]] = [
    browser, mhtml, warc, warc_gz, har, zipped, zipped_mhtml, packed, packed_har, wayback, zipped_warc, zipped_har,
    zip_in_zip, packed_zip, har_with_mark, mhtml_of_one_part, mhtml_with_a_frame_first, browser_in_german,
    parts_without_their_page, folder_that_only_looks_like_parts, view_source,
]  # fmt: skip


def movies(folder: Path) -> list[Movie]:
    source = FileTitleSource(FixedClock(NOW))
    keys = find_documents(folder).keys
    return [source.title(key, cancel=threading.Event()).movie for key in keys]


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.__name__)
def test_each_form_gives_the_title_once(tmp_path: Path, form: Callable[[Path], None]) -> None:
    (plain := tmp_path / "plain").mkdir()
    (plain / "page.html").write_bytes(PAGE)
    (saved := tmp_path / "saved").mkdir()
    form(saved)
    (expected,), (found,) = movies(plain), movies(saved)
    assert replace(found, scraped_at=NOW) == replace(expected, scraped_at=NOW)


@pytest.mark.parametrize("form", [mhtml, warc, warc_gz, har, wayback], ids=lambda form: form.__name__)
def test_a_form_that_says_when_the_page_was_fetched_is_believed(tmp_path: Path, form: Callable[[Path], None]) -> None:
    form(tmp_path)
    (movie,) = movies(tmp_path)
    assert movie.scraped_at.replace(microsecond=0) == datetime(2026, 2, 28, 10, tzinfo=UTC)


def test_what_is_passed_over_is_counted(tmp_path: Path) -> None:
    for form in (browser, warc, har, zipped):
        form(tmp_path)
    (tmp_path / "notes.txt").write_text("nothing")
    assert find_documents(tmp_path).passed_over == {
        "parts of pages saved by a browser": 3,
        "files that are no pages": 2,
        "records that are no title or chart page": 3,
    }


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.zip", b"PK\x03\x04 and no more", "the zip file is damaged"),
        ("a.warc", b"WARC/1.0\r\n", "no title or chart page is in this warc file"),
        ("a.har", b'{"log": {"entries": 5}}', "the har file is damaged"),
        ("a.mhtml", b"MIME-Version: 1.0\nContent-Type: multipart/related; boundary=x\n\n--x--\n", "holds no page"),
        ("a.html", b"", "the file is empty"),
    ],
)
def test_a_damaged_container_is_named(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SourceError, match=said):
        movies(tmp_path)


def encrypted(content: bytes) -> bytes:
    """The same zip file with the flag of encryption at its last member."""
    at, entry = content.rindex(b"PK\x03\x04") + 6, content.rindex(b"PK\x01\x02") + 8
    flagged = bytearray(content)
    flagged[at] |= 1
    flagged[entry] |= 1
    return bytes(flagged)


def test_a_page_that_cannot_be_unpacked_does_not_hide_the_others(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "pages.zip", "w") as archive:
        archive.writestr("ferry.html", PAGE)
        archive.writestr("secret.html", PAGE)
    (tmp_path / "pages.zip").write_bytes(encrypted((tmp_path / "pages.zip").read_bytes()))
    first, second = find_documents(tmp_path).keys
    assert read_document(first).body == PAGE
    with pytest.raises(UnreadableFile, match="encrypted"):
        read_document(second)


def test_the_pages_before_a_damage_are_read_and_the_damage_is_named(tmp_path: Path) -> None:
    (tmp_path / "crawl.warc").write_bytes(warc_records(packed=False) + b"no record\r\n" * 9)
    first, damage = find_documents(tmp_path).keys
    assert read_document(first).body == PAGE
    with pytest.raises(UnreadableFile, match="the warc file is damaged"):
        read_document(damage)


def test_zip_files_are_not_opened_endlessly(tmp_path: Path) -> None:
    content = b"PK\x03\x04"
    for _ in range(5):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as archive:
            archive.writestr("inner.zip", content)
        content = out.getvalue()
    (tmp_path / "outer.zip").write_bytes(content)
    (key,) = find_documents(tmp_path).keys
    with pytest.raises(UnreadableFile, match="nested more than 3 deep"):
        read_document(key)


def test_the_date_of_a_file_in_a_zip_file_is_not_when_its_page_was_fetched(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "pages.zip", "w") as archive:
        archive.writestr(zipfile.ZipInfo("ferry.html", (2025, 12, 1, 0, 0, 0)), PAGE + b"<p>&copy; 1990-2014</p>")
    (movie,) = movies(tmp_path)
    assert movie.scraped_at.year == 2015  # a page is no younger than the year of its copyright line says


@pytest.mark.parametrize(
    "content", [b"\x89PNG\r\n\x1a\n\0", b"\xff\xd8\xff\xe0\0", b"%PDF-1.7\n", b"SQLite format 3\0"]
)
def test_another_format_is_passed_over_whatever_it_is_called(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "page.html").write_bytes(content)
    found = find_documents(tmp_path)
    assert (found.keys, found.passed_over) == ((), {"files that are no pages": 1})


def test_a_copy_of_another_page_is_named_by_its_own_address(tmp_path: Path) -> None:
    address = "https://web.archive.org/web/20260228100000/https://www.imdb.com/name/nm0000001/"
    (tmp_path / "a.html").write_text(f'<html><head><link rel="canonical" href="{address}"></head></html>')
    with pytest.raises(NotATitlePage, match=r"an archive's copy of 'https://www\.imdb\.com/name/nm0000001/'"):
        movies(tmp_path)


def test_a_place_that_is_not_in_the_container_is_named(tmp_path: Path) -> None:
    warc(tmp_path)
    with pytest.raises(UnreadableFile):
        read_document(f"{tmp_path / 'crawl.warc'}::7")

"""Saved pages on the disk: which files hold one, and its bytes.

What a file is, is decided by its content: a page, ``__NEXT_DATA__`` without its page,
or a container of pages: MHTML, WARC, HAR and zip, each also packed with gzip. A
document in a container has the key ``PATH::NUMBER``: the offset of the record in a
WARC, the number of the entry in the others, counted from 0.
"""

from __future__ import annotations

import base64
import binascii
import email
import email.policy
import email.utils
import gzip
import io
import re
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO, Final

from domain.errors import UnknownLayout, UsageError
from infrastructure.scraper.chart_page import CHART_PATHS
from infrastructure.scraper.page_bytes import as_utf8, load_json, original_address, title_id
from infrastructure.scraper.values import FieldAbsent, integer_at, list_at, text_at, value_at
from shared.text import path_to_text, text_to_path

MAX_BYTES: Final = 64 * 1024 * 1024
_MAX_CONTAINER_BYTES: Final = 512 * 1024 * 1024  # of a HAR file or a packed container, which are read whole
_GZIP: Final = b"\x1f\x8b"
_ZIP: Final = b"PK\x03\x04"
_WARC: Final = b"WARC/"
_HAR: Final = re.compile(rb'\s*\{\s*"log"\s*:')
_MHTML: Final = re.compile(rb"(?:[\w-]+:[^\n]*\n(?:[ \t][^\n]*\n)*){1,20}", re.ASCII)
_HTML: Final = re.compile(rb"<(?:!doctype\s+html|html|head|title|body|script|meta|link|h1|div)\b", re.IGNORECASE)
_HEAD: Final = 64 * 1024
_PAGE_SUFFIXES: Final = frozenset(
    {".html", ".htm", ".xhtml", ".mhtml", ".mht", ".warc", ".har", ".zip", ".gz", ".json"}
)

_COPYRIGHT: Final = re.compile(rb"(?:copy;|\xa9)(?:</a>)?\s{0,20}1990-(20[0-9]{2})\b")
_TABLE: Final = b'"titleColumn"'
_LAST_TABLE_YEAR: Final = 2023
_SERVED_AT: Final = re.compile(rb'"requestContext"\s*:\s*\{\s*"timestamp"\s*:\s*"([0-9T:.-]{19,26}Z)"')
_ARCHIVED_AT: Final = re.compile(rb"//web\.archive\.org/web/([0-9]{14})")


class UnreadableFile(UnknownLayout):
    """The file cannot be opened, unpacked or made sense of."""


@dataclass(frozen=True, slots=True)
class SavedDocument:
    """One page out of a file.

    Attributes:
        key: the file's path, with the place inside it if it is a container.
        body: unpacked.
        size: bytes on the disk.
        changed_at: when the file was last written, in UTC.
        fetched_at: when the page was fetched, if the container says so.
        charset: the encoding that the server declared, if the container says so.
    """

    key: str
    body: bytes = field(repr=False)
    size: int
    changed_at: datetime
    fetched_at: datetime | None = None
    charset: str | None = None


@dataclass(frozen=True, slots=True)
class FoundFiles:
    """What a folder holds.

    Attributes:
        keys: of the documents, in sorted order.
        passed_over: how many files or records were not taken, by reason.
    """

    keys: tuple[str, ...]
    passed_over: Counter[str]


@dataclass(frozen=True, slots=True)
class _Entry:
    """A document in a container; ``body`` is read on demand."""

    number: int
    body: bytes = field(repr=False)
    fetched_at: datetime | None = None
    charset: str | None = None


def find_documents(folder: Path, pattern: str = "*") -> FoundFiles:
    """The saved pages in a folder and all below it, in files whose names match ``pattern``.

    The parts of a page that a browser saved completely (``NAME_files/`` beside ``NAME.html``) are passed
    over, and so is everything that is neither a page nor a container of pages.

    Raises:
        UsageError: there is no such folder, or no such pattern.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder} is not a folder")
    try:
        if not pattern:
            raise ValueError("it is empty")
        paths = sorted(path for path in folder.rglob(pattern) if path.is_file())
    except (ValueError, NotImplementedError) as error:
        raise UsageError(f"{pattern!r} is not a pattern for file names, such as *.html*: {error}") from error
    keys: list[str] = []
    passed_over: Counter[str] = Counter()
    for path in paths:
        if _is_part_of_saved_page(path, folder):
            passed_over["parts of pages saved by a browser"] += 1
        elif kind := _kind_of_file(path):
            keys += [path_to_text(path)] if kind == "page" else _keys_in(path, kind, passed_over)
        else:
            passed_over["files that are no pages"] += 1
    return FoundFiles(tuple(keys), passed_over)


def _is_part_of_saved_page(path: Path, folder: Path) -> bool:
    for parent in path.parents:
        if parent == folder or parent == parent.parent:
            return False
        if parent.name.endswith("_files"):
            stem = parent.name.removesuffix("_files")
            if any(parent.with_name(stem + suffix).exists() for suffix in (".html", ".htm", ".html.gz", ".htm.gz")):
                return True
    return False


def _kind_of_file(path: Path) -> str | None:
    """``page``, ``mhtml``, ``warc``, ``har`` or ``zip`` by the content; ``None`` for anything else."""
    try:
        with path.open("rb") as raw:
            head = _start_of(raw)
    except (OSError, ValueError):
        return "page"  # reading it will say what is wrong
    return _kind_of_content(head) or ("page" if _PAGE_SUFFIXES & {suffix.lower() for suffix in path.suffixes} else None)


def _start_of(raw: BinaryIO) -> bytes:
    head = raw.read(_HEAD)
    if not head.startswith(_GZIP):
        return head
    raw.seek(0)
    unpacker = zlib.decompressobj(wbits=31)
    with suppress(zlib.error):
        return unpacker.decompress(raw.read(_HEAD), _HEAD)
    return head


def _kind_of_content(head: bytes) -> str | None:
    head = as_utf8(head)
    if head.startswith(_ZIP):
        return "zip"
    if head.startswith(_WARC):
        return "warc"
    if _HAR.match(head):
        return "har"
    if (headers := _MHTML.match(head)) and b"multipart/related" in headers[0].lower():
        return "mhtml"
    start = head.lstrip()
    return "page" if start[:1] in (b"{", b"[") or _HTML.search(head) else None


def _keys_in(path: Path, kind: str, passed_over: Counter[str]) -> list[str]:
    """The keys of the documents in a container; its own where it is damaged or empty, so that this is reported."""
    before = passed_over.total()
    try:
        keys = [f"{path_to_text(path)}::{entry.number}" for entry in _entries(path, kind, passed_over)]
    except UnreadableFile:
        return [path_to_text(path)]
    return keys or ([path_to_text(path)] if passed_over.total() == before else [])


def read_document(key: str, max_bytes: int = MAX_BYTES) -> SavedDocument:
    """Read a document by its key.

    Raises:
        UnreadableFile: it cannot be opened or unpacked, is not there, or is larger than ``max_bytes``.
    """
    name, separator, number = key.rpartition("::")
    path = text_to_path(name if separator and number.isdecimal() else key)
    wanted = int(number) if separator and number.isdecimal() else None
    try:
        status = path.stat()
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        raise UnreadableFile(f"cannot be read: {getattr(error, 'strerror', None) or error}") from error
    changed_at = datetime.fromtimestamp(status.st_mtime, UTC)
    kind = _kind_of_file(path) or "page"
    if kind == "page":
        return SavedDocument(key, _unpacked(path, max_bytes), status.st_size, changed_at)
    for entry in _entries(path, kind, Counter(), wanted, max_bytes):
        if wanted is None or entry.number == wanted:
            return SavedDocument(
                key, _gunzipped(entry.body, max_bytes), len(entry.body), changed_at, entry.fetched_at, entry.charset
            )
    raise UnreadableFile(f"no title or chart page is in this {kind} file" + (f" at {wanted}" if wanted else ""))


def _unpacked(path: Path, max_bytes: int) -> bytes:
    """The content of a file; one packed with gzip is unpacked, whatever it is called.

    Raises:
        UnreadableFile: it cannot be opened or unpacked, or is larger than ``max_bytes``.
    """
    try:
        with path.open("rb") as raw:
            packed = raw.read(len(_GZIP)) == _GZIP
            raw.seek(0)
            if packed:
                with gzip.open(raw) as unpacked:
                    body = unpacked.read(max_bytes + 1)
            else:
                body = raw.read(max_bytes + 1)
    except (gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise UnreadableFile(f"the gzip file is damaged: {error}") from error
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        raise UnreadableFile(f"cannot be read: {getattr(error, 'strerror', None) or error}") from error
    if len(body) > max_bytes:
        raise UnreadableFile(f"it is larger than {max_bytes:,} bytes")
    return body


def _gunzipped(body: bytes, max_bytes: int) -> bytes:
    if not body.startswith(_GZIP):
        return body
    try:
        with gzip.open(io.BytesIO(body)) as unpacked:
            return unpacked.read(max_bytes + 1)[:max_bytes]
    except (gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise UnreadableFile(f"the gzip file is damaged: {error}") from error


def _entries(
    path: Path, kind: str, passed_over: Counter[str], wanted: int | None = None, max_bytes: int = MAX_BYTES
) -> Iterator[_Entry]:
    """The pages in a container, only the wanted one where it can be reached directly.

    Raises:
        UnreadableFile: the container is damaged.
    """
    try:
        if kind == "warc":
            yield from _warc_entries(path, passed_over, wanted, max_bytes)
        elif kind == "zip":
            yield from _zip_entries(path, passed_over, wanted, max_bytes)
        elif kind == "har":
            yield from _har_entries(_unpacked(path, _MAX_CONTAINER_BYTES), passed_over)
        else:
            yield from _mhtml_entries(_unpacked(path, _MAX_CONTAINER_BYTES), passed_over)
    except UnreadableFile:
        raise
    except (OSError, ValueError, EOFError, KeyError, LookupError, zipfile.BadZipFile, zlib.error) as error:
        raise UnreadableFile(f"the {kind} file is damaged: {error}") from error


def _is_wanted_page(url: str) -> bool:
    """Whether an address is that of a title or a chart, in an archive or not."""
    place = original_address(url)
    return title_id(place) is not None or any(
        place.split("?")[0].rstrip("/").endswith(path.rstrip("/")) for path in CHART_PATHS.values()
    )


def _warc_entries(path: Path, passed_over: Counter[str], wanted: int | None, max_bytes: int) -> Iterator[_Entry]:
    from warcio.archiveiterator import ArchiveIterator  # loaded where it is needed
    from warcio.exceptions import ArchiveLoadFailed
    from warcio.statusandheaders import StatusAndHeadersParserException

    with path.open("rb") as raw:
        if wanted is not None:
            raw.seek(wanted)
        records = ArchiveIterator(raw)
        while True:
            try:
                record = next(records, None)
            except (ArchiveLoadFailed, StatusAndHeadersParserException) as error:
                raise UnreadableFile(f"the warc file is damaged: {error}") from error
            if record is None:
                return
            if record.rec_type not in ("response", "resource"):
                continue
            headers = record.http_headers
            status = headers.get_statuscode() if headers else "200"
            url = record.rec_headers.get_header("WARC-Target-URI") or ""
            content_type = (headers or record.rec_headers).get_header("Content-Type") or ""
            if "html" not in content_type.lower() or status != "200" or not _is_wanted_page(url):
                passed_over["records that are no title or chart page"] += 1
                continue
            if wanted is None:
                number, body = records.get_record_offset(), b""
            else:
                number, body = wanted, record.content_stream().read(max_bytes + 1)[:max_bytes]
            yield _Entry(number, body, _moment(record.rec_headers.get_header("WARC-Date")), _charset(content_type))
            if wanted is not None:
                return


def _zip_entries(path: Path, passed_over: Counter[str], wanted: int | None, max_bytes: int) -> Iterator[_Entry]:
    with zipfile.ZipFile(path) as archive:
        names = {info.filename for info in archive.infolist()}
        for number, info in enumerate(archive.infolist()):
            if info.is_dir() or wanted not in (None, number):
                continue
            folder, separator, _ = info.filename.partition("_files/")
            if separator and names & {folder + ".html", folder + ".htm"}:
                passed_over["parts of pages saved by a browser"] += 1
                continue
            with archive.open(info) as member:
                kind = _kind_of_content(_start_of(io.BytesIO(member.read(_HEAD))))
            if kind is None:
                passed_over["files that are no pages"] += 1
                continue
            changed = datetime(*info.date_time, tzinfo=UTC) if info.date_time[0] > 1980 else None
            if wanted is None:
                yield _Entry(number, b"", changed)
                continue
            with archive.open(info) as member:
                body = _gunzipped(member.read(max_bytes + 1)[:max_bytes], max_bytes)
            if kind == "mhtml":
                yield next(_mhtml_entries(body, passed_over))
            elif kind == "page":
                yield _Entry(number, body, changed)
            else:
                raise UnreadableFile(f"{info.filename} in it is a {kind} file; unpack the zip file first")


def _har_entries(body: bytes, passed_over: Counter[str]) -> Iterator[_Entry]:
    for number, entry in enumerate(list_at(load_json(body), "log", "entries")):
        try:
            url = text_at(entry, "request", "url") or ""
            status = integer_at(entry, "response", "status")
            content = value_at(entry, "response", "content")
            mime = text_at(content, "mimeType") or ""
            text = text_at(content, "text") if status == 200 and "html" in mime and _is_wanted_page(url) else None
        except FieldAbsent:
            text = None
        if not text:
            passed_over["records that are no title or chart page"] += 1
            continue
        data = text.encode("utf-8", "surrogatepass")
        if isinstance(content, dict) and content.get("encoding") == "base64":
            try:
                data = base64.b64decode(text)
            except binascii.Error as error:
                raise UnreadableFile(f"the har file is damaged: {error}") from error
            yield _Entry(number, data, _moment(_started(entry)), _charset(mime))
        else:
            yield _Entry(number, data, _moment(_started(entry)), "utf-8")


def _started(entry: object) -> str | None:
    with suppress(FieldAbsent):
        return text_at(entry, "startedDateTime")
    return None


def _mhtml_entries(body: bytes, passed_over: Counter[str]) -> Iterator[_Entry]:
    """The page that was saved; its frames and pictures are other parts of the message."""
    message = email.message_from_bytes(body, policy=email.policy.compat32)
    moment = None
    with suppress(TypeError, ValueError, OverflowError):
        moment = email.utils.parsedate_to_datetime(str(message["Date"])).astimezone(UTC)
    pages = [part for part in message.walk() if part.get_content_type() in ("text/html", "application/xhtml+xml")]
    if not pages:
        raise UnreadableFile("the mhtml file holds no page")
    passed_over["parts of pages saved by a browser"] += len(pages) - 1
    content = pages[0].get_payload(decode=True)
    yield _Entry(0, content if isinstance(content, bytes) else b"", moment, pages[0].get_content_charset())


def _moment(text: str | None) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _charset(content_type: str) -> str | None:
    found = re.search(r"charset\s*=\s*[\"']?([\w.:-]+)", content_type, re.IGNORECASE)
    return found[1] if found else None


def saved_at(document: SavedDocument, latest: datetime | None = None) -> datetime:
    """When the page was fetched, in UTC, as well as can be told, and not after ``latest``.

    Containers, pages of today and copies from the Wayback Machine say when. Otherwise it is when the file
    was written, but files get copied and unpacked: a page is no younger than the year of its copyright
    line, nor than the last chart that was a table.

    Files that are copied together may bear one moment. Where two of them hold the
    same title, every store must still prefer the same one, so the moment gets a
    fraction of a millisecond that depends on the file's name.
    """
    moment = (
        _served_at(document.body)
        or document.fetched_at
        or _archived_at(document.body)
        or min(document.changed_at, _no_later_than(document.body))
    )
    moment = moment if latest is None else min(moment, latest)
    fraction = zlib.crc32(document.key.encode("utf-8", "surrogateescape")) % 1000
    told_apart = moment.replace(microsecond=moment.microsecond // 1000 * 1000 + fraction)
    return told_apart if latest is None or told_apart <= latest else told_apart - timedelta(milliseconds=1)


def _served_at(body: bytes) -> datetime | None:
    found = _SERVED_AT.search(body)
    return _moment(found[1].decode()) if found else None


def _archived_at(body: bytes) -> datetime | None:
    found = _ARCHIVED_AT.search(body)
    with suppress(ValueError):
        return datetime.strptime(found[1].decode(), "%Y%m%d%H%M%S").replace(tzinfo=UTC) if found else None
    return None


def _no_later_than(body: bytes) -> datetime:
    years = [int(found) for found in _COPYRIGHT.findall(body)]
    if _TABLE in body:
        years.append(_LAST_TABLE_YEAR)
    return datetime(min(years, default=9998) + 1, 1, 1, tzinfo=UTC)

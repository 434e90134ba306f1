"""Pages in containers: MHTML, WARC, HAR and zip files, and each of these in a zip file."""

from __future__ import annotations

import base64
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
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.message import Message
from typing import BinaryIO, Final

from domain.errors import UnknownLayout
from infrastructure.scraper.chart_page import chart_at
from infrastructure.scraper.page_bytes import as_utf8, charset_of, load_json, original_address, title_id
from infrastructure.scraper.values import FieldAbsent, get, integer_at, list_at, optional, text_at, value_at

MAX_CONTAINER_BYTES: Final = 512 * 1024 * 1024  # of a container that is read whole: all but WARC and zip files on disk
GZIP: Final = b"\x1f\x8b"
PARTS: Final = "parts of pages saved by a browser"
NO_PAGES: Final = "files that are no pages"
_OTHER_RECORDS: Final = "records that are no title or chart page"
_ZIP: Final = b"PK\x03\x04"
_WARC: Final = b"WARC/"
_HAR: Final = re.compile(rb'\s*\{\s*"log"\s*:')
_MAIL: Final = re.compile(rb"(?:[\w-]+:[^\n]*\n(?:[ \t][^\n]*\n)*){1,20}", re.ASCII)
_NO_PAGE: Final = re.compile(rb"\x89PNG|\xff\xd8\xff|GIF8|RIFF|%PDF|SQLite format 3|7z\xbc|Rar!|wOF[F2]")
_HTML: Final = re.compile(rb"<(?:!doctype\s+html|html|head|title|body|script|meta|link|h1|div)\b", re.IGNORECASE)
_HEAD: Final = 64 * 1024
_MAX_DEPTH: Final = 3  # of zip files in zip files
_PARTS_FOLDER: Final = re.compile(
    r"[_-](?:files|file|filer|Dateien|fichiers|archivos|arquivos|ficheiros|bestanden|pliki|soubory|dosyalar|tiedostot)"
)
"""How the folder beside a completely saved page ends, in the languages of browsers."""


class UnreadableFile(UnknownLayout):
    """The file cannot be opened, unpacked or made sense of."""


@dataclass(frozen=True, slots=True)
class ContainerEntry:
    """A page in a container.

    Attributes:
        place: where it is: the offset of a WARC record, else the number of the entry; several in nested containers.
        body: empty where the container is only listed.
        fetched_at: when the page was fetched, if the container says so.
        changed_at: when the file was last written, if the container says so.
        charset: the encoding that the server declared, if the container says so.
    """

    place: tuple[int, ...]
    body: bytes = field(repr=False, default=b"")
    fetched_at: datetime | None = None
    changed_at: datetime | None = None
    charset: str | None = None


def saved_page_of(folder: str) -> str | None:
    """The name, without its suffix, of the page whose parts a browser keeps in a folder of this name."""
    found = re.fullmatch(f"(.+){_PARTS_FOLDER.pattern}", folder)
    return found[1] if found else None


def start_of(raw: BinaryIO) -> bytes:
    """The first bytes of a file, unpacked if it is packed with gzip."""
    head = raw.read(_HEAD)
    if head.startswith(GZIP):
        with suppress(zlib.error):
            return zlib.decompressobj(wbits=31).decompress(head, _HEAD)
    return head


def kind_of_content(head: bytes) -> str | None:
    """``page``, ``mhtml``, ``warc``, ``har`` or ``zip`` by the first bytes; ``None`` for anything else."""
    if head.startswith(_ZIP):
        return "zip"
    if head.startswith(_WARC):
        return "warc"
    head = as_utf8(head).lstrip()
    if _HAR.match(head):
        return "har"
    if (headers := _MAIL.match(head)) and b"mime-version:" in (said := headers[0].lower()):
        return "mhtml" if re.search(rb"content-type:\s*(?:multipart/related|text/html)", said) else None
    return "page" if head[:1] in (b"{", b"[") or _HTML.search(head) else None


def is_other_format(head: bytes) -> bool:
    """Whether a file is a picture, a PDF, a font, a database or an archive that cannot be read."""
    return _NO_PAGE.match(head) is not None


def unpacked(raw: BinaryIO, max_bytes: int) -> bytes:
    """The content of a file, unpacked if it is packed with gzip, whatever it is called.

    Raises:
        UnreadableFile: it cannot be read or unpacked, or is larger than ``max_bytes``.
    """
    try:
        packed = raw.read(len(GZIP)) == GZIP
        raw.seek(0)
        body = (gzip.GzipFile(fileobj=raw) if packed else raw).read(max_bytes + 1)
    except (gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise UnreadableFile(f"the gzip file is damaged: {error}") from error
    except OSError as error:
        raise UnreadableFile(f"cannot be read: {error.strerror or error}") from error
    if len(body) > max_bytes:
        raise UnreadableFile(f"it is larger than {max_bytes:,} bytes")
    return body


def entries(
    raw: BinaryIO,
    kind: str,
    passed_over: Counter[str],
    wanted: tuple[int, ...] | None = None,
    max_bytes: int = MAX_CONTAINER_BYTES,
    depth: int = 1,
) -> Iterator[ContainerEntry]:
    """The pages in a container in order, or only the wanted one, with its body.

    Args:
        raw: the container, seekable.
        kind: as ``kind_of_content`` says.
        passed_over: counts what is not taken, by reason.
        wanted: the place of one page; ``None`` for all of them, which may come without bodies.
        max_bytes: of a page.
        depth: 1, and one more in each zip file that this one lies in.

    Raises:
        UnreadableFile: the container is damaged.
    """
    with _damage_named(kind):
        if kind == "warc":
            yield from _warc_entries(raw, passed_over, wanted, max_bytes)
        elif kind == "zip":
            yield from _zip_entries(raw, passed_over, wanted, max_bytes, depth)
        else:
            body = unpacked(raw, MAX_CONTAINER_BYTES)
            found = _har_entries(body, passed_over) if kind == "har" else _mhtml_entries(body, passed_over)
            yield from (entry for entry in found if wanted in (None, (), entry.place))


@contextmanager
def _damage_named(kind: str) -> Iterator[None]:
    try:
        yield
    except UnreadableFile:
        raise
    except (RuntimeError, NotImplementedError) as error:  # it is encrypted, or compressed in an unusual way
        raise UnreadableFile(f"the {kind} file cannot be unpacked: {error}") from error
    except (OSError, ValueError, EOFError, LookupError, zipfile.BadZipFile, zlib.error) as error:
        raise UnreadableFile(f"the {kind} file is damaged: {error}") from error


def _is_wanted_page(url: str) -> bool:
    """Whether an address is that of a title or a chart, in an archive or not."""
    place = original_address(url)
    return title_id(place) is not None or chart_at(place) is not None


def _warc_entries(
    raw: BinaryIO, passed_over: Counter[str], wanted: tuple[int, ...] | None, max_bytes: int
) -> Iterator[ContainerEntry]:
    from warcio.archiveiterator import ArchiveIterator  # loaded where it is needed
    from warcio.exceptions import ArchiveLoadFailed
    from warcio.statusandheaders import StatusAndHeadersParserException

    if wanted:
        raw.seek(wanted[0])
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
        if "html" not in content_type.lower() or status not in ("200", "203") or not _is_wanted_page(url):
            passed_over[_OTHER_RECORDS] += 1
            continue
        # The offset is known once the record is read to its end.
        body = record.content_stream().read(max_bytes + 1) if wanted else b""
        place = wanted or (records.get_record_offset(),)
        fetched_at = moment_of(record.rec_headers.get_header("WARC-Date"))
        yield ContainerEntry(place, body, fetched_at, charset=charset_of(content_type))
        if wanted:
            return


def _zip_entries(
    raw: BinaryIO, passed_over: Counter[str], wanted: tuple[int, ...] | None, max_bytes: int, depth: int
) -> Iterator[ContainerEntry]:
    """The pages in a zip file, and in the containers in it. A member that cannot be read is an entry of its own."""
    with zipfile.ZipFile(raw) as archive:
        names = {info.filename for info in archive.infolist()}
        for number, info in enumerate(archive.infolist()):
            if info.is_dir() or (wanted and wanted[0] != number):
                continue
            if _is_part_in_zip(info.filename, names):
                passed_over[PARTS] += 1
                continue
            try:
                with _damage_named("zip"):
                    for entry in _member_entries(archive, info, passed_over, wanted, max_bytes, depth):
                        yield replace(entry, place=(number, *entry.place))
            except UnreadableFile:
                if wanted is not None:
                    raise
                yield ContainerEntry((number,))  # reading it will say what is wrong


def _member_entries(
    archive: zipfile.ZipFile,
    info: zipfile.ZipInfo,
    passed_over: Counter[str],
    wanted: tuple[int, ...] | None,
    max_bytes: int,
    depth: int,
) -> Iterator[ContainerEntry]:
    with archive.open(info) as member:
        kind = kind_of_content(start_of(io.BytesIO(member.read(_HEAD))))
    if kind is None:
        passed_over[NO_PAGES] += 1
        return
    changed_at = None
    with suppress(ValueError):
        changed_at = datetime(*info.date_time, tzinfo=UTC) if info.date_time[0] > 1980 else None
    if kind == "page":
        body = b""
        if wanted:
            with archive.open(info) as member:
                body = member.read(max_bytes + 1)
        yield ContainerEntry((), body, changed_at=changed_at)
        return
    if kind == "zip" and depth == _MAX_DEPTH:
        raise UnreadableFile(f"{info.filename} in it: zip files are nested more than {_MAX_DEPTH} deep")
    with archive.open(info) as member:
        inner = io.BytesIO(member.read(MAX_CONTAINER_BYTES + 1))
    if inner.getbuffer().nbytes > MAX_CONTAINER_BYTES:
        raise UnreadableFile(f"{info.filename} in it is larger than {MAX_CONTAINER_BYTES:,} bytes")
    for entry in entries(inner, kind, passed_over, wanted and wanted[1:], max_bytes, depth + 1):
        yield replace(entry, changed_at=entry.changed_at or changed_at)


def _is_part_in_zip(name: str, names: set[str]) -> bool:
    folders = name.split("/")[:-1]
    for depth, folder in enumerate(folders, 1):
        page = saved_page_of(folder)
        stem = "/".join([*folders[: depth - 1], page]) if page else ""
        if page and names & {stem + ".html", stem + ".htm"}:
            return True
    return False


def _har_entries(body: bytes, passed_over: Counter[str]) -> Iterator[ContainerEntry]:
    for number, entry in enumerate(list_at(load_json(body), "log", "entries")):
        try:
            url = text_at(entry, "request", "url") or ""
            status = integer_at(entry, "response", "status")
            content = value_at(entry, "response", "content")
            mime = text_at(content, "mimeType") or ""
            wanted = status in (200, 203) and "html" in mime.lower() and _is_wanted_page(url)
            text = text_at(content, "text") if wanted else None
        except FieldAbsent:
            text = None
        if not text:
            passed_over[_OTHER_RECORDS] += 1
            continue
        fetched_at = moment_of(optional(text_at, entry, "startedDateTime"))
        if get(content, "encoding") == "base64":
            data, charset = base64.b64decode(text), charset_of(mime)  # its error is a ValueError
        else:
            data, charset = text.encode("utf-8", "surrogatepass"), "utf-8"
        yield ContainerEntry((number,), data, fetched_at, charset=charset)


def _mhtml_entries(saved: bytes, passed_over: Counter[str]) -> Iterator[ContainerEntry]:
    """The page that was saved; its frames and pictures are other parts of the message."""
    message = email.message_from_bytes(saved.lstrip(), policy=email.policy.compat32)
    moment = None
    with suppress(TypeError, ValueError, OverflowError):
        moment = email.utils.parsedate_to_datetime(str(message["Date"])).astimezone(UTC)
    pages = [part for part in message.walk() if part.get_content_type() in ("text/html", "application/xhtml+xml")]
    if not pages:
        raise UnreadableFile("the mhtml file holds no page")
    passed_over[PARTS] += len(pages) - 1
    page = _root(message, pages)
    content = page.get_payload(decode=True)
    yield ContainerEntry(
        (0,), content if isinstance(content, bytes) else b"", moment, charset=page.get_content_charset()
    )


def _root(message: Message, pages: list[Message]) -> Message:
    """The part that the others belong to (RFC 2557, 5 and RFC 2387, 3.2); the first where nothing else is said."""
    start, location = message.get_param("start"), message["Snapshot-Content-Location"]
    for page in pages:
        if (start and page["Content-ID"] == start) or (location and page["Content-Location"] == location):
            return page
    return pages[0]


def moment_of(text: str | None) -> datetime | None:
    """A moment in ISO 8601, in UTC unless it says otherwise."""
    try:
        moment = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)

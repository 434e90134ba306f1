"""The bytes of a page: its encoding, the addresses in it and its JSON islands, without parsing the markup.

A title page is 1.6 MB of markup around 0.7 MB of JSON that the site's own script
reads. ``bytes.find`` and a fast JSON parser reach it in 2 ms; a full parse of the
markup takes 60.
"""

from __future__ import annotations

import codecs
import html
import json
import logging
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from html.parser import HTMLParser
from typing import Final, NamedTuple

import msgspec

_log = logging.getLogger(__name__)

NEXT_DATA: Final = b"__NEXT_DATA__"
LINKED_DATA: Final = b"application/ld+json"
# How the site writes the element: a long text is found faster than a short one.
_AS_WRITTEN: Final = {NEXT_DATA: b'<script id="__NEXT_DATA__" type="application/json">{"props":{"pageProps":{"'}
_LONGEST_TAG: Final = 1024  # an opening script tag with its nonce and classes is a fraction of this
_HEAD: Final = 2048  # HTML wants the declaration of the encoding within the first 1024 bytes
_CHARSET: Final = re.compile(rb"""<meta[^>]{0,200}?charset\s*=\s*["']?\s*([A-Za-z0-9_:.-]{2,40})""", re.IGNORECASE)
_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark is the beginning of this one
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (b"<\0", "utf-16-le"),  # without a mark: every other byte of markup is NUL
    (b"{\0", "utf-16-le"),
    (b"\0<", "utf-16-be"),
    (b"\0{", "utf-16-be"),
)
_SUPERSETS: Final = {
    "ascii": "cp1252", "iso8859-1": "cp1252", "iso8859-9": "cp1254", "gb2312": "gb18030", "gbk": "gb18030",
    "shift_jis": "cp932", "euc_kr": "cp949", "tis-620": "cp874",
}  # fmt: skip
"""What browsers read under these names. Source: https://encoding.spec.whatwg.org/#names-and-labels"""
_ASCII: Final = b'<p title="1 + 2">\\u002f+AC0-'  # which UTF-7, EBCDIC and the escapes of Python change
_SEVEN_BITS: Final = ("iso2022", "hz")  # whose bytes are valid UTF-8, too, but of another text
_TAIL: Final = 4096  # bytes in which the last end tag must be; comments of archives follow it
_END_TAG_OPTIONAL: Final = {
    "html", "head", "body", "p", "li", "dt", "dd", "option", "optgroup", "tr", "td", "th", "thead", "tbody", "tfoot",
    "colgroup", "caption", "rt", "rp",
}  # fmt: skip
_HEAD_TAG: Final = re.compile(rb"</?head\b", re.IGNORECASE)
_METADATA: Final = {"html", "head", "body", "meta", "link", "title", "script", "style", "base", "noscript", "template"}
_SOURCE_START: Final = re.compile(rb"""<td class=["']?line-content["']?>""")
_SOURCE_LINE: Final = re.compile(_SOURCE_START.pattern + rb"(.*?)</td>", re.DOTALL)
_SOURCE_HEAD: Final = 4096  # in which the first of these lines begins
_ANY_TAG: Final = re.compile(rb"<[^<>]*>")
_VOID: Final = {
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr",
}  # fmt: skip
_WESTERN: Final = ("cp1252", "iso8859-1", "latin-1")
_SAMPLE: Final = 40  # bytes beside each one that is not ASCII, for the detection

_TAG: Final = re.compile(rb"""<(?:link|meta)\b((?:[^>"']++|"[^"]{0,600}"|'[^']{0,600}')*+)""", re.IGNORECASE)
_IS_ADDRESS: Final = re.compile(rb"""(?:rel|property)\s*=\s*["']?(?:canonical|og:url)(?:["'\s]|$)""", re.IGNORECASE)
_VALUE: Final = re.compile(rb"""(?:href|content)\s*=\s*["']?((?:https?:)?//[^"'\s<>]+)""", re.IGNORECASE)
_TITLE: Final = re.compile(
    r"(?:https?:)?//[^/]+(?:/[a-z]{2}(?:-[a-z]{2,3})?)?/title/(tt[0-9]+)(?:/(?:reference|maindetails|combined)?/?)?(?:[?#].*)?",
    re.IGNORECASE,
)
_ARCHIVED: Final = re.compile(r"(?:(?:https?:)?//[^/\s?#]+)?/(?:[^\s?#]*/)?(?=https?://)")
"""An address in whose path another one begins, as web archives and caches write them."""


class Script(NamedTuple):
    """A script element: where its content starts and ends; ``closed`` is false where the page ends inside it."""

    body: bytes
    start: int
    end: int
    closed: bool

    @property
    def content(self) -> memoryview:
        """What is between its tags."""
        return memoryview(self.body)[self.start : self.end]


def as_utf8(body: bytes, charset: str | None = None) -> bytes:
    """The page in UTF-8, by its byte order mark or its declared encoding; unchanged where neither applies.

    Args:
        body: the page.
        charset: the encoding that the HTTP response declared.
    """
    for mark, encoding in _BOMS:
        if body.startswith(mark):
            return body.decode(encoding, "replace").encode("utf-8", "replace")
    declared = _encoding_named(charset or _declared(body) or "")
    if declared is None or (declared.startswith(("utf-16", "utf-32")) and b"\0" not in body[:64]):
        return body
    if declared.startswith(_SEVEN_BITS) or not _is_utf8(body):  # what is valid UTF-8 is wrongly declared
        for name in (_SUPERSETS.get(declared, declared), declared):
            with suppress(LookupError, ValueError):  # ValueError: the bytes, or a codec that is not of text
                return body.decode(name).encode()
    return body


def valid_utf8(body: bytes) -> bytes:
    """The page in valid UTF-8: unchanged, or in the encoding that its bytes suggest.

    Where most of the other characters are UTF-8 after all, a page is damaged rather than in another
    encoding; then U+FFFD stands for what cannot be read.
    """
    return body if _is_utf8(body) else (_damaged_utf8(body) or _detected(body)).encode()


def is_guessed(body: bytes) -> bool:
    """Whether ``valid_utf8`` has nothing but the bytes to tell the encoding by, which is a guess."""
    return not _is_utf8(body) and _damaged_utf8(body) is None


def _damaged_utf8(body: bytes) -> str | None:
    text = body.decode("utf-8", "replace")
    damaged = text.count("\ufffd")
    return text if sum(1 for char in text if char > "\x7f") - damaged >= damaged else None


def shown_source(body: bytes) -> bytes:
    """The page whose source a browser shows in a table of lines (``view-source:``); any other is unchanged."""
    if _SOURCE_START.search(body, 0, _SOURCE_HEAD) is None:
        return body
    lines = (_ANY_TAG.sub(b"", line) for line in _SOURCE_LINE.findall(body))
    # Bytes that are not UTF-8 stay as they are, for the detection of the encoding.
    return html.unescape(b"\n".join(lines).decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")


def _declared(body: bytes) -> str | None:
    found = _CHARSET.search(body, 0, _HEAD)
    return found[1].decode("ascii") if found else None


def _encoding_named(charset: str) -> str | None:
    """Python's name of an encoding; ``None`` for UTF-8, what is unknown, and what does not write ASCII as it is."""
    with suppress(LookupError, ValueError):
        name = codecs.lookup(charset).name
        if name.startswith(("utf-16", "utf-32")) or (name != "utf-8" and _ASCII.decode(name) == _ASCII.decode()):
            return name
    return None


def _is_utf8(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


def _detected(body: bytes) -> str:
    """The text by the encoding that charset-normalizer finds; Western European where nothing else is clearly better.

    A few accents in a mass of markup say little, so only the text around them is judged.
    """
    from charset_normalizer import from_bytes  # takes 20 ms, and pages in UTF-8 do without

    places = [match.start() for match in re.finditer(rb"[\x80-\xff]+", body)][:400]
    sample = b" ".join(body[max(0, place - _SAMPLE) : place + _SAMPLE] for place in places)
    guesses = from_bytes(sample)
    western = [guess for guess in guesses if guess.encoding.replace("_", "-") in _WESTERN or guess.encoding == "cp1252"]
    best = guesses.best()
    encoding = "cp1252" if best is None or (western and western[0].chaos <= best.chaos) else best.encoding
    for name in (encoding, "cp1252"):
        try:
            return body.decode(name)
        except (LookupError, ValueError):
            continue
    return body.decode("utf-8", "replace")


def is_whole_document(body: bytes) -> bool:
    """Whether the page ends with ``</html>``, or leaves out optional tags and has nothing else open at its end."""
    if b"</html" in body[-_TAIL:].lower():
        return True
    if b"<" not in body or _HEAD_TAG.search(body):  # who writes optional tags there writes the last ones, too
        return False
    parser = _OpenElements()
    parser.feed(body.decode("utf-8", "replace"))
    return parser.has_content and not parser.rawdata.strip() and _END_TAG_OPTIONAL.issuperset(parser.elements)


class _OpenElements(HTMLParser):
    """Keeps the elements that are open, and whether any of them can be seen; ``rawdata`` is what is no whole tag."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=False)
        self.elements: list[str] = []
        self.has_content = False

    def handle_starttag(self, tag: str, attrs: object) -> None:  # noqa: ARG002 - the base's signature
        self.has_content |= tag not in _METADATA
        if tag not in _VOID:
            self.elements.append(tag)

    def handle_startendtag(self, tag: str, attrs: object) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        while tag in self.elements and self.elements.pop() != tag:
            pass


def addresses(body: bytes) -> tuple[str, ...]:
    """The addresses in ``<link rel="canonical">`` and ``<meta property="og:url">``, without repeats.

    An archive's prefix is removed.
    """
    return tuple(dict.fromkeys(map(original_address, _written_addresses(body))))


def is_archived(body: bytes) -> bool:
    """Whether the page's own address is one in a web archive."""
    return any(map(_ARCHIVED.match, _written_addresses(body)))


def _written_addresses(body: bytes) -> Iterator[str]:
    tags = (tag[1] for tag in _TAG.finditer(body) if _IS_ADDRESS.search(tag[1]))
    return (value.decode("ascii", "replace") for tag in tags for value in _VALUE.findall(tag))


def original_address(address: str) -> str:
    """The address without the prefix of a web archive: ``https://web.archive.org/web/20230105123456/``."""
    match = _ARCHIVED.match(address)
    return address[match.end() :] if match else address


def title_id(address: str) -> str | None:
    """The IMDb id, if this is the address of a title's own page, in any language, and not of one below it."""
    match = _TITLE.fullmatch(address)
    return match[1] if match else None


def own_title(body: bytes) -> str | None:
    """The IMDb id in the first of the page's own addresses that is a title's."""
    return next((imdb_id for address in addresses(body) if (imdb_id := title_id(address))), None)


def charset_of(content_type: str) -> str | None:
    """The encoding that a ``Content-Type`` header declares."""
    found = re.search(r"charset\s*=\s*[\"']?([\w.:-]+)", content_type, re.IGNORECASE)
    return found[1] if found else None


def scripts(body: bytes, mark: bytes) -> Iterator[Script]:
    """The script elements whose opening tag holds ``mark``, in the page's order.

    One that a truncated page does not close ends with the page. Those before the first one that is written
    as IMDb writes them are passed over.
    """
    written = body.find(_AS_WRITTEN[mark]) if mark in _AS_WRITTEN else -1
    position = body.find(mark, max(0, written))
    while position >= 0:
        opening = body.rfind(b"<", max(0, position - _LONGEST_TAG), position)
        start = body.find(b">", position, position + _LONGEST_TAG) + 1
        if start and opening >= 0 and _opens_script(body, opening, position):
            end = _end_of_script(body, start)
            yield Script(body, start, end if end >= 0 else len(body), end >= 0)
            position = body.find(mark, end) if end >= 0 else -1
        else:
            position = body.find(mark, position + len(mark))


def _opens_script(body: bytes, opening: int, mark: int) -> bool:
    return body[opening : opening + 7].lower() == b"<script" and body.find(b">", opening, mark) < 0


def _end_of_script(body: bytes, start: int) -> int:
    """Where the script ends, or -1. The site's JSON writes < as \\u003c, and one byte is found faster than eight."""
    first = body.find(b"<", start)
    return first if first < 0 or body.startswith(b"</script", first) else body.find(b"</script", start)


class RepeatedKey:
    """Stands for the value of a key that occurs more than once in its object. No reader takes it for a value."""


def load_json(document: bytes | memoryview, *, unique: bool = False) -> object:
    """Parse JSON: fast where it is strict, tolerantly where it is not.

    The fast parser refuses halves of surrogate pairs, NaN, numbers beyond a float's range and control
    characters; the standard one reads past them, and what cannot be stored is found where a value is
    checked.

    Args:
        document: UTF-8.
        unique: put a RepeatedKey where the fast parser would take the last of several values.

    Raises:
        ValueError: it is no JSON, or not in UTF-8.
    """
    with suppress(ValueError, RecursionError):
        value = msgspec.json.decode(document)
        if not unique or count_keys(msgspec.json.encode(value)) == count_keys(document):
            return value
    text = bytes(document).decode("utf-8-sig")
    try:
        return json.loads(text, strict=False, parse_int=_number, object_pairs_hook=_object)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def count_keys(document: bytes | memoryview) -> int:
    """How many keys JSON has, those in text included: equal before parsing and after, unless a key is repeated."""
    return bytes(document).count(b'":')


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        for name in [name for name, times in Counter(key for key, _ in pairs).items() if times > 1]:
            _log.warning("the key %r occurs more than once; its value is left out", name[:40])
            found[name] = RepeatedKey()
    return found


def _number(digits: str) -> int | float:
    """An integer, unless it is so long that Python would not read it."""
    return int(digits) if len(digits) < 400 else float(digits)

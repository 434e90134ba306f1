"""Faults: the requests they apply to, and the site's response instead of the proper one."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import hashlib
import json
import re
import socket
import struct
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from email.utils import formatdate
from enum import StrEnum
from typing import Any, Final

import msgspec
from msgspec.structs import asdict, replace

from infrastructure.demo.bodies import Body
from infrastructure.demo.catalogue import DemoCatalogue
from infrastructure.demo.datasets import DatasetFiles, packed_file, respond_with_file
from infrastructure.demo.messages import DemoRequest, DemoResponse, forbidden
from infrastructure.demo.site import DemoSite

_TITLE: Final = re.compile(r"/title/(tt\d+)")
_TEXT: Final = re.compile(
    r"(?P<on>[^=]+)=(?P<action>[a-z0-9-]+?)(?::(?P<argument>.+?))?"
    r"(?:x(?P<times>\d+))?(?:%(?P<share>\d+(?:\.\d+)?))?(?:@(?P<after>\d+))?(?:/(?P<per>path|client|site))?"
)
_GROUPS: Final = {
    "title": "/title/",
    "chart": "/chart/",
    "image": "/images/",
    "robots": "/robots.txt",
    "graphql": "/graphql",
    "dataset": "/datasets/",
    "site": "/",
}


class CountedBy(StrEnum):
    """What a fault counts requests by."""

    PATH = "path"
    CLIENT = "client"
    SITE = "site"


class DemoFault(msgspec.Struct, frozen=True):
    """A fault for some of the requests.

    Attributes:
        on: an IMDb id, a path (``/chart/top/``), or one of ``title``, ``chart``,
            ``image``, ``robots``, ``graphql``, ``dataset``, ``site``.
        action: a status code, or a name from ``RESPONSES`` or ``DELIVERIES``.
        argument: a number or a text that the action uses, such as Retry-After.
        times: number of requests of each key that get the fault; None is all.
        share: share of the remaining requests that get the fault, 0 to 1. Key and
            number of a request decide, so that the choice repeats.
        after: requests of each key that are answered properly first.
        per: the key by which requests are counted.
        client: only requests from this address.

    Raises:
        ValueError: a field is out of range.
    """

    on: str
    action: str
    argument: str = ""
    times: int | None = None
    share: float = 1.0
    after: int = 0
    per: CountedBy = CountedBy.PATH
    client: str | None = None

    def __post_init__(self) -> None:
        if not (self.on in _GROUPS or self.on.startswith("/") or re.fullmatch(r"tt\d+", self.on)):
            raise ValueError(f"{self.on!r} is not an id, a path or one of {', '.join(_GROUPS)}")
        if not 0 <= self.share <= 1:
            raise ValueError(f"share {self.share} is outside 0 to 1")
        if self.after < 0 or (self.times is not None and self.times < 0):
            raise ValueError("times and after must be at least 0")
        status = self.action.isdigit() and 200 <= int(self.action) < 600
        if not (status or self.action in ACTIONS):
            raise ValueError(f"{self.action!r} is not a status code or one of {', '.join(sorted(ACTIONS))}")
        if not status and self.action not in _TEXT_ARGUMENT and not re.fullmatch(r"\d*(\.\d+)?", self.argument):
            raise ValueError(f"the argument of {self.action}:{self.argument} is not a number")

    @classmethod
    def parse(cls, text: str) -> DemoFault:
        """Reads ``WHERE=WHAT[:ARGUMENT][xTIMES][%PERCENT][@AFTER][/PER]``.

        ``tt1234567=503x2`` (503 twice, then the page), ``title=429:1x1`` (429 with Retry-After 1, once for each
        title), ``title=challenge@50/client`` (for each address, after 50 titles).

        Raises:
            ValueError: the text does not have this form.
        """
        match = _TEXT.fullmatch(text.strip())
        if match is None:
            raise ValueError(f"{text!r} is not WHERE=WHAT[:ARGUMENT][xTIMES][%PERCENT][@AFTER][/path|client|site]")
        times, share = match["times"], match["share"]
        return cls(
            on=match["on"],
            action=match["action"],
            argument=match["argument"] or "",
            times=None if times is None else int(times),
            share=1.0 if share is None else float(share) / 100,
            after=int(match["after"] or 0),
            per=CountedBy(match["per"] or CountedBy.PATH),
        )

    @classmethod
    def from_json(cls, value: str | dict[str, Any]) -> DemoFault:
        """Reads a fault from a text as above or from an object with this class's fields.

        Raises:
            ValueError: the value has another form.
        """
        if isinstance(value, str):
            return cls.parse(value)
        try:
            return cls(**{**value, "per": CountedBy(value.get("per", CountedBy.PATH))})
        except TypeError as error:
            raise ValueError(str(error)) from error

    def to_json(self) -> dict[str, Any]:
        """Gives the object that ``from_json`` reads."""
        return asdict(self)

    def applies_to(self, request: DemoRequest) -> bool:
        """Tells whether the request is one of those that this fault counts."""
        if self.client is not None and self.client != request.client:
            return False
        path = request.path
        if self.on.startswith("tt"):
            match = _TITLE.match(path)
            return match is not None and match[1] == self.on
        if self.on == "graphql":
            return request.method == "POST"
        prefix = _GROUPS.get(self.on)
        return path == self.on if prefix is None else path.startswith(prefix)

    def key(self, request: DemoRequest) -> str:
        """Gives the key under which the request is counted."""
        return {CountedBy.PATH: request.path, CountedBy.CLIENT: request.client, CountedBy.SITE: ""}[self.per]


class FaultPlan:
    """Chooses the fault of each request: the first one that applies. For one event loop."""

    def __init__(self, faults: Iterable[DemoFault], seed: int = 0) -> None:
        self.faults = tuple(faults)
        self._seed = seed
        self._seen: Counter[tuple[int, str]] = Counter()
        self._hit: Counter[tuple[int, str]] = Counter()

    def next(self, request: DemoRequest) -> DemoFault | None:
        """Counts the request and gives its fault, if it has one."""
        chosen: DemoFault | None = None
        for place, fault in enumerate(self.faults):
            if not fault.applies_to(request):
                continue
            key = (place, fault.key(request))
            self._seen[key] += 1
            if chosen is not None or self._seen[key] <= fault.after:
                continue
            if fault.times is not None and self._hit[key] >= fault.times:
                continue
            if self._chance(key) < fault.share:
                self._hit[key] += 1
                chosen = fault
        return chosen

    def _chance(self, key: tuple[int, str]) -> float:
        """A number from 0 to 1, the same for the same request of the same key in every run."""
        digest = hashlib.blake2b(f"{self._seed}/{key}/{self._seen[key]}".encode(), digest_size=6).digest()
        return int.from_bytes(digest) / 2**48


class PendingResponse(msgspec.Struct, frozen=True):
    """A request that has not been answered yet.

    Attributes:
        close: the client wants the connection closed.
    """

    request: DemoRequest
    site: DemoSite
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    close: bool
    argument: str = ""

    def proper(self) -> DemoResponse:
        """The site's response without a fault."""
        return self.site.answer(self.request)


# --- well-formed responses that are not the requested page ------------------------

_CHALLENGE_HEADERS: Final = (("x-amzn-waf-action", "challenge"), ("Cache-Control", "no-store, max-age=0"))
_CHALLENGE_PAGE: Final = (
    b'<!DOCTYPE html>\n<html lang="en">\n<head><meta charset="utf-8"><title></title>\n<script type="text/javascript">\n'
    b'window.awsWafCookieDomainList = [];\nwindow.gokuProps = {"key":"demo","iv":"demo","context":"demo"};\n</script>\n'
    b'<script src="/challenge.js"></script></head>\n<body><div id="challenge-container"></div>\n<noscript>'
    b"<h1>JavaScript is disabled</h1>In order to continue, we need to verify that you're not a robot.</noscript>\n"
    b"</body>\n</html>\n"
)
_NO_TITLE: Final = (
    b'<!DOCTYPE html><html lang="en"><head><title>IMDb</title></head><body><div id="app"><p>This page has a new '
    b"layout without any title data.</p></div></body></html>"
)
_CHALLENGE: Final = DemoResponse(202, headers=_CHALLENGE_HEADERS)


def _status_page(status: int, retry_after: str) -> DemoResponse:
    """An error page; Retry-After is the text given, or an HTTP date for ``date+SECONDS``."""
    headers: tuple[tuple[str, str], ...] = ()
    if match := re.fullmatch(r"date\+(\d+)", retry_after):
        headers = (("Retry-After", formatdate(time.time() + int(match[1]), usegmt=True)),)
    elif retry_after:
        headers = (("Retry-After", retry_after),)
    if status == 403:
        return replace(forbidden(), headers=headers)
    text = f"<html><head><title>{status}</title></head><body>{status}</body></html>"
    return DemoResponse(status, Body((text.encode(),)), "text/html", headers)


def _challenge_page(_pending: PendingResponse, argument: str) -> DemoResponse:
    return DemoResponse(int(argument or 202), Body((_CHALLENGE_PAGE,)), headers=_CHALLENGE_HEADERS)


def _wrong_title(pending: PendingResponse, argument: str) -> DemoResponse:
    request = pending.request
    others = (imdb_id for imdb_id in pending.site.catalogue.ids() if f"/title/{imdb_id}/" != request.path)
    path = f"/title/{argument or next(others)}/"
    return pending.site.answer(DemoRequest("GET", path, request.client, request.headers))


def _graphql_errors(_pending: PendingResponse, argument: str) -> DemoResponse:
    error = {"message": argument or "Internal server error", "extensions": {"code": "INTERNAL"}}
    return DemoResponse.json({"data": None, "errors": [error]})


def _graphql_partial(pending: PendingResponse, _argument: str) -> DemoResponse:
    answer = pending.proper()
    content = json.loads(answer.body.joined())
    if not (content.get("data") or {}).get("titles"):
        return answer
    content["data"]["titles"][0] = None
    content["errors"] = [{"message": "Service unavailable", "path": ["titles", 0], "extensions": {"code": "INTERNAL"}}]
    return DemoResponse.json(content)


def _graphql_needs(pending: PendingResponse, argument: str) -> DemoResponse:
    return pending.proper() if (argument or "origin").lower() in pending.request.headers else forbidden()


def _graphql_small(pending: PendingResponse, argument: str) -> DemoResponse:
    return pending.proper() if len(pending.request.body) <= int(argument or 1000) else forbidden()


def _graphql_registered(pending: PendingResponse, _argument: str) -> DemoResponse:
    body = json.loads(pending.request.body)
    if "persistedQuery" in (body.get("extensions") or {}):
        return pending.proper()
    miss = {"message": "PersistedQueryNotFound", "extensions": {"code": "PERSISTED_QUERY_NOT_FOUND"}}
    return DemoResponse.json({"errors": [miss]}, 400)


def _changed_dataset(change: Callable[[list[bytes]], list[bytes]]) -> Callable[[PendingResponse, str], DemoResponse]:
    """Makes a fault that changes the lines of a data file; other requests are answered properly."""

    def respond(pending: PendingResponse, _argument: str) -> DemoResponse:
        response = pending.proper()
        if response.status not in (200, 206):
            return response
        request = replace(pending.request, headers={})
        lines = gzip.decompress(pending.site.answer(request).body.joined()).splitlines(keepends=True)
        modified = dict(response.headers)["Last-Modified"]
        return respond_with_file(request, packed_file(b"".join(change(lines)), modified))

    return respond


def _truncated_dataset(pending: PendingResponse, _argument: str) -> DemoResponse:
    response = pending.site.answer(replace(pending.request, headers={}))
    content = response.body.joined()
    return replace(response, body=Body((content[: len(content) // 2],)))


def _older_dataset(pending: PendingResponse, argument: str) -> DemoResponse:
    today = pending.site.catalogue
    day = max(0, today.day - int(argument or 1))
    response = DatasetFiles(DemoCatalogue(today.seed, today.count, day)).answer(pending.request)
    return pending.proper() if response is None else response


RESPONSES: Final[dict[str, Callable[[PendingResponse, str], DemoResponse]]] = {
    "challenge": lambda _pending, argument: replace(_CHALLENGE, status=int(argument or 202)),  # empty, with the header
    "challenge-page": _challenge_page,  # the small page that real browsers get; the argument is another status
    "empty": lambda _pending, _argument: DemoResponse(200),
    "garbage": lambda _pending, _argument: DemoResponse(200, Body((_NO_TITLE,))),  # a page without title data
    "wrong-title": _wrong_title,  # the page of another title, which the argument names
    "redirect": lambda _pending, argument: DemoResponse.redirect(302, argument or "http://elsewhere.invalid/"),
    "graphql-errors": _graphql_errors,  # status 200 and no data; the argument is the message
    "graphql-partial": _graphql_partial,  # the first title of the batch is lost
    "graphql-needs": _graphql_needs,  # 403 without the header that the argument names, Origin by default
    "graphql-small": _graphql_small,  # 403 for a body of more bytes than the argument, 1,000 by default
    "graphql-registered": _graphql_registered,  # a query without its hash is refused as unknown
    "dataset-truncated": _truncated_dataset,  # half of the gzip file, with the length of that half
    "dataset-html": lambda _pending, _argument: DemoResponse(200, Body((_NO_TITLE,))),  # a page instead of the file
    "dataset-header": _changed_dataset(lambda lines: [lines[0].replace(b"const", b"konst", 1), *lines[1:]]),
    "dataset-short-row": _changed_dataset(
        lambda lines: [*lines[:2], lines[2].rpartition(b"\t")[0] + b"\n", *lines[3:]]
    ),
    "dataset-utf8": _changed_dataset(lambda lines: [*lines[:2], lines[2].replace(b"\t", b"\t\xff\xfe", 1), *lines[3:]]),
    "dataset-duplicates": _changed_dataset(lambda lines: [*lines[:4], *lines[1:4], *lines[4:]]),
    "dataset-old": _older_dataset,  # the file of an earlier day; the argument is the number of days
}
"""Responses by name; the text is the fault's argument."""


def respond(fault: DemoFault, pending: PendingResponse) -> DemoResponse | None:
    """Gives the response of a fault, or None if the fault breaks the protocol and ``deliver`` is to be called."""
    if fault.action.isdigit():
        return _status_page(int(fault.action), fault.argument)
    make = RESPONSES.get(fault.action)
    return None if make is None else make(pending, fault.argument)


# --- responses that break the protocol ---------------------------------------------


async def send(
    writer: asyncio.StreamWriter, request: DemoRequest | None, response: DemoResponse, *, close: bool
) -> None:
    """Sends a response properly."""
    head = response.head(length=response.body.length, close=close)
    if request is not None and request.method == "HEAD":
        writer.write(head)
    else:
        writer.writelines((head, *response.body.parts))
    await writer.drain()


async def _send_part(pending: PendingResponse, length: int | None) -> None:
    """Sends the right head and the beginning of the body, half of it by default."""
    response = pending.proper()
    body = response.body.joined()
    part = body[: len(body) // 2 if length is None else length]
    pending.writer.writelines((response.head(length=len(body), close=False), part))
    await pending.writer.drain()


async def _cut(pending: PendingResponse) -> bool:
    await _send_part(pending, int(pending.argument) if pending.argument else None)
    return False


async def _reset(pending: PendingResponse) -> bool:
    if pending.argument:
        await _send_part(pending, int(pending.argument))
        await asyncio.sleep(0.05)  # the bytes must be sent before the reset
    connection: socket.socket = pending.writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    pending.writer.transport.abort()
    return False


async def _drip(pending: PendingResponse) -> bool:
    response = pending.proper()
    body = response.body.joined()
    step = max(1, int(pending.argument or 1000) // 10)
    pending.writer.write(response.head(length=len(body), close=False))
    for start in range(0, len(body), step):
        pending.writer.write(body[start : start + step])
        await pending.writer.drain()
        await asyncio.sleep(0.1)
    return not pending.close


async def _hang(pending: PendingResponse) -> bool:
    with contextlib.suppress(TimeoutError):  # ends early when the client closes the connection
        await asyncio.wait_for(pending.reader.read(1), float(pending.argument or 3600))
    return False


async def _slow(pending: PendingResponse) -> bool:
    await asyncio.sleep(float(pending.argument or 1))
    await send(pending.writer, pending.request, pending.proper(), close=pending.close)
    return not pending.close


DELIVERIES: Final[dict[str, Callable[[PendingResponse], Awaitable[bool]]]] = {
    "cut": _cut,  # the body ends early; the argument is the number of bytes sent, half by default
    "reset": _reset,  # RST instead of a response, or after so many bytes of the body
    "drip": _drip,  # ten small pieces a second, so many bytes a second, 1,000 by default
    "hang": _hang,  # no response for so many seconds
    "slow": _slow,  # a proper response, so many seconds late
}
"""Deliveries by name; each tells whether the connection can be used again."""

ACTIONS: Final = frozenset({*RESPONSES, *DELIVERIES})
_TEXT_ARGUMENT: Final = frozenset({"wrong-title", "redirect", "graphql-errors", "graphql-needs"})


async def deliver(fault: DemoFault, pending: PendingResponse) -> bool:
    """Answers as the fault says; tells whether the connection can be used again."""
    return await DELIVERIES[fault.action](replace(pending, argument=fault.argument))

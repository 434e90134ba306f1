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
from typing import Final, Literal

import msgspec
from msgspec.structs import replace

from infrastructure.demo.catalogue import DemoCatalogue
from infrastructure.demo.datasets import DatasetFiles, packed_file, respond_with_file
from infrastructure.demo.messages import FORBIDDEN, DemoRequest, DemoResponse
from infrastructure.demo.site import DemoSite

_TITLE: Final = re.compile(r"/title/(tt\d+)")
_TEXT: Final = re.compile(
    r"(?P<on>[^=]+)=(?P<action>[a-z0-9-]+?)(?::(?P<argument>.+?))?"
    r"(?:x(?P<times>\d+))?(?:%(?P<percent>\d+(?:\.\d+)?))?(?:@(?P<after>\d+))?(?:/(?P<per>path|client|site))?"
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


class DemoFault(msgspec.Struct, frozen=True):
    """A fault for some of the requests.

    Attributes:
        on: an IMDb id, a path (``/chart/top/``), or one of ``title``, ``chart``,
            ``image``, ``robots``, ``graphql``, ``dataset``, ``site``.
        action: a status code, or a name from ``RESPONSES`` or ``DELIVERIES``.
        argument: a number or a text that the action uses, such as Retry-After.
        times: number of requests of each key that get the fault; None is all.
        percent: how many of the remaining requests get the fault. Key and number of a
            request decide, so that the choice repeats.
        after: requests of each key that are answered properly first.
        per: the key by which requests are counted.
    """

    on: str
    action: str
    argument: str = ""
    times: int | None = None
    percent: float = 100
    after: int = 0
    per: Literal["path", "client", "site"] = "path"

    @classmethod
    def parse(cls, text: str) -> DemoFault:
        """Reads ``WHERE=WHAT[:ARGUMENT][xTIMES][%PERCENT][@AFTER][/PER]``.

        ``tt1234567=503x2`` (503 twice, then the page), ``title=429:1x1`` (429 with Retry-After 1, once for each
        title), ``title=challenge@50/client`` (for each address, after 50 titles).

        Raises:
            ValueError: the text does not have this form, or a part of it is unknown.
        """
        match = _TEXT.fullmatch(text.strip())
        if match is None:
            raise ValueError(f"{text!r} is not WHERE=WHAT[:ARGUMENT][xTIMES][%PERCENT][@AFTER][/path|client|site]")
        parts = {name: part for name, part in match.groupdict().items() if part is not None}
        fault = msgspec.convert(parts, cls, strict=False)  # its numbers are texts
        on, action = fault.on, fault.action
        if not (on in _GROUPS or on.startswith("/") or re.fullmatch(r"tt\d+", on)):
            raise ValueError(f"{on!r} is not an id, a path or one of {', '.join(_GROUPS)}")
        if fault.percent > 100:
            raise ValueError(f"{fault.percent:g}% is more than all requests")
        status = action.isdigit() and 200 <= int(action) < 600
        if not (status or action in ACTIONS):
            raise ValueError(f"{action!r} is not a status code or one of {', '.join(sorted(ACTIONS))}")
        if not status and action not in _TEXT_ARGUMENT and not re.fullmatch(r"\d*(\.\d+)?", fault.argument):
            raise ValueError(f"the argument of {action}:{fault.argument} is not a number")
        return fault

    def applies_to(self, request: DemoRequest) -> bool:
        """Tells whether the request is one of those that this fault counts."""
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
        return {"path": request.path, "client": request.client, "site": ""}[self.per]


class FaultPlan:
    """Chooses the fault of each request: the first one that applies. For one event loop."""

    def __init__(self, faults: Iterable[DemoFault], seed: int = 0) -> None:
        self._faults = tuple(faults)
        self._seed = seed
        self._seen: Counter[tuple[int, str]] = Counter()
        self._hit: Counter[tuple[int, str]] = Counter()

    def next(self, request: DemoRequest) -> DemoFault | None:
        """Counts the request and gives its fault, if it has one."""
        chosen: DemoFault | None = None
        for place, fault in enumerate(self._faults):
            if not fault.applies_to(request):
                continue
            key = (place, fault.key(request))
            self._seen[key] += 1
            if chosen is not None or self._seen[key] <= fault.after:
                continue
            if fault.times is not None and self._hit[key] >= fault.times:
                continue
            if self._chance(key) < fault.percent / 100:
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
        argument: that of the fault.
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
_NO_TITLE: Final = DemoResponse.of(
    200,
    '<!DOCTYPE html><html lang="en"><head><title>IMDb</title></head><body><div id="app"><p>This page has a new '
    "layout without any title data.</p></div></body></html>",
)


def _status_page(status: int, retry_after: str) -> DemoResponse:
    """An error page; Retry-After is the text given, or an HTTP date for ``date+SECONDS``."""
    if match := re.fullmatch(r"date\+(\d+)", retry_after):
        retry_after = formatdate(time.time() + int(match[1]), usegmt=True)
    headers = (("Retry-After", retry_after),) if retry_after else ()
    if status == 403:
        return replace(FORBIDDEN, headers=headers)
    text = f"<html><head><title>{status}</title></head><body>{status}</body></html>"
    return DemoResponse.of(status, text, "text/html", headers)


def _challenge(pending: PendingResponse) -> DemoResponse:
    return DemoResponse(int(pending.argument or 202), headers=_CHALLENGE_HEADERS)


def _wrong_title(pending: PendingResponse) -> DemoResponse:
    request = pending.request
    others = (imdb_id for imdb_id in pending.site.catalogue.ids() if f"/title/{imdb_id}/" != request.path)
    path = f"/title/{pending.argument or next(others)}/"
    return pending.site.answer(DemoRequest("GET", path, request.client, request.headers))


def _graphql_errors(pending: PendingResponse) -> DemoResponse:
    error = {"message": pending.argument or "Internal server error", "extensions": {"code": "INTERNAL"}}
    return DemoResponse.json({"data": None, "errors": [error]})


def _graphql_partial(pending: PendingResponse) -> DemoResponse:
    answer = pending.proper()
    content = json.loads(answer.content)
    if not (content.get("data") or {}).get("titles"):
        return answer
    content["data"]["titles"][0] = None
    content["errors"] = [{"message": "Service unavailable", "path": ["titles", 0], "extensions": {"code": "INTERNAL"}}]
    return DemoResponse.json(content)


def _graphql_needs(pending: PendingResponse) -> DemoResponse:
    return pending.proper() if (pending.argument or "origin").lower() in pending.request.headers else FORBIDDEN


def _graphql_small(pending: PendingResponse) -> DemoResponse:
    return pending.proper() if len(pending.request.body) <= int(pending.argument or 1000) else FORBIDDEN


def _graphql_registered(pending: PendingResponse) -> DemoResponse:
    body = json.loads(pending.request.body)
    if "persistedQuery" in (body.get("extensions") or {}):
        return pending.proper()
    miss = {"message": "PersistedQueryNotFound", "extensions": {"code": "PERSISTED_QUERY_NOT_FOUND"}}
    return DemoResponse.json({"errors": [miss]}, 400)


def _whole_file(pending: PendingResponse) -> DemoResponse:
    return pending.site.answer(replace(pending.request, headers={}))


def _changed_dataset(change: Callable[[list[bytes]], list[bytes]]) -> Callable[[PendingResponse], DemoResponse]:
    """Makes a fault that changes the lines of a data file; other requests are answered properly."""

    def respond(pending: PendingResponse) -> DemoResponse:
        response = pending.proper()
        if response.status not in (200, 206):
            return response
        lines = gzip.decompress(_whole_file(pending).content).splitlines(keepends=True)
        modified = dict(response.headers)["Last-Modified"]
        return respond_with_file(replace(pending.request, headers={}), packed_file(b"".join(change(lines)), modified))

    return respond


def _truncated_dataset(pending: PendingResponse) -> DemoResponse:
    response = _whole_file(pending)
    return replace(response, parts=(response.content[: response.length // 2],))


def _older_dataset(pending: PendingResponse) -> DemoResponse:
    today = pending.site.catalogue
    day = max(0, today.day - int(pending.argument or 1))
    response = DatasetFiles(DemoCatalogue(today.seed, today.count, day)).answer(pending.request)
    return pending.proper() if response is None else response


RESPONSES: Final[dict[str, Callable[[PendingResponse], DemoResponse]]] = {
    "challenge": _challenge,  # empty, with the header; the argument is another status
    "challenge-page": lambda pending: replace(_challenge(pending), parts=(_CHALLENGE_PAGE,)),  # what browsers get
    "empty": lambda _pending: DemoResponse(200),
    "garbage": lambda _pending: _NO_TITLE,  # a page without title data
    "wrong-title": _wrong_title,  # the page of another title, which the argument names
    "redirect": lambda pending: DemoResponse.redirect(302, pending.argument or "http://elsewhere.invalid/"),
    "graphql-errors": _graphql_errors,  # status 200 and no data; the argument is the message
    "graphql-partial": _graphql_partial,  # the first title of the batch is lost
    "graphql-needs": _graphql_needs,  # 403 without the header that the argument names, Origin by default
    "graphql-small": _graphql_small,  # 403 for a body of more bytes than the argument, 1,000 by default
    "graphql-registered": _graphql_registered,  # a query without its hash is refused as unknown
    "dataset-truncated": _truncated_dataset,  # half of the gzip file, with the length of that half
    "dataset-html": lambda _pending: _NO_TITLE,  # a page instead of the file
    "dataset-header": _changed_dataset(lambda lines: [lines[0].replace(b"const", b"konst", 1), *lines[1:]]),
    "dataset-short-row": _changed_dataset(
        lambda lines: [*lines[:2], lines[2].rpartition(b"\t")[0] + b"\n", *lines[3:]]
    ),
    "dataset-utf8": _changed_dataset(lambda lines: [*lines[:2], lines[2].replace(b"\t", b"\t\xff\xfe", 1), *lines[3:]]),
    "dataset-duplicates": _changed_dataset(lambda lines: [*lines[:4], *lines[1:4], *lines[4:]]),
    "dataset-old": _older_dataset,  # the file of an earlier day; the argument is the number of days
}
"""Well-formed responses by name."""


def respond(action: str, pending: PendingResponse) -> DemoResponse:
    """Gives the response of a fault that is a status code or a name in ``RESPONSES``."""
    return _status_page(int(action), pending.argument) if action.isdigit() else RESPONSES[action](pending)


# --- responses that break the protocol ---------------------------------------------


async def send(
    writer: asyncio.StreamWriter, request: DemoRequest | None, response: DemoResponse, *, close: bool
) -> None:
    """Sends a response properly."""
    body = () if request is not None and request.method == "HEAD" else response.parts
    writer.writelines((response.head(close=close), *body))
    await writer.drain()


async def _send_part(pending: PendingResponse) -> None:
    """Sends the right head and the beginning of the body: as many bytes as the argument says, or half of it."""
    response = pending.proper()
    part = response.content[: int(pending.argument or response.length // 2)]
    pending.writer.writelines((response.head(close=False), part))
    await pending.writer.drain()


async def _cut(pending: PendingResponse) -> bool:
    await _send_part(pending)
    return False


async def _reset(pending: PendingResponse) -> bool:
    if pending.argument:
        await _send_part(pending)
        await asyncio.sleep(0.05)  # the bytes must be sent before the reset
    connection: socket.socket = pending.writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    pending.writer.transport.abort()
    return False


async def _drip(pending: PendingResponse) -> bool:
    response = pending.proper()
    body = response.content
    step = max(1, int(pending.argument or 1000) // 10)
    pending.writer.write(response.head(close=False))
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

"""How the site is told to misbehave, and when it does."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Final

from infrastructure.demo.messages import Request

_TITLE: Final = re.compile(r"/title/(tt\d+)")
_TEXT: Final = re.compile(
    r"(?P<on>[^=]+)=(?P<action>[a-z0-9-]+?)(?::(?P<argument>.+?))?"
    r"(?:x(?P<times>\d+))?(?:%(?P<share>\d+(?:\.\d+)?))?(?:@(?P<after>\d+))?(?:/(?P<per>path|client|site))?"
)
_KINDS: Final = {
    "title": "/title/",
    "chart": "/chart/",
    "image": "/images/",
    "robots": "/robots.txt",
    "graphql": "/graphql",
    "site": "/",
}


class Per(StrEnum):
    """What a fault counts requests by."""

    PATH = "path"
    CLIENT = "client"
    SITE = "site"


@dataclass(frozen=True, slots=True)
class Fault:
    """One way to misbehave toward some requests.

    Attributes:
        on: an IMDb id, a path (``/chart/top/``), or one of ``title``, ``chart``,
            ``image``, ``robots``, ``graphql``, ``site``.
        action: a status code or a name out of ``misbehaviour.ACTIONS``.
        argument: what the action makes of it: a Retry-After, bytes, an address.
        times: how many requests of each key it hits; None is all.
        share: the part of the remaining requests it hits, 0 to 1; which ones is
            decided by their key and number, so it repeats.
        after: requests of each key that it lets pass first.
        per: the key: the path (so each title by itself), the client's address, or the whole site.
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
    per: Per = Per.PATH
    client: str | None = None

    def __post_init__(self) -> None:
        if not (self.on in _KINDS or self.on.startswith("/") or re.fullmatch(r"tt\d+", self.on)):
            raise ValueError(f"{self.on!r} is neither an id, nor a path, nor one of {', '.join(_KINDS)}")
        if not 0 <= self.share <= 1:
            raise ValueError(f"share {self.share} is outside 0 to 1")
        if self.after < 0 or (self.times is not None and self.times < 0):
            raise ValueError("times and after must be at least 0")

    @classmethod
    def parse(cls, text: str) -> Fault:
        """Read ``ON=ACTION[:ARGUMENT][xTIMES][%PERCENT][@AFTER][/PER]``.

        ``tt1234567=503x2`` (twice 503, then fine), ``title=429:1x1`` (each title
        once, Retry-After 1), ``title=challenge@50/client`` (each address after 50 titles).

        Raises:
            ValueError: it cannot be read so.
        """
        match = _TEXT.fullmatch(text.strip())
        if match is None:
            raise ValueError(f"{text!r} is not ON=ACTION[:ARGUMENT][xTIMES][%PERCENT][@AFTER][/path|client|site]")
        times, share = match["times"], match["share"]
        return cls(
            on=match["on"],
            action=match["action"],
            argument=match["argument"] or "",
            times=None if times is None else int(times),
            share=1.0 if share is None else float(share) / 100,
            after=int(match["after"] or 0),
            per=Per(match["per"] or Per.PATH),
        )

    @classmethod
    def from_json(cls, value: str | dict[str, Any]) -> Fault:
        """A fault as text or as an object with this class's fields.

        Raises:
            ValueError: it cannot be read so.
        """
        if isinstance(value, str):
            return cls.parse(value)
        try:
            return cls(**{**value, "per": Per(value.get("per", Per.PATH))})
        except TypeError as error:
            raise ValueError(str(error)) from error

    def to_json(self) -> dict[str, Any]:
        """The reverse of ``from_json``."""
        return asdict(self)

    def concerns(self, request: Request) -> bool:
        """Whether the request is one of those this fault counts."""
        if self.client is not None and self.client != request.client:
            return False
        path = request.path
        if self.on.startswith("tt"):
            match = _TITLE.match(path)
            return match is not None and match[1] == self.on
        if self.on == "graphql":
            return request.method == "POST"
        prefix = _KINDS.get(self.on)
        return path == self.on if prefix is None else path.startswith(prefix)

    def key(self, request: Request) -> str:
        """What the request is counted under."""
        return {Per.PATH: request.path, Per.CLIENT: request.client, Per.SITE: ""}[self.per]


class FaultPlan:
    """Decides, request by request, which fault hits; the first that does wins. For one event loop."""

    def __init__(self, faults: Iterable[Fault], seed: int = 0) -> None:
        self.faults = tuple(faults)
        self._seed = seed
        self._seen: Counter[tuple[int, str]] = Counter()
        self._hit: Counter[tuple[int, str]] = Counter()

    def next(self, request: Request) -> Fault | None:
        """The fault for this request, if any; counts the request."""
        chosen: Fault | None = None
        for place, fault in enumerate(self.faults):
            if not fault.concerns(request):
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
        """From 0 to 1, the same for the same request of the same key in every run."""
        digest = hashlib.blake2b(f"{self._seed}/{key}/{self._seen[key]}".encode(), digest_size=6).digest()
        return int.from_bytes(digest) / 2**48

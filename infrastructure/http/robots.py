"""Rules of robots.txt (RFC 9309), kept for a day in memory and on disk."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Final

import msgspec
from protego import Protego

from domain.errors import NotFound, SourceError, Transient
from infrastructure.http.limit import locked
from infrastructure.http.messages import Origin, Page
from shared.atomic import write_atomically
from shared.clock import Clock

log = logging.getLogger(__name__)
AGENT: Final = "filmledger"
MAX_BYTES: Final = 512 * 1024  # RFC 9309, 2.5: at least 500 kibibytes must be read
_KEPT: Final = timedelta(hours=24)  # RFC 9309, 2.4
_FAILURE_KEPT_SECONDS: Final = 30.0
_FILE_MODE: Final = 0o600
_MAX_SITES: Final = 20  # in the file: a few hosts, and demo sites on changing ports


class _KeptText(msgspec.Struct):
    text: str
    fetched_at: Annotated[datetime, msgspec.Meta(tz=True)]


class RobotsFile:
    """Keeps the robots.txt of each site for a day, for later runs. A file that cannot be read is ignored.

    Args:
        path: of the file; its folder must exist for anything to be kept.
    """

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        self._lock = threading.Lock()

    def read(self, origin: Origin) -> tuple[str, timedelta] | None:
        """Returns the text that a site's robots.txt had and how long it is still valid; ``None`` if it is too old."""
        with self._lock:
            entry = self._entries().get(_name(origin))
        if entry is None:
            return None
        left = entry.fetched_at + _KEPT - self._clock.now()
        return (entry.text, left) if timedelta(0) < left <= _KEPT else None

    def write(self, origin: Origin, text: str) -> None:
        """Keeps the text of a site's robots.txt."""
        if not self._path.parent.is_dir():
            return
        with self._lock:
            now = self._clock.now()
            new = {_name(origin): _KeptText(text, now)}
            kept = new | self._entries() | new  # the new one comes first among those of the same moment
            newest = sorted(kept.items(), key=lambda item: item[1].fetched_at, reverse=True)[:_MAX_SITES]
            document = msgspec.json.encode({name: one for name, one in newest if one.fetched_at + _KEPT > now})
            try:
                write_atomically(self._path, msgspec.json.format(document, indent=1), mode=_FILE_MODE, durable=False)
            except OSError as error:  # the next run fetches it again
                log.info("robots.txt of %s is not kept: %s cannot be written (%s)", origin, self._path, error.strerror)

    def _entries(self) -> dict[str, _KeptText]:
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=dict[str, _KeptText])
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, RecursionError) as error:
            log.info("%s cannot be read (%s); robots.txt is fetched again", self._path, type(error).__name__)
            return {}


class _Rules(msgspec.Struct):
    """The rules of one site, or why they could not be read; ``lock`` is held while they are being read."""

    outcome: Protego | Transient = msgspec.field(default_factory=lambda: Transient("not read yet"))
    expires: float = float("-inf")
    lock: threading.Lock = msgspec.field(default_factory=threading.Lock)


class Robots:
    """Reads each site's robots.txt once for all threads, and applies it.

    Args:
        fetch: fetches one robots.txt, its first ``MAX_BYTES`` bytes; raises SourceError.
        file: keeps it for later runs.
    """

    def __init__(
        self, fetch: Callable[[str, threading.Event], Page], clock: Clock, file: RobotsFile | None = None
    ) -> None:
        self._fetch = fetch
        self._clock = clock
        self._file = file
        self._lock = threading.Lock()
        self._sites: dict[Origin, _Rules] = {}

    def allows(self, url: str, cancel: threading.Event) -> bool:
        """Whether programs may fetch this address.

        Raises:
            Transient: robots.txt could not be read because of an error of the server or the network; then nothing
                may be fetched (RFC 9309, 2.3.1.4).
            Blocked: the site sent a challenge instead.
            Cancelled: ``cancel`` was set.
        """
        origin = Origin.of(url)
        with self._lock:
            if (site := self._sites.get(origin)) is None:
                site = self._sites[origin] = _Rules()
        if self._clock.monotonic() >= site.expires:
            with locked(site.lock, cancel):
                if self._clock.monotonic() >= site.expires:
                    self._read(origin, site, cancel)
        if isinstance(site.outcome, Transient):
            raise Transient(str(site.outcome))
        return site.outcome.can_fetch(url, AGENT)

    def _read(self, origin: Origin, site: _Rules, cancel: threading.Event) -> None:
        """Sets the rules, then when they expire."""
        try:
            kept = self._file.read(origin) if self._file else None
            text, left = kept or (self._text(origin, cancel), _KEPT)
            site.outcome = Protego.parse(text)
            site.expires = self._clock.monotonic() + left.total_seconds()
            if self._file and kept is None:
                self._file.write(origin, text)
        except Transient as error:
            site.outcome = error
            site.expires = self._clock.monotonic() + _FAILURE_KEPT_SECONDS

    def _text(self, origin: Origin, cancel: threading.Event) -> str:
        try:
            page = self._fetch(f"{_name(origin)}/robots.txt", cancel)
        except NotFound:
            return ""
        except SourceError as error:
            if type(error) is not SourceError:  # Transient, Blocked, Cancelled
                raise
            log.info("no robots.txt at %s (%s): all is allowed", origin, error)
            return ""
        return page.body.decode("utf-8-sig", errors="replace")


def _name(origin: Origin) -> str:
    return f"{origin.scheme}://{origin}"

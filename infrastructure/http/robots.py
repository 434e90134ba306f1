"""Rules of robots.txt (RFC 9309), kept for a day in memory and on disk."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec
from protego import Protego

from domain.errors import Cancelled, NotFound, SourceError, Transient
from infrastructure.http.messages import Origin, Page
from shared.atomic import write_atomically
from shared.clock import Clock

log = logging.getLogger(__name__)
AGENT: Final = "filmledger"
MAX_BYTES: Final = 512 * 1024  # RFC 9309, 2.5: at least 500 kibibytes must be read
_POLL_SECONDS: Final = 0.2
_KEPT: Final = timedelta(hours=24)  # RFC 9309, 2.4
_FAILURE_KEPT_SECONDS: Final = 30.0
_FILE_MODE: Final = 0o600
_MAX_SITES: Final = 20  # in the file: a few hosts, and demo sites on changing ports


class _Entry(msgspec.Struct):
    rules: Protego | None = None
    failure: Transient | None = None
    expires: float = float("-inf")
    fetching: bool = False
    done: threading.Event = msgspec.field(default_factory=threading.Event)


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
        left = entry[1] + _KEPT - self._clock.now()
        return (entry[0], left) if timedelta(0) < left <= _KEPT else None

    def write(self, origin: Origin, text: str) -> None:
        """Keeps the text of a site's robots.txt."""
        if not self._path.parent.is_dir():
            return
        with self._lock:
            now = self._clock.now()
            new = {_name(origin): (text, now)}
            kept = new | self._entries() | new  # the new one comes first among those of the same moment
            newest = sorted(kept.items(), key=lambda item: item[1][1], reverse=True)[:_MAX_SITES]
            document = {
                name: {"text": one, "fetched_at": at.isoformat()} for name, (one, at) in newest if at + _KEPT > now
            }
            try:
                write_atomically(self._path, json.dumps(document, indent=1), mode=_FILE_MODE, durable=False)
            except OSError as error:  # the next run fetches it again
                log.info("robots.txt of %s is not kept: %s cannot be written (%s)", origin, self._path, error.strerror)

    def _entries(self) -> dict[str, tuple[str, datetime]]:
        try:
            document = json.loads(self._path.read_text(encoding="utf-8"))
            found = {str(name): (entry["text"], datetime.fromisoformat(entry["fetched_at"]))
                     for name, entry in document.items()}  # fmt: skip
            if any(not isinstance(text, str) or at.tzinfo is None for text, at in found.values()):
                raise ValueError("an entry has another form")
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            log.info("%s cannot be read (%s); robots.txt is fetched again", self._path, type(error).__name__)
            return {}
        return found


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
        self._entries: dict[Origin, _Entry] = {}

    def allows(self, url: str, cancel: threading.Event) -> bool:
        """Whether programs may fetch this address.

        Raises:
            Transient: robots.txt could not be read because of an error of the server or the network; then nothing
                may be fetched (RFC 9309, 2.3.1.4).
            Blocked: the site sent a challenge instead.
            Cancelled: ``cancel`` was set.
        """
        return self.rules(Origin.of(url), cancel).can_fetch(url, AGENT)

    def rules(self, origin: Origin, cancel: threading.Event) -> Protego:
        """Returns the rules of one site, fetched if they are not known; raises as ``allows``."""
        while True:
            with self._lock:
                entry = self._entries.setdefault(origin, _Entry())
                if self._clock.monotonic() < entry.expires:
                    if entry.failure is not None:
                        raise Transient(str(entry.failure))
                    if entry.rules is not None:
                        return entry.rules
                mine = not entry.fetching
                if mine:
                    entry.fetching = True
                    entry.done.clear()
            if mine:
                self._read(origin, entry, cancel)
            else:
                entry.done.wait(_POLL_SECONDS)
            if cancel.is_set():
                raise Cancelled(f"stopped before the robots.txt of {origin} was read")

    def _read(self, origin: Origin, entry: _Entry, cancel: threading.Event) -> None:
        try:
            kept = self._file.read(origin) if self._file else None
            text, left = kept or (self._text(origin, cancel), _KEPT)
            entry.rules = Protego.parse(text)
            entry.failure = None
            entry.expires = self._clock.monotonic() + left.total_seconds()
            if self._file and kept is None:
                self._file.write(origin, text)
        except Transient as error:
            entry.failure = error
            entry.expires = self._clock.monotonic() + _FAILURE_KEPT_SECONDS
        finally:
            entry.fetching = False
            entry.done.set()

    def _text(self, origin: Origin, cancel: threading.Event) -> str:
        try:
            page = self._fetch(f"{origin.scheme}://{origin}/robots.txt", cancel)
        except NotFound:
            return ""
        except (Transient, Cancelled):
            raise
        except SourceError as error:
            if error.retry or type(error) is not SourceError:
                raise
            log.info("no robots.txt at %s (%s): all is allowed", origin, error)
            return ""
        return page.body.decode("utf-8-sig", errors="replace")


def _name(origin: Origin) -> str:
    return f"{origin.scheme}://{origin}"

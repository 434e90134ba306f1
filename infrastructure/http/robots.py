"""What robots.txt allows (RFC 9309)."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from protego import Protego

from domain.errors import Cancelled, NotFound, SourceError, Transient
from infrastructure.http.page import Page
from infrastructure.http.scope import Origin
from shared.clock import Clock

log = logging.getLogger(__name__)
AGENT: Final = "filmledger"
MAX_BYTES: Final = 512 * 1024  # RFC 9309, 2.5: at least 500 kibibytes have to be read
_POLL_SECONDS: Final = 0.2
_KEPT_SECONDS: Final = 24 * 3600.0  # RFC 9309, 2.4
_FAILURE_KEPT_SECONDS: Final = 30.0


@dataclass(slots=True)
class _Entry:
    rules: Protego | None = None
    failure: Transient | None = None
    expires: float = float("-inf")
    fetching: bool = False
    done: threading.Event = field(default_factory=threading.Event)


class Robots:
    """Reads each site's robots.txt once for all threads, and answers from it.

    Args:
        fetch: gets one robots.txt with its first ``MAX_BYTES`` bytes; raises SourceError.
        clock: monotonic time.
    """

    def __init__(self, fetch: Callable[[str, threading.Event], Page], clock: Clock) -> None:
        self._fetch = fetch
        self._clock = clock
        self._lock = threading.Lock()
        self._entries: dict[Origin, _Entry] = {}

    def allows(self, url: str, cancel: threading.Event) -> bool:
        """Whether programs may fetch this address.

        Raises:
            Transient: robots.txt could not be read for an error of the server or the network:
                then nothing may be fetched (RFC 9309, 2.3.1.4).
            Blocked: a challenge came in its place.
            Cancelled: ``cancel`` was set.
        """
        return self.rules(Origin.of(url), cancel).can_fetch(url, AGENT)

    def rules(self, origin: Origin, cancel: threading.Event) -> Protego:
        """The rules of one site, fetched if they are not known; see ``allows`` for errors."""
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
            entry.rules = self._parsed(origin, cancel)
            entry.failure = None
            entry.expires = self._clock.monotonic() + _KEPT_SECONDS
        except Transient as error:
            entry.failure = error
            entry.expires = self._clock.monotonic() + _FAILURE_KEPT_SECONDS
        finally:
            entry.fetching = False
            entry.done.set()

    def _parsed(self, origin: Origin, cancel: threading.Event) -> Protego:
        url = f"{origin.scheme}://{origin}/robots.txt"
        try:
            page = self._fetch(url, cancel)
        except NotFound:
            return Protego.parse("")
        except (Transient, Cancelled):
            raise
        except SourceError as error:
            if error.retry or type(error) is not SourceError:
                raise
            log.info("no robots.txt at %s (%s): all is allowed", origin, error)
            return Protego.parse("")
        return Protego.parse(page.body.decode("utf-8-sig", errors="replace"))

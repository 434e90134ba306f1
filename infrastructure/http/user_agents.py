"""Which browser a route says it is."""

from __future__ import annotations

import logging
import random
import re
import threading
from typing import Final

import msgspec

log = logging.getLogger(__name__)
PLAIN: Final = "Mozilla/5.0 (compatible; filmledger)"
_DESKTOP: Final = re.compile(r"Mozilla/5\.0 \((?:Windows|Macintosh|X11)[^)]*\)(?!.*Mobile).*")  # its own marks err
_BROWSERS: Final = frozenset({"Chrome", "Firefox", "Edge", "Safari"})


class _Browser(msgspec.Struct):
    """What we want to know of a line of fake-useragent's list."""

    useragent: str
    browser: str | None


class UserAgents:
    """User agents of desktop browsers, so that pages come in one layout.

    fake-useragent's list is read by ourselves: the package takes 40 ms for what
    takes 5 this way, and every run waits for it. It is done once for all users,
    when the first asks or beforehand in ``preload``'s own thread.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: tuple[str, ...] = ()

    def preload(self) -> None:
        """Read the list while others wait for something else."""
        if not self._known:
            threading.Thread(target=self._load, name="user-agents", daemon=True).start()

    def pick(self, chance: random.Random) -> str:
        """One of the common ones; a plain one that names this program if there is no list."""
        known = self._load()
        return chance.choice(known) if known else PLAIN

    def _load(self) -> tuple[str, ...]:
        with self._lock:
            if not self._known:
                self._known = _read() or (PLAIN,)
            return self._known


def _read() -> tuple[str, ...]:
    try:
        from fake_useragent.errors import FakeUserAgentError
        from fake_useragent.utils import find_browser_json_path
    except ImportError as error:
        log.warning("fake-useragent cannot be loaded (%s); going on as %r", error, PLAIN)
        return ()
    try:
        browsers = msgspec.json.Decoder(_Browser).decode_lines(find_browser_json_path().read_bytes())
        if not browsers:
            raise ValueError("it is empty")
    except (FakeUserAgentError, OSError, ValueError) as error:
        log.warning("fake-useragent has no list of browsers (%s); going on as %r", error, PLAIN)
        return ()
    common = (browser.useragent for browser in browsers if browser.browser in _BROWSERS)
    return tuple(dict.fromkeys(agent for agent in common if _DESKTOP.fullmatch(agent)))


USER_AGENTS: Final = UserAgents()

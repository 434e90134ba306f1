"""Notifications through Apprise, which is an optional package."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from typing import Final

from shared.secret import Secret

INSTALL: Final = "NOTIFY_URLS needs Apprise: pip install -r requirements-notify.txt, or the extra `notify`"
SECONDS: Final = 30.0


def notify(urls: Secret, title: str, body: str, *, seconds: float = SECONDS) -> Iterator[str]:
    """Sends one message to every address; yields a line for each problem, and raises nothing.

    Args:
        urls: Apprise addresses, separated by spaces, commas or line ends.
        seconds: a service that takes longer is given up.
    """
    try:
        from apprise import Apprise, NotifyFormat
    except ImportError:
        yield INSTALL
        return
    for place, url in enumerate(addresses(urls), 1):
        service = Apprise()
        if not service.add(url):
            yield f"NOTIFY_URLS: address {place} is not one that Apprise knows"
            continue
        results: list[bool | str] = []

        def send(service: Apprise = service, results: list[bool | str] = results) -> None:
            try:
                results.append(bool(service.notify(body=body, title=title, body_format=NotifyFormat.TEXT)))
            except Exception as error:  # noqa: BLE001 - a plugin may raise anything; the run must not fail by it
                results.append(type(error).__name__)

        thread = threading.Thread(target=send, name="notify", daemon=True)
        thread.start()
        thread.join(seconds)
        if not results:
            yield f"notification {place} was given up: no answer within {seconds:.0f} s"
        elif results[0] is not True:
            reason = results[0] or "the service did not accept it"
            yield f"notification {place} was not sent: {reason}"


def unusable_addresses(urls: Secret) -> Iterator[str]:
    """A line for each reason why notifications cannot be sent; sends nothing."""
    try:
        from apprise import Apprise
    except ImportError:
        yield INSTALL
        return
    for place, url in enumerate(addresses(urls), 1):
        if not Apprise().add(url):
            yield f"NOTIFY_URLS: address {place} is not one that Apprise knows"


def addresses(urls: Secret) -> list[str]:
    """The single addresses; they may contain passwords."""
    return [url for url in re.split(r"[\s,]+(?=[a-z][a-z0-9+.-]*://)|\s+", urls.reveal().strip()) if url]

"""Answers that are no pages: refusals, challenges, errors, redirects, pages about something else."""

from __future__ import annotations

import json
import re
import time
from dataclasses import replace
from email.utils import formatdate
from typing import Final

from infrastructure.demo.body import Body
from infrastructure.demo.messages import Answer, Request, forbidden
from infrastructure.demo.site import Site
from infrastructure.demo.strange_images import STRANGE_IMAGES, strange_image

_CHALLENGE_HEADERS: Final = (("x-amzn-waf-action", "challenge"), ("Cache-Control", "no-store, max-age=0"))
_CHALLENGE_PAGE: Final = (
    b'<!DOCTYPE html>\n<html lang="en">\n<head><meta charset="utf-8"><title></title>\n<script type="text/javascript">\n'
    b'window.awsWafCookieDomainList = [];\nwindow.gokuProps = {"key":"demo","iv":"demo","context":"demo"};\n</script>\n'
    b'<script src="/challenge.js"></script></head>\n<body><div id="challenge-container"></div>\n<noscript>'
    b"<h1>JavaScript is disabled</h1>In order to continue, we need to verify that you're not a robot.</noscript>\n"
    b"</body>\n</html>\n"
)
_GARBAGE: Final = (
    b'<!DOCTYPE html><html lang="en"><head><title>IMDb</title></head><body><div id="app"><p>Something new is here, '
    b"and it is not what you are looking for.</p></div></body></html>"
)


def refusal(status: int, retry_after: str = "") -> Answer:
    """An error page of this status.

    ``retry_after``: seconds, or ``date+SECONDS`` for an HTTP date so far ahead, or any other text as it is.
    """
    headers: tuple[tuple[str, str], ...] = ()
    if match := re.fullmatch(r"date\+(\d+)", retry_after):
        headers = (("Retry-After", formatdate(time.time() + int(match[1]), usegmt=True)),)
    elif retry_after:
        headers = (("Retry-After", retry_after),)
    if status == 403:
        return replace(forbidden(), headers=headers)
    text = f"<html><head><title>{status}</title></head><body>{status}</body></html>"
    return Answer(status, Body((text.encode(),)), "text/html", headers)


_EXPIRED: Final = {
    "errors": [{"message": "PersistedQueryNotFound", "extensions": {"code": "PERSISTED_QUERY_NOT_FOUND"}}]
}
_FIXED: Final = {
    "challenge": Answer(202, headers=_CHALLENGE_HEADERS),  # empty, with the header
    "challenge-page": Answer(202, Body((_CHALLENGE_PAGE,)), headers=_CHALLENGE_HEADERS),
    "challenge-body": Answer(200, Body((_CHALLENGE_PAGE,))),  # the small page, without the header
    "empty": Answer(200),
    "garbage": Answer(200, Body((_GARBAGE,))),  # a page without any title data
    "graphql-expired": Answer.json(_EXPIRED),  # the persisted query is not known
}
REFUSALS: Final = frozenset(
    {*_FIXED, *STRANGE_IMAGES, "wrong-title", "loop", "redirect", "graphql-errors", "graphql-partial"}
)
"""Every name that ``refuse`` knows, besides status codes."""
WORDY: Final = frozenset({"wrong-title", "redirect", "graphql-errors"})
"""Those whose argument is no number."""


def refuse(action: str, argument: str, request: Request, site: Site) -> Answer | None:
    """The answer of that name, or None if there is none.

    The argument is another status for the fixed ones, the other title for
    ``wrong-title``, the status for ``loop`` (a redirect to itself), the address
    for ``redirect``, the message for ``graphql-errors`` (status 200).
    ``graphql-partial`` loses the first of the titles asked for.
    """
    if fixed := _FIXED.get(action):
        return replace(fixed, status=int(argument)) if argument else fixed
    if action in STRANGE_IMAGES:
        return strange_image(action)
    match action:
        case "wrong-title":
            others = (imdb_id for imdb_id in site.catalogue.ids() if f"/title/{imdb_id}/" != request.path)
            path = f"/title/{argument or next(others)}/"
            return site.answer(Request("GET", path, request.client, request.headers))
        case "loop":
            return Answer.redirect(int(argument or 302), request.target)
        case "redirect":
            return Answer.redirect(302, argument or "http://elsewhere.invalid/")
        case "graphql-partial":
            return _partial(site.answer(request))
        case "graphql-errors":
            error = {"message": argument or "Internal server error", "extensions": {"code": "INTERNAL"}}
            return Answer.json({"data": None, "errors": [error]})
    return refusal(int(action), argument) if action.isdigit() else None


def _partial(answer: Answer) -> Answer:
    content = json.loads(answer.body.joined())
    if not (content.get("data") or {}).get("titles"):
        return answer
    content["data"]["titles"][0] = None
    content["errors"] = [{"message": "Service unavailable", "path": ["titles", 0], "extensions": {"code": "INTERNAL"}}]
    return Answer.json(content)

"""What an answer means for the request that asked for it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from urllib.parse import urljoin

from infrastructure.http.blocks import find_block
from infrastructure.http.retry import RetryPolicy, parse_retry_after
from infrastructure.http.transport import Answer, Request

_MOVED = frozenset({301, 302, 303, 307, 308})
_TOO_MUCH = frozenset({429, 503})


@dataclass(frozen=True, slots=True)
class Fine:
    """The page itself, or 304."""


@dataclass(frozen=True, slots=True)
class Moved:
    """It is elsewhere; ``for_good`` if it need not be asked for here again."""

    url: str
    for_good: bool


@dataclass(frozen=True, slots=True)
class Refused:
    """The site refuses programs."""

    reason: str


@dataclass(frozen=True, slots=True)
class Gone:
    """There is no such page (404, 410)."""

    reason: str


@dataclass(frozen=True, slots=True)
class Unwell:
    """The site could not do it now.

    ``again`` tells whether to try again, ``after`` the seconds it asked for, and
    ``too_much`` that it said it is asked too much.
    """

    reason: str
    again: bool
    after: float | None = None
    too_much: bool = False


@dataclass(frozen=True, slots=True)
class Locked:
    """The proxy wants credentials, or others."""

    reason: str


@dataclass(frozen=True, slots=True)
class Declined:
    """The site will not do it, whenever it is asked."""

    reason: str


Verdict = Fine | Moved | Refused | Gone | Unwell | Locked | Declined


def judge(request: Request, answer: Answer, policy: RetryPolicy, now: datetime, *, proxied: bool) -> Verdict:
    """Tell what to do about an answer.

    Args:
        request: what was asked for.
        answer: what came.
        policy: which statuses are tried again.
        now: for a Retry-After that is a date.
        proxied: whether a proxy was in between.
    """
    status, reason = answer.status, _phrase(answer)
    judged = 200 if status == 403 and request.may_be_forbidden else status
    if blocked := find_block(judged, answer.headers, answer.body):
        return Refused(blocked)
    if status in _MOVED and (location := answer.headers.get("Location")):
        try:
            target = urljoin(answer.url, location)
        except ValueError:
            return Declined("it redirects to an address that cannot be read")
        return Moved(target, for_good=status in (301, 308))
    if proxied and status in (401, 407):  # 401: tinyproxy with wrong credentials; no page here asks for any
        return Locked(f"the proxy does not let us in ({reason})")
    if status in (404, 410):
        return Gone(reason)
    if status in policy.statuses or status >= 500:
        after = parse_retry_after(answer.headers.get("Retry-After"), now)
        return Unwell(reason, status in policy.statuses, after, status in _TOO_MUCH)
    if status == 202:
        return Unwell("the site put the request off (202 Accepted)", again=False)
    if 200 <= status < 300 or status == 304 or (request.method == "POST" and 400 <= status < 500):
        return Fine()  # a query server says in the body of a 4xx what is wrong with the query
    return Declined(reason)


def _phrase(answer: Answer) -> str:
    try:
        return f"{answer.status} {HTTPStatus(answer.status).phrase}"
    except ValueError:
        return f"status {answer.status}"

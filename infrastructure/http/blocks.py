"""How a site that refuses programs looks.

IMDb stands behind AWS WAF. Its challenge comes as status 202 with the header
``x-amzn-waf-action: challenge`` and an empty body, or with a small page that sets
``window.gokuProps`` and loads ``challenge.js``; its captcha is the same with
``captcha`` and 405; a refusal by user agent or address is a bare 403. Some proxies
and caches pass these bodies on under another status, so a body is judged by itself.

Source: https://docs.aws.amazon.com/waf/latest/developerguide/waf-captcha-and-challenge-how-it-works.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

_HEAD: Final = 128 * 1024  # a challenge is a few kilobytes; a real page is not read through for it
_SCRIPT: Final = re.compile(rb"<script\b[^>]*>(.*?)</script", re.IGNORECASE | re.DOTALL)
_DATA_ISLAND: Final = re.compile(rb"<script\b[^>]*(?:__NEXT_DATA__|application/ld\+json)", re.IGNORECASE)
_CHALLENGE: Final = re.compile(rb"\bwindow\.gokuProps\s*=\s*\{")
_REFUSAL_SIZE: Final = 8 * 1024
_REFUSAL: Final = re.compile(rb"<title>\s*403 Forbidden\s*</title>|<h1>\s*403 ERROR\s*</h1>", re.IGNORECASE)
_ROBOT_CHECK: Final = re.compile(rb"<form\b[^>]*\baction=[\"']?/errors/validateCaptcha", re.IGNORECASE)


def find_block(status: int, headers: Mapping[str, str], body: bytes) -> str | None:
    """Why this answer is a refusal of programs rather than a page, in words; ``None`` if it is not.

    Args:
        status: the HTTP status, or 200 for a page out of a file.
        headers: in any spelling of upper and lower case.
        body: decoded.
    """
    action = next((value for name, value in headers.items() if name.lower() == "x-amzn-waf-action"), "")
    if (action := action.strip().lower()) in {"challenge", "captcha"}:
        return f"the site answered with a {action} instead of the page (status {status}, x-amzn-waf-action)"
    if status == 403:
        return "the site refused the request (403 Forbidden)"
    if status == 202 and not body.strip():
        return "the site answered 202 with an empty page, as it does in front of a challenge"
    if _is_challenge_page(body):
        return f"the site answered with a challenge page for browsers instead of the page (status {status})"
    if len(body) <= _REFUSAL_SIZE and _REFUSAL.search(body):
        return f"the site answered with a refusal instead of the page (status {status})"
    return None


def _is_challenge_page(body: bytes) -> bool:
    """Whether the page runs a challenge, as opposed to one that only mentions the words of it."""
    head = body[:_HEAD]
    if b"gokuProps" not in head and b"validateCaptcha" not in head:
        return False
    if not head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        return False  # JSON or text that quotes a page
    if _DATA_ISLAND.search(body):
        return False
    return any(_CHALLENGE.search(text) for text in _SCRIPT.findall(head)) or _ROBOT_CHECK.search(head) is not None

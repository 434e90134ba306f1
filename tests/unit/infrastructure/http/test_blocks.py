"""What counts as a refusal, and what does not, whatever it says."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from infrastructure.http import find_block

CHALLENGE_PAGE = b"""<!DOCTYPE html><html><head><title></title>
<script type="text/javascript">window.awsWafCookieDomainList = []; window.gokuProps = {"key":"a","iv":"b"};</script>
<script src="https://1.2.us-west-2.token.awswaf.com/1/2/3/challenge.js"></script></head>
<body><div id="challenge-container"></div></body></html>"""


@pytest.mark.parametrize(
    ("status", "headers", "body", "words"),
    [
        (202, {"x-amzn-waf-action": "challenge"}, b"", "challenge"),
        (202, {"X-Amzn-Waf-Action": "Challenge"}, CHALLENGE_PAGE, "challenge"),
        (405, {"x-amzn-waf-action": "captcha"}, b"<html></html>", "captcha"),
        (202, {}, b" \r\n", "202"),
        (403, {}, b"", "403"),
        (403, {"content-type": "text/html"}, b"<html>403 Forbidden</html>", "403"),
        (200, {}, CHALLENGE_PAGE, "challenge page"),
        (503, {}, CHALLENGE_PAGE, "challenge page"),
        (200, {}, b"\xef\xbb\xbf\n" + CHALLENGE_PAGE, "challenge page"),
        (200, {}, b'<form method="get" action="/errors/validateCaptcha"></form>', "challenge page"),
        (200, {}, b"<html>\r\n<head><title>403 Forbidden</title></head></html>", "refusal"),
    ],
)
def test_refusals_are_named(status: int, headers: dict[str, str], body: bytes, words: str) -> None:
    reason = find_block(status, headers, body)

    assert reason is not None
    assert words in reason


ISLAND = b'<script id="__NEXT_DATA__" type="application/json">{}</script>'


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b""),
        (200, b"<html><p>In this film window.gokuProps = {} is said, and validateCaptcha too.</p></html>"),
        (200, b'{"plot": "<script>window.gokuProps = {}</script>"}'),
        (200, CHALLENGE_PAGE.replace(b"<body>", b"<body>" + b"x" * 200_000 + ISLAND)),
        (200, b"<html><title>403 Forbidden (2020) - IMDb</title></html>"),
        (200, b"<html><title>403 Forbidden</title>" + b"x" * 9_000),
        (202, b'{"data": {}}'),
        (301, b""),
        (404, b"<html>404</html>"),
        (503, b"busy"),
        (504, b"<TITLE>ERROR: The request could not be satisfied</TITLE><H1>504 ERROR</H1>"),
    ],
)
def test_other_pages_are_no_refusals(status: int, body: bytes) -> None:
    assert find_block(status, {"access-control-expose-headers": "x-amzn-waf-action"}, body) is None


def test_captured_blocks_are_recognised_and_captured_redirects_are_not(captures: Path) -> None:
    found = {}
    for path in sorted((captures / "blocked").glob("*.json")):
        record = json.loads(path.read_bytes())
        for number, shape in enumerate(record.get("shapes", [record])):
            reason = find_block(shape["status"], shape["headers"], shape["body"].encode())
            found[f"{path.name} {number}"] = reason is not None

    assert found == {name: not name.startswith("http30") for name in found}
    assert sum(found.values()) == 4
    assert len(found) == 7


def test_captured_challenge_body_is_recognised_by_itself(captures: Path) -> None:
    (path,) = (captures / "blocked").glob("*.html")

    assert find_block(200, {}, path.read_bytes()) is not None


def test_no_captured_page_is_taken_for_a_refusal(captures: Path) -> None:
    pages = sorted((captures / "title_html").glob("*.gz")) + sorted((captures / "chart").glob("*.gz"))

    taken = [path.name for path in pages if find_block(200, {}, gzip.decompress(path.read_bytes()))]

    assert len(pages) > 50
    assert taken == []

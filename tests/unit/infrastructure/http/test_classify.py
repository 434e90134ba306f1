"""What each answer means, and what counts as a refusal of automated clients, whatever it says."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from requests.structures import CaseInsensitiveDict

from infrastructure.http import find_block
from infrastructure.http.classify import (
    BlockedAnswer,
    Declined,
    Ok,
    PageNotFound,
    ProxyAuthRequired,
    Redirect,
    ServerError,
    Verdict,
    judge,
)
from infrastructure.http.messages import Answer, Request
from infrastructure.http.policies import RetryPolicy

GET, POST = Request("GET", "http://site.test/a/b"), Request("POST", "http://site.test/graphql", body=b"{}")
ROBOTS = Request("GET", "http://site.test/robots.txt", forbidden_is_block=False)
NOW = datetime(2026, 1, 2, tzinfo=UTC)


def verdict(
    status: int, headers: dict[str, str] | None = None, body: bytes = b"page", *, request: Request = GET,
    proxied: bool = False,
) -> Verdict:  # fmt: skip
    answer = Answer(request.url, status, CaseInsensitiveDict(headers or {}), body, len(body))
    return judge(request, answer, RetryPolicy(), NOW, proxied=proxied)


def with_headers(**headers: str) -> Request:
    return Request("GET", GET.url, {name.replace("_", "-"): value for name, value in headers.items()})


@pytest.mark.parametrize(
    ("status", "request_"),
    [
        (200, GET),
        (203, GET),
        (304, with_headers(If_None_Match='"a"')),
        (304, with_headers(if_modified_since="Sat, 01 Jan 2000 00:00:00 GMT")),
        (400, POST),
        (422, POST),
    ],
)
def test_pages_and_answers_to_queries(status: int, request_: Request) -> None:
    assert verdict(status, request=request_) == Ok()


@pytest.mark.parametrize("request_", [GET, POST])
@pytest.mark.parametrize("status", [201, 202, 204, 205, 206, 207, 226, 299, 304])
def test_what_is_no_page_is_asked_for_again(status: int, request_: Request) -> None:
    found = verdict(status, request=request_)

    assert isinstance(found, ServerError)
    assert found.again
    assert str(status) in found.reason


def test_a_range_that_the_caller_asks_for_by_itself_is_no_page() -> None:
    assert isinstance(verdict(206, request=with_headers(Range="bytes=0-9")), ServerError)


@pytest.mark.parametrize("status", [200, 202, 204, 206, 302, 304, 404, 503])
def test_blocks_are_recognised_before_anything_else(status: int) -> None:
    assert isinstance(verdict(status, {"X-Amzn-Waf-Action": "challenge", "Location": "/c"}), BlockedAnswer)


@pytest.mark.parametrize(
    ("status", "location", "target"),
    [
        (301, "/c", "http://site.test/c"),
        (302, "c?d=1", "http://site.test/a/c?d=1"),
        (303, "//other.test/", "http://other.test/"),
        (307, "https://site.test/a/b", "https://site.test/a/b"),
        (308, " /c ", "http://site.test/c"),
        (301, "/caf\xc3\xa9", "http://site.test/caf\xe9"),  # UTF-8 bytes, as http.client reads them
        (301, "/caf\xe9", "http://site.test/caf\xe9"),
    ],
)
def test_redirects(status: int, location: str, target: str) -> None:
    assert verdict(status, {"location": location}) == Redirect(target)


@pytest.mark.parametrize("headers", [{}, {"Location": ""}, {"Location": "  "}])
def test_a_redirect_to_nowhere_is_named_and_asked_for_again(headers: dict[str, str]) -> None:
    found = verdict(302, headers)

    assert isinstance(found, ServerError)
    assert found.reason.startswith("302 Found without a Location header")


@pytest.mark.parametrize("status", [404, 410])
def test_gone(status: int) -> None:
    assert isinstance(verdict(status), PageNotFound)


@pytest.mark.parametrize(
    ("status", "again", "too_much"),
    [(408, True, False), (429, True, True), (500, True, False), (503, True, True), (501, False, False),
     (520, False, False)],
)  # fmt: skip
def test_trouble_at_the_site(status: int, again: bool, too_much: bool) -> None:
    found = verdict(status, {"Retry-After": "7"})

    assert isinstance(found, ServerError)
    assert (found.again, found.after, found.too_much) == (again, 7.0, too_much)


@pytest.mark.parametrize("status", [300, 305, 400, 401, 405, 407, 418, 451, 100, 101, 999])
def test_other_statuses_are_declined_or_errors_of_the_server(status: int) -> None:
    assert isinstance(verdict(status), Declined | ServerError)


@pytest.mark.parametrize("status", [401, 407])
def test_a_proxy_that_wants_credentials(status: int) -> None:
    assert isinstance(verdict(status, proxied=True), ProxyAuthRequired)


def test_401_is_the_sites_own_when_it_was_sent_a_password() -> None:
    assert isinstance(verdict(401, request=with_headers(Authorization="Basic x"), proxied=True), Declined)


def test_a_bare_403_is_a_block_but_not_for_robots_txt() -> None:
    assert isinstance(verdict(403), BlockedAnswer)
    assert isinstance(verdict(403, request=POST), BlockedAnswer)
    assert verdict(403, request=ROBOTS) == Declined("403 Forbidden")
    assert isinstance(verdict(403, {"x-amzn-waf-action": "challenge"}, request=ROBOTS), BlockedAnswer)


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

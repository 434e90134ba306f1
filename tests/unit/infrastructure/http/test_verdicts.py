"""What each answer means."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from requests.structures import CaseInsensitiveDict

from infrastructure.http.retry import RetryPolicy
from infrastructure.http.transport import Answer, Request
from infrastructure.http.verdicts import Declined, Fine, Gone, Locked, Moved, Refused, Unwell, Verdict, judge

GET, POST = Request("GET", "http://site.test/a/b"), Request("POST", "http://site.test/graphql", body=b"{}")
ROBOTS = Request("GET", "http://site.test/robots.txt", may_be_forbidden=True)
NOW = datetime(2026, 1, 2, tzinfo=UTC)


def verdict(
    status: int, headers: dict[str, str] | None = None, body: bytes = b"page", *, request: Request = GET,
    proxied: bool = False,
) -> Verdict:  # fmt: skip
    answer = Answer(request.url, status, "", CaseInsensitiveDict(headers or {}), body, len(body))
    return judge(request, answer, RetryPolicy(), NOW, proxied=proxied)


@pytest.mark.parametrize(("status", "request_"), [(200, GET), (204, GET), (304, GET), (400, POST), (422, POST)])
def test_pages_and_answers_to_queries(status: int, request_: Request) -> None:
    assert verdict(status, request=request_) == Fine()


@pytest.mark.parametrize(
    ("status", "location", "target", "for_good"),
    [
        (301, "/c", "http://site.test/c", True),
        (302, "c?d=1", "http://site.test/a/c?d=1", False),
        (303, "//other.test/", "http://other.test/", False),
        (307, "https://site.test/a/b", "https://site.test/a/b", False),
        (308, "", "", True),
    ],
)
def test_redirects(status: int, location: str, target: str, for_good: bool) -> None:
    found = verdict(status, {"location": location})

    assert found == (Moved(target, for_good) if target else Declined("308 Permanent Redirect"))


@pytest.mark.parametrize("status", [404, 410])
def test_gone(status: int) -> None:
    assert isinstance(verdict(status), Gone)


@pytest.mark.parametrize(
    ("status", "again", "too_much"),
    [(408, True, False), (429, True, True), (500, True, False), (503, True, True), (501, False, False),
     (520, False, False)],
)  # fmt: skip
def test_trouble_at_the_site(status: int, again: bool, too_much: bool) -> None:
    found = verdict(status, {"Retry-After": "7"})

    assert isinstance(found, Unwell)
    assert (found.again, found.after, found.too_much) == (again, 7.0, too_much)


def test_a_put_off_answer_is_no_page() -> None:
    assert verdict(202) == Unwell("the site put the request off (202 Accepted)", again=False)


@pytest.mark.parametrize("status", [400, 401, 405, 407, 418, 451, 100, 999])
def test_other_statuses_are_declined_or_unwell(status: int) -> None:
    assert isinstance(verdict(status), Declined | Unwell)


@pytest.mark.parametrize("status", [401, 407])
def test_a_proxy_that_wants_credentials(status: int) -> None:
    assert isinstance(verdict(status, proxied=True), Locked)


def test_a_bare_403_is_a_block_but_not_for_robots_txt() -> None:
    assert isinstance(verdict(403), Refused)
    assert isinstance(verdict(403, request=POST), Refused)
    assert verdict(403, request=ROBOTS) == Declined("403 Forbidden")
    assert isinstance(verdict(403, {"x-amzn-waf-action": "challenge"}, request=ROBOTS), Refused)

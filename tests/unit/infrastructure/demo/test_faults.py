from __future__ import annotations

import pytest

from infrastructure.demo.faults import DemoFault, FaultPlan
from infrastructure.demo.messages import DemoRequest


def ask(path: str = "/title/tt0000001/", client: str = "127.0.0.1", method: str = "GET") -> DemoRequest:
    return DemoRequest(method, path, client)


def hits(plan: FaultPlan, *requests: DemoRequest) -> list[str | None]:
    return [fault.action if (fault := plan.next(request)) else None for request in requests]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("tt0000001=503x2", DemoFault("tt0000001", "503", times=2)),
        ("title=429:2x1", DemoFault("title", "429", "2", times=1)),
        ("title=429:date+3", DemoFault("title", "429", "date+3")),
        ("title=challenge@50/client", DemoFault("title", "challenge", after=50, per="client")),
        ("site=503%10", DemoFault("site", "503", percent=10)),
        ("title=redirect:http://198.51.100.1:80/elsewhere", DemoFault("title", "redirect", "http://198.51.100.1:80/elsewhere")),
        ("/chart/top/=empty", DemoFault("/chart/top/", "empty")),
        ("title=cut:1000x1%50@2/site", DemoFault("title", "cut", "1000", 1, 50, 2, "site")),
    ],
)  # fmt: skip
def test_a_fault_is_read_from_text(text: str, fault: DemoFault) -> None:
    assert DemoFault.parse(text) == fault


@pytest.mark.parametrize("text", ["", "title", "title=", "=503", "film=503", "title=503%200"])
def test_what_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        DemoFault.parse(text)


@pytest.mark.parametrize("text", ["title=explode", "title=999", "title=99", "title=drip:fast", "title=cut:all"])
def test_what_cannot_be_done_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        DemoFault.parse(text)


def test_so_many_times_for_each_path() -> None:
    plan = FaultPlan([DemoFault.parse("title=503x2")])
    one, two = ask(), ask("/title/tt0000002/")
    assert hits(plan, one, one, one, two, two, two) == ["503", "503", None, "503", "503", None]


def test_only_for_the_title_named() -> None:
    plan = FaultPlan([DemoFault.parse("tt0000002=404")])
    assert hits(plan, ask(), ask("/title/tt0000002/"), ask("/title/tt00000021/"), ask("/title/tt0000002")) == [
        None, "404", None, "404",
    ]  # fmt: skip


def test_once_for_the_whole_site() -> None:
    plan = FaultPlan([DemoFault.parse("site=emptyx1/site")])
    assert hits(plan, ask(), ask("/chart/top/")) == ["empty", None]


def test_a_visitor_is_blocked_after_so_many_requests() -> None:
    plan = FaultPlan([DemoFault.parse("title=403@2/client")])
    near, far = ask(client="198.51.100.1"), ask(client="198.51.100.2")
    assert hits(plan, near, near, near, near, far) == [None, None, "403", "403", None]


def test_a_share_hits_about_so_many_and_the_same_ones_each_time() -> None:
    requests = [ask(f"/title/tt{number:07}/") for number in range(1000)]
    first = hits(FaultPlan([DemoFault.parse("title=503%10")], seed=7), *requests)
    again = hits(FaultPlan([DemoFault.parse("title=503%10")], seed=7), *reversed(requests))[::-1]
    assert first == again
    assert 60 < first.count("503") < 150


def test_the_first_fault_that_acts_wins_and_the_next_follows() -> None:
    plan = FaultPlan([DemoFault.parse("title=503x1"), DemoFault.parse("title=429x1")])
    assert hits(plan, ask(), ask(), ask()) == ["503", "429", None]


def test_graphql_means_what_is_posted() -> None:
    plan = FaultPlan([DemoFault.parse("graphql=403")])
    assert hits(plan, ask("/", method="POST"), ask("/graphql", method="POST"), ask("/")) == ["403", "403", None]

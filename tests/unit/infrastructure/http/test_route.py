"""Which route a request takes, and what it says it is."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infrastructure.http.messages import Origin, Scope
from infrastructure.http.policies import CooldownPolicy
from infrastructure.http.route import (
    PLAIN,
    Lease,
    NoRoute,
    Route,
    RoutePool,
    Shortage,
    Tier,
    _read_user_agents,
    user_agents,
)
from shared.secret import Secret
from tests.conftest import ROOT
from tests.support.clock import ManualClock

SITE = Scope(Origin.of("http://site.test/"), "GET")
QUERIES = Scope(Origin.of("http://site.test/"), "POST")


def route(name: str, tier: Tier = Tier.PROXY) -> Route:
    address = None if tier is Tier.DIRECT else (lambda _: Secret("socks5h://127.0.0.1:1"))
    return Route(name, tier, address, lambda: "agent")


def pool(*tiers: Tier, rotate_after: int = 0) -> tuple[RoutePool, ManualClock]:
    clock = ManualClock()
    return RoutePool([route(f"r{number}", tier) for number, tier in enumerate(tiers)], clock, rotate_after), clock


def take(routes: RoutePool, scope: Scope = SITE) -> str:
    """Lease and succeed."""
    lease = routes.lease(scope)
    routes.succeeded(lease)
    return lease.route.name


PROXIES = (Tier.PROXY, Tier.PROXY, Tier.PROXY)


def test_a_thread_stays_with_its_route() -> None:
    routes, _ = pool(*PROXIES)

    assert len({take(routes) for _ in range(20)}) == 1


def test_threads_are_spread_evenly() -> None:
    routes, _ = pool(*PROXIES)
    everybody = threading.Barrier(9)

    def work(_: int) -> str:
        lease = routes.lease(SITE)
        everybody.wait()
        routes.succeeded(lease)
        return lease.route.name

    with ThreadPoolExecutor(9) as executor:
        assert Counter(executor.map(work, range(9))) == {"r0": 3, "r1": 3, "r2": 3}


def test_after_so_many_requests_a_thread_changes_its_route() -> None:
    routes, _ = pool(*PROXIES, rotate_after=2)

    order = [take(routes) for _ in range(12)]

    assert order == ["r0", "r0", "r1", "r1", "r2", "r2"] * 2


def test_a_tor_route_changes_its_circuit_instead() -> None:
    routes, _ = pool(Tier.TOR, rotate_after=2)

    assert [routes.routes[0].generation for _ in range(6) if take(routes)] == [0, 0, 1, 1, 2, 2]


def test_proxies_come_before_tor_and_tor_before_the_direct_connection() -> None:
    routes, _ = pool(Tier.DIRECT, Tier.TOR, Tier.PROXY)
    order = []
    for _ in range(3):
        lease = routes.lease(SITE)
        order.append(lease.route.tier)
        routes.died(lease, "refused")

    assert order == [Tier.PROXY, Tier.TOR, Tier.DIRECT]


def test_a_block_holds_for_its_scope_and_grows() -> None:
    routes, clock = pool(Tier.DIRECT)
    waits: list[float] = []
    for _ in range(8):
        lease = routes.lease(SITE)
        routes.blocked(lease, "a challenge")
        assert take(routes, QUERIES) == "r0"
        began = clock.seconds
        with pytest.raises(NoRoute) as raised:
            routes.lease(SITE)
        assert (raised.value.shortage, raised.value.reasons) == (Shortage.BLOCKED, ("r0: a challenge",))
        clock.seconds = began + CooldownPolicy().seconds(len(waits) + 1)
        waits.append(clock.seconds - began)

    assert waits == [60, 120, 240, 480, 960, 1920, 3600, 3600]


def test_a_success_restores_a_blocked_route() -> None:
    routes, clock = pool(Tier.DIRECT)
    routes.blocked(routes.lease(SITE), "a challenge")
    clock.seconds += 60
    take(routes)
    routes.blocked(routes.lease(SITE), "a challenge")
    clock.seconds += 60  # as long as the first time

    assert take(routes) == "r0"


def test_refusals_of_requests_that_were_under_way_count_once() -> None:
    routes, clock = pool(Tier.DIRECT)
    leases = [routes.lease(SITE) for _ in range(50)]
    for lease in leases:
        routes.blocked(lease, "a challenge")
    clock.seconds += 60

    assert take(routes) == "r0"


def test_a_late_success_of_an_old_request_does_not_restore_a_route() -> None:
    routes, _ = pool(Tier.DIRECT)
    old, other = routes.lease(SITE), routes.lease(SITE)
    routes.blocked(other, "a challenge")
    routes.succeeded(old)

    with pytest.raises(NoRoute):
        routes.lease(SITE)


def test_a_lease_is_void_once_its_route_was_blocked() -> None:
    routes, _ = pool(Tier.DIRECT)
    waiting, other = routes.lease(SITE), routes.lease(SITE)
    assert routes.is_valid(waiting)
    routes.blocked(other, "a challenge")

    assert not routes.is_valid(waiting)


def test_when_a_bench_is_over_one_request_tries_it_alone() -> None:
    routes, clock = pool(Tier.DIRECT)
    routes.blocked(routes.lease(SITE), "a challenge")
    clock.seconds += 60
    trial = routes.lease(SITE)
    with pytest.raises(NoRoute) as raised:
        routes.lease(SITE)
    assert raised.value.shortage is Shortage.ON_TRIAL
    routes.succeeded(trial)

    assert take(routes) == "r0"


def test_a_probe_takes_the_route_that_was_blocked_first() -> None:
    routes, _ = pool(*PROXIES)
    for _ in range(3):
        routes.blocked(routes.lease(SITE), "a challenge")

    probe = routes.lease(SITE, probe=True)
    routes.succeeded(probe)

    assert probe.route.name == "r0"
    assert take(routes) == "r0"


def test_dead_routes_are_left_alone_and_all_dead_is_said_with_every_reason() -> None:
    routes, clock = pool(Tier.PROXY, Tier.PROXY)
    for reason in ("refused", "wrong password"):
        routes.died(routes.lease(SITE), reason)

    with pytest.raises(NoRoute, match="r0: refused; r1: wrong password") as raised:
        routes.lease(SITE, probe=True)
    assert raised.value.shortage is Shortage.DEAD
    clock.seconds += 60
    assert take(routes) in {"r0", "r1"}


def test_a_dead_and_a_blocked_route_are_a_block() -> None:
    routes, _ = pool(Tier.PROXY, Tier.PROXY)
    routes.died(routes.lease(SITE), "refused")
    assert routes.all_blocked(SITE) is None
    routes.blocked(routes.lease(SITE), "a challenge")

    none = routes.all_blocked(SITE)
    assert none is not None
    assert (none.shortage, none.reasons) == (Shortage.BLOCKED, ("r0: refused", "r1: a challenge"))
    assert routes.lease(SITE, probe=True).route.name == "r1"


def test_errors_make_a_thread_leave_its_route() -> None:
    routes, _ = pool(Tier.PROXY, Tier.PROXY)
    first = take(routes)
    for _ in range(2):
        routes.failed(routes.lease(SITE))

    assert take(routes) != first


def test_a_silent_proxy_is_dead_only_if_there_are_others() -> None:
    two, _ = pool(Tier.PROXY, Tier.PROXY)
    one, _ = pool(Tier.PROXY)
    for routes in (one, two):
        lease = routes.lease(SITE)
        routes.failed(lease, "no answer", silent=True)

    assert take(one) == "r0"
    assert {take(two) for _ in range(5)} == {"r1"}


def test_a_proxy_that_has_worked_may_be_silent_twice() -> None:
    routes, _ = pool(Tier.PROXY, Tier.PROXY)
    name = take(routes)
    silent = 0
    for _ in range(40):
        lease = routes.lease(SITE)
        if lease.route.name == name:
            routes.failed(lease, "no answer", silent=True)
            silent += 1
        else:
            routes.succeeded(lease)

    assert silent <= 3


def test_a_blocked_circuit_is_changed_while_others_work() -> None:
    routes, _ = pool(Tier.TOR, Tier.TOR)
    first = routes.lease(SITE)
    routes.blocked(first, "a challenge")
    last = routes.lease(SITE)
    routes.blocked(last, "a challenge")

    assert (first.route.generation, last.route.generation) == (1, 0)


def test_a_renewed_route_may_be_tried_by_one_request_first() -> None:
    routes, _ = pool(Tier.TOR)
    (circuit,) = routes.routes
    old = routes.lease(SITE)
    routes.blocked(routes.lease(SITE), "a challenge")
    routes.renewed(circuit)
    routes.blocked(old, "a challenge")  # over the old circuit

    trial = routes.lease(SITE)
    with pytest.raises(NoRoute) as raised:
        routes.lease(SITE)
    assert raised.value.shortage is Shortage.ON_TRIAL
    routes.succeeded(trial)
    assert take(routes) == "r0"


@given(st.lists(st.sampled_from(["ok", "error", "block", "dead", "wait", "probe", "unused"]), max_size=120))
def test_whatever_happens_leases_are_given_back_and_something_is_always_said(events: list[str]) -> None:
    routes, clock = pool(Tier.PROXY, Tier.PROXY, Tier.DIRECT)
    shortages = set()
    for event in events:
        if event == "wait":
            clock.seconds += 45
            continue
        try:
            lease: Lease = routes.lease(SITE, probe=event == "probe")
        except NoRoute as none:
            shortages.add(none.shortage)
            continue
        {
            "ok": lambda given: routes.succeeded(given),
            "error": lambda given: routes.failed(given, "no answer", silent=True),
            "block": lambda given: routes.blocked(given, "a challenge"),
            "dead": lambda given: routes.died(given, "refused"),
            "unused": lambda given: routes.unused(given),
            "probe": lambda given: routes.succeeded(given),
        }[event](lease)
    clock.seconds += 7200

    assert Shortage.ON_TRIAL not in shortages  # nothing is under way
    assert take(routes) in {"r0", "r1"}


def test_common_browsers_of_desktops_are_named() -> None:
    agents = user_agents()

    assert len(agents) > 5
    assert all(agent.startswith("Mozilla/5.0") and "Mobile" not in agent for agent in agents)


@pytest.mark.parametrize("content", [None, b"", b"no JSON\n", b'{"useragent": 1}\n'])
def test_without_a_list_the_program_names_itself(
    content: bytes | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    import fake_useragent.utils

    listed = tmp_path / "browsers.jsonl"
    if content is not None:
        listed.write_bytes(content)
    monkeypatch.setattr(fake_useragent.utils, "find_browser_json_path", lambda: listed)
    _read_user_agents.cache_clear()
    try:
        assert [user_agents() for _ in range(3)] == [(PLAIN,)] * 3
    finally:
        _read_user_agents.cache_clear()
    assert caplog.text.count("has no list of browsers") == 1


def test_without_the_package_the_program_names_itself() -> None:
    program = (
        "import sys; sys.modules['fake_useragent'] = None\n"
        "from infrastructure.http.route import user_agents\n"
        "print(*user_agents())"
    )

    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)

    assert done.stdout.strip() == PLAIN


def test_nothing_slow_is_loaded_with_the_network_layer() -> None:
    program = "import sys, infrastructure.http\nprint(*{'stem', 'fake_useragent', 'graphql'} & set(sys.modules))"

    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)

    assert done.stdout.strip() == ""

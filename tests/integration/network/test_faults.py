"""Every way a site or a line can fail, over real sockets: what is asked for again, and what is said."""

from __future__ import annotations

import gzip
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from email.utils import format_datetime
from itertools import pairwise

import pytest

from domain.errors import Blocked, Cancelled, NotFound, SourceError, Transient
from tests.integration.network.conftest import Connect
from tests.support import fault_site
from tests.support.fault_site import CHALLENGE, PAGE, FaultSite, Reply, reply

TITLE = "/title/tt0000001/"
TRIES = 6


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        pytest.param(fault_site.reset, "reset", id="reset"),
        pytest.param(fault_site.cut_off, "cut off after", id="cut-off"),
        pytest.param(fault_site.cut_off_chunks, "cut off after", id="cut-off in chunks"),
        pytest.param(fault_site.garbage, "is not HTTP", id="garbage"),
        pytest.param(fault_site.compressed(cut=9), "gzip body is cut off", id="cut-off gzip"),
        pytest.param(reply(headers={"Content-Encoding": "gzip"}), "not gzip", id="bad gzip"),
        pytest.param(reply(headers={"Content-Encoding": "zstd"}), "zstd", id="encoding not asked for"),
        pytest.param(reply(503), "503 Service Unavailable", id="503"),
        pytest.param(reply(429), "429 Too Many Requests", id="429"),
    ],
)
class TestPassingFaults:
    def test_are_tried_again_until_the_page_comes(
        self, site: FaultSite, connect: Connect, cancel: threading.Event, fault: Reply, said: str
    ) -> None:
        url = site.plan(TITLE, fault, fault, reply())

        page = connect().get(url, max_requests=TRIES, cancel=cancel)

        assert page.body == PAGE
        assert page.requests == 3
        assert page.size >= len(PAGE)
        assert site.count()[TITLE] == 3

    def test_that_stay_are_named_after_as_many_requests_as_allowed(
        self, site: FaultSite, connect: Connect, cancel: threading.Event, fault: Reply, said: str
    ) -> None:
        url = site.plan(TITLE, fault)

        with pytest.raises(Transient, match=said) as raised:
            connect().get(url, max_requests=4, cancel=cancel)

        assert url in str(raised.value)
        assert raised.value.requests == 4
        assert site.count()[TITLE] == 4

    def test_are_not_tried_again_when_that_is_switched_off(
        self, site: FaultSite, connect: Connect, cancel: threading.Event, fault: Reply, said: str
    ) -> None:
        url = site.plan(TITLE, fault)

        with pytest.raises(Transient, match=said):
            connect(backoff_and_retry=False).get(url, max_requests=TRIES, cancel=cancel)

        assert site.count()[TITLE] == 1


def test_a_body_shorter_than_its_length_says_is_cut_off(
    site: FaultSite, connect: Connect, cancel: threading.Event
) -> None:
    url = site.plan(TITLE, reply(length=len(PAGE) + 10))

    with pytest.raises(Transient, match="no answer within"):  # the server keeps the connection open
        connect(read_timeout=0.3).get(url, max_requests=1, cancel=cancel)


def test_a_gzip_body_longer_than_its_length_says_is_cut_off(
    site: FaultSite, connect: Connect, cancel: threading.Event
) -> None:
    packed = gzip.compress(PAGE)
    url = site.plan(
        TITLE, reply(body=packed, headers={"Content-Encoding": "gzip"}, length=len(packed) - 8), fault_site.compressed()
    )

    page = connect().get(url, max_requests=TRIES, cancel=cancel)

    assert page.body == PAGE
    assert page.requests == 2


def test_silence_ends_with_the_read_timeout(site: FaultSite, connect: Connect, cancel: threading.Event) -> None:
    url = site.plan(TITLE, site.silence, reply())

    assert connect(read_timeout=1).get(url, max_requests=2, cancel=cancel).requests == 2


def test_a_drip_that_never_times_out_ends_with_the_deadline(
    site: FaultSite, connect: Connect, cancel: threading.Event
) -> None:
    url = site.plan(TITLE, site.drip(), reply())

    page = connect(request_deadline=0.4).get(url, max_requests=2, cancel=cancel)

    assert page.body == PAGE
    assert page.requests == 2


def test_dripping_headers_end_with_the_deadline(site: FaultSite, connect: Connect, cancel: threading.Event) -> None:
    def drip(connection: object, _: object) -> None:
        while not site.stopping.wait(0.05):
            connection.sendall(b"X")  # type: ignore[attr-defined]

    url = site.plan(TITLE, drip)

    with pytest.raises(Transient, match=r"not complete after 0\.4 s"):
        connect(request_deadline=0.4).get(url, max_requests=1, cancel=cancel)


@pytest.mark.parametrize("fault", ["drip", "silence", "wait"])
def test_a_request_ends_at_once_when_the_run_is_cancelled(
    site: FaultSite, connect: Connect, cancel: threading.Event, fault: str
) -> None:
    arrived = threading.Event()
    way: dict[str, Reply] = {"drip": site.drip(), "silence": site.silence, "wait": reply(503)}

    def answer(connection: object, seen: object) -> None:
        arrived.set()
        way[fault](connection, seen)  # type: ignore[arg-type]

    url = site.plan(TITLE, answer)

    def stop() -> None:
        arrived.wait()
        cancel.set()

    threading.Thread(target=stop).start()

    with pytest.raises(Cancelled) as raised:  # all timeouts are longer than the test may take
        connect(read_timeout=600, request_deadline=600, backoff_factor=600, max_backoff_seconds=600).get(
            url, max_requests=TRIES, cancel=cancel
        )

    assert raised.value.requests == 1


@pytest.mark.parametrize(
    "bomb",
    [
        pytest.param(reply(body=gzip.compress(bytes(20_000_000)), headers={"Content-Encoding": "gzip"}), id="gzip"),
        pytest.param(reply(body=bytes(2_000_000)), id="long"),
        pytest.param(
            reply(body=b"x", headers={"Content-Length": "99999999999"}),
            id="said to be long",
        ),
    ],
)
def test_a_bomb_is_not_taken_in_nor_asked_for_again(
    site: FaultSite, connect: Connect, cancel: threading.Event, bomb: Reply
) -> None:
    url = site.plan(TITLE, bomb)

    with pytest.raises(SourceError, match=r"1,000,000") as raised:
        connect(max_body_bytes=1_000_000).get(url, max_requests=TRIES, cancel=cancel)

    assert not raised.value.retry
    assert site.count()[TITLE] == 1


def test_an_endless_body_ends_at_the_limit(site: FaultSite, connect: Connect, cancel: threading.Event) -> None:
    def endless(connection: object, _: object) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")  # type: ignore[attr-defined]
        while not site.stopping.is_set():
            connection.sendall(b"10000\r\n" + bytes(0x10000) + b"\r\n")  # type: ignore[attr-defined]

    url = site.plan(TITLE, endless)

    with pytest.raises(SourceError, match="more than the 1,000,000 bytes"):
        connect(max_body_bytes=1_000_000).get(url, max_requests=TRIES, cancel=cancel)


def test_a_redirect_is_followed_and_remembered(site: FaultSite, connect: Connect, cancel: threading.Event) -> None:
    moved = site.plan(TITLE, reply(301, b"", {"Location": "/title/tt0000002/"}))
    site.plan("/title/tt0000002/", reply(503), reply())

    page = connect().get(moved, max_requests=3, cancel=cancel)

    assert page.url == site.url + "/title/tt0000002/"
    assert page.requests == 3
    assert site.count()[TITLE] == 1


def test_a_title_that_may_cost_one_request_still_follows_its_redirect(
    site: FaultSite, connect: Connect, cancel: threading.Event
) -> None:
    moved = site.plan(TITLE, reply(308, b"", {"Location": "/title/tt0000002/"}))

    assert connect(max_backoff_retries=0).get(moved, max_requests=1, cancel=cancel).body == PAGE


def test_redirects_do_not_add_to_the_requests_allowed(
    site: FaultSite, connect: Connect, cancel: threading.Event
) -> None:
    url = site.plan(TITLE, reply(503), reply(302, b"", {"Location": "/there"}))

    with pytest.raises(Transient, match="follow"):
        connect().get(url, max_requests=2, cancel=cancel)

    assert sum(site.count().values()) == 1 + 2  # robots.txt


@pytest.mark.parametrize(
    ("location", "said"),
    [
        pytest.param(TITLE, "redirect loop", id="redirect loop"),
        pytest.param("https://elsewhere.test/", "redirects to https://elsewhere.test", id="redirect to another host"),
        pytest.param("http://127.0.0.1:1/", "redirects to http://127.0.0.1:1", id="another port"),
        pytest.param("ftp://127.0.0.1/", "cannot be fetched", id="another scheme"),
        pytest.param("http://[bad/", "cannot be", id="unreadable"),
    ],
)
def test_redirects_that_lead_astray_are_refused(
    site: FaultSite, connect: Connect, cancel: threading.Event, location: str, said: str
) -> None:
    url = site.plan(TITLE, reply(302, b"", {"Location": location}))

    with pytest.raises(SourceError, match=said) as raised:
        connect().get(url, max_requests=TRIES, cancel=cancel)

    assert not raised.value.retry
    assert site.count()[TITLE] == 1


def test_a_chain_of_redirects_has_an_end(site: FaultSite, connect: Connect, cancel: threading.Event) -> None:
    for hop in range(20):
        site.plan(f"/{hop}", reply(302, b"", {"Location": f"/{hop + 1}"}))

    with pytest.raises(SourceError, match="more than 5 times"):
        connect().get(site.url + "/0", max_requests=TRIES, cancel=cancel)


def test_a_huge_body_of_a_redirect_is_not_read(site: FaultSite, connect: Connect, cancel: threading.Event) -> None:
    bomb = gzip.compress(bytes(50_000_000))
    url = site.plan(TITLE, reply(302, bomb * 10, {"Location": "/there", "Content-Encoding": "gzip"}))

    page = connect().get(url, max_requests=TRIES, cancel=cancel)

    assert page.body == PAGE
    assert page.size < len(bomb)


@pytest.mark.parametrize("status", [404, 410])
def test_what_is_gone_is_not_asked_for_again(
    site: FaultSite, connect: Connect, cancel: threading.Event, status: int
) -> None:
    url = site.plan(TITLE, reply(status))

    with pytest.raises(NotFound, match=str(status)):
        connect().get(url, max_requests=TRIES, cancel=cancel)

    assert site.count()[TITLE] == 1


@pytest.mark.parametrize("status", [400, 401, 405, 418, 451])
def test_other_refusals_are_not_asked_for_again(
    site: FaultSite, connect: Connect, cancel: threading.Event, status: int
) -> None:
    url = site.plan(TITLE, reply(status))

    with pytest.raises(SourceError, match=str(status)) as raised:
        connect().get(url, max_requests=TRIES, cancel=cancel)

    assert not raised.value.retry
    assert site.count()[TITLE] == 1


def test_the_statuses_to_try_again_are_the_users(site: FaultSite, connect: Connect, cancel: threading.Event) -> None:
    downloader = connect(retry_status_codes=frozenset({418}))

    assert downloader.get(site.plan("/teapot", reply(418), reply()), max_requests=2, cancel=cancel).requests == 2
    with pytest.raises(Transient, match="503"):
        downloader.get(site.plan("/busy", reply(503)), max_requests=TRIES, cancel=cancel)
    assert site.count()["/busy"] == 1


def test_waiting_for_a_title_has_an_end(site: FaultSite, connect: Connect, cancel: threading.Event) -> None:
    url = site.plan(TITLE, reply(503))
    downloader = connect(backoff_factor=0.01, max_wait_per_title=0.02)

    with pytest.raises(Transient, match=r"503 Service Unavailable; gave up after 0 s of waiting for it"):
        downloader.get(url, max_requests=TRIES, cancel=cancel)

    assert site.count()[TITLE] == 2


def test_waiting_in_a_run_has_an_end(site: FaultSite, connect: Connect, cancel: threading.Event) -> None:
    url = site.plan(TITLE, reply(503))
    downloader = connect(backoff_factor=0.01, max_wait_per_run=0.001)

    for _ in range(2):
        with pytest.raises(Transient, match="503 Service Unavailable; the run has waited"):
            downloader.get(url, max_requests=TRIES, cancel=cancel)

    assert site.count()[TITLE] == 2 + 1


class Impatient(threading.Event):
    """Cancels the first wait it is asked for, and remembers how long it was to be."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[float] = []

    def wait(self, timeout: float | None = None) -> bool:
        if timeout and not self.is_set():
            self.asked.append(timeout)
            self.set()
        return self.is_set()


@pytest.mark.parametrize(
    ("value", "wait"),
    [
        pytest.param("3", "3.0 s", id="seconds"),
        pytest.param("3600", "40.0 s", id="more seconds than the cap"),
        pytest.param(format_datetime(datetime(2199, 1, 1, tzinfo=UTC), usegmt=True), "40.0 s", id="date"),
    ],
)
def test_retry_after_is_obeyed_up_to_the_cap_by_all_threads(
    site: FaultSite, connect: Connect, value: str, wait: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    downloader = connect(max_backoff_seconds=40)
    url = site.plan(TITLE, reply(429, headers={"Retry-After": value}), reply())

    with pytest.raises(Cancelled):
        downloader.get(url, max_requests=2, cancel=Impatient())
    assert f"429 Too Many Requests; try 2 of 2 in {wait} (direct)" in caplog.text

    other = Impatient()
    with ThreadPoolExecutor(1) as executor:
        fetched = executor.submit(downloader.get, site.url + "/other", max_requests=2, cancel=other)
    error = fetched.exception()
    assert isinstance(error, Cancelled)
    assert error.requests == 0
    assert other.asked
    assert site.count()["/other"] == 0


def test_a_storm_of_503_stays_within_the_bound_for_every_title(
    site: FaultSite, connect: Connect, cancel: threading.Event
) -> None:
    site.plan("*", reply(503))
    downloader = connect(max_backoff_retries=2)
    failures: list[Transient] = []

    def fetch(number: int) -> None:
        try:
            downloader.get(f"{site.url}/title/tt{number:07}/", max_requests=99, cancel=cancel)
        except Transient as error:
            failures.append(error)

    threads = [threading.Thread(target=fetch, args=[number]) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    titles = {path: times for path, times in site.count().items() if path.startswith("/title")}
    assert len(failures) == 12
    assert len(titles) == 12
    assert set(titles.values()) == {3}


def test_every_request_of_all_threads_keeps_the_rate(
    site: FaultSite, connect: Connect, cancel: threading.Event
) -> None:
    """Retries and robots.txt included; counted at the site."""
    rate = 60.0
    downloader = connect(requests_per_second=rate)
    urls = [site.plan(f"/title/tt{number:07}/", reply(404 if number % 2 else 200)) for number in range(20)]
    urls.append(site.plan("/again", fault_site.reset, fault_site.reset, reply()))
    began = time.monotonic()
    with ThreadPoolExecutor(10) as executor:
        calls = [executor.submit(downloader.get, url, max_requests=TRIES, cancel=cancel) for url in urls]
    took = time.monotonic() - began

    assert sum(isinstance(call.exception(), NotFound) for call in calls) == 10
    assert len(site.seen) == 20 + 3 + 1
    assert len(site.seen) - 1 <= took * rate + 1


CHALLENGED = reply(202, b"", {"x-amzn-waf-action": "challenge"})


@pytest.mark.parametrize("block", [CHALLENGED, reply(403, b""), reply(200, CHALLENGE), reply(503, CHALLENGE)])
def test_a_challenge_at_the_start_is_waited_for_and_probed(
    site: FaultSite, connect: Connect, cancel: threading.Event, block: Reply
) -> None:
    url = site.plan(TITLE, block, block, reply())

    page = connect().get(url, max_requests=TRIES, cancel=cancel)

    assert page.body == PAGE
    assert page.requests == 3


def test_all_blocked_gives_up_with_advice_and_few_requests(
    site: FaultSite, connect: Connect, cancel: threading.Event
) -> None:
    url = site.plan(TITLE, CHALLENGED)

    with pytest.raises(Blocked, match=r"blocks this program after .* 5 probes.*challenge.*PROXIES") as raised:
        connect().get(url, max_requests=TRIES, cancel=cancel)

    assert raised.value.requests == site.count()[TITLE] == TRIES


def test_all_blocked_and_nowhere_to_wait_is_said_at_once(
    site: FaultSite, connect: Connect, cancel: threading.Event
) -> None:
    downloader = connect(max_block_wait_seconds=3600)
    url = site.plan(TITLE, CHALLENGED)

    for _ in range(2):
        with pytest.raises(Blocked, match="challenge"):
            downloader.get(url, max_requests=TRIES, cancel=cancel, patient=False)

    assert site.count()[TITLE] == 1


def test_pages_and_queries_are_blocked_apart(site: FaultSite, connect: Connect, cancel: threading.Event) -> None:
    downloader = connect(max_block_wait_seconds=0)
    site.plan(TITLE, CHALLENGED)
    with pytest.raises(Blocked):
        downloader.get(site.url + TITLE, max_requests=1, cancel=cancel)

    answer = downloader.post(
        site.plan("/graphql", reply(400, b'{"errors": []}')), b"{}", max_requests=1, cancel=cancel,
        headers={"Referer": "https://www.imdb.com/"},
    )  # fmt: skip

    assert (answer.status, answer.body) == (400, b'{"errors": []}')
    assert site.seen[-1].headers["referer"] == "https://www.imdb.com/"
    assert site.seen[-1].body == b"{}"


def test_a_challenge_in_the_middle_costs_no_title(site: FaultSite, connect: Connect, cancel: threading.Event) -> None:
    """Twenty threads, the site blocks every title for a while: one request probes, the others wait."""
    downloader = connect(max_block_wait_seconds=6)
    blocked = threading.Event()
    times: list[float] = [0.0]

    def answer(connection: object, seen: fault_site.Seen) -> None:
        times.append(time.monotonic())
        lonely = sum(later - earlier > 0.15 for earlier, later in pairwise(times[1:]))
        if lonely >= 2:
            blocked.clear()
        (CHALLENGED if blocked.is_set() else reply())(connection, seen)  # type: ignore[arg-type]

    site.plan("*", answer)
    arrived: list[str] = []

    def fetch(share: int) -> None:
        for number in range(share * 10, share * 10 + 10):
            page = downloader.get(f"{site.url}/title/tt{number:07}/", max_requests=TRIES, cancel=cancel)
            arrived.append(page.url)
            if number == 5:
                blocked.set()

    threads = [threading.Thread(target=fetch, args=[share]) for share in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(arrived) == len(set(arrived)) == 200
    assert max(times for path, times in site.count().items()) <= TRIES


def test_many_unrecognised_pages_in_a_row_are_a_block(
    site: FaultSite, connect: Connect, cancel: threading.Event
) -> None:
    downloader = connect()
    for _ in range(9):
        downloader.unrecognised(downloader.get(site.url + TITLE, max_requests=1, cancel=cancel))
    page = downloader.get(site.url + TITLE, max_requests=1, cancel=cancel)

    with pytest.raises(Blocked, match="10 pages in a row"):
        downloader.unrecognised(page)


def test_recognised_pages_in_between_break_the_row(site: FaultSite, connect: Connect, cancel: threading.Event) -> None:
    downloader = connect()
    for number in range(40):
        page = downloader.get(site.url + TITLE, max_requests=1, cancel=cancel)
        if number % 9:
            downloader.unrecognised(page)
        else:
            downloader.recognised(page)


def test_pages_without_a_report_do_not_break_the_row(
    site: FaultSite, connect: Connect, cancel: threading.Event
) -> None:
    downloader = connect()
    for _ in range(9):
        downloader.unrecognised(downloader.get(site.url + TITLE, max_requests=1, cancel=cancel))
        downloader.get(site.url + "/images/a.jpg", max_requests=1, cancel=cancel)

    with pytest.raises(Blocked, match="10 pages in a row"):
        downloader.unrecognised(downloader.get(site.url + TITLE, max_requests=1, cancel=cancel))


def test_a_refused_connection_to_a_site_that_never_answered_is_said_at_once(
    connect: Connect, cancel: threading.Event
) -> None:
    with pytest.raises(Transient, match=r"^cannot reach 127\.0\.0\.1:1: connection refused$"):
        connect(base_url="http://127.0.0.1:1", backoff_factor=600, max_backoff_seconds=600).get(
            "http://127.0.0.1:1/chart/top/", max_requests=TRIES, cancel=cancel
        )


def test_a_name_that_does_not_resolve_is_said_at_once(connect: Connect, cancel: threading.Event) -> None:
    with pytest.raises(Transient, match=r"^cannot reach no-such-host\.invalid: its name cannot be resolved$"):
        connect(backoff_factor=600, max_backoff_seconds=600).get(
            "http://no-such-host.invalid/", max_requests=TRIES, cancel=cancel
        )


def test_a_site_that_answered_before_and_is_gone_now_is_waited_for(
    site: FaultSite, connect: Connect, cancel: threading.Event
) -> None:
    downloader = connect()
    downloader.get(site.url + TITLE, max_requests=1, cancel=cancel)
    site.close()

    with pytest.raises(Transient, match=r"cannot reach .*refused") as raised:
        downloader.get(site.url + "/later", max_requests=3, cancel=cancel)

    assert raised.value.requests == 3


def test_a_conditional_request_may_be_answered_by_304(
    site: FaultSite, connect: Connect, cancel: threading.Event
) -> None:
    url = site.plan("/images/a.jpg", reply(304, b""))

    page = connect().get(url, max_requests=1, cancel=cancel, headers={"If-None-Match": '"a"'})

    assert (page.status, page.body) == (304, b"")
    assert site.seen[-1].headers["if-none-match"] == '"a"'


def test_one_connection_serves_a_thread_and_requests_are_alike(
    site: FaultSite, connect: Connect, cancel: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    downloader = connect()
    site.plan(TITLE, reply(headers={"Set-Cookie": "visitor=1; Path=/"}))

    for _ in range(3):
        downloader.get(site.url + TITLE, max_requests=1, cancel=cancel)

    assert len({seen.client for seen in site.seen}) == 1
    assert len({seen.headers["user-agent"] for seen in site.seen}) == 1
    assert "python" not in site.seen[-1].headers["user-agent"].lower()
    assert site.seen[-1].headers["accept-language"].startswith("en-US")
    assert "cookie" not in site.seen[-1].headers
    assert downloader.requests == len(site.seen) == 4

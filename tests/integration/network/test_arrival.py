"""What counts as an arrived page, and what browsers tolerate, over real sockets."""

from __future__ import annotations

import base64
import gzip
import socket
import threading

import pytest

from domain.errors import Blocked, SourceError, Transient
from tests.integration.network.conftest import Connect
from tests.support.fault_site import PAGE, FaultSite, Reply, Seen, reply

TITLE = "/title/tt0000001/"
PART = {"Content-Range": f"bytes 0-99/{len(PAGE)}"}


def raw(*pieces: bytes, close: bool = False) -> Reply:
    """Bytes as they are; ``close`` ends the connection after them."""

    def send(connection: socket.socket, _: Seen) -> None:
        connection.sendall(b"".join(pieces))
        if close:
            connection.shutdown(socket.SHUT_RDWR)

    return send


def page_with(*headers: bytes) -> Reply:
    """A whole page with these header lines before its length."""
    length = f"Content-Length: {len(PAGE)}\r\n\r\n".encode()
    return raw(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n", *(line + b"\r\n" for line in headers), length, PAGE)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        pytest.param(reply(206, PAGE[:100], PART), "206 Partial Content instead of the page", id="206"),
        pytest.param(reply(204, b""), "204 No Content instead", id="204"),
        pytest.param(reply(202, b"later"), "202 Accepted instead", id="202"),
        pytest.param(reply(226, PAGE), "226 IM Used instead", id="226"),
        pytest.param(raw(b"HTTP/1.1 304 Not Modified\r\n\r\n"), "304 Not Modified instead", id="304"),
        pytest.param(reply(302, b""), "302 Found without a Location header", id="redirect to nowhere"),
        pytest.param(raw(b"HTTP/1.1 200 OK\r\nContent-Le", close=True), "head of the answer is cut off", id="cut head"),
        pytest.param(
            raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", close=True),
            "cut off",
            id="no last chunk",
        ),
        pytest.param(
            raw(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 7\r\n\r\nhello"),
            r"contradictory lengths \(5 and 7\)",
            id="two lengths",
        ),
        pytest.param(page_with(b"X-Long: " + b"v" * 300_000), "headers of the answer are longer than", id="huge head"),
        pytest.param(raw(b"HTTP/1.1 103 Early\r\n\r\n" * 200), "more than 100 interim answers", id="endless 103"),
        pytest.param(raw(b"HTTP/7.3 200 OK\r\n\r\n", close=True), "not HTTP", id="unknown version"),
    ],
)
class TestNoPage:
    def test_it_is_asked_for_again(
        self, site: FaultSite, connect: Connect, cancel: threading.Event, answer: Reply, said: str
    ) -> None:
        url = site.plan(TITLE, answer, reply())

        page = connect().get(url, max_requests=2, cancel=cancel)

        assert (page.status, page.body, page.requests) == (200, PAGE, 2)

    def test_if_it_stays_it_is_named(
        self, site: FaultSite, connect: Connect, cancel: threading.Event, answer: Reply, said: str
    ) -> None:
        url = site.plan(TITLE, answer)

        with pytest.raises(Transient, match=said) as raised:
            connect().get(url, max_requests=2, cancel=cancel)

        assert raised.value.requests == 2


@pytest.mark.parametrize("status", [200, 202, 204, 206])
def test_a_block_is_recognised_before_the_status_counts(
    site: FaultSite, connect: Connect, cancel: threading.Event, status: int
) -> None:
    url = site.plan(TITLE, reply(status, b"", {"x-amzn-waf-action": "challenge"}))

    with pytest.raises(Blocked, match="challenge"):
        connect(max_block_wait_seconds=0).get(url, max_requests=2, cancel=cancel)


def after(*interim: bytes) -> Reply:
    """A page after these interim answers."""

    def send(connection: socket.socket, seen: Seen) -> None:
        connection.sendall(b"".join(interim))
        reply()(connection, seen)

    return send


def chunked(body: bytes) -> bytes:
    return f"{len(body):x};ext=1\r\n".encode() + body + b"\r\n0\r\nX-Trailer: 1\r\n\r\n"


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(reply(203), id="203"),
        pytest.param(
            after(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", b"HTTP/1.1 102 P\r\n\r\n"), id="103, 102"
        ),
        pytest.param(after(b"HTTP/1.1 100 Continue\r\n\r\n"), id="100"),
        pytest.param(page_with(*(b"X-%d: v" % number for number in range(500))), id="500 headers"),
        pytest.param(page_with(b"X-Long: " + b"v" * 200_000), id="long header"),
        pytest.param(page_with(b"Set-Cookie: " + b"c" * 4000, *[b"Set-Cookie: a=" + b"b" * 900] * 90), id="cookies"),
        pytest.param(page_with(f"Content-Length: {len(PAGE)}".encode()), id="length twice"),
        pytest.param(page_with(f"content-length: {len(PAGE)}, {len(PAGE)}".encode()), id="length thrice"),
        pytest.param(page_with(b"a line without a colon", b"X-A: b"), id="line without colon"),
        pytest.param(page_with(b"X-Caf\xe9: \xe9\xff"), id="Latin-1"),
        pytest.param(page_with(b"X-A: b", b" c"), id="folded"),
        *(
            pytest.param(reply(headers={"Content-Encoding": word}), id=f"encoding {word}")
            for word in ("none", "UTF-8", "aws-chunked", "identity", "binary", "text/html")
        ),
        pytest.param(
            reply(body=gzip.compress(PAGE), headers={"Content-Encoding": "aws-chunked, gzip"}), id="aws-chunked, gzip"
        ),
        pytest.param(
            raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\nContent-Length: 7\r\n\r\n", chunked(PAGE)),
            id="chunks and a length",
        ),
        pytest.param(raw(f"HTTP/1.1 200\nContent-Length: {len(PAGE)}\n\n".encode(), PAGE), id="line feeds, no reason"),
        pytest.param(raw(f"HTTP/1.0 200 OK\r\nContent-Length: {len(PAGE)}\r\n\r\n".encode(), PAGE), id="HTTP/1.0"),
    ],
)
def test_what_browsers_tolerate_is_a_page_at_once(
    site: FaultSite, connect: Connect, cancel: threading.Event, answer: Reply
) -> None:
    url = site.plan(TITLE, answer)
    downloader = connect()

    for _ in range(2):  # the second over the same connection, if it was left in order
        page = downloader.get(url, max_requests=1, cancel=cancel)
        assert page.body == PAGE


def test_headers_beyond_the_hundredth_are_read(site: FaultSite, connect: Connect, cancel: threading.Event) -> None:
    url = site.plan(TITLE, page_with(*(b"X-%d: v%d" % (number, number) for number in range(300))))

    headers = connect().get(url, max_requests=1, cancel=cancel).headers

    assert (headers["x-299"], headers["X-0"], headers["content-type"]) == ("v299", "v0", "text/html")


def cookie_wall(connection: socket.socket, seen: Seen) -> None:
    """Sets a cookie and redirects to the same address until the cookie comes back."""
    wall = reply(302, b"", {"Location": seen.path, "Set-Cookie": "seen=yes; Path=/; HttpOnly"})
    (reply() if seen.headers.get("cookie") == "seen=yes" else wall)(connection, seen)


def test_a_page_that_sets_a_cookie_and_redirects_to_itself_is_fetched_with_it(
    site: FaultSite, connect: Connect, cancel: threading.Event
) -> None:
    downloader = connect()
    url = site.plan(TITLE, cookie_wall)

    for _ in range(2):
        page = downloader.get(url, max_requests=2, cancel=cancel)
        assert (page.body, page.requests) == (PAGE, 2)  # the cookie is forgotten with the call

    assert [seen.headers.get("cookie") for seen in site.seen[1:]] == [None, "seen=yes"] * 2


def test_a_cookie_of_a_hop_that_does_not_help_is_a_circle(
    site: FaultSite, connect: Connect, cancel: threading.Event
) -> None:
    url = site.plan(TITLE, reply(302, b"", {"Location": TITLE, "Set-Cookie": "seen=yes"}))

    with pytest.raises(SourceError, match="redirect loop, also with the cookie it sets") as raised:
        connect().get(url, max_requests=6, cancel=cancel)

    assert raised.value.requests == 2


def test_ever_new_cookies_end_as_well(site: FaultSite, connect: Connect, cancel: threading.Event) -> None:
    numbers = iter(range(100))

    def wall(connection: socket.socket, seen: Seen) -> None:
        cookie = f"n={next(numbers)}"
        reply(302, b"", {"Location": TITLE, "Set-Cookie": cookie})(connection, seen)

    with pytest.raises(SourceError, match="more than 5 times"):
        connect().get(site.plan(TITLE, wall), max_requests=20, cancel=cancel)


def test_cookies_do_not_follow_to_another_host(site: FaultSite, connect: Connect, cancel: threading.Event) -> None:
    with FaultSite("127.0.0.3") as other:
        url = site.plan(TITLE, reply(302, b"", {"Location": other.url + "/", "Set-Cookie": "seen=yes"}))
        connect(graphql_url=other.url).get(url, max_requests=2, cancel=cancel)

        assert "cookie" not in other.seen[-1].headers


def with_user(url: str, user_info: str) -> str:
    return url.replace("://", f"://{user_info}@")


def test_user_information_of_the_settings_is_sent_to_its_host_only(
    site: FaultSite, connect: Connect, cancel: threading.Event
) -> None:
    with FaultSite("127.0.0.3") as other:
        url = site.plan(TITLE, reply(302, b"", {"Location": other.url + "/"}))
        downloader = connect(base_url=with_user(site.url, "anna:w%C3%B6rd"), graphql_url=other.url)
        page = downloader.get(url, max_requests=2, cancel=cancel)
        downloader.get(with_user(site.url, "someone:else") + "/x", max_requests=2, cancel=cancel)

        assert "authorization" not in other.seen[-1].headers
        assert page.url == other.url + "/"
    expected = "Basic " + base64.b64encode("anna:wörd".encode()).decode()
    assert [seen.path for seen in site.seen] == ["/robots.txt", TITLE, "/x"]
    assert {seen.headers.get("authorization") for seen in site.seen} == {expected}


def test_a_wrong_password_is_named_without_it(site: FaultSite, connect: Connect, cancel: threading.Event) -> None:
    url = site.plan(TITLE, reply(401, b""))

    with pytest.raises(SourceError, match="401 Unauthorized: give user and password") as raised:
        connect(base_url=with_user(site.url, "anna:s3cr3t")).get(url, max_requests=1, cancel=cancel)

    assert "s3cr3t" not in str(raised.value)

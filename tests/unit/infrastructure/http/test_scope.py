"""Where an address leads, and where a redirect may."""

from __future__ import annotations

import pytest

from infrastructure.http.messages import Origin


@pytest.mark.parametrize(
    ("url", "origin", "shown"),
    [
        ("https://www.imdb.com/title/tt0111161/", Origin("https", "www.imdb.com", 443), "www.imdb.com"),
        ("HTTP://WWW.IMDB.COM:80", Origin("http", "www.imdb.com", 80), "www.imdb.com"),
        ("http://127.0.0.1:8080/x", Origin("http", "127.0.0.1", 8080), "127.0.0.1:8080"),
        ("http://[::1]:81/", Origin("http", "::1", 81), "[::1]:81"),
    ],
)
def test_the_origin_of_an_address(url: str, origin: Origin, shown: str) -> None:
    assert Origin.of(url) == origin
    assert str(origin) == shown


@pytest.mark.parametrize("url", ["", "imdb.com", "ftp://h/", "http://", "http:///x", "http://[::1", "http://h:port/"])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        Origin.of(url)


@pytest.mark.parametrize(
    ("start", "target", "may"),
    [
        ("http://h/a", "http://h/b", True),
        ("http://h/", "https://h/", True),
        ("https://h/", "http://h/", False),
        ("http://h:8080/", "https://h/", False),
        ("http://h/", "http://h:8080/", False),
        ("http://h/", "http://www.h/", False),
    ],
)
def test_redirects_stay_with_the_site_or_become_safer(start: str, target: str, may: bool) -> None:
    assert Origin.of(start).may_lead_to(Origin.of(target)) is may


@pytest.mark.parametrize(
    ("host", "loopback"),
    [("localhost", True), ("a.localhost", True), ("127.0.0.9", True), ("[::1]", True), ("10.0.0.1", False),
     ("localhost.test", False)],
)  # fmt: skip
def test_loopback_is_recognised(host: str, loopback: bool) -> None:
    assert Origin.of(f"http://{host}/").loopback is loopback

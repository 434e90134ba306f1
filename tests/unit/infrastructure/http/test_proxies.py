"""Proxies as users write them: what is understood, what is refused, and that no password shows."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import UsageError
from infrastructure.http.options import listed_proxies, parse_proxy, proxies_of_file, single_proxy
from shared.secret import Secret


@pytest.mark.parametrize(
    ("text", "name", "address"),
    [
        ("http://10.0.0.1:3128", "http://10.0.0.1:3128", "http://10.0.0.1:3128"),
        ("10.0.0.1:3128", "http://10.0.0.1:3128", "http://10.0.0.1:3128"),
        ("me:secret@10.0.0.1:3128", "http://***@10.0.0.1:3128", "http://me:secret@10.0.0.1:3128"),
        ("HTTPS://proxy.test:443/", "https://proxy.test:443", "https://proxy.test:443"),
        ("socks4://10.0.0.1:1080", "socks4://10.0.0.1:1080", "socks4://10.0.0.1:1080"),
        ("socks5://me:a%40b@[::1]:1080", "socks5://***@[::1]:1080", "socks5://me:a%40b@[::1]:1080"),
        ("http://me:p#a/s?s@h.test:1", "http://***@h.test:1", "http://me:p%23a%2Fs%3Fs@h.test:1"),
        ("http://me:p%E9ss@h.test:1", "http://***@h.test:1", "http://me:p%E9ss@h.test:1"),
        ("socks5h://me:p@ss:wd@h.test:1", "socks5h://***@h.test:1", "socks5h://me:p%40ss%3Awd@h.test:1"),
    ],
)
def test_proxies_are_understood(text: str, name: str, address: str) -> None:
    proxy = parse_proxy(text, "here")

    assert (proxy.name, proxy.address.reveal()) == (name, address)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("ftp://me:geheim@10.0.0.1:21", "unknown scheme 'ftp'"),
        ("socks://me:geheim@10.0.0.1:1080", "unknown scheme 'socks'"),
        ("http://me:geheim@10.0.0.1", "has no port"),
        ("http://me:geheim@:3128", "has no host"),
        ("http://me:geheim@10.0.0.1:http", "cannot be read"),
        ("http://me:geheim@10.0.0.1:99999", "cannot be read"),
        ("http://me:geheim@[::1:3128", "cannot be read"),
        ("http://me:geheim@10.0.0.1:3128/path", "unexpected text after the port"),
        ("http://me:geheim@10.0.0.1 :3128", "blank"),
        ("http://me:gehe\x00im@10.0.0.1:3128", "blank"),
    ],
)
def test_what_cannot_be_used_is_named_by_its_place_and_without_its_password(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=f"^proxies.txt, line 7: .*{said}") as raised:
        parse_proxy(text, "proxies.txt, line 7")

    assert "geheim" not in str(raised.value)
    assert raised.value.__cause__ is None


@given(st.text())
def test_any_text_is_a_proxy_or_refused(text: str) -> None:
    try:
        proxy = parse_proxy(text, "here")
    except UsageError:
        return
    assert proxy.address.reveal().startswith(proxy.name.split("://")[0])


def test_no_password_shows_in_a_proxy() -> None:
    proxy = parse_proxy("http://me:geheim@10.0.0.1:3128", "here")

    assert "geheim" not in f"{proxy} {proxy!r} {[proxy]}"


def test_a_list_is_split_at_commas_and_lines_and_holds_each_once() -> None:
    proxies = listed_proxies(Secret("10.0.0.1:1, 10.0.0.2:2,\nsocks5://10.0.0.3:3,,10.0.0.1:1"))

    assert [proxy.name for proxy in proxies] == ["http://10.0.0.1:1", "http://10.0.0.2:2", "socks5://10.0.0.3:3"]


def test_every_bad_entry_of_a_list_is_named() -> None:
    with pytest.raises(UsageError, match=r"PROXIES entry 2: .*no port.*; PROXIES entry 3: unknown scheme"):
        listed_proxies(Secret("10.0.0.1:1,10.0.0.2,gopher://10.0.0.3:70"))


@pytest.mark.parametrize("text", ["", " , ,", "\n"])
def test_an_empty_list_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="PROXIES is set but holds no proxy"):
        listed_proxies(Secret(text))


def test_a_file_has_one_a_line_and_comments(tmp_path: Path) -> None:
    path = tmp_path / "proxies.txt"
    path.write_bytes(b"\xef\xbb\xbf# mine\r\n10.0.0.1:1\r\n\r\nme:pass#word@10.0.0.2:2 # fast\r\n")

    proxies = proxies_of_file(path)

    assert [proxy.name for proxy in proxies] == ["http://10.0.0.1:1", "http://***@10.0.0.2:2"]


def test_a_bad_line_is_named_by_its_number(tmp_path: Path) -> None:
    path = tmp_path / "proxies.txt"
    path.write_text("# one\n10.0.0.1:1\n\nmy proxy\n10.0.0.2\n")

    with pytest.raises(UsageError, match=r"proxies\.txt, line 4: .*blank.*; .*proxies\.txt, line 5: .*no port"):
        proxies_of_file(path)


def test_of_very_many_bad_lines_some_are_named(tmp_path: Path) -> None:
    path = tmp_path / "proxies.txt"
    path.write_text("nonsense\n" * 500)

    with pytest.raises(UsageError, match="and 490 more") as raised:
        proxies_of_file(path)

    assert len(str(raised.value)) < 3000


@pytest.mark.parametrize(
    ("content", "said"),
    [(None, "cannot be read: No such file"), (b"# none\n", "no proxy"), (b"a\xff\xfe", "line 1: not UTF-8")],
)
def test_a_file_that_is_no_list_is_refused(tmp_path: Path, content: bytes | None, said: str) -> None:
    path = tmp_path / "proxies.txt"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(UsageError, match=rf"PROXY_FILE.*{said}"):
        proxies_of_file(path)


def test_the_single_proxy_is_put_together_from_its_parts() -> None:
    proxy = single_proxy("proxy.test", 3128, "me", Secret("a:b@c"))

    assert (proxy.name, proxy.address.reveal()) == ("http://***@proxy.test:3128", "http://me:a%3Ab%40c@proxy.test:3128")
    assert single_proxy("::1", 3128, "", Secret("")).name == "http://[::1]:3128"


@pytest.mark.parametrize(("host", "port", "said"), [("", 3128, "PROXY_HOST is not"), ("h", None, "PROXY_PORT is not")])
def test_half_a_single_proxy_is_refused(host: str, port: int | None, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        single_proxy(host, port, "", Secret(""))

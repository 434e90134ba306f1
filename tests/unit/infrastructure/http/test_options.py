"""The network's settings, and proxies as users write them."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import UsageError
from infrastructure.bootstrap.network import network_options
from infrastructure.http import NetworkOptions, build_downloader
from infrastructure.http.messages import Origin
from infrastructure.http.options import listed_proxies, parse_proxy, proxies_of_file, single_proxy
from infrastructure.http.route import Tier
from shared.secret import Secret
from shared.settings import Settings


def routes(**settings: object) -> list[tuple[str, Tier]]:
    downloader = build_downloader(NetworkOptions(**settings))  # type: ignore[arg-type]
    try:
        return [(route.name, route.tier) for route in downloader.routes]
    finally:
        downloader.close()


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"requests_per_second": 0.0}, "REQUESTS_PER_SECOND: 0.0 is not allowed; allowed: from 1e-06"),
        ({"requests_per_second": float("nan")}, "REQUESTS_PER_SECOND"),
        ({"requests_per_second": float("inf")}, "REQUESTS_PER_SECOND"),
        ({"base_url": "www.imdb.com"}, "BASE_URL"),
        ({"graphql_url": "ftp://api.test/"}, "GRAPHQL_URL"),
    ],
)
def test_impossible_values_are_refused(settings: dict[str, object], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        NetworkOptions(**settings)  # type: ignore[arg-type]


def test_all_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(UsageError, match=r"REQUESTS_PER_SECOND.*; BASE_URL"):
        NetworkOptions(requests_per_second=0, base_url="nowhere")


def test_nothing_secret_shows() -> None:
    options = NetworkOptions(
        proxy_host="h", proxy_port=1, proxy_user="u", proxy_pass=Secret("geheim1"),
        proxies=Secret("http://u:geheim2@h:1"), tor_password=Secret("geheim3"),
    )  # fmt: skip

    assert "geheim" not in repr(options)
    assert "geheim" not in repr(build_downloader(options).routes)


def test_without_settings_requests_go_directly() -> None:
    assert routes() == [("direct", Tier.DIRECT)]


def test_with_proxies_nothing_goes_directly(tmp_path: Path) -> None:
    listed = tmp_path / "proxies.txt"
    listed.write_text("socks5h://10.0.0.3:3\n10.0.0.1:1\n")

    assert routes(proxy_host="10.0.0.1", proxy_port=1, proxies=Secret("http://u:p@10.0.0.2:2"), proxy_file=listed) == [
        ("http://10.0.0.1:1", Tier.PROXY),
        ("http://***@10.0.0.2:2", Tier.PROXY),
        ("socks5h://10.0.0.3:3", Tier.PROXY),
    ]


def test_one_proxy_with_several_users_is_several_routes() -> None:
    assert routes(proxies=Secret("http://a:1@h:1,http://b:2@h:1,http://a:1@h:1")) == [
        ("http://***@h:1", Tier.PROXY),
        ("http://***@h:1 (2)", Tier.PROXY),
    ]


def test_directly_only_with_leave() -> None:
    assert routes(proxies=Secret("10.0.0.1:1"), allow_direct_fallback=True) == [
        ("http://10.0.0.1:1", Tier.PROXY),
        ("direct", Tier.DIRECT),
    ]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"proxies": Secret("")}, "PROXIES is set but holds no proxy"),
        ({"proxies": Secret("gopher://h:1")}, "PROXIES entry 1: unknown scheme"),
        ({"proxy_file": Path("nowhere.txt")}, "PROXY_FILE nowhere.txt cannot be read"),
        ({"proxy_port": 3128}, "PROXY_HOST is not"),
    ],
)
def test_proxies_that_cannot_be_used_are_said_at_the_start(settings: dict[str, object], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        build_downloader(NetworkOptions(**settings))  # type: ignore[arg-type]


def test_authorities_that_cannot_be_used_are_refused_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"CA_FILE: .*nowhere cannot be read: No such file"):
        NetworkOptions(authorities=str(tmp_path / "nowhere"))
    (tmp_path / "empty.pem").write_text("no certificate")
    with pytest.raises(UsageError, match=r"CA_FILE: .*empty.pem holds no certificates"):
        NetworkOptions(authorities=str(tmp_path / "empty.pem"))


def test_the_hosts_of_all_addresses_in_the_settings_are_configured_with_their_passwords() -> None:
    options = network_options(
        Settings(
            base_url="http://anna:one@films.test",
            graphql_url="https://graphql.test/q",
            datasets_url="http://ben:two@127.0.0.1:8080/files",
        )
    )

    films, files = Origin.of("http://films.test"), Origin.of("http://127.0.0.1:8080/")
    assert options.origins() == {films, files, Origin.of("https://graphql.test")}
    sent = {origin: header.reveal() for origin, header in options.authorization().items()}
    one, two = (f"Basic {b64encode(pair).decode()}" for pair in (b"anna:one", b"ben:two"))
    assert sent == {films: one, Origin.of("https://films.test"): one, files: two}
    assert "one" not in repr(options.authorization())
    assert "ben" not in repr(options)


@pytest.mark.parametrize("url", ["ftp://anna:s3cret@films.test/", "http://anna:s3cret@", "http://anna:s3/cret@h:x/"])
def test_an_address_that_cannot_be_used_is_named_without_its_password(url: str) -> None:
    with pytest.raises(UsageError, match="BASE_URL: ") as raised:
        NetworkOptions(base_url=url)

    assert "s3" not in str(raised.value)


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

"""The network's settings: what is refused at the start, which routes they make, and that nothing secret shows."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path

import pytest

from domain.errors import UsageError
from infrastructure.bootstrap.network import network_options
from infrastructure.http import NetworkOptions, build_downloader
from infrastructure.http.messages import Origin
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

"""https: certificates are checked, directly and through proxies."""

from __future__ import annotations

import shutil
import ssl
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from domain.errors import SourceError, Transient
from infrastructure.bootstrap.network import network_options
from shared.secret import Secret
from shared.settings import Settings
from tests.integration.network.conftest import Connect
from tests.support.fault_site import FaultSite, reply
from tests.support.proxies import PASSWORD, USER, microsocks, missing, tinyproxy

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that signs itself, and its key."""
    folder = tmp_path_factory.mktemp("tls")
    certificate, key = folder / "site.pem", folder / "site.key"
    subprocess.run(
        [
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
            "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1",
            "-keyout", str(key), "-out", str(certificate),
        ],
        check=True, capture_output=True,
    )  # fmt: skip
    return certificate, key


@pytest.fixture
def secure_site(certificate: tuple[Path, Path]) -> Iterator[FaultSite]:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*certificate)
    with FaultSite(tls=context) as site:
        yield site


def test_a_certificate_without_a_trusted_authority_is_refused_for_good(
    secure_site: FaultSite, connect: Connect, cancel: threading.Event
) -> None:
    with pytest.raises(SourceError, match=r"its certificate is not trusted: self.signed certificate") as raised:
        connect(base_url=secure_site.url).get(secure_site.url + "/title/tt0000001/", max_requests=6, cancel=cancel)

    assert not raised.value.retry
    assert secure_site.seen == []


def test_the_users_own_authorities_are_trusted_instead(
    secure_site: FaultSite, connect: Connect, cancel: threading.Event, certificate: tuple[Path, Path]
) -> None:
    options = network_options(Settings(ca_file=certificate[0]))
    downloader = connect(base_url=secure_site.url, authorities=options.authorities)

    for _ in range(2):
        page = downloader.get(secure_site.url + "/title/tt0000001/", max_requests=6, cancel=cancel)

    assert page.status == 200
    assert len({seen.client for seen in secure_site.seen}) == 1


@pytest.mark.skipif(bool(missing("tinyproxy")), reason=f"real proxies are needed: {missing('tinyproxy')}")
def test_https_goes_through_http_proxies_in_a_tunnel(
    secure_site: FaultSite, connect: Connect, cancel: threading.Event, certificate: tuple[Path, Path], tmp_path: Path
) -> None:
    with tinyproxy(tmp_path, "127.0.0.71") as proxy:
        downloader = connect(
            base_url=secure_site.url,
            authorities=str(certificate[0]),
            proxies=Secret(proxy.url("http", f"{USER}:{PASSWORD}")),
        )
        downloader.get(secure_site.url + "/title/tt0000001/", max_requests=6, cancel=cancel)
        wrong = connect(
            base_url=secure_site.url,
            authorities=str(certificate[0]),
            proxies=Secret(proxy.url("http", f"{USER}:wr0ng")),
        )
        with pytest.raises(Transient, match=r"no route is left .*refused the connection \(status 401\)"):
            wrong.get(secure_site.url + "/title/tt0000001/", max_requests=6, cancel=cancel)

    assert {seen.client[0] for seen in secure_site.seen} == {proxy.exit_address}


@pytest.mark.skipif(bool(missing("microsocks")), reason=f"real proxies are needed: {missing('microsocks')}")
def test_https_goes_through_socks_proxies_and_is_checked_there_too(
    secure_site: FaultSite, connect: Connect, cancel: threading.Event, certificate: tuple[Path, Path]
) -> None:
    with microsocks("127.0.0.72", password=None) as proxy:
        proxies = Secret(proxy.url("socks5h"))
        connect(base_url=secure_site.url, authorities=str(certificate[0]), proxies=proxies).get(
            secure_site.url + "/title/tt0000001/", max_requests=6, cancel=cancel
        )
        with pytest.raises(Transient, match=r"no route is left .*certificate is not trusted"):
            connect(base_url=secure_site.url, proxies=proxies).get(
                secure_site.url + "/title/tt0000001/", max_requests=6, cancel=cancel
            )

    assert [seen.client[0] for seen in secure_site.seen if seen.path != "/robots.txt"] == [proxy.exit_address]


def test_a_page_is_never_fetched_less_safely_than_it_was_asked_for(
    secure_site: FaultSite, site: FaultSite, connect: Connect, cancel: threading.Event, certificate: tuple[Path, Path]
) -> None:
    secure_site.plan("/title/tt0000001/", reply(302, b"", {"Location": f"http://127.0.0.1:{secure_site.port}/"}))
    downloader = connect(base_url=secure_site.url, authorities=str(certificate[0]))

    with pytest.raises(SourceError, match="not allowed"):
        downloader.get(secure_site.url + "/title/tt0000001/", max_requests=6, cancel=cancel)

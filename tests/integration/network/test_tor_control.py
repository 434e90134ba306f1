"""A real Tor client that never gets its network: what is said at the start, and how it is talked to."""

from __future__ import annotations

import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from domain.errors import Cancelled, UsageError
from infrastructure.http import NetworkOptions, build_downloader
from shared.clock import SystemClock
from shared.secret import Secret
from tests.support.proxies import free_port

pytestmark = pytest.mark.skipif(shutil.which("tor") is None, reason="tor is not installed")
PASSWORD = "0pen5esame"
NOWHERE = f"DirAuthority nowhere orport=1 v3ident={'A' * 40} 127.0.0.1:1 {'A' * 40}\n"


@contextmanager
def tor(folder: Path, *options: str) -> Iterator[dict[str, int]]:
    """A Tor client of a network that is not there; answers its ports as settings."""
    ports = {"tor_proxy_port": free_port(), "tor_control_port": free_port()}
    folder.chmod(0o700)
    torrc = folder / "torrc"
    torrc.write_text(
        f"DataDirectory {folder}\nLog notice stdout\nTestingTorNetwork 1\n{NOWHERE}"
        f"SocksPort 127.0.0.1:{ports['tor_proxy_port']}\nControlPort 127.0.0.1:{ports['tor_control_port']}\n"
        + "".join(f"{option}\n" for option in options)
    )
    process = subprocess.Popen(["tor", "-f", str(torrc)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        assert process.stdout is not None
        assert any("Opened Control listener" in line for line in process.stdout)
        yield ports
    finally:
        process.kill()
        process.communicate()


def hashed(password: str) -> str:
    made = subprocess.run(["tor", "--hash-password", password, "--quiet"], check=True, capture_output=True, text=True)
    return f"HashedControlPassword {made.stdout.split()[-1]}"


@pytest.fixture(scope="module")
def locked_tor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, int]]:
    with tor(tmp_path_factory.mktemp("tor"), hashed(PASSWORD)) as ports:
        yield ports


def refusal(ports: dict[str, int], **settings: object) -> str:
    """Messages at the start of a run."""
    with pytest.raises(UsageError) as raised:
        build_downloader(NetworkOptions(use_tor=True, **ports, **settings))  # type: ignore[arg-type]
    return str(raised.value)


def test_a_tor_that_is_not_there_is_said_at_the_start() -> None:
    ports = {"tor_proxy_port": free_port(), "tor_control_port": free_port()}

    said = refusal(ports)

    assert f"control port 127.0.0.1:{ports['tor_control_port']} cannot be reached" in said
    assert "TOR_CONTROL_PORT" in said


def test_a_host_that_does_not_resolve_is_said_at_the_start() -> None:
    assert "control port no-such-host.invalid:9051 cannot be reached" in refusal({}, tor_host="no-such-host.invalid")


@pytest.mark.parametrize(("password", "said"), [("wr0ngw0rd", "TOR_PASSWORD is wrong"), ("", "set TOR_PASSWORD")])
def test_a_wrong_or_missing_password_is_said_at_the_start(
    locked_tor: dict[str, int], password: str, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")

    assert said in (message := refusal(locked_tor, tor_password=Secret(password)))

    assert "wr0ngw0rd" not in message + caplog.text


def test_a_tor_without_its_network_is_said_at_the_start(locked_tor: dict[str, int]) -> None:
    assert "not connected to its network yet (" in refusal(locked_tor, tor_password=Secret(PASSWORD))


def test_a_closed_socks_port_is_said_at_the_start(locked_tor: dict[str, int]) -> None:
    ports = {**locked_tor, "tor_proxy_port": free_port()}

    assert "SOCKS port 127.0.0.1:" in refusal(ports, tor_password=Secret(PASSWORD))


@pytest.mark.parametrize("option", ["CookieAuthentication 1", "CookieAuthentication 0"])
def test_a_cookie_or_nothing_lets_in_as_well(tmp_path: Path, option: str) -> None:
    with tor(tmp_path, option) as ports:
        assert "not connected to its network yet (" in refusal(ports)  # so it let us in


def test_a_port_that_is_no_control_port_is_said_at_the_start(locked_tor: dict[str, int]) -> None:
    swapped = {"tor_control_port": locked_tor["tor_proxy_port"], "tor_proxy_port": locked_tor["tor_control_port"]}

    assert "is this Tor's ControlPort?" in refusal(swapped)


def test_waiting_for_new_circuits_ends_at_once_when_cancelled(locked_tor: dict[str, int]) -> None:
    from infrastructure.http.tor import TorControl

    options = NetworkOptions(**locked_tor, tor_password=Secret(PASSWORD))  # type: ignore[arg-type]
    control = TorControl(options, SystemClock(), timeout=600)
    cancel = threading.Event()
    threading.Timer(0.3, cancel.set).start()
    try:
        with pytest.raises(Cancelled):  # no network: no circuit is ever built
            control.new_identity(cancel)
        assert control.built() == 0
    finally:
        control.close()

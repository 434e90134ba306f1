"""What the Tor container runs, with a real tor that is kept off the network."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
import stem  # type: ignore[import-untyped]  # it has no types
from stem.control import Controller  # type: ignore[import-untyped]

from tests.conftest import ROOT

FOLDER = ROOT / "docker" / "tor"
PASSWORD = "two words, and a $sign"


@dataclass(frozen=True, slots=True)
class RunningTor:
    """A tor that the container's start script started."""

    control_port: int
    environment: dict[str, str]


def _free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        return int(listener.getsockname()[1])


@pytest.fixture(scope="module")
def tor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningTor]:
    """Started as in the container, but on free ports of loopback, and with its network switched off."""
    if not shutil.which("tor"):
        pytest.skip("tor is not installed")
    folder = tmp_path_factory.mktemp("tor")
    socks, control = _free_port(), _free_port()
    (folder / "password").write_text(PASSWORD + "\n", encoding="utf-8")
    torrc = (FOLDER / "torrc").read_text(encoding="utf-8")
    for before, after in (
        ("0.0.0.0:9050", f"127.0.0.1:{socks}"),
        ("0.0.0.0:9051", f"127.0.0.1:{control}"),
        ("/var/lib/tor", str(folder)),
    ):
        assert before in torrc
        torrc = torrc.replace(before, after)
    (folder / "torrc").write_text(torrc, encoding="utf-8")
    environment = {
        "PATH": f"{FOLDER}:{os.environ['PATH']}",
        "TORRC": str(folder / "torrc"),
        "TOR_PASSWORD_FILE": str(folder / "password"),
        "TOR_CONTROL_PORT": str(control),
    }
    start = [str(FOLDER / "start"), "--DisableNetwork", "1"]
    with subprocess.Popen(start, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = []
        for line in process.stdout:
            said.append(line)
            if "Opened Control listener" in line:
                break
        else:
            pytest.fail("".join(said))
        threading.Thread(target=process.stdout.read, daemon=True).start()  # so that its pipe never fills
        try:
            yield RunningTor(control, environment)
        finally:
            process.terminate()
            assert process.wait(30) == 0


def test_the_control_port_takes_the_password_of_the_secret_and_no_other(tor: RunningTor) -> None:
    with (
        Controller.from_port(port=tor.control_port) as controller,
        pytest.raises(stem.connection.IncorrectPassword),
    ):
        controller.authenticate(password="another")
    with Controller.from_port(port=tor.control_port) as controller:
        controller.authenticate(password=PASSWORD)
        assert controller.get_conf("DisableNetwork") == "1"


def test_a_tor_without_a_network_is_not_healthy(tor: RunningTor) -> None:
    done = subprocess.run([FOLDER / "healthy"], env=tor.environment, capture_output=True, timeout=30, check=False)
    assert done.returncode != 0


@pytest.mark.parametrize(("progress", "code"), [(100, 0), (90, 1)])
def test_healthy_is_a_tor_that_says_100_percent(progress: int, code: int, tmp_path: Path) -> None:
    heard: list[bytes] = []

    def answer(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            lines = connection.makefile("rb")
            heard.extend(lines.readline() for _ in range(3))
            connection.sendall(
                b"250 OK\r\n250-status/bootstrap-phase=NOTICE BOOTSTRAP PROGRESS=%d TAG=x\r\n250 OK\r\n250 closing\r\n"
                % progress
            )

    (tmp_path / "password").write_text("open sesame")
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        thread = threading.Thread(target=answer, args=(listener,))
        thread.start()
        environment = {
            "PATH": os.environ["PATH"],
            "TOR_PASSWORD_FILE": str(tmp_path / "password"),
            "TOR_CONTROL_PORT": str(listener.getsockname()[1]),
        }
        done = subprocess.run([FOLDER / "healthy"], env=environment, capture_output=True, timeout=30, check=False)
        thread.join(30)
    assert done.returncode == code
    assert heard[0] == b'AUTHENTICATE "open sesame"\r\n'


def test_an_empty_password_is_refused(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("\n")
    environment = {"PATH": os.environ["PATH"], "TOR_PASSWORD_FILE": str(tmp_path / "password")}
    done = subprocess.run([FOLDER / "start"], env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (2, "start: the control port's password is empty\n")


def test_the_torrc_opens_to_private_addresses_only() -> None:
    torrc = (FOLDER / "torrc").read_text(encoding="utf-8")
    assert re.findall(r"^SocksPolicy (.*)$", torrc, re.MULTILINE) == ["accept private:*", "reject *:*"]

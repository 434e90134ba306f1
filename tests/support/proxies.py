"""Real proxy servers on loopback; each connects from an address of its own, so that a site can distinguish them."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType

USER, PASSWORD = "mallory", "0pen5esame"
_START_SECONDS = 10.0


def free_port() -> int:
    """A port that is free at the moment."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


class ProxyServer:
    """A proxy that runs while the block does.

    Attributes:
        exit_address: what sites see.
        port: where it listens, on 127.0.0.1.
    """

    def __init__(self, command: list[str], port: int, exit_address: str) -> None:
        self.port = port
        self.exit_address = exit_address
        self._command = command
        self._process: subprocess.Popen[bytes] | None = None

    def url(self, scheme: str, credentials: str = "") -> str:
        """Its address in the form of the settings."""
        return f"{scheme}://{credentials + '@' if credentials else ''}127.0.0.1:{self.port}"

    def start(self) -> None:
        """Starts it and waits until it accepts connections."""
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + _START_SECONDS
        while not self._accepts():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{self._command[0]} did not start")

    def stop(self) -> None:
        """Kills it, like a proxy that dies during a run."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _accepts(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), 0.05).close()
        except OSError:
            return False
        return True

    def __enter__(self) -> ProxyServer:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def missing(program: str) -> str:
    """Why a test cannot use this program, or nothing."""
    return "" if shutil.which(program) else f"{program} is not installed"


def tinyproxy(folder: Path, exit_address: str, *, locked: bool = True) -> ProxyServer:
    """An HTTP proxy, with credentials if ``locked``."""
    port = free_port()
    lines = [f"Port {port}", "Listen 127.0.0.1", f"Bind {exit_address}", "MaxClients 300", "LogLevel Error"]
    if locked:
        lines.append(f"BasicAuth {USER} {PASSWORD}")
    path = folder / f"tinyproxy-{port}.conf"
    path.write_text("\n".join(lines) + "\n")
    return ProxyServer(["tinyproxy", "-d", "-c", str(path)], port, exit_address)


def microsocks(exit_address: str, *, password: str | None = PASSWORD) -> ProxyServer:
    """A SOCKS5 proxy, with credentials unless ``password`` is None."""
    port = free_port()
    credentials = [] if password is None else ["-u", USER, "-P", password]
    command = ["microsocks", "-i", "127.0.0.1", "-p", str(port), "-b", exit_address, *credentials]
    return ProxyServer(command, port, exit_address)


def dante(folder: Path, exit_address: str) -> ProxyServer:
    """A proxy that speaks SOCKS4 and SOCKS5, without credentials."""
    port = free_port()
    me = pwd.getpwuid(os.geteuid()).pw_name
    path = folder / f"danted-{port}.conf"
    path.write_text(
        f"""logoutput: /dev/null
internal: 127.0.0.1 port = {port}
external: {exit_address}
clientmethod: none
socksmethod: none
user.privileged: {me}
user.unprivileged: {me}
client pass {{ from: 127.0.0.0/8 to: 127.0.0.0/8 }}
socks pass {{ from: 127.0.0.0/8 to: 127.0.0.0/8 }}
"""
    )
    return ProxyServer(["danted", "-f", str(path), "-p", str(folder / f"danted-{port}.pid")], port, exit_address)

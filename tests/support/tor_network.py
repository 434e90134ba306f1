"""A whole Tor network on one machine: directory authorities, exits with addresses of their own, and a client.

It lives in a network namespace, because Tor applies no outbound address toward 127/8. A bandwidth
file makes all its relays equal: what they measure of themselves would leave some of them unused.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import threading
import time
from pathlib import Path
from types import TracebackType

from tests.support.namespace import Namespace, why_not

PASSWORD = "0pen5esame"
SOCKS_PORT, CONTROL_PORT = 9050, 9051
_BOOTSTRAP_SECONDS = 90.0

_COMMON = """TestingTorNetwork 1
PathsNeededToBuildCircuits 0.25
TestingDirAuthVoteExit *
TestingDirAuthVoteGuard *
AssumeReachable 1
ShutdownWaitLength 0
Log notice stdout
"""
_AUTHORITY = """AuthoritativeDirectory 1
V3AuthoritativeDirectory 1
ContactInfo nobody@example.org
V3AuthVotingInterval 10
V3AuthVoteDelay 2
V3AuthDistDelay 2
TestingV3AuthInitialVotingInterval 5
TestingV3AuthInitialVoteDelay 2
TestingV3AuthInitialDistDelay 2
ExitPolicy reject *:*
V3BandwidthsFile {bandwidths}
"""
_EXIT = """ExitRelay 1
ExitPolicy accept *:*
ExitPolicyRejectPrivate 0
"""
_SOME_AUTHORITY = f"DirAuthority some orport=5000 v3ident={'A' * 40} 198.51.100.1:7000 {'A' * 40}\n"
_CLIENT = """ClientRejectInternalAddresses 0
UseEntryGuards 0
ORPort 0
"""


def tor_missing() -> str:
    """Why this machine cannot run the network, or nothing."""
    for program in ("tor", "tor-gencert"):
        if shutil.which(program) is None:
            return f"{program} is not installed"
    return why_not()


class TorNetwork:
    """Up and bootstrapped once entered; its SOCKS and control ports are on 127.0.0.1 inside ``namespace``.

    Attributes:
        namespace: where it lives.
        exits: the addresses its exits are seen by.
        site: an address for the site.
    """

    def __init__(self, folder: Path, exits: int = 3) -> None:
        self.exits = [f"198.51.100.{11 + number}" for number in range(exits)]
        self.site = "198.51.100.30"
        self._authorities = ["198.51.100.1", "198.51.100.2", "198.51.100.3"]
        self.namespace = Namespace(f"filmledger-{os.getpid()}", [*self._authorities, *self.exits, self.site])
        self._folder = folder
        self._running: list[subprocess.Popen[str]] = []

    def __enter__(self) -> TorNetwork:
        self.namespace.__enter__()
        try:
            self._start()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self._running:
            process.kill()
        for process in self._running:
            process.wait()
            if process.stdout:
                process.stdout.close()
        self.namespace.__exit__()

    def start_client(self, name: str, options: str) -> subprocess.Popen[str]:
        """Another Tor client of the same network."""
        return self._tor(name, self._directory + _CLIENT + options)

    def _start(self) -> None:
        guides = {f"authority{number}": address for number, address in enumerate(self._authorities)}
        exits = {f"exit{number}": address for number, address in enumerate(self.exits)}
        self._directory = "".join([self._authority(name, address) for name, address in guides.items()])
        measured = [f"{time.time():.0f}"]
        for name, address in guides.items():
            measured.append(f"node_id=${self._fingerprint(name, self._guide(name, address))} bw=1000 nick={name}")
        for name, address in exits.items():
            measured.append(f"node_id=${self._fingerprint(name, _exit(name, address))} bw=1000 nick={name}")
        (self._folder / "bandwidths").write_text("\n".join(measured) + "\n")
        for name, address in guides.items():
            self._tor(name, self._directory + self._guide(name, address))
        for name, address in exits.items():
            self._tor(name, self._directory + _exit(name, address))
        hashed = subprocess.run(
            ["tor", "--hash-password", PASSWORD, "--quiet"], check=True, capture_output=True, text=True
        ).stdout.split()[-1]
        ports = f"SocksPort 127.0.0.1:{SOCKS_PORT}\nControlPort 127.0.0.1:{CONTROL_PORT}\n"
        client = self.start_client("client", f"{ports}HashedControlPassword {hashed}\n")
        bootstrapped(client)

    def _authority(self, name: str, address: str) -> str:
        """Make its keys; answers the line by which the others know it."""
        keys = self._folder / name / "keys"
        keys.mkdir(parents=True, mode=0o700)
        keys.parent.chmod(0o700)
        certificate = keys / "authority_certificate"
        subprocess.run(
            [
                "tor-gencert", "--create-identity-key", "-m", "1", "-a", f"{address}:7000", "--passphrase-fd", "0",
                "-i", str(keys / "authority_identity_key"), "-s", str(keys / "authority_signing_key"),
                "-c", str(certificate),
            ],
            input="secret\n", text=True, check=True, capture_output=True,
        )  # fmt: skip
        identity = re.search(r"^fingerprint (\w+)$", certificate.read_text(), re.MULTILINE)
        assert identity is not None
        fingerprint = self._fingerprint(name, self._guide(name, address))
        return f"DirAuthority {name} orport=5000 v3ident={identity[1]} {address}:7000 {fingerprint}\n"

    def _guide(self, name: str, address: str) -> str:
        return _AUTHORITY.format(bandwidths=self._folder / "bandwidths") + _relay(name, address, 7000)

    def _fingerprint(self, name: str, options: str) -> str:
        """Make a relay's keys, unless it has them; answers its fingerprint."""
        # tor wants some authority to be named before it says what this one's fingerprint is.
        torrc = self._torrc(name, _SOME_AUTHORITY + options)
        listed = subprocess.run(
            ["tor", "-f", str(torrc), "--list-fingerprint", "--quiet"], check=True, capture_output=True, text=True
        ).stdout
        return "".join(listed.split()[1:])

    def _torrc(self, name: str, options: str) -> Path:
        folder = self._folder / name
        folder.mkdir(exist_ok=True, mode=0o700)
        path = folder / "torrc"
        path.write_text(f"{_COMMON}DataDirectory {folder}\n{options}")
        return path

    def _tor(self, name: str, options: str) -> subprocess.Popen[str]:
        command = self.namespace.command("tor", "-f", str(self._torrc(name, options)))
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self._running.append(process)
        if not name.startswith("client"):
            threading.Thread(target=_drain, args=[process], daemon=True).start()
        return process


def bootstrapped(process: subprocess.Popen[str]) -> None:
    """Wait until this client has its network, and let it talk on."""
    late = threading.Timer(_BOOTSTRAP_SECONDS, process.kill)
    late.start()
    said = []
    assert process.stdout is not None
    for line in process.stdout:
        said.append(line)
        if "Bootstrapped 100%" in line:
            break
    else:
        raise RuntimeError("tor did not bootstrap:\n" + "".join(said[-20:]))
    late.cancel()
    threading.Thread(target=_drain, args=[process], daemon=True).start()


def _exit(name: str, address: str) -> str:
    return _EXIT + _relay(name, address, 0) + f"OutboundBindAddressExit {address}\n"


def _relay(name: str, address: str, directory_port: int) -> str:
    # Relays end with us, even if we are killed. A client must not know us: stem would end it with its own connection.
    lines = [f"__OwningControllerProcess {os.getpid()}", f"ORPort {address}:5000 IPv4Only"]
    if directory_port:
        lines.append(f"DirPort {address}:{directory_port}")
    ports = "\n".join(lines) + "\n"
    return f"Nickname {name}\nAddress {address}\nSocksPort 0\n{ports}"


def _drain(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    for _ in process.stdout:
        pass

"""A PostgreSQL server that a test may stop, restart and misuse; of any installed version, on a socket and on TCP."""

from __future__ import annotations

import shutil
import socket
import subprocess
import tempfile
from contextlib import closing
from pathlib import Path

import psycopg2

from infrastructure.stores.embedded import privileges
from infrastructure.stores.embedded.server import find_programs

DEBIAN_15 = Path("/usr/lib/postgresql/15/bin")
PASSWORD = "right password"
USER = "tester"


def installed() -> dict[str, Path]:
    """The versions there are on this machine, with the folders of their programs."""
    found = {"18": find_programs()}
    if (DEBIAN_15 / "postgres").exists():
        found["15"] = DEBIAN_15
    return found


def quick_folder() -> Path:
    """A new folder in memory where there is a file system for that: what these tests ask is not asked of a disk."""
    shared_memory = Path("/dev/shm")
    roomy = shared_memory.is_dir() and shutil.disk_usage(shared_memory).free > 2**30
    return Path(tempfile.mkdtemp(prefix="pg", dir=shared_memory if roomy else None))


class PrivatePostgres:
    """A cluster in ``folder`` and the server on it.

    Args:
        programs: folder of initdb, pg_ctl and so on.
        folder: empty; its path must be short enough for a socket.
        identity: of its processes; the one that the embedded server would choose unless given.
        settings: for the server, beside the ones that make it small and quick.
    """

    def __init__(
        self, programs: Path, folder: Path, identity: privileges.Identity | None = None, **settings: str
    ) -> None:
        self._programs = programs
        self._folder = folder
        self._cluster = folder / "c"
        folder.mkdir(exist_ok=True, parents=True)
        self._identity = identity or privileges.choose(folder, self._cluster, programs)
        with closing(socket.socket()) as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        (folder / "password").write_text(PASSWORD)
        (folder / "password").chmod(0o644)
        self._run(
            "initdb", "-D", str(self._cluster), "-U", USER, f"--pwfile={folder}/password", "--auth=scram-sha-256",
            "--encoding=UTF8", "--locale=C", "--no-sync",
        )  # fmt: skip
        defaults = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": str(folder),
            "shared_buffers": "16MB",
            "dynamic_shared_memory_type": "mmap",
            "max_connections": "30",
        }
        with (self._cluster / "postgresql.conf").open("a") as file:
            file.writelines(f"{name} = '{value}'\n" for name, value in (defaults | settings).items())

    @property
    def cluster(self) -> Path:
        """Its data directory."""
        return self._cluster

    def start(self) -> None:
        self._ctl("start")

    def stop(self, mode: str = "immediate") -> None:
        if (self._cluster / "postmaster.pid").exists():
            self._ctl("stop", "-m", mode)

    def restart(self, mode: str = "immediate") -> None:
        self.stop(mode)
        self.start()

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self._folder)

    def dsn(self, *, tcp: bool = False, database: str = "postgres", port: int | None = None) -> str:
        host = "127.0.0.1" if tcp else str(self._folder)
        return f"host={host} port={port or self.port} user={USER} password='{PASSWORD}' dbname={database}"

    def new_database(self, name: str) -> str:
        """Make a database and answer its address on the socket."""
        with closing(psycopg2.connect(self.dsn())) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(f"CREATE DATABASE {name}")
        return self.dsn(database=name)

    def _ctl(self, *arguments: str) -> None:
        # Its output goes to the log: a pipe would be inherited by the server and never end.
        self._run("pg_ctl", "-D", str(self._cluster), "-l", str(self._folder / "log"), "-w", *arguments, quiet=True)

    def _run(self, program: str, *arguments: str, quiet: bool = False) -> None:
        done = subprocess.run(
            [str(self._programs / program), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL if quiet else subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            preexec_fn=self._identity.assume,
            check=False,
        )
        assert done.returncode == 0, (
            f"{program} {arguments}: {done.stdout or (self._folder / 'log').read_text()[-2000:]}"
        )

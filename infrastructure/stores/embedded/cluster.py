"""Creates a database cluster atomically and configures the server that runs on it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from infrastructure.stores.embedded.layout import DATABASE, PASSWORD_FILE, PORT, USER, ServerLayout
from infrastructure.stores.embedded.privileges import Identity
from shared.atomic import sync_folder, write_atomically

_UNFINISHED = "cluster-unfinished-"
_FAILURE = re.compile(r"FATAL:|PANIC:|ERROR:|error:")

# Durability stays on (fsync, synchronous_commit, full_page_writes are defaults). What is changed saves memory
# and processes: the only client is one program with a small pool, and nothing is replicated.
_SETTINGS: Mapping[str, str] = {
    "listen_addresses": "",
    "port": str(PORT),
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "32MB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "256MB",
    "max_logical_replication_workers": "0",
    "max_parallel_workers": "2",
    "dynamic_shared_memory_type": "mmap",  # in the cluster, so that a killed server leaves no files elsewhere
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    "logging_collector": "off",
    "cluster_name": "filmledger",
}
_SETTINGS_FROM_18: Mapping[str, str] = {"io_method": "sync"}  # no worker processes for asynchronous reads


class ClusterError(Exception):
    """The cluster cannot be created or used; the message is one line for the user."""


def version(cluster: Path) -> str | None:
    """The major version that created a cluster, or None if there is no cluster."""
    try:
        return (cluster / "PG_VERSION").read_text().strip()
    except FileNotFoundError:
        return None


def remove_unfinished(layout: ServerLayout) -> None:
    """Removes the files of interrupted first starts. The cluster lock must be held."""
    for leftover in layout.directory.glob(_UNFINISHED + "*"):
        shutil.rmtree(leftover)


def create(layout: ServerLayout, binaries: Path, identity: Identity, *, keep_open: tuple[int, ...]) -> None:
    """Creates the cluster in a temporary folder and renames it when it is complete.

    Raises:
        ClusterError: initdb failed; the message has its last line.
        OSError: the folder cannot be written.
    """
    unfinished = Path(tempfile.mkdtemp(prefix=_UNFINISHED, dir=layout.directory))
    made = unfinished / "cluster"
    password = os.urandom(32).hex()
    password_file = unfinished / PASSWORD_FILE
    write_atomically(unfinished / "password", password, mode=0o600)
    write_atomically(password_file, f"*:*:*:{USER}:{password}\n", mode=0o600)
    if os.geteuid() == 0:
        for path in (unfinished, *unfinished.iterdir()):
            os.chown(path, identity.owner, -1)
    environment = clean_environment()
    _run(
        [
            str(binaries / "initdb"), f"--pgdata={made}", f"--username={USER}", f"--pwfile={unfinished / 'password'}",
            "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8", "--no-instructions",
        ],
        "", identity, keep_open, environment,
    )  # fmt: skip
    # Key stretching protects weak passwords; this one has 256 random bits, and stretching would slow every login.
    script = (
        f"SET scram_iterations = 1\nALTER ROLE {USER} PASSWORD '{password}'\n"
        f"CREATE DATABASE {DATABASE} STRATEGY file_copy\n"
    )
    _run(
        [
            str(binaries / "postgres"), "--single", "-D", str(made),
            "-c", "exit_on_error=on", "-c", "log_min_error_statement=panic", "template1",
        ],
        script, identity, keep_open, environment,
    )  # fmt: skip
    password_file.rename(made / PASSWORD_FILE)
    sync_folder(made)
    made.rename(layout.cluster)
    sync_folder(layout.directory)
    shutil.rmtree(unfinished)


def server_command(layout: ServerLayout, binaries: Path, sockets: Path) -> list[str]:
    """The command line of the server."""
    settings = dict(_SETTINGS)
    if int(version(layout.cluster) or 0) >= 18:
        settings |= _SETTINGS_FROM_18
    settings["unix_socket_directories"] = f'"{sockets}"'
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    return [str(binaries / "postgres"), "-D", str(layout.cluster), *options]


def clean_environment() -> dict[str, str]:
    """The environment of this process without variables that redirect or translate PostgreSQL's programs."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_", "LANG"))}
    return kept | {"LC_ALL": "C"}


def _run(
    command: list[str], text: str, identity: Identity, keep_open: tuple[int, ...], environment: dict[str, str]
) -> None:
    done = subprocess.run(  # noqa: S603 - the program is ours, the arguments a list
        command,
        input=text,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
        env=environment,
        cwd="/",
        pass_fds=keep_open,
        preexec_fn=identity.assume,
    )
    if done.returncode != 0:
        raise ClusterError(f"{Path(command[0]).name} failed: {_reason(done.stdout) or f'exit code {done.returncode}'}")


def _reason(output: str) -> str:
    """The first line that reports a failure, else the last one; without its time stamp."""
    lines = [line for line in output.splitlines() if line.strip()]
    failures = [line for line in lines if _FAILURE.search(line)]
    return (failures[:1] or lines[-1:] or [""])[0].split("] ", 1)[-1].strip()

"""The embedded server's small parts."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg2.extensions import parse_dsn

from domain.errors import UsageError
from infrastructure.stores.embedded import cluster, privileges
from infrastructure.stores.embedded.layout import (
    FileLock,
    ServerLayout,
    create_socket_directory,
    remove_socket_directory,
)
from infrastructure.stores.embedded.server import ConnectionInfo, find_programs

PROGRAMS = find_programs()
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives privileges up")


# --- programs -------------------------------------------------------------------


def test_a_platform_without_the_wheel_is_told_what_to_set() -> None:
    with pytest.raises(UsageError, match="POSTGRES_HOST or POSTGRES_DSN"):
        find_programs(wheel="no_such_wheel")


def test_a_cluster_of_another_version_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match=r"made by PostgreSQL 13, .* has only 18"):
        find_programs("13")


def test_an_older_cluster_gets_its_own_programs() -> None:
    assert find_programs("16") != PROGRAMS
    assert (find_programs("16") / "postgres").exists()


# --- addresses ------------------------------------------------------------------


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1))
def test_any_folder_survives_a_connection_string(name: str) -> None:
    info = ConnectionInfo(Path(f"/{name}"), Path(f"/x/{name}"), PROGRAMS / "psql", (1, 2))
    parts = parse_dsn(info.dsn)
    assert (parts["host"], parts["passfile"]) == (str(info.sockets), str(info.password_file))


# --- locks ----------------------------------------------------------------------


def test_a_lock_is_held_once(tmp_path: Path) -> None:
    first, second = FileLock(tmp_path / "lock"), FileLock(tmp_path / "lock")
    assert first.try_acquire()
    assert not second.try_acquire()
    first.release()
    first.release()
    assert second.try_acquire()


def test_waiting_for_a_lock_ends_when_it_is_free_or_when_told(tmp_path: Path) -> None:
    first, second = FileLock(tmp_path / "lock"), FileLock(tmp_path / "lock")
    first.try_acquire()
    assert not second.acquire(seconds=60, wait=lambda _seconds: True)
    assert not second.acquire(seconds=0, wait=threading.Event().wait)

    def let_go(_seconds: float) -> None:
        first.release()

    assert second.acquire(seconds=60, wait=let_go)


def test_a_child_that_inherits_a_lock_holds_it(tmp_path: Path) -> None:
    lock = FileLock(tmp_path / "lock")
    lock.try_acquire()
    child = subprocess.Popen(
        [sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE, pass_fds=(lock.fileno(),)
    )
    lock.release()
    assert not lock.try_acquire()
    child.kill()
    child.communicate()
    assert lock.try_acquire()
    lock.release()


def test_an_unheld_lock_has_no_descriptor(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not locked"):
        FileLock(tmp_path / "lock").fileno()


# --- folders --------------------------------------------------------------------


@pytest.fixture
def data() -> Iterator[Path]:
    with TemporaryDirectory() as directory:
        yield Path(directory) / "data"


def test_the_socket_folder_is_private_and_the_same_again(data: Path) -> None:
    data.mkdir()
    first = create_socket_directory(data, os.geteuid())
    assert stat.S_IMODE(first.stat().st_mode) == 0o700
    (first / "left over").touch()
    assert create_socket_directory(data, os.geteuid()) == first
    assert list(first.iterdir()) == []
    remove_socket_directory(first, os.geteuid())
    assert not first.exists()
    remove_socket_directory(first, os.geteuid())


def test_a_socket_folder_that_is_not_private_is_not_used(data: Path) -> None:
    data.mkdir()
    taken = create_socket_directory(data, os.geteuid())
    taken.chmod(0o755)
    (taken / "theirs").touch()
    other = create_socket_directory(data, os.geteuid())
    assert other != taken
    assert (taken / "theirs").exists()
    remove_socket_directory(other, os.geteuid())
    remove_socket_directory(taken, os.geteuid())
    assert taken.exists()
    taken.chmod(0o700)
    remove_socket_directory(taken, os.geteuid())


def test_a_long_temporary_folder_is_avoided(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    long = data / ("x" * 100)
    long.mkdir(parents=True)
    monkeypatch.setattr("tempfile.tempdir", str(long))
    chosen = create_socket_directory(data, os.geteuid())
    assert len(str(chosen)) < 60
    remove_socket_directory(chosen, os.geteuid())


# --- users ----------------------------------------------------------------------


def forbidden(_uid: int, _gid: int) -> None:
    raise PermissionError("no namespaces here")


def test_somebody_who_is_not_root_stays_who_they_are(data: Path) -> None:
    if os.geteuid() == 0:
        program = (
            "import os, sys; from pathlib import Path; "
            "from infrastructure.stores.embedded import privileges; os.setuid(65534); "
            "print(privileges.choose(Path('/'), Path('/c'), Path(sys.argv[1])).owner)"
        )
        done = subprocess.run(
            [sys.executable, "-c", program, str(PROGRAMS)], capture_output=True, text=True, check=True
        )
        assert done.stdout.strip() == "65534"
    else:
        assert privileges.choose(data.parent, data, PROGRAMS).owner == os.geteuid()


@needs_root
def test_root_runs_it_in_a_namespace_and_keeps_its_files(data: Path) -> None:
    data.mkdir(mode=0o700)
    identity = privileges.choose(data, data / "cluster", PROGRAMS)
    assert identity.owner == 0
    uid = subprocess.run(["id", "-u"], preexec_fn=identity.assume, capture_output=True, text=True, check=True).stdout
    assert int(uid) != 0
    assert data.stat().st_uid == 0


@needs_root
def test_root_without_namespaces_hands_its_folder_to_somebody_who_can_reach_it(data: Path) -> None:
    data.parent.chmod(0o755)
    data.mkdir(mode=0o700)
    (data / "server.log").touch()
    identity = privileges.choose(data, data / "cluster", PROGRAMS, enter_namespace=forbidden)
    assert identity.owner != 0
    assert {path.stat().st_uid for path in (data, data / "server.log")} == {identity.owner}
    assert data.parent.stat().st_uid == 0


@needs_root
def test_root_without_any_way_is_told_so(data: Path) -> None:
    data.mkdir(mode=0o700, parents=True)
    data.parent.chmod(0o700)
    with pytest.raises(privileges.CannotDrop, match=r"does not run as root.*namespace.*nobody.*POSTGRES_DSN"):
        privileges.choose(data, data / "cluster", PROGRAMS, enter_namespace=forbidden)
    assert data.stat().st_uid == 0


@needs_root
def test_the_owner_of_a_cluster_goes_on_running_it(data: Path) -> None:
    data.parent.chmod(0o755)
    (data / "cluster").mkdir(parents=True)
    os.chown(data, 12345, 12345)
    os.chown(data / "cluster", 12345, 12345)
    assert privileges.choose(data, data / "cluster", PROGRAMS).owner == 12345


# --- clusters -------------------------------------------------------------------


def test_a_failed_initdb_leaves_its_reason_and_no_cluster(data: Path) -> None:
    data.mkdir()
    fake = data / "bin"
    fake.mkdir()
    (fake / "initdb").write_text("#!/bin/sh\necho 'No space left on device'\nexit 1\n")
    (fake / "initdb").chmod(0o755)
    layout = ServerLayout(data)
    with pytest.raises(cluster.ClusterError, match="initdb failed: No space left on device"):
        cluster.create(layout, fake, privileges.Identity(os.geteuid(), lambda: None), keep_open=())
    assert cluster.version(layout.cluster) is None
    cluster.remove_unfinished(layout)
    assert not list(data.glob("cluster*"))


def test_the_environment_cannot_redirect_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PGDATA", "PGPORT", "PGOPTIONS", "LANG", "LC_MESSAGES"):
        monkeypatch.setenv(name, "elsewhere")
    environment = cluster.clean_environment()
    assert "elsewhere" not in environment.values()
    assert environment["LC_ALL"] == "C"

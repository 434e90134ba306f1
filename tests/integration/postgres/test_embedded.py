"""The embedded server's life: who starts it, who ends it, who can reach it."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import threading
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import psutil
import psycopg2
import pytest

from domain.errors import Cancelled, StoreUnavailable
from infrastructure.stores.embedded import privileges
from infrastructure.stores.embedded.layout import ServerLayout
from infrastructure.stores.embedded.server import ConnectionInfo, EmbeddedServer
from tests.integration.postgres.waiting import wait_until
from tests.support.private_postgres import PrivatePostgres, installed, quick_folder


def query(dsn: str, sql: str) -> object:
    connection = psycopg2.connect(dsn)
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(sql)
            row = cursor.fetchone()
            return None if row is None else row[0]
    finally:
        connection.close()


def alive(info: ConnectionInfo) -> bool:
    return any(
        psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE for pid in info.processes
    )


def test_starts_answers_and_leaves_nothing(new_folder: Path) -> None:
    server = EmbeddedServer(new_folder)
    info = server.start()
    assert query(info.dsn, "SHOW fsync") == "on"
    assert query(info.dsn, "SHOW synchronous_commit") == "on"
    server.stop()
    assert not alive(info)
    assert not info.sockets.exists()
    assert not list(new_folder.glob("cluster-unfinished-*"))


def test_data_is_there_at_the_next_start(folder: Path) -> None:
    with EmbeddedServer(folder) as server:
        query(server.dsn(), "CREATE TABLE kept AS SELECT 41 + 1 AS answer; SELECT 1")
    with EmbeddedServer(folder) as server:
        assert query(server.dsn(), "SELECT answer FROM kept") == 42


def test_only_the_owner_can_reach_it(new_folder: Path) -> None:
    with EmbeddedServer(new_folder) as server:
        info = server.start()
        for directory in (new_folder, info.sockets, ServerLayout(new_folder).cluster):
            assert stat.S_IMODE(directory.stat().st_mode) == 0o700
        assert stat.S_IMODE(info.password_file.stat().st_mode) == 0o600
        with pytest.raises(psycopg2.OperationalError, match="password"):
            psycopg2.connect(info.dsn.replace(str(info.password_file), "/dev/null"), password="wrong")
        listening = [c for pid in info.processes for c in psutil.Process(pid).net_connections("inet")]
        assert listening == []
        assert Path(f"/proc/{info.processes[1]}").stat().st_uid == os.getuid()


def test_no_secret_is_shown(folder: Path) -> None:
    with EmbeddedServer(folder) as server:
        info = server.start()
        password = info.password_file.read_text().strip().rsplit(":", 1)[-1]
        assert len(password) >= 40
        commands = [" ".join(psutil.Process(pid).cmdline()) for pid in info.processes]
        for text in (repr(info), info.dsn, (folder / "server.log").read_text(), *commands):
            assert password not in text


def test_last_one_out_stops_it(folder: Path) -> None:
    first, second = EmbeddedServer(folder), EmbeddedServer(folder)
    info = first.start()
    assert second.start().processes == info.processes
    first.stop()
    assert query(info.dsn, "SELECT 1") == 1
    second.stop()
    assert not alive(info)


@pytest.mark.long
def test_who_comes_as_the_last_one_leaves_is_not_told_that_it_is_ready(folder: Path) -> None:
    last = EmbeddedServer(folder)
    info = last.start()
    supervisor = psutil.Process(info.processes[0])
    supervisor.suspend()  # so that it sees the leaving and the coming in one turn
    wait_until(lambda: supervisor.status() == psutil.STATUS_STOPPED)
    last.stop(wait=False)
    with closing(socket.socket(socket.AF_UNIX)) as visitor:
        visitor.connect(str(info.sockets / "supervisor"))
        supervisor.resume()
        visitor.settimeout(30)
        with suppress(ConnectionResetError):
            assert visitor.recv(4096) == b""
    with EmbeddedServer(folder) as another:
        assert query(another.dsn(), "SELECT 1") == 1


def test_starter_killed_while_another_uses_it(
    folder: Path, user_process: Callable[[Path], subprocess.Popen[str]]
) -> None:
    starter = user_process(folder)
    with EmbeddedServer(folder) as server:
        info = server.start()
        starter.kill()
        starter.wait()
        assert query(info.dsn, "SELECT 1") == 1
    wait_until(lambda: not alive(info))


def test_killed_user_does_not_keep_it_up(folder: Path, user_process: Callable[[Path], subprocess.Popen[str]]) -> None:
    user = user_process(folder)
    with EmbeddedServer(folder) as server:
        info = server.start()
    assert alive(info)
    user.kill()
    user.wait()
    wait_until(lambda: not alive(info))
    assert not info.sockets.exists()


@pytest.mark.parametrize("victims", [(0,), (1,), (0, 1)], ids=["supervisor", "server", "both"])
def test_killed_server_comes_back(folder: Path, victims: tuple[int, ...]) -> None:
    with EmbeddedServer(folder) as server:
        info = server.start()
        query(info.dsn, "CREATE TABLE kept AS SELECT 42 AS answer; SELECT 1")
        for victim in victims:
            os.kill(info.processes[victim], signal.SIGKILL)
        wait_until(lambda: _answers(server))
        assert query(server.dsn(), "SELECT answer FROM kept") == 42


def _answers(server: EmbeddedServer) -> bool:
    try:
        return query(server.dsn(), "SELECT 1") == 1
    except psycopg2.OperationalError:
        return False


@pytest.mark.long
def test_a_reused_process_id_does_not_block_the_start(folder: Path) -> None:
    with EmbeddedServer(folder) as server:
        info = server.start()
        for pid in info.processes:
            os.kill(pid, signal.SIGKILL)
        pid_file = ServerLayout(folder).cluster / "postmaster.pid"
        lines = pid_file.read_text().splitlines()
    pid_file.write_text("\n".join([str(os.getppid()), *lines[1:]]) + "\n")
    with EmbeddedServer(folder) as server:
        assert query(server.dsn(), "SELECT 1") == 1


@pytest.mark.long
def test_first_starts_at_once(new_folder: Path) -> None:
    servers = [EmbeddedServer(new_folder) for _ in range(8)]
    barrier = threading.Barrier(len(servers))
    seen: list[tuple[int, ...]] = []

    def start(server: EmbeddedServer) -> None:
        barrier.wait()
        seen.append(server.start().processes)

    threads = [threading.Thread(target=start, args=(server,)) for server in servers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == len(servers)
    assert len(set(seen)) == 1
    for server in servers:
        server.stop()


def test_reports_why_it_does_not_start(folder: Path) -> None:
    with EmbeddedServer(folder):
        pass
    (ServerLayout(folder).cluster / "global" / "pg_control").unlink()
    with pytest.raises(StoreUnavailable, match=r"pg_control.*server\.log"):
        EmbeddedServer(folder).start()


def test_waiting_can_be_cancelled(folder: Path) -> None:
    cancel = threading.Event()
    cancel.set()
    with pytest.raises(Cancelled):
        EmbeddedServer(folder, cancel=cancel).start()


def test_terminal_signals_do_not_reach_it(folder: Path) -> None:
    with EmbeddedServer(folder) as server:
        info = server.start()
        assert os.getsid(info.processes[0]) != os.getsid(0)
        assert os.getpgid(info.processes[1]) != os.getpgid(0)


@pytest.mark.long
@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives privileges up")
def test_root_without_namespaces_runs_it_as_another_user() -> None:
    def forbidden(_uid: int, _gid: int) -> None:
        raise PermissionError("no namespaces here")

    programs = installed()[min(installed())]
    folder = quick_folder()
    identity = privileges.choose(folder, folder / "c", programs, enter_namespace=forbidden)
    server = PrivatePostgres(programs, folder, identity)
    server.start()
    try:
        assert query(server.dsn(), "SHOW fsync") == "on"
        assert (server.cluster / "postmaster.pid").stat().st_uid == identity.owner != 0
    finally:
        server.remove()

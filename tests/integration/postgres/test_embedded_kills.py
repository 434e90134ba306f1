"""The embedded server's users, its supervisor and the server itself, killed with -9 at random moments."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from time import sleep

import psutil
import psycopg2
import pytest

from infrastructure.stores.embedded.server import EmbeddedServer
from tests.integration.postgres.waiting import wait_until

_WRITER = """
import sys, psycopg2
from pathlib import Path
from infrastructure.stores.embedded.server import EmbeddedServer
with EmbeddedServer(Path(sys.argv[1])) as server:
    connection = psycopg2.connect(server.dsn())
    connection.autocommit = True
    cursor = connection.cursor()
    cursor.execute("CREATE TABLE IF NOT EXISTS numbers (number integer PRIMARY KEY)")
    cursor.execute("SELECT coalesce(max(number), 0) FROM numbers")
    number = cursor.fetchone()[0]
    while True:
        number += 1
        cursor.execute("INSERT INTO numbers VALUES (%s)", (number,))
        print(number, flush=True)
"""

DEFAULT, LONG = range(3), range(3, 60)


@pytest.fixture
def writers() -> Iterator[list[subprocess.Popen[str]]]:
    started: list[subprocess.Popen[str]] = []
    yield started
    for process in started:
        process.kill()
        process.communicate()


def start_writer(folder: Path, writers: list[subprocess.Popen[str]]) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", _WRITER, str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[3],
    )
    writers.append(process)
    return process


def kill(process: subprocess.Popen[str], whom: str) -> None:
    """Kill the user alone, with the supervisor, or with everything that was started."""
    below = psutil.Process(process.pid).children(recursive=True)
    supervisors = [one for one in below if _is_supervisor(one)]
    victims = {"user": [], "supervisor": supervisors, "all": below}[whom]
    process.kill()
    for victim in victims:
        with suppress(psutil.NoSuchProcess):
            victim.kill()


def _is_supervisor(process: psutil.Process) -> bool:
    try:
        return any("embedded.supervisor" in part for part in process.cmdline())
    except psutil.NoSuchProcess:
        return False


def left_over(folder: Path) -> list[psutil.Process]:
    """Processes that work on the folder."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            if process.status() != psutil.STATUS_ZOMBIE and str(folder) in " ".join(
                [process.cwd(), *process.cmdline()]
            ):
                found.append(process)
    return found


@pytest.mark.long
@pytest.mark.parametrize("seed", [*DEFAULT, *(pytest.param(seed, marks=pytest.mark.long) for seed in LONG)])
def test_nothing_acknowledged_is_lost_and_nothing_is_left(
    seed: int, new_folder: Path, writers: list[subprocess.Popen[str]]
) -> None:
    chance = random.Random(seed)
    acknowledged = 0
    for _ in range(3):
        process = start_writer(new_folder, writers)
        if chance.random() < 0.5:  # somewhere in the start, the very first one among them
            sleep(chance.uniform(0, 0.8))
        else:
            assert process.stdout is not None
            assert process.stdout.readline(), process.communicate()[1]
            sleep(chance.uniform(0, 0.3))
        kill(process, ("user", "supervisor", "all")[seed % 3])
        out, errors = process.communicate()
        assert "Traceback" not in errors
        # What readline() took ahead is gone, so the first line may be the end of one, which only makes it smaller.
        numbers = [int(line) for line in out.splitlines() if line]
        acknowledged = max([acknowledged, *numbers])
    with EmbeddedServer(new_folder) as server:
        info = server.start()
        with closing(psycopg2.connect(info.dsn)) as connection, connection.cursor() as cursor:
            cursor.execute("CREATE TABLE IF NOT EXISTS numbers (number integer PRIMARY KEY)")
            cursor.execute("SELECT count(*), coalesce(max(number), 0) FROM numbers")
            ((count, largest),) = cursor.fetchall()
        assert count == largest >= acknowledged
    wait_until(lambda: not left_over(new_folder))
    assert not info.sockets.exists()
    assert not list(new_folder.glob("cluster-unfinished-*"))


def test_a_user_killed_between_two_others_changes_nothing(folder: Path, writers: list[subprocess.Popen[str]]) -> None:
    first, second = start_writer(folder, writers), start_writer(folder, writers)
    assert first.stdout is not None
    assert second.stdout is not None
    first.stdout.readline()
    os.kill(first.pid, 9)
    with EmbeddedServer(folder) as server, closing(psycopg2.connect(server.dsn())) as connection:
        connection.cursor().execute("SELECT 1")
    second.kill()
    wait_until(lambda: not left_over(folder))

"""A store that goes away under a running program: what fits is saved in both, the rest stays pending and is healed."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest

from infrastructure.demo.process import DemoOptions, DemoProcess
from tests.e2e.conftest import Program
from tests.e2e.test_scrape import same_in_both_stores
from tests.integration.postgres.waiting import wait_until
from tests.support.disks import small_disk
from tests.support.private_postgres import PrivatePostgres, installed, quick_folder

COUNT = 120
pytestmark = pytest.mark.long


@pytest.fixture
def slow_site() -> Iterator[DemoProcess]:
    with DemoProcess(DemoOptions(count=COUNT, page_kb=0, latency=0.05)) as process:
        yield process


@pytest.fixture
def server() -> Iterator[PrivatePostgres]:
    private = PrivatePostgres(installed()["18"], quick_folder())
    private.start()
    yield private
    private.remove()


def _program(folder: Path, site: DemoProcess, dsn: str, **settings: str) -> Program:
    return Program(folder, {"BASE_URL": site.url, "MAX_THREADS": "6", "POSTGRES_DSN": dsn, **settings})


def _saved(program: Program) -> int:
    try:
        with (program.data_dir / "joblog.jsonl").open(encoding="utf-8") as lines:
            return sum('"kind":"completed"' in line for line in lines)
    except FileNotFoundError:
        return 0


def _whole(program: Program) -> None:
    """Every title is in both stores, and ``verify`` says so too."""
    assert len({row["imdb_id"] for row in program.table("movies")}) == len(program.table("movies")) == COUNT
    same_in_both_stores(program)
    program.run("verify")


@pytest.mark.parametrize("tcp", [False, True], ids=["socket", "TCP"])
def test_a_database_restarted_in_the_middle_is_waited_for(
    tmp_path: Path, slow_site: DemoProcess, server: PrivatePostgres, tcp: bool
) -> None:
    dsn = server.dsn(tcp=tcp)
    program = _program(tmp_path / "data", slow_site, dsn)
    process = program.start("--limit", str(COUNT))
    for goal in (10, 50):
        wait_until(lambda: _saved(program) >= goal or process.poll() is not None)  # noqa: B023 - asked at once
        server.restart("immediate")
    out, err = process.communicate(timeout=100)
    assert process.returncode == 0, out + err
    assert "Traceback" not in err
    _whole(program)


def test_a_database_that_stays_away_ends_the_run_and_the_next_run_heals_it(
    tmp_path: Path, slow_site: DemoProcess, server: PrivatePostgres
) -> None:
    program = _program(tmp_path / "data", slow_site, server.dsn(), STORE_WAIT_SECONDS="1")
    process = program.start("--limit", str(COUNT))
    wait_until(lambda: _saved(program) >= 20 or process.poll() is not None)
    server.stop("immediate")
    out, err = process.communicate(timeout=100)
    assert process.returncode == 1, out + err
    assert "Traceback" not in err
    assert "postgres" in (out + err).lower()
    server.start()
    program.run("--limit", str(COUNT))
    _whole(program)


def test_a_full_disk_under_the_csv_files(tmp_path: Path, slow_site: DemoProcess, server: PrivatePostgres) -> None:
    with small_disk(tmp_path / "small", 2) as disk:
        ballast = disk / "ballast"
        program = _program(disk / "data", slow_site, server.dsn(), STORE_WAIT_SECONDS="1")
        process = program.start("--limit", str(COUNT))
        wait_until(lambda: _saved(program) >= 20 or process.poll() is not None)
        _fill(ballast)
        out, err = process.communicate(timeout=100)
        assert process.returncode == 1, out + err
        assert "no space left" in (out + err).lower()
        assert "Traceback" not in err
        ballast.unlink()
        program.run("--limit", str(COUNT))
        _whole(program)


def test_a_full_disk_that_gets_room_again_is_waited_for(
    tmp_path: Path, slow_site: DemoProcess, server: PrivatePostgres
) -> None:
    with small_disk(tmp_path / "small", 2) as disk:
        ballast = disk / "ballast"
        program = _program(disk / "data", slow_site, server.dsn(), STORE_WAIT_SECONDS="90")
        process = program.start("--limit", str(COUNT))
        wait_until(lambda: _saved(program) >= 20 or process.poll() is not None)
        _fill(ballast)
        assert process.stderr is not None
        for line in process.stderr:
            if "waiting up to 90 s for room" in line:
                break
        ballast.unlink()
        out, err = process.communicate(timeout=100)
        assert process.returncode == 0, out + err
        _whole(program)


def test_a_full_disk_under_the_database(tmp_path: Path, slow_site: DemoProcess) -> None:
    with small_disk(Path(f"{tmp_path}s"), 200) as disk:
        ballast = disk / "ballast"
        server = PrivatePostgres(installed()["18"], disk / "p")
        server.start()
        try:
            program = _program(tmp_path / "data", slow_site, server.dsn(), STORE_WAIT_SECONDS="1")
            process = program.start("--limit", str(COUNT))
            wait_until(lambda: _saved(program) >= 20 or process.poll() is not None)
            _fill(ballast)
            out, err = process.communicate(timeout=100)
            # The server's own files may have had room for the rest: then there was nothing to fail.
            assert process.returncode in (0, 1), out + err
            assert "Traceback" not in err
            ballast.unlink()
            server.restart("fast")
            program.run("--limit", str(COUNT))
            _whole(program)
        finally:
            server.stop()


def _fill(ballast: Path) -> None:
    """Leave no room on the disk."""
    with ballast.open("wb", buffering=0) as file:
        for size in (1_000_000, 4096, 1):
            try:
                while True:
                    file.write(b"x" * size)
            except OSError:
                continue


def test_files_that_a_spreadsheet_saves_during_a_run_are_told_of_and_lose_no_title(tmp_path: Path) -> None:
    with DemoProcess(DemoOptions(count=COUNT, page_kb=0, latency=0.3)) as site:
        program = Program(tmp_path / "data", {"BASE_URL": site.url, "MAX_THREADS": "4"})
        process = program.start("--limit", str(COUNT))
        path = program.data_dir / "movies.csv"
        wait_until(lambda: process.poll() is not None or (path.exists() and len(path.read_bytes().splitlines()) > 5))
        header, first, *rest = path.read_bytes().splitlines()
        with path.open("r+b") as file:  # in place, with a byte order mark, and without the first film
            file.write(b"\xef\xbb\xbf" + b"\r\n".join([header, *rest]) + b"\r\n")
            file.truncate()
        out, err = process.communicate(timeout=100)
    assert process.returncode == 1, out + err
    assert re.search(rf"WARNING {re.escape(str(path))} was changed by another program during the run", err)
    assert "1 titles that were missing from the edited movies.csv were restored from another store" in err
    assert list(program.data_dir.glob("edited-movies-*.csv"))
    assert first.partition(b",")[0].decode() in {row["imdb_id"] for row in program.table("movies")}
    _whole(program)


@pytest.mark.parametrize(
    "arguments",
    [
        ("verify",),
        ("report",),
        ("export", "{folder}/exported"),
        ("import",),
        ("sql", "SELECT count(*) FROM movies"),
        ("publish",),
        ("posters",),
        ("--limit", "5"),
    ],
    ids=lambda arguments: arguments[0],
)
def test_ctrl_c_ends_a_wait_for_a_lock(
    tmp_path: Path, locked: Program, holder: psycopg2.extensions.connection, arguments: tuple[str, ...]
) -> None:
    process = locked.start(*(each.format(folder=tmp_path) for each in arguments))
    wait_until(lambda: _waiting(holder) or process.poll() is not None)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)  # the lock is waited for an hour
    assert process.returncode == 130, out + err
    assert "interrupted" in err
    assert "Traceback" not in err


def _waiting(holder: psycopg2.extensions.connection) -> bool:
    with holder.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return cursor.fetchone() != (0,)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """Five titles in both stores, and an hour of patience."""
    private = PrivatePostgres(installed()["18"], quick_folder())
    private.start()
    with DemoProcess(DemoOptions(count=5, page_kb=0)) as site:
        program = _program(tmp_path_factory.mktemp("locked") / "data", site, private.dsn(), STORE_WAIT_SECONDS="3600")
        program.run("--limit", "5")
        yield program
    private.remove()


@pytest.fixture
def holder(filled: Program) -> Iterator[psycopg2.extensions.connection]:
    """Another client that locks the tables."""
    with closing(psycopg2.connect(filled.environment["POSTGRES_DSN"])) as connection:
        connection.cursor().execute("LOCK TABLE store_state, movies, people, runs")
        yield connection


@pytest.fixture
def locked(filled: Program, holder: psycopg2.extensions.connection) -> Program:
    """The program while its tables are locked."""
    return filled

"""What can be wrong from outside: one clear line, the right exit code, no traceback, nothing harmed."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from infrastructure.demo.control import DemoControl
from infrastructure.demo.options import DemoOptions
from infrastructure.demo.process import DemoProcess
from tests.e2e.conftest import Program

ONCE = {"BACKOFF_AND_RETRY": "false"}


def _says(text: str) -> str:
    """The one line about what went wrong."""
    lines = [line for line in text.splitlines() if line.startswith("filmledger: ")]
    assert len(lines) == 1, text
    return lines[0]


def _closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def test_settings_that_are_not_allowed(program: Program) -> None:
    result = program.run(MAX_THREADS="0", code=2)
    assert _says(result.stderr) == "filmledger: MAX_THREADS: '0' is not allowed; allowed: whole number from 1"


def test_an_unknown_option(program: Program) -> None:
    assert "--colour" in program.run("--colour", code=2).stderr


def test_an_unreachable_site(program: Program) -> None:
    result = program.run(BASE_URL=f"http://127.0.0.1:{_closed_port()}", code=1, **ONCE)
    assert "cannot reach" in _says(result.stderr).lower() or "refused" in _says(result.stderr)


def test_a_host_that_cannot_be_resolved(program: Program) -> None:
    result = program.run(BASE_URL="http://imdb.invalid", code=1, **ONCE)
    assert "imdb.invalid" in _says(result.stderr)


def test_a_database_that_refuses(program: Program) -> None:
    dsn = f"postgresql://somebody:hunter2@127.0.0.1:{_closed_port()}/films"
    result = program.run("--limit", "3", POSTGRES_DSN=dsn, STORE_WAIT_SECONDS="0", code=1)
    assert "postgres" in _says(result.stderr)
    assert "hunter2" not in result.stderr + result.stdout


def test_a_data_directory_that_is_a_file(program: Program) -> None:
    program.data_dir.write_text("mine")
    assert str(program.data_dir) in _says(program.run(code=2).stderr)
    assert program.data_dir.read_text() == "mine"


@pytest.mark.parametrize("content", ["a,b\n1,2\n", "imdb_id;title\ntt0000001;x\n", "\x00\x01"])
def test_a_csv_of_another_shape_is_left_alone(program: Program, content: str) -> None:
    program.data_dir.mkdir()
    foreign = program.data_dir / "movies.csv"
    foreign.write_text(content)
    assert "movies.csv" in _says(program.run("--limit", "3", code=2).stderr)
    assert foreign.read_text() == content


def test_a_directory_filled_from_another_site(program: Program) -> None:
    program.run("--limit", "3", "--quiet")
    with DemoProcess(DemoOptions(count=3, page_kb=0)) as other:
        said = _says(program.run("--limit", "3", BASE_URL=other.url, code=2).stderr)
    assert "was filled from" in said
    assert other.url in said


def test_a_second_process_on_the_same_directory(program: Program, tmp_path: Path) -> None:
    with DemoProcess(DemoOptions(count=30, page_kb=0, latency=0.5)) as slow:
        first = program.start("--limit", "30", BASE_URL=slow.url, MAX_THREADS="1")
        try:
            while not (program.data_dir / ".filmledger" / "holder.json").exists():
                assert first.poll() is None
            said = _says(program.run("--limit", "30", BASE_URL=slow.url, code=2).stderr)
            assert f"process {first.pid}" in said or f"{first.pid}" in said
        finally:
            first.terminate()
            first.communicate(timeout=60)
    assert first.returncode == 130


def test_a_chart_that_is_a_challenge(tmp_path: Path) -> None:
    with DemoProcess(DemoOptions(count=3, page_kb=0, faults=("site=challenge",))) as site:
        program = Program(tmp_path / "data", {"BASE_URL": site.url, "MAX_BLOCK_WAIT_SECONDS": "0"})
        result = program.run("--limit", "3", code=3)
    assert "challenge" in result.stderr
    assert not (program.data_dir / "movies.csv").exists() or len(program.table("movies")) == 0


def test_titles_that_fail_are_named_with_reasons_and_harm_no_other(tmp_path: Path) -> None:
    with DemoProcess(DemoOptions(count=10, page_kb=0)) as site:
        ids = DemoControl(site.url).ids()
        DemoControl(site.url).faults([f"{ids[0]}=404", f"{ids[1]}=garbage", f"{ids[2]}=wrong-title", f"{ids[3]}=503x2"])
        program = Program(tmp_path / "data", {"BASE_URL": site.url, "BACKOFF_FACTOR": "0.01"})
        result = program.run("--limit", "10", code=1)
    assert [row["imdb_id"] for row in program.table("movies")] == ids[3:10]
    for imdb_id, reason in zip(ids, ("NotFound", "NotATitlePage", "WrongTitle"), strict=False):
        (line,) = [line for line in result.stdout.splitlines() if line.strip().startswith(imdb_id)]
        assert reason in line or "UnknownLayout" in line


def test_debug_shows_the_traceback(program: Program) -> None:
    process = program.start("--debug", BASE_URL=f"http://127.0.0.1:{_closed_port()}", **ONCE)
    _, err = process.communicate(timeout=60)
    assert "Traceback" in err

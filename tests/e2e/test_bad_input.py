"""What can be wrong from outside: one clear line, the right exit code, no traceback, nothing harmed."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from infrastructure.demo.process import DemoOptions, DemoProcess
from tests.conftest import ROOT
from tests.e2e.conftest import Program
from tests.support.demo_control import DemoControl

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


def test_a_word_that_is_no_command(program: Program) -> None:
    assert "unknown command 'verfy'; did you mean verify?" in program.run("verfy", code=2).stderr
    assert "choose completion, datasets, demo-site, doctor" in program.run("xyz", code=2).stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
@pytest.mark.parametrize("command", [["settings"], ["--help"], ["sql", "--help"], ["--version"], ["status"]])
def test_output_that_cannot_be_written(program: Program, command: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, str(ROOT / "main.py"), *command],
            cwd=program.data_dir.parent,
            env={**os.environ, "PYTHONUNBUFFERED": ""},  # as most users have it
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.stderr == "filmledger: the output cannot be written: No space left on device\n"
    assert done.returncode == 1


def test_a_reader_who_has_gone(program: Program) -> None:
    process = program.start("settings", "--markdown", PYTHONUNBUFFERED="")
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    assert process.stderr.read() == ""
    process.stderr.close()
    assert process.wait(60) in (0, 1), "1 unless all of it fitted into the pipe before"


def test_a_list_of_failures_that_cannot_be_written(program: Program, tmp_path: Path) -> None:
    result = program.run("--limit", "3", "--log-failed", str(tmp_path / "nowhere" / "list"), code=2)
    assert "--log-failed" in _says(result.stderr)
    assert not (program.data_dir / "movies.csv").exists(), "told before the first title"


@pytest.mark.long
def test_a_list_that_names_no_title(program: Program, tmp_path: Path) -> None:
    (tmp_path / "ids").write_text("one\n" * 30)
    lines = program.run("--ids", str(tmp_path / "ids"), code=2).stderr.splitlines()
    assert len(lines) == 13
    assert lines[11].endswith("and 20 more such lines")
    assert lines[12].endswith("names no title: one IMDb id or title address a line is needed")
    (tmp_path / "nobody").touch()
    assert "fetched 0 titles" in program.run("--ids", str(tmp_path / "nobody")).stdout


@pytest.mark.long
def test_a_folder_without_anything_to_read(program: Program, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert "no saved page in" in _says(program.run("parse", str(tmp_path / "empty"), code=2).stderr)
    assert "holds no movies.csv" in _says(program.run("import", str(tmp_path / "empty"), code=2).stderr)
    assert not program.data_dir.exists()


def test_a_job_log_that_is_not_there(program: Program) -> None:
    assert "there is no job log nowhere" in _says(program.run("status", "--joblog", "nowhere", code=2).stderr)
    assert "run `python main.py` first" in program.run("status").stdout


def test_authorities_that_are_not_there(program: Program) -> None:
    said = _says(program.run("--limit", "3", CA_FILE="nowhere.pem", code=2).stderr)
    assert said == "filmledger: CA_FILE: nowhere.pem cannot be read: No such file or directory"


def test_an_address_the_demo_site_cannot_have(program: Program) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        said = _says(program.run("demo-site", "--port", port, code=1).stderr)
    assert said == f"filmledger: cannot listen on 127.0.0.1:{port}: Address already in use; try --port 0"
    said = _says(program.run("demo-site", "--host", "203.0.113.1", "--port", "0", code=1).stderr)
    assert said.endswith("--host takes an address of this machine")


@pytest.mark.long
def test_an_unreachable_site(program: Program) -> None:
    result = program.run(BASE_URL=f"http://127.0.0.1:{_closed_port()}", code=1, **ONCE)
    assert "cannot reach" in _says(result.stderr).lower() or "refused" in _says(result.stderr)
    program.run("--limit", "1", "--quiet")  # the mistyped address has not bound the directory


@pytest.mark.long
def test_a_host_that_cannot_be_resolved(program: Program) -> None:
    result = program.run(BASE_URL="http://imdb.invalid", code=1, **ONCE)
    assert "imdb.invalid" in _says(result.stderr)


def test_a_database_that_refuses(program: Program) -> None:
    dsn = f"postgresql://somebody:hunter2@127.0.0.1:{_closed_port()}/films"
    result = program.run("--limit", "3", POSTGRES_DSN=dsn, STORE_WAIT_SECONDS="0", code=1)
    assert "postgres" in _says(result.stderr)
    assert "hunter2" not in result.stderr + result.stdout


@pytest.mark.parametrize("stores", ["csv", pytest.param("sqlite", marks=pytest.mark.long)])
@pytest.mark.parametrize(
    "command",
    [("publish",), *(pytest.param(one, marks=pytest.mark.long) for one in (("verify",), ("report", "--since", "7d")))],
)
def test_nothing_to_read_yet(program: Program, stores: str, command: tuple[str, ...]) -> None:
    said = program.run(*command, STORES=stores, code=2).stderr
    assert (
        said == f"filmledger: there is nothing in {program.data_dir} yet: run `python main.py` first, or set DATA_DIR\n"
    )


def test_a_data_directory_that_is_a_file(program: Program) -> None:
    program.data_dir.write_text("mine")
    assert str(program.data_dir) in _says(program.run(code=2).stderr)
    assert program.data_dir.read_text() == "mine"


@pytest.mark.parametrize("command", [("status", "--check"), ("doctor",)])
def test_no_command_takes_an_unmounted_disk_for_an_empty_folder(program: Program, command: tuple[str, ...]) -> None:
    program.data_dir.symlink_to("/mnt/not-mounted")
    assert "which is not there: mount its disk" in _says(program.run(*command, code=2).stderr)


@pytest.mark.long
@pytest.mark.parametrize("content", ["a,b\n1,2\n", "imdb_id;title\ntt0000001;x\n", "\x00\x01"])
def test_a_csv_of_another_shape_is_left_alone(program: Program, content: str) -> None:
    program.data_dir.mkdir()
    foreign = program.data_dir / "movies.csv"
    foreign.write_text(content)
    assert "movies.csv" in _says(program.run("--limit", "3", code=2).stderr)
    assert foreign.read_text() == content


@pytest.mark.long
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


@pytest.mark.long
def test_a_chart_that_is_a_challenge(tmp_path: Path) -> None:
    with DemoProcess(DemoOptions(count=3, page_kb=0, faults=("site=challenge",))) as site:
        program = Program(tmp_path / "data", {"BASE_URL": site.url, "MAX_BLOCK_WAIT_SECONDS": "0"})
        result = program.run("--limit", "3", code=3)
    assert "challenge" in result.stderr
    assert result.stderr.count("wait some hours") == 1
    assert not (program.data_dir / "movies.csv").exists() or len(program.table("movies")) == 0


@pytest.mark.long
def test_a_block_in_the_middle_is_told_with_one_piece_of_advice(tmp_path: Path) -> None:
    with DemoProcess(DemoOptions(count=30, page_kb=0, faults=("site=challenge@15/site",))) as site:
        program = Program(tmp_path / "data", {"BASE_URL": site.url, "MAX_BLOCK_WAIT_SECONDS": "0", "MAX_THREADS": "2"})
        result = program.run("--limit", "30", code=3)
    assert "the site refuses programs: " in result.stderr
    assert result.stderr.lower().count("wait some hours") == 1
    assert "failed" not in result.stdout, "those that were refused stay pending"


def test_titles_that_fail_are_named_with_reasons_and_harm_no_other(tmp_path: Path) -> None:
    with DemoProcess(DemoOptions(count=10, page_kb=0)) as site:
        ids = DemoControl(site.url).ids()
        DemoControl(site.url).faults([f"{ids[0]}=404", f"{ids[1]}=garbage", f"{ids[2]}=wrong-title", f"{ids[3]}=503x2"])
        program = Program(tmp_path / "data", {"BASE_URL": site.url, "BACKOFF_FACTOR": "0.01"})
        result = program.run("--limit", "10", code=1)
    assert [row["imdb_id"] for row in program.table("movies")] == sorted(ids[3:10])
    for imdb_id, reason in zip(ids, ("NotFound", "NotATitlePage", "WrongTitle"), strict=False):
        (line,) = [line for line in result.stdout.splitlines() if line.strip().startswith(imdb_id)]
        assert reason in line or "UnknownLayout" in line


def test_debug_shows_the_traceback(program: Program) -> None:
    process = program.start("--debug", BASE_URL=f"http://127.0.0.1:{_closed_port()}", **ONCE)
    _, err = process.communicate(timeout=60)
    assert "Traceback" in err

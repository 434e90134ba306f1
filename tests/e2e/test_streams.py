"""Standard streams as they may be: of another encoding, absent, closed by their reader."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.e2e.conftest import Program
from tests.support.data_files import write_data_files


def _shell(program: Program, command: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """``main.py`` as a shell runs it; MAIN stands for it."""
    main = f'"{sys.executable}" "{ROOT / "main.py"}"'
    return subprocess.run(
        ["bash", "-c", command.replace("MAIN", main)],
        env={
            "PATH": os.environ["PATH"],
            "HOME": os.environ.get("HOME", "/"),
            "DATA_DIR": str(program.data_dir),
            **program.environment,
            **environment,
        },
        cwd=program.data_dir.parent,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        timeout=100,
    )


@pytest.fixture
def filled(program: Program) -> Program:
    program.run("--limit", "3", "--quiet")
    return program


@pytest.mark.long
def test_characters_that_an_encoding_lacks_are_escaped(filled: Program) -> None:
    query = "select 'ok' as x union all select '日本' order by 1"
    for environment, row in (
        ({"PYTHONIOENCODING": "cp1252"}, rb"\u65e5\u672c"),
        ({"LC_ALL": "C", "PYTHONIOENCODING": "ascii"}, rb"\u65e5\u672c"),
        ({"LC_ALL": "C"}, "日本".encode()),
    ):
        done = _shell(filled, f'MAIN sql "{query}"', **environment)
        assert (done.returncode, done.stderr) == (0, b"")
        assert done.stdout.splitlines() == [b"x", b"ok", row]
    done = _shell(filled, "MAIN report", PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"\\u2026" not in done.stdout, "cells are folded where there is no ellipsis"


@pytest.mark.long
@pytest.mark.parametrize(
    "closed",
    ["<&- >&- 2>&-", *(pytest.param(closed, marks=pytest.mark.long) for closed in (">&-", "2>&-", ">&- 2>&-"))],
)
@pytest.mark.parametrize("quiet", ["", pytest.param("--quiet", marks=pytest.mark.long)])
def test_absent_streams_are_as_dev_null(program: Program, closed: str, quiet: str) -> None:
    done = _shell(program, f"MAIN --limit 3 --log-file run.log {quiet} {closed}")
    assert done.returncode == 0
    assert b"Traceback" not in done.stderr
    assert len(program.table("movies")) == 3
    log = (program.data_dir.parent / "run.log").read_text(encoding="utf-8")
    assert "main.py sql" in log, "the end of the summary"
    if "2" not in closed:
        return
    for path in program.data_dir.rglob("*"):
        if path.is_file() and path.suffix in (".csv", ".jsonl"):
            assert b"filmledger:" not in path.read_bytes(), f"{path} got what was meant for standard error"


def test_an_error_without_standard_error_has_its_exit_code(program: Program) -> None:
    assert _shell(program, "MAIN 2>&-", MAX_THREADS="0").returncode == 2
    assert _shell(program, "MAIN --no-such-option >&- 2>&-").returncode == 2


@pytest.mark.long
def test_a_run_goes_on_without_the_reader_of_its_lines(program: Program, tmp_path: Path) -> None:
    done = _shell(program, "MAIN --limit 3 | true; echo ${PIPESTATUS[0]}")
    assert (done.stdout.splitlines()[-1], len(program.table("movies"))) == (b"0", 3)
    assert b"Traceback" not in done.stderr
    done = _shell(program, "MAIN --limit 3 --fresh 2>&1 | true; echo ${PIPESTATUS[0]}")
    assert done.stdout.splitlines()[-1] == b"0"
    done = _shell(program, "MAIN sql 'select generate_series(1, 1000000)' 2>&1 | head -1; echo ${PIPESTATUS[0]}")
    assert done.stdout.splitlines() == [b"generate_series", b"1"]


def test_a_load_goes_on_without_the_reader_of_its_lines(program: Program, tmp_path: Path) -> None:
    files = write_data_files(tmp_path / "files")
    done = _shell(program, f"MAIN datasets --all --from {files} | true; echo ${{PIPESTATUS[0]}}", STORES="csv")
    assert (done.stdout, done.stderr) == (b"0\n", b"loading data files\n")
    assert program.table("movies")


def test_names_that_the_locale_has_no_characters_for(program: Program) -> None:
    """Python's own remedies are off: as with a locale of one byte a character."""
    ascii_only = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0", "STORES": "sqlite"}
    folder = program.data_dir.with_name("naïve 日本")
    (folder.parent / ".env").write_text(f"DATA_DIR={folder.name}\n", encoding="utf-8")
    done = _shell(program, "unset DATA_DIR; MAIN --limit 2 && MAIN sql \"select 'naïve' as é\"", **ascii_only)
    assert (done.returncode, done.stdout.splitlines()[-2:]) == (0, [rb"\xe9", rb"na\xefve"])
    assert folder.is_dir()

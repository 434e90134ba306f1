"""File names of any bytes, files of any encoding, addresses with a password in them, and the modes of what is made."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.e2e.conftest import Program
from tests.support.demo_control import DemoControl

NOT_UTF_8 = b"Caf\xe9"


def _page(program: Program, imdb_id: str) -> bytes:
    with urllib.request.urlopen(f"{program.environment['BASE_URL']}/title/{imdb_id}/") as answer:  # noqa: S310
        body: bytes = answer.read()
    return body


@pytest.fixture
def pages(program: Program, tmp_path: Path) -> Path:
    """A folder with a page whose name is not UTF-8, one with a line end in it, and one that is no page."""
    folder = tmp_path / os.fsdecode(b"pages-\xff")
    folder.mkdir()
    first, second = DemoControl(program.environment["BASE_URL"]).ids()[:2]
    (folder / os.fsdecode(NOT_UTF_8 + b".html")).write_bytes(_page(program, first))
    (folder / "two\nlines  # x.html").write_bytes(_page(program, second))
    (folder / os.fsdecode(b"\xe9mpty.html")).write_bytes(b"")
    return folder


@pytest.mark.long
def test_pages_of_any_name_are_parsed_or_named(program: Program, pages: Path, tmp_path: Path) -> None:
    result = program.run("parse", str(pages), "--log-failed", "failed.txt", code=1)
    assert len(program.table("movies")) == 2
    assert "Caf\\udce9.html: " in result.stdout
    (line,) = (tmp_path / "failed.txt").read_text(encoding="utf-8").splitlines()
    assert line.startswith("bytes:")
    assert "%E9mpty.html  # " in line
    assert "1 failed" in program.run("status", "--joblog", str(program.data_dir / "parse.jsonl")).stdout
    (pages / os.fsdecode(b"\xe9mpty.html")).write_bytes((pages / os.fsdecode(NOT_UTF_8 + b".html")).read_bytes())
    again = program.run("parse", str(pages), "--fresh", "--rerun-failed", "failed.txt")
    assert "\\udce9mpty.html: " in again.stdout


@pytest.mark.long
def test_a_data_directory_and_a_list_of_any_name(program: Program, tmp_path: Path) -> None:
    data_dir = tmp_path / os.fsdecode(b"d\xe4ta \x1b[2J")
    ids = tmp_path / os.fsdecode(b"l\xefst")
    ids.write_bytes("\n".join(DemoControl(program.environment["BASE_URL"]).ids()[:2]).encode("utf-16"))
    elsewhere = Program(data_dir, program.environment)
    result = elsewhere.run("--ids", str(ids), "--log-file", os.fsdecode(b"l\xf6g"))
    assert "\x1b" not in result.stdout + result.stderr
    assert len(elsewhere.table("movies")) == 2
    assert elsewhere.run("sql", "select count(*) from movies").stdout == "count\n2\n"
    assert "hold the same" in elsewhere.run("verify").stdout
    elsewhere.run("export", os.fsdecode(b"\xe9xport"), "--format", "jsonl")
    assert "0 failed, 0 pending (100% done)" in elsewhere.run("status").stdout


@pytest.mark.long
def test_a_file_in_another_encoding_is_named_with_its_line(program: Program, tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"MAX_THREADS=7\nPROXY_USER=Jos\xe9\n")
    line = f"filmledger: {tmp_path / '.env'}, line 2: not UTF-8; save the file as UTF-8"
    assert program.run("settings", code=2).stderr.splitlines() == [line]
    (tmp_path / ".env").unlink()
    (tmp_path / "proxies").write_bytes(b"http://a:1\nhttp://caf\xe9:1\n")
    assert "PROXY_FILE: proxies, line 2: not UTF-8" in program.run(PROXY_FILE="proxies", code=2).stderr


@pytest.mark.long
def test_a_password_in_the_address_of_the_site_is_written_nowhere(program: Program, tmp_path: Path) -> None:
    address = program.environment["BASE_URL"].replace("://", "://user:s3cr3t@")
    said = ""
    for command in (["--limit", "2", "--log-file", "run.log", "--verbosity", "debug"], ["settings"], ["status"]):
        result = program.run(*command, BASE_URL=address)
        said += result.stdout + result.stderr
    assert "://***@" in said, "settings show that there is one"
    assert "s3cr3t" not in said
    for path in [*program.data_dir.rglob("*"), tmp_path / "run.log"]:
        if path.is_file():
            assert b"s3cr3t" not in path.read_bytes(), path
    assert program.sql("SELECT count(*) FROM runs WHERE site LIKE '%s3cr3t%'") == [(0,)]
    program.run("--limit", "2")  # the same site without the password


@pytest.mark.long
def test_nothing_that_is_made_is_writable_by_others(program: Program, tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir(mode=0o755)
    for command in (
        ["--limit", "2", "--posters", "--save-pages", "--log-file", "run.log", "--log-failed", "failed.txt"],
        ["export", "exported"],
        ["publish"],
    ):
        subprocess.run(
            [sys.executable, str(ROOT / "main.py"), *command],
            env={**os.environ, **program.environment, "DATA_DIR": str(shared)},
            cwd=tmp_path,
            umask=0,
            check=True,
            capture_output=True,
            timeout=100,
        )
    made = [path for path in tmp_path.rglob("*") if not path.is_symlink() and "postgres" not in path.parts]
    assert len(made) > 30
    assert [path for path in made if stat.S_IMODE(path.stat().st_mode) & (stat.S_IWGRP | stat.S_IWOTH)] == []

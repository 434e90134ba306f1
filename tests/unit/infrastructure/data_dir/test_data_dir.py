"""A data directory knows its site and its writer, and says clearly why it cannot be used."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from domain.errors import UsageError
from infrastructure.data_dir.directory import DataDir
from shared.clock import FixedClock

ROOT = Path(__file__).resolve().parents[4]
NOON = FixedClock(datetime(2026, 1, 2, 12, 0, tzinfo=UTC))

HOLD = """
import sys
from pathlib import Path
from infrastructure.data_dir.directory import DataDir

with DataDir(Path(sys.argv[1])).lock("scrape --chart top250"):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def data_dir(tmp_path: Path) -> DataDir:
    made = DataDir(tmp_path / "data")
    made.prepare()
    return made


@contextmanager
def another_process_holding(data_dir: DataDir) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(data_dir.path)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        try:
            yield process
        finally:
            process.kill()


# --- making it ------------------------------------------------------------------


def test_a_new_directory_is_private_to_the_user(tmp_path: Path) -> None:
    made = DataDir(tmp_path / "deep" / "data")
    made.prepare()
    assert made.path.stat().st_mode & 0o777 == 0o700
    assert made.state.stat().st_mode & 0o777 == 0o700
    assert list(made.path.iterdir()) == [made.state]
    assert list(made.state.iterdir()) == []


def test_a_directory_that_is_there_keeps_its_mode(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    DataDir(tmp_path).prepare()
    assert tmp_path.stat().st_mode & 0o777 == 0o755


def test_a_file_in_its_place_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("mine")
    with pytest.raises(UsageError, match="data is a file; choose a folder"):
        DataDir(tmp_path / "data").prepare()
    with pytest.raises(UsageError, match="data is a file"):
        DataDir(tmp_path / "data" / "below").prepare()
    assert (tmp_path / "data").read_text() == "mine"


def test_a_folder_that_cannot_be_written_is_named() -> None:
    with pytest.raises(UsageError, match=r"DATA_DIR /proc/filmledger cannot be written .*choose another"):
        DataDir(Path("/proc/filmledger")).prepare()


def test_reading_needs_something_to_read(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"nothing in .* yet"):
        DataDir(tmp_path / "none").require()
    (tmp_path / "movies.csv").touch()
    DataDir(tmp_path).require()
    with pytest.raises(UsageError, match="is a file"):
        DataDir(tmp_path / "movies.csv").require()


# --- the site -------------------------------------------------------------------


def test_the_first_site_is_remembered_and_no_other_accepted(data_dir: DataDir) -> None:
    assert data_dir.site is None
    data_dir.claim("https://www.imdb.com")
    data_dir.claim("https://www.IMDb.com/")
    assert DataDir(data_dir.path).site == "https://www.imdb.com"
    with pytest.raises(UsageError, match=r"was filled from https://www\.imdb\.com, not from demo: choose another"):
        data_dir.claim("demo")
    assert data_dir.site == "https://www.imdb.com"


def test_asking_for_a_site_notes_nothing(data_dir: DataDir) -> None:
    data_dir.require_site("https://www.imdb.com")
    assert data_dir.site is None
    data_dir.claim("demo")
    with pytest.raises(UsageError, match="was filled from demo"):
        data_dir.require_site("https://www.imdb.com")


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", "null"])
def test_an_unreadable_note_is_not_overwritten(data_dir: DataDir, content: str) -> None:
    note = data_dir.state / "site.json"
    note.write_text(content)
    with pytest.raises(UsageError, match=r"site\.json cannot be read"):
        data_dir.claim("demo")
    assert note.read_text() == content


# --- the writer -----------------------------------------------------------------


def test_a_second_writer_is_told_who_holds_it(data_dir: DataDir) -> None:
    with data_dir.lock("scrape", NOON):
        holder = rf"process {os.getpid()} \(scrape\), since 2026-01-02 12:00:00 UTC"
        with pytest.raises(UsageError, match=rf"is being written by {holder}: wait"), data_dir.lock("verify --repair"):
            pass
        assert data_dir.holder() is not None
    assert data_dir.holder() is None
    with data_dir.lock("verify --repair"):
        pass


def test_another_process_is_named(data_dir: DataDir) -> None:
    with another_process_holding(data_dir) as process:
        who = rf"process {process.pid} \(scrape --chart top250\)"
        with pytest.raises(UsageError, match=who), data_dir.lock("scrape"):
            pass


def test_a_killed_process_keeps_nothing(data_dir: DataDir) -> None:
    with another_process_holding(data_dir) as process:
        process.send_signal(signal.SIGKILL)
        process.wait()
        with data_dir.lock("scrape"):
            held = data_dir.holder()
            assert held is not None
            assert held.pid == os.getpid()


def test_an_unknown_holder_is_another_process(data_dir: DataDir) -> None:
    with data_dir.lock("scrape"):
        (data_dir.state / "holder.json").write_text("{")
        with pytest.raises(UsageError, match="is being written by another process"), data_dir.lock("scrape"):
            pass


def test_the_lock_is_let_go_when_the_block_fails(data_dir: DataDir) -> None:
    with pytest.raises(ZeroDivisionError), data_dir.lock("scrape"):
        raise ZeroDivisionError
    with data_dir.lock("scrape"):
        pass


@pytest.mark.parametrize("below", ["", "films"])
def test_a_link_to_a_disk_that_is_not_mounted_is_named(tmp_path: Path, below: str) -> None:
    link = tmp_path / "data"
    link.symlink_to("/mnt/not-mounted")
    for use in (DataDir(link / below).prepare, DataDir(link / below).require):
        with pytest.raises(UsageError, match=r"data links to /mnt/not-mounted, which is not there: mount its disk"):
            use()


def test_a_path_that_can_never_be_a_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    for name, problem in (("loop", "Too many levels of symbolic links"), ("y" * 300, "File name too long")):
        for use in (DataDir(tmp_path / name).prepare, DataDir(tmp_path / name / "below").require):
            with pytest.raises(UsageError, match=rf"DATA_DIR .*: {problem}; choose another folder"):
                use()


def test_a_password_in_the_recorded_address_is_removed(tmp_path: Path) -> None:
    """Version 0.1 wrote BASE_URL as it was set."""
    directory = DataDir(tmp_path / "data")
    directory.prepare()
    record = directory.state / "site.json"
    record.write_text('{"site": "http://me:s3cr3t@a.invalid"}\n', encoding="utf-8")
    assert directory.site == "http://a.invalid"
    with pytest.raises(UsageError) as refused:
        directory.require_site("http://b.invalid")
    assert "s3cr3t" not in str(refused.value)
    directory.claim("http://a.invalid")
    assert record.read_text(encoding="utf-8") == '{"site": "http://a.invalid"}\n'

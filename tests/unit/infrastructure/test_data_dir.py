"""A data directory knows its site and its writer, spreads files over disks, and waits for a full one."""

from __future__ import annotations

import errno
import logging
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.errors import StoreUnavailable, UsageError
from infrastructure.data_dir import DataDir, Destinations, Disk, DiskWait, disk_under
from shared.atomic import write_atomically
from shared.clock import FixedClock

ROOT = Path(__file__).resolve().parents[3]
NOON = FixedClock(datetime(2026, 1, 2, 12, 0, tzinfo=UTC))

HOLD = """
import sys
from pathlib import Path
from infrastructure.data_dir import DataDir

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
            assert f"process {os.getpid()} " in held


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


# --- files on several disks -----------------------------------------------------


class Disks:
    """Folders that pretend to stand on disks of their own; what is written takes room there."""

    def __init__(self, root: Path, **sizes: int) -> None:
        self.folders = {name: root / name for name in sizes}
        self._sizes = sizes

    def look(self, folder: Path) -> Disk:
        folder.stat()
        return Disk(hash(folder), self.free(folder))

    def free(self, folder: Path) -> int:
        used = 0
        for file in folder.rglob("*"):
            with suppress(FileNotFoundError):  # a temporary file that has got its name in the meantime
                used += file.stat().st_size if file.is_file() else 0
        return self._sizes[folder.name] - used

    def destinations(self, margin: int = 100, *, check: bool = True) -> Destinations:
        return Destinations([*self.folders.values()], margin=margin, check=check, look=self.look)


def test_the_emptiest_disk_gets_the_file(tmp_path: Path) -> None:
    disks = Disks(tmp_path, a=1000, b=3000, c=2000)
    there = disks.destinations()
    assert there.write("posters/tt0000001.jpg", b"x" * 1200) == disks.folders["b"] / "posters/tt0000001.jpg"
    assert there.write("posters/tt0000002.jpg", b"x" * 100).parent.parent.name == "c"
    assert there.find("posters/tt0000001.jpg") == disks.folders["b"] / "posters/tt0000001.jpg"
    assert there.find("posters/tt0000009.jpg") is None


def test_what_is_reserved_counts_as_used_until_it_is_given_back(tmp_path: Path) -> None:
    there = Disks(tmp_path, a=1000, b=1200).destinations()
    with there.reserve(500) as first, there.reserve(500) as second, there.reserve(400) as third:
        assert [first.name, second.name, third.name] == ["b", "a", "b"]
        assert there.reserved() == 1400
        with pytest.raises(StoreUnavailable), there.reserve(900):
            pass
        assert there.reserved() == 1400
    assert there.reserved() == 0


def test_a_reservation_is_given_back_also_when_writing_fails(tmp_path: Path) -> None:
    there = Disks(tmp_path, a=1000).destinations()

    def fail() -> None:
        with there.reserve(500):
            raise ZeroDivisionError

    for _ in range(3):
        with pytest.raises(ZeroDivisionError):
            fail()
    assert there.reserved() == 0


def test_the_margin_stays_free(tmp_path: Path) -> None:
    there = Disks(tmp_path, a=1000).destinations(margin=400)
    there.write("first", b"x" * 600)
    with pytest.raises(StoreUnavailable, match=r"files: none of .*/a has room for 1 bytes beside the margin of 400.*"):
        there.write("second", b"x")


def test_when_none_has_room_it_says_so_at_once_and_names_the_settings(tmp_path: Path) -> None:
    there = Disks(tmp_path, a=1000, b=1000).destinations()
    with pytest.raises(StoreUnavailable, match="DATA_DIRS or lower DISK_MARGIN"):
        there.write("too big", b"x" * 901)


def test_without_the_check_the_first_folder_takes_all(tmp_path: Path) -> None:
    disks = Disks(tmp_path, a=0, b=10_000)
    assert disks.destinations(check=False).write("page", b"x" * 500).parent == disks.folders["a"]


def test_folders_on_one_disk_share_its_room(tmp_path: Path) -> None:
    there = Destinations([tmp_path / "a", tmp_path / "b"], margin=0, look=lambda _folder: Disk(1, 1000))
    with there.reserve(600), pytest.raises(StoreUnavailable), there.reserve(600):
        pass


def test_a_file_stands_in_one_place_only(tmp_path: Path) -> None:
    disks = Disks(tmp_path, a=1000, b=900)
    there = disks.destinations()
    assert there.write("page", b"old" * 100).parent.name == "a"
    assert there.write("page", b"new").parent.name == "b"
    assert [file.read_bytes() for file in tmp_path.rglob("page")] == [b"new"]


def test_a_disk_that_is_full_after_all_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def over_quota(target: Path, content: bytes, *, parents: bool) -> None:
        if "big" in target.parts:
            raise OSError(errno.EDQUOT, "Disk quota exceeded")
        write_atomically(target, content, parents=parents)

    monkeypatch.setattr("infrastructure.data_dir.write_atomically", over_quota)
    disks = Disks(tmp_path, big=10_000, small=1000)
    there = disks.destinations()
    with caplog.at_level(logging.WARNING):
        assert there.write("page", b"x").parent == disks.folders["small"]
    assert "Disk quota exceeded" in caplog.text
    with pytest.raises(StoreUnavailable, match="none of"):
        there.write("page", b"x" * 2000)
    assert there.reserved() == 0


def test_a_disk_that_has_gone_is_left_out_and_named(tmp_path: Path) -> None:
    there = Disks(tmp_path, a=1000, b=10_000).destinations()
    (tmp_path / "b").rmdir()
    assert there.write("page", b"x").parent.name == "a"
    assert not (tmp_path / "b").exists()
    with pytest.raises(StoreUnavailable, match=r"not there: .*/b \(No such file or directory\)"):
        there.write("page", b"x" * 5000)


@pytest.mark.parametrize("name", ["../page", "/etc/page", "a/../../page", "", "."])
def test_names_that_lead_out_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="not a name within"):
        Disks(tmp_path, a=1000).destinations().write(name, b"")


def test_the_same_folder_twice_counts_once_and_none_is_an_error(tmp_path: Path) -> None:
    there = Destinations([tmp_path, tmp_path / "." / "x" / ".."], margin=0)
    with there.reserve(1) as folder:
        assert folder == tmp_path.resolve()
    with pytest.raises(ValueError, match="at least one"):
        Destinations([])


def test_the_free_space_is_that_of_the_real_disk(tmp_path: Path) -> None:
    assert disk_under(tmp_path).free > 0
    there = Destinations([tmp_path], margin=0)
    with pytest.raises(StoreUnavailable), there.reserve(1 << 60):
        pass


def test_fifty_threads_never_overbook(tmp_path: Path) -> None:
    disks = Disks(tmp_path, a=10_000, b=10_000)
    there = disks.destinations(margin=0)
    together = threading.Barrier(50)

    def write(number: int) -> str:
        together.wait()
        try:
            return there.write(f"{number}", b"x" * 500).parent.name
        except StoreUnavailable:
            return "none"

    with ThreadPoolExecutor(50) as executor:
        placed = list(executor.map(write, range(50)))
    # A file that has just been written counts twice, as bytes and as a reservation, until that is given
    # back: some may be refused although they would have fitted, but never the other way round.
    assert 0 < placed.count("a") <= 20
    assert 0 < placed.count("b") <= 20
    assert there.reserved() == 0
    assert all(disks.free(folder) >= 0 for folder in disks.folders.values())


@given(sizes=st.lists(st.integers(0, 500), max_size=12), room=st.lists(st.integers(0, 1500), min_size=1, max_size=3))
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_file_is_refused_only_if_no_disk_has_room(
    sizes: list[int], room: list[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    disks = Disks(tmp_path_factory.mktemp("disks"), **{f"disk{number}": size for number, size in enumerate(room)})
    there = disks.destinations(margin=100)
    left = {folder: size - 100 for folder, size in zip(disks.folders.values(), room, strict=True)}
    for number, size in enumerate(sizes):
        if size <= max(left.values()):
            folder = there.write(f"{number}", b"x" * size).parent
            assert left[folder] == max(left.values())
            left[folder] -= size
        else:
            with pytest.raises(StoreUnavailable):
                there.write(f"{number}", b"x" * size)
    assert there.reserved() == 0


# --- a full disk is waited for --------------------------------------------------


def _refusal(cause: Exception) -> StoreUnavailable:
    error = StoreUnavailable("csv", "no space left")
    error.__cause__ = cause
    return error


FULL = _refusal(OSError(errno.ENOSPC, "No space left on device"))


class FullDisk:
    """Refuses so many times, then takes it."""

    def __init__(self, times: float, error: StoreUnavailable = FULL) -> None:
        self.times = times
        self.asked = 0
        self._error = error

    def __call__(self) -> str:
        self.asked += 1
        if self.asked <= self.times:
            raise self._error
        return "done"


def test_room_that_comes_back_is_used() -> None:
    disk = FullDisk(2)
    assert DiskWait(60)(disk) == "done"
    assert disk.asked == 3


def test_without_patience_it_is_tried_once() -> None:
    disk = FullDisk(1)
    with pytest.raises(StoreUnavailable):
        DiskWait()(disk)
    assert disk.asked == 1


@pytest.mark.parametrize("cause", [OSError(errno.EIO, "broken"), OSError(errno.EACCES, "no"), ValueError()])
def test_what_time_does_not_mend_is_not_waited_for(cause: Exception) -> None:
    disk = FullDisk(1, _refusal(cause))
    with pytest.raises(StoreUnavailable):
        DiskWait(60)(disk)
    assert disk.asked == 1


def test_a_temporary_folder_without_room_is_waited_for_too() -> None:
    cause = sqlite3.OperationalError("database or disk is full")
    cause.sqlite_errorcode = sqlite3.SQLITE_FULL
    assert DiskWait(60)(FullDisk(1, _refusal(cause))) == "done"


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def _later(clock: Clock, disk: FullDisk) -> Callable[[], str]:
    def attempt() -> str:
        clock.now += 10
        return disk()

    return attempt


def test_patience_is_used_up_once_and_comes_back_with_a_success() -> None:
    clock = Clock()
    wait = DiskWait(25, monotonic=clock)
    disk = FullDisk(float("inf"))
    with pytest.raises(StoreUnavailable):
        wait(_later(clock, disk))
    tried = disk.asked
    assert tried >= 3
    with pytest.raises(StoreUnavailable):
        wait(_later(clock, disk))
    assert disk.asked == tried + 1  # nobody waits for it a second time
    assert wait(FullDisk(0)) == "done"
    assert wait(_later(clock, FullDisk(1))) == "done"


def test_a_cancelled_wait_ends() -> None:
    cancel = threading.Event()
    cancel.set()
    disk = FullDisk(1)
    with pytest.raises(StoreUnavailable):
        DiskWait(60, cancel)(disk)
    assert disk.asked == 1

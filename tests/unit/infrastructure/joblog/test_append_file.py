"""A file that only grows, on disks that fill up."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from domain.errors import StoreUnavailable
from infrastructure.joblog.file import AppendFile
from shared.clock import SystemClock
from tests.support.clock import ManualClock


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "log"
    path.write_bytes(b"first\n")
    return path


@pytest.fixture
def syncs(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Counts what reaches the disk for certain."""
    seen: list[int] = []

    def counted(descriptor: int) -> None:
        os.fsync(descriptor)
        seen.append(descriptor)

    monkeypatch.setattr("infrastructure.joblog.file.sync", counted)
    return seen


def test_lines_are_there_for_others_at_once(path: Path) -> None:
    file = AppendFile(path, SystemClock())
    assert file.append(b"second\n", durable=False) == 6
    assert path.read_bytes() == b"first\nsecond\n"
    file.close()


def test_a_torn_line_is_ended_before_anything_else(path: Path) -> None:
    path.write_bytes(b"first\nsec")
    file = AppendFile(path, SystemClock())
    assert path.read_bytes() == b"first\nsec\n"
    assert file.append(b"third\n", durable=True) == 10
    file.close()
    assert path.read_bytes() == b"first\nsec\nthird\n"


def test_syncs_are_shared_by_the_lines_of_a_while(path: Path, syncs: list[int]) -> None:
    clock = ManualClock()
    file = AppendFile(path, clock, sync_seconds=0.2)
    for _ in range(10):
        file.append(b"x\n", durable=True)
    assert len(syncs) == 0
    clock.seconds = 0.2
    file.append(b"x\n", durable=True)
    file.append(b"x\n", durable=True)
    assert len(syncs) == 1
    file.close()
    assert len(syncs) == 2


def test_lines_that_do_not_matter_need_no_sync(path: Path, syncs: list[int]) -> None:
    file = AppendFile(path, ManualClock(), sync_seconds=0)
    file.append(b"x\n", durable=False)
    file.close()
    file.close()
    assert syncs == []


# The limit on file sizes behaves as a full disk does: the last write is short, the next one fails.
_FILLS_UP = """
import resource, signal, sys
from pathlib import Path
from domain.errors import StoreUnavailable
from infrastructure.joblog.file import AppendFile
from shared.clock import SystemClock
path = Path(sys.argv[1])
file = AppendFile(path, SystemClock())
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20, resource.RLIM_INFINITY))
file.append(b"second\\n", durable=True)
try:
    file.append(b"much too long\\n", durable=True)
except StoreUnavailable as error:
    print(error)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
file.append(b"third\\n", durable=True)
file.close()
"""


def test_half_a_line_on_a_full_disk_is_taken_away_again(path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", _FILLS_UP, str(path)], capture_output=True, text=True, check=True)
    assert done.stdout.startswith(f"job log: cannot write {path}: ")
    assert path.read_bytes() == b"first\nsecond\nthird\n"


def test_a_device_that_takes_nothing_is_told_as_such() -> None:
    if not Path("/dev/full").exists():  # pragma: no cover - Linux and the BSDs have it
        return
    file = AppendFile(Path("/dev/full"), SystemClock())
    with pytest.raises(StoreUnavailable, match="No space left"):
        file.append(b"x\n", durable=True)
    file.close()

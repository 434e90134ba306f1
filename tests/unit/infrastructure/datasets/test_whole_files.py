"""Compressed files are whole before they are read: what gzip's checksum tells is checked."""

from __future__ import annotations

import gzip
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from domain.errors import Cancelled, UsageError
from infrastructure.datasets.files import DataFile, find_data_files, require_whole
from tests.support.data_files import BASICS, data_file, write_data_files

NEVER = threading.Event()
WHOLE = gzip.compress(data_file(DataFile.BASICS, [row for row in BASICS for _ in range(500)]))


def changed_byte(place: int) -> bytes:
    data = bytearray(WHOLE)
    data[place] ^= 0xFF
    return bytes(data)


def check(folder: Path, *, remove: bool = False, cancel: threading.Event = NEVER) -> None:
    files = find_data_files(folder, (DataFile.BASICS, DataFile.RATINGS))
    require_whole(files.values(), folder / "checked.json", cancel, remove=remove)


@pytest.mark.parametrize(
    "damaged",
    [lambda: WHOLE[:-8], lambda: WHOLE[:-1], lambda: WHOLE[: len(WHOLE) // 2], lambda: changed_byte(-6),
     lambda: changed_byte(len(WHOLE) // 2), lambda: WHOLE + b"more"],
    ids=["no-checksum", "last-byte", "half", "checksum", "content", "behind"],
)  # fmt: skip
def test_a_damaged_file_is_named_and_not_read(tmp_path: Path, damaged: Callable[[], bytes]) -> None:
    folder = write_data_files(tmp_path, basics=damaged())
    with pytest.raises(UsageError, match=r"title\.basics\.tsv\.gz is damaged \(.+\): download it again"):
        check(folder)
    with pytest.raises(UsageError, match="removed, run again to download it"):
        check(folder, remove=True)
    assert not (folder / DataFile.BASICS.file_name).exists()
    assert (folder / DataFile.RATINGS.file_name).exists()


def test_a_file_that_was_whole_is_not_read_again_until_it_changes(tmp_path: Path) -> None:
    folder = write_data_files(tmp_path, basics=WHOLE)
    check(folder)
    path = folder / DataFile.BASICS.file_name
    before = path.stat()
    path.write_bytes(changed_byte(-6))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    check(folder)  # same size and time
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + 1))
    with pytest.raises(UsageError, match="incorrect data check"):
        check(folder)


def test_files_that_are_not_compressed_and_of_several_parts_are_whole(tmp_path: Path) -> None:
    folder = write_data_files(tmp_path, basics=WHOLE + gzip.compress(b""))
    (folder / DataFile.RATINGS.file_name).unlink()
    (folder / "title.ratings.tsv").write_bytes(data_file(DataFile.RATINGS, [("tt1000001", "9", "1")]))
    check(folder)


def test_a_check_that_is_cancelled_says_nothing_of_the_files(tmp_path: Path) -> None:
    cancel = threading.Event()
    cancel.set()
    folder = write_data_files(tmp_path, basics=WHOLE)
    with pytest.raises(Cancelled):
        check(folder, cancel=cancel)
    assert not (folder / "checked.json").exists()

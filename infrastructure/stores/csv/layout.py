"""The paths of the store, and its handling of operating system errors."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec

from domain.errors import StoreUnavailable
from domain.fields import Table
from infrastructure.data_dir import STATE_FOLDER
from shared.atomic import sync_folder

STORE: Final = "csv"
_FULL: Final = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_FORBIDDEN: Final = {errno.EACCES, errno.EPERM, errno.EROFS}


class Layout(msgspec.Struct, frozen=True):
    """The paths within one data directory."""

    directory: Path

    def table(self, table: Table) -> Path:
        """The file of a table."""
        return self.directory / f"{table}.csv"

    def upcoming(self, table: Table, generation: int) -> Path:
        """The path of a new generation's file before it is renamed."""
        return self.directory / f".{table}.csv.{generation}"

    def unreadable(self, table: Table) -> Path:
        """The file for rows that cannot be read."""
        return self.directory / f"unreadable-{table}.csv"

    def edited(self, table: Table, time: str) -> Path:
        """The copy of a version that another program wrote."""
        return self.directory / f"edited-{table}-{time}.csv"

    @property
    def ranks_before(self) -> Path:
        """Ranks of version 0.1 that belong to no known chart."""
        return self.directory / "ranks-before.csv"

    @property
    def state(self) -> Path:
        """The folder for internal files."""
        return self.directory / STATE_FOLDER

    @property
    def manifest(self) -> Path:
        """The manifest: the valid generation and its files."""
        return self.state / "csv.json"

    def journal(self, number: int) -> Path:
        """The journal with a number."""
        return self.state / f"csv-{number}.jsonl"

    def journals(self) -> list[int]:
        """Numbers of the existing journals, ascending."""
        numbers = (path.stem.removeprefix("csv-") for path in self.state.glob("csv-*.jsonl"))
        return sorted(int(number) for number in numbers if number.isdecimal())

    def make_state(self) -> None:
        """Creates the state folder durably.

        Raises:
            OSError: it cannot be created.
        """
        if not self.state.is_dir():
            self.state.mkdir(mode=0o700, exist_ok=True)
            sync_folder(self.directory)

    def leftovers(self, generation: int, journal: int) -> Iterator[Path]:
        """Files of generations that are not valid, and journals below ``journal``, which the files contain."""
        for table in Table:
            yield from (
                path
                for path in self.directory.glob(f".{table}.csv.*")
                if path.suffix[1:].isdigit() and path != self.upcoming(table, generation)
            )
        yield from (self.journal(number) for number in self.journals() if number < journal)
        yield from self.state.glob(".csv.*.tmp")


@contextmanager
def translate_os_errors(directory: Path) -> Iterator[None]:
    """Raises errors of the operating system as ``StoreUnavailable`` with a message that says what to do.

    Raises:
        StoreUnavailable: full disk, unwritable or vanished folder, broken disk.
    """
    try:
        yield
    except OSError as error:
        raise StoreUnavailable(STORE, _explained(directory, error)) from error


def _explained(directory: Path, error: OSError) -> str:
    reason = error.strerror or str(error)
    if error.errno in _FULL:
        return f"no space left in {directory} ({reason}): free some and run again"
    if error.errno in _FORBIDDEN:
        return (
            f"{error.filename or directory} cannot be written ({reason}): make it writable, or choose another DATA_DIR"
        )
    if error.errno == errno.ENOENT:
        return f"{error.filename or directory} has vanished: was {directory} moved or unmounted?"
    return f"{error.filename or directory}: {reason}"

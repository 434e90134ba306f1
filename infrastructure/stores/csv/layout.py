"""Where the files of the store lie."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from application.records import Table
from infrastructure.data_dir.directory import STATE_FOLDER
from shared.atomic import sync_folder


@dataclass(frozen=True, slots=True)
class Layout:
    """The paths within one data directory."""

    directory: Path

    def table(self, table: Table) -> Path:
        """What the user sees."""
        return self.directory / f"{table}.csv"

    def upcoming(self, table: Table, generation: int) -> Path:
        """A table's file of a generation, before it is given its name."""
        return self.directory / f".{table}.csv.{generation}"

    def set_aside(self, table: Table) -> Path:
        """Where rows that cannot be read are moved when they have to go."""
        return self.directory / f"unreadable-{table}.csv"

    @property
    def state(self) -> Path:
        """The folder for what is ours alone."""
        return self.directory / STATE_FOLDER

    @property
    def journal(self) -> Path:
        """Which generation counts and how far it is committed."""
        return self.state / "csv.journal"

    def names(self, generation: int) -> Path:
        """Who named whom, where that cannot be told from the tables."""
        return self.state / f"csv.names.{generation}"

    def make_state(self) -> None:
        """Make the folder that is ours alone, so that it survives a power cut.

        Raises:
            OSError: it cannot be made.
        """
        if not self.state.is_dir():
            self.state.mkdir(mode=0o700, exist_ok=True)
            sync_folder(self.directory)

    def leftovers(self, generation: int) -> Iterator[Path]:
        """Files of generations that never came to count, or no longer do."""
        for table in Table:
            yield from (
                path
                for path in self.directory.glob(f".{table}.csv.*")
                if path.suffix[1:].isdigit() and path != self.upcoming(table, generation)
            )
        yield from (path for path in self.state.glob("csv.names.*") if path != self.names(generation))
        yield from self.state.glob(".csv.*.tmp")

"""From whatever lies in the directory to files that may be appended to."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from typing import Final

from domain.errors import StoreError, UsageError
from infrastructure.stores.csv import journal
from infrastructure.stores.csv.edited import EditedFiles
from infrastructure.stores.csv.failures import STORE
from infrastructure.stores.csv.files import TableFiles
from infrastructure.stores.csv.generation import read_names, settle
from infrastructure.stores.csv.index import Index, Naming
from infrastructure.stores.csv.journal import Contents, Sizes, Sums
from infrastructure.stores.csv.layout import Layout
from infrastructure.stores.csv.rewriting import rewrite, rewrite_edited
from infrastructure.stores.csv.scan import Irregular, Scanned, scan
from infrastructure.stores.csv.snapshot import standing
from shared.atomic import sync

_log = logging.getLogger(__name__)

_MAX_TOLD: Final = 20


@dataclass(slots=True)
class Opened:
    """Files in our own form, and what is in them.

    Attributes:
        files: open for appending.
        index: where each row stands.
        contents: what the journal said then, without records.
        committed: where the files end.
        sums: their checksums up to there.
        ordered: the files are in their final order.
        suspect: people may be stored whom nobody credits, or who were named by a movie that no longer does.
    """

    files: TableFiles
    index: Index
    contents: Contents
    committed: Sizes
    sums: Sums
    ordered: bool
    suspect: bool

    def close(self) -> None:
        self.files.close()
        self.index.close()


def open_for_writing(layout: Layout, *, escape: bool, set_aside: bool) -> Opened:
    """Mend what a dead run has left, and read what is there.

    Args:
        layout: where the files are.
        escape: formulas are to carry an apostrophe; files in the other form are rewritten.
        set_aside: move rows that cannot be read to files of their own.

    Raises:
        UsageError: the files are not ours, or a row cannot be read; nothing was changed.
        OSError, sqlite3.Error: the disk refuses; what was there is still there.
        StoreError: the files change while they are read.
    """
    for _ in range(4):  # mended, in one go, in the other form: each step at most once
        opened = _open(layout, escape=escape, set_aside=set_aside)
        if opened is not None:
            return opened
    raise StoreError(STORE, f"{layout.directory} changes while it is opened: does another program write there?")


def _open(layout: Layout, *, escape: bool, set_aside: bool) -> Opened | None:
    """One try; ``None`` if the files had to be written anew."""
    found = journal.read(layout.journal)
    if found is not None:
        settle(layout, found.header.generation)
    files = TableFiles(layout, writable=True)
    index: Index | None = None
    kept = False
    try:
        stands = standing(found, files, escaped=escape)
        contents = stands.contents
        if stands.tail:
            _log.warning("%s: cut off %d bytes of saves that had not ended", layout.directory, stands.tail)
            files.trim(contents.committed)
        names = read_names(layout, contents.header.generation)
        scanned = _scanned(files, contents, check=not stands.trusted, names=names)
        if scanned is not None:
            index = scanned.index
            if contents.records:
                rewrite(layout, files, index, contents.header, suspect=True, drop_uncredited=False)
                return None
            if contents.header.escaped == escape or not any(contents.committed):
                header = replace(contents.header, escaped=escape, open=False)
                suspect = bool(names) or (not stands.trusted and any(contents.committed))
                ends = contents.committed
                sums = contents.sums if stands.trusted else files.sums(ends)
                kept = True
                return Opened(files, index, Contents(header), ends, sums, scanned.ordered, suspect)
        if scanned is None:
            _log.warning("%s: somebody has edited the CSV files; `verify` tells what differs by that", layout.directory)
        with _edited(files, contents) as edited:
            _part_with_unreadable(layout, edited, set_aside=set_aside)
            rewrite_edited(layout, edited, contents.header.generation, names, escape=escape)
        return None
    finally:
        if not kept:
            files.close()
            if index is not None:
                index.close()


def _scanned(files: TableFiles, contents: Contents, *, check: bool, names: list[tuple[str, Naming]]) -> Scanned | None:
    try:
        return scan(files, contents, check=check, exceptions=names)
    except Irregular as irregular:
        _log.info("the CSV files are read row by row: %s", irregular)
        return None


@contextmanager
def _edited(files: TableFiles, contents: Contents) -> Iterator[EditedFiles]:
    edited = EditedFiles(files, contents.committed, escaped=contents.header.escaped)
    try:
        yield edited
    finally:
        edited.close()


def _part_with_unreadable(layout: Layout, edited: EditedFiles, *, set_aside: bool) -> None:
    first = list(islice(edited.unreadable(), 4))
    if first and not set_aside:
        shown = "; ".join(f"{one.table}.csv line {one.line}: {one.reason}" for one in first[:3])
        more = " and more" if len(first) > 3 else ""
        raise UsageError(
            f"{layout.directory} has rows that cannot be read ({shown}{more}); nothing was changed. "
            "Mend them, or let `verify --repair` set them aside"
        )
    for one in edited.unreadable():
        path = layout.set_aside(one.table)
        with path.open("ab") as file:
            file.write(one.raw if one.raw.endswith((b"\n", b"\r")) else one.raw + b"\r\n")
            file.flush()
            sync(file.fileno())  # it is about to leave the file it came from
        _log.warning("%s.csv line %d: %s; moved to %s", one.table, one.line, one.reason, path)
    doubles = list(islice(edited.doubles(), _MAX_TOLD + 1))
    for table, line, key in doubles[:_MAX_TOLD]:
        _log.warning("%s.csv line %d: %s stands there again, and only that row counts", table, line, key)
    if len(doubles) > _MAX_TOLD:
        _log.warning("%s: and more rows that stand twice", layout.directory)
    for one in edited.torn():
        _log.warning("%s.csv line %d was cut off in writing (%s): taken out", one.table, one.line, one.reason)

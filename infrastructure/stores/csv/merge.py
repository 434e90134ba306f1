"""Applies journals to sorted files: as a stream, or as the files of a new generation."""

from __future__ import annotations

import logging
import os
import shutil
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeAlias

from domain.fields import Table
from infrastructure.stores.csv.dialect import split_groups
from infrastructure.stores.csv.journal import Overlay
from infrastructure.stores.csv.layout import Layout
from infrastructure.stores.csv.snapshot import BLOCK, Chunk, Manifest, OpenFile, mode_of
from shared.atomic import sync, sync_folder

_log = logging.getLogger(__name__)

Pieces: TypeAlias = Iterator[tuple[str, bytes]]


def overlaid(chunks: Iterable[Chunk], overlay: Overlay, table: Table, keys: Sequence[str], *, escaped: bool) -> Pieces:
    """Sorted rows after the journals.

    Args:
        chunks: rows of the files, the last chunk with ``after`` None.
        overlay: the journals.
        keys: first key cells that the journals change, ascending.
        escaped: formulas have an apostrophe.
    """
    place = 0
    for first, after, data in chunks:
        end = len(keys) if after is None else bisect_left(keys, after, place)
        if place == end:
            yield first, data
            continue
        groups = dict(split_groups(data, escaped=escaped))
        changed = set(keys[place:end])
        place = end
        pieces: list[bytes] = []
        size = 0
        start = ""
        for key in sorted(changed.union(groups)):
            raw = groups.get(key, b"")
            if key in changed:
                raw = overlay.apply(table, key, raw)
            if not raw:
                continue
            start = start if pieces else key
            pieces.append(raw)
            size += len(raw)
            if size >= BLOCK:
                yield start, b"".join(pieces)
                pieces, size = [], 0
        if pieces:
            yield start, b"".join(pieces)


def kept(pieces: Pieces, movies: Iterator[str], missing: list[str], *, escaped: bool) -> Pieces:
    """The groups of titles that are among ``movies``; ids of the others are added to ``missing``."""
    movie: str | None = ""
    for _, data in pieces:
        for key, raw in split_groups(data, escaped=escaped):
            while movie is not None and movie < key:
                movie = next(movies, None)
            if movie == key:
                yield key, raw
            else:
                missing.append(key)


def settle(layout: Layout, manifest: Manifest) -> list[Table]:
    """Renames the files of the valid generation to their final names, and removes all others.

    Returns:
        Tables whose file another program has changed meanwhile; their versions are kept in ``edited-*.csv``.

    Raises:
        OSError: a file cannot be renamed or removed.
    """
    renamed = False
    edited = []
    for table, entry in manifest.files.items():
        upcoming = layout.upcoming(table, manifest.generation)
        if not upcoming.exists():
            continue
        present = OpenFile(layout.table(table))
        size, identity = present.status()
        known = (size, *identity) == (*entry.before[:1], *entry.before[2:])
        if size and not known and (size, present.crc(size)) not in (entry.before[:2], (entry.size, entry.crc)):
            set_aside(layout, table)
            edited.append(table)
        upcoming.replace(layout.table(table))
        renamed = True
    if renamed:
        sync_folder(layout.directory)
    for path in list(layout.leftovers(manifest.generation, manifest.journal)):
        path.unlink(missing_ok=True)
    return edited


def set_aside(layout: Layout, table: Table) -> Path:
    """Copies the version of a file that another program wrote to a new name.

    Raises:
        OSError: there is no room for it.
    """
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
    path = layout.edited(table, stamp)
    number = 1
    while path.exists():
        number += 1
        path = layout.edited(table, f"{stamp}-{number}")
    with layout.table(table).open("rb") as source, path.open("wb") as target:
        os.fchmod(target.fileno(), mode_of(layout.table(table)))
        shutil.copyfileobj(source, target, 1 << 20)
        target.flush()
        sync(target.fileno())
    sync_folder(layout.directory)
    return path


def discard(layout: Layout, generation: int) -> None:
    """Removes files of a generation that will not be installed."""
    for table in Table:
        with suppress(OSError):
            layout.upcoming(table, generation).unlink(missing_ok=True)

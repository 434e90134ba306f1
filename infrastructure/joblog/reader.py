"""Reads a log from a given byte on, a piece at a time. Resume and status both read with this."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

from infrastructure.joblog import lines
from infrastructure.joblog.lines import Line
from infrastructure.joblog.state import State

PIECE: Final = 1 << 20
LONGEST_LINE: Final = 1 << 20  # ours are below 10 kB; a longer one is damage and is not held in memory
_BOM: Final = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Piece:
    """Whole lines at bytes ``start`` to ``stop`` of the file."""

    start: int
    stop: int
    lines: list[Line]
    unreadable: int


def pieces(file: BinaryIO, start: int = 0, stop: int | None = None) -> Iterator[Piece]:
    """The file's whole lines from ``start`` on, in order; a last line without an end is left out.

    Args:
        file: an open log; its position is moved.
        start: where a line begins.
        stop: where a line ends; the end of the file unless given.

    Raises:
        OSError: the file cannot be read.
    """
    file.seek(start)
    rest = b""
    skipping = False  # within a line that is too long to be one
    while data := file.read(PIECE if stop is None else min(PIECE, stop - start - len(rest))):
        if start == 0 and not rest and data.startswith(_BOM):
            data, start = data[len(_BOM) :], len(_BOM)
        end = data.rfind(b"\n") + 1
        if not end:
            rest += data
            if len(rest) > LONGEST_LINE:
                start, rest, skipping = start + len(rest), b"", True
            continue
        whole, rest = rest + data[:end], data[end:]
        unreadable = 0
        if skipping:
            whole_start = whole.index(b"\n") + 1
            start, whole, skipping, unreadable = start + whole_start, whole[whole_start:], False, 1
        read, damaged = lines.decode(whole)
        yield Piece(start, start + len(whole), read, damaged + unreadable)
        start += len(whole)


def follow(file: BinaryIO, state: State, start: int = 0) -> int:
    """Feed everything from ``start`` on to ``state``; answers where the last whole line ends.

    Raises:
        OSError: the file cannot be read.
    """
    for piece in pieces(file, start):
        state.feed(piece.start, piece.stop, piece.lines, piece.unreadable)
        start = piece.stop
    return start

"""The lines of the log: how they are written, and which of their fields are read again.

Readers decode fewer fields than writers write: the others are for people, and
skipping them halves the time in which a long log is loaded.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, BinaryIO, Final, Literal, TypeAlias

import msgspec
from msgspec import Meta

PROGRAM: Final = "filmledger"
FORMAT: Final = 1
MAX_JOBS: Final = 100_000_000

Seq: TypeAlias = Annotated[int, Meta(ge=0, lt=MAX_JOBS)]
Natural: TypeAlias = Annotated[int, Meta(ge=0, le=2**62)]


class _Line(msgspec.Struct, tag_field="kind", gc=False):
    run: str


class RunLine(_Line, tag="run"):
    """The first line of a run: what the user asked for. Lines above it belong to older runs."""

    ts: str
    program: str
    version: str
    format: Natural
    work: str
    subject: str
    site: str = ""
    limit: Natural | None = None
    pid: Natural = 0


class ResumedLine(_Line, tag="resumed"):
    """Another process resumes the run."""

    ts: str
    pid: Natural = 0


class ReopenedLine(_Line, tag="reopened"):
    """Jobs that had failed for good are pending again, and their tries start again."""


class LostLine(_Line, tag="lost"):
    """A completed job is pending again, because a store does not hold its title."""

    seq: Seq


class JobLine(_Line, tag="job"):
    """One job of the list."""

    seq: Seq
    id: Annotated[str, Meta(min_length=1)]
    rank: Annotated[int, Meta(ge=1, le=2**62)] | None = None
    label: str = ""


class ResolvedLine(_Line, tag="resolved"):
    """The list is complete."""

    total: Natural


class StartedLine(_Line, tag="started"):
    """A worker has taken a job."""


class CompletedLine(_Line, tag="completed"):
    """A job is done; ``saved_as`` is the id it was saved under, if that is not the job's."""

    seq: Seq
    saved_as: str = ""


class FailedLine(_Line, tag="failed"):
    """A job has failed; ``retry`` is the number of counted tries, or false if it failed for good."""

    seq: Seq
    error: str
    retry: Natural | Literal[False]
    spent: Natural = 0


class CancelledLine(_Line, tag="cancelled"):
    """A job was interrupted by the end of the run."""

    seq: Seq
    spent: Natural = 0


class ShutdownLine(_Line, tag="shutdown"):
    """The process has closed the log."""

    reason: str


Line: TypeAlias = (
    RunLine
    | ResumedLine
    | ReopenedLine
    | LostLine
    | JobLine
    | ResolvedLine
    | StartedLine
    | CompletedLine
    | FailedLine
    | CancelledLine
    | ShutdownLine
)

_decode: Final = msgspec.json.Decoder(Line).decode_lines
_encode: Final = msgspec.json.Encoder().encode_lines
# Errors of a damaged line: not JSON, not a line of a log, not UTF-8, nested too deep.
DAMAGE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def encode(*lines: dict[str, Any]) -> bytes:
    """Encodes the lines as they are written to the file, each with its newline."""
    return _encode([*lines])  # msgspec 0.22 leaks the iterator of anything that is not a list


def decode(data: bytes) -> tuple[list[Line], int]:
    """Gives the lines in ``data`` that can be decoded, and the number of those that cannot."""
    try:
        return _decode(data), 0
    except DAMAGE:
        pass
    readable: list[Line] = []
    unreadable = 0
    for line in data.split(b"\n"):
        try:
            readable += _decode(line)
        except DAMAGE:
            unreadable += 1
    return readable, unreadable


PIECE: Final = 1 << 20
LONGEST_LINE: Final = 1 << 20  # lines of a log are below 10 kB; a longer one is damage and is not held in memory
_BOM: Final = b"\xef\xbb\xbf"


class Piece(msgspec.Struct, frozen=True):
    """Whole lines at bytes ``start`` to ``stop`` of the file."""

    start: int
    stop: int
    lines: list[Line]
    unreadable: int


def pieces(file: BinaryIO, start: int = 0, stop: int | None = None) -> Iterator[Piece]:
    """Yields the file's whole lines from ``start`` on, in order; an unfinished last line is left out.

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
        read, damaged = decode(whole)
        yield Piece(start, start + len(whole), read, damaged + unreadable)
        start += len(whole)

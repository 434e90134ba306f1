"""The lines of the log: how they are written, and what of them is read again.

Readers take less than writers give: the rest is for people, and skipping it
halves the time a long log takes to load.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Final, Literal, TypeAlias

import msgspec
from msgspec import Meta

PROGRAM: Final = "filmledger"
FORMAT: Final = 1
MAX_JOBS: Final = 100_000_000

Seq: TypeAlias = Annotated[int, Meta(ge=0, lt=MAX_JOBS)]
Natural: TypeAlias = Annotated[int, Meta(ge=0, le=2**62)]


class _Line(msgspec.Struct, tag_field="kind", gc=False):
    run: str


class Run(_Line, tag="run"):
    """The first line of a run: what was asked for. Everything above it is history."""

    ts: str
    program: str
    version: str
    format: Natural
    work: str
    subject: str
    site: str = ""
    limit: Natural | None = None
    pid: Natural = 0


class Resumed(_Line, tag="resumed"):
    """Another process goes on with the run."""

    ts: str
    pid: Natural = 0


class Reopened(_Line, tag="reopened"):
    """What had failed for good is pending again, with all its tries before it."""


class Lost(_Line, tag="lost"):
    """A job that was completed is pending again: a store does not hold what came of it."""

    seq: Seq


class Job(_Line, tag="job"):
    """One job of the list."""

    seq: Seq
    id: Annotated[str, Meta(min_length=1)]
    rank: Annotated[int, Meta(ge=1, le=2**62)] | None = None
    label: str = ""


class Resolved(_Line, tag="resolved"):
    """The list is whole."""

    total: Natural


class Started(_Line, tag="started"):
    """A worker has taken a job."""


class Completed(_Line, tag="completed"):
    """A job is done; ``saved_as`` is the id it was saved under, if that is not the job's."""

    seq: Seq
    saved_as: str = ""


class Failed(_Line, tag="failed"):
    """A job has failed; ``retry`` is how many tries count so far, or false: for good."""

    seq: Seq
    error: str
    retry: Natural | Literal[False]
    spent: Natural = 0


class Cancelled(_Line, tag="cancelled"):
    """A job was cut off by the end of the run."""

    seq: Seq
    spent: Natural = 0


class Shutdown(_Line, tag="shutdown"):
    """The process has let go of the log."""

    reason: str


Line: TypeAlias = Run | Resumed | Reopened | Lost | Job | Resolved | Started | Completed | Failed | Cancelled | Shutdown

_decode: Final = msgspec.json.Decoder(Line).decode_lines
_encode: Final = msgspec.json.Encoder().encode_lines
# What a damaged line can raise: not JSON, not a line of ours, not UTF-8, brackets without end.
DAMAGE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def encode(*lines: dict[str, Any]) -> bytes:
    """The lines as they go into the file, each with its newline."""
    return _encode([*lines])  # msgspec 0.22 leaks the iterator of anything that is not a list


def decode(data: bytes) -> tuple[list[Line], int]:
    """The lines in ``data`` that can be read, and how many cannot."""
    try:
        return _decode(data), 0
    except DAMAGE:
        return _decode_singly(data.split(b"\n"))


def _decode_singly(data: Iterable[bytes]) -> tuple[list[Line], int]:
    readable: list[Line] = []
    unreadable = 0
    for line in data:
        try:
            readable += _decode(line)
        except DAMAGE:
            unreadable += 1
    return readable, unreadable

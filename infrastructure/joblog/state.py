"""The state of a run and its jobs, read from the lines of its log; in memory it takes a few bits for each job."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import count, groupby
from pathlib import Path
from typing import Any, BinaryIO, Final

import msgspec

from application.ports.runs import Failure, JobCounts, RunIdentity
from domain.errors import UsageError
from infrastructure.joblog import lines
from shared.secret import split_user_info

_MAX_REASONS: Final = 500  # error classes are few and short; more or longer ones come from a damaged log
_MAX_REASON: Final = 100
_OTHER: Final = "other"
_IMDB: Final = re.compile(r"tt(\d{7,10})", re.ASCII)
_ID_PAGE: Final = 1 << 15


class Bitmap:
    """A set of whole numbers from 0 without large gaps; ten million of them take 1.25 MB."""

    __slots__ = ("_bits", "_count")

    def __init__(self) -> None:
        self._bits = bytearray()
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __contains__(self, number: int) -> bool:
        index = number >> 3
        return index < len(self._bits) and bool(self._bits[index] >> (number & 7) & 1)

    def __iter__(self) -> Iterator[int]:
        for index, byte in enumerate(self._bits):
            if byte:
                yield from (index << 3 | bit for bit in range(8) if byte >> bit & 1)

    def __bytes__(self) -> bytes:
        return bytes(self._bits)

    def add(self, number: int) -> bool:
        """Adds an element; tells whether it is new."""
        index, bit = number >> 3, 1 << (number & 7)
        bits = self._bits
        if index >= len(bits):
            bits.extend(bytes(index + 1 - len(bits)))
        if bits[index] & bit:
            return False
        bits[index] |= bit
        self._count += 1
        return True

    def add_all(self, numbers: Sequence[int], within: Bitmap | None = None) -> list[int]:
        """Adds the numbers; returns those that were in the set already or are not ``within``.

        Takes a third of the time of ``add`` for each.
        """
        bits = self._bits
        allowed = within._bits if within is not None else bytes([0xFF]) * ((max(numbers, default=0) >> 3) + 1)
        size = len(allowed)
        if size > len(bits):
            bits.extend(bytes(size - len(bits)))
        refused = []
        for number in numbers:
            index = number >> 3
            bit = 1 << (number & 7)
            if index < size and allowed[index] & bit and not bits[index] & bit:
                bits[index] |= bit
            else:
                refused.append(number)
        self._count += len(numbers) - len(refused)
        return refused

    def discard(self, number: int) -> bool:
        """Removes a number; tells whether it was in the set."""
        if number not in self:
            return False
        self._bits[number >> 3] ^= 1 << (number & 7)
        self._count -= 1
        return True

    def covers(self, first: int, last: int) -> bool:
        """Tells whether every number from ``first`` to ``last`` is in the set."""
        if last >> 3 >= len(self._bits):
            return False
        within = int.from_bytes(self._bits[first >> 3 : (last >> 3) + 1], "little") >> (first & 7)
        wanted = (1 << (last + 1 - first)) - 1
        return within & wanted == wanted

    def free(self) -> Iterator[int]:
        """Yields the numbers that are not in the set, ascending and without end; they may be added meanwhile."""
        held = len(self._bits)
        for index in range(held):
            if self._bits[index] != 0xFF:
                yield from (number for number in range(index << 3, (index + 1) << 3) if number not in self)
        yield from count(held << 3)


class KeySet:
    """A set of job keys: IMDb ids at about a bit each where they stand close together, others as text."""

    __slots__ = ("_numbers", "_others")

    def __init__(self) -> None:
        self._numbers: defaultdict[tuple[int, int], Bitmap] = defaultdict(Bitmap)  # by length of the key and page
        self._others: set[str] = set()

    def add(self, key: str) -> bool:
        """Adds an element; tells whether it is new."""
        match = _IMDB.fullmatch(key)
        if match is None:
            before = len(self._others)
            self._others.add(key)
            return len(self._others) > before
        page, number = divmod(int(match[1]), _ID_PAGE)
        return self._numbers[len(key), page].add(number)


class ListBlock(msgspec.Struct, gc=False):
    """A part of the file with job lines: its bytes, and the lowest and highest number among them."""

    start: int
    stop: int
    low: int
    high: int


class State:
    """The state that the lines of a log result in. Memory: a few bits for each job, some 100 bytes for each failed one.

    Attributes:
        run, run_id: the first line of the last run, and its id; ``None`` if there is none.
        last_start: the line with which the last process began or resumed the run.
        shutdown: why the last process closed the log; ``None`` if it did not close it.
        resolved: number of jobs in the list; ``None`` until the list is complete.
        blocks: the parts of the file that hold job lines.
        listed: numbers of the jobs whose line could be read.
        done: jobs that were completed or failed for good.
        failed: the error of each job that failed for good; "other" after 500 different ones.
        retrying: pending jobs that have failed before.
        tries: number of counted failures of pending jobs, if not 0.
        spent: number of requests that pending jobs have cost so far, if not 0.
        moved: the ids under which titles were saved that IMDb has moved.
        has_outcomes: an outcome has been recorded.
        reopened: how often permanent failures were made pending again.
        unreadable: number of lines that cannot be decoded.
        orphan_lines: number of lines of another run, of no listed job, or that repeat a job.
    """

    def __init__(self) -> None:
        self.run: lines.RunLine | None = None
        self.last_start: lines.RunLine | lines.ResumedLine | None = None
        self.unreadable = 0
        self.orphan_lines = 0
        self._place: tuple[int, int] | None = None
        self._handlers: dict[type, Callable[[Any], None]] = {
            lines.ResumedLine: self._on_resumed,
            lines.ReopenedLine: self._on_reopened,
            lines.LostLine: self._on_lost,
            lines.JobLine: self._on_jobs,
            lines.ResolvedLine: self._on_resolved,
            lines.CompletedLine: self._on_completed,
            lines.FailedLine: self._on_failed,
            lines.CancelledLine: self._on_cancelled,
            lines.ShutdownLine: self._on_shutdown,
        }
        self.begin(None)

    @property
    def whole(self) -> bool:
        """The end of the list was written and no line of it is lost."""
        return self.resolved is not None and self.resolved == len(self.listed)

    @property
    def counts(self) -> JobCounts:
        """The progress of the run."""
        return JobCounts(len(self.listed), len(self.done) - len(self.failed), len(self.failed))

    @property
    def reasons(self) -> tuple[tuple[str, int], ...]:
        """The errors of the failed jobs with their number, most frequent first, then by name."""
        return tuple(sorted(Counter(self.failed.values()).items(), key=lambda each: (-each[1], each[0])))

    def feed(self, start: int, stop: int, read: Iterable[lines.Line], unreadable: int = 0) -> None:
        """Applies the lines at these bytes of the file, in their order."""
        self._place = (start, stop)
        self.unreadable += unreadable
        # Nearly all lines are of three kinds. Handled in groups, a long log loads twice as fast.
        relevant = [line for line in read if type(line) is not lines.StartedLine]
        for kind, group in groupby(relevant, type):
            found: list[Any] = [*group]
            if kind is lines.RunLine:
                self.begin(found[-1])
                continue
            ours = [line for line in found if line.run == self.run_id]
            self.orphan_lines += len(found) - len(ours)
            if ours:
                self._handlers[kind](ours)

    def begin(self, run: lines.RunLine | None) -> None:
        """Resets everything except the counts of unusable lines, and follows this run."""
        self.run = self.last_start = run
        self.run_id = run.run if run else None
        self.shutdown: str | None = None
        self.resolved: int | None = None
        self.blocks: list[ListBlock] = []
        self.listed, self.done, self.retrying = Bitmap(), Bitmap(), Bitmap()
        self.failed: dict[int, str] = {}
        self._errors: dict[str, str] = {}  # each error once, however many jobs failed with it
        self.tries: dict[int, int] = {}
        self.spent: dict[int, int] = {}
        self.moved: dict[int, str] = {}
        self.has_outcomes = False
        self.reopened = 0

    # Each handler takes neighbouring lines of one kind, in their order.

    def _on_resumed(self, read: Sequence[lines.ResumedLine]) -> None:
        self.last_start = read[-1]
        self.shutdown = None

    def _on_shutdown(self, read: Sequence[lines.ShutdownLine]) -> None:
        self.shutdown = read[-1].reason

    def _on_jobs(self, read: Sequence[lines.JobLine]) -> None:
        numbers = [line.seq for line in read]
        repeated = len(self.listed.add_all(numbers))
        self.orphan_lines += repeated
        if repeated == len(numbers):
            return
        self.resolved = None
        if self._place is not None:
            self.blocks.append(ListBlock(*self._place, numbers[0], numbers[0]))
            self._place = None
        block = self.blocks[-1]
        block.low = min(block.low, *numbers)
        block.high = max(block.high, *numbers)

    def _on_resolved(self, read: Sequence[lines.ResolvedLine]) -> None:
        self.resolved = read[-1].total

    def _on_completed(self, read: Sequence[lines.CompletedLine]) -> None:
        numbers = [line.seq for line in read]
        for seq in self.done.add_all(numbers, within=self.listed):
            self.orphan_lines += seq not in self.listed
            self.failed.pop(seq, None)
        self.moved.update((line.seq, line.saved_as) for line in read if line.saved_as)
        if self.retrying or self.spent:
            for seq in numbers:
                self.retrying.discard(seq)
                self._reset_counts(seq)
        self.has_outcomes = True

    def _on_failed(self, read: Sequence[lines.FailedLine]) -> None:
        for line in read:
            seq = line.seq
            if seq not in self.listed or (seq in self.done and seq not in self.failed):
                self.orphan_lines += 1
                continue
            self.has_outcomes = True
            self.spent[seq] = line.spent
            self.failed.pop(seq, None)
            if line.retry is False:
                self.done.add(seq)
                error = line.error[:_MAX_REASON]
                if len(self._errors) < _MAX_REASONS:
                    self._errors.setdefault(error, error)
                self.failed[seq] = self._errors.get(error, _OTHER)
                self.retrying.discard(seq)
            else:
                self.done.discard(seq)
                self.retrying.add(seq)
                self.tries[seq] = line.retry

    def _on_cancelled(self, read: Sequence[lines.CancelledLine]) -> None:
        for line in read:
            if line.seq in self.listed:
                self.has_outcomes = True
                self.spent[line.seq] = line.spent
            else:
                self.orphan_lines += 1

    def _on_reopened(self, read: Sequence[lines.ReopenedLine]) -> None:
        # Their counts start again, because the user has asked for another try.
        for seq in self.failed:
            self.done.discard(seq)
            self._reset_counts(seq)
        self.failed = {}
        self.reopened += len(read)
        self.shutdown = None

    def _on_lost(self, read: Sequence[lines.LostLine]) -> None:
        for line in read:
            if line.seq in self.done and line.seq not in self.failed:
                self.done.discard(line.seq)
                self._reset_counts(line.seq)
            else:
                self.orphan_lines += 1

    def _reset_counts(self, seq: int) -> None:
        self.tries.pop(seq, None)
        self.spent.pop(seq, None)


def follow(file: BinaryIO, state: State, start: int = 0) -> int:
    """Applies everything from ``start`` on to ``state``; returns the byte after the last whole line.

    Raises:
        OSError: the file cannot be read.
    """
    for piece in lines.pieces(file, start):
        state.feed(piece.start, piece.stop, piece.lines, piece.unreadable)
        start = piece.stop
    return start


def read_state(path: Path) -> tuple[State, int]:
    """Reads the state of a log and the byte after its last whole line; an empty state if there is no log.

    Raises:
        UsageError: the file is not a job log, or one of a newer program.
        OSError: it cannot be read.
    """
    state = State()
    if not path.exists():
        return state, 0
    if not path.is_file():
        raise UsageError(f"{path} is not a file: name another job log with --joblog")
    with path.open("rb") as file:
        end = follow(file, state)
    if state.run is None:
        if path.stat().st_size:
            raise UsageError(f"{path} is not a job log of this program: move it away, or name another with --joblog")
        return state, end
    if state.run.program != lines.PROGRAM:
        raise UsageError(f"{path} is the job log of another program: name another with --joblog")
    if state.run.format > lines.FORMAT:
        raise UsageError(f"{path} was written by a newer version, {state.run.version}: use that one")
    return state, end


def identity_of(run: lines.RunLine) -> RunIdentity:
    """Gives what a logged run works on."""
    return RunIdentity(run.work, run.subject, split_user_info(run.site)[0], run.limit)


def lock_path(path: Path) -> Path:
    """Gives the file whose lock the writer of a log holds."""
    return path.with_name(path.name + ".lock")


def listed(path: Path, state: State, *, but: Bitmap | None = None) -> Iterator[lines.JobLine]:
    """Yields the jobs of the list, in its order, each once, without those in ``but`` at that time."""
    given = Bitmap() if state.orphan_lines else None  # without orphan lines no job is listed twice
    with path.open("rb") as file:
        for block in state.blocks.copy():
            if but is not None and but.covers(block.low, block.high):
                continue
            for piece in lines.pieces(file, block.start, block.stop):
                found = [line for line in piece.lines if isinstance(line, lines.JobLine) and line.run == state.run_id]
                for line in found:
                    if (but is None or line.seq not in but) and (given is None or given.add(line.seq)):
                        yield line


def completed(path: Path, state: State) -> Iterator[tuple[str, lines.JobLine]]:
    """Yields the completed jobs, each with the id under which its title was saved."""
    for line in listed(path, state):
        if line.seq in state.done and line.seq not in state.failed:
            yield state.moved.get(line.seq, line.id), line


class _FailedInFull(lines.FailedLine, tag="failed"):
    id: str = ""
    detail: str = ""


_decode_failure: Final = msgspec.json.Decoder(_FailedInFull | lines.ReopenedLine).decode


def failures(path: Path, state: State) -> Iterator[Failure]:
    """Yields the jobs that have failed for good, in the order in which they failed."""
    given = Bitmap()
    reopened = 0
    with path.open("rb") as file:
        while text := file.readline(lines.LONGEST_LINE):
            if b'"failed"' not in text and b'"reopened"' not in text:
                continue
            try:
                line = _decode_failure(text)
            except lines.DAMAGE:
                continue  # counted when the log was read
            if line.run != state.run_id:
                continue
            if isinstance(line, lines.ReopenedLine):
                reopened += 1
                continue
            counts = reopened == state.reopened and line.retry is False and line.seq in state.failed
            if counts and given.add(line.seq):
                yield Failure(line.id, line.error, line.detail)

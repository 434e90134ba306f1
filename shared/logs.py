"""Logging: what is logged and where, the form of a line, and the lines of one job kept together."""

from __future__ import annotations

import json
import logging
import os
import sys
import threading
import traceback
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Final, TextIO, TypeAlias

from shared.secret import mask
from shared.text import printable

# --- options --------------------------------------------------------------------

SCREEN: Final = "filmledger.screen"  # a logger for messages that the screen shows already: they go to the log file only


class Verbosity(StrEnum):
    """The detail on the screen: warnings, the steps of each job, or everything."""

    MINIMAL = "minimal"
    VERBOSE = "verbose"
    DEBUG = "debug"


class LogFormat(StrEnum):
    """The format of a line of the log file."""

    TEXT = "text"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class LogOptions:
    """How to log.

    Attributes:
        verbosity: of the screen.
        quiet: nothing but errors on the screen, whatever the verbosity.
        file: receives all of this program's records, at every level; ``None``: no file.
        file_format: of that file.
        tracebacks: show tracebacks on the screen (``--debug``); the file always has them.
        external: also show libraries' own records (``--debug-external``): not at minimal, from INFO at verbose,
            all at debug.
    """

    verbosity: Verbosity = Verbosity.MINIMAL
    quiet: bool = False
    file: Path | None = None
    file_format: LogFormat = LogFormat.TEXT
    tracebacks: bool = False
    external: bool = False


# --- what the program says ------------------------------------------------------


def log_event(log: logging.Logger, event: str, message: str, *arguments: object, **fields: object) -> None:
    """Logs at INFO; a JSON log file has the event and the fields, a text log file the message.

    Args:
        event: such as ``title_saved``.
        message, arguments: as for ``log.info``.
        fields: JSON values.
    """
    log.info(message, *arguments, extra={"event": event, "fields": fields})


# --- activities -----------------------------------------------------------------

# One in the process, as with logging: code that starts a database does not depend on the command.
Listener: TypeAlias = Callable[[str], AbstractContextManager[None]]
_listener: Listener | None = None


@contextmanager
def activity(name: str) -> Iterator[None]:
    """Announces ``name``, such as ``starting PostgreSQL``, while the block runs; on any thread."""
    with nullcontext() if _listener is None else _listener(name):
        yield


def listen(listener: Listener | None) -> None:
    """Calls ``listener`` with every activity from now on; ``None``: none is shown."""
    global _listener
    _listener = listener


# --- the form of a line ---------------------------------------------------------


def message_of(record: logging.LogRecord) -> str:
    """The message with its arguments, masked and printable."""
    try:
        text = record.getMessage()
    except Exception as error:  # noqa: BLE001 - a wrong format string must not end the job that logs
        text = f"{record.msg!r} with arguments {record.args!r} ({error})"
    return printable(mask(text))


def traceback_of(record: logging.LogRecord) -> str:
    """The traceback of the record's exception, masked; empty if there is none."""
    if not record.exc_info or record.exc_info[0] is None:
        return ""
    return printable(mask("".join(traceback.format_exception(*record.exc_info)))).rstrip("\n")


def screen_line(record: logging.LogRecord, job: str, *, tracebacks: bool) -> str:
    """``12:30:01 WARNING tt0000001: message``; a message that begins with its job's name is not prefixed again."""
    moment = datetime.fromtimestamp(record.created, UTC).astimezone()
    message = message_of(record)
    who = f" {job}:" if job and not message.startswith(job) else ""
    line = f"{moment:%H:%M:%S} {record.levelname}{who} {message}"
    return _indented(line, traceback_of(record) if tracebacks else "")


def text_line(record: logging.LogRecord, job: str, run: str) -> str:
    """``2026-01-01T12:30:01.123Z WARNING run=4f5a job=tt0000001 [worker_3] infrastructure.http: message``"""
    line = (
        f"{_stamp(record)} {record.levelname} run={run or '-'} job={job or '-'} "
        f"[{record.threadName}] {record.name}: {message_of(record)}"
    )
    return _indented(line, traceback_of(record))


def json_line(record: logging.LogRecord, job: str, run: str) -> str:
    """One JSON object: ts, level, run, job, and an event with its fields, or else logger, thread and message.

    A record of an exception has its traceback too.
    """
    fields: dict[str, object] = {
        "ts": _stamp(record),
        "level": record.levelname,
        "run": run or None,
        "job": job or None,
    }
    if event := getattr(record, "event", None):
        fields |= {"event": event} | _masked(getattr(record, "fields", {}))
    else:
        fields |= {"logger": record.name, "thread": record.threadName, "message": message_of(record)}
    if trace := traceback_of(record):
        fields["traceback"] = trace
    return json.dumps(fields, separators=(",", ":"))


def _masked(fields: Mapping[str, object]) -> dict[str, object]:
    return {name: printable(mask(value)) if isinstance(value, str) else value for name, value in fields.items()}


def _stamp(record: logging.LogRecord) -> str:
    moment = datetime.fromtimestamp(record.created, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _indented(line: str, trace: str) -> str:
    """Indents all lines but the first, so that no message can look like another record."""
    text = f"{line}\n{trace}" if trace else line
    return text.replace("\n", "\n    ")


# --- the lines of one job -------------------------------------------------------

_MAX_LINES: Final = 1000  # a job with more lines is written in several pieces


class _Block:
    """The lines of one job so far, for each destination."""

    def __init__(self, key: str) -> None:
        self.key = key
        self._lock = threading.RLock()  # what the garbage collector calls may log in the middle of a line
        self._lines: dict[ScreenSink | LogFileSink, list[str]] = {}
        self._open = True

    def add(self, sink: ScreenSink | LogFileSink, line: str) -> None:
        """Keeps the line, or writes it at once if the job has ended."""
        with self._lock:
            held = self._lines.setdefault(sink, [])
            held.append(line)
            if self._open and len(held) < _MAX_LINES:
                return
            del self._lines[sink]
        sink.write(held)

    def close(self) -> None:
        """Writes all lines."""
        with self._lock:
            self._open = False
            lines, self._lines = self._lines, {}
        for sink, held in lines.items():
            sink.write(held)


# Threads that work for the job see it if they run in a copy of its context (``contextvars.copy_context().run``).
_block: ContextVar[_Block | None] = ContextVar("log_block", default=None)


@contextmanager
def job_log_scope(key: str) -> Iterator[None]:
    """Assigns everything logged inside to the job with this key. Scopes of the same job may be nested."""
    outer = _block.get()
    if outer is not None and outer.key == key:
        yield
        return
    block = _Block(key)
    token = _block.set(block)
    try:
        yield
    finally:
        _block.reset(token)
        block.close()


# --- destinations ---------------------------------------------------------------


class LineWriter:
    """Writes lines on a text stream in one piece each, from any thread.

    No caller waits: the thread that is writing also writes lines that arrive
    meanwhile, so a terminal that is stopped holds up one thread only. Nor does a call
    in the middle of a write disturb it (Python's streams raise RuntimeError).
    """

    def __init__(self, stream: Callable[[], TextIO]) -> None:
        self._stream = stream
        self._waiting: deque[str] = deque()
        self._turn = threading.Lock()

    def write(self, text: str) -> None:
        """Writes the text and ends the line.

        Raises:
            OSError, ValueError: the stream has gone, or is closed.
        """
        self._waiting.append(text)
        while self._waiting and self._turn.acquire(blocking=False):
            try:
                stream = self._stream()
                while self._waiting:
                    stream.write(self._waiting.popleft() + "\n")
                stream.flush()
            finally:
                self._turn.release()


class ScreenSink:
    """The current standard error: a live display replaces it, to keep its bar below."""

    def __init__(self) -> None:
        self._writer = LineWriter(lambda: sys.stderr)
        self._gone = False

    def write(self, lines: list[str]) -> None:
        """Writes the lines in one piece. After the stream is closed, nothing is written."""
        if self._gone:
            return
        try:
            self._writer.write("\n".join(lines))
        except (OSError, ValueError):  # the terminal or the pipe has gone, or the stream is closed
            self._gone = True


class LogFileSink:
    """A file that only its owner can read. A full disk is reported once on the screen; the run continues.

    Raises:
        OSError: the file cannot be opened for writing.
    """

    def __init__(self, path: Path, screen: ScreenSink) -> None:
        self._path = path
        self._screen = screen
        self._lock = threading.RLock()  # what the garbage collector calls may log in the middle of a line
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = open(path, "ab", buffering=0, opener=_private)  # noqa: SIM115 - Path.open has no opener

    def write(self, lines: list[str]) -> None:
        """Appends the lines in one piece."""
        data = ("\n".join(lines) + "\n").encode("utf-8", "backslashreplace")
        with self._lock:
            if self._file.closed:
                return
            try:
                while data:
                    data = data[self._file.write(data) :]
                return
            except OSError as error:
                self._file.close()
                reason = error.strerror
        self._screen.write([f"the log file {self._path} cannot be written and ends here: {reason}"])

    def close(self) -> None:
        """Closes the file. May be called again."""
        with self._lock:
            self._file.close()


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


# --- set-up ---------------------------------------------------------------------

OWN: Final = frozenset({"application", "domain", "infrastructure", "shared", "filmledger", "main", "__main__"})
_NEVER: Final = logging.CRITICAL + 1
_OURS: Final = {
    Verbosity.MINIMAL: logging.WARNING,
    Verbosity.VERBOSE: logging.INFO,
    Verbosity.DEBUG: logging.DEBUG,
}
_THEIRS: Final = {
    Verbosity.MINIMAL: _NEVER,
    Verbosity.VERBOSE: logging.INFO,
    Verbosity.DEBUG: logging.NOTSET,
}


class Logging:
    """Logging as it was configured, until ``close``.

    Attributes:
        run: the id of the run, written in every line of the file once it is known.
    """

    def __init__(self, options: LogOptions) -> None:
        self.run = ""
        self._options = options
        self._screen = ScreenSink()
        self._file = LogFileSink(options.file, self._screen) if options.file is not None else None
        self._handler = _Handler(self._dispatch)
        theirs = _THEIRS[options.verbosity] if options.external else _NEVER
        # Levels for this program's loggers and for those of libraries.
        self._screen_levels = (logging.ERROR, _NEVER) if options.quiet else (_OURS[options.verbosity], theirs)
        self._file_levels = (logging.NOTSET, theirs) if self._file is not None else (_NEVER, _NEVER)
        self._before: dict[str, int] = {}

    @property
    def verbose(self) -> bool:
        """Whether the screen shows more than warnings."""
        return self._options.verbosity is not Verbosity.MINIMAL

    def install(self) -> None:
        """Configures the root logger; records below the lowest level in use cost next to nothing."""
        ours = min(self._screen_levels[0], self._file_levels[0])
        theirs = min(self._screen_levels[1], self._file_levels[1])
        for name, level in {"": theirs, **dict.fromkeys(OWN, ours)}.items():
            logger = logging.getLogger(name)
            self._before[name] = logger.level
            logger.setLevel(max(level, 1))  # 0 would mean: use the parent's
        logging.getLogger().addHandler(self._handler)
        logging.captureWarnings(True)

    def close(self) -> None:
        """Restores the root logger and closes the file. May be called again."""
        if self._before:
            logging.captureWarnings(False)
            logging.getLogger().removeHandler(self._handler)
        for name, level in self._before.items():
            logging.getLogger(name).setLevel(level)
        self._before = {}
        if self._file is not None:
            self._file.close()

    def _dispatch(self, record: logging.LogRecord) -> None:
        block = _block.get()
        job = block.key if block else ""
        theirs = record.name.partition(".")[0] not in OWN
        shown_already = record.name == SCREEN
        if record.levelno >= self._screen_levels[theirs] and not shown_already:
            _write(block, self._screen, screen_line(record, job, tracebacks=self._options.tracebacks))
        if self._file is not None and record.levelno >= self._file_levels[theirs]:
            write = json_line if self._options.file_format is LogFormat.JSON else text_line
            _write(block, self._file, write(record, job, self.run))


class _Handler(logging.Handler):
    def __init__(self, dispatch: Callable[[logging.LogRecord], None]) -> None:
        super().__init__()
        self._dispatch = dispatch

    def handle(self, record: logging.LogRecord) -> bool:
        """Without the handler's lock: each sink has its own, and blocks are gathered by many threads at once."""
        self._dispatch(record)
        return True


def _write(block: _Block | None, sink: ScreenSink | LogFileSink, line: str) -> None:
    if block is None:
        sink.write([line])
    else:
        block.add(sink, line)


_current: Logging | None = None


def configure(options: LogOptions) -> Logging:
    """Configures logging for the whole process; an earlier configuration ends.

    Raises:
        OSError: the log file cannot be opened.
    """
    global _current
    configured = Logging(options)
    if _current is not None:
        _current.close()
    configured.install()
    _current = configured
    return configured

"""Sets up logging for a command, and restores it afterwards."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

from shared.log_block import Writer, current_block, job_log_scope
from shared.log_format import json_line, screen_line, text_line
from shared.log_options import SCREEN, LogFormat, LogOptions, Verbosity
from shared.log_sinks import LogFileSink, ScreenSink

__all__ = ["Logging", "configure", "job_log_scope"]

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
        block = current_block()
        job = block.key if block else ""
        theirs = record.name.partition(".")[0] not in OWN
        shown_already = record.name == SCREEN
        if record.levelno >= self._screen_levels[theirs] and not shown_already:
            _write(self._screen, screen_line(record, job, tracebacks=self._options.tracebacks))
        if self._file is not None and record.levelno >= self._file_levels[theirs]:
            write = json_line if self._options.file_format is LogFormat.JSON else text_line
            _write(self._file, write(record, job, self.run))


class _Handler(logging.Handler):
    def __init__(self, dispatch: Callable[[logging.LogRecord], None]) -> None:
        super().__init__()
        self._dispatch = dispatch

    def handle(self, record: logging.LogRecord) -> bool:
        """Without the handler's lock: each sink has its own, and blocks are gathered by many threads at once."""
        self._dispatch(record)
        return True


def _write(sink: Writer, line: str) -> None:
    block = current_block()
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

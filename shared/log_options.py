"""What is logged, where to, and in which form."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

SCREEN: Final = "filmledger.screen"  # a logger for what the screen shows already: it reaches the log file only


class Verbosity(StrEnum):
    """How much the screen shows: warnings, the way of each job, or everything."""

    MINIMAL = "minimal"
    VERBOSE = "verbose"
    DEBUG = "debug"


class LogFormat(StrEnum):
    """How a line of the log file is written."""

    TEXT = "text"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class LogOptions:
    """How to log.

    Attributes:
        verbosity: of the screen.
        quiet: nothing but errors on the screen, whatever the verbosity.
        file: everything of ours goes there too, at every level; ``None``: no file.
        file_format: of that file.
        tracebacks: show tracebacks on the screen (``--debug``); the file always has them.
        external: let libraries' own loggers speak (``--debug-external``): not at
            minimal, from INFO at verbose, wholly at debug.
    """

    verbosity: Verbosity = Verbosity.MINIMAL
    quiet: bool = False
    file: Path | None = None
    file_format: LogFormat = LogFormat.TEXT
    tracebacks: bool = False
    external: bool = False

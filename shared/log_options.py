"""What is logged, where, and in which form."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

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

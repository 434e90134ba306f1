"""The standard streams, which may be absent, closed or of any encoding; and the output of lines for people."""

from __future__ import annotations

import io
import os
import select
import sys
import threading
from contextlib import suppress
from typing import Final

from shared.secret import mask
from shared.text import printable

_POLL_SECONDS: Final = 0.1


def prepare_streams() -> None:
    """Makes all three standard streams usable.

    An absent stream becomes the null device, and so does its file descriptor:
    otherwise the next file that the program opens would get that number and receive
    everything that is printed. Characters that a stream's encoding does not have are
    escaped.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            with suppress(OSError):
                _open_null(number)
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w" if number else "r", encoding="utf-8"))  # noqa: PTH123, SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _open_null(number: int) -> None:
    descriptor = os.open(os.devnull, os.O_RDWR)
    if descriptor != number:
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.set_inheritable(number, True)


def echo(line: str) -> None:
    """Prints a line for a person: secrets are masked, and control characters that came with a title are escaped.

    Raises:
        OSError: standard output cannot be written.
    """
    sys.stdout.write(f"{printable(mask(line))}\n")
    sys.stdout.flush()


def say(line: str) -> None:
    """Prints a line about a job that continues without a reader of its lines.

    Raises:
        OSError: standard output cannot be written for another reason than that its reader has gone.
    """
    try:
        echo(line)
    except BrokenPipeError:
        discard_output()


def confirm(question: str, cancel: threading.Event) -> bool:
    """Asks for a yes on standard error; any other answer on standard input, and ``cancel`` while it waits, is a no."""
    sys.stderr.write(f"{printable(question)} [y/N] ")
    sys.stderr.flush()
    if os.name == "posix":  # on other systems a console cannot be waited for
        while not select.select([sys.stdin], [], [], _POLL_SECONDS)[0]:
            if cancel.is_set():
                return False
    return sys.stdin.readline().strip().casefold() in ("y", "yes")


def complain(message: str) -> None:
    """Prints one or more lines for a person on standard error.

    Uses the current ``sys.stderr``, because a live display replaces it to keep its
    lines apart. A closed standard error is not an error.
    """
    with suppress(OSError, ValueError):
        for line in printable(mask(message)).splitlines():
            sys.stderr.write(f"filmledger: {line}\n")
    flush_errors()


def flush_errors() -> None:
    """Writes what standard error has buffered, or discards it if its reader has gone."""
    try:
        sys.stderr.flush()
    except (OSError, ValueError):
        _discard(2)


def discard_output() -> None:
    """Sends standard output to the null device; otherwise the interpreter would write again at exit and return 120."""
    _discard(1)


def _discard(number: int) -> None:
    with open(os.devnull, "wb") as null:  # noqa: PTH123
        os.dup2(null.fileno(), number)

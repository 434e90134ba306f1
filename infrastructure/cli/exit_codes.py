"""Exit codes, and what leads to them: errors of a command, Ctrl-C and SIGTERM."""

from __future__ import annotations

import errno
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from enum import IntEnum
from types import FrameType
from typing import Final

import click

from domain.errors import Blocked, Cancelled, FilmledgerError, StoreUnavailable, UsageError
from infrastructure.cli.streams import complain, discard_output
from shared.threads import listening

log = logging.getLogger(__name__)
_STOPPED: Final = b"filmledger: stopped at once; run the same command to continue\n"
_STOPPING: Final = "finishing requests in flight; press Ctrl-C again to stop now"
_OWN: Final = ("filmledger", "infrastructure", "application", "domain", "shared")


class Exit(IntEnum):
    """If several apply: INTERRUPTED, then BLOCKED, then FAILED."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    BLOCKED = 3
    INTERRUPTED = 130


@contextmanager
def errors_as_exit_codes(*, debug: bool) -> Iterator[None]:
    """Converts an error of a command to one line and an exit code; ``debug`` also shows the traceback."""
    try:
        yield
    except click.exceptions.Exit:
        raise
    except (KeyboardInterrupt, click.Abort):
        complain("interrupted")
        sys.exit(Exit.INTERRUPTED)
    except BrokenPipeError:
        discard_output()  # the reader has closed the pipe, as `| head` does, so no message can be shown
        sys.exit(Exit.FAILED)
    except Exception as error:
        message, code = _explained(error)
        if isinstance(error, OSError) and _is_output_lost():
            message, code = f"the output cannot be written: {error.strerror}", Exit.FAILED
        complain(message)
        if debug:
            log.exception("traceback, as --debug asks")
        sys.exit(code)


def _is_output_lost() -> bool:
    """Whether standard output refuses its buffered data, which is then discarded."""
    try:
        sys.stdout.flush()
    except OSError:
        discard_output()
        return True
    return False


def _explained(error: Exception) -> tuple[str, Exit]:
    if isinstance(error, click.UsageError):
        where = f"; see `{error.ctx.command_path} --help`" if error.ctx else ""
        message = " ".join(error.format_message().split()).removesuffix(".")
        return message[:1].lower() + message[1:] + where, Exit.USAGE
    if isinstance(error, UsageError):
        return str(error), Exit.USAGE
    if isinstance(error, Cancelled):
        return "interrupted before the first title; nothing was changed", Exit.INTERRUPTED
    if isinstance(error, Blocked):
        return str(error), Exit.BLOCKED
    if isinstance(error, FilmledgerError):
        return str(error), Exit.FAILED
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        where = f" for {error.filename}" if error.filename else ""
        return f"no space left on the disk{where}; free some and run the same command again", Exit.FAILED
    if isinstance(error, OSError) and error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"cannot write {error.filename}: {error.strerror}; check its owner and mode", Exit.FAILED
    if isinstance(error, ModuleNotFoundError) and error.name and not error.name.startswith(_OWN):
        return f"the package {error.name} is not installed; run pip install -r requirements.txt again", Exit.USAGE
    return f"unexpected {type(error).__name__}: {error}; please report it with the output of --debug", Exit.FAILED


@contextmanager
def graceful_stop(cancel: threading.Event, announce: Callable[[str], None]) -> Iterator[threading.Event]:
    """Installs the handlers for the length of a run; must be called on the main thread.

    Args:
        cancel: set by the first signal; ends every wait.
        announce: prints what happens now.

    Yields:
        An event that is set once a signal was received.

    Raises:
        KeyboardInterrupt: a wait for a store ended because of the signal.
    """
    interrupted = threading.Event()

    def receive(number: int) -> None:
        if interrupted.is_set():
            with suppress(OSError):
                # On a terminal the cursor is at the end of the progress display.
                os.write(2, (b"\n" if sys.stderr.isatty() else b"") + _STOPPED)
            os._exit(Exit.FAILED)  # half-written files are repaired when they are next opened
        interrupted.set()
        cancel.set()
        announce(f"{signal.Signals(number).name}: {_STOPPING}")

    # The listener begins before the handlers and ends after them: a handler without it would lose the signal.
    with listening(receive):
        before = {number: signal.signal(number, _ignore) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield interrupted
        except StoreUnavailable as error:
            if not interrupted.is_set():
                raise
            announce(str(error))
            raise KeyboardInterrupt from error
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def _ignore(_number: int, _frame: FrameType | None) -> None:
    """Does nothing, because the listener receives the number."""

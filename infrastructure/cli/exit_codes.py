"""Exit codes, and the conversion of errors to them."""

from __future__ import annotations

import errno
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum
from typing import Final

import click

from domain.errors import Blocked, Cancelled, FilmledgerError, UsageError
from infrastructure.cli.streams import complain, discard_output

log = logging.getLogger(__name__)
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

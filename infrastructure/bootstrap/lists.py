"""Reads a file that lists titles, line by line."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from application.listed_titles import ListedTitle, listed_titles
from domain.errors import UsageError
from shared.text import TextError, text_lines

_MAX_COMPLAINTS: Final = 10  # lines that are reported one by one


def read_list(path: Path, warn: Callable[[str], None]) -> Iterator[ListedTitle]:
    """The titles of a list; it may be empty, for example if no title failed. Streams.

    Lines that are not UTF-8 are read as ISO-8859-1: ids, ratings and dates are the same in both.

    Raises:
        UsageError: it cannot be read, or does not list titles.
    """
    complaints = named = 0

    def complain(problem: str) -> None:
        nonlocal complaints
        complaints += 1
        if complaints <= _MAX_COMPLAINTS:
            warn(f"{path}: {problem}")

    try:
        for title in listed_titles(text_lines(path, fallback="iso-8859-1"), complain):
            named += 1
            yield title
    except TextError as error:
        raise UsageError(str(error)) from error
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
    if complaints > _MAX_COMPLAINTS:
        warn(f"{path}: and {complaints - _MAX_COMPLAINTS} more such lines")
    if complaints and not named:
        raise UsageError(f"{path} names no title: one IMDb id or title address a line is needed")

"""Everything that can go wrong with one title, one store or one run.

::

    FilmledgerError                  a message a user can act on
    ├── InvalidMovie                 a record that cannot be true           do not retry
    ├── SourceError                  one page could not be had or read
    │   ├── Transient                reset, timeout, 5xx, cut-off body      retry
    │   ├── NotFound                 404, 410                               do not retry
    │   ├── Disallowed               robots.txt closes the address          do not retry
    │   ├── NotATitlePage            some other page                        do not retry
    │   ├── UnknownLayout            a title page we cannot read            do not retry
    │   ├── WrongTitle               the page of another title              do not retry
    │   ├── UnusablePicture          a poster that is broken or dangerous   do not retry
    │   ├── Blocked                  the site refuses programs              stop the run
    │   └── Cancelled                we were asked to stop                  stays pending
    ├── ChartError                   the chart is short, torn or unreadable
    ├── StoreError                   one store could not do it (names it)
    │   ├── StoreUnavailable         full disk, lost connection             retry
    │   └── RecordRejected           a constraint refuses the record        do not retry
    └── UsageError                   settings, arguments, files of another shape (exit code 2)

``retry`` answers one question: could the same request, made again later in the
same run, succeed?
"""

from __future__ import annotations

from typing import Any, ClassVar


class FilmledgerError(Exception):
    """Base of every error this program raises on purpose; ``str()`` is one clear line."""

    retry: ClassVar[bool] = False


class InvalidMovie(FilmledgerError, ValueError):
    """A record with impossible values; ``problems`` lists all of them, not the first.

    ``requests`` and ``size`` are what reading its page took, as for ``SourceError``.
    """

    requests: int = 0
    size: int = 0

    def __init__(self, subject: str, problems: list[str]) -> None:
        self.subject = subject
        self.problems = tuple(problems)
        super().__init__(f"{subject}: " + "; ".join(problems))

    def __reduce__(self) -> tuple[type[InvalidMovie], tuple[str, list[str]], dict[str, Any]]:
        return type(self), (self.subject, list(self.problems)), self.__dict__


class SourceError(FilmledgerError):
    """One page could not be fetched or read.

    ``requests`` is how many HTTP requests were spent before giving up, ``size``
    how many body bytes they brought; the run adds both to its totals.
    """

    requests: int = 0
    size: int = 0


class Transient(SourceError):
    """A failure that may pass: reset, timeout, 5xx, cut-off or undecodable body."""

    retry = True


class NotFound(SourceError):
    """The site says that there is no such title (404 or 410)."""


class Disallowed(SourceError):
    """robots.txt closes this address to programs, and we respect it."""


class NotATitlePage(SourceError):
    """A readable page that is not a title's: a search result, a list, an error page."""


class UnknownLayout(SourceError):
    """A page whose layout is not recognised; the message names what was not found."""


class WrongTitle(SourceError):
    """The page belongs to another title than the one asked for, and is no remap of it."""


class UnusablePicture(SourceError):
    """A poster that is no picture, a broken one, or one too large to be opened safely."""


class Blocked(SourceError):
    """The site answered with a challenge or a refusal instead of the page."""


class Cancelled(SourceError):
    """The run is stopping; the title was neither saved nor failed and stays pending."""


class ChartError(FilmledgerError):
    """The chart cannot be trusted: titles missing, a gap in the ranks, a repeated rank."""


class StoreError(FilmledgerError):
    """One of the stores failed; ``store`` is its name (``csv``, ``postgres``)."""

    def __init__(self, store: str, message: str) -> None:
        self.store = store
        self.message = message
        super().__init__(f"{store}: {message}")

    def __reduce__(self) -> tuple[type[StoreError], tuple[str, str]]:
        return type(self), (self.store, self.message)


class StoreUnavailable(StoreError):
    """The store cannot take anything now: full disk, lost server, exhausted pool."""

    retry = True


class RecordRejected(StoreError):
    """The store refuses this record alone; the message names the column."""


class UsageError(FilmledgerError):
    """Wrong settings, arguments or input files; the message says what is allowed instead."""

"""The errors of one title, one store or one run.

::

    FilmledgerError                  a message a user can act on
    ├── InvalidMovie                 a record with impossible values        do not retry
    ├── SourceError                  one page could not be fetched or read
    │   ├── Transient                reset, timeout, 5xx, cut-off body      retry
    │   ├── NotFound                 404, 410                               do not retry
    │   ├── Disallowed               robots.txt disallows the address       do not retry
    │   ├── NotATitlePage            another kind of page                   do not retry
    │   ├── UnknownLayout            a title page with an unknown layout    do not retry
    │   ├── WrongTitle               the page of another title              do not retry
    │   ├── UnusablePicture          a poster that is damaged or dangerous  do not retry
    │   ├── Blocked                  the site refuses automated clients     stop the run
    │   └── Cancelled                the run is stopping                    stays pending
    ├── ChartError                   the chart is incomplete or unreadable
    ├── StoreError                   one store failed (named)
    │   ├── StoreUnavailable         full disk, lost connection             retry
    │   └── RecordRejected           a constraint refuses the record        do not retry
    └── UsageError                   settings, arguments, input files (exit code 2)

``retry`` means that the same request may succeed later in the same run.
"""

from __future__ import annotations

from typing import Any, ClassVar


class FilmledgerError(Exception):
    """Base of every error that this program raises on purpose; ``str()`` is one clear line.

    ``requests`` is the number of HTTP requests that were sent before it for a page, ``size`` the number of received
    body bytes; the run adds both to its totals.
    """

    retry: ClassVar[bool] = False
    requests: int = 0
    size: int = 0


class InvalidMovie(FilmledgerError, ValueError):
    """A record with impossible values; ``problems`` lists all of them."""

    def __init__(self, subject: str, problems: list[str]) -> None:
        self.subject = subject
        self.problems = tuple(problems)
        super().__init__(f"{subject}: " + "; ".join(problems))

    def __reduce__(self) -> tuple[type[InvalidMovie], tuple[str, list[str]], dict[str, Any]]:
        return type(self), (self.subject, list(self.problems)), self.__dict__


class SourceError(FilmledgerError):
    """One page could not be fetched or read."""


class Transient(SourceError):
    """A failure that may pass: reset, timeout, 5xx, cut-off or undecodable body."""

    retry = True


class NotFound(SourceError):
    """The site reports that there is no such title (404 or 410)."""


class Disallowed(SourceError):
    """robots.txt disallows this address."""


class NotATitlePage(SourceError):
    """A readable page of another kind: a search result, a list, an error page."""


class UnknownLayout(SourceError):
    """A page whose layout is not recognised; the message names what is missing."""


class WrongTitle(SourceError):
    """The page belongs to another title, and the title was not moved to it."""


class UnusablePicture(SourceError):
    """A poster that is not a picture, is damaged, or is too large to be opened safely."""


class Blocked(SourceError):
    """The site answered with a challenge or a refusal instead of the page."""


class Cancelled(SourceError):
    """The run is stopping; the title was neither saved nor failed and stays pending."""


class ChartError(FilmledgerError):
    """The chart is not valid: missing titles, a gap in the ranks, a repeated rank."""


class StoreError(FilmledgerError):
    """One of the stores failed; ``store`` is its name (``csv``, ``postgres``)."""

    def __init__(self, store: str, message: str) -> None:
        self.store = store
        self.message = message
        super().__init__(f"{store}: {message}")

    def __reduce__(self) -> tuple[type[StoreError], tuple[str, str]]:
        return type(self), (self.store, self.message)


class StoreUnavailable(StoreError):
    """The store is unavailable: full disk, lost server, exhausted pool."""

    retry = True


class RecordRejected(StoreError):
    """The store refuses this one record; the message names the column."""


class UsageError(FilmledgerError):
    """Wrong settings, arguments or input files; the message says what is allowed instead."""

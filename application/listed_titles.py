"""Lists of titles: ids or addresses, one a line, or a list that IMDb exported, in any of its forms.

Of an exported list only the id, the user's rating and its date are read, because
every other column depends on the language of the account, and because many lists
were saved again by a spreadsheet: another separator, another encoding, dates of
another form, blank rows, rows of any length.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import chain
from typing import Final

from application.ports.stores import MovieRepository
from application.records import Row, to_row
from domain.fields import IMDB_ID, Table

_ID_OR_URL: Final = re.compile(r"(?:\S*/title/)?(tt[0-9]{7,10})(?:[/?]\S*)?")
_ROW_START: Final = r'\s*(?:"?[^"{0}]*"?{0}){{{1}}}"?tt[0-9]{{7,10}}"?(?:{0}|\s*$)'
_SEPARATOR_LINE: Final = re.compile(r"sep=.", re.IGNORECASE)  # a spreadsheet's own
_SEPARATORS: Final = ",;\t"
_RATING: Final = re.compile(r"(10|[1-9])(?:[.,]0+)?")
# The date column depends on the rating column: lists of 2018 and later also have the date a title was added.
_DATES: Final[Mapping[str, Sequence[str]]] = {"your rating": ("date rated", "date added"), "you rated": ("created",)}
_FREE_TEXT: Final = ("description", "title", "original title", "directors", "genres")
_ISO: Final = re.compile(r"([0-9]{4})[-/.]([0-9]{1,2})[-/.]([0-9]{1,2})(?:[T ].*)?")
_NUMBERS: Final = re.compile(r"([0-9]{1,2})[-/.]([0-9]{1,2})[-/.]([0-9]{4})(?:[T ].*)?")
_CTIME: Final = re.compile(r"[A-Z][a-z]{2} ([A-Z][a-z]{2}) {1,2}([0-9]{1,2}) [0-9:]{8} ([0-9]{4})")
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_ROWS_AT_A_TIME: Final = 1000


@dataclass(frozen=True, slots=True)
class ListedTitle:
    """A title of a list.

    Attributes:
        line: the number of its first line in the list, from 1.
        rating: the user's, 1 to 10.
        rated: its date, as in the list; empty if the list has none.
    """

    imdb_id: str
    line: int
    rating: int | None = None
    rated: str = ""


def listed_titles(lines: Iterable[str], complain: Callable[[str], None]) -> Iterator[ListedTitle]:
    """The titles of a list. Streams: a list may be longer than memory.

    A list whose first line has a column ``Const`` is an exported one. In any other, blank
    lines are skipped and ``#`` begins a comment. A byte order mark and any line ends are accepted.

    Args:
        lines: with or without line ends.
        complain: called with each line that names no title, or whose rating cannot be read, and its number.
    """
    numbered = ((number, line.rstrip("\r\n").lstrip("\ufeff")) for number, line in enumerate(lines, 1))
    for number, line in numbered:
        if not line.strip() or _SEPARATOR_LINE.fullmatch(line.strip()):
            continue
        header = _Header.of(line)
        if header is not None:
            yield from _exported(header, numbered, complain)
        else:
            yield from _plain(chain([(number, line)], numbered), complain)


def _plain(lines: Iterable[tuple[int, str]], complain: Callable[[str], None]) -> Iterator[ListedTitle]:
    for number, line in lines:
        text = line.split("#", 1)[0].strip()
        if not text:
            continue
        match = _ID_OR_URL.fullmatch(text)
        if match is None:
            complain(f"line {number}: {text[:80]!r} is neither an IMDb id nor a title's address; skipped")
            continue
        yield ListedTitle(match[1], number)


# --- exported lists --------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Header:
    """The columns of an exported list that are read; places are counted from 0, -1 for none."""

    separator: str
    width: int
    const: int
    rating: int
    rated: int
    first_text: int

    @classmethod
    def of(cls, line: str) -> _Header | None:
        """The header in a line; ``None`` if it is not that of an exported list."""
        for separator in _SEPARATORS:
            names = [cell.strip().casefold() for cell in _cells(line, separator)]
            if "const" not in names:
                continue
            places = {name: place for place, name in reversed(list(enumerate(names)))}
            rating = next((name for name in _DATES if name in places), "")
            return cls(
                separator,
                len(names),
                places["const"],
                places.get(rating, -1),
                next((places[name] for name in _DATES.get(rating, ()) if name in places), -1),
                min((places[name] for name in _FREE_TEXT if name in places), default=len(names)),
            )
        return None


def _exported(
    header: _Header, lines: Iterator[tuple[int, str]], complain: Callable[[str], None]
) -> Iterator[ListedTitle]:
    for number, text in _records(header, lines):
        cells = [cell.strip() for cell in _cells(text, header.separator)]
        while cells and not cells[-1]:
            cells.pop()
        if not cells:
            continue
        imdb_id = _id_of(header, cells)
        if imdb_id is None:
            complain(f"line {number}: {text[:80]!r} has no IMDb id of a title; skipped")
            continue
        # A separator in a text without quotes moves all cells behind it.
        moved = len(cells) > header.width
        rating, rated = (
            "" if place >= len(cells) or place < 0 or (moved and place > header.first_text) else cells[place]
            for place in (header.rating, header.rated)
        )
        match = _RATING.fullmatch(rating)
        if match is None and (rating or (moved and header.rating > header.first_text)):
            why = f"{rating!r} is not a rating from 1 to 10" if rating else "the row has more cells than the header"
            complain(f"line {number}: {imdb_id}: {why}; its rating is left out")
        yield ListedTitle(imdb_id, number, int(match[1]), rated) if match else ListedTitle(imdb_id, number)


def _id_of(header: _Header, cells: Sequence[str]) -> str | None:
    """The id in its own column, or the only one that the row has."""
    if header.const < len(cells) and IMDB_ID.fullmatch(cells[header.const]):
        return cells[header.const]
    found = {match[1] for cell in cells if (match := _ID_OR_URL.fullmatch(cell))}
    return found.pop() if len(found) == 1 else None


def _records(header: _Header, lines: Iterable[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    """The rows with the number of their first line; a quoted text may have several lines.

    A line that begins like a row starts a new one, even if a quote before it was not closed.
    """
    starts = re.compile(_ROW_START.format(re.escape(header.separator), header.const))
    begun: list[str] = []
    first = 0
    quoted = False
    for number, line in lines:
        if begun and starts.match(line):
            yield first, "\n".join(begun)
            begun = []
        if not begun:
            first, quoted = number, False
        begun.append(line)
        quoted ^= line.count('"') % 2 == 1
        if not quoted:
            yield first, "\n".join(begun)
            begun = []
    if begun:
        yield first, "\n".join(begun)


def _cells(text: str, separator: str) -> list[str]:
    """The cells of one row; quotes that are not in pairs are part of their cell."""
    try:
        return next(csv.reader([text], delimiter=separator), [])
    except csv.Error:  # a cell longer than any that IMDb writes
        return text.split(separator)


# --- ratings ---------------------------------------------------------------------


def day_of(text: str) -> date | None:
    """The day of a date of an exported list; ``None`` if it is ambiguous or cannot be read.

    ``2019-03-04``, ``Mon Mar  4 08:36:35 2019`` and ``3/25/2019`` are clear; ``3/4/2019`` is ambiguous.
    """
    if match := _ISO.fullmatch(text):
        return _day(*match.groups())
    if match := _CTIME.fullmatch(text):
        month = _MONTHS.index(match[1]) + 1 if match[1] in _MONTHS else 0
        return _day(match[3], month, match[2])
    if match := _NUMBERS.fullmatch(text):
        one, two, year = match.groups()
        days = {_day(year, one, two), _day(year, two, one)} - {None}
        return days.pop() if len(days) == 1 else None
    return None


def _day(year: int | str, month: int | str, day: int | str) -> date | None:
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        return None


@dataclass(slots=True)
class MyRatings:
    """Saves the ratings of an exported list as rows of ``my_ratings``, some at a time.

    Attributes:
        read_at: when the list was read.
        saved: the number of ratings that were saved.
    """

    store: MovieRepository
    read_at: datetime
    saved: int = 0
    _rows: dict[str, Row] = field(default_factory=dict)
    _unclear: int = 0
    _example: str = ""

    def save(self, titles: Iterable[ListedTitle]) -> Iterator[ListedTitle]:
        """Passes the titles through; their ratings are saved when the iterator has ended. Streams.

        Raises:
            StoreUnavailable: a store is unavailable.
        """
        for title in titles:
            if title.rating is not None:
                self._add(title)
            yield title
        self._flush()

    def summary(self) -> str:
        """The number of saved ratings, in one line; empty if none."""
        if not self.saved:
            return ""
        text = f"{self.saved} ratings of your own saved (my_ratings)"
        if self._unclear:
            dates = "1 date is" if self._unclear == 1 else f"{self._unclear} dates are"
            text += f"; {dates} kept as text, which does not name one day: {self._example}"
        return text

    def _add(self, title: ListedTitle) -> None:
        day = day_of(title.rated)
        unclear = bool(title.rated) and day is None
        if unclear:
            self._unclear += 1
            self._example = self._example or f"{title.rated[:40]!r} in line {title.line}"
        values = {
            "imdb_id": title.imdb_id,
            "rating": title.rating,
            "rated_on": day,
            "rated_text": title.rated if unclear else None,
            "read_at": self.read_at,
        }
        self._rows[title.imdb_id] = to_row(Table.MY_RATINGS, values)
        if len(self._rows) >= _ROWS_AT_A_TIME:
            self._flush()

    def _flush(self) -> None:
        if self._rows:
            self.store.save_rows(Table.MY_RATINGS, list(self._rows.values()))
            self.saved += len(self._rows)
            self._rows.clear()

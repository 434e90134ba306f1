"""Writes tables row by row: a large result is not held in memory, except what a terminal table needs.

Cells hold text from the web, which could control a terminal, and whose links and
images a Markdown reader would render: both get escaped text. Files and pipes as CSV
and JSON get unchanged values.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal
from enum import StrEnum
from itertools import accumulate, chain, islice
from typing import Final, Literal, TextIO

from application.ports.runs import TableOfValues, Value
from shared.text import printable

_ROWS_IN_A_PIECE: Final = 1000
_NO_LIMIT: Final = 100_000  # columns of a file or a pipe
_NARROW: Final = 16
_SEPARATOR: Final = 3
_MARKDOWN: Final = re.compile(r"[\\`*_\[\]|~]")


class Format(StrEnum):
    """The ways a table can be written."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"
    MARKDOWN = "markdown"


def write(tables: Iterable[TableOfValues], form: Format, out: TextIO, *, headings: bool = True) -> None:
    """Writes tables in turn.

    Args:
        out: with the width and colours of the terminal for ``TABLE``, if it is one.
        headings: also titles and explanations, if the format has room for them. Several tables as CSV are
            separated by an empty line.
    """
    _WRITERS[form](tables, out, headings)


def _write_csv(tables: Iterable[TableOfValues], out: TextIO, headings: bool) -> None:  # noqa: ARG001 - CSV has no room
    writer = csv.writer(out, lineterminator="\n")
    for number, table in enumerate(tables):
        if number:
            out.write("\n")
        shown = printable if out.isatty() else str
        writer.writerow([shown(name) for name in table.columns])
        writer.writerows([shown(_text(value)) for value in row] for row in table.rows)


def _write_json(tables: Iterable[TableOfValues], out: TextIO, headings: bool) -> None:
    """With headings an array of reports; without, each table is an array of its rows."""
    out.write("[" if headings else "")
    for number, table in enumerate(tables):
        if headings:
            head = {"report": table.name, "title": table.title, "explanation": table.explanation}
            out.write((",\n" if number else "\n") + json.dumps(head, ensure_ascii=False)[:-1] + ', "rows": ')
        _write_json_rows(table, out)
        out.write("}" if headings else "\n")
    out.write("\n]\n" if headings else "")


def _write_json_rows(table: TableOfValues, out: TextIO) -> None:
    out.write("[")
    for number, row in enumerate(table.rows):
        values = {name: _number(value) for name, value in zip(table.columns, row, strict=True)}
        text = json.dumps(values, ensure_ascii=False)
        out.write((",\n" if number else "\n") + (_json_escaped(text) if out.isatty() else text))
    out.write("\n]")


def _write_markdown(tables: Iterable[TableOfValues], out: TextIO, headings: bool) -> None:
    for number, table in enumerate(tables):
        if number:
            out.write("\n")
        if headings:
            out.write(f"## {table.title}\n\n{table.explanation}\n\n")
        out.write(_markdown_line(table.columns))
        rows, numeric = _with_kinds(table)
        out.write(_markdown_line(["---:" if is_number else "---" for is_number in numeric]))
        for row in rows:
            out.write(_markdown_line([_text(value) for value in row]))


def _write_table(tables: Iterable[TableOfValues], out: TextIO, headings: bool) -> None:
    from rich.cells import cell_len  # imported here because the other forms must start quickly
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(file=out, width=None if out.isatty() else _NO_LIMIT)
    overflow: Literal["ellipsis", "fold"] = "ellipsis" if console.encoding.startswith("utf") else "fold"
    for table in tables:
        if headings:
            console.print(Text(f"\n{table.title}", "bold"), Text(table.explanation, "dim"), sep="\n")
        rows, numeric = _with_kinds(table)
        names = [_line(name) for name in table.columns]
        widths: list[int] = []
        while piece := [[_line(_text(value)) for value in row] for row in islice(rows, _ROWS_IN_A_PIECE)]:
            widths = widths or [max(map(cell_len, column)) for column in zip(names, *piece, strict=True)]
            shown = Table(show_edge=False, pad_edge=False, header_style="bold")
            for name, width, is_number in islice(
                zip(names, widths, numeric, strict=True), _room(widths, console.width)
            ):
                justify: Literal["left", "right"] = "right" if is_number else "left"
                shown.add_column(Text(name), justify=justify, overflow=overflow, no_wrap=width <= _NARROW)
            for row in piece:
                shown.add_row(*map(Text, row[: len(shown.columns)]))
            console.print(shown)
        if not widths:
            console.print(Text("nothing", "dim"))
        elif hidden := names[_room(widths, console.width) :]:
            console.print(Text(f"not shown for lack of room: {', '.join(hidden)}", "dim"))


def _room(widths: list[int], width: int) -> int:
    """How many columns fit beside each other; wide ones may be wrapped down to ``_NARROW``, and one is always shown."""
    ends = accumulate(min(each, _NARROW) + _SEPARATOR for each in widths)
    return max(1, sum(end - _SEPARATOR <= width for end in ends))


def _with_kinds(table: TableOfValues) -> tuple[Iterator[tuple[Value, ...]], list[bool]]:
    """The rows, and for each column whether it holds numbers, judged by the first rows."""
    rows = iter(table.rows)
    first = list(islice(rows, 100))
    numeric = []
    for index in range(len(table.columns)):
        values = [row[index] for row in first if row[index] is not None]
        numeric.append(bool(values) and all(map(_is_number, values)))
    return chain(first, rows), numeric


def _markdown_line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(_markdown(cell) for cell in cells) + " |\n"


def _markdown(cell: str) -> str:
    """Text that a Markdown reader shows as it is: no HTML, link, image, code or emphasis."""
    text = printable(cell.replace("\r\n", "\n")).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _MARKDOWN.sub(r"\\\g<0>", text).replace("\n", "<br>")


def _line(text: str) -> str:
    """Text on one line of a terminal."""
    return printable(text.replace("\n", " ").replace("\t", " "))


def _json_escaped(text: str) -> str:
    """JSON with the characters escaped that could control a terminal; still the same JSON."""
    return "".join(c if c in "\n\t" or printable(c) == c else f"\\u{ord(c):04x}" for c in text)


def _text(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def _is_number(value: Value) -> bool:
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


def _number(value: Value) -> str | int | float | None:
    return float(value) if isinstance(value, Decimal) else value


_WRITERS: Final[Mapping[Format, Callable[[Iterable[TableOfValues], TextIO, bool], None]]] = {
    Format.TABLE: _write_table,
    Format.CSV: _write_csv,
    Format.JSON: _write_json,
    Format.MARKDOWN: _write_markdown,
}

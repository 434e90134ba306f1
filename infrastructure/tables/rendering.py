"""Writing tables out, row by row: a large answer does not gather in memory, except what a terminal table needs."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal
from enum import StrEnum
from itertools import islice
from typing import Final, TextIO

from application.ports import TableOfValues, Value

_ROWS_IN_A_PIECE: Final = 1000


class Format(StrEnum):
    """The ways a table can be written."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"
    MARKDOWN = "markdown"


def write(tables: Iterable[TableOfValues], form: Format, out: TextIO, *, headings: bool = True) -> None:
    """Write tables one after the other.

    Args:
        form: how.
        out: where to; for ``TABLE`` its width and colours are those of the terminal it is, if it is one.
        headings: titles and explanations too, where the form has room for them. Several tables as CSV are
            separated by an empty line.
    """
    _WRITERS[form](tables, out, headings)


def _write_csv(tables: Iterable[TableOfValues], out: TextIO, headings: bool) -> None:  # noqa: ARG001 - CSV has no room
    writer = csv.writer(out, lineterminator="\n")
    for number, table in enumerate(tables):
        if number:
            out.write("\n")
        writer.writerow(table.columns)
        writer.writerows([_text(value) for value in row] for row in table.rows)


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
        out.write((",\n" if number else "\n") + json.dumps(values, ensure_ascii=False))
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
    from rich.console import Console  # only here: the other forms must start quickly
    from rich.table import Table
    from rich.text import Text

    console = Console(file=out)
    for table in tables:
        if headings:
            console.print(Text(f"\n{table.title}", "bold"), Text(table.explanation, "dim"), sep="\n")
        rows, numeric = _with_kinds(table)
        empty = True
        while piece := list(islice(rows, _ROWS_IN_A_PIECE)):
            empty = False
            shown = Table(show_edge=False, pad_edge=False, header_style="bold")
            for name, is_number in zip(table.columns, numeric, strict=True):
                shown.add_column(Text(name), justify="right" if is_number else "left")
            for row in piece:
                shown.add_row(*(Text(_printable(value)) for value in row))
            console.print(shown)
        if empty:
            console.print(Text("nothing", "dim"))


def _with_kinds(table: TableOfValues) -> tuple[Iterator[tuple[Value, ...]], list[bool]]:
    """The rows, and for each column whether it holds numbers, judged by the first rows."""
    rows = iter(table.rows)
    first = list(islice(rows, 100))
    numeric = []
    for index in range(len(table.columns)):
        values = [row[index] for row in first if row[index] is not None]
        numeric.append(bool(values) and all(_is_number(value) for value in values))

    def all_rows() -> Iterator[tuple[Value, ...]]:
        yield from first
        yield from rows

    return all_rows(), numeric


def _markdown_line(cells: Iterable[str]) -> str:
    escaped = (cell.replace("\\", "\\\\").replace("|", "\\|").replace("\n", "<br>").replace("\r", "") for cell in cells)
    return "| " + " | ".join(escaped) + " |\n"


def _printable(value: Value) -> str:
    """Text as a terminal may be given it: control characters could move the cursor or change its title."""
    return "".join(c if c.isprintable() else "\ufffd" if c not in "\n\t" else " " for c in _text(value))


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

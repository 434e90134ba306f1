"""Tables in four forms."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from application.ports.runs import TableOfValues, Value
from infrastructure.tables import Format, write

FILMS = TableOfValues(
    "films",
    "Films",
    "Some of them.",
    ("title", "year", "rating"),
    [("One, two", 1994, Decimal("9.0")), ("A | B", None, Decimal("8.55")), ("", 2001, None)],
)


def written(form: Format, *tables: TableOfValues, headings: bool = True) -> str:
    out = io.StringIO()
    write(tables, form, out, headings=headings)
    return out.getvalue()


def test_csv_has_a_header_and_plain_cells() -> None:
    assert written(Format.CSV, FILMS) == 'title,year,rating\n"One, two",1994,9.0\nA | B,,8.55\n,2001,\n'


def test_several_tables_as_csv_are_separated() -> None:
    assert written(Format.CSV, FILMS, FILMS).count("\n\ntitle,year,rating\n") == 1


def test_json_is_one_document_with_numbers_as_numbers() -> None:
    films, again = json.loads(written(Format.JSON, FILMS, FILMS))
    assert films == again
    assert films == {
        "report": "films",
        "title": "Films",
        "explanation": "Some of them.",
        "rows": [
            {"title": "One, two", "year": 1994, "rating": 9.0},
            {"title": "A | B", "year": None, "rating": 8.55},
            {"title": "", "year": 2001, "rating": None},
        ],
    }


def test_json_without_headings_is_the_rows() -> None:
    assert [row["year"] for row in json.loads(written(Format.JSON, FILMS, headings=False))] == [1994, None, 2001]


def test_nothing_at_all_is_still_json() -> None:
    assert json.loads(written(Format.JSON)) == []
    empty = TableOfValues("e", "E", "", ("a",), [])
    assert json.loads(written(Format.JSON, empty, headings=False)) == []


def test_markdown_escapes_what_would_break_it() -> None:
    assert written(Format.MARKDOWN, FILMS) == (
        "## Films\n\nSome of them.\n\n"
        "| title | year | rating |\n| --- | ---: | ---: |\n"
        "| One, two | 1994 | 9.0 |\n| A \\| B |  | 8.55 |\n|  | 2001 |  |\n"
    )


def test_a_terminal_table_shows_everything_and_no_control_characters() -> None:
    nasty = TableOfValues("n", "N", "", ("text",), [("a\x1b[31mred\x07",), ("two\nlines",)])
    shown = written(Format.TABLE, FILMS, nasty)
    assert "Films" in shown
    assert "One, two" in shown
    assert "a\\x1b[31mred\\x07" in shown
    assert "two lines" in shown
    assert "\x1b" not in shown


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


NASTY = "red\x1b[31m \x9b2J \x7f moc.live\u202e"


@pytest.mark.parametrize("form", list(Format))
def test_no_format_sends_control_characters_to_a_terminal(form: Format) -> None:
    out = _Terminal()
    write([TableOfValues("n", "N", "", ("text\x1b[2J",), [(NASTY,)])], form, out, headings=False)
    text = re.sub(r"\x1b\[[0-9;]*m", "", out.getvalue()) if form is Format.TABLE else out.getvalue()  # rich's own bold
    assert not set(text) & set("\x1b\x9b\x7f\u202e")
    assert "moc.live" in text


WIDE = TableOfValues(
    "w", "W", "", ("rank", "title", "votes", "imdb_id"), [(1, "A Long Film about Ferries", 12345, "tt0000001")]
)


@pytest.mark.parametrize(
    ("columns", "hidden"),
    [("60", ""), ("43", ""), ("42", "imdb_id"), ("30", "votes, imdb_id"), ("12", "title, votes, imdb_id")],
)
def test_columns_that_do_not_fit_the_terminal_are_left_out_and_named(
    columns: str, hidden: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    out = _Terminal()
    write([WIDE], Format.TABLE, out, headings=False)
    text = " ".join(re.sub(r"\x1b\[[0-9;]*m", "", out.getvalue()).split())
    assert text.endswith(f"not shown for lack of room: {hidden}") if hidden else "tt0000001" in text
    assert "12345" in text or "votes" in hidden


def test_a_file_gets_all_columns_in_full() -> None:
    many = TableOfValues("m", "M", "", tuple(f"column_{n}" for n in range(60)), [("x" * 40,) * 60])
    assert written(Format.TABLE, many, headings=False).count("x" * 40) == 60


def test_json_on_a_terminal_is_the_same_json() -> None:
    out = _Terminal()
    write([TableOfValues("n", "N", "", ("text",), [(NASTY,)])], Format.JSON, out, headings=False)
    assert json.loads(out.getvalue()) == [{"text": NASTY}]


@pytest.mark.parametrize("form", [Format.CSV, Format.JSON])
def test_programs_get_the_values_as_they_are(form: Format) -> None:
    text = written(form, TableOfValues("n", "N", "", ("text",), [(NASTY,)]), headings=False)
    read = json.loads(text) if form is Format.JSON else list(csv.DictReader(io.StringIO(text)))
    assert read == [{"text": NASTY}]


def test_a_markdown_reader_gets_no_markup_from_a_cell() -> None:
    cell = "![x](http://a.invalid/t.gif) <img src=x> `c` *b* a\x1b[0m"
    text = written(Format.MARKDOWN, TableOfValues("n", "N", "", ("text",), [(cell,)]), headings=False)
    assert text.splitlines()[-1] == (r"| !\[x\](http://a.invalid/t.gif) &lt;img src=x&gt; \`c\` \*b\* a\\x1b\[0m |")


def test_an_empty_table_says_so() -> None:
    assert "nothing" in written(Format.TABLE, TableOfValues("e", "E", "why", ("a",), []))


@pytest.mark.parametrize("form", [Format.CSV, Format.JSON, Format.MARKDOWN])
def test_large_tables_are_written_while_they_are_read(form: Format) -> None:
    out = io.StringIO()
    seen = 0

    def rows() -> Iterator[tuple[Value, ...]]:
        nonlocal seen
        for number in range(5000):
            if number == 4000:
                seen = len(out.getvalue())
            yield (number,)

    write([TableOfValues("n", "N", "", ("number",), rows())], form, out)
    assert seen > 10_000


@given(st.lists(st.tuples(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), st.integers()), max_size=5))
def test_csv_can_be_read_back(rows: list[tuple[str, int]]) -> None:
    rows = [row for row in rows if "\r" not in row[0] and "\0" not in row[0]]
    text = written(Format.CSV, TableOfValues("t", "T", "", ("text", "number"), rows))
    assert [(cell, int(number)) for cell, number in list(csv.reader(io.StringIO(text)))[1:]] == rows

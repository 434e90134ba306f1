"""What stands on the disk, and what becomes of files that somebody else has touched."""

from __future__ import annotations

import csv
import io
import logging
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from application.records import Row, Table
from domain.errors import StoreError, StoreUnavailable, UsageError
from domain.movie import Movie
from infrastructure.stores.csv.repository import CsvMovieRepository
from tests.support.movies import full_movie, imdb_id, movie, person
from tests.support.repositories import InMemoryMovieRepository

SAVED = [full_movie(number, cast=4, people=9) for number in (3, 1, 2)]


@contextmanager
def opened(directory: Path, *, escape: bool = False, set_aside: bool = False) -> Iterator[CsvMovieRepository]:
    repository = CsvMovieRepository(directory, escape_formulas=escape, set_aside_unreadable=set_aside)
    try:
        yield repository
    finally:
        repository.close()


def fill(directory: Path, saved: list[Movie], *, finish: bool = True) -> None:
    with opened(directory) as repository:
        for one in saved:
            repository.save(one)
        if finish:
            repository.finalize()


def contents(repository: CsvMovieRepository) -> dict[Table, list[Row]]:
    return {table: list(repository.rows(table)) for table in Table}


def expected(saved: list[Movie]) -> dict[Table, list[Row]]:
    model = InMemoryMovieRepository()
    for one in saved:
        model.save(one)
    return {table: list(model.rows(table)) for table in Table}


def plainly(path: Path) -> list[list[str]]:
    """A file as any program reads it."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file, strict=True))


def files_of(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.glob("*") if path.is_file()}


@pytest.fixture
def filled(tmp_path: Path) -> Path:
    fill(tmp_path, SAVED)
    return tmp_path


# --- the final form -------------------------------------------------------------


def test_movies_stand_by_rank_and_those_without_after_by_id(tmp_path: Path) -> None:
    saved = [movie(number, rank=rank) for number, rank in ((5, None), (4, 2), (3, 10), (2, None), (1, 3))]
    fill(tmp_path, saved)
    rows = plainly(tmp_path / "movies.csv")
    assert rows[0] == list(Table.MOVIES.columns)
    assert [row[0] for row in rows[1:]] == [imdb_id(number) for number in (4, 1, 3, 2, 5)]


def test_credits_follow_the_movies_with_directors_before_cast(tmp_path: Path) -> None:
    crowd = [person(number) for number in range(1, 13)]
    fill(tmp_path, [movie(1, rank=2, directors=crowd[:1], cast=crowd), movie(2, rank=1, cast=crowd[:2])])
    rows = plainly(tmp_path / "credits.csv")
    assert rows[0] == list(Table.CREDITS.columns)
    assert [(row[0], row[2], row[3]) for row in rows[1:]] == [
        (imdb_id(2), "cast", "1"),
        (imdb_id(2), "cast", "2"),
        (imdb_id(1), "director", "1"),
        *((imdb_id(1), "cast", str(place)) for place in range(1, 13)),
    ]


def test_people_stand_by_id(filled: Path) -> None:
    rows = plainly(filled / "people.csv")
    assert rows[0] == ["person_id", "name"]
    assert rows[1:] == sorted(rows[1:])


def test_the_order_of_saving_leaves_no_trace(tmp_path: Path) -> None:
    for name, saved in (("a", SAVED), ("b", SAVED[::-1]), ("c", [*SAVED, *SAVED[:1]])):
        fill(tmp_path / name, saved)
    assert files_of(tmp_path / "a") == files_of(tmp_path / "b") == files_of(tmp_path / "c")


def test_a_run_without_movies_leaves_headers(tmp_path: Path) -> None:
    fill(tmp_path, [])
    assert files_of(tmp_path) == {f"{table}.csv": (",".join(table.columns) + "\r\n").encode() for table in Table}


def test_opening_alone_writes_nothing(tmp_path: Path, filled: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in filled.rglob("*")}
    with opened(filled) as repository:
        repository.find(imdb_id(1))
        repository.finalize()
    assert {path: path.stat().st_mtime_ns for path in filled.rglob("*")} == before


def test_nothing_is_left_beside_the_files(filled: Path) -> None:
    with opened(filled) as repository:
        repository.save(full_movie(4))
        repository.finalize()
    found = sorted(str(path.relative_to(filled)) for path in filled.rglob("*"))
    assert found == [".filmledger", ".filmledger/csv.journal", "credits.csv", "movies.csv", "people.csv"]


def test_a_mode_that_the_user_gave_is_kept(filled: Path) -> None:
    (filled / "movies.csv").chmod(0o664)
    with opened(filled) as repository:
        repository.save(full_movie(4))
        repository.finalize()
    assert (filled / "movies.csv").stat().st_mode & 0o777 == 0o664


def test_rows_stand_whole_in_the_files_before_the_end(tmp_path: Path) -> None:
    repository = CsvMovieRepository(tmp_path)
    for one in SAVED:
        repository.save(one)
        rows = plainly(tmp_path / "movies.csv")
        assert rows[-1][0] == one.imdb_id
        assert {len(row) for row in plainly(tmp_path / "credits.csv")} == {5}
    repository.close()


def test_formulas_are_escaped_on_the_disk_only_and_either_way_can_be_chosen_later(tmp_path: Path) -> None:
    formula = movie(1, title="=1+1", cast=[person(1, "'@home")])
    with opened(tmp_path, escape=True) as repository:
        repository.save(formula)
    for escape, title, name in ((True, "'=1+1", "''@home"), (False, "=1+1", "'@home"), (True, "'=1+1", "''@home")):
        with opened(tmp_path, escape=escape) as repository:
            assert repository.find(imdb_id(1)) == formula
        assert plainly(tmp_path / "movies.csv")[1][1] == title
        assert plainly(tmp_path / "people.csv")[1][1] == name
    # A reader need not know how it was set.
    assert CsvMovieRepository(tmp_path, read_only=True).find(imdb_id(1)) == formula


# --- files that somebody has edited ---------------------------------------------


def rewritten(path: Path, **form: object) -> None:
    rows = plainly(path)
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, **form).writerows(rows)  # type: ignore[arg-type]


def turned(path: Path) -> None:
    head, *rows = plainly(path)
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([head, *reversed(rows)])


def columns_turned(path: Path) -> None:
    rows = plainly(path)
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(reversed(row) for row in rows)


def marked(path: Path) -> None:
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())


def unended(path: Path) -> None:
    path.write_bytes(path.read_bytes().rstrip(b"\r\n"))


def blank_lines(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"\r\n\r\n")


def old_mac(path: Path) -> None:
    rewritten(path, lineterminator="\r", quoting=csv.QUOTE_ALL)


def twice(path: Path) -> None:
    path.write_bytes(path.read_bytes() + path.read_bytes().split(b"\r\n", 1)[1])


EDITS: dict[str, Callable[[Path], None]] = {
    "LF": lambda path: rewritten(path, lineterminator="\n"),
    "CR": old_mac,
    "quoted": lambda path: rewritten(path, quoting=csv.QUOTE_ALL),
    "quoted with LF": lambda path: rewritten(path, quoting=csv.QUOTE_ALL, lineterminator="\n"),
    "other order": turned,
    "other order of columns": columns_turned,
    "byte order mark": marked,
    "no last line end": unended,
    "blank lines": blank_lines,
    "rows twice": twice,
}


@pytest.mark.parametrize("edit", EDITS)
@pytest.mark.parametrize("tables", [[table] for table in Table] + [list(Table)], ids=lambda tables: "+".join(tables))
def test_an_edited_file_is_read_and_comes_out_as_if_untouched(filled: Path, edit: str, tables: list[Table]) -> None:
    before = files_of(filled)
    for table in tables:
        EDITS[edit](filled / f"{table}.csv")
    reader = CsvMovieRepository(filled, read_only=True)
    assert reader.find(imdb_id(2)) == SAVED[2]
    if edit != "rows twice":  # a reader shows what is there, so that it can be found
        assert contents(reader) == expected(SAVED)
    with opened(filled) as repository:
        assert contents(repository) == expected(SAVED)
        assert [repository.find(one.imdb_id) for one in SAVED] == SAVED
        repository.finalize()
    assert files_of(filled) == before


def test_of_two_rows_of_one_movie_the_later_counts_and_that_is_said(
    filled: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = filled / "movies.csv"
    rows = path.read_bytes().split(b"\r\n")
    path.write_bytes(b"\r\n".join([rows[0], rows[1].replace(b",1.1,", b",9,"), rows[2], *rows[1:]]))
    with opened(filled) as repository:
        assert contents(repository) == expected(SAVED)
    told = [record.getMessage() for record in caplog.records if "stands there again" in record.getMessage()]
    assert told == [f"movies.csv line 2: {imdb_id(1)} stands there again, and only that row counts"]


def test_of_two_rows_of_one_movie_the_one_read_later_counts_wherever_it_stands(filled: Path) -> None:
    path = filled / "movies.csv"
    rows = path.read_bytes().split(b"\r\n")
    older = rows[1].replace(b",1.1,", b",9,").replace(b"2026-", b"2025-")
    assert older != rows[1]
    path.write_bytes(b"\r\n".join([*rows[:-1], older, b""]))
    with opened(filled) as repository:
        assert contents(repository) == expected(SAVED)


def test_credits_that_a_later_save_replaced_do_not_come_back_with_an_edit(tmp_path: Path) -> None:
    before, after = full_movie(1, cast=6, people=9), full_movie(1, cast=3, people=9, minutes=5)
    repository = CsvMovieRepository(tmp_path / "a")
    for one in (full_movie(2, cast=4, people=9), before, full_movie(3, cast=4, people=9), after):
        repository.save(one)
    shutil.copytree(tmp_path / "a", tmp_path / "killed")  # as a kill would have left it
    repository.close()
    path = tmp_path / "killed" / "movies.csv"
    path.write_bytes(path.read_bytes().replace(b"\r\n", b"\n"))
    with opened(tmp_path / "killed") as again:
        assert again.find(imdb_id(1)) == after
        assert len([row for row in again.rows(Table.CREDITS) if row[0] == imdb_id(1)]) == len(after.credits)


def test_reading_alone_mends_nothing(filled: Path) -> None:
    for table in Table:
        EDITS["LF"](filled / f"{table}.csv")
    before = files_of(filled)
    reader = CsvMovieRepository(filled, read_only=True)
    assert contents(reader) == expected(SAVED)
    reader.finalize()
    reader.close()
    assert files_of(filled) == before


def test_an_edited_value_is_what_counts(filled: Path) -> None:
    path = filled / "movies.csv"
    path.write_bytes(path.read_bytes().replace(b"Titre n\xc2\xb0 1", b"Titre, n 1").replace(b",1.1,", b",9,"))
    path.write_bytes(path.read_bytes().replace(b"Titre, n 1", b'"Titre, n 1"'))
    with opened(filled) as repository:
        found = repository.find(imdb_id(1))
        assert found is not None
        assert (found.original_title, found.rating) == ("Titre, n 1", 9.0)
        repository.finalize()
    assert b",9.0," in path.read_bytes()


def test_a_movie_that_was_taken_out_takes_its_credits_along(filled: Path) -> None:
    path = filled / "movies.csv"
    rows = plainly(path)
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(row for row in rows if row[0] != imdb_id(2))
    with opened(filled) as repository:
        repository.finalize()
        assert contents(repository) == expected([SAVED[0], SAVED[1]])


@pytest.mark.parametrize("table", Table)
def test_a_file_that_was_taken_away_is_an_empty_one(filled: Path, table: Table) -> None:
    (filled / f"{table}.csv").unlink()
    with opened(filled) as repository:
        assert list(repository.rows(table)) == []
        for one in SAVED:
            repository.save(one)
        repository.finalize()
        assert contents(repository) == expected(SAVED)


def test_a_movie_whose_people_have_no_names_cannot_be_read_but_can_be_saved_again(filled: Path) -> None:
    (filled / "people.csv").unlink()
    with opened(filled) as repository:
        with pytest.raises(StoreError, match=r"tt0000001 credits nm\d+, who has no name in people\.csv"):
            repository.find(imdb_id(1))
        repository.save(SAVED[1])
        assert repository.find(imdb_id(1)) == SAVED[1]


def test_files_alone_are_enough(filled: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    copy.mkdir()
    for name, content in files_of(filled).items():
        (copy / name).write_bytes(content)
    with opened(copy) as repository:
        assert contents(repository) == expected(SAVED)
        repository.save(full_movie(4))
        repository.finalize()
        assert contents(repository) == expected([*SAVED, full_movie(4)])


# --- files that are not ours ----------------------------------------------------


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"name,age\r\nAnn,7\r\n", "name,age"),
        (b"imdb_id;title\r\n", "another separator than the comma"),
        (b"", None),
        (b"\r\n", "first line is ''"),
        (b"imdb_id,title,year\r\n", "imdb_id,title,year"),
        ("imdb_id,title".encode("utf-16"), "first line is"),
        (b"\x00\x01\x02\xff" * 50, "first line is"),
        (b"tt0000001,A title\r\n", "tt0000001"),
    ],
)
@pytest.mark.parametrize("read_only", [False, True])
def test_a_file_of_another_shape_is_refused_and_left_alone(
    tmp_path: Path, content: bytes, told: str | None, read_only: bool
) -> None:
    path = tmp_path / "movies.csv"
    path.write_bytes(content)
    if told is None:  # an empty file holds nothing that could be lost
        CsvMovieRepository(tmp_path, read_only=read_only).close()
        return
    with pytest.raises(UsageError) as caught:
        CsvMovieRepository(tmp_path, read_only=read_only)
    message = str(caught.value)
    assert str(path) in message
    assert told in message
    assert "expected 'imdb_id,title,original_title" in message
    assert "Move it away, or choose another DATA_DIR" in message
    assert files_of(tmp_path) == {"movies.csv": content}


def test_a_row_that_cannot_be_read_is_refused_and_left_alone(filled: Path) -> None:
    path = filled / "movies.csv"
    path.write_bytes(path.read_bytes().replace(b",1.1,", b",good,"))
    before = files_of(filled)
    with pytest.raises(UsageError, match=r"movies\.csv line 2: .*good.*nothing was changed.*--repair"):
        CsvMovieRepository(filled)
    assert files_of(filled) == before
    rows = list(CsvMovieRepository(filled, read_only=True).rows(Table.MOVIES))
    assert [row[5] for row in rows] == ["good", "1.2", "1.3"]


def test_rows_that_cannot_be_read_are_set_aside_if_asked(filled: Path) -> None:
    path = filled / "movies.csv"
    broken = path.read_bytes().replace(b",1.1,", b",good,")
    path.write_bytes(broken)
    (filled / "people.csv").write_bytes((filled / "people.csv").read_bytes() + b"nm0000042,\xff\r\nonly\r\n")
    with opened(filled, set_aside=True) as repository:
        assert [row[0] for row in repository.rows(Table.MOVIES)] == [imdb_id(2), imdb_id(3)]
        repository.finalize()
    kept = (filled / "unreadable-movies.csv").read_bytes()
    assert kept in broken
    assert kept.startswith(b'tt0000001,"Title 1, or')
    assert (filled / "unreadable-people.csv").read_bytes() == b"nm0000042,\xff\r\nonly\r\n"


@pytest.mark.parametrize("cut", range(1, 60, 7))
@pytest.mark.parametrize("journal", ["kept", "lost"])
def test_a_last_line_that_was_torn_is_mended(
    filled: Path, cut: int, journal: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = filled / "movies.csv"
    path.write_bytes(path.read_bytes()[: -cut - 1])  # without its line end at least
    if journal == "lost":
        (filled / ".filmledger" / "csv.journal").unlink()
    with caplog.at_level(logging.WARNING), opened(filled) as repository:
        left = {row[0] for row in repository.rows(Table.MOVIES)}
        repository.finalize()
        whole = cut == 1  # then nothing but the line end is gone
        assert left == {one.imdb_id for one in SAVED} - (set() if whole else {imdb_id(3)})
        assert ("was cut off in writing" in caplog.text) == (not whole)
        repository.save(SAVED[0])
        repository.finalize()
        assert contents(repository) == expected(SAVED)


def test_a_stray_quote_in_the_middle_is_not_taken_for_a_torn_end(filled: Path) -> None:
    path = filled / "people.csv"
    head, first, rest = path.read_bytes().split(b"\r\n", 2)
    path.write_bytes(b"\r\n".join([head, first.replace(b",", b',"'), rest]))
    before = files_of(filled)
    with pytest.raises(UsageError, match=r"people\.csv line 2"):
        CsvMovieRepository(filled)
    assert files_of(filled) == before


def test_a_journal_that_cannot_be_read_is_done_without(filled: Path, caplog: pytest.LogCaptureFixture) -> None:
    (filled / ".filmledger" / "csv.journal").write_bytes(b"\x00" * 100)
    with opened(filled) as repository:
        assert contents(repository) == expected(SAVED)
    assert "csv.journal is unreadable" in caplog.text


# --- a folder that does not do as it should -------------------------------------


def test_a_folder_that_cannot_be_made_is_one_clear_line() -> None:
    with pytest.raises(StoreUnavailable, match=r"^csv: /proc/none .*DATA_DIR|^csv: /proc/none.*vanished"):
        CsvMovieRepository(Path("/proc/none"))


def test_reading_where_nothing_is_finds_nothing(tmp_path: Path) -> None:
    reader = CsvMovieRepository(tmp_path / "none", read_only=True)
    assert contents(reader) == {table: [] for table in Table}
    assert not (tmp_path / "none").exists()
    with pytest.raises(RuntimeError, match="only reads"):
        reader.save(movie(1))


def test_no_descriptor_is_left_open(filled: Path) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(3):
        with opened(filled) as repository:
            repository.save(replace(full_movie(4), title="Again"))
            repository.finalize()
            contents(repository)
        contents(CsvMovieRepository(filled, read_only=True))
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_text_read_by_others_is_as_saved(tmp_path: Path) -> None:
    awkward = replace(movie(1), plot='a "quoted", \r\n line\rand\nothers', original_title="=1+1")
    fill(tmp_path, [awkward])
    (row,) = csv.DictReader(io.StringIO((tmp_path / "movies.csv").read_bytes().decode(), newline=""))
    assert row["plot"] == awkward.plot
    assert row["original_title"] == "=1+1"
    assert row["year"] == ""

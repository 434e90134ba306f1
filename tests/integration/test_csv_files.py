"""What stands on the disk, and what becomes of files that somebody else has touched."""

from __future__ import annotations

import csv
import errno
import io
import json
import logging
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from application.records import chart_rows, sort_key
from domain.errors import StoreError, StoreUnavailable, UsageError
from domain.fields import Table
from domain.movie import Movie
from infrastructure.stores.csv import files, merge
from infrastructure.stores.csv import writer as writer_module
from infrastructure.stores.csv.files import FileEntry, Manifest
from infrastructure.stores.csv.repository import CsvMovieRepository
from tests.support.movies import EPOCH, full_movie, imdb_id, movie, person
from tests.support.repositories import contents, expected

RATING = Table.MOVIES.column_index("rating")
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


def plainly(path: Path) -> list[list[str]]:
    """A file as any program reads it."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file, strict=True))


def ids_in(path: Path) -> set[str]:
    return {row[0] for row in plainly(path)} if path.exists() else set()


def files_of(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.glob("*") if path.is_file()}


@pytest.fixture
def filled(tmp_path: Path) -> Path:
    fill(tmp_path, SAVED)
    return tmp_path


# --- the final form -------------------------------------------------------------


def test_every_file_is_sorted_by_its_key(tmp_path: Path) -> None:
    crowd = [person(number) for number in range(12, 0, -1)]
    fill(tmp_path, [movie(number, directors=crowd[:2], cast=crowd) for number in (9_999_999, 2, 10_000_000, 1)])
    for table in Table:
        head, *rows = plainly(tmp_path / f"{table}.csv")
        assert tuple(head) == table.columns
        assert rows == sorted(rows, key=lambda row: sort_key(table, tuple(row)))
    assert [row[0] for row in plainly(tmp_path / "movies.csv")[1:]] == [
        "tt0000001", "tt0000002", "tt10000000", "tt9999999",
    ]  # fmt: skip
    places = [row[2:4] for row in plainly(tmp_path / "credits.csv") if row[0] == "tt0000001"]
    assert places == [*(["cast", str(place)] for place in range(1, 13)), ["director", "1"], ["director", "2"]]


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
    assert found == [".filmledger", ".filmledger/csv.json", *sorted(f"{table}.csv" for table in Table)]


def test_a_mode_that_the_user_gave_is_kept(filled: Path) -> None:
    (filled / "movies.csv").chmod(0o664)
    with opened(filled) as repository:
        repository.save(full_movie(4))
        repository.finalize()
    assert (filled / "movies.csv").stat().st_mode & 0o777 == 0o664


def test_the_files_follow_within_seconds_during_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer_module, "MERGE_SECONDS", 0.01)
    with opened(tmp_path) as repository:
        for one in SAVED:
            repository.save(one)
            deadline = time.monotonic() + 60
            while not (path := tmp_path / "movies.csv").exists() or one.imdb_id not in {
                row[0] for row in plainly(path)
            }:
                assert time.monotonic() < deadline
        assert contents(repository) == expected(SAVED)


def test_a_title_is_found_and_an_older_record_of_it_refused_wherever_it_stands_in_the_file(tmp_path: Path) -> None:
    stored = [movie(number) for number in range(10, 1000, 10)]
    fill(tmp_path, stored)
    with opened(tmp_path) as repository:
        for one in (stored[0], stored[50], stored[-1]):
            repository.save(replace(one, title="Older", scraped_at=one.scraped_at - timedelta(days=1)))
            assert repository.find(one.imdb_id) == one
        for number in (1, 11, 995, 5000):  # before the first, between two, after the last
            assert repository.find(imdb_id(number)) is None


def test_a_file_changed_in_place_is_noticed_by_the_save_of_a_title_after_its_last(filled: Path) -> None:
    with opened(filled) as repository:
        path = filled / "movies.csv"
        path.write_bytes(path.read_bytes().replace(b"Title 3", b"Film 3"))
        repository.save(movie(5000))
        assert repository.edited_during_run == {Table.MOVIES}
        found = repository.find(imdb_id(3))
        assert found is not None
        assert found.title.startswith("Film 3")


def test_what_is_saved_during_a_merge_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with opened(tmp_path) as repository:
        repository.save(SAVED[0])
        real = files.write_upcoming

        def and_save(*args: Any) -> FileEntry:
            repository.save(SAVED[1])
            return real(*args)

        monkeypatch.setattr(merge, "write_upcoming", and_save)
        repository.finalize()
        monkeypatch.undo()
        assert [row[0] for row in plainly(tmp_path / "movies.csv")[1:]] == [SAVED[0].imdb_id]
        assert contents(repository) == expected(SAVED[:2])
        assert contents(CsvMovieRepository(tmp_path, read_only=True)) == expected(SAVED[:2])
        repository.finalize()
    assert len(plainly(tmp_path / "movies.csv")) == 3


@pytest.mark.parametrize("succeeds", [True, False])
def test_saves_wait_for_a_merge_while_the_journals_are_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, succeeds: bool
) -> None:
    for name, value in (("MERGE_SECONDS", 0.01), ("_MAX_ENTRIES", 1), ("_FULL", 2)):
        monkeypatch.setattr(writer_module, name, value)
    merging, finish, saved = threading.Event(), threading.Event(), threading.Event()
    real = files.write_upcoming

    def later(*args: Any) -> FileEntry:
        merging.set()
        assert finish.wait(60)
        if not succeeds:
            raise OSError(errno.EIO, "the disk refuses")
        return real(*args)

    def save() -> None:
        repository.save(SAVED[1])
        saved.set()

    monkeypatch.setattr(merge, "write_upcoming", later)
    with opened(tmp_path) as repository:
        repository.save(SAVED[0])
        assert merging.wait(60)
        thread = threading.Thread(target=save)
        thread.start()
        assert not saved.wait(0.2)
        finish.set()
        assert saved.wait(60)
        thread.join()
        monkeypatch.setattr(merge, "write_upcoming", real)
        assert contents(repository) == expected(SAVED[:2])


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


def empty_rows(path: Path) -> None:
    data = path.read_bytes()
    commas = b"," * data.split(b"\r\n", 1)[0].count(b",")
    path.write_bytes(data + (commas + b"\r\n") * 3)


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
    "rows of empty cells": empty_rows,
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
    told = [record.getMessage() for record in caplog.records if "duplicate key" in record.getMessage()]
    assert told == [f"movies.csv line 2: duplicate key {imdb_id(1)}; only this row is kept"]


def test_of_two_rows_of_one_movie_the_one_read_later_counts_wherever_it_stands(filled: Path) -> None:
    path = filled / "movies.csv"
    rows = path.read_bytes().split(b"\r\n")
    older = rows[1].replace(b",1.1,", b",9,").replace(b"2026-", b"2025-")
    assert older != rows[1]
    path.write_bytes(b"\r\n".join([*rows[:-1], older, b""]))
    with opened(filled) as repository:
        assert contents(repository) == expected(SAVED)


def test_an_edit_after_a_kill_keeps_what_the_journal_holds(tmp_path: Path) -> None:
    before, after = full_movie(1, cast=6, people=9), full_movie(1, cast=3, people=9, minutes=5)
    others = [full_movie(number, cast=4, people=9) for number in (2, 3)]
    repository = CsvMovieRepository(tmp_path / "a")
    for one in (before, *others):
        repository.save(one)
    repository.finalize()
    repository.save(after)
    shutil.copytree(tmp_path / "a", tmp_path / "killed")  # as a kill would have left it
    repository.close()
    path = tmp_path / "killed" / "movies.csv"
    path.write_bytes(path.read_bytes().replace(b"\r\n", b"\n"))
    with opened(tmp_path / "killed") as again:
        assert contents(again) == expected([before, *others, after])


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
    assert [row[RATING] for row in rows] == ["good", "1.2", "1.3"]


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
@pytest.mark.parametrize("manifest", ["kept", "lost"])
def test_a_last_line_that_was_torn_is_mended(
    filled: Path, cut: int, manifest: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = filled / "movies.csv"
    path.write_bytes(path.read_bytes()[: -cut - 1])  # without its line end at least
    if manifest == "lost":
        (filled / ".filmledger" / "csv.json").unlink()
    with caplog.at_level(logging.WARNING), opened(filled) as repository:
        left = {row[0] for row in repository.rows(Table.MOVIES)}
        repository.finalize()
        whole = cut == 1  # then nothing but the line end is gone
        assert left == {one.imdb_id for one in SAVED} - (set() if whole else {imdb_id(3)})
        assert ("is incomplete" in caplog.text) == (not whole)
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


def test_without_a_readable_manifest_the_files_are_taken_as_they_are(
    filled: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (filled / ".filmledger" / "csv.json").write_bytes(b"\x00" * 100)
    with opened(filled) as repository:
        assert contents(repository) == expected(SAVED)
    assert "csv.json is unreadable" in caplog.text


@pytest.mark.parametrize("read_only", [False, True])
def test_a_manifest_of_a_newer_version_is_refused(filled: Path, read_only: bool) -> None:
    path = filled / ".filmledger" / "csv.json"
    path.write_text(path.read_text().replace('"format": 2', '"format": 3'))
    before = files_of(filled)
    with pytest.raises(UsageError, match=r"csv\.json is of format 3, this program writes 2; nothing was changed"):
        CsvMovieRepository(filled, read_only=read_only)
    assert files_of(filled) == before


@pytest.mark.parametrize("read_only", [False, True])
def test_a_journal_that_is_none_is_refused_and_left_alone(filled: Path, read_only: bool) -> None:
    path = filled / ".filmledger" / "csv-9.jsonl"
    path.write_bytes(b'{"kind":"marker","marker":"x"}\nanything\n{"kind":"marker","marker":"y"}\n')
    before = path.read_bytes()
    with pytest.raises(UsageError, match=r"csv-9\.jsonl line 2 .*nothing was changed"):
        CsvMovieRepository(filled, read_only=read_only)
    assert path.read_bytes() == before


# --- files that are changed while the program runs ------------------------------


def saved_by_a_spreadsheet(path: Path, *, without: str = "", **form: object) -> bytes:
    """Rewrites a file in place, with line ends and quotes of its own."""
    rows = [row for row in plainly(path) if not without or row[0] != without]
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator="\n", **form).writerows(rows)  # type: ignore[arg-type]
    return path.read_bytes()


def test_a_version_that_a_spreadsheet_saves_during_a_run_is_taken_over_and_kept(
    filled: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = filled / "movies.csv"
    with opened(filled) as repository:
        repository.save(full_movie(4, cast=4, people=9))
        path.write_bytes(path.read_bytes().replace(b"Titre n\xc2\xb0 1", b"Edited"))
        edited = saved_by_a_spreadsheet(path, without=imdb_id(2))
        repository.finalize()
        assert repository.edited_during_run == {Table.MOVIES}
        assert repository.missing_titles == [imdb_id(2)]
        found = repository.find(imdb_id(1))
        assert found is not None
        assert found.original_title == "Edited"
        assert list(repository.ids()) == [imdb_id(1), imdb_id(3), imdb_id(4)]
        repository.save(SAVED[2])
        repository.finalize()
        assert list(repository.ids()) == [imdb_id(number) for number in (1, 2, 3, 4)]
    (copy,) = filled.glob("edited-movies-*.csv")
    assert copy.read_bytes() == edited
    assert f"during the run: the changed version is used, and kept as {copy.name}" in caplog.text


def test_titles_missing_from_a_replaced_file_are_named_even_without_credits(tmp_path: Path) -> None:
    fill(tmp_path, [movie(1), movie(2), movie(3)])
    with opened(tmp_path) as repository:
        repository.save(movie(4))
        other = tmp_path / "other.csv"  # programs that save by renaming leave the old version to those that read it
        rows = plainly(tmp_path / "movies.csv")
        with other.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows(row for row in rows if row[0] != imdb_id(2))
        other.replace(tmp_path / "movies.csv")
        repository.finalize()
        assert repository.missing_titles == [imdb_id(2)]
        assert list(repository.ids()) == [imdb_id(1), imdb_id(3), imdb_id(4)]


@pytest.mark.parametrize("table", [Table.MOVIES, Table.CHARTS])  # one that the journal changes, and one it does not
def test_a_version_with_another_separator_is_kept_aside_and_ours_counts(
    filled: Path, table: Table, caplog: pytest.LogCaptureFixture
) -> None:
    with opened(filled) as repository:
        repository.save(full_movie(4, cast=4, people=9))
        other = filled / "other.csv"
        other.write_text("imdb_id;title\ntt0000001;x\n")
        other.replace(filled / f"{table}.csv")
        repository.finalize()
        assert contents(repository) == expected([*SAVED, full_movie(4, cast=4, people=9)])
        assert plainly(filled / f"{table}.csv")[0] == list(table.columns)
    assert "cannot be read: kept as" in caplog.text
    (copy,) = filled.glob(f"edited-{table}-*.csv")
    assert copy.read_text().startswith("imdb_id;title")


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(errno.EIO, "no answer")])
def test_what_ends_a_merge_just_after_its_manifest_loses_nothing(
    filled: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    saved = [*SAVED, full_movie(4, cast=4, people=9), full_movie(5, cast=4, people=9)]
    write = Manifest.write

    def write_and_fail(self: Manifest, path: Path) -> None:
        write(self, path)
        raise error

    with opened(filled) as repository:
        repository.save(saved[3])
        monkeypatch.setattr(Manifest, "write", write_and_fail)
        with pytest.raises((KeyboardInterrupt, StoreUnavailable)):
            repository.finalize()
        monkeypatch.undo()
        dead = Path(shutil.copytree(filled, filled.parent / f"{filled.name}-dead"))
        assert contents(CsvMovieRepository(dead, read_only=True)) == expected(saved[:4])
        with opened(dead) as again:
            assert contents(again) == expected(saved[:4])
        assert contents(repository) == expected(saved[:4])
        repository.save(saved[4])
        repository.finalize()
        assert contents(repository) == expected(saved)
    assert contents(CsvMovieRepository(filled, read_only=True)) == expected(saved)


def test_a_file_changed_between_a_kill_and_the_next_run_is_set_aside_when_rolling_forward(tmp_path: Path) -> None:
    repository = CsvMovieRepository(tmp_path / "data")
    repository.save(SAVED[0])
    repository.finalize()
    before = Path(shutil.copytree(tmp_path / "data", tmp_path / "before"))
    repository.save(SAVED[1])
    repository.finalize()
    repository.close()
    # As a kill between the manifest and the renaming leaves it, and then somebody edits the file.
    shutil.copy(tmp_path / "data" / ".filmledger" / "csv.json", before / ".filmledger" / "csv.json")
    generation = json.loads((before / ".filmledger" / "csv.json").read_text())["generation"]
    for table in Table:
        shutil.copy(tmp_path / "data" / f"{table}.csv", before / f".{table}.csv.{generation}")
    edited = saved_by_a_spreadsheet(before / "movies.csv")
    with opened(before) as again:
        assert contents(again) == expected(SAVED[:2])
    (copy,) = before.glob("edited-*")
    assert copy.read_bytes() == edited


def test_a_manifest_of_yesterday_with_the_files_of_today_loses_nothing(tmp_path: Path) -> None:
    fill(tmp_path, SAVED[:1])
    yesterday = (tmp_path / ".filmledger" / "csv.json").read_bytes()
    fill(tmp_path, SAVED[1:])
    (tmp_path / ".filmledger" / "csv.json").write_bytes(yesterday)
    assert contents(CsvMovieRepository(tmp_path, read_only=True)) == expected(SAVED)
    with opened(tmp_path) as repository:
        assert contents(repository) == expected(SAVED)


@pytest.mark.long
def test_a_copy_made_in_the_middle_of_a_run_is_whole_or_noticed_and_the_original_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The copy takes file by file while the store saves and merges, as ``cp -r`` does."""
    monkeypatch.setattr("infrastructure.stores.csv.writer.MERGE_SECONDS", 0.01)
    movies = {one.imdb_id: one for one in (full_movie(number, cast=4, people=9) for number in range(1, 121))}
    data = tmp_path / "data"
    copies: list[Path] = []
    with opened(data) as repository:
        done = threading.Event()

        def keep_saving() -> None:
            for one in movies.values():
                repository.save(one)
            done.set()

        saving = threading.Thread(target=keep_saving)
        saving.start()
        while not done.is_set() or not copies:
            with suppress(shutil.Error):  # names the files that were renamed meanwhile; the others are copied
                copies.append(tmp_path / str(len(copies)))
                shutil.copytree(data, copies[-1])
        saving.join()
        repository.finalize()
    assert contents(CsvMovieRepository(data, read_only=True)) == expected(list(movies.values()))
    for copy in copies:
        caplog.clear()
        with opened(copy) as again:
            noticed = "another program has changed" in caplog.text
            torn = [key for key in again.ids() if again.find(key) != movies[key]]
            assert not torn or noticed  # files of two generations are noticed
            again.finalize()
        for table in Table:
            keys = [sort_key(table, tuple(row)) for row in plainly(copy / f"{table}.csv")[1:]]
            assert keys == sorted(keys)
            assert len(keys) == len(set(keys))


def test_a_copy_of_the_folder_is_trusted_by_its_checksums(
    filled: Path, tmp_path_factory: pytest.TempPathFactory, caplog: pytest.LogCaptureFixture
) -> None:
    copy = Path(shutil.copytree(filled, tmp_path_factory.mktemp("copy") / "data", copy_function=shutil.copy))
    with opened(copy) as repository:
        assert contents(repository) == expected(SAVED)
    assert "another program" not in caplog.text
    before = {path: path.stat().st_mtime_ns for path in copy.rglob("*")}
    CsvMovieRepository(copy).close()
    assert {path: path.stat().st_mtime_ns for path in copy.rglob("*")} == before


def test_files_that_lack_a_column_of_today_are_written_with_it(filled: Path) -> None:
    """As an upgrade finds them that brings a field."""
    path = filled / "movies.csv"
    rows = [row[:28] + row[29:] for row in plainly(path)]
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
    before = files_of(filled)
    with pytest.raises(UsageError, match="first line"):  # a column that an editor took out
        CsvMovieRepository(filled)
    assert files_of(filled) == before
    manifest = filled / ".filmledger" / "csv.json"
    fields = json.loads(manifest.read_text())
    fields["files"]["movies.csv"]["columns"].pop(28)
    manifest.write_text(json.dumps(fields))
    assert contents(CsvMovieRepository(filled, read_only=True)) == expected(SAVED)
    with opened(filled) as repository:
        assert contents(repository) == expected(SAVED)
    assert plainly(path)[0] == list(Table.MOVIES.columns)


@pytest.mark.parametrize("umask", [0o077, 0o000, 0o022])
def test_files_can_be_read_by_all_and_the_state_by_its_owner_alone_whatever_the_umask(
    tmp_path: Path, umask: int
) -> None:
    before = os.umask(umask)
    try:
        with opened(tmp_path) as repository:
            repository.replace_chart("top250", [*chart_rows("top250", [imdb_id(1)], EPOCH)])
            repository.finalize()
            repository.save(movie(1))
            modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.rglob("*.*") if path.is_file()}
    finally:
        os.umask(before)
    assert modes == {
        **dict.fromkeys(["top250.csv", *(f"{table}.csv" for table in Table)], 0o644),
        **dict.fromkeys(["csv.json", "csv-2.jsonl"], 0o600),
    }


# --- charts as flat files -------------------------------------------------------


def test_each_chart_gets_a_flat_file_for_people(tmp_path: Path) -> None:
    with opened(tmp_path) as repository:
        repository.save(SAVED[0])
        repository.replace_chart("top250", [*chart_rows("top250", [imdb_id(9), imdb_id(3)], EPOCH)])
        repository.replace_chart("movies", [*chart_rows("movies", [imdb_id(3)], EPOCH)])
        repository.finalize()
        head, missing, known = plainly(tmp_path / "top250.csv")
        assert ",".join(head) == "rank,imdb_id,title,year,rating,votes,duration,metascore,genres,directors,cast"
        assert missing == ["1", imdb_id(9), *[""] * 9]
        assert known == [
            "2", imdb_id(3), 'Title 3, or "The 3th"', "1903", "1.3", "93", "63", "3", "Drama, Crime", "Person 4",
            ", ".join(credit.person.name for credit in SAVED[0].cast),
        ]  # fmt: skip
        assert len(plainly(tmp_path / "chart-movies.csv")) == 2
        assert [row[0] for row in repository.rows(Table.MOVIES)] == [imdb_id(3)]
        stamp = (tmp_path / "top250.csv").stat().st_mtime_ns
        repository.finalize()
        assert (tmp_path / "top250.csv").stat().st_mtime_ns == stamp
        repository.save(full_movie(9))
        repository.finalize()
    assert plainly(tmp_path / "top250.csv")[1][2].startswith("Title 9")


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


def test_many_groups_are_read_like_each_by_itself(tmp_path: Path) -> None:
    stored = [full_movie(number, cast=18, people=900) for number in range(1, 400)]  # each file has several parts
    fill(tmp_path, stored)
    with opened(tmp_path) as repository:
        for one in [full_movie(7, cast=2, minutes=5), full_movie(500), full_movie(0)]:
            repository.save(one)
        view = repository._view()
        for table in (Table.MOVIES, Table.CREDITS, Table.PEOPLE):
            keys = {str(row[0]) for row in repository.rows(table)}
            some = [*sorted(keys)[::3], "tt0000007", "tt0000500", "nm0000001", "zz", ""]
            assert view.rows_of(table, some) == [row for key in sorted(set(some)) for row in view.group(table, key)]


def test_a_flat_file_has_empty_cells_for_a_title_that_cannot_be_read(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    fill(tmp_path, SAVED)
    path = tmp_path / "people.csv"
    path.write_text(path.read_text().splitlines()[0] + "\r\n")
    with opened(tmp_path) as repository:
        repository.replace_chart("top250", list(chart_rows("top250", ["tt0000001", "tt0000009"], EPOCH)))
        repository.finalize()
    assert plainly(tmp_path / "top250.csv")[1:] == [["1", "tt0000001", *[""] * 9], ["2", "tt0000009", *[""] * 9]]
    assert "tt0000001 credits nm" in caplog.text
    assert "has no name in people.csv" in caplog.text


def test_a_damaged_table_leaves_the_flat_file_as_it_was(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    fill(tmp_path, SAVED)
    path = tmp_path / "people.csv"
    status, data = path.stat(), path.read_bytes()
    with path.open("r+b") as file:  # as a bad disk does it: neither size nor time changes
        file.write(data.replace(b"Person", b"Pers\xffn"))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    with opened(tmp_path) as repository:
        repository.replace_chart("top250", list(chart_rows("top250", [imdb_id(1)], EPOCH)))
        repository.finalize()
        assert "top250.csv is not written: csv: " in caplog.text
    assert not (tmp_path / "top250.csv").exists()

"""Real damage in real stores: bytes in the files, rows in the database. All of it is found, and repaired."""

from __future__ import annotations

import csv
import io
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from application.comparison import Finding, Verdict
from application.records import Row, canonical
from application.repair import RepairStep, prune, repair
from application.verify import verify
from domain.errors import UsageError
from domain.fields import Table
from infrastructure.stores.csv.repository import CsvMovieRepository
from infrastructure.stores.postgres.database import Database
from infrastructure.stores.postgres.repository import PostgresMovieRepository
from tests.support.movies import full_movie, imdb_id, movie, person
from tests.support.postgres import empty_database
from tests.support.repositories import InMemoryMovieRepository

SAVED = [full_movie(number, cast=4, people=9) for number in (3, 1, 2)]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("prepared") / "data"
    repository = CsvMovieRepository(directory)
    for one in SAVED:
        repository.save(one)
    repository.finalize()
    repository.close()
    return directory


@pytest.fixture
def data(prepared: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(prepared, tmp_path / "data"))


@pytest.fixture
def dsn() -> Iterator[str]:
    with empty_database() as dsn:
        store = PostgresMovieRepository(Database(dsn))
        for one in SAVED:
            store.save(one)
        store.finalize()
        store.close()
        yield dsn


def findings(data: Path, dsn: str) -> list[Finding]:
    found: list[Finding] = []
    with closing(PostgresMovieRepository(Database(dsn))) as postgres:
        report = verify([CsvMovieRepository(data, read_only=True), postgres], on_finding=found.append)
    assert report.same == (not found)
    return found


def repaired(data: Path, dsn: str) -> list[RepairStep]:
    with (
        closing(CsvMovieRepository(data, set_aside_unreadable=True)) as files,
        closing(PostgresMovieRepository(Database(dsn))) as postgres,
    ):
        steps = [action.step for action in repair([postgres, files])]  # of two of one time, postgres keeps its own
    assert findings(data, dsn) == []
    return steps


def test_the_same_movies_in_both_are_the_same(data: Path, dsn: str) -> None:
    assert findings(data, dsn) == []
    assert repaired(data, dsn) == []


# --- in the files ---------------------------------------------------------------


def _replaced(old: bytes, new: bytes) -> Callable[[bytes], bytes]:
    def edit(content: bytes) -> bytes:
        assert old in content
        return content.replace(old, new, 1)

    return edit


def _without_line(place: int) -> Callable[[bytes], bytes]:
    def edit(content: bytes) -> bytes:
        lines = content.split(b"\r\n")
        del lines[place]
        return b"\r\n".join(lines)

    return edit


CSV_DAMAGE: dict[str, tuple[str, Callable[[bytes], bytes], set[Verdict]]] = {
    "a title": ("movies", _replaced(b"Title 2,", b"Title two,"), {Verdict.DIFFERS}),
    "a year that is none": ("movies", _replaced(b",1902,", b",soon,"), {Verdict.UNREADABLE}),
    "a row gone": ("credits", _without_line(3), {Verdict.MISSING}),
    "a person gone": ("people", _without_line(1), {Verdict.MISSING}),
    "a name": ("people", _replaced(b"Person 1", b"Somebody"), {Verdict.DIFFERS}),
    "a row twice": ("people", lambda content: content + content.split(b"\r\n")[1] + b"\r\n", {Verdict.UNREADABLE}),
    "a stray person": (
        "people", lambda content: content + b"nm7777777,Nobody" + b"," * 10 + b"\r\n", {Verdict.MISSING},
    ),
    "a stray credit": (
        "credits", lambda content: content + b"tt0000009,nm0000001,cast,1,,,\r\n", {Verdict.MISSING},
    ),
    "half a line more": ("movies", lambda content: content + b"tt0000009,Half", {Verdict.UNREADABLE}),
    "the end gone": ("movies", lambda content: content[:-60], {Verdict.UNREADABLE, Verdict.MISSING}),
    "all rows gone": ("movies", lambda content: content.split(b"\r\n")[0] + b"\r\n", {Verdict.MISSING}),
    "no text": ("people", _replaced(b"Person 1", b"\xff\xfe"), {Verdict.DIFFERS}),
    "a quote": ("credits", _replaced(b"cast,1,", b'cast,1,"'), {Verdict.UNREADABLE, Verdict.MISSING}),
    "an empty file": ("people", lambda content: b"", {Verdict.MISSING}),
}  # fmt: skip


@pytest.mark.parametrize("damage", CSV_DAMAGE)
def test_damage_in_a_file_is_found_and_repaired(data: Path, dsn: str, damage: str) -> None:
    table, edit, verdicts = CSV_DAMAGE[damage]
    path = data / f"{table}.csv"
    path.write_bytes(edit(path.read_bytes()))
    found = findings(data, dsn)
    assert {one.table.value for one in found} == {table}
    assert {one.verdict for one in found} <= verdicts
    assert found
    assert RepairStep.FAILED not in repaired(data, dsn)
    with closing(CsvMovieRepository(data)) as files:
        assert [files.find(one.imdb_id) for one in SAVED] == SAVED


@pytest.mark.long
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    table=st.sampled_from(list(Table)),
    share=st.floats(0, 1),
    length=st.integers(0, 12),
    instead=st.binary(max_size=6) | st.sampled_from([b'"', b",", b"\r\n", b"\n", b"nm0000001", b"1", b"\x00"]),
    touched=st.booleans(),
)
def test_any_bytes_changed_in_a_file_are_found(
    prepared: Path,
    tmp_path_factory: pytest.TempPathFactory,
    table: Table,
    share: float,
    length: int,
    instead: bytes,
    touched: bool,
) -> None:
    data = Path(shutil.copytree(prepared, tmp_path_factory.mktemp("bytes") / "data"))
    path = data / f"{table}.csv"
    before = path.read_bytes()
    place = int(share * len(before))
    after = before[:place] + instead + before[place + length :]
    if touched:
        path.write_bytes(after)
    else:  # behind our back: not even its time tells
        stamp = path.stat()
        path.write_bytes(after)
        os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    model = InMemoryMovieRepository()
    for one in SAVED:
        model.save(one)
    try:
        same = verify([CsvMovieRepository(data, read_only=True), model]).same
    except UsageError:  # the first line was hit
        assert not after.startswith(before.split(b"\n")[0])
        return
    assert same == (_meaning(table, after) == _meaning(table, before))


def _meaning(table: Table, content: bytes) -> Counter[Row] | None:
    """What a plain CSV reader makes of a file, in whatever order; ``None`` if it cannot read it."""
    try:
        text = content.decode("utf-8-sig")
        head, *rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    except (UnicodeDecodeError, csv.Error, ValueError):
        return None
    places = [head.index(column) for column in table.columns] if sorted(head) == sorted(table.columns) else []
    meaning: Counter[Row] = Counter()
    for row in rows:
        if not row:
            continue
        cells: Row = tuple((row[place] or None for place in places) if len(row) == len(places) else row)
        try:
            meaning[canonical(table, cells)] += 1
        except ValueError:
            meaning[("unreadable", *cells)] += 1
    return meaning


# --- in the database ------------------------------------------------------------

_SECOND = "WHERE imdb_id = 'tt0000002'"
_OTHER = {
    "title": "'Other'", "original_title": "NULL", "kind": "'video'", "year": "1999", "rating": "5.5",
    "votes": "0", "duration_minutes": "1", "metascore": "NULL", "genres": "'{Horror}'", "plot": "'x'",
    "poster_url": "NULL", "certificate": "'PG'", "source_url": "'https://example.org/'",
}  # fmt: skip
SQL_DAMAGE: dict[str, tuple[str, str, Verdict, str]] = {
    "many columns": (
        "movies", f"UPDATE movies SET {', '.join(f'{name} = {value}' for name, value in _OTHER.items())} {_SECOND}",
        Verdict.DIFFERS, ", ".join(_OTHER),
    ),
    "characters": (
        "credits", f"UPDATE credits SET characters = '{{Nobody}}' {_SECOND} AND position = 2",
        Verdict.DIFFERS, "characters",
    ),
    "name": (
        "people", "UPDATE people SET name = 'Other' WHERE person_id = 'nm0000001'", Verdict.DIFFERS, "name",
    ),
    "a credit gone": (
        "credits", f"DELETE FROM credits {_SECOND} AND category = 'cast' AND position = 4",
        Verdict.MISSING, "not in postgres",
    ),
}  # fmt: skip


@pytest.mark.parametrize("damage", SQL_DAMAGE)
def test_damage_in_the_database_is_found_and_repaired(data: Path, dsn: str, damage: str) -> None:
    table, statement, verdict, detail = SQL_DAMAGE[damage]
    with closing(psycopg2.connect(dsn)) as connection, connection, connection.cursor() as cursor:
        cursor.execute(statement)
        assert cursor.rowcount == 1
    found = findings(data, dsn)
    assert [(one.table.value, one.verdict) for one in found] == [(table, verdict)]
    assert found[0].detail == detail
    assert RepairStep.FAILED not in repaired(data, dsn)


def test_a_person_without_credits_in_one_store_is_found_copied_and_pruned(data: Path, dsn: str) -> None:
    with closing(psycopg2.connect(dsn)) as connection, connection, connection.cursor() as cursor:
        cursor.execute("INSERT INTO people (person_id, name, read_at) VALUES ('nm7777777', 'Uncredited', now())")
    assert [(one.key, one.verdict) for one in findings(data, dsn)] == [(("nm7777777",), Verdict.MISSING)]
    assert repaired(data, dsn) == [RepairStep.MERGED]
    assert b"Uncredited" in (data / "people.csv").read_bytes()
    with (
        closing(CsvMovieRepository(data)) as files,
        closing(PostgresMovieRepository(Database(dsn))) as postgres,
    ):
        assert prune([files, postgres]) == 1
    assert findings(data, dsn) == []
    assert b"Uncredited" not in (data / "people.csv").read_bytes()


def test_a_movie_gone_from_the_database_comes_back(data: Path, dsn: str) -> None:
    with closing(psycopg2.connect(dsn)) as connection, connection, connection.cursor() as cursor:
        cursor.execute("DELETE FROM credits WHERE imdb_id = 'tt0000002'")
        cursor.execute("DELETE FROM movies WHERE imdb_id = 'tt0000002'")
    found = findings(data, dsn)
    assert {one.verdict for one in found} == {Verdict.MISSING}
    assert {one.key[0] for one in found} == {"tt0000002"}
    assert repaired(data, dsn) == [RepairStep.COPIED]
    with closing(PostgresMovieRepository(Database(dsn))) as postgres:
        assert postgres.find("tt0000002") == SAVED[2]


# --- both -----------------------------------------------------------------------


def test_a_store_that_was_lost_is_filled_from_the_other(data: Path, dsn: str) -> None:
    shutil.rmtree(data)
    data.mkdir()
    assert repaired(data, dsn) == [RepairStep.COPIED] * 3
    with closing(psycopg2.connect(dsn)) as connection, connection, connection.cursor() as cursor:
        cursor.execute("TRUNCATE movies, people, credits, akas")
    assert repaired(data, dsn) == [RepairStep.COPIED] * 3


def test_each_store_brings_what_is_newer_there(data: Path, dsn: str) -> None:
    with (
        closing(CsvMovieRepository(data)) as files,
        closing(PostgresMovieRepository(Database(dsn))) as postgres,
    ):
        files.save(movie(1, minutes=5, title="Newer in CSV", cast=[person(1, "New name")]))
        files.save(movie(8, cast=[person(8)]))
        postgres.save(movie(2, minutes=5, title="Newer in PostgreSQL", cast=[person(2, "Newer name")]))
        postgres.save(movie(9, cast=[person(9)]))
    steps = repaired(data, dsn)
    assert steps[:4] == [RepairStep.COPIED] * 4
    with closing(CsvMovieRepository(data)) as files:
        titles = {number: found.title for number in (1, 2, 8, 9) if (found := files.find(imdb_id(number)))}
    assert titles == {1: "Newer in CSV", 2: "Newer in PostgreSQL", 8: "Title 8", 9: "Title 9"}

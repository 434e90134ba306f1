"""Data directories of version 0.1, as that version left them: finished, killed, and killed in a second run."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

from application.records import Row
from domain.errors import UsageError
from domain.fields import Table
from infrastructure.bootstrap.stores import chart_of_last_run
from infrastructure.stores.csv import files, merge
from infrastructure.stores.csv.files import Manifest
from infrastructure.stores.csv.repository import CsvMovieRepository

FORMAT1 = Path(__file__).resolve().parents[1] / "support" / "format1"
KINDS = ("done", "killed", "killed_again")
OLD_COLUMNS = (
    "imdb_id", "title", "original_title", "kind", "year", "rating", "votes", "duration_minutes", "metascore",
    "genres", "plot", "poster_url", "certificate", "release_date", "rank", "source_url", "scraped_at",
)  # fmt: skip


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def data(kind: str, tmp_path: Path) -> Path:
    return copied(kind, tmp_path / "data")


def copied(kind: str, target: Path) -> Path:
    return Path(shutil.copytree(FORMAT1 / kind, target, ignore=shutil.ignore_patterns("rows.json")))


def old_rows(kind: str) -> dict[str, list[list[str | None]]]:
    """The rows as version 0.1 reads them."""
    found: dict[str, list[list[str | None]]] = json.loads((FORMAT1 / kind / "rows.json").read_text(encoding="utf-8"))
    return found


def expected(kind: str) -> dict[Table, list[Row]]:
    old = old_rows(kind)
    movies = []
    for row in old["movies"]:
        cells = dict(zip(OLD_COLUMNS, row, strict=True))
        if cells["genres"]:
            cells["genres"] = json.dumps(cells["genres"].split("|"))
        if cells["release_date"] and len(cells["release_date"]) == 10:
            cells["released"] = cells["release_date"]
        movies.append(tuple(cells.get(column) for column in Table.MOVIES.columns))
    credits = [(*row[:4], None if row[4] == "[]" else row[4], None, None) for row in old["credits"]]
    people = [(*row, *[None] * (len(Table.PEOPLE.columns) - 2)) for row in old["people"]]
    return {
        Table.MOVIES: movies,
        Table.CREDITS: sorted(credits, key=lambda row: (row[0], row[2], int(row[3] or 0))),
        Table.PEOPLE: people,
    }


def contents(repository: CsvMovieRepository) -> dict[Table, list[Row]]:
    return {table: list(repository.rows(table)) for table in (Table.MOVIES, Table.CREDITS, Table.PEOPLE)}


def without_read_at(found: dict[Table, list[Row]]) -> dict[Table, list[Row]]:
    """Names that a later save brought carry its time; 0.1 stored none."""
    people: list[Row] = [(*row[:2], None, *row[3:]) for row in found[Table.PEOPLE]]
    return found | {Table.PEOPLE: people}


def ranks(kind: str) -> list[tuple[str | None, str | None]]:
    found = [(row[OLD_COLUMNS.index("rank")], row[0]) for row in old_rows(kind)["movies"]]
    return sorted(found, key=lambda one: int(one[0] or 0))


@pytest.fixture
def migrated(data: Path) -> Iterator[CsvMovieRepository]:
    with closing(CsvMovieRepository(data, rank_chart=lambda: "top250")) as repository:
        yield repository


def test_every_row_of_it_is_there_after_opening(
    data: Path, kind: str, migrated: CsvMovieRepository, caplog: pytest.LogCaptureFixture
) -> None:
    assert without_read_at(contents(migrated)) == expected(kind)
    migrated.finalize()
    assert without_read_at(contents(CsvMovieRepository(data, read_only=True))) == expected(kind)
    assert not (data / ".filmledger" / "csv.journal").exists()
    for table in Table:
        with (data / f"{table}.csv").open(newline="", encoding="utf-8") as file:
            assert tuple(next(csv.reader(file))) == table.columns


def test_a_migration_is_one_line_and_happens_once(
    data: Path, migrated: CsvMovieRepository, caplog: pytest.LogCaptureFixture
) -> None:
    assert caplog.text.count("migrated from the storage format of version 0.1") <= 1
    migrated.close()
    caplog.clear()
    CsvMovieRepository(data).close()
    assert not caplog.text


def test_ranks_become_the_chart_of_the_job_log(kind: str, migrated: CsvMovieRepository, data: Path) -> None:
    rows = list(migrated.rows(Table.CHARTS))
    places = {(row[1], row[2]) for row in rows}
    kept = {row[1]: row for row in rows}
    assert len(kept) == len(rows)
    for rank, imdb_id in ranks(kind):
        assert (rank, imdb_id) in places or rank in kept
    if len({rank for rank, _ in ranks(kind)}) == len(ranks(kind)):
        assert not (data / "ranks-before.csv").exists()


def test_the_chart_of_the_ranks_is_the_one_of_the_newest_run_that_saved_something(data: Path) -> None:
    assert chart_of_last_run(data) == "top250"
    log = data / "joblog.jsonl"
    log.rename(data / "joblog-20261128T095438Z-85dda102.jsonl")
    log.write_text('{"kind":"run","work":"scrape","subject":"toptv"}\n')  # one that has just begun
    assert chart_of_last_run(data) == "top250"
    log.write_text('{"kind":"run","work":"scrape","subject":"toptv"}\n{"kind":"completed","id":"tt0000001"}\n')
    assert chart_of_last_run(data) == "toptv"
    assert chart_of_last_run(data / "none") is None


def test_ranks_of_no_known_chart_are_kept_in_a_file(data: Path, kind: str) -> None:
    with closing(CsvMovieRepository(data)) as repository:
        assert list(repository.rows(Table.CHARTS)) == []
    with (data / "ranks-before.csv").open(newline="", encoding="utf-8") as file:
        head, *rows = csv.reader(file)
    assert head == ["rank", "imdb_id", "scraped_at"]
    assert {(row[0], row[1]) for row in rows} == set(ranks(kind))


def test_a_reader_reads_it_without_changing_it(data: Path, kind: str) -> None:
    before = {path: path.read_bytes() for path in data.rglob("*") if path.is_file()}
    found = contents(CsvMovieRepository(data, read_only=True))
    assert without_read_at(found) == expected(kind)
    assert {path: path.read_bytes() for path in data.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("kind", ["killed", "killed_again"], indirect=True)  # a run that ended has no tail
def test_an_uncommitted_tail_is_cut_off(data: Path, kind: str) -> None:
    with (data / "movies.csv").open("ab") as file:
        file.write(b"tt0000009,Half")
    with closing(CsvMovieRepository(data)) as repository:
        assert without_read_at(contents(repository)) == expected(kind)


def test_an_unknown_binary_journal_is_an_error_and_left_alone(data: Path) -> None:
    path = data / ".filmledger" / "csv.journal"
    path.write_bytes(b"\x00\x01another journal" * 20)
    before = {path: path.read_bytes() for path in data.rglob("*") if path.is_file()}
    with pytest.raises(UsageError, match=r"csv\.journal is not a journal of version 0\.1 .*nothing was changed"):
        CsvMovieRepository(data)
    assert {path: path.read_bytes() for path in data.rglob("*") if path.is_file()} == before


class Died(BaseException):
    """Stands for a kill."""


@pytest.mark.parametrize("step", range(1, 10))
def test_a_migration_that_dies_is_done_again(data: Path, kind: str, step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    left = [step]

    def dying(function: Any) -> Any:
        def call(*args: Any, **named: Any) -> Any:
            left[0] -= 1
            if left[0] == 0:
                raise Died
            return function(*args, **named)

        return call

    with monkeypatch.context() as patched:
        patched.setattr(merge, "write_upcoming", dying(files.write_upcoming))
        patched.setattr(Manifest, "write", dying(Manifest.write))
        patched.setattr(merge, "settle", dying(merge.settle))
        with suppress(Died):
            CsvMovieRepository(data, rank_chart=lambda: "top250").close()
    with closing(CsvMovieRepository(data, rank_chart=lambda: "top250")) as repository:
        assert without_read_at(contents(repository)) == expected(kind)
        assert list(repository.rows(Table.CHARTS))


def test_files_of_0_1_alone_are_read_for_good(tmp_path: Path) -> None:
    data = copied("done", tmp_path / "data")
    (data / ".filmledger" / "csv.journal").unlink()
    with closing(CsvMovieRepository(data, rank_chart=lambda: "top250")) as repository:
        assert contents(repository) == expected("done")
    shutil.copy(FORMAT1 / "done" / "movies.csv", data / "movies.csv")
    with closing(CsvMovieRepository(data)) as repository:
        assert contents(repository) == expected("done")
        assert len(list(repository.rows(Table.CHARTS))) == len(ranks("done"))

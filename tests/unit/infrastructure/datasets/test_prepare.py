"""Data files become rows of the stores: every cell, every awkward row, and the join with what is stored."""

from __future__ import annotations

import csv
import gzip
import threading
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import pytest
from msgspec import structs

from application.records import Row, canonical, details_row, sort_key
from domain.errors import Cancelled, UsageError
from domain.fields import Table
from domain.movie import CAST, Credit, Movie, Person, PersonDetails, title_url
from infrastructure.datasets.files import DataFile, find_data_files
from infrastructure.datasets.prepare import LOADED_TABLES, LoadPreparation, PreparedLoad, Selection
from tests.support.data_files import AKAS, BASICS, RATINGS, Rows, data_file, write_data_files
from tests.support.repositories import InMemoryMovieRepository

DAY = date(2026, 11, 27)
ALL = Selection(kinds=(), min_votes=0)


@pytest.fixture
def files(tmp_path: Path) -> Path:
    return write_data_files(tmp_path / "files")


def load(
    files: Path,
    selection: Selection = ALL,
    *,
    day: date = DAY,
    stored: InMemoryMovieRepository | None = None,
    name: str = "out",
) -> PreparedLoad:
    found = find_data_files(files, selection.files)
    preparation = LoadPreparation(files / name, memory="200MB", threads=1)
    try:
        return preparation.prepare(found, selection, day, write_store(stored, files / f"{name}-stored").get)
    finally:
        preparation.close()


def write_store(store: InMemoryMovieRepository | None, folder: Path) -> dict[Table, Path]:
    """The tables of a store as CSV files."""
    if store is None:
        return {}
    folder.mkdir(exist_ok=True)
    paths = {}
    for table in Table:
        paths[table] = folder / f"{table}.csv"
        with paths[table].open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(table.columns)
            writer.writerows([[cell or "" for cell in row] for row in store.rows(table)])
    return paths


def rows(path: Path) -> list[Row]:
    return duckdb.execute(f"SELECT * FROM '{path}'").fetchall()


def complete(prepared: PreparedLoad, table: Table) -> list[Row]:
    return rows(prepared.complete(table))


def titles(prepared: PreparedLoad) -> list[str]:
    return [str(row[0]) for row in complete(prepared, Table.MOVIES)]


def values(table: Table, row: Row) -> dict[str, str]:
    return {name: cell for name, cell in zip(table.columns, row, strict=True) if cell is not None}


# --- every cell --------------------------------------------------------------------


def test_every_cell_of_a_title_is_taken_over(files: Path) -> None:
    found = {str(row[0]): values(Table.MOVIES, row) for row in complete(load(files), Table.MOVIES)}
    assert found["tt1000001"] == {
        "imdb_id": "tt1000001",
        "title": 'The "Quoted" Ferry',
        "original_title": "Le Bac",
        "kind": "movie",
        "year": "1994",
        "rating": "9.0",
        "votes": "2500",
        "duration_minutes": "142",
        "genres": '["Drama", "Crime"]',
        "is_adult": "false",
        "source": "datasets",
        "dataset_day": "2026-11-27",
        "incomplete": "[]",
        "source_url": "https://www.imdb.com/title/tt1000001/",
        "scraped_at": "2026-11-27T00:00:00.000000Z",
    }
    assert found["tt1000002"]["title"] == "Harbour \\ Lights"
    assert found["tt1000002"]["end_year"] == "2005"
    episode = found["tt1000003"]
    assert (episode["series_id"], episode["season"], episode["episode"]) == ("tt1000002", "1", "2")
    assert found["tt1000004"]["is_adult"] == "true"


def test_every_row_is_canonical_and_in_the_order_of_its_key(files: Path) -> None:
    prepared = load(files)
    for table in LOADED_TABLES:
        found = complete(prepared, table)
        assert [canonical(table, row) for row in found] == found
        assert [sort_key(table, row) for row in found] == sorted(sort_key(table, row) for row in found)
        assert prepared.counts.rows[table] == len(found)
        assert rows(prepared.changed(table)) == found


def test_crew_decides_directors_and_writers_and_actors_become_cast(files: Path) -> None:
    prepared = load(files)
    found = [row[1:] for row in complete(prepared, Table.CREDITS) if row[0] == "tt1000001"]
    assert found == [
        ("nm1000004", "cast", "1", '["Captain \\"Joe\\"", "The Mate"]', None, '["actor"]'),
        ("nm1000005", "cast", "2", None, None, '["actress"]'),
        ("nm1000002", "cast", "3", '["Self"]', None, '["self"]'),
        ("nm1000001", "director", "1", None, None, None),
        ("nm1000002", "director", "2", None, None, None),
        ("nm1000003", "producer", "1", None, '["producer"]', None),
        ("nm1000002", "writer", "1", None, '["screenplay"]', None),
    ]
    assert prepared.counts.unknown_people == 1  # the composer, whom name.basics does not have


def test_people_are_those_who_are_credited(files: Path) -> None:
    found = {str(row[0]): values(Table.PEOPLE, row) for row in complete(load(files), Table.PEOPLE)}
    assert sorted(found) == ["nm1000001", "nm1000002", "nm1000003", "nm1000004", "nm1000005"]
    ada = found["nm1000001"]
    assert (ada["name"], ada["born"], ada["died"], ada["professions"], ada["known_for"]) == (
        "Ada Ferris", "1950", "2011", '["director", "writer"]', '["tt1000001", "tt1000002"]',
    )  # fmt: skip


def test_other_titles_are_numbered_in_the_order_of_the_file(files: Path) -> None:
    assert complete(load(files), Table.AKAS) == [
        ("tt1000001", "1", "Le Bac", "FR", None, '["original", "working"]', '["long", "new"]'),
        ("tt1000001", "2", "Die Fähre", "DE", "de", '["imdbDisplay"]', None),
        ("tt1000004", "1", "Other", None, None, None, None),
    ]


def test_characters_that_a_copy_has_quoted_as_csv_are_read(files: Path) -> None:
    quoted = ("tt1000001", "1", "nm1000004", "actor", "\\N", '"[""Joe"",""Jim""]"')
    write_data_files(files, principals=[quoted])
    cast = [row for row in complete(load(files), Table.CREDITS) if row[2] == "cast"]
    assert cast[0][4] == '["Joe", "Jim"]'


# --- which titles ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        (Selection(), ["tt10000005", "tt1000001", "tt1000002"]),
        (Selection(kinds=("movie",)), ["tt10000005", "tt1000001"]),
        (Selection(min_votes=1001), ["tt1000001", "tt1000002"]),
        (Selection(since=2001), ["tt10000005", "tt1000002"]),
        (Selection(ids=("tt1000004", "tt7777777")), ["tt1000004"]),
        (Selection(ids=()), []),
        (Selection(kinds=("tvSeries",), episodes=True), ["tt1000002", "tt1000003"]),
        (ALL, ["tt10000005", "tt1000001", "tt1000002", "tt1000003", "tt1000004"]),
    ],
)
def test_the_selection_decides_which_titles_are_loaded(files: Path, selection: Selection, expected: list[str]) -> None:
    prepared = load(files, selection)
    assert titles(prepared) == expected
    assert prepared.counts.titles == len(expected)


def test_credits_and_other_titles_can_be_left_out_with_their_files(files: Path) -> None:
    for file in (DataFile.PRINCIPALS, DataFile.CREW, DataFile.NAMES, DataFile.AKAS):
        (files / file.file_name).unlink()
    prepared = load(files, structs.replace(ALL, credits=False, akas=False))
    assert len(titles(prepared)) == 5
    assert complete(prepared, Table.CREDITS) == complete(prepared, Table.PEOPLE) == complete(prepared, Table.AKAS) == []


# --- bad rows ------------------------------------------------------------------------


def rejects(files: Path, file: DataFile) -> list[list[str]]:
    path = files / "out" / f"rejected-{file}.tsv"
    lines = path.read_text(encoding="utf-8").splitlines()
    assert lines[0] == "file\tline\treason\trow"
    return [line.split("\t", 3) for line in lines[1:]]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (b"tt1000009\t8.0\n", "missing columns"),
        (b"tt1000009\t8.0\t5\tmore\n", "too many columns"),
        (b"tt\xff000009\t8.0\t5\n", "invalid encoding"),
        (b"tt9\t8.0\t5\n", "tconst is not tt and digits"),
        (b"tt1000009\t80\t5\n", "averageRating is not 1 to 10"),
        (b"tt1000009\t8.0\tmany\n", "numVotes is not a number"),
    ],
)
def test_a_bad_row_is_written_to_a_file_with_its_line_and_the_rest_is_loaded(
    files: Path, row: bytes, reason: str
) -> None:
    good = data_file(DataFile.RATINGS, RATINGS).splitlines(keepends=True)
    write_data_files(files, ratings=gzip.compress(b"".join([*good[:2], row, *good[2:]])))
    prepared = load(files)
    ((name, line, why, _),) = rejects(files, DataFile.RATINGS)
    assert (name, line) == ("title.ratings.tsv.gz", "3")
    assert reason in why
    assert prepared.counts.rejected == {"title.ratings": 1}
    assert len(complete(prepared, Table.RATINGS_HISTORY)) == 4


def test_rejected_rows_have_their_lines_also_behind_rows_that_cannot_be_read(files: Path) -> None:
    header, *good = data_file(DataFile.RATINGS, RATINGS).splitlines(keepends=True)
    cut, bad = b"tt1000001\n", b"tt1000001\tmany\t1\n"
    twice = good[0].replace(b"\t9", b"\t1")  # sorts before the other row of its title
    lines = [header, bad, cut, cut, good[0], cut, bad, *good[1:], twice]
    write_data_files(files, ratings=gzip.compress(b"".join(lines)))
    prepared = load(files)
    assert sorted((int(line), why.partition(":")[0]) for _, line, why, _ in rejects(files, DataFile.RATINGS)) == [
        (2, "averageRating is not 1 to 10"),
        (3, "missing columns"),
        (4, "missing columns"),
        (5, "another row with its key is kept"),
        (6, "missing columns"),
        (7, "averageRating is not 1 to 10"),
    ]
    assert len(titles(prepared)) == 5


def test_any_number_of_rejected_rows_is_counted_and_written_in_the_order_of_the_file(files: Path) -> None:
    header, *good = data_file(DataFile.RATINGS, RATINGS).splitlines(keepends=True)
    pair = b"tt1000001\n" + b"tt1000001\tmany\t1\n"  # unreadable, and readable but wrong
    write_data_files(files, ratings=gzip.compress(header + pair * 150_000 + b"".join(good)))
    prepared = load(files)
    assert prepared.counts.rejected == {"title.ratings": 300_000}
    found = [(int(line), why.partition(":")[0]) for _, line, why, _ in rejects(files, DataFile.RATINGS)]
    assert found == [
        (line, "averageRating is not 1 to 10" if line % 2 else "missing columns") for line in range(2, 300_002)
    ]
    assert len(titles(prepared)) == 5


def test_a_line_with_another_end_is_rejected_and_the_rest_is_loaded(files: Path) -> None:
    good = data_file(DataFile.RATINGS, RATINGS).splitlines(keepends=True)
    lines = [*good[:2], b"tt1000009\t8\r.0\t5\n", good[2].replace(b"\n", b"\r\n"), *good[3:]]
    write_data_files(files, ratings=gzip.compress(b"".join(lines)))
    prepared = load(files)
    assert {(line, why.partition(":")[0]) for _, line, why, _ in rejects(files, DataFile.RATINGS)} == {
        ("3", "missing columns"),
        ("4", "missing columns"),
    }
    assert len(complete(prepared, Table.RATINGS_HISTORY)) == 4


@pytest.mark.parametrize("characters", ['{"Captain": "Joe"}', '"Joe"', "Joe", '["Joe'])
def test_characters_that_are_no_array_are_rejected(files: Path, characters: str) -> None:
    write_data_files(files, principals=[("tt1000001", "1", "nm1000004", "actor", "\\N", characters)])
    assert load(files).counts.rejected == {"title.principals": 1}
    ((_, line, why, _),) = rejects(files, DataFile.PRINCIPALS)
    assert (line, why) == ("2", "characters is not a JSON array")


def test_categories_are_clean_text(files: Path) -> None:
    credit = ("tt1000001", "1", "nm1000004", " stunt\x00double ", "\\N", "\\N")
    write_data_files(files, principals=[credit], crew=[])
    assert [row[2] for row in complete(load(files), Table.CREDITS)] == ["stunt double"]


def test_kinds_that_no_title_has_are_counted(files: Path) -> None:
    prepared = load(files, Selection(kinds=("movie", "film")))
    assert prepared.counts.absent_kinds == ["film"]


def test_of_two_rows_with_one_key_one_is_kept_and_the_other_counted(files: Path) -> None:
    twice: Rows = [*RATINGS, ("tt1000001", "1.5", "7")]
    write_data_files(files, ratings=twice)
    prepared = load(files)
    assert prepared.counts.rejected == {"title.ratings": 1}
    assert len(titles(prepared)) == len(set(titles(prepared))) == 5
    name, line, why, row = rejects(files, DataFile.RATINGS)[0]
    assert (name, line, row) == ("title.ratings.tsv.gz", "2", "tt1000001\t9\t2500")  # "1.5" sorts before "9"
    assert why == "another row with its key is kept"


def test_of_two_other_titles_in_one_place_one_is_kept_and_the_other_has_its_line(files: Path) -> None:
    write_data_files(files, akas=[*AKAS, ("tt1000001", "2", "Zweite", "AT", "\\N", "\\N", "\\N", "0")])
    prepared = load(files)
    assert prepared.counts.rejected == {"title.akas": 1}
    ((_, line, _, row),) = rejects(files, DataFile.AKAS)
    assert (line, row.split("\t")[2]) == ("5", "Zweite")
    assert [row[1] for row in complete(prepared, Table.AKAS) if row[0] == "tt1000001"] == ["1", "2"]


# --- bad files -----------------------------------------------------------------------


def test_a_file_that_is_missing_is_named(files: Path) -> None:
    (files / "title.crew.tsv.gz").unlink()
    with pytest.raises(UsageError, match=r"title\.crew\.tsv\.gz is not in"):
        load(files)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"<!doctype html><title>Sorry</title>", "this is a web page"),
        (gzip.compress(b"<html>", mtime=0), "this is a web page"),
        (gzip.compress(b"tconst\tstars\tnumVotes\n"), "the header lacks averageRating"),
        (gzip.compress(b"numVotes\tconst\taverageRating\ttconst\n"), "the header has another order"),
        (b"\x1f\x8b\x08\x00broken", "cannot be read"),
    ],
    ids=["page", "compressed page", "other header", "other order", "broken"],
)
def test_what_is_not_the_data_file_is_refused_before_anything_is_read(
    files: Path, content: bytes, message: str
) -> None:
    write_data_files(files, ratings=content)
    with pytest.raises(UsageError, match=message):
        load(files)


def test_a_compressed_file_that_was_cut_off_is_refused(files: Path) -> None:
    path = files / DataFile.RATINGS.file_name
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(UsageError, match="a data file is damaged"):
        load(files)


def test_titles_without_a_row_are_refused_because_all_would_be_gone(files: Path) -> None:
    write_data_files(files, basics=[])
    with pytest.raises(UsageError, match=r"title\.basics\.tsv\.gz has no row that can be loaded"):
        load(files)


def test_the_content_of_a_file_decides_whether_it_is_compressed(files: Path) -> None:
    (files / DataFile.RATINGS.file_name).write_bytes(data_file(DataFile.RATINGS, RATINGS))
    crew = files / DataFile.CREW.file_name
    crew.rename(crew.with_suffix(""))
    prepared = load(files)
    assert len(complete(prepared, Table.RATINGS_HISTORY)) == 4
    assert [row[1] for row in complete(prepared, Table.CREDITS) if row[2] == "director"] == ["nm1000001", "nm1000002"]


def test_columns_behind_the_known_ones_and_uncompressed_files_are_fine(files: Path) -> None:
    (files / DataFile.RATINGS.file_name).unlink()
    lines = data_file(DataFile.RATINGS, RATINGS).splitlines()
    (files / "title.ratings.tsv").write_bytes(b"\xef\xbb\xbf" + b"".join(line + b"\tmore\n" for line in lines))
    assert len(complete(load(files), Table.RATINGS_HISTORY)) == 4


def test_a_load_that_is_cancelled_stops(files: Path) -> None:
    cancel = threading.Event()
    cancel.set()
    preparation = LoadPreparation(files / "out", cancel=cancel)
    with pytest.raises(Cancelled):
        preparation.prepare(find_data_files(files, ALL.files), ALL, DAY, lambda _table: None)
    preparation.close()


# --- joined with what is stored --------------------------------------------------------


def page(scraped_at: datetime, **changes: object) -> Movie:
    movie = Movie(
        "tt1000001", "The Ferry", title_url("tt1000001"), scraped_at, rating=8.8, votes=2000, plot="A ferry.",
        metascore=70, source="page", cast=(Credit(Person("nm1000005", "Eve Strand"), CAST, 1, ("Eva",)),),
    )  # fmt: skip
    return replace(movie, **changes)  # type: ignore[arg-type]


@pytest.fixture
def store() -> Iterator[InMemoryMovieRepository]:
    store = InMemoryMovieRepository()
    yield store
    assert not store.closed


def stored_row(prepared: PreparedLoad, imdb_id: str = "tt1000001") -> Mapping[str, str]:
    return next(values(Table.MOVIES, row) for row in complete(prepared, Table.MOVIES) if row[0] == imdb_id)


def test_a_newer_day_gives_a_page_record_its_figures_and_nothing_else(
    files: Path, store: InMemoryMovieRepository
) -> None:
    store.save(page(datetime(2026, 11, 26, 12, tzinfo=UTC)))
    found = stored_row(load(files, stored=store))
    assert (found["rating"], found["votes"], found["dataset_day"]) == ("9.0", "2500", "2026-11-27")
    assert (found["title"], found["plot"], found["metascore"]) == ("The Ferry", "A ferry.", "70")
    assert (found["source"], found["scraped_at"]) == ("page", "2026-11-26T12:00:00.000000Z")
    assert found["year"] == "1994"  # the page did not tell it


def test_an_older_day_does_not_change_the_figures_of_a_page(files: Path, store: InMemoryMovieRepository) -> None:
    store.save(page(datetime(2026, 11, 28, 1, tzinfo=UTC)))
    found = stored_row(load(files, stored=store))
    assert (found["rating"], found["votes"]) == ("8.8", "2000")


def test_credits_of_a_page_stay_whole_and_other_categories_are_added(
    files: Path, store: InMemoryMovieRepository
) -> None:
    store.save(page(datetime(2026, 11, 26, tzinfo=UTC)))
    prepared = load(files, stored=store)
    found = [(row[2], row[1]) for row in complete(prepared, Table.CREDITS) if row[0] == "tt1000001"]
    assert found == [
        ("cast", "nm1000005"), ("director", "nm1000001"), ("director", "nm1000002"), ("producer", "nm1000003"),
        ("writer", "nm1000002"),
    ]  # fmt: skip
    assert ("tt1000001",) in rows(prepared.replaced(Table.CREDITS))


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("graphql", ("1950-03-04", "2011", "Riga", '["tt0000042"]', "2026-11-26T12:00:00.000000Z", "graphql")),
        ("datasets", ("1950", "2011", "Riga", '["tt1000001", "tt1000002"]', "2026-11-27T00:00:00.000000Z", "datasets")),
    ],
)
def test_details_of_another_source_get_only_what_they_lack(
    files: Path, store: InMemoryMovieRepository, source: str, expected: tuple[str, ...]
) -> None:
    ada = Person("nm1000001", "Ada Ferris")
    store.save(page(datetime(2026, 11, 26, tzinfo=UTC), cast=(Credit(ada, CAST, 1),)))
    read = PersonDetails(
        ada.person_id, datetime(2026, 11, 26, 12, tzinfo=UTC), source,
        born="1950-03-04", birth_place="Riga", known_for=("tt0000042",),
    )  # fmt: skip
    store.save_rows(Table.PEOPLE, [details_row(read)])
    found = next(row for row in complete(load(files, stored=store), Table.PEOPLE) if row[0] == ada.person_id)
    person = values(Table.PEOPLE, found)
    names = ("born", "died", "birth_place", "known_for", "details_read_at", "details_source")
    assert tuple(person[name] for name in names) == expected


def test_titles_outside_the_selection_stay(files: Path, store: InMemoryMovieRepository) -> None:
    store.save(replace(page(datetime(2026, 11, 26, tzinfo=UTC)), imdb_id="tt0000042"))
    prepared = load(files, stored=store)
    assert "tt0000042" in titles(prepared)
    assert prepared.counts.gone == 0  # it was read from a page


def test_the_same_files_again_change_nothing(files: Path) -> None:
    first = load(files)
    stored = {table: first.folder / f"{table}.csv" for table in LOADED_TABLES}
    for table, path in stored.items():
        duckdb.sql(f"COPY (SELECT * FROM '{first.complete(table)}') TO '{path}' (HEADER, NULLSTR '')")
    found = find_data_files(files, ALL.files)
    preparation = LoadPreparation(files / "again")
    again = preparation.prepare(found, ALL, DAY, stored.get)
    preparation.close()
    assert (again.counts.new, again.counts.changed, again.counts.gone) == (0, 0, 0)
    for table in LOADED_TABLES:
        assert rows(again.changed(table)) == []
        assert complete(again, table) == complete(first, table)


def test_the_next_day_only_what_differs_is_new_or_changed_and_history_grows(files: Path) -> None:
    first = load(files)
    stored = {table: first.folder / f"{table}.csv" for table in LOADED_TABLES}
    for table, path in stored.items():
        duckdb.sql(f"COPY (SELECT * FROM '{first.complete(table)}') TO '{path}' (HEADER, NULLSTR '')")
    write_data_files(
        files,
        ratings=[("tt1000001", "9.1", "2600"), *RATINGS[1:]],
        basics=[*BASICS[:3], BASICS[4], ("tt1000006", "movie", "New", "New", "0", "2026", "\\N", "\\N", "\\N")],
    )
    preparation = LoadPreparation(files / "next")
    found = find_data_files(files, ALL.files)
    following = preparation.prepare(found, ALL, date(2026, 11, 28), stored.get)
    preparation.close()
    assert (following.counts.new, following.counts.gone) == (1, 1)
    assert "tt1000004" in titles(following)  # gone from the files, and kept
    assert rows(following.gone) == []
    history = [row for row in complete(following, Table.RATINGS_HISTORY) if row[0] == "tt1000001"]
    assert history == [
        ("tt1000001", "2026-11-27", "9.0", "2500"), ("tt1000001", "2026-11-28", "9.1", "2600"),
    ]  # fmt: skip
    assert len(rows(following.changed(Table.RATINGS_HISTORY))) == 1


def test_pruning_deletes_what_only_older_data_files_had(files: Path) -> None:
    store = InMemoryMovieRepository()
    store.save(page(datetime(2026, 11, 26, tzinfo=UTC)))
    store.save(replace(page(datetime(2026, 11, 26, tzinfo=UTC)), imdb_id="tt0000042"))
    for imdb_id in ("tt0000043", "tt1000004"):
        store.save(replace(page(datetime(2026, 11, 26, tzinfo=UTC)), imdb_id=imdb_id, source="datasets"))
    broken = [("tt1000004", "short", "No Votes", "No Votes", "1", "year", "\\N", "\\N", "Short")]
    write_data_files(files, basics=[*BASICS[:3], *broken, BASICS[4]])
    pruned = load(files, structs.replace(ALL, prune=True), stored=store)
    assert pruned.counts.gone == 1
    assert rows(pruned.gone) == [("tt0000043",)]
    assert {"tt0000042", "tt1000004"} < set(titles(pruned))  # read from a page; rejected today
    for table in (Table.MOVIES, Table.CREDITS, Table.AKAS):
        assert "tt0000043" not in {row[0] for row in complete(pruned, table)}
    assert "tt0000043" in {row[0] for row in rows(pruned.replaced(Table.CREDITS))}


@pytest.mark.long
@pytest.mark.parametrize("read_from_page", [True, False])
@pytest.mark.parametrize("votes_of_new", ["999", "1000"])
def test_files_that_are_unchanged_are_read_for_new_titles_only_and_the_result_is_the_same(
    files: Path, votes_of_new: str, read_from_page: bool
) -> None:
    selection = Selection(kinds=(), min_votes=1000)
    first = load(files, Selection(kinds=(), min_votes=1100))  # without the title of 1,000 votes
    stored = {table: first.folder / f"{table}.csv" for table in LOADED_TABLES}
    for table, path in stored.items():
        query = f"SELECT * FROM '{first.complete(table)}'"
        if read_from_page and table is Table.MOVIES:
            page = "CASE imdb_id WHEN 'tt1000001' THEN 'page' ELSE source END"
            query = f"SELECT * REPLACE ({page} AS source) FROM ({query})"
        duckdb.sql(f"COPY ({query}) TO '{path}' (HEADER, NULLSTR '')")
    ratings = [("tt1000001", "9.1", "2600"), *RATINGS[1:3], ("tt10000005", "5.5", votes_of_new)]
    write_data_files(files, ratings=ratings)
    found = find_data_files(files, selection.files)
    prepared = []
    for name, unchanged in (("all", frozenset()), ("new", frozenset(DataFile) - {DataFile.RATINGS})):
        preparation = LoadPreparation(files / name)
        prepared.append(preparation.prepare(found, selection, date(2026, 11, 28), stored.get, unchanged=unchanged))
        preparation.close()
    for table in LOADED_TABLES:
        assert rows(prepared[1].changed(table)) == rows(prepared[0].changed(table))
    for table in (Table.CREDITS, Table.AKAS):
        assert rows(prepared[1].replaced(table)) == rows(prepared[0].replaced(table))
    assert [row[0] for row in rows(prepared[0].changed(Table.MOVIES))] == (
        ["tt10000005", "tt1000001"] if votes_of_new == "1000" else ["tt1000001"]
    )

"""Export and import: what goes out comes back the same."""

from __future__ import annotations

import csv
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from arro3.io import read_parquet
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from application.ports.runs import Run
from application.records import Row, to_rows
from domain.chart import ChartEntry
from domain.errors import StoreUnavailable, UsageError
from domain.fields import DeclaredTable, HistoryTable, Table
from domain.movie import Movie
from infrastructure.cli.app import program
from infrastructure.export import ExportFormat, export, import_csv
from infrastructure.stores.csv.repository import CsvMovieRepository
from infrastructure.stores.postgres.database import Database
from infrastructure.stores.postgres.history import PostgresHistory
from infrastructure.stores.postgres.loading import PostgresLoader
from infrastructure.stores.postgres.reading import snapshot
from infrastructure.stores.postgres.repository import PostgresMovieRepository
from tests.integration.test_csv_format1 import FORMAT1
from tests.support.films import bare, film, films
from tests.support.movies import AWKWARD_TEXTS, full_movie, movie, movies, person
from tests.support.postgres import empty_database
from tests.support.repositories import InMemoryMovieRepository

FILMS = [*films(40, ranked=25), bare(1)]


@pytest.fixture
def database() -> Iterator[Database]:
    with empty_database() as dsn, closing(Database(dsn)) as database:
        yield database


def save_all(database: Database, *saved: Movie) -> None:
    repository = PostgresMovieRepository(database)
    for one in saved:
        repository.save(one)


def exported(database: Database, form: ExportFormat, directory: Path, **options: bool) -> tuple[Path, ...]:
    with snapshot(database) as source:
        return export(source, form, directory, **options)


def finished_csv(directory: Path, *saved: Movie, escape_formulas: bool = False) -> Path:
    """The folder of a CSV store that has seen these movies."""
    with closing(CsvMovieRepository(directory, escape_formulas=escape_formulas)) as store:
        for one in saved:
            store.save(one)
        store.finalize()
    return directory


def load(database: Database, directory: Path, *, escape_formulas: bool = False) -> dict[DeclaredTable, int]:
    with closing(CsvMovieRepository(directory, read_only=True, escape_formulas=escape_formulas)) as store:
        return PostgresLoader(database).load(store.rows)


def texts(directory: Path, *tables: DeclaredTable) -> dict[str, bytes]:
    return {f"{table}.csv": (directory / f"{table}.csv").read_bytes() for table in tables or Table}


@pytest.mark.parametrize("escape_formulas", [False, True])
def test_the_csv_export_is_what_the_csv_store_holds(database: Database, tmp_path: Path, escape_formulas: bool) -> None:
    tricky = [movie(number, title=text) for number, text in enumerate(AWKWARD_TEXTS, 1) if text.strip()]
    save_all(database, *FILMS, *tricky)
    kept = finished_csv(tmp_path / "kept", *FILMS, *tricky, escape_formulas=escape_formulas)
    exported(database, ExportFormat.CSV, tmp_path / "out", escape_formulas=escape_formulas)
    assert texts(tmp_path / "out") == texts(kept)


@pytest.mark.parametrize("escape_formulas", [False, True])
def test_export_after_import_gives_the_same_bytes(database: Database, tmp_path: Path, escape_formulas: bool) -> None:
    tricky = [full_movie(number) for number in range(1, 4)]
    kept = finished_csv(tmp_path / "kept", *FILMS, *tricky, escape_formulas=escape_formulas)
    counts = load(database, kept, escape_formulas=escape_formulas)
    assert counts[Table.MOVIES] == len(FILMS) + len(tricky)
    exported(database, ExportFormat.CSV, tmp_path / "out", escape_formulas=escape_formulas)
    assert texts(tmp_path / "out") == texts(kept)


def test_the_history_of_runs_is_exported_and_comes_back(database: Database, tmp_path: Path) -> None:
    history = PostgresHistory(database)
    save_all(database, *FILMS)
    for number, chart in enumerate(("top250", None, "toptv"), 1):
        run = Run("https://site.example", chart, asked=2, started_at=datetime(2026, 11, number, 5, tzinfo=UTC))
        history.begin(run, [ChartEntry(1, FILMS[0].imdb_id), ChartEntry(2, FILMS[1].imdb_id)] if chart else [])
        history.end(
            run, saved=2, failed=0, complete=chart is not None, finished_at=run.started_at + timedelta(minutes=1)
        )
    exported(database, ExportFormat.CSV, tmp_path / "out")
    with (tmp_path / "out" / "runs.csv").open(newline="") as file:
        runs = list(csv.DictReader(file))
    assert [(run["chart"], run["asked"], run["complete"]) for run in runs] == [
        ("top250", "2", "true"), ("", "2", "false"), ("toptv", "2", "true"),
    ]  # fmt: skip
    before, snapshots = texts(tmp_path / "out", *HistoryTable), history.snapshots(5)
    exported(database, ExportFormat.PARQUET, tmp_path / "parquet")
    entries = read_parquet(tmp_path / "parquet" / "chart_entries.parquet").read_all()
    assert len(entries) == 4
    exported(database, ExportFormat.JSONL, tmp_path / "lines")
    lines = (tmp_path / "lines" / "runs.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["chart"] for line in lines] == ["top250", None, "toptv"]
    assert json.loads(lines[0])["complete"] is True
    with empty_database():
        counts = import_of(database, tmp_path / "out")
        assert (counts[HistoryTable.RUNS], counts[HistoryTable.CHART_ENTRIES]) == (3, 4)
        exported(database, ExportFormat.CSV, tmp_path / "again")
        assert texts(tmp_path / "again", *HistoryTable) == before
        assert history.snapshots(5) == snapshots
        later = Run("https://site.example", "top250", asked=1, started_at=datetime(2026, 11, 9, tzinfo=UTC))
        history.begin(later, [ChartEntry(1, FILMS[0].imdb_id)])  # the numbers of runs go on
    (tmp_path / "out" / "runs.csv").write_text("a,b\r\n1,2\r\n")
    with empty_database(), pytest.raises(UsageError, match=r"runs\.csv: the columns are a, b, not run_id, site"):
        import_of(database, tmp_path / "out")


@settings(max_examples=5, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(saved=st.lists(movies(), max_size=4, unique_by=lambda one: one.imdb_id))
def test_any_records_survive_import(database: Database, saved: list[Movie]) -> None:
    model = InMemoryMovieRepository()
    for one in saved:
        model.save(one)
    with empty_database():
        PostgresLoader(database).load(model.rows)
        repository = PostgresMovieRepository(database)
        assert {table: list(repository.rows(table)) for table in Table} == {t: list(model.rows(t)) for t in Table}


def test_names_go_on_by_the_rule_after_an_import(database: Database, tmp_path: Path) -> None:
    moment = datetime(2026, 5, 1, tzinfo=UTC)
    first = replace(movie(2, cast=[person(1, "Anna")]), scraped_at=moment)
    load(database, finished_csv(tmp_path / "kept", first))
    older = replace(movie(1, cast=[person(1, "Ann")]), scraped_at=moment - timedelta(days=1))
    same_time = replace(movie(3, cast=[person(1, "Anne")]), scraped_at=moment)
    save_all(database, older, same_time)
    repository = PostgresMovieRepository(database)
    assert [row[1] for row in repository.rows(Table.PEOPLE)] == ["Anna"]
    save_all(database, replace(older, scraped_at=moment))
    assert [row[1] for row in repository.rows(Table.PEOPLE)] == ["Ann"]


def test_saving_works_after_an_import(database: Database, tmp_path: Path) -> None:
    load(database, finished_csv(tmp_path / "kept", *FILMS[:10]))
    save_all(database, *FILMS[5:])
    assert list(PostgresMovieRepository(database).rows(Table.MOVIES)) == sorted(to_rows(one).movie for one in FILMS)


def test_an_import_into_a_database_with_movies_is_refused(database: Database, tmp_path: Path) -> None:
    save_all(database, FILMS[0])
    with pytest.raises(UsageError, match="empty database; this one holds 1 movies"):
        load(database, finished_csv(tmp_path / "kept", *FILMS))
    assert list(PostgresMovieRepository(database).rows(Table.MOVIES)) == [to_rows(FILMS[0]).movie]


def broken(table: Table, index: int, column: str, cell: str | None) -> InMemoryMovieRepository:
    """A store with one bad cell."""

    class Broken(InMemoryMovieRepository):
        def rows(self, asked: Table) -> Iterator[Row]:
            for number, row in enumerate(super().rows(asked)):
                cells = list(row)
                if asked is table and number == index:
                    cells[table.columns.index(column)] = cell
                yield tuple(cells)

    store = Broken()
    for one in FILMS[:5]:
        store.save(one)
    return store


@pytest.mark.parametrize(
    ("table", "column", "cell", "says"),
    [
        (Table.MOVIES, "year", "19x4", r"movies tt\d+, year: invalid input syntax"),
        (Table.MOVIES, "year", "1700", r"movies tt\d+: .*movies_year_check"),
        (Table.MOVIES, "scraped_at", "infinity", r"movies tt\d+: scraped_at 'infinity' is not a time"),
        (Table.MOVIES, "scraped_at", "now", r"movies tt\d+: scraped_at 'now' is not a time"),
        (Table.MOVIES, "plot", "half \ud83c", r"movies tt\d+: it is not UTF-8"),
        (Table.MOVIES, "plot", "n\0l", r"movies tt\d+: invalid byte sequence"),
        (Table.PEOPLE, "name", " ", r"people_name_check.*nm\d+"),
        (Table.MOVIES, "title", None, r"movies tt\d+: null value in column \"title\""),
        (Table.MOVIES, "imdb_id", FILMS[1].imdb_id, r"movies tt\d+: it occurs twice"),
        (Table.CREDITS, "characters", "nonsense", r"credits tt\d+ \w+ \d+, characters: malformed array"),
        (Table.CREDITS, "person_id", "nm9999999", r"credits name nm9999999, but people do not"),
        (Table.CREDITS, "imdb_id", "tt9999999", r"credits name tt9999999, but movies do not"),
    ],
)
def test_a_bad_row_is_named_and_nothing_is_imported(
    database: Database, table: Table, column: str, cell: str | None, says: str
) -> None:
    with pytest.raises(UsageError, match=says):
        PostgresLoader(database).load(broken(table, 2, column, cell).rows)
    assert list(PostgresMovieRepository(database).rows(Table.MOVIES)) == []
    save_all(database, FILMS[0])  # the checks and indexes are all there again


# --- broken files ---------------------------------------------------------------


def damaged(folder: Path, table: Table, damage: Callable[[bytes], bytes]) -> Path:
    """A folder of our files, copied from where no run has left a journal, one of them damaged."""
    shutil.rmtree(folder, ignore_errors=True)
    kept = finished_csv(folder / "kept", *FILMS)
    for name, content in texts(kept).items():
        (folder / name).write_bytes(damage(content) if name == f"{table}.csv" else content)
    return folder


def import_of(database: Database, folder: Path) -> dict[DeclaredTable, int]:
    return import_csv(folder, PostgresLoader(database), escape_formulas=False)


def line_replaced(number: int, line: bytes) -> Callable[[bytes], bytes]:
    def replaced(content: bytes) -> bytes:
        lines = content.splitlines(keepends=True)
        return b"".join([*lines[: number - 1], line, *lines[number:]])

    return replaced


@pytest.mark.parametrize(
    ("table", "damage", "says"),
    [
        (Table.MOVIES, lambda content: content[:3000], r"movies\.csv line \d+: "),
        (Table.MOVIES, line_replaced(4, b"garbage\r\n"), r"movies\.csv line 4: 1 cells instead of 50"),
        (Table.MOVIES, lambda content: content + b"\1,\xff\n" * 9, r"line 43: .*line 44: .*line 45: .* and more$"),
        (Table.MOVIES, lambda content: content + content.splitlines(keepends=True)[-1], r"tt\d+: it occurs twice"),
        (
            Table.PEOPLE,
            line_replaced(5, b"nm9999999,\xe9" + b"," * 10 + b"\r\n"),
            r"people\.csv line 5: it is not UTF-8",
        ),
        (Table.PEOPLE, line_replaced(5, b""), r"credits name nm\d+, but people do not"),
        (Table.PEOPLE, lambda _: b"", r"people\.csv has not even a first line"),
        (Table.CREDITS, lambda content: content[:-9], r"credits\.csv line \d+: "),
        (Table.CREDITS, lambda content: content.replace(b",", b";"), r"credits\.csv: its first line is"),
    ],
)  # fmt: skip
def test_a_broken_file_is_named_with_the_line_and_nothing_is_imported(
    database: Database, tmp_path: Path, table: Table, damage: Callable[[bytes], bytes], says: str
) -> None:
    with pytest.raises(UsageError, match=says) as caught:
        import_of(database, damaged(tmp_path / "in", table, damage))
    assert "\n" not in str(caught.value)
    assert list(PostgresMovieRepository(database).rows(Table.MOVIES)) == []
    assert import_of(database, damaged(tmp_path / "in", table, bytes))[Table.MOVIES] == len(FILMS)


@pytest.mark.long
def test_wherever_a_file_was_cut_off_it_is_told(database: Database, tmp_path: Path) -> None:
    for table, parts in ((Table.MOVIES, 23), (Table.PEOPLE, 13), (Table.CREDITS, 13)):
        for part in range(1, parts):
            folder = damaged(tmp_path / "in", table, lambda content: content[: len(content) * part // parts])  # noqa: B023
            with (folder / f"{table}.csv").open(encoding="utf-8", errors="replace", newline="") as file:
                *_, last = csv.reader(file)
            if len(last) == len(table.columns) and not last[-1]:
                continue  # cut between two rows: nothing in the file shows that rows are missing
            with pytest.raises(UsageError, match=rf"{table}\.csv|(credits name)"):
                import_of(database, folder)


@pytest.mark.parametrize("table", Table)
def test_a_missing_file_is_refused(database: Database, tmp_path: Path, table: Table) -> None:
    kept = finished_csv(tmp_path, *FILMS)
    (kept / f"{table}.csv").unlink()
    with pytest.raises(UsageError, match=f"holds no {table}.csv: an import needs movies.csv, people.csv, credits.csv"):
        import_of(database, kept)


def test_files_of_version_0_1_are_imported_and_their_ranks_told(
    database: Database, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "old"
    shutil.copytree(FORMAT1 / "done", folder)
    import_of(database, folder)
    with (folder / "movies.csv").open(encoding="utf-8", newline="") as lines:
        genres = {row["imdb_id"]: tuple(filter(None, row["genres"].split("|"))) for row in csv.DictReader(lines)}
    with closing(PostgresMovieRepository(database)) as repository:
        assert {imdb_id: repository.find(imdb_id).genres for imdb_id in repository.ids()} == genres  # type: ignore[union-attr]
    assert "the ranks in them are not imported" in caplog.text
    (folder / "people.csv").unlink()
    with pytest.raises(UsageError, match=r"no people\.csv: an import needs movies\.csv, people\.csv, credits\.csv$"):
        import_of(database, folder)


@pytest.mark.long
def test_the_command_says_that_only_the_database_was_filled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept, data = finished_csv(tmp_path / "kept", *FILMS), tmp_path / "data"
    with empty_database() as dsn:
        monkeypatch.setenv("POSTGRES_DSN", dsn)
        monkeypatch.setenv("DATA_DIR", str(data))
        (kept / "credits.csv").rename(kept / "away.csv")
        refused = CliRunner().invoke(program(), ["import", str(kept)])
        assert (refused.exit_code, refused.stderr.count("\n")) == (2, 1)
        (kept / "away.csv").rename(kept / "credits.csv")
        done = CliRunner().invoke(program(), ["import", str(kept)])
        assert done.exit_code == 0, done.output
        assert "imported 41 movies" in done.stdout
        assert "verify --repair" in done.stdout.splitlines()[-1]
        assert CliRunner().invoke(program(), ["verify"]).exit_code == 1
        assert CliRunner().invoke(program(), ["verify", "--repair"]).exit_code == 0
    assert texts(data) == texts(kept)


# --- times that Python cannot have ----------------------------------------------


def test_json_lines_hold_whole_movies(database: Database, tmp_path: Path) -> None:
    whole = full_movie(1)
    save_all(database, whole, bare(1), film(3, rank=2))
    path, *_ = exported(database, ExportFormat.JSONL, tmp_path)
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    by_id = {line["imdb_id"]: line for line in lines}
    found = by_id[whole.imdb_id]
    assert found["title"] == whole.title
    assert found["rating"] == whole.rating
    assert found["genres"] == list(whole.genres)
    assert [one["name"] for one in found["directors"]] == [credit.person.name for credit in whole.directors]
    assert [tuple(one["characters"]) for one in found["cast"]] == [credit.characters for credit in whole.cast]
    assert by_id[bare(1).imdb_id]["cast"] == []
    assert by_id[bare(1).imdb_id]["year"] is None


def test_parquet_has_types(database: Database, tmp_path: Path) -> None:
    whole = replace(full_movie(1), scraped_at=datetime(2026, 5, 1, 12, 30, 1, 123456, tzinfo=UTC))
    save_all(database, whole, *FILMS)
    paths = exported(database, ExportFormat.PARQUET, tmp_path)
    tables = {path.stem: read_parquet(path).read_all() for path in paths}
    ids = [str(value) for value in tables["movies"].column("imdb_id").to_pylist()]
    at = ids.index(whole.imdb_id)

    def cell(column: str) -> object:
        return tables["movies"].column(column).to_pylist()[at]

    assert cell("genres") == list(whole.genres)
    assert cell("rating") == whole.rating
    assert cell("votes") == whole.votes
    assert cell("scraped_at") == whole.scraped_at
    assert len(ids) == len(FILMS) + 1
    assert tables["credits"].num_rows == sum(len(one.credits) for one in (whole, *FILMS))
    assert tables["people"].num_rows == len({c.person.person_id for one in (whole, *FILMS) for c in one.credits})


def test_an_empty_database_gives_empty_files(database: Database, tmp_path: Path) -> None:
    for form in ExportFormat:
        for path in exported(database, form, tmp_path):
            assert path.exists()
    assert (tmp_path / "movies.csv").read_text().startswith("imdb_id,title,")
    assert read_parquet(tmp_path / "movies.parquet").read_all().num_rows == 0


def test_files_that_are_there_are_not_replaced_unasked(database: Database, tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text("mine")
    with pytest.raises(UsageError, match=r"people\.csv exists already"):
        exported(database, ExportFormat.CSV, tmp_path)
    assert (tmp_path / "people.csv").read_text() == "mine"
    exported(database, ExportFormat.CSV, tmp_path, overwrite=True)
    assert (tmp_path / "people.csv").read_text().startswith("person_id,name")


def test_a_folder_that_cannot_be_made_is_told(database: Database, tmp_path: Path) -> None:
    with pytest.raises((UsageError, StoreUnavailable), match=r"cannot be written|not a folder"):
        exported(database, ExportFormat.CSV, Path(os.devnull) / "out")


def test_a_run_going_on_does_not_mix_into_an_export(database: Database, tmp_path: Path) -> None:
    save_all(database, *FILMS[:5])
    with snapshot(database) as source:
        titles = list(source.rows(Table.MOVIES))
        save_all(database, *FILMS)
        people = list(source.rows(Table.PEOPLE))
    assert len(titles) == 5
    assert len(people) == len({c.person.person_id for one in FILMS[:5] for c in one.credits})

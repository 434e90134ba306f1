"""What is written has the right types for those who read it: pandas, DuckDB and Datasette."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from infrastructure.demo.process import DemoOptions, DemoProcess
from tests.e2e.conftest import Program

duckdb = pytest.importorskip("duckdb")
pytestmark = pytest.mark.long
COUNT = 12


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for each format."""
    folder = tmp_path_factory.mktemp("export")
    with DemoProcess(DemoOptions(count=COUNT, page_kb=0)) as site:
        program = Program(folder / "data", {"BASE_URL": site.url})
        program.run("--limit", str(COUNT))
        for form in ("csv", "jsonl", "parquet"):
            program.run("export", "--format", form, str(folder / form))
    return folder


def test_parquet_has_floats_dates_times_and_lists(exported: Path) -> None:
    described = duckdb.sql(f"DESCRIBE SELECT * FROM '{exported}/parquet/movies.parquet'").fetchall()
    types = {name: kind for name, kind, *_ in described}
    assert types["rating"] == "DOUBLE"
    assert types["votes"] == "BIGINT"
    assert types["year"] == "INTEGER"
    assert types["genres"] == "VARCHAR[]"
    assert types["scraped_at"] == "TIMESTAMP WITH TIME ZONE"
    assert types["is_adult"] == "BOOLEAN"


def test_parquet_can_be_computed_with_in_pandas(exported: Path) -> None:
    movies = duckdb.sql(f"SELECT * EXCLUDE (scraped_at) FROM '{exported}/parquet/movies.parquet'").df()
    assert len(movies) == COUNT
    assert (movies["rating"] * 1.5).max() > 10
    assert movies["genres"].map(len).max() >= 1


def test_every_table_is_exported_and_joins(exported: Path) -> None:
    tables = {path.stem for path in (exported / "parquet").iterdir()}
    assert {"movies", "people", "credits", "charts", "ratings_history"} <= tables
    names = duckdb.sql(
        f"SELECT count(*) FROM '{exported}/parquet/credits.parquet' JOIN '{exported}/parquet/people.parquet'"
        f" USING (person_id) JOIN '{exported}/parquet/movies.parquet' USING (imdb_id)"
    ).fetchall()
    credits = duckdb.sql(f"SELECT count(*) FROM '{exported}/parquet/credits.parquet'").fetchall()
    assert names == credits
    assert credits[0][0] > COUNT


def test_json_lines_and_csv_say_the_same(exported: Path) -> None:
    pandas = pytest.importorskip("pandas")  # half a second in each test process, were it at the top

    documents = pandas.read_json(exported / "jsonl" / "movies.jsonl", lines=True)
    rows = pandas.read_csv(exported / "csv" / "movies.csv")
    parquet = duckdb.sql(f"SELECT imdb_id, rating FROM '{exported}/parquet/movies.parquet'").fetchall()
    expected = {imdb_id: rating for imdb_id, rating in parquet if rating is not None}
    for frame in (documents, rows):
        known = frame[frame["rating"].notna()]
        assert dict(zip(known["imdb_id"], known["rating"].astype(float), strict=True)) == expected


def test_existing_files_are_not_replaced(exported: Path) -> None:
    program = Program(exported / "data", {"BASE_URL": "http://127.0.0.1:1"})
    before = (exported / "csv" / "movies.csv").read_bytes()
    refused = program.run("export", str(exported / "csv"), code=2).stderr
    assert refused.startswith("filmledger: ")
    assert "exists already; choose another folder, or --overwrite" in refused
    assert len(refused.splitlines()) == 1
    assert (exported / "csv" / "movies.csv").read_bytes() == before


@pytest.mark.long
def test_datasette_shows_the_sqlite_store(tmp_path: Path) -> None:
    pytest.importorskip("datasette", reason="datasette is not installed")
    with DemoProcess(DemoOptions(count=COUNT, page_kb=0)) as site:
        program = Program(tmp_path / "data", {"BASE_URL": site.url, "STORES": "sqlite"})
        program.run("--limit", str(COUNT))

    def read(address: str) -> list[dict[str, object]]:
        command = [sys.executable, "-m", "datasette", str(program.data_dir / "filmledger.sqlite"), "--get", address]
        rows: list[dict[str, object]] = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
        return rows

    movies = read("/filmledger/movies.json?_shape=array&_json=genres&_facet_array=genres")
    assert len(movies) == COUNT
    assert {type(movie["rating"]) for movie in movies} <= {float, type(None)}
    assert {type(movie["genres"]) for movie in movies} == {list}
    (credit,) = read("/filmledger/credits.json?_shape=array&_labels=on&_size=1")
    assert isinstance(credit["person_id"], dict)  # it follows the reference, and shows a label

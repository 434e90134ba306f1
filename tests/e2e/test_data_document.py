"""The queries and lines of docs/data.md work on real data."""

from __future__ import annotations

import re

import duckdb
import pytest

from tests.conftest import ROOT
from tests.e2e.conftest import Program

DOCUMENT = (ROOT / "docs" / "data.md").read_text(encoding="utf-8")
QUERIES = re.findall(r"```sql\n(.+?)```", DOCUMENT, re.DOTALL)
# Queries that find nothing in one run over pages of films; their columns are checked all the same.
MAY_BE_EMPTY = ("rank_before", "ratings_history", "incomplete", "gross_currency", "acted")


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Program:
    program = Program(tmp_path_factory.mktemp("document") / "data")
    program.run("--demo", "--limit", "40", DETAIL_SOURCE="graphql")  # which tells the jobs of writers
    program.run("--demo", "--chart", "toptv", "--limit", "1", "--seasons", DETAIL_SOURCE="graphql")
    return program


def test_there_are_ten_queries() -> None:
    assert len(QUERIES) == 10


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: " ".join(query.split())[:40])
def test_a_query_of_the_document_runs(filled: Program, query: str) -> None:
    rows = filled.sql(query)
    assert rows or any(word in query for word in MAY_BE_EMPTY)


def test_pandas_and_duckdb_read_the_files_as_the_document_says(filled: Program) -> None:
    import pandas  # type: ignore[import-untyped]  # a second for each test process, if it were at the top

    assert "pandas.read_csv" in DOCUMENT
    assert "duckdb.sql" in DOCUMENT
    movies = pandas.read_csv(filled.data_dir / "movies.csv")
    assert len(movies) > 40
    assert (movies["rating"].dropna() * 1.5).max() > 9
    best = duckdb.execute(f"SELECT title, rating FROM '{filled.data_dir}/movies.csv' ORDER BY rating DESC LIMIT 10")
    assert len(best.fetchall()) == 10

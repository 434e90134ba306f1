"""The queries and lines of docs/data.md work on real data."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from infrastructure.stores.embedded.server import EmbeddedServer
from tests.conftest import ROOT
from tests.e2e.conftest import Program

pytestmark = pytest.mark.long
DOCUMENT = (ROOT / "docs" / "data.md").read_text(encoding="utf-8")
QUERIES = re.findall(r"```sql\n(.+?)```", DOCUMENT, re.DOTALL)
# Queries that find nothing in one run over pages of films; their columns are checked all the same.
MAY_BE_EMPTY = ("last_rank", "ratings_history", "incomplete", "gross_currency", "acted")


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    program = Program(tmp_path_factory.mktemp("document") / "data")
    program.run("--demo", "--limit", "40", DETAIL_SOURCE="graphql")  # which tells the jobs of writers
    program.run("--demo", "--chart", "toptv", "--limit", "1", "--seasons", DETAIL_SOURCE="graphql")
    with EmbeddedServer(program.data_dir / "postgres"):  # up for all queries
        yield program


def test_there_are_ten_queries() -> None:
    assert len(QUERIES) == 10


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: " ".join(query.split())[:40])
def test_a_query_of_the_document_runs(filled: Program, query: str) -> None:
    rows = filled.sql(query)
    assert rows or any(word in query for word in MAY_BE_EMPTY)


@pytest.mark.parametrize(
    ("days_ago", "answer"),
    [
        ((9, 8, 3, 0), [("left in week", 2), ("left yesterday", 1)]),  # beside the run of eight days ago
        ((7, 0), [("left long ago", 2), ("left in week", 3), ("left yesterday", 1)]),  # seven days are a week
        ((6, 3, 0), []),
        ((30,), []),
    ],
)
def test_who_has_left_the_chart_since_last_week(
    filled: Program, days_ago: tuple[int, ...], answer: list[tuple[str, int]]
) -> None:
    query = next(query for query in QUERIES if "last_rank" in query)
    ids = {
        "stays": "tt8000000",
        "left yesterday": "tt8000001",
        "left in week": "tt8000002",
        "left long ago": "tt8000003",
    }
    charts = [
        ("left yesterday", "left long ago", "left in week", "stays"),
        ("left yesterday", "left in week", "stays"),
        ("left yesterday", "stays"),
        ("stays",),
    ]
    snapshots = (charts[0], *charts[-len(days_ago) + 1 :]) if len(days_ago) > 1 else charts[:1]
    statements = [
        "INSERT INTO movies (imdb_id, title, source_url, scraped_at) "
        f"VALUES ('{imdb_id}', '{title}', 'https://www.imdb.com/title/{imdb_id}/', now())"
        for title, imdb_id in ids.items()
    ]
    for number, (days, chart) in enumerate(zip(days_ago, snapshots, strict=True), 1000):
        at = f"timestamptz '2026-11-01 12:00+00' - interval '{days} days'"
        statements.append(
            "INSERT INTO runs (run_id, site, chart, asked, saved, failed, complete, started_at, finished_at) "
            f"OVERRIDING SYSTEM VALUE VALUES ({number}, 'site', 'invented', 4, 4, 0, true, {at}, {at})"
        )
        statements += [
            f"INSERT INTO chart_entries (run_id, rank, imdb_id) VALUES ({number}, {rank}, '{ids[title]}')"
            for rank, title in enumerate(chart, 1)
        ]
    rows = filled.sql(";".join((*statements, query)))  # nothing is committed
    assert [(title, rank) for chart, title, rank, _ in rows if chart == "invented"] == sorted(
        answer, key=lambda a: a[1]
    )


def test_pandas_and_duckdb_read_the_files_as_the_document_says(
    filled: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(filled.data_dir.parent)
    assert filled.data_dir.name == "data"
    of_pandas, of_duckdb = re.findall(r"```python\n(.+?)```", DOCUMENT, re.DOTALL)
    names: dict[str, Any] = {}
    exec(of_pandas, names)  # noqa: S102 - a line of the document
    assert len(names["movies"]) > 40
    assert (names["movies"]["rating"].dropna() * 1.5).max() > 9
    exec(f"{of_duckdb.strip().replace('duckdb.sql', 'found = duckdb.sql')}", names)  # noqa: S102 - a line of the document
    assert len(names["found"].fetchall()) == 10

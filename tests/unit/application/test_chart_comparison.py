"""A chart against its snapshot nearest to a moment."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from application.chart_comparison import compare_since
from application.ports import ChartSnapshot, RankedTitle
from domain.errors import UsageError

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)


def taken(days_ago: float, *ids: str, chart: str = "top250", votes: int = 100) -> ChartSnapshot:
    entries = tuple(RankedTitle(rank, imdb_id, 8.0, votes) for rank, imdb_id in enumerate(ids, 1))
    return ChartSnapshot(f"{days_ago}", chart, NOW - timedelta(days=days_ago), entries)


SNAPSHOTS = [taken(0, "d", "c", "a", votes=130), taken(6, "a", "b", "c"), taken(30, "x", "y", "z")]


def rows(name: str, days: float, snapshots: list[ChartSnapshot] = SNAPSHOTS) -> list[tuple[object, ...]]:
    (table,) = compare_since(snapshots, NOW - timedelta(days=days), [name], lambda _id: None)
    assert table.name == name
    found = list(table.rows)
    assert all(len(row) == len(table.columns) for row in found)
    return [tuple(row) for row in found]


def test_the_snapshot_nearest_to_the_moment_is_compared() -> None:
    assert rows("newcomers", 7) == [("top250", 1, None, None, 8.0, 130, "d")]
    assert rows("leavers", 7) == [("top250", 2, None, None, 8.0, 100, "b")]
    assert rows("climbers", 7) == [("top250", 1, 2, 3, None, None, 8.0, 30, "c")]
    assert len(rows("newcomers", 29)) == 3
    assert len(rows("newcomers", 9999)) == 3, "before the first run: the first one"


def test_each_chart_is_compared_with_itself() -> None:
    others = [taken(0, "e", chart="toptv"), taken(8, "f", chart="toptv"), taken(0, "g", chart="bottom100")]
    assert [row[0] for row in rows("newcomers", 7, SNAPSHOTS + others)] == ["top250", "toptv"]


def test_what_cannot_be_compared_is_one_line() -> None:
    with pytest.raises(UsageError, match="two complete runs of a chart, and there is no complete run"):
        rows("newcomers", 7, [])
    with pytest.raises(UsageError, match="two complete runs of a chart, and the only complete run ended 2026"):
        rows("newcomers", 7, SNAPSHOTS[:1])
    with pytest.raises(UsageError, match="--since has no report 'genres'; choose newcomers, leavers, climbers"):
        rows("genres", 7)

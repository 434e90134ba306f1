from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.chart import ChartEntry, ChartName, complete
from domain.errors import ChartError, InvalidMovie


def _entries(count: int) -> list[ChartEntry]:
    return [ChartEntry(rank, f"tt{rank:07}") for rank in range(1, count + 1)]


@given(st.permutations(_entries(250)))
def test_a_whole_chart_comes_back_in_rank_order(entries: list[ChartEntry]) -> None:
    assert [entry.rank for entry in complete(ChartName.TOP250, entries)] == list(range(1, 251))


@given(st.sets(st.integers(1, 250), min_size=1, max_size=250))
def test_whatever_is_missing_is_an_error_that_says_so(missing: set[int]) -> None:
    kept = [entry for entry in _entries(250) if entry.rank not in missing]
    with pytest.raises(ChartError) as refused:
        complete(ChartName.TOP250, kept)
    assert f"has {250 - len(missing)} of 250 titles" in str(refused.value)
    assert str(min(missing)) in str(refused.value)


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        (ChartEntry(1, "tt7777777"), "rank 1 is taken twice"),
        (ChartEntry(251, "tt7777777"), "rank 251 is beyond its 250 places"),
    ],
)
def test_an_entry_too_many_is_an_error(entry: ChartEntry, said: str) -> None:
    with pytest.raises(ChartError, match=said):
        complete(ChartName.TOP250, [*_entries(250), entry])


def test_a_title_twice_is_an_error() -> None:
    with pytest.raises(ChartError, match="tt0000001 occurs twice"):
        complete(ChartName.TOP250, [*_entries(249), ChartEntry(250, "tt0000001")])


def test_a_place_needs_a_rank_from_1_and_an_id() -> None:
    with pytest.raises(InvalidMovie, match=r"rank 0 is below 1; imdb_id 'x'"):
        ChartEntry(0, "x")

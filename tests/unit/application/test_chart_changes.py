"""What moved in a chart."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from application.chart_changes import RankPoint, chart_changes, chart_moves
from application.ports.runs import ChartSnapshot, RankedTitle
from domain.movie import Movie
from tests.support.films import bare

_DAY = datetime(2026, 11, 20, tzinfo=UTC)
_A, _B, _C, _D = (bare(number) for number in range(4))
_MOVIES = {movie.imdb_id: movie for movie in (_A, _B, _C, _D)}


def _run(day: int, *movies: Movie, chart: str = "top250") -> ChartSnapshot:
    places = tuple(RankedTitle(rank, movie.imdb_id) for rank, movie in enumerate(movies, start=1))
    return ChartSnapshot(f"run-{day}", chart, _DAY + timedelta(days=day), places)


def test_who_rose_fell_came_and_went() -> None:
    (chart,) = chart_changes(_MOVIES, (_run(1, _A, _B, _C), _run(2, _C, _A, _D)))
    assert [(place.movie, place.rank, place.before, place.is_new, place.climbed) for place in chart.places] == [
        (_C, 1, 3, False, 2),
        (_A, 2, 1, False, -1),
        (_D, 3, None, True, 0),
    ]
    assert [(place.movie, place.before) for place in chart.leavers] == [(_B, 2)]
    assert (chart.taken_at, chart.before) == (_DAY + timedelta(days=2), _DAY + timedelta(days=1))


def test_the_order_in_which_runs_are_given_does_not_matter() -> None:
    runs = (_run(1, _A, _B), _run(2, _B, _A), _run(3, _A, _B))
    assert chart_changes(_MOVIES, runs) == chart_changes(_MOVIES, runs[::-1])


def test_nothing_is_new_in_the_first_run() -> None:
    (chart,) = chart_changes(_MOVIES, (_run(1, _A, _B),))
    assert not any(place.is_new or place.climbed for place in chart.places)
    assert chart.before is None
    assert chart.history == {}


def test_charts_are_compared_with_themselves_and_the_latest_stands_first() -> None:
    charts = chart_changes(_MOVIES, (_run(1, _A, _B), _run(3, _C, chart="toptv"), _run(2, _B, _A)))
    assert [chart.chart for chart in charts] == ["toptv", "top250"]
    assert [place.climbed for place in charts[1].places] == [1, -1]
    assert charts[0].before is None


def test_a_title_that_is_not_saved_leaves_its_place_empty() -> None:
    (chart,) = chart_changes({_A.imdb_id: _A}, (_run(1, _A, _B), _run(2, _B, _A)))
    assert [(place.rank, place.movie) for place in chart.places] == [(2, _A)]
    assert chart.leavers == ()


def test_the_history_of_those_seen_twice() -> None:
    (chart,) = chart_changes(_MOVIES, (_run(1, _A, _B), _run(2, _A, _C), _run(3, _B, _A)))
    days = [_DAY + timedelta(days=day) for day in (1, 2, 3)]
    assert chart.history == {
        _A.imdb_id: (RankPoint(days[0], 1), RankPoint(days[1], 1), RankPoint(days[2], 2)),
        _B.imdb_id: (RankPoint(days[0], 2), RankPoint(days[1], None), RankPoint(days[2], 1)),
    }


def test_without_snapshots_there_is_no_chart() -> None:
    assert chart_changes(_MOVIES, ()) == ()
    assert chart_changes({}, (_run(1, _A),)) == ()


def test_moves_come_newest_first_and_by_distance() -> None:
    found = chart_moves((_run(1, _A, _B, _C), _run(2, _C, _A, _D), _run(3, _C, _A, _B)), max_movers=1)
    assert [(move.run_id, move.imdb_id, move.before, move.rank) for move in found] == [
        ("run-3", _B.imdb_id, None, 3),
        ("run-3", _D.imdb_id, 3, None),
        ("run-2", _D.imdb_id, None, 3),
        ("run-2", _B.imdb_id, 2, None),
        ("run-2", _C.imdb_id, 3, 1),
    ]

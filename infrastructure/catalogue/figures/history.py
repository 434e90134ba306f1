"""How films rose and fell from run to run."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from markupsafe import Markup

from application.catalogue_data import CatalogueData
from application.chart_changes import ChartChanges, RankPoint
from infrastructure.catalogue import formats
from infrastructure.catalogue.figures.canvas import INK, MARK, canvas, label, rules, shortened, to_svg
from infrastructure.catalogue.figures.figure import Figure, RankLine

_TITLE = "Rank history"


def rank_history(library: CatalogueData) -> Figure | None:
    """The films that moved farthest in the chart seen last; None without two runs of it."""
    chart = library.charts[0] if library.charts else None
    if chart is None or not chart.history:
        return None
    ranges = []
    for imdb_id, runs in chart.history.items():
        ranks = [run.rank for run in runs if run.rank is not None]
        ranges.append((min(ranks) - max(ranks), min(ranks), imdb_id))
    moved = [imdb_id for span, _, imdb_id in sorted(ranges) if span][:8]
    if not moved:
        return None
    first = chart.history[moved[0]]
    seen = [run.rank for run in first if run.rank is not None]
    title = library.movies[moved[0]].title
    return Figure(
        name="rank-history",
        heading=_TITLE,
        label=f"Rank in the {formats.chart(chart.chart)}, the best on top",
        words=(
            f"The films that moved farthest over the last {formats.count(len(first), 'run')}. {title} has been "
            f"between rank {min(seen)} and rank {max(seen)}."
        ),
        wide=_draw(library, chart, moved, wide=True),
        narrow=_draw(library, chart, moved[:5], wide=False),
        columns=("Film", *(formats.day(run.taken_at) for run in first)),
        rows=tuple(
            (
                library.movies[imdb_id].title,
                *("–" if run.rank is None else str(run.rank) for run in chart.history[imdb_id]),
            )
            for imdb_id in moved
        ),
    )


def _draw(library: CatalogueData, chart: ChartChanges, moved: list[str], *, wide: bool) -> Markup:
    drawing, axes = canvas(wide=wide, height=560 if wide else 420, left=64 if wide else 40, right=240 if wide else 128)
    last_ranks: list[tuple[int, str]] = []
    for place, imdb_id in enumerate(moved):
        runs = chart.history[imdb_id]
        ranks = [float("nan") if run.rank is None else float(run.rank) for run in runs]
        color = MARK if place == 0 else INK
        axes.plot(range(len(runs)), ranks, color=color, linewidth=2.5, alpha=1 if place == 0 else 0.75)
        last = max(at for at, run in enumerate(runs) if run.rank is not None)
        axes.plot([last], [ranks[last]], "o", color=color, markersize=6 if wide else 5, clip_on=False)
        last_ranks.append((int(ranks[last]), imdb_id))
    highest = max(run.rank or 0 for imdb_id in moved for run in chart.history[imdb_id])
    lowest = min(run.rank or highest for imdb_id in moved for run in chart.history[imdb_id])
    span = max(highest - lowest, 1)
    axes.set_ylim(highest + span * 0.06, max(lowest - span * 0.06, 1))
    end = len(chart.history[moved[0]]) - 1
    axes.set_xlim(0, end)
    step = span * 1.12 * (20 if wide else 16) / (500 if wide else 360)
    for wanted, rank, imdb_id in _apart(sorted(last_ranks), step):
        color = MARK if imdb_id == moved[0] else INK
        name = shortened(library.movies[imdb_id].title, 30 if wide else 15)
        label(axes, (end, wanted), f"{rank}  {name}", dx=14, color=color, fontsize=14 if wide else 12.5)
    rules(axes, "y")
    days = [formats.day(run.taken_at) for run in chart.history[moved[0]]]
    shown = sorted({0, end} | ({end // 2} if wide and end > 3 else set()))
    axes.set_xticks(shown, [days[at] if wide else days[at].rpartition(" ")[0] for at in shown])
    axes.locator_params(axis="y", integer=True)
    return to_svg(drawing, f"history-{'wide' if wide else 'narrow'}", _TITLE)


def _apart(ranks: Iterable[tuple[int, str]], step: float) -> list[tuple[float, int, str]]:
    """Where each label goes: at its rank, or below the label before it."""
    placed: list[tuple[float, int, str]] = []
    for rank, imdb_id in ranks:
        at = max(rank, placed[-1][0] + step) if placed else float(rank)
        placed.append((at, rank, imdb_id))
    return placed


def rank_lines(library: CatalogueData) -> dict[str, RankLine]:
    """A small line for each film that was in a chart in two runs or more, from the chart seen last of those."""
    lines: dict[str, RankLine] = {}
    draw = _LineDrawing() if any(chart.history for chart in library.charts) else None
    for chart in library.charts:
        for imdb_id, runs in chart.history.items():
            if imdb_id not in lines and draw is not None:
                lines[imdb_id] = RankLine(draw.line(runs, imdb_id), _words(runs, chart.chart))
    return lines


class _LineDrawing:
    """One drawing for all lines: making axes anew takes ten times as long as drawing them."""

    def __init__(self) -> None:
        from matplotlib.figure import Figure as Drawing

        self._drawing = Drawing(figsize=(5, 0.9))
        self._drawing.patch.set_visible(False)
        self._axes = self._drawing.add_axes((0.012, 0.1, 0.976, 0.8))
        self._axes.set_axis_off()
        (self._line,) = self._axes.plot([0], [0], color=INK, linewidth=2)
        (self._end,) = self._axes.plot([0], [0], "o", color=MARK, markersize=7)

    def line(self, runs: tuple[RankPoint, ...], imdb_id: str) -> Markup:
        ranks = [float("nan") if run.rank is None else float(run.rank) for run in runs]
        last = max(at for at, run in enumerate(runs) if run.rank is not None)
        known = [run.rank for run in runs if run.rank is not None]
        self._line.set_data(range(len(ranks)), ranks)
        self._end.set_data([last], [ranks[last]])
        self._axes.set_xlim(-0.02 * len(ranks), len(ranks) - 1 + 0.02 * len(ranks))
        self._axes.set_ylim(max(known) + 1, min(known) - 1)
        return to_svg(self._drawing, f"past-{imdb_id}", "Rank from run to run")


def _words(runs: tuple[RankPoint, ...], chart: str) -> str:
    known = [(run.rank, run.taken_at) for run in runs if run.rank is not None]
    first, last = known[0], known[-1]
    best = min(rank for rank, _ in known)
    worst = max(rank for rank, _ in known)
    span = f"always at rank {best}" if best == worst else f"between rank {best} and rank {worst}"
    return f"{formats.chart(chart)}, {_span(first[1], last[1])}: {span}"


def _span(first: datetime, last: datetime) -> str:
    """``13 to 20 November 2026``, and what differs said twice."""
    if first.date() == last.date():
        return formats.day(last)
    if (first.year, first.month) == (last.year, last.month):
        return f"{first.day} to {formats.day(last)}"
    return f"{formats.day(first)} to {formats.day(last)}"

"""The plots of the findings page, and the small lines of film and person pages.

A heading is a finding: a statement computed from the data. When the data do not
support one, the heading only names what the plot shows; with too little data
there is no plot.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from statistics import correlation, mean, median
from typing import TYPE_CHECKING, Final, TypeAlias

import msgspec
from markupsafe import Markup

from application.catalogue_data import CatalogueData
from application.chart_changes import ChartChanges
from domain.movie import Movie
from infrastructure.catalogue import formats
from infrastructure.catalogue.canvas import (
    INK,
    MARK,
    canvas,
    dots,
    fit,
    fitted,
    label,
    labels,
    plot_style,
    rules,
    to_svg,
)
from shared.countries import country_name

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis

_Points: TypeAlias = dict[str, tuple[float, float]]  # by movie id
_ENOUGH: Final = 5  # films that a statement about a group needs
_MAX_BARS: Final = 16


class Plot(msgspec.Struct, frozen=True):
    """One drawing with its finding and its numbers.

    Attributes:
        name: its anchor on the page.
        heading: the finding, or what the plot shows.
        label: what the axes are.
        words: an explanation in one or two sentences.
        wide, narrow: the drawing for screens and for phones.
        columns, rows: its numbers as a table.
    """

    name: str
    heading: str
    label: str
    words: str
    wide: Markup
    narrow: Markup
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


class Trend(msgspec.Struct, frozen=True):
    """A small line or cloud of dots over time; texts of the axes stand beside the drawing.

    Attributes:
        svg: the drawing.
        caption: what it shows.
        top, bottom: the values at the upper and lower edge.
        first, last: the times at the left and right edge.
    """

    svg: Markup
    caption: str
    top: str
    bottom: str
    first: str
    last: str


def draw_plots(data: CatalogueData) -> tuple[Plot, ...]:
    """Draws the plots for which there is enough data."""
    with plot_style():
        drawn = (
            rank_history(data),
            ratings_by_decade(data),
            imdb_against_metascore(data),
            length_over_the_years(data),
            votes_against_rating(data),
            budget_against_gross(data),
            genre_shares(data),
            country_shares(data),
        )
    return tuple(plot for plot in drawn if plot is not None)


# --- ranks over time --------------------------------------------------------------


def rank_history(data: CatalogueData) -> Plot | None:
    """Ranks of the films that moved farthest in the chart seen last; None without two days."""
    chart = data.charts[0] if data.charts else None
    if chart is None or not chart.history:
        return None
    changes = []
    for imdb_id, days in chart.history.items():
        ranks = [day.rank for day in days if day.rank is not None]
        change = abs(ranks[0] - ranks[-1]) if days[-1].rank is not None else 0
        changes.append((-change, min(ranks) - max(ranks), min(ranks), imdb_id))
    moved = [imdb_id for _, span, _, imdb_id in sorted(changes) if span][:8]
    if not moved:
        return None
    days = chart.history[moved[0]]
    seen = [(day.rank, day.taken_at) for day in days if day.rank is not None]
    change = seen[0][0] - seen[-1][0] if days[-1].rank is not None else 0
    title = formats.shortened(data.movies[moved[0]].title, 60)
    places = formats.count(abs(change), "place")
    since = formats.day(seen[0][1])
    heading = f"{title} {'rose' if change > 0 else 'fell'} {places} since {since}" if change else "Ranks over time"
    return Plot(
        name="rank-history",
        heading=heading,
        label=f"Rank in the {formats.chart(chart.chart)}, first place on top",
        words=f"The films whose rank changed most over {formats.count(len(days), 'day')} of records.",
        wide=_draw_ranks(data, chart, moved, wide=True),
        narrow=_draw_ranks(data, chart, moved[:5], wide=False),
        columns=("Film", *(formats.day(day.taken_at) for day in days)),
        rows=tuple(
            (data.movies[imdb_id].title, *(str(day.rank or "–") for day in chart.history[imdb_id])) for imdb_id in moved
        ),
    )


def _draw_ranks(data: CatalogueData, chart: ChartChanges, moved: list[str], *, wide: bool) -> Markup:
    drawing, axes = canvas(wide=wide, height=520 if wide else 400, left=64 if wide else 40, right=250 if wide else 132)
    last_ranks: list[tuple[int, str]] = []
    for at, imdb_id in enumerate(moved):
        days = chart.history[imdb_id]
        ranks = [float("nan") if day.rank is None else float(day.rank) for day in days]
        color = INK if at else MARK
        axes.plot(range(len(days)), ranks, color=color, linewidth=2.5, alpha=0.75 if at else 1, clip_on=False)
        last = max(day for day, point in enumerate(days) if point.rank is not None)
        axes.plot([last], [ranks[last]], "o", color=color, markersize=6 if wide else 5, clip_on=False)
        last_ranks.append((int(ranks[last]), imdb_id))
    highest = max(day.rank or 0 for imdb_id in moved for day in chart.history[imdb_id])
    lowest = min(day.rank or highest for imdb_id in moved for day in chart.history[imdb_id])
    span = max(highest - lowest, 1)
    axes.set_ylim(highest + span * 0.04, lowest - span * 0.04)
    end = len(chart.history[moved[0]]) - 1
    axes.set_xlim(0, end)
    size = 14.0 if wide else 12.5
    step = span * 1.08 * (22 if wide else 17) / (520 - 58 if wide else 400 - 58)
    last_ranks.sort()
    places = _spread([rank for rank, _ in last_ranks], step, highest + span * 0.04)
    for place, (rank, imdb_id) in zip(places, last_ranks, strict=True):
        color = MARK if imdb_id == moved[0] else INK
        text = fitted(f"{rank}  {data.movies[imdb_id].title}", size, 230 if wide else 114)
        label(axes, (end, place), text, dx=14, color=color, fontsize=size)
    rules(axes, "y")
    days_shown = [formats.day(day.taken_at) for day in chart.history[moved[0]]]
    shown = sorted({0, end} | ({end // 2} if wide and end > 3 else set()))
    axes.set_xticks(shown, [days_shown[at] if wide else days_shown[at].rpartition(" ")[0] for at in shown])
    axes.locator_params(axis="y", integer=True)
    axes.set_yticks([tick for tick in axes.get_yticks() if tick >= 1 and lowest <= tick <= highest])
    return to_svg(drawing, f"history-{'wide' if wide else 'narrow'}", "Ranks over time")


def _spread(ranks: Iterable[float], step: float, limit: float) -> list[float]:
    """Spreads labels vertically: each at its rank or below the one before it, and none below ``limit``."""
    placed: list[float] = []
    for rank in ranks:
        placed.append(max(rank, placed[-1] + step) if placed else rank)
    for at in reversed(range(len(placed))):
        placed[at] = min(placed[at], limit)
        limit = placed[at] - step
    return placed


def rank_trends(data: CatalogueData) -> dict[str, Trend]:
    """Draws the ranks of each film over time, where they changed between days."""
    trends: dict[str, Trend] = {}
    for chart in data.charts:
        for imdb_id, days in chart.history.items():
            known = [(day.taken_at.date(), day.rank) for day in days if day.rank is not None]
            ranks = {rank for _, rank in known}
            if imdb_id not in trends and len(ranks) > 1:
                best, worst = str(min(ranks)), str(max(ranks))
                caption = f"{formats.chart(chart.chart)}: between rank {best} and rank {worst}"
                trends[imdb_id] = _day_trend([(day, -rank) for day, rank in known], caption, best, worst)
    return trends


def rating_trends(data: CatalogueData) -> dict[str, Trend]:
    """Draws the rating of each film over time, where it changed between days."""
    histories = {imdb_id: list(days) for imdb_id, days in data.ratings.items()}
    for chart in data.charts:
        for imdb_id, points in chart.history.items():
            rated = [(point.taken_at.date(), point.rating) for point in points if point.rating is not None]
            histories.setdefault(imdb_id, rated)
    trends: dict[str, Trend] = {}
    for imdb_id, days in histories.items():
        ratings = {rating for _, rating in days}
        if len(ratings) > 1:
            low, high = f"{min(ratings):.1f}", f"{max(ratings):.1f}"
            trends[imdb_id] = _day_trend(days, f"Rating: between {low} and {high}", high, low)
    return trends


def person_trend(movies: Iterable[Movie]) -> Trend | None:
    """Draws the ratings of a person's films by year; None with fewer than three different years."""
    known = sorted({(m.year, m.rating, m.imdb_id) for m in movies if m.year is not None and m.rating is not None})
    if len({year for year, _, _ in known}) < 3:
        return None
    ratings = [rating for _, rating, _ in known]
    low, high = f"{min(ratings):.1f}", f"{max(ratings):.1f}"
    if low == high:
        return None
    caption = f"Ratings of {len(known)} films over time"
    placed = dict.fromkeys(_stretched([(year, rating) for year, rating, _ in known]))
    path = Markup('<path class="dot" d="{}"/>').format("".join(f"M{x:g},{y:g}h0" for x, y in placed))
    svg = _trend_svg(caption, path)
    return Trend(svg, caption, high, low, str(known[0][0]), str(known[-1][0]))


def _day_trend(days: Sequence[tuple[date, float]], caption: str, top: str, bottom: str) -> Trend:
    """Draws a line from day to day with a dot at its end."""
    placed = [f"{x:g},{y:g}" for x, y in _stretched([(day.toordinal(), value) for day, value in days])]
    path = Markup('<path class="line" d="M{}"/><path class="end" d="M{}h0"/>').format(" ".join(placed), placed[-1])
    first, last = (formats.date(day.isoformat()) for day in (days[0][0], days[-1][0]))
    return Trend(_trend_svg(caption, path), caption, top, bottom, first, last)


def _stretched(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Fits points to the box of ``_trend_svg``."""
    xs, ys = [x for x, _ in points], [y for _, y in points]
    width, height = (max(xs) - min(xs)) or 1, (max(ys) - min(ys)) or 1
    return [(round((x - min(xs)) / width * 600, 1), round(100 - (y - min(ys)) / height * 100, 1)) for x, y in points]


def _trend_svg(title: str, paths: Markup) -> Markup:
    """Draws in a box that is stretched to its place; strokes and dots keep their size."""
    return Markup(
        '<svg class="trend" viewBox="0 0 600 100" preserveAspectRatio="none" role="img" aria-label="{}">{}</svg>'
    ).format(title, paths)


# --- ratings, lengths, votes, money --------------------------------------------------


def ratings_by_decade(data: CatalogueData) -> Plot | None:
    """A row for each decade, a dot for each film; None with fewer than two decades."""
    rows = [  # data.decades has the newest first
        (start, ratings)
        for start, movies in data.decades.items()
        if start is not None and (ratings := sorted(movie.rating for movie in movies if movie.rating is not None))
    ]
    if len(rows) < 2:
        return None
    medians = sorted(((median(ratings), start) for start, ratings in rows if len(ratings) >= _ENOUGH), reverse=True)
    heading = "Ratings by decade"
    if len(medians) > 1 and medians[0][0] > medians[1][0]:
        heading = f"The {formats.decade(medians[0][1])} have the highest median rating: {_rating(medians[0][0])}"
    return Plot(
        name="ratings-by-decade",
        heading=heading,
        label="IMDb rating, a dot for each film",
        words="Larger dots stand for several films. The upright strokes mark the median of each decade.",
        wide=_draw_decades(rows, wide=True),
        narrow=_draw_decades(rows, wide=False),
        columns=("Decade", "Films", "Lowest", "Median", "Highest"),
        rows=_decade_table(rows, "{:.1f}".format, _rating),
    )


def _decade_table(
    decades: Iterable[tuple[int, Sequence[float]]], text: Callable[[float], str], middle: Callable[[float], str]
) -> tuple[tuple[str, ...], ...]:
    """Returns the number, the least, the median and the greatest of the values of each decade."""
    return tuple(
        (formats.decade(start), str(len(values)), text(min(values)), middle(median(values)), text(max(values)))
        for start, values in decades
    )


def _rating(value: float) -> str:
    """A median of ratings: one decimal, or two when it lies between two ratings."""
    return f"{value:.2f}".removesuffix("0")


def _draw_decades(rows: list[tuple[int, list[float]]], *, wide: bool) -> Markup:
    drawing, axes = canvas(wide=wide, height=64 + len(rows) * (40 if wide else 34), left=88 if wide else 64)
    for place, (_, ratings) in enumerate(rows):
        dots(axes, ((rating, place) for rating in ratings), size=44 if wide else 20)
        axes.plot([median(ratings)] * 2, [place - 0.36, place + 0.36], color=MARK, linewidth=3, zorder=4)
    rules(axes, "x")
    fit(axes, [rating for _, ratings in rows for rating in ratings], [0, 1])
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_yticks(range(len(rows)), [formats.decade(start) for start, _ in rows])
    return to_svg(drawing, f"ratings-{'wide' if wide else 'narrow'}", "Ratings by decade")


def imdb_against_metascore(data: CatalogueData) -> Plot | None:
    """None with fewer than five films that have both."""
    both = [
        (movie, round(movie.rating * 10), movie.metascore)
        for movie in data.best()
        if movie.rating is not None and movie.metascore is not None
    ]
    if len(both) < _ENOUGH:
        return None
    difference = mean(public - critics for _, public, critics in both)
    heading = "IMDb rating and Metascore"
    if abs(difference) >= 1:
        side = "higher" if difference > 0 else "lower"
        points = formats.count(round(abs(difference)), "point")
        heading = f"Viewers rate {points} {side} than critics"
    far = sorted(both, key=lambda entry: (-abs(entry[1] - entry[2]), entry[0].imdb_id))
    return Plot(
        name="imdb-against-metascore",
        heading=heading,
        label="IMDb rating upwards, Metascore to the right",
        words=(
            f"The mean difference over {formats.count(len(both), 'film')} that have both, on a scale of 100. "
            "The named films are those where the two differ most."
        ),
        wide=_draw_metascore(both, far[:8], wide=True),
        narrow=_draw_metascore(both, far[:3], wide=False),
        columns=("Largest difference", "IMDb", "Metascore"),
        rows=tuple((movie.title, f"{public / 10:.1f}", str(critics)) for movie, public, critics in far[:20]),
    )


def _draw_metascore(both: list[tuple[Movie, int, int]], far: list[tuple[Movie, int, int]], *, wide: bool) -> Markup:
    points: _Points = {movie.imdb_id: (critics, public) for movie, public, critics in both}
    named = [movie for movie, _, _ in far]
    drawing, axes = canvas(wide=wide, height=560 if wide else 380, left=64 if wide else 40)
    _scatter(axes, points, named, size=44 if wide else 20, opacity=0.55, longest=32 if wide else 20, wide=wide)
    axes.yaxis.set_major_formatter(lambda value, _: f"{value / 10:.1f}")
    axes.locator_params(axis="both", integer=True, nbins=9 if wide else 5)
    return to_svg(drawing, f"metascore-{'wide' if wide else 'narrow'}", "IMDb rating and Metascore")


def _scatter(
    axes: Axes, points: _Points, named: Sequence[Movie], *, size: float, opacity: float, longest: int, wide: bool
) -> None:
    """Draws a dot for each film; ``named`` ones are marked and have their title beside them, the first at least."""
    ids = {movie.imdb_id for movie in named}
    fit(axes, [x for x, _ in points.values()], [y for _, y in points.values()])
    rules(axes, "y")
    dots(axes, (point for imdb_id, point in points.items() if imdb_id not in ids), size=size, opacity=opacity)
    dots(axes, (points[movie.imdb_id] for movie in named), color=MARK, size=size, opacity=0.9)
    names = [(points[movie.imdb_id], formats.shortened(movie.title, longest)) for movie in named]
    labels(axes, names, fontsize=14 if wide else 12.5, marks=points.values())


def length_over_the_years(data: CatalogueData) -> Plot | None:
    """None with fewer than two decades."""
    points = [
        (movie.year, movie.duration_minutes)
        for movie in data.best()
        if movie.year is not None and movie.duration_minutes is not None
    ]
    decades: dict[int, list[int]] = {}
    for year, minutes in points:
        decades.setdefault(year // 10 * 10, []).append(minutes)
    medians = [(start, median(decades[start])) for start in sorted(decades)]
    if len(medians) < 2:
        return None
    telling = [(start, middle) for start, middle in medians if len(decades[start]) >= _ENOUGH]
    heading = "Running times by year"
    if len(telling) > 1 and abs(telling[-1][1] - telling[0][1]) >= 5:
        (first, before), (last, after) = telling[0], telling[-1]
        longer = "longer" if after > before else "shorter"
        difference = formats.count(round(abs(after - before)), "minute")
        heading = f"The median film of the {formats.decade(last)} is {difference} {longer} than that of the {first}s"
    return Plot(
        name="length-over-the-years",
        heading=heading,
        label="Minutes upwards, year of release to the right",
        words="A dot for each film; the line joins the medians of the decades.",
        wide=_draw_lengths(points, medians, wide=True),
        narrow=_draw_lengths(points, medians, wide=False),
        columns=("Decade", "Films", "Shortest", "Median", "Longest"),
        rows=_decade_table(sorted(decades.items(), reverse=True), str, "{:.0f}".format),
    )


def _draw_lengths(points: list[tuple[int, int]], medians: list[tuple[int, float]], *, wide: bool) -> Markup:
    drawing, axes = canvas(wide=wide, height=520 if wide else 380, left=64 if wide else 40)
    dots(axes, points, size=40 if wide else 18, opacity=0.4)
    years = [year for year, _ in points]
    fit(axes, years, [minutes for _, minutes in points])
    middles = [min(max(start + 5, min(years)), max(years)) for start, _ in medians]
    axes.plot(middles, [middle for _, middle in medians], color=MARK, linewidth=3, zorder=4)
    rules(axes, "y")
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:.0f}")
    axes.locator_params(axis="x", nbins=10 if wide else 5, integer=True)
    return to_svg(drawing, f"lengths-{'wide' if wide else 'narrow'}", "Running times by year")


def votes_against_rating(data: CatalogueData) -> Plot | None:
    """None with fewer than five films that have both."""
    both = [movie for movie in data.best() if movie.rating is not None and movie.votes]
    if len(both) < _ENOUGH:
        return None
    popular = sorted(both, key=lambda movie: (-(movie.votes or 0), movie.imdb_id))
    relation = _rank_correlation([float(m.votes or 0) for m in both], [m.rating or 0.0 for m in both])
    most, highest = popular[0], both[0]
    words = f"{most.title} has the most votes, {most.votes:,}, and "
    if most is highest:
        words += f"the highest rating, {most.rating:.1f}."
    else:
        words += (
            f"a rating of {most.rating:.1f}; {highest.title} has the highest rating, {highest.rating:.1f}, "
            f"from {highest.votes:,} votes."
        )
    heading = "Votes and rating"
    if len(both) >= 20 and abs(relation) >= 0.3:
        heading = f"Films with more votes tend to be rated {'higher' if relation > 0 else 'lower'}"
    return Plot(
        name="votes-against-rating",
        heading=heading,
        label="IMDb rating upwards, votes to the right on a logarithmic scale",
        words=words,
        wide=_draw_votes(both, popular, wide=True),
        narrow=_draw_votes(both, popular, wide=False),
        columns=("Most votes", "Votes", "Rating"),
        rows=tuple((movie.title, f"{movie.votes:,}", f"{movie.rating:.1f}") for movie in popular[:20]),
    )


def _rank_correlation(xs: Sequence[float], ys: Sequence[float]) -> float:
    """Spearman's coefficient, from -1 to 1; 0 when one side is constant."""
    return 0.0 if len(set(xs)) == 1 or len(set(ys)) == 1 else correlation(_ranks(xs), _ranks(ys))


def _ranks(values: Sequence[float]) -> list[float]:
    places: dict[float, list[int]] = {}
    for place, value in enumerate(sorted(values)):
        places.setdefault(value, []).append(place)
    return [mean((places[value][0], places[value][-1])) for value in values]


def _draw_votes(both: list[Movie], popular: list[Movie], *, wide: bool) -> Markup:
    points = {movie.imdb_id: (_log(movie.votes or 1), movie.rating or 0.0) for movie in both}
    named = popular[: 8 if wide else 3]
    drawing, axes = canvas(wide=wide, height=520 if wide else 380, left=64 if wide else 40)
    _scatter(axes, points, named, size=40 if wide else 18, opacity=0.45, longest=28 if wide else 22, wide=wide)
    _tenfold(axes.xaxis, axes.get_xlim())
    return to_svg(drawing, f"votes-{'wide' if wide else 'narrow'}", "Votes and rating")


def budget_against_gross(data: CatalogueData) -> Plot | None:
    """None with fewer than five films whose budget and worldwide gross are known in one currency."""
    both = [
        (movie, int(budget), int(gross))
        for movie in data.best()
        if (budget := movie.budget)
        and (gross := movie.gross_worldwide)
        and (movie.budget_currency or "USD") == (movie.gross_currency or "USD")
    ]
    if len(both) < _ENOUGH:
        return None
    middle = median(gross / budget for _, budget, gross in both)
    times = f"{middle:.1f}".removesuffix(".0")
    heading = f"Half of the films earned at least {times} times their budget"
    ordered = sorted(both, key=lambda entry: (-entry[2] / entry[1], entry[0].imdb_id))
    return Plot(
        name="budget-against-gross",
        heading=heading,
        label="Worldwide gross upwards, budget to the right, both on logarithmic scales",
        words=(
            f"{formats.count(len(both), 'film')} whose budget and gross are known in one currency. Below the line a "
            "film earned less than it cost; cinemas keep a part of the gross."
        ),
        wide=_draw_money(both, ordered, wide=True),
        narrow=_draw_money(both, ordered, wide=False),
        columns=("Largest multiple", "Budget", "Gross", "Multiple"),
        rows=tuple(
            (
                movie.title,
                formats.money(budget, movie.budget_currency),
                formats.money(gross, movie.gross_currency),
                f"{gross / budget:.1f}",
            )
            for movie, budget, gross in ordered[:20]
        ),
    )


def _draw_money(both: list[tuple[Movie, int, int]], ordered: list[tuple[Movie, int, int]], *, wide: bool) -> Markup:
    points = {movie.imdb_id: (_log(budget), _log(gross)) for movie, budget, gross in both}
    count = 4 if wide else 1
    named = [entry[0] for entry in dict.fromkeys((*ordered[:count], *ordered[-count:]))]
    drawing, axes = canvas(wide=wide, height=560 if wide else 380, left=72 if wide else 52)
    _scatter(axes, points, named, size=40 if wide else 18, opacity=0.45, longest=28 if wide else 20, wide=wide)
    limits = axes.get_xlim(), axes.get_ylim()
    low, high = max(limits[0][0], limits[1][0]), min(limits[0][1], limits[1][1])
    if low < high:  # the line of equal budget and gross, where it crosses the plot
        axes.plot([low, high], [low, high], color=INK, linewidth=1, zorder=2)
    for axis, shown in zip((axes.xaxis, axes.yaxis), limits, strict=True):
        _tenfold(axis, shown)
    return to_svg(drawing, f"money-{'wide' if wide else 'narrow'}", "Budget and worldwide gross")


def _log(amount: int) -> float:
    return round(math.log10(amount), 2)


def _tenfold(axis: Axis, limits: tuple[float, float]) -> None:
    """Marks powers of ten, and their halves where the axis spans less than two."""
    steps = [0.0] if limits[1] - limits[0] >= 2 else [0.0, math.log10(2), math.log10(5)]
    exponents = range(math.floor(limits[0]), math.ceil(limits[1]) + 1)
    ticks = [at for exponent in exponents for step in steps if limits[0] <= (at := exponent + step) <= limits[1]]
    axis.set_ticks(ticks, [formats.votes(round(10**tick)) for tick in ticks])


# --- shares ---------------------------------------------------------------------------


def genre_shares(data: CatalogueData) -> Plot | None:
    """None without two genres that differ."""
    counts = [(len(movies), name) for name, movies in data.genres.items()]
    return _shares(data, "genre", counts, "Genre", "Share of the films; a film can have several genres")


def country_shares(data: CatalogueData) -> Plot | None:
    """None without two countries that differ."""
    counts = [(len(movies), country_name(code)) for code, movies in data.countries.items()]
    return _shares(data, "country", counts, "Country", "Share of the films; a film can have several countries")


def _shares(data: CatalogueData, name: str, counts: list[tuple[int, str]], column: str, axis: str) -> Plot | None:
    total = len(data.best())
    rows = sorted(counts, key=lambda row: (-row[0], row[1]))
    if len(rows) < 2 or rows[-1][0] == total:  # all films have all of them
        return None
    shown = [(text, number / total) for number, text in rows[:_MAX_BARS]]
    heading = f"Films by {name}"
    if rows[0][0] > rows[1][0]:
        heading = f"{rows[0][1]} is the most frequent {name}: {shown[0][1]:.0%} of the films"
    rest = len(rows) - len(shown)
    return Plot(
        name=f"{name}-shares",
        heading=heading,
        label=axis,
        words=f"The {_MAX_BARS} most frequent of {len(rows)}; the table has all." if rest else "",
        wide=_draw_shares(shown, name, wide=True),
        narrow=_draw_shares(shown, name, wide=False),
        columns=(column, "Films", "Share"),
        rows=tuple((text, str(number), f"{number / total:.1%}") for number, text in rows),
    )


def _draw_shares(shown: list[tuple[str, float]], name: str, *, wide: bool) -> Markup:
    left = 160 if wide else 108
    drawing, axes = canvas(
        wide=wide, height=24 + len(shown) * (36 if wide else 30), left=left, right=64 if wide else 48, bottom=6
    )
    colors = [MARK, *[INK] * (len(shown) - 1)]
    axes.barh(range(len(shown)), [share for _, share in shown], height=0.56, color=colors, linewidth=0)
    for place, (_, share) in enumerate(shown):
        text = f"{share:.0%}" if share >= 0.01 else "<1%"
        label(axes, (share, place), text, dx=8, fontsize=14 if wide else 13)
    axes.set_ylim(len(shown) - 0.4, -0.6)
    axes.set_yticks(range(len(shown)), [fitted(text, 14 if wide else 13, left - 10) for text, _ in shown])
    axes.set_xticks([])
    axes.set_xlim(0, shown[0][1])
    return to_svg(drawing, f"{name}-{'wide' if wide else 'narrow'}", f"Films by {name}")

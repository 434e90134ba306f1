"""How long films are, over the years."""

from __future__ import annotations

from statistics import median

from markupsafe import Markup

from application.catalogue_data import CatalogueData
from infrastructure.catalogue import formats
from infrastructure.catalogue.figures.canvas import MARK, canvas, dots, rules, to_svg
from infrastructure.catalogue.figures.figure import Figure

_TITLE = "Length over the years"


def length_over_the_years(library: CatalogueData) -> Figure | None:
    """None with fewer than two decades."""
    points = [
        (movie.year, movie.duration_minutes)
        for movie in library.movies.values()
        if movie.year is not None and movie.duration_minutes is not None
    ]
    decades: dict[int, list[int]] = {}
    for year, minutes in points:
        decades.setdefault(year // 10 * 10, []).append(minutes)
    middles = [(start, median(decades[start])) for start in sorted(decades)]
    if len(middles) < 2:
        return None
    first, last = middles[0], middles[-1]
    return Figure(
        name="length-over-the-years",
        heading=_TITLE,
        label="Minutes upwards, year of release to the right",
        words=(
            f"The middle film of the {formats.decade(first[0])} runs {formats.duration(round(first[1]))}, that of the "
            f"{formats.decade(last[0])} {formats.duration(round(last[1]))}. The line joins the decades' middle films."
        ),
        wide=_draw(points, middles, wide=True),
        narrow=_draw(points, middles, wide=False),
        columns=("Decade", "Films", "Shortest", "Middle", "Longest"),
        rows=tuple(
            (
                formats.decade(start),
                str(len(decades[start])),
                f"{min(decades[start])}",
                f"{middle:.0f}",
                f"{max(decades[start])}",
            )
            for start, middle in reversed(middles)
        ),
    )


def _draw(points: list[tuple[int, int]], middles: list[tuple[int, float]], *, wide: bool) -> Markup:
    drawing, axes = canvas(wide=wide, height=560 if wide else 380, left=64 if wide else 40)
    dots(axes, points, size=40 if wide else 18, opacity=0.4)
    axes.plot([start + 5 for start, _ in middles], [middle for _, middle in middles], color=MARK, linewidth=3, zorder=4)
    rules(axes, "y")
    years = [year for year, _ in points]
    axes.set_xlim(min(years) - 2, max(years) + 2)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:.0f}")
    axes.locator_params(axis="x", nbins=10 if wide else 5, integer=True)
    return to_svg(drawing, f"lengths-{'wide' if wide else 'narrow'}", _TITLE)

"""Ratings by decade: a row for each, a dot for each film."""

from __future__ import annotations

from statistics import median

from markupsafe import Markup

from application.catalogue_data import CatalogueData
from infrastructure.catalogue import formats
from infrastructure.catalogue.figures.canvas import MARK, canvas, dots, rules, to_svg
from infrastructure.catalogue.figures.figure import Figure

_TITLE = "Ratings by decade"
_ENOUGH = 5  # films, before a decade is praised


def ratings_by_decade(library: CatalogueData) -> Figure | None:
    """None with fewer than two decades."""
    rated = {
        start: sorted(movie.rating for movie in movies if movie.rating is not None)
        for start, movies in library.decades.items()
        if start is not None
    }
    rows = [(start, ratings) for start, ratings in sorted(rated.items(), reverse=True) if ratings]
    if len(rows) < 2:
        return None
    telling = [row for row in rows if len(row[1]) >= _ENOUGH] or rows
    best = max(telling, key=lambda row: (median(row[1]), len(row[1])))
    return Figure(
        name="ratings-by-decade",
        heading=_TITLE,
        label="IMDb rating, a dot for each film",
        words=(
            f"The middle film of the {formats.decade(best[0])} is rated {median(best[1]):.1f}, the highest of the "
            "decades. The upright strokes mark the middle film of each."
        ),
        wide=_draw(rows, wide=True),
        narrow=_draw(rows, wide=False),
        columns=("Decade", "Films", "Lowest", "Middle", "Highest"),
        rows=tuple(
            (
                formats.decade(start),
                str(len(ratings)),
                f"{ratings[0]:.1f}",
                f"{median(ratings):.1f}",
                f"{ratings[-1]:.1f}",
            )
            for start, ratings in rows
        ),
    )


def _draw(rows: list[tuple[int, list[float]]], *, wide: bool) -> Markup:
    drawing, axes = canvas(wide=wide, height=64 + len(rows) * (44 if wide else 36), left=428 if wide else 64)
    for place, (_, ratings) in enumerate(rows):
        dots(axes, ((rating, place) for rating in ratings), size=44 if wide else 20)
        axes.plot([median(ratings)] * 2, [place - 0.36, place + 0.36], color=MARK, linewidth=3, zorder=4)
    rules(axes, "x")
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_yticks(range(len(rows)), [formats.decade(start) for start, _ in rows])
    axes.set_xlim(*_limits(rows))
    return to_svg(drawing, f"ratings-{'wide' if wide else 'narrow'}", _TITLE)


def _limits(rows: list[tuple[int, list[float]]]) -> tuple[float, float]:
    ratings = [rating for _, listed in rows for rating in listed]
    return min(ratings) - 0.15, max(ratings) + 0.15

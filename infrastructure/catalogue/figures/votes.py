"""Whether what many have seen is what they like."""

from __future__ import annotations

import math

from markupsafe import Markup

from application.catalogue_data import CatalogueData
from domain.movie import Movie
from infrastructure.catalogue import formats
from infrastructure.catalogue.figures.canvas import MARK, canvas, dots, labels, rules, shortened, to_svg
from infrastructure.catalogue.figures.figure import Figure

_TITLE = "Votes against rating"


def votes_against_rating(library: CatalogueData) -> Figure | None:
    """None with fewer than five films that have both."""
    both = [movie for movie in library.best() if movie.rating is not None and movie.votes]
    if len(both) < 5:
        return None
    popular = sorted(both, key=lambda movie: (-(movie.votes or 0), movie.imdb_id))
    return Figure(
        name="votes-against-rating",
        heading=_TITLE,
        label="IMDb rating upwards, votes to the right, each step tenfold",
        words=(
            f"{popular[0].title} has the most votes, {popular[0].votes:,}, and a rating of {popular[0].rating:.1f}; "
            f"{both[0].title} has the highest rating, {both[0].rating:.1f}, from {both[0].votes:,} votes."
        ),
        wide=_draw(both, popular, wide=True),
        narrow=_draw(both, popular, wide=False),
        columns=("Most votes", "Votes", "Rating"),
        rows=tuple((movie.title, f"{movie.votes:,}", f"{movie.rating:.1f}") for movie in popular[:20]),
    )


def _point(movie: Movie) -> tuple[float, float]:
    return round(math.log10(movie.votes or 1), 2), movie.rating or 0.0


def _draw(both: list[Movie], popular: list[Movie], *, wide: bool) -> Markup:
    from matplotlib.ticker import MultipleLocator

    drawing, axes = canvas(wide=wide, height=560 if wide else 380, left=64 if wide else 40)
    named = popular[: 6 if wide else 2]
    size = 40 if wide else 18
    dots(axes, (_point(movie) for movie in both if movie not in named), size=size, opacity=0.45)
    dots(axes, (_point(movie) for movie in named), color=MARK, size=size, opacity=0.9)
    rules(axes, "y")
    axes.xaxis.set_major_locator(MultipleLocator(1))
    axes.xaxis.set_major_formatter(lambda value, _: formats.votes(round(10**value)))
    names = [(_point(movie), shortened(movie.title, 28 if wide else 22)) for movie in named]
    labels(axes, names, fontsize=14 if wide else 12.5)
    return to_svg(drawing, f"votes-{'wide' if wide else 'narrow'}", _TITLE)

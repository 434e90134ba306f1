"""What the public says against what the critics say."""

from __future__ import annotations

from markupsafe import Markup

from application.catalogue_data import CatalogueData
from domain.movie import Movie
from infrastructure.catalogue import formats
from infrastructure.catalogue.figures.canvas import INK, MARK, canvas, dots, labels, rules, shortened, to_svg
from infrastructure.catalogue.figures.figure import Figure

_TITLE = "IMDb against Metascore"
_APART = 20  # points of a hundred


def imdb_against_metascore(library: CatalogueData) -> Figure | None:
    """None with fewer than five films that have both."""
    both = [
        (movie, round(movie.rating * 10), movie.metascore)
        for movie in library.best()
        if movie.rating is not None and movie.metascore is not None
    ]
    if len(both) < 5:
        return None
    apart = sorted(
        (entry for entry in both if abs(entry[1] - entry[2]) > _APART), key=lambda entry: -abs(entry[1] - entry[2])
    )
    liked = sum(public > critics for _, public, critics in apart)
    words = f"Of {formats.count(len(both), 'film')} with both, {len(apart)} are more than {_APART} points apart" + (
        f"; {liked} of them the public likes better than the critics do." if apart else "."
    )
    return Figure(
        name="imdb-against-metascore",
        heading=_TITLE,
        label="IMDb rating upwards, Metascore to the right",
        words=words,
        wide=_draw(both, apart, wide=True),
        narrow=_draw(both, apart, wide=False),
        columns=("Farthest apart", "IMDb", "Metascore"),
        rows=tuple(
            (movie.title, f"{public / 10:.1f}", str(critics)) for movie, public, critics in (apart or both)[:20]
        ),
    )


def _draw(both: list[tuple[Movie, int, int]], apart: list[tuple[Movie, int, int]], *, wide: bool) -> Markup:
    drawing, axes = canvas(wide=wide, height=620 if wide else 400, left=64 if wide else 40)
    low = min(min(public, critics) for _, public, critics in both)
    start = max(0, low // 10 * 10 - 5)
    bottom = min(public for _, public, _ in both) - 2
    rules(axes, "y")
    axes.plot([start, 100], [start, 100], color=INK, linewidth=1, zorder=2)
    far = {id(entry) for entry in apart}
    size = 44 if wide else 20
    dots(
        axes, ((critics, public) for entry in both if id(entry) not in far for _, public, critics in [entry]), size=size
    )
    dots(axes, ((critics, public) for _, public, critics in apart), color=MARK, size=size, opacity=0.9)
    axes.set_xlim(start, 102)
    axes.set_ylim(bottom, max(public for _, public, _ in both) + 2)
    axes.yaxis.set_major_formatter(lambda value, _: f"{value / 10:.1f}")
    named = [((critics, public), shortened(movie.title, 32 if wide else 20)) for movie, public, critics in apart]
    labels(axes, named[: 6 if wide else 1], fontsize=14 if wide else 12.5)
    return to_svg(drawing, f"metascore-{'wide' if wide else 'narrow'}", _TITLE)

"""Which genres the films are of."""

from __future__ import annotations

from typing import Final

from markupsafe import Markup

from application.catalogue_data import CatalogueData
from infrastructure.catalogue.figures.canvas import INK, MARK, canvas, label, to_svg
from infrastructure.catalogue.figures.figure import Figure

_TITLE = "Genre shares"
_MOST: Final = 16


def genre_shares(library: CatalogueData) -> Figure | None:
    """None without two genres."""
    total = len(library.movies)
    rows = sorted(((len(movies), name) for name, movies in library.genres.items()), key=lambda row: (-row[0], row[1]))
    if len(rows) < 2:
        return None
    shown = [(name, number / total) for number, name in rows[:_MOST]]
    return Figure(
        name="genre-shares",
        heading=_TITLE,
        label="Share of the films; one can be of several genres",
        words=(
            f"{shown[0][0]} comes first, with {shown[0][1]:.0%} of the films, "
            f"then {shown[1][0]} with {shown[1][1]:.0%}."
        ),
        wide=_draw(shown, wide=True),
        narrow=_draw(shown, wide=False),
        columns=("Genre", "Films", "Share"),
        rows=tuple((name, str(number), f"{number / total:.1%}") for number, name in rows),
    )


def _draw(shown: list[tuple[str, float]], *, wide: bool) -> Markup:
    left = 428 if wide else 92
    drawing, axes = canvas(
        wide=wide, height=24 + len(shown) * (40 if wide else 30), left=left, right=64 if wide else 44, bottom=6
    )
    colors = [MARK, *[INK] * (len(shown) - 1)]
    axes.barh(range(len(shown)), [share for _, share in shown], height=0.56, color=colors, linewidth=0)
    for place, (_, share) in enumerate(shown):
        label(axes, (share, place), f"{share:.0%}", dx=8, fontsize=14 if wide else 13)
    axes.set_ylim(len(shown) - 0.4, -0.6)
    axes.set_yticks(range(len(shown)), [name for name, _ in shown])
    axes.set_xticks([])
    axes.set_xlim(0, shown[0][1])
    return to_svg(drawing, f"genres-{'wide' if wide else 'narrow'}", _TITLE)

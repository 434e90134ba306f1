"""What the films have in common, drawn as SVG."""

from __future__ import annotations

from application.catalogue_data import CatalogueData
from infrastructure.catalogue.figures.canvas import house_style
from infrastructure.catalogue.figures.figure import Figure, RankLine
from infrastructure.catalogue.figures.genres import genre_shares
from infrastructure.catalogue.figures.history import rank_history, rank_lines
from infrastructure.catalogue.figures.lengths import length_over_the_years
from infrastructure.catalogue.figures.metascore import imdb_against_metascore
from infrastructure.catalogue.figures.ratings import ratings_by_decade
from infrastructure.catalogue.figures.votes import votes_against_rating

__all__ = ["Figure", "RankLine", "draw_figures", "draw_past"]


def draw_figures(library: CatalogueData) -> tuple[Figure, ...]:
    """The figures for which there is enough to draw."""
    with house_style():
        drawn = (
            rank_history(library),
            ratings_by_decade(library),
            imdb_against_metascore(library),
            length_over_the_years(library),
            votes_against_rating(library),
            genre_shares(library),
        )
    return tuple(figure for figure in drawn if figure is not None)


def draw_past(library: CatalogueData) -> dict[str, RankLine]:
    """The line of its ranks for each film that has one, by its id."""
    with house_style():
        return rank_lines(library)

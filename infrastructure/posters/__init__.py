"""Posters: fetched through the network layer, checked, made small, kept in a folder."""

from infrastructure.posters.encode import Recipe
from infrastructure.posters.picture import PictureLimits
from infrastructure.posters.shelf import PosterFolder, within
from infrastructure.posters.source import HttpPosterSource

__all__ = ["HttpPosterSource", "PictureLimits", "PosterFolder", "Recipe", "within"]

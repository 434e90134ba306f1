"""Posters: downloaded through the network layer, checked, encoded, stored in folders."""

from infrastructure.posters.images import EncodingOptions, PictureLimits
from infrastructure.posters.store import HttpPosterSource, PosterFolder, within

__all__ = ["EncodingOptions", "HttpPosterSource", "PictureLimits", "PosterFolder", "within"]

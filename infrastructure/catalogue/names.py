"""Where each page lies in the catalogue. Paths are relative to its top, with ``/``."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from application.catalogue_data import CatalogueData
from infrastructure.catalogue import formats


class PageNames:
    """Paths for everything that has a page; None for what has none."""

    def __init__(self, library: CatalogueData) -> None:
        charts = [chart.chart for chart in library.charts]
        self._charts = dict(zip(charts, ("index.html", *_paths("charts", charts[1:])), strict=False))
        self._genres = dict(zip(library.genres, _paths("genres", library.genres), strict=True))
        self._people = library.people

    def chart(self, name: str) -> str:
        """The chart seen last is the front page."""
        return self._charts[name]

    def genre(self, name: str) -> str | None:
        return self._genres.get(name)

    def decade(self, start: int | None) -> str:
        return "decades/unknown.html" if start is None else f"decades/{start}s.html"

    def film(self, imdb_id: str) -> str:
        return f"films/{imdb_id}.html"

    def person(self, person_id: str) -> str | None:
        return f"people/{person_id}.html" if person_id in self._people else None


def numbered(path: str, number: int) -> str:
    """The path of a further page of the same list; the first keeps the plain name."""
    return path if number == 1 else f"{path.removesuffix('.html')}-page-{number}.html"


def _paths(folder: str, names: Iterable[str]) -> list[str]:
    """Readable names where that is possible, never the same one twice."""
    paths: list[str] = []
    for name in names:
        stem = formats.slug(name)
        path = f"{folder}/{stem}.html"
        if not stem or path in paths:
            path = f"{folder}/{stem or 'other'}-{hashlib.sha256(name.encode()).hexdigest()[:8]}.html"
        paths.append(path)
    return paths

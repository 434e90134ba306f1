"""Every page of an edition, one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from infrastructure.catalogue.edition import Edition
from infrastructure.catalogue.film_pages import film_pages
from infrastructure.catalogue.name_pages import index_pages, person_pages
from infrastructure.catalogue.wall_pages import chart_pages, list_pages


def all_pages(edition: Edition) -> Iterator[tuple[str, bytes]]:
    """Each page's path and content, the front page first. The same edition gives the same bytes."""
    return chain(
        chart_pages(edition),
        list_pages(edition),
        index_pages(edition),
        figure_pages(edition),
        film_pages(edition),
        person_pages(edition),
    )


def figure_pages(edition: Edition) -> Iterator[tuple[str, bytes]]:
    """The charts page."""
    label = "What the films have in common"
    yield edition.page("figures.html", "charts.html", "In figures", label=label, figures=edition.site.figures)

"""The DOM of a chart page: as on IMDb, only its first 25 rows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from infrastructure.demo.markup import STAR, duration, short_count, text
from infrastructure.demo.titles import DemoTitle

ROWS: Final = 25


def chart_dom(heading: str, titles: Iterable[DemoTitle]) -> str:
    """The list with a row for each of the titles given."""
    rows = "".join(_row(title, rank) for rank, title in enumerate(titles, 1))
    return (
        f'<main><h1 class="ipc-title__text">{heading}</h1><div data-testid="chart-layout-main-column">'
        '<ul class="ipc-metadata-list ipc-metadata-list--dividers-between compact-list-view" role="presentation">'
        f"{rows}</ul></div></main>"
    )


def _row(title: DemoTitle, rank: int) -> str:
    facts = [str(title.year) if title.year else "", title.certificate or ""]
    facts.insert(1, duration(title.runtime_seconds) if title.runtime_seconds else "")
    metadata = "".join(f'<span class="cli-title-metadata-item">{text(fact)}</span>' for fact in facts if fact)
    rating = ""
    if title.rating is not None:
        rating = (
            '<div class="cli-ratings-container" data-testid="ratingGroup--container">'
            f'<span aria-label="IMDb rating: {title.rating:.1f}" class="ipc-rating-star ratingGroup--imdb-rating" '
            f'data-testid="ratingGroup--imdb-rating">{STAR}<span class="ipc-rating-star--rating">{title.rating:.1f}'
            f'</span><span class="ipc-rating-star--voteCount">&nbsp;({short_count(title.votes)})</span></span></div>'
        )
    href = f"/title/{title.listed_id}/?ref_=chttp"
    return (
        '<li class="ipc-metadata-list-summary-item"><div class="ipc-metadata-list-summary-item__c">'
        '<div class="cli-parent li-compact"><div class="cli-poster-container">'
        f'<a class="ipc-lockup-overlay ipc-focusable" href="{href}_i_{rank}" '
        f'aria-label="View title page for {text(title.title)}"></a></div><div class="cli-children">'
        f'<div class="ipc-signpost" data-testid="title-list-item-ranking"><div class="ipc-signpost__text">#{rank}</div>'
        f'</div><div class="ipc-title cli-title"><a href="{href}_t_{rank}" class="ipc-title-link-wrapper" tabindex="0">'
        f'<h3 class="ipc-title__text">{text(title.title)}</h3></a></div>'
        f'<div class="cli-title-metadata">{metadata}</div>{rating}</div></div></div></li>'
    )

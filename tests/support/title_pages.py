"""An invented title as the parts of its page: the two islands, and the markup of two times."""

from __future__ import annotations

import json
from typing import Any, Final

IMDB_ID: Final = "tt0012345"
DIRECTORS: Final = "amzn1.imdb.concept.name_credit_category.ace5cb4c-8708-4238-9542-04641e7c8171"
WRITERS: Final = "amzn1.imdb.concept.name_credit_category.c84ecaff-add5-4f2e-81db-102a41881fe3"
TOP_CAST: Final = "amzn1.imdb.concept.name_credit_group.7caf7d16-5db9-4f4f-8864-d4c6e711c686"
STARS: Final = "amzn1.imdb.concept.name_credit_group.7510356e-fde9-438e-b3ad-0099ba6bc8ce"


def line(number: int, name: str) -> dict[str, Any]:
    """One line of a credits list, without roles."""
    return {"name": {"id": f"nm{number:07d}", "nameText": {"text": name}}}


def role_line(number: int, name: str, *roles: str) -> dict[str, Any]:
    """One line of the cast in the shape of 2026."""
    characters = {"edges": [{"node": {"name": role}} for role in roles]}
    return {**line(number, name), "creditedRoles": {"edges": [{"node": {"characters": characters}}]}}


def group(identity: str, *lines: dict[str, Any]) -> dict[str, Any]:
    """A group of credits in the shape of 2026."""
    return {"grouping": {"groupingId": identity, "text": "A label"}, "totalCredits": len(lines), "credits": [*lines]}


def above_the_fold(**changes: Any) -> dict[str, Any]:
    """``aboveTheFoldData`` with every field told."""
    return {
        "id": IMDB_ID,
        "titleText": {"text": "The Glass Ferry"},
        "originalTitleText": {"text": "Die gläserne Fähre"},
        "titleType": {"id": "movie"},
        "releaseYear": {"year": 1961, "endYear": None},
        "ratingsSummary": {"aggregateRating": 7.4, "voteCount": 12345},
        "runtime": {"seconds": 6120},
        "metacritic": {"metascore": {"score": 81}},
        "genres": {"genres": [{"text": genre} for genre in ("Drama", "Fantasy", "Mystery", "Romance")]},
        "plot": {"plotText": {"plainText": "A ferryman & a fog."}},
        "primaryImage": {"url": "https://pictures.example/images/M/glass@._V1_.jpg"},
        "certificate": {"rating": "PG"},
        "releaseDate": {"day": 3, "month": 9, "year": 1961},
        "principalCreditsV2": [group(DIRECTORS, line(1, "Ada Holm")), group(WRITERS, line(9, "Zoe Vik"))],
    } | changes


def main_column(**changes: Any) -> dict[str, Any]:
    """``mainColumnData`` with the people."""
    return {
        "id": IMDB_ID,
        "crewV2": [group(DIRECTORS, line(1, "Ada Holm"), line(2, "Bo Lind")), group(WRITERS, line(9, "Zoe Vik"))],
        "castV2": [
            group(TOP_CAST, role_line(3, "Cy Moe", "The Ferryman", "His Brother"), role_line(4, "Di Foss", "Fog"))
        ],
    } | changes


def next_data(
    above: dict[str, Any] | None = None, main: dict[str, Any] | None = None, page: str = "/title/[tconst]"
) -> dict[str, Any]:
    """The whole island."""
    above = above_the_fold() if above is None else above
    main = main_column() if main is None else main
    props = {"aboveTheFoldData": above, "mainColumnData": main, "translationContext": {"strings": {"ok": "Fine"}}}
    return {"props": {"pageProps": props}, "page": page}


def linked_data(**changes: Any) -> dict[str, Any]:
    """The ld+json island in the shape since 2022: short lists, no metascore, no roles, no year."""
    return {
        "@context": "https://schema.org",
        "@type": "Movie",
        "url": f"https://www.imdb.com/title/{IMDB_ID}/",
        "name": "Die gl&auml;serne F&auml;hre",
        "alternateName": "The Glass Ferry",
        "image": "https://pictures.example/images/M/glass@._V1_.jpg",
        "description": "A ferryman &amp; a fog.",
        "aggregateRating": {"@type": "AggregateRating", "ratingCount": 12345, "ratingValue": 7.4},
        "contentRating": "PG",
        "genre": ["Drama", "Fantasy", "Mystery"],
        "datePublished": "1961-09-03",
        "actor": [{"@type": "Person", "url": "/name/nm0000003/", "name": "Cy Moe"}],
        "director": [
            {"@type": "Person", "url": "/name/nm0000001/", "name": "Ada Holm"},
            {"@type": "Person", "url": "/name/nm0000002/", "name": "Bo Lind"},
        ],
        "duration": "PT1H42M",
    } | changes


def page(
    island: object = None, linked: object = None, markup: str = "", address: str | None = f"/title/{IMDB_ID}/"
) -> bytes:
    """A page of these parts; a string stands for an island as it is, ``None`` for none."""
    head = f'<link rel="canonical" href="https://www.imdb.com{address}"/>' if address else ""
    head += _script('type="application/ld+json"', linked) + "<title>The Glass Ferry (1961) - IMDb</title>"
    body = markup + _script('id="__NEXT_DATA__" type="application/json"', island)
    return f"<!DOCTYPE html><html><head>{head}</head><body>{body}</body></html>".encode("utf-8", "surrogatepass")


def _script(attributes: str, content: object) -> str:
    if content is None:
        return ""
    text = content if isinstance(content, str) else json.dumps(content, separators=(",", ":"))
    return f"<script {attributes}>{text}</script>"


MARKUP_2022: Final = """
<section><div><h1 data-testid="hero__pageTitle"><span>The Glass Ferry</span></h1>
<div>Original title: Die gläserne Fähre</div>
<ul><li><a href="/title/tt0012345/releaseinfo">1961</a></li>
<li><a href="/title/tt0012345/parentalguide">PG</a></li><li>1h 42m</li></ul></div>
<div data-testid="hero-rating-bar__aggregate-rating__score"><span>7.4</span><span>/</span><span>10</span></div>
<div>12K</div>
<div data-testid="hero-media__poster"><img src="https://pictures.example/images/M/glass@._V1_QL75_UX190_.jpg"></div>
<p data-testid="plot"><span data-testid="plot-xl">A ferryman &amp;
 a fog.</span></p>
<div data-testid="genres"><a><span>Drama</span></a><a><span>Fantasy</span></a><a><span>Mystery</span></a></div>
<ul><li data-testid="title-pc-principal-credit"><span class="ipc-metadata-list-item__label">Directors</span>
<a href="/name/nm0000001/">Ada Holm</a><a href="/name/nm0000002/">Bo Lind</a></li>
<li data-testid="title-pc-principal-credit"><span class="ipc-metadata-list-item__label">Writer</span>
<a href="/name/nm0000009/">Zoe Vik</a></li></ul>
<span class="metacritic-score-box">81</span></section>
<div data-testid="title-cast-item"><a href="/name/nm0000003/"><img alt=""></a>
<a data-testid="title-cast-item__actor" href="/name/nm0000003/?ref_=x">Cy Moe</a>
<ul><li><a data-testid="cast-item-characters-link"><span>The Ferryman</span><span>as Cyrus Moe</span></a></li>
<li><span>(voice)</span></li></ul></div>
<div data-testid="title-cast-item"><a data-testid="title-cast-item__actor" href="/name/nm0000004/">Di Foss</a></div>
<li data-testid="title-techspec_runtime"><span>Runtime</span><div>1 hour 42 minutes</div></li>
<li data-testid="title-details-releasedate"><a>Release date</a><ul><li><a>September 3, 1961 (Norway)</a></li></ul></li>
"""

MARKUP_2014: Final = """
<div id="title-overview-widget"><div class="title_wrapper">
<h1>The Glass Ferry&nbsp;<span id="titleYear">(<a href="/year/1961/">1961</a>)</span></h1>
<div class="originalTitle">Die gläserne Fähre<span class="description"> (original title)</span></div>
<div class="subtext">PG <time datetime="PT102M"> 1h 42min </time></div></div>
<div class="imdbRating"><strong><span>7.4</span></strong>/<span>10</span>
<a href="ratings"><span class="small">12,345</span></a></div>
<div class="poster"><a><img src="https://pictures.example/images/M/glass@._V1_UX182_CR0,0,182,268_AL_.jpg"></a></div>
<div class="summary_text">A ferryman &amp; a
  fog.</div>
<div class="credit_summary_item"><h4 class="inline">Directors:</h4>
<a href="/name/nm0000001/">Ada Holm</a>, <a href="/name/nm0000002/">Bo Lind</a></div>
<div class="credit_summary_item"><h4 class="inline">Writer:</h4><a href="/name/nm0000009/">Zoe Vik</a></div>
<div class="metacriticScore"><span>81</span></div></div>
<table class="cast_list"><tr><td colspan="4">Cast overview:</td></tr>
<tr><td class="primary_photo"><a href="/name/nm0000003/"><img alt=""></a></td><td><a href="/name/nm0000003/"> Cy Moe
</a></td><td>...</td><td class="character"><a>The Ferryman</a> / His Brother  (voice) (as Cyrus Moe)</td></tr>
<tr><td></td><td><a href="/name/nm0000004/">Di Foss</a></td><td>...</td><td class="character">Fog 61 episodes, 1961-1962
</td></tr></table>
<div id="titleStoryLine"><div><h4 class="inline">Genres:</h4> <a>Drama</a> | <a>Fantasy</a></div></div>
<div id="titleDetails"><div><h4 class="inline">Release Date:</h4> 3 September 1961 (Norway) <a>See more</a></div></div>
"""

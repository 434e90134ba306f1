"""Whole pages in IMDb's order: head with ld+json, DOM with IMDb's test ids, filler and ``__NEXT_DATA__``."""

from __future__ import annotations

import html
import json
import random
import re
from calendar import month_name
from collections.abc import Callable, Iterable
from typing import Final

from domain.chart import ChartName
from infrastructure.demo import words
from infrastructure.demo.catalogue import DemoCatalogue
from infrastructure.demo.islands import (
    CANONICAL,
    CAST_SHOWN,
    Json,
    chart_list,
    common,
    genres,
    plot,
    title_item,
    title_props,
    typed,
)
from infrastructure.demo.messages import Pieces, SharedBytes
from infrastructure.demo.titles import DemoCredit, DemoPerson, DemoTitle, PartialDate

CHART_PATHS: Final = {
    "/chart/top/": ChartName.TOP250,
    "/chart/toptv/": ChartName.TOPTV,
    "/chart/moviemeter/": ChartName.MOVIEMETER,
    "/chart/bottom/": ChartName.BOTTOM100,
}
_PATHS: Final = {chart: path.rstrip("/") for path, chart in CHART_PATHS.items()}
_HEADINGS: Final = {
    ChartName.TOP250: "IMDb Top 250 Movies",
    ChartName.TOPTV: "Top 250 TV Shows",
    ChartName.MOVIEMETER: "Most popular movies",
    ChartName.BOTTOM100: "Lowest Rated Movies",
}
_MARKUP_SHARE: Final = 0.58  # of a real page's filler; the rest are the island's translations
_TYPICAL_OWN_BYTES: Final = 33_000  # of a title page with a cast of 18
_AFTER_TRANSLATIONS: Final = b'}}}}},"__N_SSP":true},"page":"'
_TAIL: Final = (
    b'","query":{},"buildId":"demo","isFallback":false,"gssp":true,"locale":"en-US","scriptLoader":[]}</script>'
    b"<script>if(typeof uet === 'function'){ uet('be', 'LoadFooterJS', {wb: 1}); }</script></body></html>"
)


class PageBuilder:
    """Renders title and chart pages of about ``page_kb`` kilobytes.

    A page is a sequence of pieces; all pages share the pieces that hold filler.
    ``site_url`` is the host of the posters' addresses.
    """

    def __init__(self, catalogue: DemoCatalogue, page_kb: int, site_url: str) -> None:
        self._catalogue = catalogue
        self._site_url = site_url
        spare = max(0, page_kb * 1024 - _TYPICAL_OWN_BYTES)
        self._markup = SharedBytes.of(b'<div hidden="">' + filler_markup(int(spare * _MARKUP_SHARE)) + b"</div>")
        self._translations = SharedBytes.of(
            filler_translations(spare - int(spare * _MARKUP_SHARE)) + _AFTER_TRANSLATIONS
        )

    def poster_url(self, title: DemoTitle) -> str | None:
        """Gives the address of the title's poster in full size."""
        return f"{self._site_url}/images/M/{title.imdb_id}@._V1_.jpg" if title.has_poster else None

    def title(self, title: DemoTitle) -> Pieces:
        """Renders the page ``/title/tt.../``."""
        poster = self.poster_url(title)
        return self._page(
            "/title/[tconst]",
            _title_head(title, poster),
            title_item(title, poster),
            _title_dom(title, poster),
            title_props(title, poster),
        )

    def chart(self, name: ChartName) -> Pieces:
        """Renders the page of a chart: all its titles in both islands, the first 25 in the DOM."""
        titles = list(self._catalogue.chart(name))
        posters = [self.poster_url(title) for title in titles]
        edges = [
            typed("ChartTitleEdge", currentRank=rank, node=_node(title, poster))
            for rank, (title, poster) in enumerate(zip(titles, posters, strict=True), 1)
        ]
        search = typed("ChartTitleSearchConnection", edges=edges, genres=[], keywords=[], watchOptions=[])
        path, heading, props = _PATHS[name], _HEADINGS[name], {"pageData": {"chartTitles": search}}
        dom = _chart_dom(heading, titles[:_CHART_ROWS])
        return self._page(path, _chart_head(heading, path), chart_list(titles, posters), dom, props)

    def _page(self, path: str, head: str, linked: Json, dom: str, props: Json) -> Pieces:
        opening = (
            b'</div><script id="__NEXT_DATA__" type="application/json">{"props":{"pageProps":'
            + script_json(props)[:-1]
            + b',"requestContext":{"sidecar":{"localizationResponse":{"userLanguage":"en-US"}}},'
            b'"translationContext":{"i18n":{"translations":{"resources":{"common_labels_close":"Close"'
        )
        own = (
            head.encode()
            + b'<script type="application/ld+json">'
            + script_json(linked)
            + b'</script></head><body><div id="__next">'
            + dom.encode()
        )
        return (own, self._markup, opening, self._translations, path.encode() + _TAIL)


def _node(title: DemoTitle, poster: str | None) -> Json:
    shared = common(title, poster)
    return typed("Title", id=title.listed_id, **shared, titleGenres=genres(title), plot=plot(title), series=None)


# --- visible markup ----------------------------------------------------------------

_UNWRITABLE: Final = re.compile("[\x00\ud800-\udfff]")

_STAR: Final = (
    '<svg width="24" height="24" xmlns="http://www.w3.org/2000/svg" class="ipc-icon ipc-icon--star-inline" '
    'viewBox="0 0 24 24" fill="currentColor" role="presentation"><path d="M12 2l3 7 7 .6-5.3 4.6 1.6 7L12 17.5 '
    '5.7 21.200 7.300 14.200 2 9.600l7-.6z"></path></svg>'
)
_KINDS: Final = {
    "tvSeries": "TV Series", "tvMiniSeries": "TV Mini Series", "tvEpisode": "TV Episode", "tvMovie": "TV Movie",
    "video": "Video",
}  # fmt: skip


def _text(value: str) -> str:
    """Gives text for the DOM: escaped, and without characters that UTF-8 cannot encode."""
    return html.escape(_UNWRITABLE.sub("\ufffd", value))


def _inline_item(content: str) -> str:
    """An entry of one of IMDb's one-line lists; the content is markup."""
    return f'<li role="presentation" class="ipc-inline-list__item">{content}</li>'


def _link(href: str, content: str, css: str = "ipc-link ipc-link--baseAlt ipc-link--inherit-color") -> str:
    """A link as IMDb writes it; the content is markup."""
    return f'<a class="{css}" tabindex="0" aria-disabled="false" href="{href}">{content}</a>'


def _duration(seconds: int) -> str:
    """``2h 22m``, ``45m``, ``2h``."""
    hours, minutes = divmod(seconds // 60, 60)
    return " ".join(part for part in (f"{hours}h" if hours else "", f"{minutes}m" if minutes else "") if part)


def _short_count(votes: int) -> str:
    """``2.2M``, ``85K``, ``3``."""
    if votes >= 1_000_000:
        return f"{votes / 1_000_000:.1f}M"
    return f"{votes // 1000}K" if votes >= 1000 else str(votes)


_OPENING: Final = (
    '<!DOCTYPE html><html lang="en-US" xmlns:og="http://opengraphprotocol.org/schema/"><head><meta charSet="utf-8"/>'
    "<meta name=\"viewport\" content=\"width=device-width\"/><script>if(typeof uet === 'function'){ uet('bb', "
    "'LoadTitle', {wb: 1}); }</script>"
)


def _title_head(title: DemoTitle, poster: str | None) -> str:
    """From the doctype to the last meta of a title page; the head is left open."""
    name = f"{title.title} ({title.year})" if title.year else title.title
    score = "" if title.rating is None else f" ⭐ {title.rating:.1f}"
    facts = [_duration(title.runtime_seconds) if title.runtime_seconds else "", title.certificate or ""]
    makers = " With " + ", ".join(role.person.name for role in title.cast[:4]) + "." if title.cast else ""
    image = "" if poster is None else _meta("og:image", f"{poster.removesuffix('.jpg')}FMjpg_UX1000_.jpg")
    return (
        f"{_OPENING}<title>{_text(name)} - IMDb</title>"
        f'<meta name="description" content="{_text(title.title)}:{_text(makers)} {_text(title.plot or "")}" '
        f'data-id="main"/>{_address(f"/title/{title.imdb_id}/")}'
        f"{_meta('og:title', name + score + ' | ' + ', '.join(title.genres))}"
        f"{_meta('og:description', ' | '.join(fact for fact in facts if fact))}"
        f"{_meta('og:type', 'video.tv_show' if title.is_series else 'video.movie')}{image}"
        f"{_meta('imdb:pageType', 'title')}{_meta('imdb:subPageType', 'main')}"
        f"{_meta('imdb:pageConst', title.imdb_id)}"
    )


def _chart_head(heading: str, path: str) -> str:
    """From the doctype to the last meta of a chart page; the head is left open."""
    return (
        f"{_OPENING}<title>{_text(heading)} - IMDb</title>{_address(f'{path}/')}{_meta('og:title', heading)}"
        f"{_meta('og:type', 'website')}{_meta('imdb:pageType', 'chart')}"
    )


def _address(path: str) -> str:
    return f'{_meta("og:url", CANONICAL + path)}<link rel="canonical" href="{CANONICAL}{path}"/>'


def _meta(name: str, content: str) -> str:
    return f'<meta property="{name}" content="{_text(content)}"/>'


_LIST: Final = (
    '<ul class="ipc-inline-list ipc-inline-list--show-dividers ipc-inline-list--inline '
    'ipc-metadata-list-item__list-content baseAlt" role="presentation">'
)
_CONTENT: Final = "ipc-metadata-list-item__list-content-item"


def _title_dom(title: DemoTitle, poster: str | None) -> str:
    """Renders everything visible of the title, from the heading to the technical specs."""
    return (
        '<main role="main"><div class="ipc-page-content-container" role="presentation">'
        f'<section class="ipc-page-section" data-testid="hero-parent">{_heading(title)}{_rating(title)}'
        f"{_poster(title, poster)}{_genres(title)}{_plot(title)}"
        '<ul class="ipc-metadata-list title-pc-list" role="presentation" data-testid="title-pc-list">'
        f"{_principal('Director' if len(title.directors) == 1 else 'Directors', title.directors, 'dr')}"
        f"{_principal('Writers', title.writers[:3], 'wr')}"
        f"{_principal('Stars', tuple(role.person for role in title.cast[:3]), 'st')}</ul>{_metascore(title)}</section>"
        f"{_cast(title)}{_details(title)}</div></main>"
    )


def _heading(title: DemoTitle) -> str:
    original = ""
    if title.original_title is not None and title.original_title != title.title:
        original = f'<div class="sc-b41e510f-2 baseAlt">Original title: {_text(title.original_title)}</div>'
    items = [_KINDS[title.kind]] if title.kind in _KINDS else []
    path = f"/title/{title.imdb_id}"
    if title.year:
        years = f"{title.year}" if not title.is_series else f"{title.year}–{title.end_year or ''}"
        items.append(_link(f"{path}/releaseinfo/?ref_=tt_ov_rdat", years))
    if title.certificate:
        items.append(_link(f"{path}/parentalguide/?ref_=tt_ov_pg#certificates", _text(title.certificate)))
    if title.runtime_seconds:
        items.append(_duration(title.runtime_seconds))
    return (
        f'<h1 textLength="{len(title.title)}" data-testid="hero__pageTitle" class="sc-b41e510f-0 baseAlt">'
        f'<span class="hero__primary-text" data-testid="hero__primary-text">{_text(title.title)}</span></h1>{original}'
        '<ul class="ipc-inline-list ipc-inline-list--show-dividers sc-b41e510f-3 baseAlt" role="presentation">'
        f"{''.join(map(_inline_item, items))}</ul>"
    )


def _rating(title: DemoTitle) -> str:
    if title.rating is None:
        return ""
    return (
        '<div data-testid="hero-rating-bar__aggregate-rating" class="rating-bar__base-button">'
        f'<div class="sc-a3dab77e-1">IMDb RATING</div>{_STAR}'
        '<div data-testid="hero-rating-bar__aggregate-rating__score" class="sc-a30a09c4-2">'
        f'<span class="sc-a30a09c4-1">{title.rating:.1f}</span><span>/<!-- -->10</span></div>'
        f'<div class="sc-a30a09c4-3">{_short_count(title.votes)}</div></div>'
    )


def _poster(title: DemoTitle, poster: str | None) -> str:
    if poster is None:
        return ""
    sized = poster.removesuffix(".jpg")
    return (
        '<div class="ipc-poster ipc-poster--baseAlt" role="group" data-testid="hero-media__poster">'
        f'<img alt="{_text(title.title)}" class="ipc-image" loading="eager" src="{sized}QL75_UX190_CR0,2,190,281_.jpg" '
        f'srcSet="{sized}QL75_UX190_CR0,2,190,281_.jpg 190w, {sized}QL75_UX380_CR0,4,380,562_.jpg 380w" '
        'width="190"/></div>'
    )


def _genres(title: DemoTitle) -> str:
    chips = "".join(
        _link(f"/interest/in{place:07}/", f'<span class="ipc-chip__text">{_text(genre)}</span>', "ipc-chip")
        for place, genre in enumerate(title.genres, 1)
    )
    return (
        '<div class="ipc-chip-list--baseAlt ipc-chip-list" data-testid="interests">'
        f'<div class="ipc-chip-list__scroller">{chips}</div></div>'
    )


def _plot(title: DemoTitle) -> str:
    if title.plot is None:
        return ""
    spans = "".join(
        f'<span role="presentation" data-testid="plot-{size}"><span>{_text(title.plot)}</span></span>'
        for size in ("xs_to_m", "l", "xl")
    )
    return f'<p data-testid="plot" class="sc-9a16f31-3">{spans}</p>'


def _principal(label: str, people: tuple[DemoPerson, ...], code: str) -> str:
    if not people:
        return ""
    names = "".join(
        _inline_item(_link(f"/name/{person.person_id}/?ref_=tt_ov_{code}_{place}", _text(person.name), _CONTENT))
        for place, person in enumerate(people, 1)
    )
    return _row("title-pc-principal-credit", label, names, " ipc-btn--not-interactable")


def _metascore(title: DemoTitle) -> str:
    if title.metascore is None:
        return ""
    return (
        '<span class="three-Elements"><span class="score"><span class="sc-9fe7b0ef-0 metacritic-score-box" '
        f'style="background-color:#54A72A">{title.metascore}</span></span>'
        '<span class="label"><span class="metacritic-score-label">Metascore</span></span></span>'
    )


def _cast(title: DemoTitle) -> str:
    if not title.cast:
        return ""
    items = "".join(_cast_item(title, role, place) for place, role in enumerate(title.cast[:CAST_SHOWN], 1))
    return (
        '<section class="ipc-page-section" cel_widget_id="StaticFeature_Cast" data-testid="title-cast">'
        f'<div class="ipc-sub-grid" data-testid="shoveler-items-container">{items}</div></section>'
    )


def _cast_item(title: DemoTitle, role: DemoCredit, place: int) -> str:
    person = role.person
    characters = "".join(
        _inline_item(
            f'<a href="/title/{title.imdb_id}/characters/{person.person_id}/?ref_=tt_cst_c_{place}" '
            'class="title-cast-item__char" data-testid="cast-item-characters-link">'
            f'<span class="sc-8eb6700a-4">{_text(character)}</span></a>'
        )
        for character in role.characters
    )
    return (
        '<div data-testid="title-cast-item" class="sc-8eb6700a-5">'
        f'<a data-testid="title-cast-item__actor" href="/name/{person.person_id}/?ref_=tt_cst_t_{place}" '
        f'class="sc-8eb6700a-1">{_text(person.name)}</a>'
        '<div class="title-cast-item__characters-list"><ul class="ipc-inline-list" role="presentation" '
        f'data-testid="cast-item-characters-list">{characters}</ul></div></div>'
    )


def _details(title: DemoTitle) -> str:
    rows = ""
    if title.release:
        rows += _detail("title-details-releasedate", "Release date", f"{_date(title.release)} (United States)")
    if title.runtime_seconds:
        minutes = f" ({title.runtime_seconds // 60} min)"
        rows += _detail("title-techspec_runtime", "Runtime", _duration(title.runtime_seconds) + minutes)
    return f'<section data-testid="Details"><ul class="ipc-metadata-list" role="presentation">{rows}</ul></section>'


def _detail(test_id: str, label: str, value: str) -> str:
    return _row(test_id, label, _inline_item(f"<span class='{_CONTENT}'>{value}</span>"))


def _row(test_id: str, label: str, items: str, css: str = "") -> str:
    return (
        f'<li role="presentation" class="ipc-metadata-list__item" data-testid="{test_id}">'
        f'<span class="ipc-metadata-list-item__label{css}">{label}</span>'
        f'<div class="ipc-metadata-list-item__content-container">{_LIST}{items}</ul></div></li>'
    )


def _date(release: PartialDate) -> str:
    year, month, day = release
    if month is None:
        return str(year)
    return f"{month_name[month]} {year}" if day is None else f"{month_name[month]} {day}, {year}"


_CHART_ROWS: Final = 25


def _chart_dom(heading: str, titles: Iterable[DemoTitle]) -> str:
    """The list with a row for each of the titles given."""
    rows = "".join(_chart_row(title, rank) for rank, title in enumerate(titles, 1))
    return (
        f'<main><h1 class="ipc-title__text">{heading}</h1><div data-testid="chart-layout-main-column">'
        '<ul class="ipc-metadata-list ipc-metadata-list--dividers-between compact-list-view" role="presentation">'
        f"{rows}</ul></div></main>"
    )


def _chart_row(title: DemoTitle, rank: int) -> str:
    facts = [str(title.year) if title.year else "", title.certificate or ""]
    facts.insert(1, _duration(title.runtime_seconds) if title.runtime_seconds else "")
    metadata = "".join(f'<span class="cli-title-metadata-item">{_text(fact)}</span>' for fact in facts if fact)
    rating = ""
    if title.rating is not None:
        rating = (
            '<div class="cli-ratings-container" data-testid="ratingGroup--container">'
            f'<span aria-label="IMDb rating: {title.rating:.1f}" class="ipc-rating-star ratingGroup--imdb-rating" '
            f'data-testid="ratingGroup--imdb-rating">{_STAR}<span class="ipc-rating-star--rating">{title.rating:.1f}'
            f'</span><span class="ipc-rating-star--voteCount">&nbsp;({_short_count(title.votes)})</span></span></div>'
        )
    href = f"/title/{title.listed_id}/?ref_=chttp"
    return (
        '<li class="ipc-metadata-list-summary-item"><div class="ipc-metadata-list-summary-item__c">'
        '<div class="cli-parent li-compact"><div class="cli-poster-container">'
        f'<a class="ipc-lockup-overlay ipc-focusable" href="{href}_i_{rank}" '
        f'aria-label="View title page for {_text(title.title)}"></a></div><div class="cli-children">'
        f'<div class="ipc-signpost" data-testid="title-list-item-ranking"><div class="ipc-signpost__text">#{rank}</div>'
        f'</div><div class="ipc-title cli-title"><a href="{href}_t_{rank}" class="ipc-title-link-wrapper" tabindex="0">'
        f'<h3 class="ipc-title__text">{_text(title.title)}</h3></a></div>'
        f'<div class="cli-title-metadata">{metadata}</div>{rating}</div></div></div></li>'
    )


# --- filler ------------------------------------------------------------------------

_VOCABULARY: Final = tuple(word.lower() for word in words.ADJECTIVES + words.NOUNS + words.GENRES)
_ICONS: Final = tuple(
    "M"
    + " ".join(f"{place * 7 % 24}.{place * step % 97} {place * step % 24}c{step % 9}-{place}" for place in range(44))
    for step in range(11, 43)
)
"""Outlines of 32 icons, which real pages repeat."""


def filler_markup(size: int) -> bytes:
    """Makes a style sheet and hidden blocks of exactly this many bytes; comments fill the last few.

    As on real pages, a third is style, and the rest has about one tag in a hundred bytes, because
    the cost of parsing the DOM depends on the number of tags. Real pages compress about five to one
    (1,631,277 bytes to 311,610), and so does this.
    """
    style = _repeat(_rule, max(0, size // 3 - len("<style></style>")), b"/*", b"*/")
    sheet = b"<style>" + style + b"</style>" if style else b""
    return sheet + _repeat(_block, size - len(sheet), b"<!-- ", b" -->")


def _rule(dice: random.Random) -> str:
    token = f"{dice.getrandbits(24):06x}"
    return (
        f".sc-{token}-{dice.randint(0, 9)}{{display:{dice.choice(('flex', 'grid', 'block'))};"
        f"padding:{dice.randint(0, 32)}px {dice.randint(0, 32)}px;"
        f"font-family:var(--ipt-{dice.choice(_VOCABULARY)}-font);"
        f"color:rgba(var(--ipt-{dice.choice(_VOCABULARY)}-color),{dice.random():.2f})}}"
    )


def _block(dice: random.Random) -> str:
    token = f"{dice.getrandbits(40):010x}"
    icon = _ICONS[dice.randrange(len(_ICONS))]
    kind = dice.choice(_VOCABULARY)
    return (
        f'<div class="ipc-metadata-list__item ipc-metadata-list__item--align-end ipc-metadata-list-item--{kind} '
        f'sc-{token[:8]}-{dice.randint(0, 9)} ipc-{kind}--on-textPrimary" role="presentation" data-index="{token}">'
        f'<svg width="24" height="24" xmlns="http://www.w3.org/2000/svg" class="ipc-icon ipc-icon--{kind}" '
        f'viewBox="0 0 24 24" fill="currentColor" role="presentation"><path d="{icon}"></path></svg>'
        f'<span class="ipc-btn__text">{_sentence(dice)}. {_sentence(dice)}.</span>'
        f'<ul class="ipc-inline-list"><li class="ipc-inline-list__item">{_sentence(dice)}</li></ul></div>'
    )


_SENTENCES: Final = 1500  # more text than the 32 kB in which gzip looks for repetitions


def filler_translations(size: int) -> bytes:
    """Makes members of a JSON object, a comma before each, of exactly this many bytes (0, or at least 16)."""
    sentences: list[str] = []
    used = 0

    def member(dice: random.Random) -> str:
        nonlocal used
        used += 1
        if len(sentences) < _SENTENCES:
            ending = dice.choice((".", "’s", " {count}", "…"))
            sentences.append(script_json(_sentence(dice) + ending).decode())
        words = f"{dice.choice(_VOCABULARY)}_{dice.choice(_VOCABULARY)}_{dice.choice(_VOCABULARY)}"
        return f',"{words}_{used}":{sentences[used * 7 % len(sentences)]}'

    return _repeat(member, size, b',"pad":"', b'"')


def _sentence(dice: random.Random) -> str:
    return " ".join(dice.choice(_VOCABULARY) for _ in range(dice.randint(3, 9))).capitalize()


def _repeat(piece: Callable[[random.Random], str], size: int, opening: bytes, closing: bytes) -> bytes:
    dice = random.Random("filler")  # noqa: S311 - the same on every machine on purpose
    shell = len(opening) + len(closing)
    pieces: list[bytes] = []
    left = size
    while left > shell:
        made = piece(dice).encode()
        if len(made) > left - shell:
            break
        pieces.append(made)
        left -= len(made)
    if left >= shell:
        pieces.append(opening + b"x" * (left - shell) + closing)
    return b"".join(pieces)


def script_json(value: object) -> bytes:
    """Writes compact JSON in UTF-8 as IMDb puts it between script tags.

    Characters of markup, NUL and lone surrogates are JSON escapes, as on IMDb's pages.
    """
    written = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    for char in ("<", ">", "&", "\u2028", "\u2029"):  # str.translate takes ten times as long
        written = written.replace(char, f"\\u{ord(char):04x}")
    return written.encode("utf-8", "backslashreplace")

"""Whole pages: head with ld+json, DOM, filler and ``__NEXT_DATA__``, in IMDb's order."""

from __future__ import annotations

from typing import Final, TypeAlias

from domain.chart import ChartName
from infrastructure.demo.bodies import SharedBytes, filler_markup, filler_translations, script_json
from infrastructure.demo.catalogue import DemoCatalogue
from infrastructure.demo.islands import (
    Json,
    above_the_fold,
    chart_list,
    common,
    genres,
    main_column,
    plot,
    series_of,
    title_item,
    typed,
)
from infrastructure.demo.markup import CHART_ROWS, chart_dom, chart_head, title_dom, title_head
from infrastructure.demo.titles import DemoTitle

Pieces: TypeAlias = tuple[bytes | SharedBytes, ...]

CHART_PATHS: Final = {
    "/chart/top/": ChartName.TOP250,
    "/chart/toptv/": ChartName.TOPTV,
    "/chart/moviemeter/": ChartName.MOVIEMETER,
    "/chart/bottom/": ChartName.BOTTOM100,
}
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
        place = None
        if title.episode is not None and (series := self._catalogue.find(title.episode.series_id)) is not None:
            place = series_of(title, series, *(self._catalogue.neighbour(title, step) for step in (-1, 1)))
        props = {
            "tconst": title.imdb_id,
            "aboveTheFoldData": above_the_fold(title, poster, place),
            "mainColumnData": main_column(title, poster, place),
        }
        return self._page(
            "/title/[tconst]", title_head(title, poster), title_item(title, poster), title_dom(title, poster), props
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
        dom = chart_dom(_HEADINGS[name], titles[:CHART_ROWS])
        path = next(path for path, chart in CHART_PATHS.items() if chart is name).rstrip("/")
        props = {"pageData": {"chartTitles": search}}
        return self._page(path, chart_head(_HEADINGS[name], path), chart_list(titles, posters), dom, props)

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
    return typed(
        "Title",
        id=title.listed_id,
        **common(title, poster),
        titleGenres=genres(title),
        plot=plot(title),
        series=None,
    )

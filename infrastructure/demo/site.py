"""The site's responses without faults."""

from __future__ import annotations

import re
from functools import cached_property, lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Final

from domain.chart import ChartName
from infrastructure.demo.catalogue import DemoCatalogue
from infrastructure.demo.datasets import DatasetFiles
from infrastructure.demo.messages import DemoRequest, DemoResponse, Pieces, gzipped, plain
from infrastructure.demo.pages import CHART_PATHS, PageBuilder
from infrastructure.demo.process import DemoOptions

if TYPE_CHECKING:
    from infrastructure.demo.graphql import GraphQLEndpoint
    from infrastructure.demo.posters import PosterServer

_TITLE_PATH: Final = re.compile(r"/title/(tt\d{7,10})(/?)")
_KEPT: Final = 30_000  # pages kept compressed; one has about 6 kB that no other shares
_ROBOTS: Final = (
    "# robots.txt of the demo site\nUser-agent: *\nDisallow: /find\nDisallow: /search/name-text\n"
    "Disallow: /search/title-text\nDisallow: /register\nDisallow: /title/tt*/watchoptions\n"
)
_NOT_FOUND: Final = DemoResponse.of(
    404,
    '<!DOCTYPE html><html lang="en-US"><head><title>404 Error - IMDb</title></head><body><h1>404 Error</h1>'
    "<p>The requested URL was not found on our server.</p></body></html>",
)


class DemoSite:
    """Responses by path; independent of sockets, latency and faults."""

    def __init__(self, options: DemoOptions, site_url: str) -> None:
        self.catalogue = DemoCatalogue(options.seed, options.count, options.day)
        self.pages = PageBuilder(self.catalogue, options.page_kb, site_url)
        self.datasets = DatasetFiles(self.catalogue)
        self.replaced: dict[str, DemoResponse] = {}
        self._gzipped = lru_cache(maxsize=_KEPT)(lambda page: gzipped(self._render(page)))
        self._prepared = options.prepare

    def prepare(self) -> None:
        """Renders and compresses pages before the first request."""
        for imdb_id in islice(self.catalogue.ids(), self._prepared):
            self.answer(DemoRequest("GET", f"/title/{imdb_id}/", "", {"accept-encoding": "gzip"}))
        self.answer(DemoRequest("GET", "/chart/top/", "", {"accept-encoding": "gzip"}))

    def answer(self, request: DemoRequest) -> DemoResponse:
        """Gives the response to a request."""
        path = request.path
        if path in self.replaced:
            return self.replaced[path]
        if request.method == "POST" and path in ("/", "/graphql", "/graphql/"):
            return self._graphql.answer(request)
        if request.method not in ("GET", "HEAD"):
            return DemoResponse(405, headers=(("Allow", "GET, HEAD"),))
        if match := _TITLE_PATH.fullmatch(path):
            return self._title(request, *match.groups())
        if chart := CHART_PATHS.get(path):
            return self._page(request, chart)
        if f"{path}/" in CHART_PATHS:
            return DemoResponse.redirect(308, f"{path}/")
        if path.startswith("/images/") and (poster := self._posters.answer(request)):
            return poster
        if dataset := self.datasets.answer(request):
            return dataset
        if path == "/robots.txt":
            return DemoResponse.of(200, _ROBOTS, "text/plain")
        return _NOT_FOUND

    # Both take long to import.

    @cached_property
    def _graphql(self) -> GraphQLEndpoint:
        from infrastructure.demo.graphql import GraphQLEndpoint

        return GraphQLEndpoint(self.catalogue, self.pages.poster_url)

    @cached_property
    def _posters(self) -> PosterServer:
        from infrastructure.demo.posters import PosterServer

        return PosterServer(self.catalogue)

    def _title(self, request: DemoRequest, imdb_id: str, slash: str) -> DemoResponse:
        title = self.catalogue.find(imdb_id)
        if title is None:
            return _NOT_FOUND
        if title.imdb_id != imdb_id:
            return DemoResponse.redirect(301, f"/title/{title.imdb_id}/")
        return self._page(request, imdb_id) if slash else DemoResponse.redirect(308, f"/title/{imdb_id}/")

    def _page(self, request: DemoRequest, page: ChartName | str) -> DemoResponse:
        if request.accepts_gzip:
            return DemoResponse(200, self._gzipped(page), gzipped=True)
        return DemoResponse(200, plain(self._render(page)))

    def _render(self, page: ChartName | str) -> Pieces:
        """Renders a chart, or the title with this id."""
        if isinstance(page, ChartName):
            return self.pages.chart(page)
        title = self.catalogue.find(page)
        assert title is not None  # noqa: S101 - found before
        return self.pages.title(title)

"""The site's responses without faults."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable
from itertools import islice
from typing import TYPE_CHECKING, Final

from infrastructure.demo.bodies import Body, gzipped, plain
from infrastructure.demo.catalogue import DemoCatalogue
from infrastructure.demo.datasets import DatasetFiles
from infrastructure.demo.messages import DemoRequest, DemoResponse, forbidden
from infrastructure.demo.options import DemoOptions
from infrastructure.demo.pages import CHART_PATHS, PageBuilder, Pieces
from infrastructure.demo.posters import PosterServer

if TYPE_CHECKING:
    from infrastructure.demo.graphql import GraphQLEndpoint

_TITLE_PATH: Final = re.compile(r"/title/(tt\d{7,10})(/?)")
_BODY_MEMORY: Final = 192 * 1024 * 1024  # a page holds 6 kB of its own: enough for 30,000
_ROBOTS: Final = (
    "# robots.txt of the demo site\nUser-agent: *\nDisallow: /find\nDisallow: /search/name-text\n"
    "Disallow: /search/title-text\nDisallow: /register\nDisallow: /title/tt*/watchoptions\n"
)
_NOT_FOUND: Final = (
    '<!DOCTYPE html><html lang="en-US"><head><title>404 Error - IMDb</title></head><body><h1>404 Error</h1>'
    "<p>The requested URL was not found on our server.</p></body></html>"
)


class DemoSite:
    """DemoResponses by path; independent of sockets, latency and faults."""

    def __init__(self, options: DemoOptions, site_url: str) -> None:
        self.catalogue = DemoCatalogue(options.seed, options.count, options.day)
        self.pages = PageBuilder(self.catalogue, options.page_kb, site_url)
        self.datasets = DatasetFiles(self.catalogue)
        self._posters = PosterServer(self.catalogue, options.seed)
        self._endpoint: GraphQLEndpoint | None = None
        self._bodies = _BodyCache(_BODY_MEMORY)
        self._prepared = options.prepare
        self.replaced: dict[str, DemoResponse] = {}

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
            return self._graphql().answer(request, forbidden())
        if request.method not in ("GET", "HEAD"):
            return DemoResponse(405, headers=(("Allow", "GET, HEAD"),))
        if match := _TITLE_PATH.fullmatch(path):
            return self._title(request, *match.groups())
        if chart := CHART_PATHS.get(path):
            return self._page(request, path, lambda: self.pages.chart(chart))
        if f"{path}/" in CHART_PATHS:
            return DemoResponse.redirect(308, f"{path}/")
        if poster := self._posters.answer(request):
            return poster
        if dataset := self.datasets.answer(request):
            return dataset
        if path == "/robots.txt":
            return DemoResponse.text(200, _ROBOTS, "text/plain")
        return DemoResponse.text(404, _NOT_FOUND)

    def _graphql(self) -> GraphQLEndpoint:
        if self._endpoint is None:
            from infrastructure.demo.graphql import GraphQLEndpoint

            self._endpoint = GraphQLEndpoint(self.catalogue, self.pages.poster_url)
        return self._endpoint

    def _title(self, request: DemoRequest, imdb_id: str, slash: str) -> DemoResponse:
        title = self.catalogue.find(imdb_id)
        if title is None:
            return DemoResponse.text(404, _NOT_FOUND)
        if title.imdb_id != imdb_id:
            return DemoResponse.redirect(301, f"/title/{title.imdb_id}/")
        if not slash:
            return DemoResponse.redirect(308, f"/title/{imdb_id}/")
        return self._page(request, imdb_id, lambda: self.pages.title(title))

    def _page(self, request: DemoRequest, key: str, render: Callable[[], Pieces]) -> DemoResponse:
        if not request.accepts("gzip"):
            return DemoResponse(200, plain(render()))
        return DemoResponse(200, self._bodies.get(key, lambda: gzipped(render())))


class _BodyCache:
    """Keeps the bodies used last, up to ``limit`` bytes; shared filler is not counted."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._held = 0
        self._bodies: OrderedDict[str, Body] = OrderedDict()

    def get(self, key: str, make: Callable[[], Body]) -> Body:
        if key in self._bodies:
            self._bodies.move_to_end(key)
            return self._bodies[key]
        body = self._bodies[key] = make()
        self._held += body.own_bytes
        while self._held > self._limit and len(self._bodies) > 1:
            self._held -= self._bodies.popitem(last=False)[1].own_bytes
        return body

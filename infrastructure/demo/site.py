"""What the site answers when it behaves."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable
from itertools import islice
from typing import TYPE_CHECKING, Final

from infrastructure.demo.body import Body, gzipped, plain
from infrastructure.demo.catalogue import Catalogue
from infrastructure.demo.messages import Answer, Request, forbidden
from infrastructure.demo.options import DemoOptions
from infrastructure.demo.pages import CHART_PATHS, Pages, Pieces
from infrastructure.demo.posters import Posters

if TYPE_CHECKING:
    from infrastructure.demo.graphql_endpoint import GraphQLEndpoint

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


class Site:
    """Answers by path; knows nothing of sockets, latency and faults."""

    def __init__(self, options: DemoOptions, site_url: str) -> None:
        self.catalogue = Catalogue(options.seed, options.count)
        self.pages = Pages(self.catalogue, options.page_kb, site_url)
        self._posters = Posters(self.catalogue, options.seed)
        self._endpoint: GraphQLEndpoint | None = None
        self._bodies = _BodyCache(_BODY_MEMORY)
        self._prepared = options.prepare

    def prepare(self) -> None:
        """Render and compress beforehand what fits, so that visitors do not wait for it."""
        for imdb_id in islice(self.catalogue.ids(), self._prepared):
            self.answer(Request("GET", f"/title/{imdb_id}/", "", {"accept-encoding": "gzip"}))
        self.answer(Request("GET", "/chart/top/", "", {"accept-encoding": "gzip"}))

    def answer(self, request: Request) -> Answer:
        """The answer of a site in good health."""
        path = request.path
        if request.method == "POST" and path in ("/", "/graphql", "/graphql/"):
            return self._graphql().answer(request, forbidden())
        if request.method not in ("GET", "HEAD"):
            return Answer(405, headers=(("Allow", "GET, HEAD"),))
        if match := _TITLE_PATH.fullmatch(path):
            return self._title(request, *match.groups())
        if chart := CHART_PATHS.get(path):
            return self._page(request, path, lambda: self.pages.chart(chart))
        if f"{path}/" in CHART_PATHS:
            return Answer.redirect(308, f"{path}/")
        if poster := self._posters.answer(request):
            return poster
        if path == "/robots.txt":
            return Answer.text(200, _ROBOTS, "text/plain")
        return Answer.text(404, _NOT_FOUND)

    def _graphql(self) -> GraphQLEndpoint:
        if self._endpoint is None:
            from infrastructure.demo.graphql_endpoint import GraphQLEndpoint
            from infrastructure.demo.graphql_values import Root

            self._endpoint = GraphQLEndpoint(Root(self.catalogue, self.pages.poster_url))
        return self._endpoint

    def _title(self, request: Request, imdb_id: str, slash: str) -> Answer:
        title = self.catalogue.find(imdb_id)
        if title is None:
            return Answer.text(404, _NOT_FOUND)
        if title.imdb_id != imdb_id:
            return Answer.redirect(301, f"/title/{title.imdb_id}/")
        if not slash:
            return Answer.redirect(308, f"/title/{imdb_id}/")
        return self._page(request, imdb_id, lambda: self.pages.title(title))

    def _page(self, request: Request, key: str, render: Callable[[], Pieces]) -> Answer:
        if not request.accepts("gzip"):
            return Answer(200, plain(render()))
        return Answer(200, self._bodies.get(key, lambda: gzipped(render())))


class _BodyCache:
    """The bodies asked for last, up to so many bytes of their own (shared filler counts nothing)."""

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

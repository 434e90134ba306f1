"""A browser, and a catalogue to look at."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, Literal

import pytest
from playwright.sync_api import Browser, Page, Request, Response, ViewportSize, sync_playwright

from domain.movie import CAST, DIRECTOR, Credit, Person
from infrastructure.catalogue import PublishOptions
from tests.e2e.browser.chromium import PROGRAM, launched
from tests.support.catalogue import made_data, made_poster_store, publish_made, series_films
from tests.support.films import bare

_WIDE: Final[ViewportSize] = {"width": 1280, "height": 900}
LONG_WORD = "Kraftfahrzeughaftpflichtversicherungsbeitragsrechnungsstelle"
HOSTILE = "</script><script>document.title='gone'</script><img src=x onerror=\"document.title='gone'\">"


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Headless Chromium without access to other machines."""
    if PROGRAM is None:
        pytest.skip("no Chromium on this machine")
    with sync_playwright() as playwright:
        browser = launched(playwright)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Thirty films with their chart on three days, and four films that are hard to lay out."""
    folder = tmp_path_factory.mktemp("catalogue")
    person = Person("nm0000001", f"Eve {HOSTILE}")
    hostile = replace(
        bare(1, title=HOSTILE, plot=HOSTILE, genres=(HOSTILE,), year=1990),
        directors=(Credit(person, DIRECTOR, 1),),
        cast=(Credit(person, CAST, 1, (HOSTILE,)),),
    )
    namesake = Person("nm0000002", LONG_WORD)
    long = replace(
        bare(2, title=f"{LONG_WORD} " * 9 + "Ende", year=1990, plot=f"Of the {LONG_WORD} and https://{'a/' * 60}."),
        directors=(Credit(namesake, DIRECTOR, 1),),
        cast=(Credit(namesake, CAST, 1, (LONG_WORD,)),),
        original_title=LONG_WORD.upper(),
    )
    wide = bare(4, title=LONG_WORD, year=1990)
    made = made_data(30, runs=3, more=[hostile, long, bare(3), wide, *series_films()])
    store = made_poster_store(folder / "store", [movie for movie in made.movies.values() if (movie.rank or 99) <= 6])
    published = publish_made(made, store, PublishOptions(folder / "site", workers=2))
    assert published.failures == 0
    return folder / "site"


class WatchedPage:
    """One page of the browser with what went wrong on it. A new one costs a second of processor time."""

    def __init__(self, browser: Browser, **settings: Any) -> None:
        self._context = browser.new_context(**{"viewport": _WIDE, **settings})
        self.wrong: list[str] = []
        self.page = self._context.new_page()
        self.page.set_default_timeout(20_000)
        self.page.on("console", lambda message: self.wrong.append(f"console: {message.text}"))
        self.page.on("pageerror", lambda error: self.wrong.append(f"error: {error}"))
        self.page.on("requestfailed", lambda request: _note_failure(request, self.wrong))
        self.page.on("response", lambda answer: _note_refusal(answer, self.wrong))
        self.page.on("request", lambda request: _note_foreign(request, self.wrong))

    def reset(self) -> None:
        """Takes away what a test has left: stored choices, the address, size and media."""
        if self.page.url.startswith(("file:", "http:")):
            self.page.evaluate("localStorage.clear(); sessionStorage.clear()")
        self.page.goto("about:blank")
        self.page.set_viewport_size(_WIDE)
        self.page.emulate_media(media="null", color_scheme="light")
        self.wrong.clear()

    def close(self) -> None:
        self._context.close()


@pytest.fixture(scope="session")
def usual(browser: Browser) -> Iterator[WatchedPage]:
    """The page that tests use one after the other."""
    page = WatchedPage(browser)
    yield page
    page.close()


@pytest.fixture
def watched(browser: Browser, usual: WatchedPage) -> Iterator[Callable[..., Page]]:
    """Opens pages; an error, a failed request or a request to another machine fails the test.

    The first one is the usual page unless settings ask for a context of its own.
    """
    opened: list[WatchedPage] = []

    def open_page(
        *, viewport: ViewportSize = _WIDE, color_scheme: Literal["light", "dark"] = "light", **settings: Any
    ) -> Page:
        if usual in opened or settings:
            opened.append(WatchedPage(browser, viewport=viewport, color_scheme=color_scheme, **settings))
        else:
            usual.reset()
            usual.page.set_viewport_size(viewport)
            usual.page.emulate_media(color_scheme=color_scheme)
            opened.append(usual)
        return opened[-1].page

    yield open_page
    wrong = [fault for each in opened for fault in each.wrong]
    for each in opened:
        if each is not usual:
            each.close()
    assert wrong == []


def _note_failure(request: Request, wrong: list[str]) -> None:
    # The browser itself gives up the images of a page that is left before they have arrived.
    if request.failure != "net::ERR_ABORTED":
        wrong.append(f"failed: {request.url}: {request.failure}")


def _note_refusal(answer: Response, wrong: list[str]) -> None:
    if answer.status >= 400:
        wrong.append(f"{answer.status}: {answer.url}")


def _note_foreign(request: Request, wrong: list[str]) -> None:
    if not request.url.startswith(("file:", "http://127.0.0.1:")):
        wrong.append(f"left: {request.url}")


@pytest.fixture
def page(watched: Callable[..., Page]) -> Page:
    """A wide page in light colours."""
    return watched(color_scheme="light")


KINDS = {
    "chart": "index.html",
    "changes": "changes.html",
    "film": "films/tt9000002.html",
    "hostile film": "films/tt8000001.html",
    "long film": "films/tt8000002.html",
    "long word": "films/tt8000004.html",
    "long name": "people/nm0000002.html",
    "bare film": "films/tt8000003.html",
    "genre": "genres/drama.html",
    "genres": "genres.html",
    "decade": "decades/1990s.html",
    "decades": "decades.html",
    "people": "people.html",
    "letter": "people/f.html",
    "person": "people/nm9001048.html",
    "findings": "charts.html",
    "error": "404.html",
    "series": "films/tt8700000.html",
    "episode": "films/tt8700302.html",
    "places": "places.html",
    "place": "places/germany.html",
}

# Each kind of page for `parametrize`; all but these are for the long tests.
OFTEN = ("chart", "film", "person", "findings")
EVERY_KIND = [kind if kind in OFTEN else pytest.param(kind, marks=pytest.mark.long) for kind in KINDS]

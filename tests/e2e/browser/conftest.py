"""A browser, and a catalogue to look at."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Request, Response, sync_playwright

from domain.movie import CAST, DIRECTOR, Credit, Person
from infrastructure.catalogue import PublishOptions
from tests.e2e.browser.chromium import PROGRAM, launched
from tests.support.catalogue import made_data, made_poster_store, publish_made, series_films
from tests.support.films import bare

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
    """Thirty films with their chart on three days, and three films that are hard to lay out."""
    folder = tmp_path_factory.mktemp("catalogue")
    person = Person("nm0000001", f"Eve {HOSTILE}")
    hostile = replace(
        bare(1, title=HOSTILE, plot=HOSTILE, genres=(HOSTILE,), year=1990),
        directors=(Credit(person, DIRECTOR, 1),),
        cast=(Credit(person, CAST, 1, (HOSTILE,)),),
    )
    long = bare(2, title="Kraftfahrzeughaftpflichtversicherungsbeitragsrechnung " * 9 + "Ende", year=1990)
    made = made_data(30, runs=3, more=[hostile, long, bare(3), *series_films()])
    store = made_poster_store(folder / "store", [movie for movie in made.movies.values() if (movie.rank or 99) <= 6])
    published = publish_made(made, store, PublishOptions(folder / "site", workers=2))
    assert published.failures == 0
    return folder / "site"


@pytest.fixture
def watched(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Opens pages; an error, a failed request or a request to another machine fails the test."""
    wrong: list[str] = []
    contexts = []

    def open_page(**settings: Any) -> Page:
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **settings})
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.on("console", lambda message: wrong.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: wrong.append(f"error: {error}"))
        page.on("requestfailed", lambda request: wrong.append(f"failed: {request.url}"))
        page.on("response", lambda answer: _note_refusal(answer, wrong))
        page.on("request", lambda request: _note_foreign(request, wrong))
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert wrong == []


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
}

# Each kind of page for `parametrize`; all but these are for the long tests.
OFTEN = ("chart", "film", "person", "findings")
EVERY_KIND = [kind if kind in OFTEN else pytest.param(kind, marks=pytest.mark.long) for kind in KINDS]

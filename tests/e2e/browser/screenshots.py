"""Pictures of the catalogue for the documents.

    python -m tests.e2e.browser.screenshots [FOLDER]

Publishes 250 invented films with invented posters and photographs the pages in
headless Chromium, 1280 and 390 pixels wide, light and dark, into ``docs/catalogue``.
"""

from __future__ import annotations

import io
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from PIL import Image
from playwright.sync_api import Browser, sync_playwright

from infrastructure.catalogue import PublishOptions
from tests.e2e.browser.chromium import launched
from tests.support.catalogue import made_library, made_poster_store, publish_made

_DOCS: Final = Path(__file__).parents[3] / "docs" / "catalogue"
_WITHOUT_POSTER: Final = 7  # the film of this rank shows what a film without one looks like


@dataclass(frozen=True, slots=True)
class Shot:
    """One picture: ``height`` is how much of the page is shown, in its own pixels."""

    name: str
    page: str
    width: int
    height: int
    colours: str
    ledger: bool = False


SHOTS: Final = (
    Shot("chart-1280-light", "index.html", 1280, 1480, "light"),
    Shot("chart-1280-dark", "index.html", 1280, 1480, "dark"),
    Shot("chart-390-light", "index.html", 390, 1500, "light"),
    Shot("chart-390-dark", "index.html", 390, 1500, "dark"),
    Shot("ledger-1280-light", "index.html", 1280, 1000, "light", ledger=True),
    Shot("ledger-390-dark", "index.html", 390, 1200, "dark", ledger=True),
    Shot("film-1280-light", "films/tt9000001.html", 1280, 1250, "light"),
    Shot("film-1280-dark", "films/tt9000005.html", 1280, 1250, "dark"),
    Shot("film-390-light", "films/tt9000004.html", 390, 1750, "light"),
    Shot("figures-1280-light", "charts.html", 1280, 2200, "light"),
    Shot("figures-1280-dark", "charts.html", 1280, 2200, "dark"),
    Shot("figures-390-dark", "charts.html", 390, 1900, "dark"),
    Shot("genres-1280-dark", "genres.html", 1280, 1000, "dark"),
    Shot("people-1280-light", "people.html", 1280, 1000, "light"),
)


def main(folder: Path = _DOCS) -> None:
    """Make every picture anew."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        library = made_library(250, runs=8, cast=12)
        movies = [movie for movie in library.movies.values() if movie.rank != _WITHOUT_POSTER]
        store = made_poster_store(Path(temporary) / "store", movies)
        site = Path(temporary) / "site"
        published = publish_made(library, store, PublishOptions(site))
        if published.failures:
            raise SystemExit("; ".join(outcome.line for outcome in published.outcomes if outcome.failed))
        with sync_playwright() as playwright:
            browser = launched(playwright)
            for shot in SHOTS:
                _photograph(browser, site, shot, folder)
            browser.close()


def _photograph(browser: Browser, site: Path, shot: Shot, folder: Path) -> None:
    page = browser.new_page(
        viewport={"width": shot.width, "height": shot.height},
        color_scheme="dark" if shot.colours == "dark" else "light",
        device_scale_factor=2 if shot.width < 600 else 1,
    )
    page.goto((site / shot.page).as_uri(), wait_until="networkidle")
    if shot.ledger:
        page.locator("[data-view=ledger]").click()
    # What is lazy is loaded once it is in view; the picture is taken when all of it is there.
    page.wait_for_function(
        """() => document.fonts.status === "loaded" && [...document.images]
               .filter(image => image.getBoundingClientRect().top < innerHeight)
               .every(image => image.complete && image.naturalWidth > 0)"""
    )
    picture = Image.open(io.BytesIO(page.screenshot()))
    picture.convert("RGB").save(folder / f"{shot.name}.webp", quality=88, method=6)
    page.close()


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:2]))

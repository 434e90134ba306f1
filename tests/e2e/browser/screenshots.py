"""Pictures of the catalogue for the documents, and for looking at every kind of page.

    python -m tests.e2e.browser.screenshots [--out FOLDER] [--all FOLDER] [--hard FOLDER]
    python -m tests.e2e.browser.screenshots --bytes

Publishes invented films with invented posters and photographs every kind of page
in headless Chromium at five widths, light and dark. ``--out`` (default
``docs/catalogue``) gets a contact sheet of all of them and a few single pictures;
``--all`` gets every picture as a PNG, and ``--hard`` pictures of films that are
hard to lay out. ``--bytes`` makes no pictures; it prints what a phone loads for the
first view of each kind of page.
"""

from __future__ import annotations

import argparse
import io
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Final

from PIL import Image, ImageDraw
from playwright.sync_api import Browser, sync_playwright

from application.catalogue_data import CatalogueData, build_catalogue_data
from infrastructure.catalogue import PublishOptions
from tests.e2e.browser.chromium import first_view_bytes, launched
from tests.support.catalogue import awkward_films, catalogue_films, made_poster_store, publish_made, series_films
from tests.support.films import films, snapshots

_DOCS: Final = Path(__file__).parents[3] / "docs" / "catalogue"
_WITHOUT_POSTER: Final = 4  # the film of this rank shows what a film without one looks like
WIDTHS: Final = {320: 640, 390: 844, 768: 1024, 1280: 900, 1920: 1080}
COLOURS: Final = ("light", "dark")
# Pictures of their own in the documents: kind, width, colours.
_SINGLE: Final = (
    ("chart", 1280, "light"),
    ("chart", 390, "dark"),
    ("film", 1280, "dark"),
    ("findings", 1280, "light"),
    ("genres", 1280, "dark"),
    ("person", 1280, "light"),
    ("series", 1280, "light"),
)


@dataclass(frozen=True, slots=True)
class Shot:
    """One picture of a page; ``action`` is done before it is taken."""

    kind: str
    page: str
    width: int
    colours: str
    action: str = ""


def main() -> None:
    """Makes the pictures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=Path, default=_DOCS)
    parser.add_argument("--all", type=Path)
    parser.add_argument("--hard", type=Path)
    parser.add_argument("--bytes", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary, sync_playwright() as playwright:
        browser = launched(playwright)
        movies = {movie.imdb_id: movie for movie in (*catalogue_films(250), *series_films())}
        data = build_catalogue_data(movies, snapshots(list(movies.values()), 8))
        site = _publish(Path(temporary, "made"), data, posters=True)
        if options.bytes:
            for kind, path in _kinds(data).items():
                print(f"| {kind} | {first_view_bytes(browser, f'{site.as_uri()}/{path}') // 1000} kB |")  # noqa: T201
            return
        taken = _photograph(browser, site, _shots(_kinds(data)))
        _contact_sheet(taken, options.out)
        for (kind, width, colours), picture in (((s.kind, s.width, s.colours), p) for s, p in taken.items()):
            if (kind, width, colours) in _SINGLE:
                picture.save(options.out / f"{kind}-{width}-{colours}.webp", quality=86, method=6)
        if options.all:
            _save_all(options.all, taken)
        if options.hard:
            for name, odd in _hard_data():
                hard = _publish(Path(temporary, name), odd, posters=False)
                kinds = {kind: page for kind, page in _kinds(odd).items() if (hard / page.partition("#")[0]).exists()}
                _save_all(options.hard / name, _photograph(browser, hard, _shots(kinds)))
        browser.close()


def _hard_data() -> Iterator[tuple[str, CatalogueData]]:
    """Real-shaped data: long titles and 40 genres without posters; one film; no film."""
    hard = {movie.imdb_id: movie for movie in awkward_films()}
    yield "hard", build_catalogue_data(hard, snapshots(list(hard.values()), 2))
    (one,) = films(1)
    yield "one", build_catalogue_data({one.imdb_id: replace(one, rank=1)}, ())
    yield "none", build_catalogue_data({}, ())


def _kinds(data: CatalogueData) -> dict[str, str]:
    """A page of each kind, chosen for having much on it."""
    person = max(data.people, key=lambda each: len(data.people[each]), default="")
    film = data.charts[0].places[0].movie.imdb_id if data.charts else next(iter(data.movies), "")
    kinds = {
        "chart": "index.html",
        "list": "index.html#view=list",
        "changes": "changes.html",
        "film": f"films/{film}.html",
        "genre": f"genres/{'drama' if 'Drama' in data.genres else 'music'}.html",
        "genres": "genres.html",
        "decades": "decades.html",
        "decade": "decades/1990s.html",
        "people": "people.html",
        "letter": "people/h.html",
        "person": f"people/{person}.html",
        "findings": "charts.html",
        "error": "404.html",
    }
    if data.charts and len(data.charts[0].places) >= _WITHOUT_POSTER:
        kinds["placeholder"] = f"films/{data.charts[0].places[_WITHOUT_POSTER - 1].movie.imdb_id}.html"
    if data.episodes:
        series_id, episodes = next(iter(data.episodes.items()))
        kinds["series"] = f"films/{series_id}.html"
        kinds["episode"] = f"films/{episodes[0].imdb_id}.html"
    if data.countries:
        kinds["places"] = "places.html"
    return kinds


def _shots(kinds: dict[str, str]) -> Iterator[Shot]:
    for kind, page in kinds.items():
        for width in WIDTHS:
            for colours in COLOURS:
                yield Shot(kind, page, width, colours)
    for action, widths in (("search", (390, 1280)), ("filters", (390,)), ("menu", (390,))):
        for width in widths:
            for colours in COLOURS:
                yield Shot(action, "index.html", width, colours, action=action)


def _publish(folder: Path, data: CatalogueData, *, posters: bool) -> Path:
    shown = [movie for movie in data.movies.values() if movie.rank != _WITHOUT_POSTER] if posters else []
    published = publish_made(data, made_poster_store(folder / "posters", shown), PublishOptions(folder / "site"))
    if published.failures:
        raise SystemExit("; ".join(outcome.line for outcome in published.outcomes if outcome.failed))
    return folder / "site"


def _photograph(browser: Browser, site: Path, shots: Iterable[Shot]) -> dict[Shot, Image.Image]:
    """Takes the pictures; a page is loaded once and then shown at each width and in each colour."""
    taken = {}
    page = browser.new_page()
    page.set_default_timeout(60_000)
    for (address, action), of_page in groupby(shots, key=lambda shot: (shot.page, shot.action)):
        page.set_viewport_size({"width": 390, "height": 844})
        page.goto("about:blank")
        page.goto(f"{site.as_uri()}/{address}", wait_until="load")
        if action == "search":
            page.keyboard.press("/")
            page.keyboard.type("the")
            page.locator("#search-results li, dialog .status:not(:empty)").first.wait_for()
        elif action:
            opener = page.locator(f"#open-{action}")
            if opener.count():
                opener.click()
        for shot in of_page:
            page.set_viewport_size({"width": shot.width, "height": WIDTHS[shot.width]})
            page.emulate_media(color_scheme="dark" if shot.colours == "dark" else "light")
            # Lazy pictures are loaded when they are in view; the picture is taken when all of them are there.
            page.wait_for_function(
                """() => document.fonts.status === "loaded" && [...document.images]
                       .filter(image => image.offsetParent && image.getBoundingClientRect().top < innerHeight)
                       .every(image => image.complete && image.naturalWidth > 0)"""
            )
            taken[shot] = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    page.close()
    return taken


def _save_all(folder: Path, taken: dict[Shot, Image.Image]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for shot, picture in taken.items():
        picture.save(folder / f"{shot.kind}-{shot.width}-{shot.colours}.png")


def _contact_sheet(taken: dict[Shot, Image.Image], folder: Path) -> None:
    """A row for each kind of page: five widths in light colours, then in dark ones."""
    folder.mkdir(parents=True, exist_ok=True)
    height, gap = 180, 8
    kinds = list(dict.fromkeys(shot.kind for shot in taken if not shot.action))
    rows = []
    for kind in kinds:
        shots = [shot for colours in COLOURS for shot in taken if (shot.kind, shot.colours) == (kind, colours)]
        pictures = [taken[shot] for shot in shots]
        rows.append([picture.resize((picture.width * height // picture.height, height)) for picture in pictures])
    width = max(sum(picture.width + gap for picture in row) for row in rows) + gap
    sheet = Image.new("RGB", (width, len(rows) * (height + gap + 16) + gap), "#888")
    draw = ImageDraw.Draw(sheet)
    y = gap
    for kind, row in zip(kinds, rows, strict=True):
        draw.text((gap, y), kind, fill="#fff")
        x = gap
        for picture in row:
            sheet.paste(picture, (x, y + 14))
            x += picture.width + gap
        y += height + gap + 16
    sheet.save(folder / "contact-sheet.webp", quality=72, method=6)


if __name__ == "__main__":
    main()

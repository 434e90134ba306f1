"""Every kind of page at eight widths: no word breaks inside, nothing overflows, no label is clipped."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page

from application.catalogue_data import build_catalogue_data
from infrastructure.catalogue import PublishOptions
from tests.e2e.browser.conftest import EVERY_KIND, KINDS
from tests.support.catalogue import awkward_films, made_poster_store, publish_made
from tests.support.films import snapshots

WIDTHS = (320, 390, 480, 768, 1024, 1280, 1920, 2560)

# A word may break only where it is marked as long, is wider than its column, and is set in the smallest size (running
# text has one size). Lines also end between East Asian characters, and outside of names and headings after a hyphen.
_FAULTS = r"""
() => {
  const faults = [];
  const shown = element => {
    const box = element.getBoundingClientRect();
    return box.width > 1 && box.height > 1 && getComputedStyle(element).visibility === "visible";
  };
  const width = document.documentElement.scrollWidth;
  if (width > innerWidth) {
    faults.push(`the page is ${width} wide`);
  }
  const breaksNeedlessly = (element, word) => {
    const style = getComputedStyle(element);
    const probe = document.createElement("span");
    probe.textContent = word;
    probe.style.cssText = "position: absolute; visibility: hidden; white-space: nowrap";
    element.append(probe);
    const needed = probe.getBoundingClientRect().width;
    probe.remove();
    let block = element;
    while (getComputedStyle(block).display === "inline" || block.matches(".w.long")) {
      block = block.parentElement;
    }
    const box = getComputedStyle(block);
    const width = block.clientWidth - parseFloat(box.paddingLeft) - parseFloat(box.paddingRight);
    const blank = element.closest(".blank");
    const size = parseFloat(style.fontSize);
    const smallest = element.closest(".plot, .plate p, .changes, .series, .facts, .search-dialog") ? size
      : blank ? parseFloat(getComputedStyle(blank).getPropertyValue("--s")) === 9 ? size : 0
      : parseFloat(style.getPropertyValue("--min")) * 16;
    return needed <= width || size > smallest + 0.1;
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const range = document.createRange();
  while (walker.nextNode()) {
    const node = walker.currentNode;
    const parent = node.parentElement;
    const hidden = "script, option, .unseen, details:not([open]) > :not(summary)";
    if (!node.data.trim() || parent.closest(hidden) || !shown(parent)) {
      continue;
    }
    const size = parseFloat(getComputedStyle(parent).fontSize);
    if (size < (parent.closest(".blank") ? 8 : 12) && !parent.closest("svg")) {
      faults.push(`${node.data} is set in ${size} pixels`);
    }
    const name = parent.closest("h1, h2, .name, .part, .blank b");
    for (const run of node.data.matchAll(/\S+/g)) {
      const words = name ? [[0, run[0]]] : [...run[0].matchAll(/[\p{L}\p{N}'’]+/gu)].map(word => [word.index, word[0]]);
      for (const [at, word] of words) {
        if (word.length < 2 || /[\u2e80-\ud7ff\uf900-\ufaff]/.test(word)) {
          continue;
        }
        range.setStart(node, run.index + at);
        range.setEnd(node, run.index + at + word.length);
        const bottoms = [...range.getClientRects()].map(box => Math.round(box.bottom));
        const broken = Math.max(...bottoms) - Math.min(...bottoms) > 6;
        const long = parent.closest(".long, .facts, .search-dialog .name");
        if (broken && (!long || breaksNeedlessly(parent, run[0]))) {
          faults.push(`${word} breaks in ${parent.tagName} ${parent.className}`);
        }
      }
    }
  }
  for (const element of document.querySelectorAll("main *, header *, footer *")) {
    const style = getComputedStyle(element);
    const clips = style.overflowX !== "visible" || style.overflowY !== "visible";
    if (!clips || !shown(element) || element.closest(".unseen, svg, .scroll, select, input")) {
      continue;
    }
    if (element.scrollWidth > element.clientWidth + 1 || element.scrollHeight > element.clientHeight + 1) {
      faults.push(`${element.tagName} ${element.className} clips ${element.textContent.slice(0, 40)}`);
    }
  }
  for (const blank of document.querySelectorAll(".blank")) {
    const title = blank.querySelector("b");
    const year = blank.querySelector("i");
    if (!shown(title)) {
      continue;
    }
    const box = blank.getBoundingClientRect();
    const inner = title.getBoundingClientRect();
    const next = shown(year) ? year.getBoundingClientRect().top : box.bottom;
    if (inner.right > box.right + 1 || title.scrollWidth > title.clientWidth + 1 || inner.bottom > next + 1) {
      faults.push(`the title ${title.textContent} leaves its card`);
    }
  }
  for (const text of document.querySelectorAll("svg.figure text")) {
    const box = text.getBoundingClientRect();
    const edge = text.ownerSVGElement.getBoundingClientRect();
    if (box.width && (box.left < edge.left - 1 || box.right > Math.min(edge.right + 1, innerWidth))) {
      faults.push(`${text.textContent} is outside its drawing`);
    }
  }
  return [...new Set(faults)];
}
"""


@pytest.fixture(scope="session")
def awkward(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Films with long words, other scripts and 40 genres, without posters."""
    folder = tmp_path_factory.mktemp("awkward")
    movies = {movie.imdb_id: movie for movie in awkward_films()}
    data = build_catalogue_data(movies, snapshots(list(movies.values()), 2))
    published = publish_made(data, made_poster_store(folder / "posters", []), PublishOptions(folder / "site"))
    assert published.failures == 0
    return folder / "site"


def _check(page: Page, address: str) -> None:
    page.goto(address)
    _check_widths(page)


def _check_widths(page: Page) -> None:
    page.evaluate("document.fonts.ready")
    found = {}
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        if faults := page.evaluate(_FAULTS):
            found[width] = faults[:6]
    assert found == {}


@pytest.mark.parametrize("kind", EVERY_KIND)
def test_every_kind_of_page_at_eight_widths(page: Page, catalogue: Path, kind: str) -> None:
    _check(page, (catalogue / KINDS[kind]).as_uri())


def test_a_list_of_films_at_eight_widths(page: Page, catalogue: Path) -> None:
    _check(page, (catalogue / "index.html").as_uri() + "#view=list")


def test_search_results_at_eight_widths(page: Page, catalogue: Path) -> None:
    page.goto((catalogue / "charts.html").as_uri())
    page.keyboard.press("/")
    page.keyboard.type("kraft")
    page.locator("#search-results li").first.wait_for()
    _check_widths(page)


_AWKWARD = {
    "chart": "index.html",
    "list": "index.html#view=list",
    "changes": "changes.html",
    "long word": "films/tt9000000.html",
    "long title": "films/tt9000002.html",
    "Cyrillic": "films/tt9000003.html",
    "Japanese": "films/tt9000004.html",
    "Arabic": "films/tt9000005.html",
    "hyphens": "films/tt9000006.html",
    "40 genres": "genres.html",
    "long genre": "genres/erwachsenenbildungsprogramm.html",
    "people": "people.html",
    "person": "people/nm0000102.html",
    "findings": "charts.html",
}


@pytest.mark.long
@pytest.mark.parametrize("kind", _AWKWARD)
def test_awkward_films_at_eight_widths(page: Page, awkward: Path, kind: str) -> None:
    _check(page, f"{awkward.as_uri()}/{_AWKWARD[kind]}")


def test_the_check_itself_finds_faults(watched: Callable[..., Page], tmp_path: Path) -> None:
    (tmp_path / "bad.html").write_text(
        "<!doctype html><body><main style='--min: 1rem'>"
        "<h1 style='width:5rem; overflow-wrap:anywhere'>Biographically</h1>"
        "<p style='width:5rem; font-size:20px; overflow-wrap:anywhere'><span class='long'>Needlessly</span></p>"
        "<p style='width:5rem; font-size:16px; overflow-wrap:anywhere'><span class='long'>Unavoidably</span></p>"
        "<p style='font-size:11px'>Tiny</p>"
        "<p style='width:4000px'>wide</p><p style='width:2rem; overflow:hidden; white-space:nowrap'>Clipped label</p>"
    )
    page = watched()
    with pytest.raises(AssertionError, match=r"(?s)wide.*Biographically breaks.*Needlessly breaks.*Tiny is") as found:
        _check(page, (tmp_path / "bad.html").as_uri())
    assert "clips Clipped" in str(found.value)
    assert "Unavoidably" not in str(found.value)

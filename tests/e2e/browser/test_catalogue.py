"""The catalogue in a real browser: from disk, without a server and without a network."""

from __future__ import annotations

import queue
import threading
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from infrastructure.catalogue import serve
from tests.e2e.browser.conftest import HOSTILE, KINDS
from tests.support.films import films

_SHOWN = "#films > .card"


def _open(page: Page, catalogue: Path, path: str = "index.html") -> Page:
    page.goto((catalogue / path).as_uri())
    page.evaluate("document.fonts.ready")
    return page


def _titles(page: Page) -> list[str]:
    return [text.strip() for text in page.locator(f"{_SHOWN} h2").all_inner_texts()]


def _values(page: Page, name: str) -> list[float]:
    return [
        float(value) for value in page.eval_on_selector_all(_SHOWN, f"all => all.map(c => c.dataset.{name} ?? NaN)")
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_every_page_opens_from_disk_without_a_fault(page: Page, catalogue: Path, kind: str) -> None:
    _open(page, catalogue, KINDS[kind])
    expect(page.locator("h1")).to_be_visible()
    assert page.evaluate("document.fonts.check('16px Archivo')")
    assert page.evaluate("[...document.images].filter(i => i.loading !== 'lazy').every(i => i.naturalWidth > 0)")


@pytest.fixture
def served(catalogue: Path) -> Iterator[str]:
    addresses: queue.Queue[str] = queue.Queue()
    cancel = threading.Event()
    thread = threading.Thread(target=serve, args=(catalogue, 0), kwargs={"ready": addresses.put, "cancel": cancel})
    thread.start()
    yield addresses.get(timeout=20)
    cancel.set()
    thread.join()


def test_it_is_the_same_from_a_server(page: Page, served: str) -> None:
    for path in KINDS.values():
        page.goto(served + path, wait_until="networkidle")
        expect(page.locator("h1")).to_be_visible()


def test_search_finds_titles_directors_and_actors_whatever_the_accents(page: Page, catalogue: Path) -> None:
    _open(page, catalogue)
    search, count = page.get_by_label("Search"), page.locator("#count")
    expect(count).to_have_text("30 films")
    title = _titles(page)[4]
    search.fill(title.upper())
    assert title in _titles(page)
    assert len(_titles(page)) < 30
    name = next(
        credit.person.name for film in films(30) for credit in film.directors if not credit.person.name.isascii()
    )
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    search.fill(name)
    with_accents = _titles(page)
    search.fill(plain.upper())
    assert _titles(page) == with_accents != []
    search.fill("no such film anywhere")
    expect(page.locator("#nothing")).to_be_visible()
    expect(count).to_have_text("0 of 30 films")
    search.fill("")
    expect(count).to_have_text("30 films")


def test_filters_can_be_combined(page: Page, catalogue: Path) -> None:
    _open(page, catalogue)
    page.get_by_label("Genre").select_option("Drama")
    dramas = page.locator(_SHOWN).count()
    assert 0 < dramas < 30
    page.get_by_label("Decade").select_option("1990s")
    both = page.locator(_SHOWN)
    assert 0 < both.count() <= dramas
    for card in both.all():
        assert "Drama" in (card.get_attribute("data-genres") or "").split("|")
        assert card.get_attribute("data-decade") == "1990s"
    page.get_by_label("Genre").select_option("")
    page.get_by_label("Decade").select_option("")
    page.get_by_label("Since last time").select_option("up")
    assert min(_values(page, "climbed")) > 0


@pytest.mark.parametrize(
    ("order", "name", "largest_first"),
    [
        ("rank", "rank", False),
        ("moved", "climbed", True),
        ("rating", "rating", True),
        ("votes", "votes", True),
        ("metascore", "metascore", True),
        ("newest", "year", True),
        ("oldest", "year", False),
        ("longest", "minutes", True),
        ("shortest", "minutes", False),
    ],
)
def test_every_order_sorts_and_the_unknown_stand_last(
    page: Page, catalogue: Path, order: str, name: str, largest_first: bool
) -> None:
    _open(page, catalogue)
    page.get_by_label("Order").select_option(order)
    values = _values(page, name)
    known = [value for value in values if value == value]
    assert known == sorted(known, reverse=largest_first)
    assert all(value != value for value in values[len(known) :])
    assert page.locator(f"{_SHOWN}.first").count() == 1
    assert page.locator(_SHOWN).first.evaluate("card => card.classList.contains('first')")


def test_titles_can_be_put_in_order(page: Page, catalogue: Path) -> None:
    _open(page, catalogue)
    page.get_by_label("Order").select_option("title")
    titles = page.eval_on_selector_all(_SHOWN, "all => all.map(c => c.dataset.title)")
    assert titles == sorted(titles)


def test_the_same_films_as_a_ledger(page: Page, catalogue: Path) -> None:
    _open(page, catalogue)
    before = page.locator(_SHOWN).nth(5).bounding_box()
    page.get_by_role("button", name="Ledger").click()
    expect(page.get_by_role("button", name="Ledger")).to_have_attribute("aria-pressed", "true")
    after = page.locator(_SHOWN).nth(5).bounding_box()
    assert before is not None
    assert after is not None
    assert after["width"] > 1000 > before["width"]
    assert after["height"] < 120
    page.get_by_role("button", name="Posters").click()
    assert page.locator(_SHOWN).nth(5).bounding_box() == before


def test_without_scripts_the_films_are_all_there(watched: Callable[..., Page], catalogue: Path) -> None:
    page = _open_plain(watched(java_script_enabled=False), catalogue)
    expect(page.locator(_SHOWN)).to_have_count(30)
    expect(page.locator("#controls")).to_be_hidden()
    expect(page.locator("#theme")).to_be_hidden()


def _open_plain(page: Page, catalogue: Path) -> Page:
    page.goto((catalogue / "index.html").as_uri())
    return page


def _is_dark(page: Page) -> bool:
    red = page.evaluate("getComputedStyle(document.documentElement).backgroundColor.match(/\\d+/g).map(Number)[0]")
    return int(red) < 60


def test_dark_as_the_system_has_it(watched: Callable[..., Page], catalogue: Path) -> None:
    page = _open(watched(color_scheme="dark"), catalogue)
    assert _is_dark(page)
    expect(page.get_by_role("button", name="Switch to light colours")).to_be_visible()
    assert not _is_dark(_open(watched(color_scheme="light"), catalogue))


def test_dark_as_chosen_holds_on_the_next_page(page: Page, catalogue: Path) -> None:
    _open(page, catalogue)
    page.get_by_role("button", name="Switch to dark colours").click()
    assert _is_dark(page)
    _open(page, catalogue, "charts.html")
    assert _is_dark(page)
    page.get_by_role("button", name="Switch to light colours").click()
    assert not _is_dark(page)


def test_drawings_change_colour_with_the_page(page: Page, catalogue: Path) -> None:
    _open(page, catalogue, "charts.html")
    text = page.locator(".plate .wide svg text").first
    light = text.evaluate("element => getComputedStyle(element).fill")
    page.get_by_role("button", name="Switch to dark colours").click()
    assert text.evaluate("element => getComputedStyle(element).fill") != light


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_sticks_out_sideways(page: Page, catalogue: Path, kind: str) -> None:
    _open(page, catalogue, KINDS[kind])
    ledger = page.locator("[data-view=ledger]")
    for width in (1280, 768, 390, 320):
        page.set_viewport_size({"width": width, "height": 844})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        if ledger.count():
            ledger.click()
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            page.locator("[data-view=wall]").click()


def test_drawings_can_be_read_on_a_phone(watched: Callable[..., Page], catalogue: Path) -> None:
    page = _open(watched(viewport={"width": 390, "height": 844}), catalogue, "charts.html")
    assert page.locator(".plate .narrow svg:visible").count() == 6
    assert page.locator(".plate .wide svg:visible").count() == 0
    sizes = page.eval_on_selector_all(
        ".plate .narrow svg text",
        "all => all.map(t => parseFloat(getComputedStyle(t).fontSize) * t.ownerSVGElement.getScreenCTM().a)",
    )
    assert min(sizes) >= 11


def test_keyboard_alone_is_enough(page: Page, catalogue: Path) -> None:
    _open(page, catalogue)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#content")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_label("Search")).to_be_focused()
    title = _titles(page)[7]
    page.keyboard.type(title)
    page.keyboard.press("Tab")
    expect(page.get_by_label("Genre")).to_be_focused()
    for name in ("Decade", "Since last time", "Order"):
        page.keyboard.press("Tab")
        expect(page.get_by_label(name)).to_be_focused()
    page.keyboard.press("ArrowDown")
    assert page.get_by_label("Order").input_value() == "moved"
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Ledger")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#films")).to_have_class("wall lead ledger")
    page.keyboard.press("Tab")
    outline = page.evaluate("getComputedStyle(document.activeElement.closest('.card')).outlineStyle")
    assert outline == "solid", "the film that has the focus can be seen"
    page.keyboard.press("Enter")
    page.wait_for_url("**/films/*.html")
    expect(page.locator("h1")).to_be_visible()


def test_a_slash_leads_to_the_search(page: Page, catalogue: Path) -> None:
    _open(page, catalogue)
    page.keyboard.press("/")
    expect(page.get_by_label("Search")).to_be_focused()
    page.keyboard.type("a/b")
    expect(page.get_by_label("Search")).to_have_value("a/b")


def test_what_comes_from_the_web_does_nothing(page: Page, catalogue: Path) -> None:
    for path in ("films/tt8000001.html", "people/nm0000001.html", "decades/1990s.html"):
        _open(page, catalogue, path)
        assert page.title() != "gone"
    _open(page, catalogue, "films/tt8000001.html")
    assert page.locator("h1").text_content() == HOSTILE


def test_the_whole_card_leads_to_the_film(page: Page, catalogue: Path) -> None:
    _open(page, catalogue)
    page.locator(_SHOWN).nth(2).locator(".poster").click(force=True)  # the link lies over it
    page.wait_for_url("**/films/tt9000002.html")


def test_neighbours_in_the_chart_are_a_step_away(page: Page, catalogue: Path) -> None:
    _open(page, catalogue, "films/tt9000002.html")
    page.locator(".turn .next").click()
    page.wait_for_url("**/films/*.html")
    expect(page.locator(".figures dd").first).to_have_text("4")


def test_paper_shows_films_and_no_buttons(page: Page, catalogue: Path) -> None:
    _open(page, catalogue)
    page.emulate_media(media="print")
    expect(page.locator(".top nav")).to_be_hidden()
    expect(page.locator("#controls")).to_be_hidden()
    expect(page.locator(_SHOWN).first).to_be_visible()
    assert page.evaluate("getComputedStyle(document.documentElement).backgroundColor") == "rgb(255, 255, 255)"

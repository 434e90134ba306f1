"""The catalogue in a real browser: from disk, without a server and without a network."""

from __future__ import annotations

import queue
import threading
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from infrastructure.catalogue import serve
from tests.e2e.browser.chromium import first_view_bytes
from tests.e2e.browser.conftest import EVERY_KIND, HOSTILE, KINDS
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


@pytest.mark.parametrize("kind", EVERY_KIND)
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


@pytest.mark.long
def test_it_is_the_same_from_a_server(page: Page, served: str) -> None:
    for path in KINDS.values():
        page.goto(served + path, wait_until="networkidle")
        expect(page.locator("h1")).to_be_visible()


def test_the_filter_finds_titles_directors_and_actors_whatever_the_accents(page: Page, catalogue: Path) -> None:
    _open(page, catalogue)
    field, count = page.get_by_label("Filter by title"), page.locator("#count")
    expect(count).to_have_text("30 films")
    title = _titles(page)[4]
    field.fill(title.upper())
    assert title in _titles(page)
    assert len(_titles(page)) < 30
    name = next(
        credit.person.name for film in films(30) for credit in film.directors if not credit.person.name.isascii()
    )
    plain = unicodedata.normalize("NFKD", name.replace("ø", "o")).encode("ascii", "ignore").decode()
    field.fill(name)
    with_accents = _titles(page)
    field.fill(plain.upper())
    assert _titles(page) == with_accents != []
    field.fill("no such film anywhere")
    expect(page.locator("#nothing")).to_be_visible()
    expect(count).to_have_text("0 of 30 films")
    field.fill("")
    expect(count).to_have_text("30 films")


def test_choices_are_in_the_address(page: Page, catalogue: Path) -> None:
    _open(page, catalogue)
    page.get_by_label("Genre").select_option("Drama")
    page.get_by_label("Order").select_option("votes")
    page.get_by_role("button", name="List").click()
    chosen = _titles(page)
    address = page.url
    assert address.endswith("#genre=Drama&sort=votes&view=list")
    page.goto("about:blank")
    page.goto(address)
    assert _titles(page) == chosen
    expect(page.get_by_label("Genre")).to_have_value("Drama")
    expect(page.get_by_role("button", name="List")).to_have_attribute("aria-pressed", "true")
    page.goto((catalogue / "index.html").as_uri() + "#genre=Nothing&sort=%E0%A4%A&decade=")
    expect(page.locator("#count")).to_have_text("30 films")


@pytest.mark.parametrize("path", ["index.html", "films/tt9000002.html", "404.html"])
def test_search_from_every_page_with_the_keyboard_alone(page: Page, catalogue: Path, path: str) -> None:
    _open(page, catalogue, path)
    person = "Anselm Fontaine"
    page.keyboard.press("/")
    field = page.get_by_role("combobox", name="Search titles")
    expect(field).to_be_focused()
    page.keyboard.type(person.upper())
    options = page.locator("#search-results li")
    expect(options.first).to_contain_text(person)
    expect(options.first).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Escape")
    expect(field).to_be_hidden()
    page.keyboard.press("/")
    expect(field).to_be_focused()
    page.keyboard.type("drama")
    expect(options.first).to_contain_text("genre")
    page.keyboard.type(" ")
    page.keyboard.press("Backspace")
    page.keyboard.press("Enter")
    page.wait_for_url("**/genres/drama.html")


def test_arrow_keys_choose_a_result(page: Page, catalogue: Path) -> None:
    _open(page, catalogue, "people.html")
    page.get_by_role("button", name="Search").click()
    page.keyboard.type("the")
    options = page.locator("#search-results li")
    expect(options.nth(1)).to_be_visible()
    page.keyboard.press("ArrowDown")
    expect(options.nth(1)).to_have_attribute("aria-selected", "true")
    expect(options.nth(0)).to_have_attribute("aria-selected", "false")
    chosen = options.nth(1).get_attribute("data-path")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    expect(options.last).to_have_attribute("aria-selected", "true")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/{chosen}")


@pytest.mark.long
def test_the_index_is_loaded_on_first_use_only(page: Page, catalogue: Path) -> None:
    loaded: list[str] = []
    page.on("request", lambda request: loaded.append(request.url.rpartition("/")[2]))
    _open(page, catalogue)
    assert "search-index.js" not in loaded
    page.keyboard.press("/")
    page.keyboard.type("nothing at all like this")
    expect(page.locator(".search-dialog .status")).to_have_text("Nothing matches.")
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    assert loaded.count("search-index.js") == 1


def test_filters_can_be_combined(page: Page, catalogue: Path) -> None:
    _open(page, catalogue)
    page.get_by_label("Genre").select_option("Drama")
    dramas = page.locator(_SHOWN).count()
    assert 0 < dramas < 30
    decade = int(page.locator(_SHOWN).first.get_attribute("data-year") or "") // 10 * 10
    page.get_by_label("Decade").select_option(f"{decade}s")
    both = page.locator(_SHOWN)
    assert 0 < both.count() < dramas
    for card in both.all():
        assert "Drama" in (card.get_attribute("data-genres") or "").split("|")
        assert int(card.get_attribute("data-year") or "") // 10 * 10 == decade
    page.get_by_label("Genre").select_option("")
    page.get_by_label("Decade").select_option("")
    page.get_by_label("Changes").select_option("up")
    assert min(_values(page, "climbed")) > 0


@pytest.mark.long
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


def test_titles_can_be_put_in_order(page: Page, catalogue: Path) -> None:
    _open(page, catalogue)
    in_order = _titles(page)
    page.get_by_label("Order").select_option("title")
    titles = [unicodedata.normalize("NFKD", title).lower() for title in _titles(page)]
    assert titles == sorted(titles) != [unicodedata.normalize("NFKD", title).lower() for title in in_order]


@pytest.mark.long
def test_the_same_films_as_a_list(page: Page, catalogue: Path) -> None:
    _open(page, catalogue)
    before = page.locator(_SHOWN).nth(5).bounding_box()
    page.get_by_role("button", name="List").click()
    expect(page.get_by_role("button", name="List")).to_have_attribute("aria-pressed", "true")
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


@pytest.mark.long
def test_dark_as_the_system_has_it(watched: Callable[..., Page], catalogue: Path) -> None:
    page = _open(watched(color_scheme="dark"), catalogue)
    assert _is_dark(page)
    expect(page.get_by_role("button", name="Switch to light colours")).to_be_visible()
    assert not _is_dark(_open(watched(color_scheme="light"), catalogue))


@pytest.mark.long
def test_dark_as_chosen_holds_on_the_next_page(page: Page, catalogue: Path) -> None:
    _open(page, catalogue)
    page.get_by_role("button", name="Switch to dark colours").click()
    assert _is_dark(page)
    _open(page, catalogue, "charts.html")
    assert _is_dark(page)
    page.get_by_role("button", name="Switch to light colours").click()
    assert not _is_dark(page)


@pytest.mark.long
def test_drawings_change_colour_with_the_page(page: Page, catalogue: Path) -> None:
    _open(page, catalogue, "charts.html")
    text = page.locator(".plate .wide svg text").first
    light = text.evaluate("element => getComputedStyle(element).fill")
    page.get_by_role("button", name="Switch to dark colours").click()
    assert text.evaluate("element => getComputedStyle(element).fill") != light


@pytest.mark.parametrize("kind", EVERY_KIND)
def test_nothing_sticks_out_sideways(page: Page, catalogue: Path, kind: str) -> None:
    _open(page, catalogue, KINDS[kind])
    as_list = page.locator("[data-view=list]")
    for width in (1280, 768, 390, 320):
        page.set_viewport_size({"width": width, "height": 844})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        if as_list.count():
            as_list.click()
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            page.locator("[data-view=grid]").click()


def test_drawings_can_be_read_on_a_phone(watched: Callable[..., Page], catalogue: Path) -> None:
    page = _open(watched(viewport={"width": 390, "height": 844}), catalogue, "charts.html")
    assert page.locator(".plate .narrow svg:visible").count() == page.locator(".plate").count() == 7
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
    expect(page.get_by_role("link", name="since")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_label("Filter by title")).to_be_focused()
    title = _titles(page)[7]
    page.keyboard.type(title)
    page.keyboard.press("Tab")
    expect(page.get_by_label("Genre")).to_be_focused()
    for name in ("Decade", "Changes", "Order"):
        page.keyboard.press("Tab")
        expect(page.get_by_label(name)).to_be_focused()
    page.keyboard.press("ArrowDown")
    assert page.get_by_label("Order").input_value() == "moved"
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="List")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#films")).to_have_class("grid lead list")
    page.keyboard.press("Tab")
    outline = page.evaluate("getComputedStyle(document.activeElement, '::after').outlineStyle")
    assert outline == "solid", "the film that has the focus can be seen"
    page.keyboard.press("Enter")
    page.wait_for_url("**/films/*.html")
    expect(page.locator("h1")).to_be_visible()


def test_a_slash_typed_into_a_field_is_a_slash(page: Page, catalogue: Path) -> None:
    _open(page, catalogue)
    page.get_by_label("Filter by title").focus()
    page.keyboard.type("a/b")
    expect(page.get_by_label("Filter by title")).to_have_value("a/b")


def test_filters_are_a_sheet_on_a_phone(watched: Callable[..., Page], catalogue: Path) -> None:
    page = _open(watched(viewport={"width": 390, "height": 844}), catalogue)
    expect(page.get_by_label("Genre")).to_be_hidden()
    page.get_by_role("button", name="Filters").click()
    expect(page.get_by_label("Genre")).to_be_focused()
    page.get_by_label("Genre").select_option("Drama")
    page.get_by_role("button", name="Show films").click()
    expect(page.get_by_label("Genre")).to_be_hidden()
    assert 0 < page.locator(_SHOWN).count() < 30
    page.get_by_role("button", name="Filters").click()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Filters")).to_be_focused()


def test_the_menu_opens_on_a_phone(watched: Callable[..., Page], catalogue: Path) -> None:
    page = _open(watched(viewport={"width": 390, "height": 844}), catalogue)
    expect(page.get_by_role("link", name="Decades")).to_be_hidden()
    page.get_by_role("button", name="Menu").click()
    page.get_by_role("link", name="Decades").click()
    page.wait_for_url("**/decades.html")


@pytest.mark.parametrize(("width", "height"), [(1280, 900), (390, 844)])
@pytest.mark.parametrize(
    "kind",
    ["chart", *(pytest.param(k, marks=pytest.mark.long) for k in ("genre", "decade", "film", "genres", "person"))],
)
def test_posters_show_without_scrolling(
    watched: Callable[..., Page], catalogue: Path, kind: str, width: int, height: int
) -> None:
    page = _open(watched(viewport={"width": width, "height": height}), catalogue, KINDS[kind])
    box = page.locator("main .poster").first.bounding_box()
    assert box is not None
    if kind == "person":
        assert box["y"] < height
    else:
        assert box["y"] + box["height"] <= height


@pytest.mark.parametrize(
    "kind", ["chart", *(pytest.param(one, marks=pytest.mark.long) for one in KINDS if one != "chart")]
)
def test_the_first_view_on_a_phone_is_small(browser: Browser, catalogue: Path, kind: str) -> None:
    assert 50_000 < first_view_bytes(browser, (catalogue / KINDS[kind]).as_uri()) < 500_000


def test_posters_are_loaded_when_they_come_near(watched: Callable[..., Page], catalogue: Path) -> None:
    page = _open(watched(viewport={"width": 390, "height": 400}), catalogue)
    last = page.locator(f"{_SHOWN} img").last
    expect(last).to_be_hidden()
    page.locator(_SHOWN).nth(5).scroll_into_view_if_needed()
    expect(last).to_be_visible()
    page.wait_for_function("image => image.naturalWidth > 0", arg=last.element_handle())


def test_what_comes_from_the_web_does_nothing(page: Page, catalogue: Path) -> None:
    for path in ("films/tt8000001.html", "people/nm0000001.html", "decades/1990s.html", "genres.html"):
        _open(page, catalogue, path)
        assert page.title() != "gone"
    _open(page, catalogue, "films/tt8000001.html")
    assert page.locator("h1").text_content() == HOSTILE
    page.keyboard.press("/")
    page.keyboard.type("script")
    expect(page.locator("#search-results li").first).to_be_visible()
    assert page.title() != "gone"


def test_the_whole_card_leads_to_the_film(page: Page, catalogue: Path) -> None:
    _open(page, catalogue)
    page.locator(_SHOWN).nth(2).locator(".poster").click(force=True)  # the link lies over it
    page.wait_for_url("**/films/tt9000002.html")


def test_neighbours_in_the_chart_are_a_step_away(page: Page, catalogue: Path) -> None:
    _open(page, catalogue, "films/tt9000002.html")
    page.locator(".turn .next").click()
    page.wait_for_url("**/films/*.html")
    expect(page.locator(".numbers dd").first).to_have_text("4")


def test_paper_shows_films_and_no_buttons(page: Page, catalogue: Path) -> None:
    _open(page, catalogue)
    page.emulate_media(media="print")
    expect(page.locator(".top nav")).to_be_hidden()
    expect(page.locator("#controls")).to_be_hidden()
    expect(page.locator(_SHOWN).first).to_be_visible()
    assert page.evaluate("getComputedStyle(document.documentElement).backgroundColor") == "rgb(255, 255, 255)"

"""axe-core finds no serious fault on any kind of page."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Page

from tests.e2e.browser.conftest import KINDS


def _faults(page: Page) -> list[str]:
    # axe would load the styles once more by itself, which a page opened from disk may not.
    found = Axe().run(page, options={"preload": False, "resultTypes": ["violations"]}).response["violations"]
    return [
        f"{fault['id']} ({fault['impact']}): {fault['help']}: {node['html'][:200]}"
        for fault in found
        for node in fault["nodes"][:3]
        if fault["impact"] in ("serious", "critical")
    ]


@pytest.mark.long
@pytest.mark.parametrize("kind", KINDS)
def test_no_serious_fault(page: Page, catalogue: Path, kind: str) -> None:
    page.goto((catalogue / KINDS[kind]).as_uri())
    page.evaluate("document.fonts.ready")
    for details in page.locator("details").all():
        details.evaluate("element => { element.open = true; }")
    assert _faults(page) == []
    page.set_viewport_size({"width": 390, "height": 844})
    page.get_by_role("button", name="Switch to dark colours").click()
    if page.locator("[data-view=list]").count():
        page.locator("[data-view=list]").click()
    assert _faults(page) == []


@pytest.mark.long
def test_the_search_has_no_serious_fault(page: Page, catalogue: Path) -> None:
    page.goto((catalogue / "index.html").as_uri())
    page.keyboard.press("/")
    page.keyboard.type("a")
    page.locator(".search-dialog li").first.wait_for()
    assert _faults(page) == []


def test_the_check_itself_finds_faults(watched: Callable[..., Page], tmp_path: Path) -> None:
    (tmp_path / "bad.html").write_text("<html><body><img src='data:,'><a href='x'></a><button></button></body></html>")
    page = watched()
    page.goto((tmp_path / "bad.html").as_uri())
    assert len(_faults(page)) >= 3

"""The picture of a run: how it is made, and what stands in the documents."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from lxml import etree

from tests.conftest import ROOT

if sys.platform == "win32":
    pytest.skip("there are no pseudo-terminals here", allow_module_level=True)

from tests.docs.run_picture import COLUMNS, picture, screen_of_a_run


def _words(svg: str) -> str:
    return " ".join(" ".join(map(str, etree.fromstring(svg.encode()).itertext())).split())


@pytest.mark.long
def test_a_run_can_be_photographed(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("MAX_THREADS=1\n")  # slow enough to be seen in the middle
    screen = screen_of_a_run(tmp_path, "--demo", "--limit", "60", shown_from=1)
    assert screen.columns == COLUMNS
    assert re.search(r"\d+/60 \d+% \S+ left", _words(picture(screen)))


def test_a_run_that_ends_too_early_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="is not in the range"):
        screen_of_a_run(tmp_path, "--limit", "0")


def test_the_picture_in_the_documents_needs_nothing_from_elsewhere() -> None:
    svg = (ROOT / "docs" / "run.svg").read_text(encoding="utf-8")
    assert re.search(r"top250 \S+ \S+ \d+/250 \d+% \S+ left", _words(svg))
    assert len(svg) < 100_000
    assert not re.search(r"@font-face|url\(|href|<script", svg)

"""Every captured chart page, read by the parser and by another way, must say the same."""

from __future__ import annotations

import gzip
import json
import re

import pytest

from domain.chart import ChartEntry, ChartName, complete
from domain.errors import UnknownLayout
from infrastructure.scraper.chart_page import parse_chart
from tests.conftest import CAPTURES

NEXT_JS = (
    "top250_2024-07__tejasthakkar-PYTHON-2-DATASET.html.gz",
    "top250_2025-05__Anjaliachyuth1123-Scraping-Methods-python.html.gz",
    "top250_2026-01__yckarachchi-CodeAlpha_Data_Analysis_Project.html.gz",
    "top250__Mmrezashahbazi81-knn.html.gz",
    "top250_rendered__Mmrezashahbazi81-knn.html.gz",
)
TABLES = (
    "top250_old__Bambya-IMDB-Top-250.html.gz",
    "top250_old__MarcoNashaat.html.gz",
    "top250_old__ariejan-imdb.html.gz",
    "top250_old__gyermolenko-imdb.html.gz",
    "top250_old__nawaleni-Python.html.gz",
    "top250_old__sarraha786.html.gz",
    "top250_old__tejasthakkar-PYTHON-2-DATASET.html.gz",
)
INDIAN = "top_indian__Ankitbrmn07.html.gz"
_ROW = re.compile(
    rb'<td class="titleColumn">[^<\d]*(?:<span[^>]*>)?\s*(\d+)\.(?:</span>)?\s*<a href="[^"]*/title/(tt\d+)'
)
_NUMBERED_POSTER = re.compile(rb'name="rk" data-value="(\d+)".*?/title/(tt\d+)', re.DOTALL)

pytestmark = pytest.mark.usefixtures("captures")


def _read(name: str) -> bytes:
    return gzip.decompress((CAPTURES / "chart" / name).read_bytes())


def _independent(body: bytes) -> list[tuple[int, str]]:
    """The list for search engines by the standard JSON parser, or the table's rows by their text."""
    if island := re.search(rb'<script type="application/ld\+json">(.*?)</script>', body, re.DOTALL):
        items = json.loads(island[1])["itemListElement"]
        return [(rank, item["item"]["url"].split("/")[-2]) for rank, item in enumerate(items, 1)]
    return sorted((int(rank), imdb_id.decode()) for rank, imdb_id in _ROW.findall(body))


def _pairs(entries: tuple[ChartEntry, ...]) -> list[tuple[int, str]]:
    return [(entry.rank, entry.imdb_id) for entry in entries]


def test_no_chart_is_left_out() -> None:
    assert {path.name for path in (CAPTURES / "chart").iterdir()} == {*NEXT_JS, *TABLES, INDIAN}


@pytest.mark.parametrize(
    "name", [*NEXT_JS, TABLES[0], *(pytest.param(name, marks=pytest.mark.long) for name in TABLES[1:])]
)
def test_a_captured_chart_comes_out_whole_and_in_order(name: str) -> None:
    body = _read(name)
    entries = parse_chart(body)
    assert complete(ChartName.TOP250, entries) == entries
    assert _pairs(entries) == _independent(body)
    if numbered := _NUMBERED_POSTER.findall(body):
        assert _pairs(entries) == sorted((int(rank), imdb_id.decode()) for rank, imdb_id in numbered)


@pytest.mark.parametrize("name", NEXT_JS)
def test_the_list_for_search_engines_alone_says_the_same(name: str) -> None:
    body = _read(name)
    assert b"__NEXT_DATA__" in body
    assert parse_chart(body.replace(b"__NEXT_DATA__", b"__GONE__")) == parse_chart(body)


def test_a_table_that_was_saved_in_another_order_keeps_its_ranks() -> None:
    body = _read("top250_old__sarraha786.html.gz")
    first = _ROW.search(body)
    assert first is not None
    assert first.groups() == (b"93", b"tt10872600")
    assert ChartEntry(93, "tt10872600") in parse_chart(body)


def test_a_section_page_without_a_chart_is_told_from_one() -> None:
    with pytest.raises(UnknownLayout, match="no chart was found"):
        parse_chart(_read(INDIAN))

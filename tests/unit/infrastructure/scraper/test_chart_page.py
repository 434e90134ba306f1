"""Chart pages with parts missing, torn, in disorder; bytes that are no chart at all."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.chart import ChartEntry
from domain.errors import Blocked, SourceError, UnknownLayout
from infrastructure.scraper.chart_page import parse_chart

IDS = [f"tt{number:07d}" for number in range(1, 31)]


def whole(*ranks: int) -> tuple[ChartEntry, ...]:
    return tuple(ChartEntry(rank, IDS[rank - 1]) for rank in ranks)


def edge(rank: object, imdb_id: object = None) -> dict[str, Any]:
    known = IDS[rank - 1] if imdb_id is None and isinstance(rank, int) else imdb_id
    return {"currentRank": rank, "node": {"id": known}}


def next_data(edges: object) -> dict[str, Any]:
    return {"props": {"pageProps": {"pageData": {"chartTitles": {"edges": edges}}}}}


def item(imdb_id: str, **more: object) -> dict[str, Any]:
    return {"@type": "ListItem", "item": {"@type": "Movie", "url": f"https://www.imdb.com/title/{imdb_id}/"}, **more}


def page(edges: object = None, items: object = None, rows: str = "") -> bytes:
    islands = ""
    if items is not None:
        data = json.dumps({"@type": "ItemList", "itemListElement": items})
        islands += f'<script type="application/ld+json">{data}</script>'
    if edges is not None:
        islands += f'<script id="__NEXT_DATA__" type="application/json">{json.dumps(next_data(edges))}</script>'
    return f"<!DOCTYPE html><html><head>{islands}</head><body><table>{rows}</table></body></html>".encode()


def row(rank: str, imdb_id: str) -> str:
    return f'<tr><td class="titleColumn">\n {rank} <a href="/title/{imdb_id}/?ref_=x">A title</a> (1999)</td></tr>'


def test_the_rank_is_what_the_page_says_not_where_the_title_stands() -> None:
    assert parse_chart(page([edge(3), edge(1), edge(2)])) == whole(1, 2, 3)


def test_the_list_for_search_engines_fills_what_the_data_lacks() -> None:
    broken = [edge(1), edge("2", IDS[1]), {"currentRank": 3, "node": None}, edge(4)]
    assert parse_chart(page(broken, [item(imdb_id) for imdb_id in IDS[:5]])) == whole(1, 2, 3, 4, 5)


def test_a_list_for_search_engines_in_another_order_adds_nothing() -> None:
    assert parse_chart(page([edge(1), edge(2)], [item(IDS[1]), item(IDS[0]), item(IDS[2])])) == whole(1, 2)


def test_the_list_for_search_engines_serves_alone_numbered_or_not() -> None:
    assert parse_chart(page(None, [item(IDS[0]), item(IDS[1])])) == whole(1, 2)
    assert parse_chart(page(None, [item(IDS[2], position=3), item(IDS[0], position=1)])) == whole(1, 3)


def test_the_table_is_read_by_its_printed_ranks() -> None:
    rows = row("2.", IDS[1]) + row('<span name="ir">1.</span>', IDS[0]) + row("", IDS[2])
    assert parse_chart(page(rows=rows)) == whole(1, 2)


def test_the_bare_data_document_is_a_chart_too() -> None:
    assert parse_chart(json.dumps(next_data([edge(1), edge(2)])).encode()) == whole(1, 2)


def test_a_page_saved_as_utf_16_is_read() -> None:
    assert parse_chart(page([edge(1)]).decode().encode("utf-16")) == whole(1)


def test_half_a_surrogate_pair_in_the_data_does_not_hide_the_chart() -> None:
    body = page([edge(1), edge(2)]).replace(b'"currentRank": 1', b'"title": "\\ud83d", "currentRank": 1')
    assert parse_chart(body) == whole(1, 2)


@pytest.mark.parametrize(
    "edges", [None, [], {}, "x", [None], [[]], [edge(0, IDS[0])], [edge(True, IDS[0])], [edge(1, "nm0000001")]]
)
def test_a_page_without_a_readable_place_is_an_unknown_layout(edges: object) -> None:
    with pytest.raises(UnknownLayout, match=r"chartTitles.*itemListElement.*titleColumn"):
        parse_chart(page(edges))


def test_a_challenge_is_a_block() -> None:
    body = b"<html><script>window.gokuProps = {};</script><script src='x/challenge.js'></script></html>"
    with pytest.raises(Blocked):
        parse_chart(body)


_PLACE = st.fixed_dictionaries(
    {},
    optional={
        "currentRank": st.one_of(st.integers(-3, 40), st.none(), st.text(max_size=3), st.booleans(), st.floats()),
        "node": st.one_of(
            st.none(), st.builds(lambda i: {"id": i}, st.one_of(st.sampled_from(IDS), st.text(), st.none()))
        ),
    },
)


@given(
    edges=st.lists(_PLACE, max_size=8), items=st.lists(st.one_of(st.none(), st.sampled_from(IDS).map(item)), max_size=8)
)
def test_whatever_the_islands_hold_entries_come_from_them_or_a_clear_error(
    edges: list[dict[str, Any]], items: list[dict[str, Any] | None]
) -> None:
    try:
        entries = parse_chart(page(edges, items))
    except UnknownLayout:
        return
    said = {(place.get("currentRank"), (place.get("node") or {}).get("id")) for place in edges}
    said |= {(rank, linked_id(entry)) for rank, entry in enumerate(items, 1)}
    assert {(entry.rank, entry.imdb_id) for entry in entries} <= said


def linked_id(entry: dict[str, Any] | None) -> str | None:
    return entry["item"]["url"].split("/")[-2] if entry else None


@given(st.one_of(st.binary(), st.binary().map(lambda junk: page([edge(1)])[:300] + junk)))
def test_bytes_of_any_kind_raise_nothing_but_source_errors(body: bytes) -> None:
    with suppress(SourceError):
        parse_chart(body)


# --- markup ---------------------------------------------------------------------


def of_chart(path: str, rows: str) -> bytes:
    address = f'<link rel="canonical" href="https://www.imdb.com{path}"/>'
    return f"<html><head>{address}</head><body>{rows}</body></html>".encode()


def popular(rank: int, imdb_id: str, title: str = "A title", *, marked: bool) -> str:
    """A row of the popularity charts up to 2023, whose rank stands in the poster's cell or before its change."""
    mark = f'<span name="rk" data-value="{rank}"></span>' if marked else ""
    velocity = "" if marked else f'<div class="velocity">{rank} (<span>{rank + 3}</span>)</div>'
    link = f'<a href="/title/{imdb_id}/">{title}</a>'
    return f'<tr><td class="posterColumn">{mark}</td><td class="titleColumn">{link} (1999){velocity}</td></tr>'


@pytest.mark.parametrize("marked", [True, False])
def test_a_table_of_the_popular_has_its_ranks_elsewhere(marked: bool) -> None:
    rows = "".join(popular(rank, IDS[rank - 1], "12. A title", marked=marked) for rank in (2, 1, 3))
    entries = parse_chart(of_chart("/chart/moviemeter/", f"<table>{rows}</table>"))
    assert entries == tuple(ChartEntry(rank, IDS[rank - 1], "12. A title") for rank in (1, 2, 3))


def today(imdb_id: str, heading: str) -> str:
    link = f'<a href="/title/{imdb_id}/?ref_=x"><h3>{heading}</h3></a>'
    return f'<li class="ipc-metadata-list-summary-item">{link}</li>'


def test_a_list_of_today_is_read_by_its_printed_ranks() -> None:
    rows = today(IDS[1], "2. Zwei &amp; mehr") + today(IDS[0], "1. 12 Eins")
    assert parse_chart(of_chart("/chart/top/", rows)) == (
        ChartEntry(1, IDS[0], "12 Eins"),
        ChartEntry(2, IDS[1], "Zwei & mehr"),
    )


def test_a_title_that_begins_with_a_number_has_no_printed_rank() -> None:
    rows = today(IDS[0], "12. Stock") + today(IDS[1], "Zwei")
    assert parse_chart(of_chart("/chart/moviemeter/", rows)) == (
        ChartEntry(1, IDS[0], "12. Stock"),
        ChartEntry(2, IDS[1], "Zwei"),
    )

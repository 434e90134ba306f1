"""The queries against the real schema, and the shape of the requests that carry them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from graphql import GraphQLSchema, build_schema, parse, print_ast, validate

from domain.chart import ChartName
from infrastructure.scraper.graphql import (
    CHART_QUERY,
    CORE_QUERY,
    EPISODES_QUERY,
    HEADERS,
    LIST_QUERIES,
    PEOPLE_QUERY,
    TITLES_QUERY,
    _compact,
    chart_query,
    titles_query,
)
from infrastructure.scraper.graphql_titles import LISTS

QUERIES = {
    "titles": TITLES_QUERY,
    "core": CORE_QUERY,
    "chart": CHART_QUERY,
    "episodes": EPISODES_QUERY,
    "people": PEOPLE_QUERY,
    **LIST_QUERIES,
}


@pytest.fixture(scope="module")
def schema(captures: Path) -> GraphQLSchema:
    return build_schema((captures / "graphql" / "schema.graphql").read_text())


@pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES.keys())
def test_the_schema_knows_everything_that_is_asked(schema: GraphQLSchema, query: str) -> None:
    assert validate(schema, parse(query)) == []


def test_every_list_of_a_title_has_a_query_for_its_further_pages() -> None:
    assert LIST_QUERIES.keys() == LISTS.keys()
    asked = {name for name in LISTS if f" {name}" in TITLES_QUERY.replace("{", " ").replace("}", " ")}
    assert asked == LISTS.keys()


def test_the_schema_would_refuse_a_field_that_does_not_exist(schema: GraphQLSchema) -> None:
    assert validate(schema, parse(TITLES_QUERY.replace("titleGenres", "genres")))


@pytest.mark.parametrize("chart", ChartName)
def test_every_chart_has_a_type_that_the_schema_knows(schema: GraphQLSchema, chart: ChartName) -> None:
    variables = chart_query(chart, 250).variables
    known: Any = schema.type_map["ChartTitleType"]
    assert variables["chart"] in known.values


def test_every_chart_asks_for_another_type() -> None:
    types = {chart_query(chart, 250).variables["chart"] for chart in ChartName}
    assert len(types) == len(ChartName)


def test_leaving_out_blanks_changes_nothing() -> None:
    assert _compact("query Q( $a: [ID] ) {\n  x(first: 1) { id ... on Cast { name } }\n}") == (
        "query Q($a:[ID]){x(first:1){id ... on Cast{name}}}"
    )
    again = _compact(print_ast(parse(TITLES_QUERY)))
    assert print_ast(parse(again)) == print_ast(parse(TITLES_QUERY))


@pytest.mark.parametrize("register", [False, True])
def test_a_titles_request_carries_ids_in_order_and_the_hash_only_on_demand(register: bool) -> None:
    body = json.loads(titles_query(["tt0000002", "tt0000001"]).body(digest=register))
    assert body["query"] == TITLES_QUERY
    assert body["variables"] == {"ids": ["tt0000002", "tt0000001"]}
    digest = hashlib.sha256(TITLES_QUERY.encode()).hexdigest()
    expected = {"persistedQuery": {"version": 1, "sha256Hash": digest}} if register else None
    assert body.get("extensions") == expected


def test_what_is_sent_to_a_server_that_limits_the_body_is_short() -> None:
    assert len(titles_query(["tt10000000"] * 25, core=True).body(text=False, digest=True)) < 1000
    assert len(titles_query(["tt10000000"] * 20, core=True).body()) < 1000
    assert len(titles_query(["tt10000000"] * 25).body(text=False, digest=True)) < 1000
    assert len(chart_query(ChartName.TOP250, 250, "x" * 200).body(digest=True)) < 1000


def test_a_chart_request_goes_on_behind_a_cursor() -> None:
    variables = chart_query(ChartName.TOPTV, 100, "abc").variables
    assert variables == {"chart": "TOP_RATED_TV_SHOWS", "first": 100, "after": "abc"}


def test_the_headers_say_where_we_come_from_and_in_which_language() -> None:
    sent = {name.lower(): value for name, value in HEADERS.items()}
    assert sent["referer"] == "https://www.imdb.com/"
    assert sent["content-type"] == "application/json"
    assert sent["accept-language"] == "en-US"

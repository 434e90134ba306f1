"""Answers of a GraphQL server: data, holes in it, and everything that is no answer, told apart."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import Blocked, SourceError, Transient, UnknownLayout
from infrastructure.scraper.graphql import GraphqlError, InputRejected, NotGraphql, PersistedQueryMiss, read_response


def encoded(**document: Any) -> bytes:
    return json.dumps(document).encode()


def failed(message: str, code: str | None = None, **more: Any) -> dict[str, Any]:
    return {"message": message, **({} if code is None else {"extensions": {"code": code}}), **more}


def test_data_alone_is_an_answer_without_errors() -> None:
    answer = read_response(encoded(data={"titles": []}, extensions={"disclaimer": "no use of any kind"}))
    assert (answer.data, answer.errors) == ({"titles": []}, ())


def test_errors_beside_data_keep_their_place() -> None:
    where = ["titles", 1, "plot"]
    answer = read_response(encoded(data={"titles": [1, 2]}, errors=[failed("too slow", "TIMEOUT", path=where)]))
    assert answer.errors == (GraphqlError("too slow", "TIMEOUT", ("titles", 1, "plot")),)
    assert answer.errors_at("titles", 1) == answer.errors
    assert answer.errors_at("titles", 0) == ()


@pytest.mark.parametrize("status", [200, 400])
@pytest.mark.parametrize(
    "error",
    [failed("PersistedQueryNotFound"), failed("Persisted query not found", "PERSISTED_QUERY_NOT_FOUND")],
    ids=["message", "code"],
)
def test_an_unknown_persisted_query_is_told_by_message_or_code(status: int, error: dict[str, Any]) -> None:
    with pytest.raises(PersistedQueryMiss):
        read_response(encoded(errors=[error]), status)


@pytest.mark.parametrize("data", [{"data": None}, {}, {"data": {"titles": None}}], ids=["null", "absent", "null field"])
def test_a_failure_of_the_server_may_pass(data: dict[str, Any]) -> None:
    with pytest.raises(Transient, match="GraphQL failed: the backend is tired"):
        read_response(encoded(**data, errors=[failed("the backend\nis tired", "INTERNAL_SERVER_ERROR")]))


@pytest.mark.parametrize(
    "error",
    [
        failed("Unknown type.", "GRAPHQL_VALIDATION_FAILED"),
        failed('Cannot query field "genres" on type "Title".', locations=[{"line": 1, "column": 2}]),
        failed("Syntax Error: Expected Name, found }."),
    ],
    ids=["code", "field", "syntax"],
)
@pytest.mark.parametrize("status", [200, 400])
def test_a_query_that_the_server_does_not_understand_is_not_tried_again(error: dict[str, Any], status: int) -> None:
    with pytest.raises(UnknownLayout, match="rejected the query") as caught:
        read_response(encoded(errors=[error]), status)
    assert not caught.value.retry


@pytest.mark.parametrize(
    "body", [b"", b"Too many requests", b"[]", b"{}", b"null", b'{"titles": []}', b"<html><body>Hello</body></html>"]
)
def test_something_else_than_an_answer_is_said_with_how_it_begins(body: bytes) -> None:
    with pytest.raises(NotGraphql, match="status 200") as caught:
        read_response(body)
    assert body[:10].decode() in str(caught.value)


@pytest.mark.parametrize("code", ["BAD_USER_INPUT", "BAD_REQUEST"])
def test_input_that_the_server_does_not_take_is_told_from_the_query(code: str) -> None:
    with pytest.raises(InputRejected, match="tt0 is no id"):
        read_response(encoded(errors=[failed("tt0 is no id", code)]), 400)


def test_data_of_nothing_without_an_error_is_no_answer() -> None:
    with pytest.raises(UnknownLayout, match="no data and no error"):
        read_response(encoded(data={"titles": None}))


def test_a_refusal_in_html_is_a_block() -> None:
    with pytest.raises(Blocked):
        read_response(b"<html><head><title>403 Forbidden</title></head></html>", 403)


def test_the_captured_refusal_is_a_block_and_the_captured_answer_an_answer(captures: Path) -> None:
    refusal = json.loads((captures / "blocked" / "imdb_graphql_403__duck7000-issue163.json").read_text())
    with pytest.raises(Blocked):
        read_response(refusal["body"].encode(), refusal["status"])
    answer = read_response((captures / "graphql" / "title_tt10919420__andriitishchenko-imdb_info.json").read_bytes())
    assert answer.data["title"]["id"] == "tt10919420"


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["data", "errors", "message", "path", "extensions", "code"]), inner, max_size=4
        )
    ),
    max_leaves=12,
)


@given(_JSON, st.sampled_from([200, 400, 500]))
def test_any_json_is_an_answer_or_a_source_error(document: object, status: int) -> None:
    with suppress(SourceError):
        answer = read_response(json.dumps(document).encode(), status)
        assert isinstance(document, dict)
        assert answer.data == document["data"]

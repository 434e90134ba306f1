"""Cutting JSON out of a page, and reading JSON that is not quite JSON."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infrastructure.scraper.page_bytes import LINKED_DATA, NEXT_DATA, as_utf8, load_json, scripts, valid_utf8


def found(body: bytes, mark: bytes = NEXT_DATA) -> list[bytes]:
    return [bytes(script.content) for script in scripts(body, mark)]


def test_the_script_that_bears_the_mark_is_cut_out() -> None:
    body = b'<script>1</script><script id="__NEXT_DATA__" type="application/json">{"a": 1}</script><script>2</script>'
    assert found(body) == [b'{"a": 1}']


@pytest.mark.parametrize(
    "tag",
    [
        b"<script id=__NEXT_DATA__>",
        b"<SCRIPT type='application/json' id='__NEXT_DATA__' nonce=\"x\" crossorigin>",
        b'<script\n  id="__NEXT_DATA__"\n  type="application/json"\n>',
    ],
)
def test_the_tag_may_be_written_in_many_ways(tag: bytes) -> None:
    assert found(b"<html>" + tag + b"{}</script>") == [b"{}"]
    assert found(b"<html>" + tag + b"{}</SCRIPT >") in ([b"{}"], [b"{}</SCRIPT >"])


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"__NEXT_DATA__",
        b"<p>the __NEXT_DATA__ of it</p>",
        b"<script>var a = '__NEXT_DATA__';</script>",
        b'<div id="__NEXT_DATA__">{}</div>',
        b"<scripting __NEXT_DATA__",
        b'<script id="__NEXT_DATA__"',
    ],
)
def test_the_mark_elsewhere_is_no_island(body: bytes) -> None:
    assert found(body) == []


def test_a_mark_in_another_script_does_not_hide_the_island() -> None:
    body = b"<script>let x = '__NEXT_DATA__' > 1;</script>" + b'<script id="__NEXT_DATA__">[]</script>'
    assert found(body) == [b"[]"]


def test_all_of_several_islands_are_given_in_order() -> None:
    one, two = (b'<script type="application/ld+json">%d</script>' % number for number in (1, 2))
    assert found(one + b"<p>" + two, LINKED_DATA) == [b"1", b"2"]


def test_a_less_than_sign_inside_does_not_end_the_island() -> None:
    assert found(b'<script id="__NEXT_DATA__">"a < b <i>"</script>') == [b'"a < b <i>"']


def test_an_island_that_is_never_closed_is_given_as_far_as_it_goes() -> None:
    (script,) = scripts(b'<script id="__NEXT_DATA__">{"a": ', NEXT_DATA)
    assert (bytes(script.content), script.closed) == (b'{"a": ', False)


@given(st.binary(max_size=60), st.binary(max_size=60))
def test_any_surroundings(before: bytes, after: bytes) -> None:
    island = b'<script id="__NEXT_DATA__">{"a": [1]}</script>'
    assert b'{"a": [1]}' in found(before.replace(b"<", b"") + island + after)


# --- JSON -----------------------------------------------------------------------


def test_what_the_fast_parser_refuses_is_read_all_the_same() -> None:
    assert load_json(b'"\\ud800"') == "\ud800"
    assert load_json(b'"a\tb\nc"') == "a\tb\nc"
    assert load_json(b"\xef\xbb\xbf[]") == []
    assert load_json(b"[1e400, -Infinity]") == [math.inf, -math.inf]
    assert load_json(b"9" * 5000) == math.inf
    not_a_number = load_json(memoryview(b"NaN"))
    assert isinstance(not_a_number, float)
    assert math.isnan(not_a_number)


@pytest.mark.parametrize("document", [b"", b"{", b'"a\xe4b"', b"nul", b"{'a': 1}", b"[" * 100_000, b"<html>"])
def test_what_is_no_json_is_one_error(document: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        load_json(document)


@given(st.recursive(st.none() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_json_comes_out_as_it_went_in(value: object) -> None:
    assert load_json(json.dumps(value).encode()) == value


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_page_in_any_of_the_encodings_that_announce_themselves(encoding: str) -> None:
    text = '<script id="__NEXT_DATA__">"Fähre 👍"</script>'
    (script,) = scripts(as_utf8(text.encode(encoding)), NEXT_DATA)
    assert load_json(script.content) == "Fähre 👍"


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ('<meta charset="iso-8859-1">Fähre'.encode("iso-8859-1"), "Fähre"),
        ('<meta http-equiv="Content-Type" content="text/html; charset=windows-1251">Лодка'.encode("cp1251"), "Лодка"),
        ('<meta charset="utf-8">Léon à Paris, où il naît'.encode("cp1252"), "Léon à Paris, où il naît"),
        ("Fähre".encode("utf-32"), "Fähre"),
        ("Fähre".encode(), "Fähre"),
        ("<p>Fähre".encode("utf-16-le"), "Fähre"),
        ("<p>Fähre".encode("utf-16-be"), "Fähre"),
        ('<meta charset="nonsense">Fähre'.encode(), "Fähre"),
        ('<meta charset="iso-8859-1">Fähre'.encode(), "Fähre"),  # which saved it in UTF-8 without a new declaration
        ('<meta charset="iso-8859-1">“Léon” – 5 €'.encode("cp1252"), "“Léon” – 5 €"),
        ('<meta charset="gb2312">玻璃渡轮镕'.encode("gbk"), "玻璃渡轮镕"),
        ('<meta charset="iso-2022-jp">ガラスの渡し船'.encode("iso-2022-jp"), "ガラスの渡し船"),
        ('<meta charset="utf-16">Fähre über den Fluß,'.encode("cp1252"), "Fähre über den Fluß"),
        ('<meta charset="hex">Fähre'.encode(), "Fähre"),
    ],
)
def test_the_encoding_is_the_mark_s_the_declared_one_s_or_the_bytes_own(body: bytes, text: str) -> None:
    assert text in valid_utf8(as_utf8(body)).decode()


def test_the_encoding_that_the_response_declares_counts_before_the_page_s() -> None:
    body = '<meta charset="utf-8">Fähre'.encode("cp1252")
    assert "Fähre" in as_utf8(body, "windows-1252").decode()
    assert "Fähre" in valid_utf8(as_utf8(body, "\0")).decode()


def test_a_damaged_page_in_utf_8_stays_utf_8() -> None:
    body = "Fähre über den Fluß".encode().replace("ü".encode(), b"\xfc")
    assert valid_utf8(body).decode() == "Fähre \ufffdber den Fluß"

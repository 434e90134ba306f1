"""Whatever comes in, the parser answers a movie or one of its own errors."""

from __future__ import annotations

import copy
import json
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

from hypothesis import assume, example, given
from hypothesis import strategies as st

from domain.errors import InvalidMovie, SourceError
from domain.movie import Movie
from infrastructure.scraper.title_fields import ParsedTitle
from infrastructure.scraper.title_page import parse_next_data, parse_title
from tests.support.title_pages import IMDB_ID, MARKUP_2014, MARKUP_2022, above_the_fold, linked_data, next_data, page

NOW = datetime(2026, 8, 1, tzinfo=UTC)
BODIES = (
    page(next_data()),
    page(None, linked_data()),
    page(None, None, MARKUP_2022),
    page(None, None, MARKUP_2014),
    page(next_data(), linked_data(), MARKUP_2022),
)
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=True, allow_infinity=True)
    | st.text(st.characters(exclude_categories=()))
    | st.sampled_from([10**400, -(10**400), 1e308, "\ud800", "\x00", "", " ", "tt0012345", "PT99999999H", "9999-99-99"])
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["edges", "node", "text", "name", "id", "year", "url"]), inner, max_size=3)
    ),
    max_leaves=8,
)


def attempt(body: bytes) -> ParsedTitle | None:
    try:
        return parse_title(body, imdb_id=None, scraped_at=NOW)
    except (SourceError, InvalidMovie) as error:
        message = str(error)
    assert message.isprintable()  # one line, and nothing that a terminal would act upon
    return None


def paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The way to every value in nested lists and objects."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path] * bool(path) + [deeper for key, item in inner for deeper in paths(item, (*path, key))]


def replaced(document: Any, path: tuple[Any, ...], value: Any) -> Any:
    result = copy.deepcopy(document)
    place = result
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return result


def removed(document: Any, path: tuple[Any, ...]) -> Any:
    result = copy.deepcopy(document)
    place = result
    for key in path[:-1]:
        place = place[key]
    del place[path[-1]]
    return result


ISLAND, LINKED = next_data(), linked_data()


@given(st.binary(max_size=400))
@example(b"\xfe\xff\x00<")
@example(b"\xff\xfe<")
@example(b'<script id="__NEXT_DATA__">')
@example(b'<script id="__NEXT_DATA__"')
@example(b"<!DOCTYPE html [<!ENTITY x SYSTEM 'file:///etc/passwd'>]>&x;")
@example(b"<![if foo]>")
def test_any_bytes(body: bytes) -> None:
    assert attempt(body) is None


@given(st.sampled_from(BODIES), st.data())
def test_a_page_with_some_bytes_changed(body: bytes, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(body)))
    end = data.draw(st.integers(start, min(len(body), start + 40)))
    title = attempt(body[:start] + data.draw(st.binary(max_size=12)) + body[end:])
    assert title is None or title.movie.title


@given(st.sampled_from(BODIES), st.data())
def test_a_page_cut_off_anywhere(body: bytes, data: st.DataObject) -> None:
    """What is left either says what the whole page says, or counts as not told."""
    whole, left = attempt(body), attempt(body[: data.draw(st.integers(0, len(body)))])
    if left is not None:
        assert whole is not None
        assert left.movie.imdb_id == IMDB_ID
        assert {*(left.movie.incomplete or ())} == left.cut
        told = [field.name for field in fields(Movie) if field.name not in left.missing | {"incomplete"}]
        assert {name: getattr(left.movie, name) for name in told} == {name: getattr(whole.movie, name) for name in told}


@given(st.sampled_from(paths(ISLAND)), values)
def test_any_value_anywhere_in_the_island(path: tuple[Any, ...], value: Any) -> None:
    island = replaced(ISLAND, path, value)
    body = page(json.dumps(island).replace("<", "\\u003c"))
    title = attempt(body)
    try:
        bare = parse_next_data(json.dumps(island).encode(), scraped_at=NOW)
    except (SourceError, InvalidMovie):
        bare = None
    if title and bare:
        assert title == bare


@given(st.sampled_from(paths(LINKED)), values)
def test_any_value_anywhere_in_linked_data(path: tuple[Any, ...], value: Any) -> None:
    attempt(page(None, json.dumps(replaced(LINKED, path, value)).replace("<", "\\u003c")))


@given(st.sampled_from(paths(ISLAND)))
def test_a_key_that_is_gone_is_missing_and_not_none(path: tuple[Any, ...]) -> None:
    """Whatever vanishes from the island is named, or told by another place in it."""
    assume(isinstance(path[-1], str) and path[0] == "props")
    title = attempt(page(removed(ISLAND, path)))
    whole = attempt(page(ISLAND))
    assert whole is not None
    if title is not None:
        changed = {name for name in title.movie.__slots__ if getattr(title.movie, name) != getattr(whole.movie, name)}
        assert (
            changed - {"directors", "cast", "incomplete"} <= title.missing
        )  # one line less in a list is a shorter list


texts = st.text(st.characters(exclude_categories=()), min_size=1)


@given(texts, texts, texts)
def test_text_comes_out_as_it_went_in_but_for_what_no_store_can_hold(title: str, plot: str, genre: str) -> None:
    assume(title.strip())
    above = above_the_fold(
        titleText={"text": title}, plot={"plotText": {"plainText": plot}}, genres={"genres": [{"text": genre}] * 2}
    )
    parsed = attempt(page(json.dumps(next_data(above)).replace("<", "\\u003c")))
    assert parsed is not None
    movie = parsed.movie
    assert movie.title == stored(title)
    assert movie.plot == (stored(plot) or None)
    assert movie.genres == ((stored(genre),) if stored(genre) else ())
    for text in (movie.title, movie.plot or "", *movie.genres):
        assert "\0" not in text
        text.encode()


def stored(text: str) -> str:
    """By another way than the parser's: character by character, once JSON has joined the halves of pairs."""
    joined: str = json.loads(json.dumps(text))
    return "".join("\ufffd" if char == "\0" or "\ud800" <= char <= "\udfff" else char for char in joined).strip()

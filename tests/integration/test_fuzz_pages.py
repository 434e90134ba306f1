"""Mutated pages: no crash, and no stored value that is not on the page.

``python -m tests.integration.test_fuzz_pages MINUTES`` runs longer, by hand.
"""

from __future__ import annotations

import gzip
import html
import random
import re
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Final

import pytest
from bs4 import BeautifulSoup
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.errors import InvalidMovie, SourceError
from domain.movie import Credit, Movie
from infrastructure.scraper.chart_page import parse_chart
from infrastructure.scraper.page_bytes import as_utf8, valid_utf8
from infrastructure.scraper.saved_pages import read_title
from tests.conftest import CAPTURES
from tests.support.title_pages import MARKUP_2014, MARKUP_2022, linked_data, next_data, page

NOW: Final = datetime(2026, 8, 1, tzinfo=UTC)
_DERIVED: Final = frozenset(
    {"imdb_id", "source_url", "scraped_at", "kind", "source", "incomplete", "seasons", "cast_total"}
) | {"budget_currency", "gross_currency", "release_country"}  # codes of signs and names
_FRAGMENTS: Final = (
    b"null", b"1e400", b"NaN", b"-1", b'"', b"{", b"}", b"[" * 3000, b"\\ud800", b"\xff", b"\x00", b"<", b"</script>",
    b"9" * 400, b"true", b'"edges":', b'"total":99,', b"\\u0000", b"&#0;", b"2 ore",
)  # fmt: skip


def pages() -> list[bytes]:
    """Invented pages of every layout, and some captured ones where they are."""
    invented = [
        page(next_data()),
        page(next_data(), linked_data(), MARKUP_2022),
        page(None, linked_data(), MARKUP_2022),
        page(None, None, MARKUP_2022),
        page(None, None, MARKUP_2014),
    ]
    captured = sorted(CAPTURES.glob("title_html/tt*.gz"))[:40:8] + sorted(CAPTURES.glob("title_next_data/*.gz"))[:1]
    return invented + [gzip.decompress(path.read_bytes()) for path in captured]


def mutated(body: bytes, dice: random.Random) -> bytes:
    """The page with one to four small damages."""
    parts = bytearray(body)
    for _ in range(dice.randint(1, 4)):
        at = dice.randrange(len(parts) + 1)
        length = dice.choice((0, 1, 3, 30, 400))
        match dice.randrange(5):
            case 0:
                parts[at : at + length] = b""
            case 1:
                parts[at:at] = dice.choice(_FRAGMENTS)
            case 2:
                parts[at : at + length] = parts[at : at + length] * 2
            case 3:
                parts[at : at + 1] = bytes([dice.randrange(256)])
            case 4:
                del parts[at + 1 + length * 1000 :]
    return bytes(parts)


def words_on(body: bytes) -> str:
    """All text of a page, with the escapes of JSON and HTML resolved."""
    raw = valid_utf8(as_utf8(body)).decode("utf-8", "replace")
    joined = BeautifulSoup(raw, "lxml").get_text()  # as a browser: neighbours without a tag between them are one word
    text = raw + joined + re.sub(r"\\u([0-9a-fA-F]{4})", lambda match: chr(int(match[1], 16)), raw)
    return html.unescape(html.unescape(text)).replace(",", "")


def texts_of(movie: Movie) -> Iterator[tuple[str, str]]:
    """Every text and number that is stored, with the name of its field."""
    for name in movie.__slots__:
        value = getattr(movie, name)
        if name in _DERIVED or value is None or isinstance(value, bool):
            continue
        if name == "release_date":
            yield from ((name, str(int(part))) for part in value.split("-"))
        elif isinstance(value, str):
            yield name, value.replace("_V1_", "")
        elif isinstance(value, tuple):
            for item in value:
                if isinstance(item, Credit):
                    yield from ((name, text) for text in (item.person.person_id, item.person.name))
                    yield from ((name, text) for text in (*item.characters, *item.job, *item.attributes))
                else:
                    yield name, item if isinstance(item, str) else item.title
        elif name not in ("duration_minutes", "award_wins", "award_nominations"):
            yield name, str(int(value))


def check(body: bytes) -> bool:
    """Read the page; whether that gave a title."""
    with suppress(SourceError):
        parse_chart(body)
    problem = None
    try:
        title = read_title(body, scraped_at=NOW)
    except (SourceError, InvalidMovie) as error:
        problem = str(error)
    if problem is not None:
        assert problem.isprintable()
        return False
    on_page = words_on(body)
    words = ((name, word) for name, text in texts_of(title.movie) for word in re.findall(r"\w+", text.replace(",", "")))
    strange = [(name, word) for name, word in words if word not in on_page]
    assert not strange, strange
    return True


BODIES: Final = pages()


@pytest.mark.parametrize("bodies", [BODIES[:4], pytest.param(BODIES, marks=pytest.mark.long)], ids=["some", "all"])
def test_unmutated_pages_hold_all_that_is_stored(bodies: list[bytes]) -> None:
    assert bodies
    assert all(check(body) for body in bodies)


@given(st.sampled_from(BODIES[:5]), st.randoms(use_true_random=False))
@settings(max_examples=60)
def test_a_mutated_page_is_read_or_refused(body: bytes, dice: random.Random) -> None:
    check(mutated(body, dice))


@pytest.mark.long
@pytest.mark.timeout(900)  # a minute on a machine of its own; beside three other test processes several
@given(st.sampled_from(BODIES), st.randoms(use_true_random=False))
@settings(max_examples=600)
def test_mutated_pages_for_a_minute(body: bytes, dice: random.Random) -> None:
    check(mutated(body, dice))


@pytest.mark.parametrize(
    "damage",
    [b"[" * 100_000, b'{"a":' * 100_000, b"1e400", b"NaN", b'"\\ud800"'],
    ids=["deep list", "deep object", "too large", "NaN", "half a pair"],
)
@pytest.mark.parametrize("place", [b'"score": 81', b'"text": "The Glass Ferry"', b'"voteCount": 12345'])
def test_json_that_is_no_json_for_others_is_named(damage: bytes, place: bytes) -> None:
    key, _, value = place.partition(b": ")
    body = page(next_data())
    compact = key + b":" + value
    assert compact in body
    problem = ""
    cut: frozenset[str] = frozenset()
    try:
        cut = read_title(body.replace(compact, key + b":" + damage), scraped_at=NOW).cut
    except SourceError as error:
        problem = str(error)
    assert cut or "__NEXT_DATA__" in problem


@pytest.mark.parametrize("key", ["props", "pageProps", "aboveTheFoldData"])
def test_a_key_that_occurs_twice_is_named(key: str) -> None:
    body = page(next_data())
    once = f'"{key}":'.encode()
    assert once in body
    with pytest.raises(SourceError, match=f"{key} occurs more than once"):
        read_title(body.replace(once, once + b"{}," + once), scraped_at=NOW)


if __name__ == "__main__":
    end = time.monotonic() + 60 * float(sys.argv[1])
    seed = read = 0
    while time.monotonic() < end:
        dice = random.Random(seed)
        read += check(mutated(dice.choice(BODIES), dice))
        seed += 1
    print(f"{seed} mutated pages, {read} of them read as titles")  # noqa: T201

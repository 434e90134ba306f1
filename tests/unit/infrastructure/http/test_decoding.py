"""Bodies, decoded whole or not at all."""

from __future__ import annotations

import gzip
import random
import subprocess
import sys
from pathlib import Path

import brotli  # type: ignore[import-untyped]
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infrastructure.http.decoding import ACCEPT_ENCODING, TooLarge, Undecodable, decode

ROOM = 10_000_000
PAGE = b"<html>" + b"words and more words " * 500 + b"</html>"
ENCODERS = {"gzip": gzip.compress, "br": brotli.compress, "identity": bytes, "": bytes}


@given(st.binary(max_size=5000), st.sampled_from(sorted(ENCODERS)))
def test_what_was_encoded_comes_back(body: bytes, coding: str) -> None:
    assert decode(ENCODERS[coding](body), coding, ROOM) == body


@given(st.lists(st.binary(max_size=2000), min_size=1, max_size=5))
def test_gzip_of_several_members_is_one_body(members: list[bytes]) -> None:
    assert decode(b"".join(map(gzip.compress, members)), "GZIP", ROOM) == b"".join(members)


def test_codings_in_a_row_are_undone_from_the_last() -> None:
    assert decode(brotli.compress(gzip.compress(PAGE)), "gzip, br", ROOM) == PAGE


def test_padding_after_the_last_member_is_ignored() -> None:
    assert decode(gzip.compress(PAGE) + bytes(100), "x-gzip", ROOM) == PAGE


@given(st.data(), st.sampled_from(["gzip", "br"]))
def test_a_body_cut_off_anywhere_is_refused(data: st.DataObject, coding: str) -> None:
    packed = ENCODERS[coding](PAGE)
    cut = data.draw(st.integers(1, len(packed) - 1))

    with pytest.raises(Undecodable):
        decode(packed[:cut], coding, ROOM)


@given(st.data())
def test_a_damaged_gzip_body_is_refused_or_right(data: st.DataObject) -> None:
    packed = bytearray(gzip.compress(PAGE))
    place = data.draw(st.integers(0, len(packed) - 1))
    packed[place] ^= data.draw(st.integers(1, 255))

    try:
        body = decode(bytes(packed), "gzip", ROOM)
    except (Undecodable, TooLarge):
        return
    assert body == PAGE  # some bytes of the head mean nothing


@given(st.binary(min_size=1, max_size=300), st.sampled_from(["gzip", "br"]))
def test_no_body_breaks_the_decoder(body: bytes, coding: str) -> None:
    try:
        decoded = decode(body, coding, 10_000)
    except (Undecodable, TooLarge):
        return
    assert len(decoded) <= 10_000


def test_an_empty_body_has_nothing_to_decode() -> None:
    assert decode(b"", "gzip", ROOM) == b""


@pytest.mark.parametrize("coding", ["zstd", "deflate", "compress", "aes128gcm;x=1"])
def test_codings_that_were_not_asked_for_are_named(coding: str) -> None:
    with pytest.raises(Undecodable, match=coding.partition(";")[0]):
        decode(b"whatever", coding, ROOM)


@pytest.mark.parametrize(
    "words", ["", "none", "UTF-8", "aws-chunked", "identity", "identity, none", "binary", ";", '"x']
)
def test_words_that_name_no_coding_are_ignored(words: str) -> None:
    assert decode(b"plain", words, ROOM) == b"plain"
    assert decode(gzip.compress(b"plain"), f"{words}, GZIP", ROOM) == b"plain"


@pytest.mark.parametrize(
    ("packed", "coding"),
    [
        (gzip.compress(bytes(2_000_000)), "gzip"),
        (gzip.compress(bytes(600_000)) * 2, "gzip"),
        (brotli.compress(bytes(2_000_000)), "br"),
        (gzip.compress(gzip.compress(bytes(50_000_000), 1)), "gzip, gzip"),
        (bytes(1_000_001), ""),
    ],
)
def test_no_more_is_made_of_a_body_than_allowed(packed: bytes, coding: str) -> None:
    with pytest.raises(TooLarge, match="1,000,000"):
        decode(packed, coding, 1_000_000)

    assert decode(packed, coding, 1_000_000, partial=True) == bytes(1_000_000)


@pytest.mark.parametrize("coding", ["gzip", "br"])
def test_the_beginning_of_a_cut_off_body_can_be_had(coding: str) -> None:
    body = random.Random(1).randbytes(300_000)
    packed = ENCODERS[coding](body)

    begin = decode(packed[: len(packed) // 2], coding, ROOM, partial=True)

    assert begin
    assert body.startswith(begin)


def test_both_codings_are_asked_for() -> None:
    assert ACCEPT_ENCODING == "gzip, br"


def test_without_its_wheels_it_decodes_all_the_same() -> None:
    """Where isal and brotli cannot be imported, zlib does the work and Brotli is not asked for."""
    program = (
        "import sys, gzip; sys.modules.update({'isal': None, 'brotli': None})\n"
        "from infrastructure.http.decoding import ACCEPT_ENCODING, Undecodable, decode\n"
        "assert ACCEPT_ENCODING == 'gzip'\n"
        "assert decode(gzip.compress(b'page') * 2, 'gzip', 100) == b'pagepage'\n"
        "for body in (gzip.compress(b'page')[:-9], b'\\x1f\\x8b' + bytes(50)):\n"
        "    try:\n        decode(body, 'gzip', 100)\n    except Undecodable:\n        print('refused')\n"
    )
    root = Path(__file__).parents[4]

    done = subprocess.run([sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=True)

    assert done.stdout.split() == ["refused", "refused"]

"""Which addresses are public, where a redirect may lead, and bodies that are decoded whole or not at all."""

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

from infrastructure.http.messages import (
    ACCEPT_ENCODING,
    Fault,
    Origin,
    RequestFailed,
    decode,
    is_private_literal,
    is_public_address,
)

ROOM = 10_000_000
PAGE = b"<html>" + b"words and more words " * 500 + b"</html>"
ENCODERS = {"gzip": gzip.compress, "br": brotli.compress, "identity": bytes, "": bytes}


@pytest.mark.parametrize(
    "address",
    ["8.8.8.8", "198.20.0.7", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2001:200::1"],
)
def test_public(address: str) -> None:
    assert is_public_address(address)
    assert not is_private_literal(address)


@pytest.mark.parametrize(
    "address",
    [
        "2002:808:808::1", "2001:20::1", "64:ff9b:1::808:808",
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.0.1", "169.254.169.254", "100.64.0.1", "224.0.0.1",
        "255.255.255.255", "192.0.2.1", "198.18.0.1", "240.0.0.1", "::1", "::", "fe80::1", "fe80::1%lo", "fd00::1",
        "ff02::1", "2001:db8::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::127.0.0.1", "64:ff9b::10.0.0.1",
        "2002:7f00:1::1", "2002:a00:1::1",
    ],
)  # fmt: skip
def test_not_public(address: str) -> None:
    assert not is_public_address(address)
    assert is_private_literal(address)


@pytest.mark.parametrize(
    "host",
    ["localhost", "LOCALHOST.", "db.localhost", "127.1", "2130706433", "0x7f.1", "0177.0.0.1", "10.1", "127.0.0.1."],
)
def test_other_spellings_are_recognised(host: str) -> None:
    assert is_private_literal(host)


@pytest.mark.parametrize(
    "host", ["site.test", "8.8", "134744072", "localhost.example", "127.0.0.1.example", "", "é.test"]
)
def test_names_are_no_addresses(host: str) -> None:
    assert not is_private_literal(host)
    assert not is_public_address("site.test")


@pytest.mark.parametrize(
    ("url", "origin", "shown"),
    [
        ("https://www.imdb.com/title/tt0111161/", Origin("https", "www.imdb.com", 443), "www.imdb.com"),
        ("HTTP://WWW.IMDB.COM:80", Origin("http", "www.imdb.com", 80), "www.imdb.com"),
        ("http://127.0.0.1:8080/x", Origin("http", "127.0.0.1", 8080), "127.0.0.1:8080"),
        ("http://[::1]:81/", Origin("http", "::1", 81), "[::1]:81"),
    ],
)
def test_the_origin_of_an_address(url: str, origin: Origin, shown: str) -> None:
    assert Origin.of(url) == origin
    assert str(origin) == shown


@pytest.mark.parametrize("url", ["", "imdb.com", "ftp://h/", "http://", "http:///x", "http://[::1", "http://h:port/"])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        Origin.of(url)


@pytest.mark.parametrize(
    ("start", "target", "may"),
    [
        ("http://h/a", "http://h/b", True),
        ("http://h/", "https://h/", True),
        ("https://h/", "http://h/", False),
        ("http://h:8080/", "https://h/", False),
        ("http://h/", "http://h:8080/", False),
        ("http://h/", "http://www.h/", False),
    ],
)
def test_redirects_stay_with_the_site_or_become_safer(start: str, target: str, may: bool) -> None:
    assert Origin.of(start).may_lead_to(Origin.of(target)) is may


@pytest.mark.parametrize(
    ("host", "loopback"),
    [("localhost", True), ("a.localhost", True), ("127.0.0.9", True), ("[::1]", True), ("10.0.0.1", False),
     ("localhost.test", False)],
)  # fmt: skip
def test_loopback_is_recognised(host: str, loopback: bool) -> None:
    assert Origin.of(f"http://{host}/").loopback is loopback


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

    with pytest.raises(RequestFailed) as raised:
        decode(packed[:cut], coding, ROOM)
    assert (raised.value.fault, raised.value.size) == (Fault.SITE, cut)


@given(st.data())
def test_a_damaged_gzip_body_is_refused_or_right(data: st.DataObject) -> None:
    packed = bytearray(gzip.compress(PAGE))
    place = data.draw(st.integers(0, len(packed) - 1))
    packed[place] ^= data.draw(st.integers(1, 255))

    try:
        body = decode(bytes(packed), "gzip", ROOM)
    except RequestFailed:
        return
    assert body == PAGE  # some bytes of the head mean nothing


@given(st.binary(min_size=1, max_size=300), st.sampled_from(["gzip", "br"]))
def test_no_body_breaks_the_decoder(body: bytes, coding: str) -> None:
    try:
        decoded = decode(body, coding, 10_000)
    except RequestFailed:
        return
    assert len(decoded) <= 10_000


def test_an_empty_body_has_nothing_to_decode() -> None:
    assert decode(b"", "gzip", ROOM) == b""


@pytest.mark.parametrize("coding", ["zstd", "deflate", "compress", "aes128gcm;x=1"])
def test_codings_that_were_not_asked_for_are_named(coding: str) -> None:
    with pytest.raises(RequestFailed, match=coding.partition(";")[0]):
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
    with pytest.raises(RequestFailed, match="1,000,000") as raised:
        decode(packed, coding, 1_000_000)
    assert (raised.value.fault, raised.value.size) == (Fault.FINAL, len(packed))

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
        "from infrastructure.http.messages import ACCEPT_ENCODING, RequestFailed, decode\n"
        "assert ACCEPT_ENCODING == 'gzip'\n"
        "assert decode(gzip.compress(b'page') * 2, 'gzip', 100) == b'pagepage'\n"
        "for body in (gzip.compress(b'page')[:-9], b'\\x1f\\x8b' + bytes(50)):\n"
        "    try:\n        decode(body, 'gzip', 100)\n    except RequestFailed:\n        print('refused')\n"
    )
    root = Path(__file__).parents[4]

    done = subprocess.run([sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=True)

    assert done.stdout.split() == ["refused", "refused"]

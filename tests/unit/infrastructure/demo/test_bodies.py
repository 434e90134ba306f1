from __future__ import annotations

import gzip
import zlib

from hypothesis import given
from hypothesis import strategies as st

from infrastructure.demo.bodies import SharedBytes, filler_markup, filler_translations, gzipped, plain

PIECES = st.lists(st.one_of(st.binary(max_size=5000), st.builds(SharedBytes.of, st.binary(max_size=5000))), max_size=6)


@given(PIECES)
def test_a_spliced_body_is_one_gzip_member_with_the_same_bytes(pieces: list[bytes | SharedBytes]) -> None:
    packed = gzipped(pieces)
    decoder = zlib.decompressobj(16 + zlib.MAX_WBITS)
    content = decoder.decompress(packed.joined())
    assert content == plain(pieces).joined() == gzip.decompress(packed.joined())
    assert decoder.eof
    assert decoder.unused_data == b""
    assert packed.length == len(packed.joined())


def test_shared_pieces_are_not_copied() -> None:
    shared = SharedBytes.of(b"filler" * 1000)
    first, second = gzipped([b"one", shared]), gzipped([b"another", shared])
    assert first.parts[2] is second.parts[2] is shared.deflated
    assert first.own_bytes < 100


@given(st.integers(0, 5000))
def test_filler_has_the_size_asked_for(size: int) -> None:
    assert len(filler_markup(size)) == (size if size >= 9 else 0)
    assert len(filler_translations(size)) == (size if size >= 9 else 0)


def test_filler_compresses_about_as_well_as_real_pages_do() -> None:
    raw = filler_markup(930_000) + filler_translations(670_000)
    assert 4.5 < len(raw) / len(zlib.compress(raw, 6)) < 5.8  # the real ones: 5.2

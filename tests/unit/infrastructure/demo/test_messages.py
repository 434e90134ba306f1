from __future__ import annotations

import gzip
import zlib

from hypothesis import given
from hypothesis import strategies as st

from infrastructure.demo.messages import SharedBytes, gzipped, plain

PIECES = st.lists(st.one_of(st.binary(max_size=5000), st.builds(SharedBytes.of, st.binary(max_size=5000))), max_size=6)


@given(PIECES)
def test_a_spliced_body_is_one_gzip_member_with_the_same_bytes(pieces: list[bytes | SharedBytes]) -> None:
    packed = b"".join(gzipped(pieces))
    decoder = zlib.decompressobj(16 + zlib.MAX_WBITS)
    content = decoder.decompress(packed)
    assert content == b"".join(plain(pieces)) == gzip.decompress(packed)
    assert decoder.eof
    assert decoder.unused_data == b""


def test_shared_pieces_are_not_copied() -> None:
    shared = SharedBytes.of(b"filler" * 1000)
    first, second = gzipped([b"one", shared]), gzipped([b"another", shared])
    assert first[2] is second[2] is shared.deflated

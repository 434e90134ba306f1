"""Bodies of responses: pieces that many pages share are compressed once."""

from __future__ import annotations

import json
import random
import struct
import zlib
from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from infrastructure.demo import words

_HEADER: Final = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"  # deflate, no name, no time, unknown system (RFC 1952)
_LAST_BLOCK: Final = b"\x03\x00"  # an empty block with the final bit set
_OWN_LEVEL: Final = 1


class SharedBytes(msgspec.Struct, frozen=True):
    """Bytes that many bodies hold, with their deflate blocks."""

    raw: bytes
    deflated: bytes

    @classmethod
    def of(cls, raw: bytes) -> SharedBytes:
        """Compresses the bytes once."""
        return cls(raw, _blocks(raw, level=6))


class Body(msgspec.Struct, frozen=True):
    """A response's body as it is sent.

    Attributes:
        parts: its bytes in order.
        gzipped: they are one gzip member.
        own_bytes: number of bytes that no other body shares.
    """

    parts: tuple[bytes, ...]
    gzipped: bool = False
    own_bytes: int = 0

    @property
    def length(self) -> int:
        """Number of bytes sent."""
        return sum(map(len, self.parts))

    def joined(self) -> bytes:
        """Gives all parts in one piece."""
        return b"".join(self.parts)


def plain(pieces: Sequence[bytes | SharedBytes]) -> Body:
    """Makes an uncompressed body."""
    return Body(tuple(piece.raw if isinstance(piece, SharedBytes) else piece for piece in pieces))


def gzipped(pieces: Sequence[bytes | SharedBytes]) -> Body:
    """Makes a body of one gzip member; shared pieces are not copied and not compressed again.

    Deflate blocks that end on a byte boundary (zlib's Z_FULL_FLUSH) can follow each other in one member
    (RFC 1951, section 3.2), so that a page costs only the compression of its own bytes.
    """
    parts, crc, size = [_HEADER], 0, 0
    for piece in pieces:
        raw = piece.raw if isinstance(piece, SharedBytes) else piece
        parts.append(piece.deflated if isinstance(piece, SharedBytes) else _blocks(raw, _OWN_LEVEL))
        crc = zlib.crc32(raw, crc)
        size += len(raw)
    parts.append(_LAST_BLOCK + struct.pack("<II", crc, size & 0xFFFFFFFF))
    shared = sum(len(piece.deflated) for piece in pieces if isinstance(piece, SharedBytes))
    return Body(tuple(parts), gzipped=True, own_bytes=sum(map(len, parts)) - shared)


def _blocks(raw: bytes, level: int) -> bytes:
    press = zlib.compressobj(level, zlib.DEFLATED, -zlib.MAX_WBITS)
    return press.compress(raw) + press.flush(zlib.Z_FULL_FLUSH)


_VOCABULARY: Final = tuple(word.lower() for word in words.ADJECTIVES + words.NOUNS + words.GENRES)
_ICONS: Final = tuple(
    "M"
    + " ".join(f"{place * 7 % 24}.{place * step % 97} {place * step % 24}c{step % 9}-{place}" for place in range(44))
    for step in range(11, 43)
)
"""Outlines of 32 icons, which real pages repeat."""


def filler_markup(size: int) -> bytes:
    """Makes a style sheet and hidden blocks of exactly this many bytes; comments fill the last few.

    As on real pages, a third is style, and the rest has about one tag in a hundred bytes, because
    the cost of parsing the DOM depends on the number of tags. Real pages compress about five to one
    (1,631,277 bytes to 311,610), and so does this.
    """
    style = _repeat(_rule, max(0, size // 3 - len("<style></style>")), b"/*", b"*/")
    sheet = b"<style>" + style + b"</style>" if style else b""
    return sheet + _repeat(_block, size - len(sheet), b"<!-- ", b" -->")


def _rule(dice: random.Random) -> str:
    token = f"{dice.getrandbits(24):06x}"
    return (
        f".sc-{token}-{dice.randint(0, 9)}{{display:{dice.choice(('flex', 'grid', 'block'))};"
        f"padding:{dice.randint(0, 32)}px {dice.randint(0, 32)}px;"
        f"font-family:var(--ipt-{dice.choice(_VOCABULARY)}-font);"
        f"color:rgba(var(--ipt-{dice.choice(_VOCABULARY)}-color),{dice.random():.2f})}}"
    )


def _block(dice: random.Random) -> str:
    token = f"{dice.getrandbits(40):010x}"
    icon = _ICONS[dice.randrange(len(_ICONS))]
    kind = dice.choice(_VOCABULARY)
    return (
        f'<div class="ipc-metadata-list__item ipc-metadata-list__item--align-end ipc-metadata-list-item--{kind} '
        f'sc-{token[:8]}-{dice.randint(0, 9)} ipc-{kind}--on-textPrimary" role="presentation" data-index="{token}">'
        f'<svg width="24" height="24" xmlns="http://www.w3.org/2000/svg" class="ipc-icon ipc-icon--{kind}" '
        f'viewBox="0 0 24 24" fill="currentColor" role="presentation"><path d="{icon}"></path></svg>'
        f'<span class="ipc-btn__text">{_sentence(dice)}. {_sentence(dice)}.</span>'
        f'<ul class="ipc-inline-list"><li class="ipc-inline-list__item">{_sentence(dice)}</li></ul></div>'
    )


_SENTENCES: Final = 1500  # more text than the 32 kB in which gzip looks for repetitions


def filler_translations(size: int) -> bytes:
    """Makes members of a JSON object, a comma before each, of exactly this many bytes (0, or at least 16)."""
    sentences: list[str] = []
    used = 0

    def member(dice: random.Random) -> str:
        nonlocal used
        used += 1
        if len(sentences) < _SENTENCES:
            ending = dice.choice((".", "’s", " {count}", "…"))
            sentences.append(script_json(_sentence(dice) + ending).decode())
        words = f"{dice.choice(_VOCABULARY)}_{dice.choice(_VOCABULARY)}_{dice.choice(_VOCABULARY)}"
        return f',"{words}_{used}":{sentences[used * 7 % len(sentences)]}'

    return _repeat(member, size, b',"pad":"', b'"')


def _sentence(dice: random.Random) -> str:
    return " ".join(dice.choice(_VOCABULARY) for _ in range(dice.randint(3, 9))).capitalize()


def _repeat(piece: Callable[[random.Random], str], size: int, opening: bytes, closing: bytes) -> bytes:
    dice = random.Random("filler")  # noqa: S311 - the same on every machine on purpose
    shell = len(opening) + len(closing)
    pieces: list[bytes] = []
    left = size
    while left > shell:
        made = piece(dice).encode()
        if len(made) > left - shell:
            break
        pieces.append(made)
        left -= len(made)
    if left >= shell:
        pieces.append(opening + b"x" * (left - shell) + closing)
    return b"".join(pieces)


_ESCAPED: Final = ("<", ">", "&", "\u2028", "\u2029")


def script_json(value: object) -> bytes:
    """Writes compact JSON in UTF-8 as IMDb puts it between script tags.

    Characters of markup, NUL and lone surrogates are JSON escapes, as on IMDb's pages.
    """
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    for char in _ESCAPED:  # str.translate takes ten times as long
        text = text.replace(char, f"\\u{ord(char):04x}")
    return text.encode("utf-8", "backslashreplace")

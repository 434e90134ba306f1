"""What makes a real page 1.6 MB: markup and translations that every page repeats.

Made from a fixed seed. Real pages compress about five to one (1,631,277 bytes
to 311,610 with gzip), and so does this.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Final

from infrastructure.demo import words
from infrastructure.demo.script_json import script_json

_VOCABULARY: Final = tuple(word.lower() for word in words.ADJECTIVES + words.NOUNS + words.GENRES)
_ICONS: Final = tuple(
    "M"
    + " ".join(f"{place * 7 % 24}.{place * step % 97} {place * step % 24}c{step % 9}-{place}" for place in range(44))
    for step in range(11, 43)
)
"""Outlines of 32 icons, which real pages repeat over and over."""


def markup(size: int) -> bytes:
    """A style sheet and hidden blocks of exactly this many bytes; comments fill the last few.

    As on real pages, a third is style, and the rest has about one tag in a hundred bytes:
    what parsing the DOM costs depends on that.
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


def translations(size: int) -> bytes:
    """Members of a JSON object, a comma before each, of exactly this many bytes (0, or at least 16)."""
    used = 0

    def member(dice: random.Random) -> str:
        nonlocal used
        used += 1
        key = "_".join(dice.choice(_VOCABULARY) for _ in range(dice.randint(3, 5)))
        sentence = script_json(_sentence(dice) + dice.choice((".", "’s", " {count}", "…"))).decode()
        return f',"{key}_{used}":{sentence}'

    return _repeat(member, size, b',"pad":"', b'"')


def _sentence(dice: random.Random) -> str:
    return " ".join(dice.choice(_VOCABULARY) for _ in range(dice.randint(3, 9))).capitalize()


def _repeat(piece: Callable[[random.Random], str], size: int, opening: bytes, closing: bytes) -> bytes:
    dice = random.Random("filler")  # noqa: S311 - the same on every machine, that is the point
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

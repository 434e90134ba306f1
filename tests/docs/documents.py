"""The documents as values: their headings, links, and code."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

from tests.conftest import ROOT

_PARSER = MarkdownIt("commonmark", {"html": True}).enable("table")


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: its language, what else its fence says, its text, and the line it begins in."""

    language: str
    note: str
    text: str
    line: int


def documents() -> list[Path]:
    """Every document of the project."""
    return sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "docker").rglob("*.md")])


def blocks(path: Path) -> list[Block]:
    """Its fenced blocks, in order."""
    return [
        Block(*_words(token.info), token.content, (token.map or [0])[0] + 1)
        for token in _tokens(path)
        if token.type == "fence"
    ]


def links(path: Path) -> list[str]:
    """Where its links and pictures point to."""
    found = []
    for token in _flat(_tokens(path)):
        target = token.attrGet("href") or token.attrGet("src")
        if target is not None:
            found.append(str(target))
        if token.type in ("html_block", "html_inline"):
            found += re.findall(r"(?:href|src|srcset)=\"([^\"]+)\"", token.content)
    return found


def anchors(path: Path) -> set[str]:
    """The names its headings can be reached by, as GitHub makes them."""
    tokens = _tokens(path)
    names: set[str] = set()
    for token, inline in itertools.pairwise(tokens):
        if token.type == "heading_open":
            text = "".join(child.content for child in inline.children or [])
            slug = re.sub(r"[^\w\- ]", "", text.strip().lower()).replace(" ", "-")
            number = sum(1 for name in names if re.fullmatch(re.escape(slug) + r"(-\d+)?", name))
            names.add(f"{slug}-{number}" if number else slug)
    return names


def inline_code(path: Path) -> list[str]:
    """What stands in its text between backticks."""
    return [token.content for token in _flat(_tokens(path)) if token.type == "code_inline"]


def _words(info: str) -> tuple[str, str]:
    language, _, note = info.strip().partition(" ")
    return language, note


def _tokens(path: Path) -> list[Token]:
    return _PARSER.parse(path.read_text(encoding="utf-8"))


def _flat(tokens: list[Token]) -> Iterator[Token]:
    for token in tokens:
        yield token
        yield from _flat(token.children or [])

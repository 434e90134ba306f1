"""The picture of the architecture, drawn from what the code imports."""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Iterator
from html import escape
from typing import Final

from tests.conftest import ROOT
from tests.docs.imports import boxes, imports

MEANING: Final = {
    "cli": "commands, signals, exit codes",
    "bootstrap": "the one place that names every concrete class",
    "api": "the Python face: scrape, parse_title",
    "scraper": "IMDb's pages and GraphQL read; GraphQL",
    "http": "limit, route, send, classify, retry; proxies, Tor, robots.txt",
    "stores": "CSV files, PostgreSQL, the embedded server",
    "joblog": "the job log",
    "data_dir": "the data directory",
    "progress": "faces of a run: live, plain, none",
    "posters": "pictures checked, made small, kept",
    "catalogue": "the static site",
    "tables": "reports for people and programs",
    "cluster": "titles read on a Dask cluster",
    "demo": "an IMDb-shaped site on loopback",
    "doctor": "settings, routes, stores examined",
    "application": "what the program does: the run, one movie, the composite save, verify, reports; and the ports, "
    "one page of protocols that the adapters above satisfy by shape",
    "domain": "Movie, Person, Credit, ChartEntry: frozen, refusing what cannot be true; the error tree; no imports",
    "shared": "settings, logging, clock, atomic files, batching; imports none of the rooms",
}
ENTRY: Final = ("cli", "bootstrap", "api")
_ROOMS: Final = ("application", "domain", "shared")
_WIDTH, _MARGIN, _GAP, _COLUMNS, _LINE = 960, 24, 14, 4, 16
_COMMON: Final = frozenset(_ROOMS)


def meaning(box: str) -> str:
    """What it is for, in few words: those above, else the first line of its docstring."""
    if box in MEANING:
        return MEANING[box]
    file = ROOT / "infrastructure" / f"{box}.py"
    tree = ast.parse((file if file.exists() else file.with_suffix("") / "__init__.py").read_text(encoding="utf-8"))
    return (ast.get_docstring(tree) or "").partition("\n")[0].rstrip(".")


def picture() -> str:
    """The picture as SVG. Every name, library and arrow in it is read off the code."""
    adapters = [box for box in boxes() if box not in ENTRY and box not in _ROOMS]
    bands: list[tuple[str, list[str]]] = [
        ("infrastructure: where it begins", [box for box in ENTRY if box in boxes()]),
        ("infrastructure: adapters", adapters),
        ("", ["application"]),
        ("", ["domain", "shared"]),
    ]
    body: list[str] = []
    top = _MARGIN
    for place, (label, inside) in enumerate(bands):
        drawn, height = _band(label, inside, top)
        body += drawn
        top += height
        if place < len(bands) - 1:
            body.append(_arrow(top))
            top += 30
    height = top + _MARGIN
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img" '
            f'aria-labelledby="t d" font-family="system-ui, sans-serif" font-size="12.5" fill="#1f2430">',
            '<title id="t">The rooms of filmledger</title>',
            '<desc id="d">Bands from the command line down to domain and shared; imports point downwards only.</desc>',
            f'<rect width="{_WIDTH}" height="{height}" rx="10" fill="#fbfaf7"/>',
            *body,
            "</svg>",
            "",
        ]
    )


def _band(label: str, inside: list[str], top: int) -> tuple[list[str], int]:
    """One band with its boxes, and its height."""
    columns = min(_COLUMNS, len(inside))
    width = (_WIDTH - 2 * _MARGIN - (columns + 1) * _GAP) // columns
    rows = [inside[start : start + columns] for start in range(0, len(inside), columns)]
    drawn: list[str] = []
    y = top + (30 if label else _GAP)
    for row in rows:
        texts = {box: list(_text(box, width)) for box in row}
        height = max(len(lines) for lines in texts.values()) * _LINE + 34
        for column, box in enumerate(row):
            drawn += _drawn_box(box, texts[box], _MARGIN + _GAP + column * (width + _GAP), y, width, height)
        y += height + _GAP
    height = y - top
    frame = (
        f'<rect x="{_MARGIN}" y="{top}" width="{_WIDTH - 2 * _MARGIN}" height="{height}" rx="8" '
        f'fill="#efece3" stroke="#cfc9b8"/>'
    )
    name = f'<text x="{_MARGIN + _GAP}" y="{top + 20}" font-size="12" fill="#6b6555">{escape(label)}</text>'
    return [frame, *([name] if label else []), *drawn], height


def _text(box: str, width: int) -> Iterator[tuple[str, str]]:
    """The lines of a box with their colours."""
    wrap = int(width / 7.6)
    for line in textwrap.wrap(meaning(box), wrap):
        yield line, "#1f2430"
    known = imports()[box]
    if others := sorted(known.ours - _COMMON):
        for line in textwrap.wrap("→ " + ", ".join(others), wrap):
            yield line, "#8a3b12"
    if known.theirs:
        for line in textwrap.wrap("with " + ", ".join(sorted(known.theirs)), wrap):
            yield line, "#2b5d7d"


def _drawn_box(box: str, lines: list[tuple[str, str]], x: int, y: int, width: int, height: int) -> list[str]:
    drawn = [
        f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="6" fill="#ffffff" stroke="#b9b2a0"/>',
        f'<text x="{x + 10}" y="{y + 21}" font-size="14" font-weight="600">{escape(box)}</text>',
    ]
    for number, (line, colour) in enumerate(lines):
        at = y + 40 + number * _LINE
        drawn.append(f'<text x="{x + 10}" y="{at}" fill="{colour}">{escape(line)}</text>')
    return drawn


def _arrow(top: int) -> str:
    middle = _WIDTH // 2
    return (
        f'<path d="M{middle} {top + 4} v16 m-5 -6 l5 6 l5 -6" fill="none" stroke="#6b6555" stroke-width="1.6"/>'
        f'<text x="{middle + 14}" y="{top + 19}" font-size="11" fill="#6b6555">imports</text>'
    )

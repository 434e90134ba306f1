"""Checks that everything the pages refer to exists: pages, pictures, styles, scripts, and anchors in pages."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache, partial
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from lxml import etree

_ELSEWHERE: Final = ("http", "https")
_IDS: Final = etree.XPath("//@id | //a/@name", smart_strings=False)
_LINKS: Final = etree.XPath("//a/@href | //area/@href", smart_strings=False)
_LOADED: Final = etree.XPath(
    '//link[not(@rel="canonical")]/@href | //script/@src | //img/@src | //source/@src | //iframe/@src'
    " | //video/@src | //audio/@src | //embed/@src | //object/@data | //form/@action | //use/@href | //image/@href",
    smart_strings=False,
)
_SRCSETS: Final = etree.XPath("//@srcset", smart_strings=False)
_LOADED_BY_STYLE: Final = re.compile(rb"""url\(\s*["']?([^"')]+)["']?\s*\)""")


@dataclass(slots=True)
class LinkReport:
    """Result of the check; ``problems`` has one line for each."""

    pages: int = 0
    links: int = 0
    problems: list[str] = field(default_factory=list)


def check_links(folder: Path, names: Iterable[str]) -> LinkReport:
    """Checks every file of the catalogue.

    Args:
        folder: the top folder.
        names: the files, as paths with ``/``.

    Raises:
        OSError: a file cannot be read.
    """
    report = LinkReport()
    present = set(names)
    ids: dict[str, frozenset[str]] = {}
    anchors: dict[tuple[str, str], str] = {}  # anchor, and a page that links to it
    shared: dict[frozenset[str], frozenset[str]] = {}
    # Pages of a folder share most of their links.
    resolve = lru_cache(maxsize=10_000)(partial(_resolve, present))
    for name in sorted(present):
        if not (folder / name).is_file():
            report.problems.append(f"{name} is not there")
            continue
        if name.endswith(".html"):
            report.pages += 1
            root = _parsed(folder / name)
            found = frozenset(_texts(_IDS, root))
            ids[name] = shared.setdefault(found, found)  # thousands of pages share a few sets of ids
            references = _references(root)
        elif name.endswith(".css"):
            styles = (folder / name).read_bytes()
            references = ((match.decode("utf-8", "replace"), True) for match in _LOADED_BY_STYLE.findall(styles))
        else:
            continue
        parent = posixpath.dirname(name)
        for reference, loaded in references:
            report.links += 1
            problem, target, fragment = resolve(parent, reference, loaded)
            target = target or name
            if problem:
                report.problems.append(f"{name}: {reference} {problem}")
            elif fragment and (target != name or fragment not in ids.get(name, ())):
                anchors.setdefault((target, fragment), name)
    for (target, fragment), name in sorted(anchors.items()):
        if target in ids and fragment not in ids[target]:
            report.problems.append(f"{name}: {target}#{fragment} has no such place")
    return report


def _parsed(path: Path) -> etree._Element:
    root: etree._Element = etree.parse(path, etree.HTMLParser(encoding="utf-8", no_network=True)).getroot()
    return root if root is not None else etree.Element("html")


def _references(root: etree._Element) -> Iterator[tuple[str, bool]]:
    """Yields every address in a page, and whether the browser loads it without a click."""
    yield from ((link, False) for link in _texts(_LINKS, root))
    yield from ((link, True) for link in _texts(_LOADED, root))
    for candidates in _texts(_SRCSETS, root):
        yield from ((candidate.split()[0], True) for candidate in candidates.split(",") if candidate.strip())


def _texts(path: etree.XPath, root: etree._Element) -> list[str]:
    found = path(root)
    return [str(value) for value in found] if isinstance(found, list) else []


def _resolve(present: set[str], folder: str, reference: str, loaded: bool) -> tuple[str, str, str]:
    """Returns what is wrong with a reference, or its target file and the anchor in it.

    An empty file name stands for the page itself.
    """
    try:
        parts = urlsplit(reference.strip())
    except ValueError:
        return "is no address", "", ""
    if parts.scheme in _ELSEWHERE or parts.netloc:
        return ("is loaded from another machine" if loaded else ""), "", ""
    if parts.scheme:
        return ("" if parts.scheme == "mailto" else f"has the scheme {parts.scheme}"), "", ""
    path = unquote(parts.path)
    if path.startswith("/"):
        return "starts at the server's root, but a catalogue can be in a subfolder", "", ""
    target = posixpath.normpath(posixpath.join(folder, path)) if path else ""
    if target.startswith(".."):
        return "leads out of the catalogue", "", ""
    if target and target not in present:
        return "is not there", "", ""
    return "", target, unquote(parts.fragment)

"""Checks that everything the pages refer to exists: pages, pictures, styles, scripts, and anchors in pages."""

from __future__ import annotations

import html
import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

import msgspec

_ELSEWHERE: Final = ("http", "https")
# Tags with addresses, as the templates write them: in lower case, values in double quotes and without ">".
_TAGS: Final = re.compile(rb"<(?:a|area|audio|embed|form|iframe|image|img|link|object|script|source|use|video)\s[^>]*>")
_ATTRIBUTES: Final = re.compile(r'\s([a-z]+)="([^"]*)"')
_LINKS: Final = (("a", "href"), ("area", "href"))
_LOADED: Final = frozenset(
    (
        ("audio", "src"), ("embed", "src"), ("form", "action"), ("iframe", "src"), ("image", "href"), ("img", "src"),
        ("link", "href"), ("object", "data"), ("script", "src"), ("source", "src"), ("use", "href"), ("video", "src"),
    )
)  # fmt: skip
_PLAIN: Final = re.compile(r"[\w.-][\w./-]*")  # an address that is a relative path, as almost all are
_LOADED_BY_STYLE: Final = re.compile(rb"""url\(\s*["']?([^"')]+)["']?\s*\)""")


class LinkReport(msgspec.Struct):
    """Result of the check; ``problems`` has one line for each."""

    pages: int = 0
    problems: list[str] = msgspec.field(default_factory=list)


def check_links(folder: Path, names: Iterable[str]) -> LinkReport:
    """Checks every file of the catalogue.

    The same fault on several pages of a folder is reported for the first of them.

    Args:
        folder: the top folder.
        names: the files, as paths with ``/``.

    Raises:
        OSError: a file cannot be read.
    """
    report = LinkReport()
    present = set(names)
    seen: dict[str, set[bytes]] = {}  # by folder: its pages share most of their tags
    anchors: dict[str, dict[str, str]] = {}  # by page: the anchors that other pages link to, each with one of them
    for name in sorted(present):
        path = folder / name
        if not path.is_file():
            report.problems.append(f"{name} is not there")
            continue
        if not name.endswith((".html", ".css")):
            continue
        parent = posixpath.dirname(name)
        body = path.read_bytes()
        if name.endswith(".html"):
            report.pages += 1
            known = seen.setdefault(parent, set())
            fresh = [tag for tag in dict.fromkeys(_TAGS.findall(body)) if tag not in known or b"#" in tag]
            known.update(fresh)
            found = references(b"".join(fresh))
        else:
            found = ((match.decode("utf-8", "replace"), True) for match in _LOADED_BY_STYLE.findall(body))
        own: dict[str, str] = {}
        for address, loaded in found:
            problem, target, fragment = _resolve(present, parent, address, loaded)
            if problem:
                report.problems.append(f"{name}: {address} {problem}")
            elif fragment:
                places = own if target in ("", name) else anchors.setdefault(target, {})
                places.setdefault(fragment, name)
        report.problems.extend(_missing_places(name, body, own))
    for target, places in sorted(anchors.items()):
        if not (folder / target).is_file():
            continue  # reported above
        report.problems.extend(_missing_places(target, (folder / target).read_bytes(), places))
    return report


def references(page: bytes) -> Iterator[tuple[str, bool]]:
    """Yields every address in a page, and whether the browser loads it without a click."""
    for tag in _TAGS.findall(page):
        text = tag.decode()
        name = text[1:].split(maxsplit=1)[0]
        attributes = {key: html.unescape(value) for key, value in _ATTRIBUTES.findall(text)}
        for key, value in attributes.items():
            if key == "srcset":
                yield from ((candidate.split()[0], True) for candidate in value.split(",") if candidate.strip())
            elif (name, key) in _LINKS:
                yield value, False
            elif (name, key) in _LOADED and attributes.get("rel") != "canonical":
                yield value, True


def _missing_places(target: str, body: bytes, places: Mapping[str, str]) -> Iterator[str]:
    """Yields a problem for each anchor that a page lacks."""
    for fragment, name in sorted(places.items()):
        if f' id="{html.escape(fragment)}"'.encode() not in body:
            yield f"{name}: {target}#{fragment} has no such place"


def _resolve(present: set[str], folder: str, reference: str, loaded: bool) -> tuple[str, str, str]:
    """Returns what is wrong with a reference, or its target file and the anchor in it.

    An empty file name stands for the page itself.
    """
    if _PLAIN.fullmatch(reference) and (target := posixpath.normpath(posixpath.join(folder, reference))) in present:
        return "", target, ""
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

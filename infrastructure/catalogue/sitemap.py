"""The list of pages for search engines.

Source: https://www.sitemaps.org/protocol.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import urlsplit

from lxml import etree

from domain.errors import UsageError

MAX_ENTRIES: Final = 50_000
_NAMESPACE: Final = "http://www.sitemaps.org/schemas/sitemap/0.9"


def site_address(text: str) -> str:
    """``SITE_URL`` in its one form, ending in ``/``; empty stays empty.

    Raises:
        UsageError: it is no absolute http address, or has a query.
    """
    text = text.strip()
    if not text:
        return ""
    try:
        parts = urlsplit(text)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and not (parts.query or parts.fragment)
    except ValueError:
        valid = False
    if not valid or any(char.isspace() for char in text):
        raise UsageError("SITE_URL: allowed: an address such as https://films.example/ without a query")
    return text if text.endswith("/") else f"{text}/"


def page_address(site: str, path: str) -> str:
    """Where a page will be served; the front page is the folder itself."""
    return site if path == "index.html" else f"{site}{path}"


def sitemaps(site: str, pages: Sequence[str], changed: Mapping[str, str], most: int = MAX_ENTRIES) -> dict[str, bytes]:
    """``sitemap.xml``, or where there are too many pages for one, an index of that name and its parts.

    Args:
        site: ends in ``/``.
        pages: paths of all pages.
        changed: the day a page's content was read, by path, where that is known.
        most: entries in one file.
    """
    if len(pages) <= most:
        return {"sitemap.xml": _urls(site, pages, changed)}
    parts = [pages[start : start + most] for start in range(0, len(pages), most)]
    files = {f"sitemap-{number}.xml": _urls(site, part, changed) for number, part in enumerate(parts, start=1)}
    index = _root("sitemapindex")
    for name in files:
        _add(_add(index, "sitemap"), "loc", f"{site}{name}")
    files["sitemap.xml"] = _text(index)
    return files


def _urls(site: str, pages: Sequence[str], changed: Mapping[str, str]) -> bytes:
    root = _root("urlset")
    for path in pages:
        url = _add(root, "url")
        _add(url, "loc", page_address(site, path))
        if path in changed:
            _add(url, "lastmod", changed[path])
    return _text(root)


def _root(name: str) -> etree._Element:
    unprefixed: dict[str | None, str] = {None: _NAMESPACE}
    return etree.Element(f"{{{_NAMESPACE}}}{name}", nsmap=unprefixed)  # type: ignore[arg-type]  # lxml takes None


def _add(parent: etree._Element, name: str, text: str | None = None) -> etree._Element:
    element = etree.SubElement(parent, f"{{{_NAMESPACE}}}{name}")
    element.text = text
    return element


def _text(root: etree._Element) -> bytes:
    return etree.tostring(root, encoding="utf-8", xml_declaration=True, pretty_print=True)

"""The image server: posters in the size asked for, with ETag and Last-Modified."""

from __future__ import annotations

import hashlib
import re
from collections import OrderedDict
from typing import Final

from infrastructure.demo.body import Body
from infrastructure.demo.catalogue import Catalogue
from infrastructure.demo.messages import Answer, Request

_ADDRESS: Final = re.compile(
    r"/images/(?:M/)?(?P<id>tt\d+)(?:@?\._V1_(?P<orders>[A-Za-z0-9_,]*))?\.jpg"  # ._V1_QL75_UX190_CR0,2,190,281_.jpg
)
_MODIFIED: Final = "Thu, 01 Jan 2026 00:00:00 GMT"
_FULL_WIDTH: Final = 1000
_LEAST_WIDTH: Final = 16


class Posters:
    """Draws posters on demand and remembers the last ones.

    IMDb's image server takes orders in the address; of these, width and height
    (``UX380``, ``SX380``, ``UY562``, ``SY562``, never enlarging) and quality
    (``QL75``) are obeyed. Crops are not.
    """

    def __init__(self, catalogue: Catalogue, seed: int, memory: int = 64 * 1024 * 1024) -> None:
        self._catalogue = catalogue
        self._seed = seed
        self._memory = memory
        self._held = 0
        self._drawn: OrderedDict[tuple[str, int, int], bytes] = OrderedDict()

    def answer(self, request: Request) -> Answer | None:
        """The poster, 304 if the visitor has it, or None if there is none at this address."""
        match = _ADDRESS.fullmatch(request.path)
        title = self._catalogue.find(match["id"]) if match else None
        if match is None or title is None or not title.has_poster:
            return None
        width, quality = _ordered(match["orders"] or "")
        key = (title.imdb_id, width, quality)
        tag = hashlib.blake2b(repr((self._seed, key, title.title)).encode(), digest_size=8).hexdigest()
        headers = (("ETag", f'"{tag}"'), ("Last-Modified", _MODIFIED), ("Cache-Control", "max-age=604800"))
        if _has(request, tag):
            return Answer(304, content_type="image/jpeg", headers=headers)
        picture = self._picture(key, title.title)
        return Answer(200, Body((picture,)), "image/jpeg", headers)

    def _picture(self, key: tuple[str, int, int], title: str) -> bytes:
        if key in self._drawn:
            self._drawn.move_to_end(key)
            return self._drawn[key]
        from infrastructure.demo.poster_art import draw

        imdb_id, width, quality = key
        picture = self._drawn[key] = draw(f"{self._seed}/{imdb_id}", title, width, quality)
        self._held += len(picture)
        while self._held > self._memory and len(self._drawn) > 1:
            self._held -= len(self._drawn.popitem(last=False)[1])
        return picture


def _ordered(orders: str) -> tuple[int, int]:
    """Width in pixels and JPEG quality out of an address's orders."""
    width, quality = _FULL_WIDTH, 82
    for order, number in re.findall(r"(?:^|_)(UX|SX|UY|SY|QL)(\d{1,5})(?=_|$)", orders):
        if order == "QL":
            quality = min(95, max(1, int(number)))
        else:
            width = min(width, int(number) if order.endswith("X") else int(number) * 2 // 3)
    return max(_LEAST_WIDTH, width), quality


def _has(request: Request, tag: str) -> bool:
    """Whether the visitor's copy is current; If-None-Match outranks If-Modified-Since (RFC 9110, 13.2.2)."""
    known = request.headers.get("if-none-match")
    if known is not None:
        return known.strip() == "*" or f'"{tag}"' in known
    return request.headers.get("if-modified-since") == _MODIFIED

"""The image server: posters in the requested size, with ETag and Last-Modified."""

from __future__ import annotations

import hashlib
import re
from collections import OrderedDict
from typing import Final

from infrastructure.demo.bodies import Body
from infrastructure.demo.catalogue import DemoCatalogue
from infrastructure.demo.messages import DemoRequest, DemoResponse

_ADDRESS: Final = re.compile(
    # /images/M/tt0000001@._V1_QL75_UX190_CR0,2,190,281_.jpg
    r"/images/(?:M/)?(?P<id>tt\d+)(?:@?\._V1_(?P<instructions>[A-Za-z0-9_,]*))?\.jpg"
)
_MODIFIED: Final = "Thu, 01 Jan 2026 00:00:00 GMT"
_FULL_WIDTH: Final = 1000
_LEAST_WIDTH: Final = 16


class PosterServer:
    """Draws posters on demand and keeps the last ones.

    IMDb's image server reads instructions from the address. This one follows
    width and height (``UX380``, ``SX380``, ``UY562``, ``SY562``, never enlarging)
    and quality (``QL75``), and ignores crops.
    """

    def __init__(self, catalogue: DemoCatalogue, seed: int, memory: int = 64 * 1024 * 1024) -> None:
        self._catalogue = catalogue
        self._seed = seed
        self._memory = memory
        self._held = 0
        self._drawn: OrderedDict[tuple[str, int, int], bytes] = OrderedDict()

    def answer(self, request: DemoRequest) -> DemoResponse | None:
        """Gives the poster, 304 if the client has it, or None if this address has no poster."""
        match = _ADDRESS.fullmatch(request.path)
        title = self._catalogue.find(match["id"]) if match else None
        if match is None or title is None or not title.has_poster:
            return None
        width, quality = _size_and_quality(match["instructions"] or "")
        key = (title.imdb_id, width, quality)
        tag = hashlib.blake2b(repr((self._seed, key, title.title)).encode(), digest_size=8).hexdigest()
        headers = (("ETag", f'"{tag}"'), ("Last-Modified", _MODIFIED), ("Cache-Control", "max-age=604800"))
        if request.has_current(f'"{tag}"', _MODIFIED):
            return DemoResponse(304, content_type="image/jpeg", headers=headers)
        picture = self._picture(key, title.title)
        return DemoResponse(200, Body((picture,)), "image/jpeg", headers)

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


def _size_and_quality(instructions: str) -> tuple[int, int]:
    """Reads width in pixels and JPEG quality from an address's instructions."""
    width, quality = _FULL_WIDTH, 82
    for instruction, number in re.findall(r"(?:^|_)(UX|SX|UY|SY|QL)(\d{1,5})(?=_|$)", instructions):
        if instruction == "QL":
            quality = min(95, max(1, int(number)))
        else:
            width = min(width, int(number) if instruction.endswith("X") else int(number) * 2 // 3)
    return max(_LEAST_WIDTH, width), quality

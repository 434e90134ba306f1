"""Downloads posters: the size that is needed, and only when it has changed."""

from __future__ import annotations

import re
import threading
from typing import TYPE_CHECKING, Final

from application.ports.posters import Poster, PosterAnswer
from domain.errors import Blocked, SourceError, Transient

if TYPE_CHECKING:
    from infrastructure.http import Downloader

_ACCEPT: Final = "image/jpeg,image/webp,image/png;q=0.8,image/gif;q=0.5"
_SIZABLE: Final = re.compile(r"(?P<stem>.+)\._V1_[^/]*\.(?P<suffix>jpe?g|png|webp)", re.IGNORECASE)


def sized(url: str, width: int) -> str:
    """Returns the address of the same picture scaled to ``width`` pixels.

    IMDb's image server takes instructions between ``._V1_`` and the suffix:
    ``UX720`` scales to a width and never enlarges. Other addresses are returned
    unchanged.
    """
    match = _SIZABLE.fullmatch(url)
    return url if match is None else f"{match['stem']}._V1_UX{width}_.{match['suffix']}"


class HttpPosterSource:
    """Fetches posters through a downloader.

    Args:
        width: pixels to request from image servers that can scale.
    """

    def __init__(self, downloader: Downloader, width: int) -> None:
        self._downloader = downloader
        self._width = width

    def poster(self, url: str, known: Poster | None, *, max_requests: int, cancel: threading.Event) -> PosterAnswer:
        headers = {"Accept": _ACCEPT}
        if known is not None and known.url == url:
            if known.etag:
                headers["If-None-Match"] = known.etag
            if known.last_modified:
                headers["If-Modified-Since"] = known.last_modified
        address = sized(url, self._width)
        try:
            page = self._downloader.get(
                address,
                max_requests=max_requests,
                cancel=cancel,
                headers=headers,
                patient=False,
                forbidden_is_block=False,
            )
        except Blocked as block:  # by this image host only; others are not affected
            error = SourceError(f"{address}: {str(block).partition(';')[0]}")
            error.requests, error.size = block.requests, block.size
            raise error from block
        if page.status not in (200, 304):
            unusable = Transient(f"{address}: status {page.status} instead of a picture")
            unusable.requests, unusable.size = page.requests, page.size
            raise unusable
        return PosterAnswer(
            body=None if page.status == 304 else page.body,
            content_type=page.headers.get("Content-Type", ""),
            etag=page.headers.get("ETag", ""),
            last_modified=page.headers.get("Last-Modified", ""),
            size=page.size,
            requests=page.requests,
        )

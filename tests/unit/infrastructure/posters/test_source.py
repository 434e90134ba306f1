"""Asking for the size that is needed."""

from __future__ import annotations

import pytest

from infrastructure.posters.source import sized

_IMDB = "https://m.media-amazon.com/images/M/MV5BMDAyY2FhYjct@"


@pytest.mark.parametrize(
    "url",
    [
        f"{_IMDB}._V1_.jpg",
        f"{_IMDB}._V1_UX190_CR0,2,190,281_AL_.jpg",
        f"{_IMDB}._V1_QL75_UY562_CR4,0,380,562_.jpg",
    ],
)
def test_imdbs_image_server_is_asked_for_a_width(url: str) -> None:
    assert sized(url, 720) == f"{_IMDB}._V1_UX720_.jpg"


def test_a_size_asked_for_before_is_asked_for_again_only_once() -> None:
    assert sized(sized(f"{_IMDB}._V1_.png", 720), 300) == f"{_IMDB}._V1_UX300_.png"


@pytest.mark.parametrize(
    "url", ["https://images.example/poster.jpg", "https://images.example/a._V1_/b.jpg", "not an address", ""]
)
def test_any_other_address_stays_as_it_is(url: str) -> None:
    assert sized(url, 720) == url

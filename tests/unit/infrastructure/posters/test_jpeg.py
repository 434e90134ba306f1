"""JPEG metadata leaves, pixels stay."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from infrastructure.posters.images import without_metadata
from tests.support import pictures


def test_comments_exif_and_profiles_go_and_pixels_stay() -> None:
    exif = Image.Exif()
    exif[0x010E] = "secret exif"
    body = pictures.noisy("JPEG", exif=exif, comment=b"secret comment", icc_profile=b"secret profile")
    bare = without_metadata(body)
    assert b"secret" in body
    assert b"secret" not in bare
    assert Image.open(io.BytesIO(bare)).tobytes() == Image.open(io.BytesIO(body)).tobytes()


def test_adobes_marker_stays_because_colours_depend_on_it() -> None:
    body = pictures.plain("JPEG", "CMYK", colour=(0, 255, 0, 0))
    assert b"Adobe" in body
    assert Image.open(io.BytesIO(without_metadata(body))).tobytes() == Image.open(io.BytesIO(body)).tobytes()


def test_a_picture_without_metadata_stays_the_same() -> None:
    body = pictures.noisy("JPEG")
    assert without_metadata(body) == body


@given(st.binary(max_size=200))
def test_what_is_no_jpeg_is_told(tail: bytes) -> None:
    try:
        without_metadata(b"\xff\xd8" + tail)
    except ValueError:
        return
    assert b"\xff\xda" in tail, "only a scan ends the search without an error"


@pytest.mark.parametrize("length", [2, 3, 6, 20])
def test_a_cut_jpeg_is_told(length: int) -> None:
    with pytest.raises(ValueError, match="truncated JPEG"):
        without_metadata(pictures.noisy("JPEG")[:length])

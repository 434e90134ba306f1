"""What becomes of pictures from the web, the good and the bad."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from PIL import Image, ImageCms

from domain.errors import UnusablePicture
from infrastructure.posters.images import Encoded, EncodingOptions, PictureLimits, encode
from tests.support import pictures

_RECIPE = EncodingOptions()
_LIMITS = PictureLimits()


def _encode(body: bytes, content_type: str = "image/jpeg", options: EncodingOptions = _RECIPE) -> dict[str, Encoded]:
    files = encode(body, content_type, options, _LIMITS)
    return {f"{file.role}.{file.format}": file for file in files}


def _opened(file: Encoded) -> Image.Image:
    picture = Image.open(io.BytesIO(file.body))
    picture.load()
    return picture


def test_a_poster_becomes_webp_and_jpeg_in_two_sizes() -> None:
    files = _encode(pictures.smooth("JPEG", (1000, 1500), quality=95))
    assert set(files) == {"full.webp", "full.jpeg", "thumb.webp", "thumb.jpeg"}
    assert {name: (file.width, file.height) for name, file in files.items()} == {
        "full.webp": (720, 1080),
        "full.jpeg": (720, 1080),
        "thumb.webp": (320, 480),
        "thumb.jpeg": (320, 480),
    }
    for name, file in files.items():
        picture = _opened(file)
        assert picture.size == (file.width, file.height)
        assert (picture.format or "").lower() == name.partition(".")[2]


def test_a_small_picture_is_not_enlarged() -> None:
    files = _encode(pictures.plain("PNG", size=(200, 300)), "image/png")
    assert {(file.width, file.height) for file in files.values()} == {(200, 300)}


def test_a_very_tall_picture_keeps_within_bounds() -> None:
    files = _encode(pictures.plain("JPEG", size=(900, 9000)))
    assert (files["full.jpeg"].width, files["full.jpeg"].height) == (144, 1440)


def test_metadata_is_stripped() -> None:
    exif = Image.Exif()
    exif[0x010E] = "secret description"
    body = pictures.noisy("JPEG", (1000, 1500), exif=exif, comment=b"secret comment", quality=95)
    assert b"secret" in body
    assert not any(b"secret" in file.body for file in _encode(body).values())


def test_the_original_is_kept_where_optimising_makes_it_larger_but_without_metadata() -> None:
    exif = Image.Exif()
    exif[0x010E] = "secret description"
    body = pictures.noisy("JPEG", quality=15, exif=exif)  # re-encoding at 82 can only grow
    kept = _encode(body)["full.jpeg"].body
    assert len(kept) < len(body)
    assert b"secret" not in kept
    assert list(_opened_bytes(kept)) == list(_opened_bytes(body)), "the pixels are the original's"


def _opened_bytes(body: bytes) -> bytes:
    return Image.open(io.BytesIO(body)).tobytes()


def test_a_webp_no_smaller_than_the_jpeg_is_left_out() -> None:
    files = _encode(pictures.noisy("JPEG", quality=10))
    assert "full.jpeg" in files
    for role in ("full", "thumb"):
        if f"{role}.webp" in files:
            assert len(files[f"{role}.webp"].body) < len(files[f"{role}.jpeg"].body)


def test_an_original_webp_is_kept_if_it_is_the_smaller() -> None:
    body = pictures.noisy("WEBP", quality=5)
    assert _encode(body, "image/webp")["full.webp"].body == body


def test_a_sideways_photograph_stands_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees to the right
    files = _encode(pictures.plain("JPEG", size=(600, 400), exif=exif))
    assert (files["full.jpeg"].width, files["full.jpeg"].height) == (400, 600)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_is_turned_the_way_pillow_itself_does(orientation: int) -> None:
    from PIL import ImageOps

    picture = Image.new("RGB", (60, 40), "white")
    picture.paste((255, 0, 0), (0, 0, 20, 10))
    exif = Image.Exif()
    exif[0x0112] = orientation
    out = io.BytesIO()
    picture.save(out, "PNG", exif=exif)
    expected = ImageOps.exif_transpose(Image.open(io.BytesIO(out.getvalue())))
    found = _opened(_encode(out.getvalue(), "image/png")["full.jpeg"])
    assert found.size == expected.size
    for x, y in ((2, 2), (expected.width - 3, 2), (2, expected.height - 3)):
        red = found.getpixel((x, y))
        assert isinstance(red, tuple)
        assert (red[1] < 128) == (expected.getpixel((x, y)) == (255, 0, 0))


def test_a_cmyk_jpeg_comes_out_in_the_right_colours() -> None:
    files = _encode(pictures.plain("JPEG", "CMYK", colour=(0, 255, 255, 0)))  # red ink
    picture = _opened(files["full.jpeg"])
    assert picture.mode == "RGB"
    red, green, blue = picture.getpixel((50, 50))  # type: ignore[misc]
    assert red > 200
    assert green < 60
    assert blue < 60


def test_an_animated_gif_gives_its_first_frame() -> None:
    picture = _opened(_encode(pictures.animated_gif(), "image/gif")["full.jpeg"])
    red, green, blue = picture.getpixel((50, 50))  # type: ignore[misc]
    assert red > 200
    assert max(green, blue) < 60


@pytest.mark.parametrize("mode", ["L", "LA", "P", "RGBA", "1", "I;16"])
def test_every_mode_of_png_comes_out(mode: str) -> None:
    picture = Image.new(mode, (120, 180), 0)
    out = io.BytesIO()
    picture.save(out, "PNG")
    assert _opened(_encode(out.getvalue(), "image/png")["full.jpeg"]).mode == "RGB"


def test_what_is_transparent_becomes_white() -> None:
    body = pictures.plain("PNG", "RGBA", colour=(255, 0, 0, 0))
    assert _opened(_encode(body, "image/png")["full.jpeg"]).getpixel((9, 9)) == (255, 255, 255)


def test_sixteen_bits_of_grey_are_not_burnt_out() -> None:
    out = io.BytesIO()
    Image.new("I;16", (120, 180), 0x4000).save(out, "PNG")
    grey = _opened(_encode(out.getvalue(), "image/png")["full.jpeg"]).getpixel((9, 9))
    assert isinstance(grey, tuple)
    assert 50 < grey[0] < 80


def test_a_colour_profile_is_applied_and_removed() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    body = pictures.plain("PNG", colour=(10, 200, 90), icc_profile=profile)
    for file in _encode(body, "image/png").values():
        picture = _opened(file)
        assert "icc_profile" not in picture.info
    red, green, blue = _opened(_encode(body, "image/png")["full.jpeg"]).getpixel((9, 9))  # type: ignore[misc]
    assert abs(red - 10) < 8
    assert abs(green - 200) < 8
    assert abs(blue - 90) < 8


def test_a_broken_colour_profile_does_no_harm() -> None:
    assert _encode(pictures.plain("PNG", icc_profile=b"nonsense"), "image/png")


def test_without_optimising_the_picture_stays_as_it_came() -> None:
    body = pictures.noisy("JPEG")
    assert _encode(body, options=EncodingOptions(optimize=False)) == {
        "full.jpeg": Encoded("full", "jpeg", 400, 600, body)
    }


def test_another_recipe_has_another_mark() -> None:
    marks = {
        EncodingOptions().fingerprint,
        EncodingOptions(optimize=False).fingerprint,
        EncodingOptions(full_width=600).fingerprint,
        EncodingOptions(webp_quality=60).fingerprint,
    }
    assert len(marks) == 4


@pytest.mark.parametrize("optimize", [True, False])
@pytest.mark.parametrize(
    ("body", "content_type", "reason"),
    [
        (b"<!doctype html><title>Sorry</title>", "text/html", "sent text/html"),
        (b"<!doctype html><title>Sorry</title>", "image/jpeg", "not JPEG, PNG, GIF or WebP"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", "image/svg+xml", "image/svg"),
        (b"", "image/jpeg", "not JPEG"),
        (b"\xff\xd8\xff", "image/jpeg", "broken JPEG"),
        (pictures.noisy("JPEG")[:4000], "image/jpeg", "broken JPEG"),
        (pictures.noisy("PNG")[:4000], "image/png", "broken PNG"),
        (pictures.noisy("WEBP")[:1000], "image/webp", "broken WEBP"),
        (b"RIFF\x24\x00\x00\x00WEBPVP8 junk", "image/webp", "broken WEBP"),
        pytest.param(pictures.vast_png, "image/png", "pixels", marks=pytest.mark.long),  # 200 MB to compress
        (partial(pictures.vast_png, 8_000, 8_000), "image/png", "64000000|8000 x 8000|pixels"),
        (pictures.plain("GIF", size=(1, 1)), "image/gif", "too small"),
        (b"BM" + bytes(400), "image/bmp", "sent image/bmp"),
    ],
    ids=[
        "html", "html as jpeg", "svg", "empty", "three bytes", "cut jpeg", "cut png", "cut webp", "junk webp",
        "40,000 squared", "8,000 squared", "one pixel", "bmp",
    ],
)  # fmt: skip
def test_what_is_no_poster_is_refused_with_a_reason(
    body: bytes | Callable[[], bytes], content_type: str, reason: str, optimize: bool
) -> None:
    with pytest.raises(UnusablePicture, match=reason):
        encode(body() if callable(body) else body, content_type, EncodingOptions(optimize=optimize), _LIMITS)


def test_a_file_of_too_many_bytes_is_refused_before_it_is_opened() -> None:
    with pytest.raises(UnusablePicture, match="bytes, more than"):
        encode(pictures.plain("PNG"), "image/png", _RECIPE, replace(_LIMITS, max_bytes=100))


@pytest.mark.parametrize("content_type", ["", "application/octet-stream", "image/png", "image/jpeg; charset=binary"])
def test_the_bytes_decide_what_it_is_where_a_picture_was_promised(content_type: str) -> None:
    assert "full.jpeg" in _encode(pictures.plain("JPEG"), content_type)


_DAMAGED = (
    pictures.noisy("JPEG", (80, 120)),
    pictures.noisy("PNG", (80, 120)),
    pictures.noisy("WEBP", (80, 120)),
    pictures.animated_gif(),
)


@given(st.sampled_from(_DAMAGED), st.lists(st.tuples(st.integers(0, 3000), st.integers(0, 255)), max_size=8), st.data())
def test_damage_is_survived_or_told(body: bytes, changes: list[tuple[int, int]], data: st.DataObject) -> None:
    damaged = bytearray(body)
    for at, value in changes:
        damaged[at % len(damaged)] = value
    cut = data.draw(st.integers(1, len(damaged)))
    try:
        files = encode(bytes(damaged[:cut]), "", _RECIPE, _LIMITS)
    except UnusablePicture:
        return
    assert all(_opened(file).size == (file.width, file.height) for file in files)

"""Styles, scripts and fonts of a build."""

from __future__ import annotations

import hashlib
import re

import pytest

from infrastructure.catalogue.build import bundle_assets


@pytest.mark.parametrize("minify", [True, False])
@pytest.mark.parametrize("fingerprint", [True, False])
def test_styles_refer_to_files_of_the_bundle_assets(minify: bool, fingerprint: bool) -> None:
    made = bundle_assets(minify=minify, fingerprint=fingerprint)
    assert set(made.paths.values()) == set(made.files)
    style = made.files[made.paths["catalogue.css"]].decode()
    found = re.findall(r'url\("?([^")]+)"?\)', style)
    assert len(found) == 2
    assert all(f"assets/{name}" in made.files for name in found)


def test_names_tell_the_content() -> None:
    made = bundle_assets(minify=True, fingerprint=True)
    for path, body in made.files.items():
        assert f".{hashlib.sha256(body).hexdigest()[:8]}." in path
    plain = bundle_assets(minify=True, fingerprint=False)
    assert plain.paths["grid.js"] == "assets/grid.js"


def test_minified_is_smaller_and_says_the_same() -> None:
    small, large = bundle_assets(minify=True, fingerprint=False), bundle_assets(minify=False, fingerprint=False)
    for name in ("catalogue.css", "grid.js", "theme.js"):
        before, after = large.files[large.paths[name]], small.files[small.paths[name]]
        assert len(after) < len(before)
        assert not after.lstrip().startswith(b"/*")
    for part in (b"--axis:38.2%", b"@media print", b"clamp(", b":not("):
        assert part in small.files[small.paths["catalogue.css"]]


def test_the_fonts_licence_goes_with_the_fonts() -> None:
    made = bundle_assets(minify=True, fingerprint=True)
    assert b"SIL OPEN FONT LICENSE" in made.files[made.paths["archivo-licence.txt"]]


def test_it_is_the_same_every_time() -> None:
    assert bundle_assets(minify=True, fingerprint=True) == bundle_assets(minify=True, fingerprint=True)

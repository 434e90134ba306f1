"""Joins and minifies styles and scripts, and names them by their content so that browsers can cache them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Final

import msgspec

from infrastructure.catalogue.typography import FONT_FILES, FONTS

FOLDER: Final = "assets"
_HERE: Final = Path(__file__).parent
_STYLES: Final = (
    "foundation.css",
    "masthead.css",
    "grid.css",
    "lists.css",
    "film.css",
    "plots.css",
    "search.css",
    "print.css",
)
_SCRIPTS: Final = ("theme.js", "grid.js", "search.js")
_URL: Final = re.compile(r'url\("([^":]+)"\)')


class Bundle(msgspec.Struct, frozen=True):
    """Asset files.

    Attributes:
        files: content by path relative to the output folder.
        paths: the path by the plain name that templates use: ``catalogue.css``.
    """

    files: Mapping[str, bytes]
    paths: Mapping[str, str]


def bundle(*, minify: bool, fingerprint: bool) -> Bundle:
    """Returns everything pages refer to besides posters."""
    files: dict[str, bytes] = {}
    paths: dict[str, str] = {}

    def add(name: str, body: bytes) -> None:
        path = PurePosixPath(FOLDER, name)
        if fingerprint:
            path = path.with_name(f"{path.stem}.{hashlib.sha256(body).hexdigest()[:8]}{path.suffix}")
        files[str(path)] = body
        paths[name] = str(path)

    for name in FONT_FILES:
        add(name, (FONTS / name).read_bytes())
    add("archivo-licence.txt", (FONTS / "OFL.txt").read_bytes())
    add("icon.svg", (_HERE / "styles" / "icon.svg").read_bytes())
    style = "\n".join((_HERE / "styles" / name).read_text(encoding="utf-8") for name in _STYLES)
    # Styles and fonts are in one folder.
    style = _URL.sub(lambda match: f'url("{PurePosixPath(paths[match[1]]).name}")', style)
    add("catalogue.css", (_minified_style(style) if minify else style).encode())
    for name in _SCRIPTS:
        script = (_HERE / "scripts" / name).read_text(encoding="utf-8")
        add(name, (_minified_script(script) if minify else script).encode())
    return Bundle(files, paths)


def _minified_style(style: str) -> str:
    import rcssmin  # type: ignore[import-untyped]

    return str(rcssmin.cssmin(style)) + "\n"


def _minified_script(script: str) -> str:
    import rjsmin  # type: ignore[import-untyped]

    return str(rjsmin.jsmin(script)) + "\n"

"""Styles, scripts and fonts: joined, minified, and named by their content so that browsers may keep them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

FOLDER: Final = "assets"
_HERE: Final = Path(__file__).parent
_FONTS: Final = ("archivo.woff2", "archivo-extended.woff2")
_STYLES: Final = ("foundation.css", "masthead.css", "cards.css", "controls.css", "roll.css", "figures.css", "print.css")
_SCRIPTS: Final = ("theme.js", "chart.js")
_URL: Final = re.compile(r'url\("([^":]+)"\)')


@dataclass(frozen=True, slots=True)
class Bundle:
    """Files ready to be written.

    Attributes:
        files: content by path relative to the output folder.
        paths: that path by the plain name templates use: ``catalogue.css``.
    """

    files: Mapping[str, bytes]
    paths: Mapping[str, str]


def bundle(*, minify: bool, fingerprint: bool) -> Bundle:
    """Everything pages refer to besides posters."""
    files: dict[str, bytes] = {}
    paths: dict[str, str] = {}

    def add(name: str, body: bytes) -> None:
        path = PurePosixPath(FOLDER, name)
        if fingerprint:
            path = path.with_name(f"{path.stem}.{hashlib.sha256(body).hexdigest()[:8]}{path.suffix}")
        files[str(path)] = body
        paths[name] = str(path)

    for name in _FONTS:
        add(name, (_HERE / "fonts" / name).read_bytes())
    add("archivo-licence.txt", (_HERE / "fonts" / "OFL.txt").read_bytes())
    add("icon.svg", (_HERE / "styles" / "icon.svg").read_bytes())
    style = "\n".join((_HERE / "styles" / name).read_text(encoding="utf-8") for name in _STYLES)
    # Styles lie beside what they refer to.
    style = _URL.sub(lambda match: f'url("{PurePosixPath(paths[match[1]]).name}")', style)
    add("catalogue.css", (_smaller_style(style) if minify else style).encode())
    for name in _SCRIPTS:
        script = (_HERE / "scripts" / name).read_text(encoding="utf-8")
        add(name, (_smaller_script(script) if minify else script).encode())
    return Bundle(files, paths)


def _smaller_style(style: str) -> str:
    import rcssmin  # type: ignore[import-untyped]

    return str(rcssmin.cssmin(style)) + "\n"


def _smaller_script(script: str) -> str:
    import rjsmin  # type: ignore[import-untyped]

    return str(rjsmin.jsmin(script)) + "\n"

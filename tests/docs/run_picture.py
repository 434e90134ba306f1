"""A picture of a run for the README.

    python -m tests.docs.run_picture [FILE]

Runs ``python main.py --demo`` in a terminal of 100 columns and writes its screen,
as it stands some way through the run, as SVG into ``docs/run.svg``.
"""

from __future__ import annotations

import codecs
import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import tempfile
import termios
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Final
from xml.sax.saxutils import escape

import pyte
from pyte.screens import Char

from tests.conftest import ROOT

COLUMNS: Final = 100
ROWS: Final = 11
_DOCS: Final = ROOT / "docs" / "run.svg"
_COMMAND: Final = "python main.py --demo"
_SHOWN_FROM: Final = 50  # percent of the run
_QUIET: Final = 0.03  # seconds without output: the frame is whole
_LINE, _SIZE, _ADVANCE, _MARGIN, _BAR = 18, 14, 8.4, 16, 34
# A dark window on any page; the colours are pyte's names.
_BACKGROUND: Final = "#1b1f27"
_COLOURS: Final = {
    "default": "#d8dce4", "black": "#5c6370", "red": "#f07178", "green": "#8fce7e", "brown": "#e6c07b",
    "blue": "#6cb2f5", "magenta": "#d48fe0", "cyan": "#5fc9d3", "white": "#d8dce4",
    "brightblack": "#8b93a1", "brightred": "#ff8b92", "brightgreen": "#a9e39a", "brightbrown": "#f3d38f",
    "brightblue": "#8cc6ff", "brightmagenta": "#e5a9ef", "brightcyan": "#82dde6", "brightwhite": "#ffffff",
}  # fmt: skip


def main(file: Path = _DOCS) -> None:
    """Make the picture anew."""
    with tempfile.TemporaryDirectory() as folder:
        file.write_text(picture(screen_of_a_run(Path(folder), "--demo")), encoding="utf-8")


def screen_of_a_run(folder: Path, *arguments: str, shown_from: int = _SHOWN_FROM) -> pyte.Screen:
    """The terminal some way through a run of the program, with its data in ``folder``.

    Raises:
        RuntimeError: the run ended before it was seen there.
    """
    screen = pyte.Screen(COLUMNS, ROWS)
    stream = pyte.Stream(screen)
    decoder = codecs.getincrementaldecoder("utf-8")()
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    inherited = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "TMPDIR")}
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "main.py"), *arguments],
        cwd=folder,
        env={**inherited, "TERM": "xterm-256color", "LANG": "C.UTF-8"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    try:
        while not _is_far_enough(screen, shown_from):
            while select.select([ours], [], [], _QUIET)[0]:
                if not (output := _read(ours)):
                    raise RuntimeError("the run ended before it could be shown:\n" + "\n".join(screen.display))
                stream.feed(decoder.decode(output))
        return screen
    finally:
        process.terminate()
        while _read(ours):  # whoever cannot write does not end
            pass
        process.wait()
        os.close(ours)


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # Linux's way to say that the other side is closed
        return b""


def _is_far_enough(screen: pyte.Screen, percent: int) -> bool:
    return any(percent <= int(found) < 100 for line in screen.display for found in re.findall(r"(\d+)%", line))


def picture(screen: pyte.Screen) -> str:
    """The screen as SVG: text that can be selected, in whatever monospaced font there is."""
    width = round(COLUMNS * _ADVANCE + 2 * _MARGIN)
    height = _BAR + ROWS * _LINE + _MARGIN
    dots = (f'<circle cx="{20 + 18 * place}" cy="17" r="5.5" fill="#4a5160"/>' for place in range(3))
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" aria-labelledby="t"'
            f" font-family=\"ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace\""
            f' font-size="{_SIZE}">',
            f'<title id="t">{_COMMAND}, some way through the run</title>',
            f'<rect width="{width}" height="{height}" rx="8" fill="{_BACKGROUND}"/>',
            *dots,
            f'<text x="{width // 2}" y="22" text-anchor="middle" fill="#8b93a1">{_COMMAND}</text>',
            *(piece for row in range(ROWS) for piece in _line(screen, row)),
            "</svg>",
            "",
        ]
    )


def _line(screen: pyte.Screen, row: int) -> Iterator[str]:
    """The pieces of a line that look alike, each held to its columns whatever the font's width."""
    cells = [screen.buffer[row][column] for column in range(COLUMNS)]
    column = 0
    for (colour, bold), group in groupby(cells, key=_look):
        text = "".join(cell.data for cell in group)
        weight = ' font-weight="700"' if bold else ""
        for words in re.finditer(r"\S+(?: \S+)*", text):
            yield (
                f'<text x="{_MARGIN + (column + words.start()) * _ADVANCE:.1f}" y="{_BAR + row * _LINE + _SIZE}"'
                f' textLength="{len(words[0]) * _ADVANCE:.1f}" lengthAdjust="spacingAndGlyphs" fill="{colour}"{weight}>'
                f"{escape(words[0])}</text>"
            )
        column += len(text)


def _look(cell: Char) -> tuple[str, bool]:
    if not cell.data.strip():
        return _COLOURS["default"], False
    return _COLOURS.get(cell.fg, f"#{cell.fg}"), cell.bold


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:2]))

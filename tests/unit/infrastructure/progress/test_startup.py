"""The spinner before a run."""

from __future__ import annotations

import fcntl
import io
import os
import pty
import re
import struct
import subprocess
import sys
import termios
import threading

import pytest

from infrastructure.progress.startup import StartupDisplay
from tests.conftest import ROOT


class Terminal(io.StringIO):
    """Counts as a terminal; remembers when its text last changed."""

    def __init__(self) -> None:
        super().__init__()
        self.changed = threading.Condition()

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> int:
        with self.changed:
            count = super().write(text)
            self.changed.notify_all()
        return count

    def wait_for(self, text: str) -> None:
        with self.changed:
            assert self.changed.wait_for(lambda: text in self.getvalue(), timeout=20), self.getvalue()


def test_current_phases_are_shown_together_and_the_title_between_them() -> None:
    terminal = Terminal()
    display = StartupDisplay(terminal, quiet=False, environ={})
    display.begin("scraping")
    assert re.search("\x1b\\[K⠋ scraping  0\\.\\d s$", terminal.getvalue())
    with display.phase("starting PostgreSQL"), display.phase("reading the chart"):
        terminal.wait_for("⠙ starting PostgreSQL, reading the chart")
    assert re.search("scraping  \\d\\.\\d s$", terminal.getvalue())
    display.end()
    display.end()
    assert terminal.getvalue().endswith("\r\x1b[K")


def test_what_others_write_meanwhile_stands_on_a_line_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    display = StartupDisplay(terminal, quiet=False, environ={})
    display.begin("scraping")
    sys.stderr.write("a warning\n")
    with display.paused():
        terminal.write("a line of output\n")
    display.end()
    assert sys.stderr is terminal
    for line in ("a warning", "a line of output"):
        assert re.search(f"(\r\x1b\\[K|\n){line}\n", terminal.getvalue())


@pytest.mark.parametrize(("quiet", "written"), [(False, "scraping\n"), (True, "")])
def test_other_output_gets_one_line(quiet: bool, written: str) -> None:
    stream = io.StringIO()
    display = StartupDisplay(stream, quiet=quiet, environ={})
    display.begin("scraping")
    with display.phase("starting PostgreSQL"):
        pass
    display.end()
    assert stream.getvalue() == written


def test_nothing_is_drawn_without_a_phase() -> None:
    terminal = Terminal()
    display = StartupDisplay(terminal, quiet=False, environ={})
    with display.phase("starting PostgreSQL"):
        pass
    length = len(terminal.getvalue())
    display.end()
    assert terminal.getvalue()[length:] == ""


def test_a_narrow_terminal_gets_one_line() -> None:
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 20, 24, 0, 0))
    with os.fdopen(theirs, "w", encoding="utf-8") as stream:
        display = StartupDisplay(stream, quiet=False, environ={})
        display.begin("a title that is longer than the terminal is wide")
        display.end()
        written = os.read(ours, 4096).decode()
    os.close(ours)
    longest = max(len(each) for each in re.split("\r\x1b\\[K", written))
    assert longest == 23


def test_it_loads_nothing_large() -> None:
    script = (
        "import sys; import infrastructure.progress.startup\n"
        "sys.exit(any(name in sys.modules for name in ('rich', 'click', 'msgspec', 'application')))"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False, cwd=ROOT).returncode == 0

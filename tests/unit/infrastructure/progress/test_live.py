"""The live display on a real terminal, wide and narrow, with and without colours, while its size changes."""

from __future__ import annotations

import fcntl
import io
import os
import re
import struct
import subprocess
import sys
import termios
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from rich.console import Console, Group

from application.ports.runs import Job, Outcome, Status
from infrastructure.progress.displays import ActiveJob, GuardedProgress, ProgressSnapshot, progress_for
from infrastructure.progress.live import MAX_LINES, LiveProgress, job_lines, overall_line
from shared.clock import SystemClock

CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
COLOUR = re.compile(r"\x1b\[(?:[0-9;]*;)?(?:3[0-8]|4[0-8]|9[0-7]|10[0-7])(?:;[0-9;]*)?m")


class Terminal:
    """A terminal of its own, with a program on it."""

    def __init__(self, rows: int, columns: int, jobs: int, busy: int, environ: dict[str, str]) -> None:
        self._mine, theirs = os.openpty()
        self.resize(rows, columns)
        command = [sys.executable, "-m", "tests.unit.infrastructure.progress.on_a_terminal", str(jobs), str(busy)]
        kept = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "COLUMNS", "LINES")}
        self.program = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=theirs,
            env=kept | {"TERM": "xterm-256color"} | environ,
            text=True,
        )
        os.close(theirs)
        self._written = bytearray()
        self._more = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def resize(self, rows: int, columns: int) -> None:
        fcntl.ioctl(self._mine, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def wait_for(self, text: str, *, after: int = 0) -> int:
        """Wait until the text has come; answers how much has been written then."""
        with self._more:
            assert self._more.wait_for(lambda: text in CONTROL.sub("", self._text(after)), timeout=20), self._text()
            return len(self._written)

    def finish(self) -> str:
        """Let the program end; answers all that it wrote on the terminal."""
        assert self.program.stdin is not None
        assert self.program.stdout is not None
        assert self.program.stdout.readline() == "ready\n"
        self.program.stdin.write("go\n")
        self.program.stdin.flush()
        assert self.program.stdout.read() == "ended\n"
        assert self.program.wait() == 0
        self._reader.join()
        return self._text()

    def close(self) -> None:
        self.program.kill()
        self.program.communicate()
        self._reader.join()
        os.close(self._mine)

    def _text(self, start: int = 0) -> str:
        return bytes(self._written[start:]).decode()

    def _read(self) -> None:
        while True:
            try:
                data = os.read(self._mine, 65536)
            except OSError:  # Linux says so when the other side has gone
                data = b""
            with self._more:
                self._written += data
                self._more.notify_all()
            if not data:
                return


@contextmanager
def terminal(
    rows: int = 30, columns: int = 100, *, jobs: int = 250, busy: int = 5, **environ: str
) -> Iterator[Terminal]:
    made = Terminal(rows, columns, jobs, busy, environ)
    try:
        yield made
    finally:
        made.close()


def shown(written: str) -> list[str]:
    return [line for line in CONTROL.sub("", written).replace("\r", "\n").split("\n") if line]


def test_bar_workers_notes_and_warnings_share_the_screen() -> None:
    with terminal() as screen:
        screen.wait_for("   4  Film 3")
        written = screen.finish()
    lines = shown(written)
    assert "a note for the user" in lines
    assert any(line.endswith("a warning from a module") for line in lines)
    assert any(re.match(r"Top 250  ━+  0/250  0%", line) for line in lines)
    assert any(re.search(r"   4  Film 3 +fetch +\d+\.\d s  attempt 2", line) for line in lines)
    assert re.match(r"Top 250  ━+  250/250  100%  1 failed", lines[-1])
    assert COLOUR.search(written)


def test_no_colours_with_no_color() -> None:
    with terminal(NO_COLOR="1") as screen:
        screen.wait_for("   4  Film 3")
        written = screen.finish()
    assert not COLOUR.search(written)
    assert "250/250" in written


def test_a_dumb_terminal_gets_lines() -> None:
    with terminal(TERM="dumb") as screen:
        written = screen.finish()
    assert "\x1b" not in written
    assert "[100%] 250/250" in written


@pytest.mark.parametrize(("rows", "columns"), [(24, 80), (10, 40), (6, 20), (3, 12), (2, 5), (60, 200)])
def test_no_line_is_longer_than_the_terminal_and_no_frame_higher(rows: int, columns: int) -> None:
    with terminal(rows, columns, busy=50) as screen:
        begin = screen.wait_for("0/2")
        screen.wait_for("0/2", after=begin)
        written = screen.finish()
    assert max(map(len, shown(written))) <= columns
    ups = [int(times) for times in re.findall(r"\x1b\[(\d+)A", written)]
    frames = re.findall(r"(?:\x1b\[1A\x1b\[2K)+", written)
    heights = [frame.count("\x1b[1A") + 1 for frame in frames]
    assert max([*heights, *ups], default=0) <= max(rows, 2)


def test_it_follows_the_size_of_the_terminal() -> None:
    with terminal(30, 120, busy=50) as screen:
        screen.wait_for("and 42 more")
        screen.resize(6, 30)
        begin = screen.wait_for("and 47 more")
        end = screen.wait_for("and 47 more", after=begin)
        narrow = shown(screen._text(begin))
        screen.resize(60, 120)
        screen.wait_for("and 42 more", after=end)
        screen.finish()
    assert max(map(len, narrow)) <= 30


SNAPSHOT = ProgressSnapshot("Top 250", 250, 72, 3, 0, 12.3, 19.7e6, 14.4, ())


def drawn(width: int, *, final: bool = False) -> str:
    console = Console(file=io.StringIO(), width=width, color_system=None)
    with console.capture() as capture:
        console.print(Group(overall_line(SNAPSHOT, width, final=final)))
    return capture.get().rstrip("\n")


def test_the_least_important_numbers_are_dropped_first() -> None:
    assert drawn(120).endswith("72/250  28%  3 failed  0:14 left  12.3/s  19.7 MB/s")
    assert drawn(50).endswith("72/250  28%  3 failed  0:14 left  12.3/s")
    assert drawn(44).endswith("72/250  28%  3 failed  0:14 left")
    assert drawn(26).endswith("72/250  28%")
    assert drawn(10) == "72/250"


def test_the_last_frame_has_no_rate_and_no_time_left() -> None:
    assert re.fullmatch("Top 250  ━+ +72/250  28%  3 failed", drawn(120, final=True))


@pytest.mark.parametrize("width", range(1, 130))
def test_the_bar_fits_every_width(width: int) -> None:
    assert "\n" not in drawn(width)
    assert len(drawn(width)) <= width


def active(count: int) -> tuple[ActiveJob, ...]:
    return tuple(ActiveJob(Job(number, f"tt{number:07}"), "fetch", 1, 1.0) for number in range(count))


@pytest.mark.parametrize("count", [0, 1, 5, 8, 9, 50, 200])
@pytest.mark.parametrize("rows", [1, 2, 20])
@pytest.mark.parametrize("width", [10, 80, 200])
def test_every_active_job_is_shown_or_counted_in_at_most_nine_lines(count: int, rows: int, width: int) -> None:
    lines = [line.plain for line in job_lines(active(count), width, rows)]
    assert len(lines) <= min(rows, MAX_LINES + 1)
    text = "\n".join(lines)
    more = re.search(r"and (\d+) more", text)
    assert text.count("tt") + (int(more[1]) if more else 0) == count


def test_a_job_shows_rank_and_title_in_the_space_there_is() -> None:
    job = Job(0, "tt0000001", 17, label="A film with a title\x1b that is longer than any narrow terminal")
    for width in (40, 80, 120):
        (line,) = job_lines((ActiveJob(job, "fetch", 2, 12.34),), width, 20)
        attempt = "  attempt 2" if width > 40 else ""
        assert re.fullmatch(rf"    17  A film with .*\S *  fetch  12\.3 s{attempt}", line.plain)
        assert len(line.plain) <= width
        assert "\x1b" not in line.plain
        assert "…" in line.plain


def test_once_the_run_is_asked_to_stop_no_time_left_is_shown() -> None:
    cancel, written = threading.Event(), io.StringIO()
    console = Console(file=written, force_terminal=True, width=120, height=24)
    display = LiveProgress(console, SystemClock(), interval=0.001, cancel=cancel)
    display.begin("Top 250", 10)
    try:
        _wait_until(lambda: "/s" in written.getvalue())
        cancel.set()
        display.started(Job(0, "tt0000001", label="in flight"))  # the frames that show it are later ones
        _wait_until(lambda: "in flight" in written.getvalue())
        (bar,) = [line for line in shown(written.getvalue().rpartition("in flight")[0]) if "0/10" in line][-1:]
        assert "/s" not in bar
    finally:
        display.end()


def test_a_terminal_that_goes_away_is_logged_once_and_ends_nothing(caplog: pytest.LogCaptureFixture) -> None:
    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            if broken.is_set():
                raise OSError(5, "Input/output error")
            return super().write(text)

    broken = threading.Event()
    console = Console(file=Gone(), force_terminal=True, width=80, height=24)
    display = GuardedProgress(LiveProgress(console, SystemClock(), interval=0.001))
    display.begin("Top 250", 1)
    broken.set()
    _wait_until(lambda: bool(caplog.records))
    display.note("into nothing")
    display.done(Outcome(Job(0, "a"), Status.COMPLETED))
    display.end()
    assert [record.levelname for record in caplog.records].count("WARNING") <= 2


def _wait_until(condition: Callable[[], bool]) -> None:
    woken = threading.Event()
    for _ in range(2000):
        if condition():
            return
        woken.wait(0.005)
    raise AssertionError("the condition did not become true")


@pytest.mark.parametrize(("quiet", "written"), [(True, ""), (False, "Top 250: 1 to do\n[100%] 1/1, 0.0/s, 0 B/s\n")])
def test_the_display_suits_the_output(quiet: bool, written: str) -> None:
    stream = io.StringIO()
    display = progress_for(stream, quiet=quiet, clock=SystemClock(), environ={})
    display.begin("Top 250", 1)
    display.done(Outcome(Job(0, "a"), Status.COMPLETED))
    display.end()
    assert re.sub(r"[0-9.]+(/s|/min)", "0.0/s", stream.getvalue()) == written


def test_rich_is_loaded_for_terminals_only() -> None:
    script = (
        "import io, sys\n"
        "from infrastructure.progress.displays import progress_for\n"
        "from shared.clock import SystemClock\n"
        "display = progress_for(io.StringIO(), quiet=False, clock=SystemClock(), environ={})\n"
        "display.begin('x', 1); display.end()\n"
        "sys.exit('rich' in sys.modules)\n"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0

"""Logging: what reaches the screen and the file, in which form; and activities."""

from __future__ import annotations

import contextvars
import errno
import json
import logging
import os
import re
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from shared.logs import (
    SCREEN,
    LogFileSink,
    LogFormat,
    Logging,
    LogOptions,
    ScreenSink,
    Verbosity,
    activity,
    configure,
    job_log_scope,
    listen,
    message_of,
)
from shared.secret import Secret, register

# --- logging --------------------------------------------------------------------

ours = logging.getLogger("infrastructure.example")
theirs = logging.getLogger("somebody.elses")

Configure = Callable[..., Logging]


@pytest.fixture
def logs() -> Iterator[Configure]:
    """Configures logging; takes it back when the test ends."""
    configured: list[Logging] = []

    def make(**options: object) -> Logging:
        configured.append(configure(LogOptions(**options)))  # type: ignore[arg-type]
        return configured[-1]

    yield make
    for each in configured:
        each.close()


def say_everything() -> None:
    for logger in (ours, theirs):
        for level in (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR):
            logger.log(level, "%s at %s", logger.name, logging.getLevelName(level).lower())


def said(text: str) -> list[str]:
    return re.findall(r"(infrastructure\.example at \w+|somebody\.elses at \w+)", text)


def levels(logger: logging.Logger, *names: str) -> list[str]:
    return [f"{logger.name} at {name}" for name in names]


ALL = ("debug", "info", "warning", "error")


@pytest.mark.parametrize(
    ("options", "own", "foreign"),
    [
        ({}, ALL[2:], ()),
        ({"verbosity": Verbosity.VERBOSE}, ALL[1:], ()),
        ({"verbosity": Verbosity.DEBUG}, ALL, ()),
        ({"external": True}, ALL[2:], ()),
        ({"verbosity": Verbosity.VERBOSE, "external": True}, ALL[1:], ALL[1:]),
        ({"verbosity": Verbosity.DEBUG, "external": True}, ALL, ALL),
        ({"quiet": True, "verbosity": Verbosity.DEBUG, "external": True}, ALL[3:], ()),
    ],
)
def test_the_screen_shows_what_was_asked_for(
    logs: Configure,
    capsys: pytest.CaptureFixture[str],
    options: dict[str, object],
    own: tuple[str, ...],
    foreign: tuple[str, ...],
) -> None:
    logs(**options)
    say_everything()
    captured = capsys.readouterr()
    assert said(captured.err) == levels(ours, *own) + levels(theirs, *foreign)
    assert captured.out == ""


@pytest.mark.parametrize(
    ("options", "foreign"),
    [
        ({}, ()),
        ({"external": True}, ()),
        ({"verbosity": Verbosity.VERBOSE, "external": True}, ALL[1:]),
        ({"verbosity": Verbosity.DEBUG, "external": True, "quiet": True}, ALL),
    ],
)
def test_the_file_holds_everything_of_ours(
    logs: Configure, tmp_path: Path, options: dict[str, object], foreign: tuple[str, ...]
) -> None:
    logs(file=tmp_path / "run.log", **options).close()
    logs(file=tmp_path / "run.log", **options)
    say_everything()
    assert said((tmp_path / "run.log").read_text()) == levels(ours, *ALL) + levels(theirs, *foreign)


def test_what_nobody_wants_is_not_even_made(logs: Configure) -> None:
    logs()
    assert not ours.isEnabledFor(logging.INFO)
    assert not theirs.isEnabledFor(logging.CRITICAL)


def test_what_the_screen_shows_goes_to_the_file_and_not_twice_to_the_screen(
    logs: Configure, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    logs(file=tmp_path / "run.log", verbosity=Verbosity.DEBUG)
    logging.getLogger(SCREEN).info("250 saved")
    assert capsys.readouterr().err == ""
    assert "250 saved" in (tmp_path / "run.log").read_text()


def test_the_file_is_only_for_its_owner_and_is_continued(logs: Configure, tmp_path: Path) -> None:
    path = tmp_path / "deep" / "run.log"
    for word in ("first", "second"):
        logs(file=path).close()
        logs(file=path)
        ours.info(word)
    assert path.stat().st_mode & 0o777 == 0o600
    assert [line.rsplit(" ", 1)[1] for line in path.read_text().splitlines()] == ["first", "second"]


def test_a_line_of_the_file_has_all_ids(logs: Configure, tmp_path: Path) -> None:
    logs(file=tmp_path / "run.log").run = "0123abcd"
    with job_log_scope("tt0000001"):
        ours.info("saved")
    ours.info("outside")
    within, outside = (tmp_path / "run.log").read_text().splitlines()
    assert re.fullmatch(
        r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z INFO run=0123abcd job=tt0000001 \[MainThread\] "
        r"infrastructure\.example: saved",
        within,
    )
    assert " run=0123abcd job=- " in outside


def test_json_lines(logs: Configure, tmp_path: Path) -> None:
    logs(file=tmp_path / "run.log", file_format=LogFormat.JSON).run = "0123abcd"
    with job_log_scope("tt0000001"):
        try:
            raise ValueError("say\nwhen")
        except ValueError:
            ours.exception('a "quoted"\nmessage')
    ours.info("outside \udc80")
    first, second = (json.loads(line) for line in (tmp_path / "run.log").read_text().splitlines())
    assert (
        first.items()
        >= {
            "level": "ERROR",
            "logger": "infrastructure.example",
            "run": "0123abcd",
            "job": "tt0000001",
            "thread": "MainThread",
            "message": 'a "quoted"\nmessage',
        }.items()
    )
    assert first["traceback"].startswith("Traceback")
    assert first["traceback"].endswith("ValueError: say\nwhen")
    assert second["job"] is None
    assert "traceback" not in second


def test_tracebacks_are_on_the_screen_only_if_asked_for(
    logs: Configure, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for asked in (False, True):
        logs(file=tmp_path / "run.log", tracebacks=asked)
        try:
            raise ValueError("the reason")
        except ValueError:
            ours.exception("it failed")
        assert ("Traceback" in capsys.readouterr().err) is asked
    assert (tmp_path / "run.log").read_text().count("ValueError: the reason") == 2


def test_the_name_of_a_job_is_not_said_twice(logs: Configure, capsys: pytest.CaptureFixture[str]) -> None:
    logs()
    with job_log_scope("tt0000001"):
        ours.warning("tt0000001 has moved")
        ours.warning("something else")
    told, named = capsys.readouterr().err.splitlines()
    assert told.endswith(" WARNING tt0000001 has moved")
    assert named.endswith(" WARNING tt0000001: something else")


def test_a_message_cannot_pass_for_another_line_nor_steer_the_terminal(
    logs: Configure, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    logs(file=tmp_path / "run.log")
    ours.error("one\n2026-01-01T00:00:00.000Z ERROR run=x job=y [MainThread] z: forged \x1b[2J\r")
    for text in (capsys.readouterr().err, (tmp_path / "run.log").read_text()):
        first, second = text.splitlines()
        assert second.startswith("    ")
        assert "\x1b" not in text
        assert first.endswith("one")


def test_secrets_are_masked_in_messages_and_tracebacks(
    logs: Configure, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    register(Secret("correct-horse"))
    logs(file=tmp_path / "run.log", tracebacks=True)
    try:
        raise ValueError("no correct-horse at http://user:pw@host")
    except ValueError:
        ours.exception("with %s", "correct-horse")
    for text in (capsys.readouterr().err, (tmp_path / "run.log").read_text()):
        assert "correct-horse" not in text
        assert "user:pw" not in text
        assert "***" in text


def test_a_wrong_format_string_is_shown_and_does_no_harm() -> None:
    record = ours.makeRecord("x", logging.ERROR, "file", 1, "%d of %s", ("three",), None)
    assert message_of(record).startswith("'%d of %s' with arguments ('three',)")


def test_lines_of_fifty_jobs_are_not_interleaved(
    logs: Configure, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    logs(file=tmp_path / "run.log", verbosity=Verbosity.DEBUG, external=True)
    together = threading.Barrier(50)

    def work(number: int) -> None:
        with job_log_scope(f"tt{number:07}"):
            for step in range(20):
                (ours if step % 2 else theirs).info("job %d step %d", number, step)
                if step == 10:
                    together.wait()  # every job is in the middle of its lines now

    with ThreadPoolExecutor(50) as executor:
        list(executor.map(work, range(50)))
    for text in (capsys.readouterr().err, (tmp_path / "run.log").read_text()):
        steps = re.findall(r"(tt\d+).* job (\d+) step (\d+)", text)
        assert len(steps) == 1000
        for start in range(0, 1000, 20):
            block = steps[start : start + 20]
            assert [int(step) for _, _, step in block] == list(range(20))
            assert {(key, number) for key, number, _ in block} == {(f"tt{int(block[0][1]):07}", block[0][1])}


def test_nothing_comes_out_before_the_job_is_over(logs: Configure, capsys: pytest.CaptureFixture[str]) -> None:
    logs()
    with job_log_scope("tt0000001"):
        ours.error("wait for it")
        assert capsys.readouterr().err == ""
        with job_log_scope("tt0000001"):
            ours.error("still the same job")
        assert capsys.readouterr().err == ""
        with job_log_scope("another"):
            ours.error("of its own")
        assert "another: of its own" in capsys.readouterr().err
    assert capsys.readouterr().err.count("tt0000001: ") == 2


def test_the_block_goes_along_into_threads_that_work_for_the_job(
    logs: Configure, capsys: pytest.CaptureFixture[str]
) -> None:
    logs()
    with ThreadPoolExecutor(1) as saving:
        with job_log_scope("tt0000001"):
            ours.error("fetched")
            saving.submit(contextvars.copy_context().run, ours.error, "saved").result()
            saving.submit(ours.error, "not of this job").result()
            assert "not of this job" in capsys.readouterr().err
            late = contextvars.copy_context()
        assert re.findall(r"tt0000001: (\w+)", capsys.readouterr().err) == ["fetched", "saved"]
        saving.submit(late.run, ours.error, "afterwards").result()
        assert "tt0000001: afterwards" in capsys.readouterr().err


def test_a_job_that_never_stops_talking_is_not_held_in_memory(
    logs: Configure, capsys: pytest.CaptureFixture[str]
) -> None:
    logs()
    with job_log_scope("tt0000001"):
        for number in range(2500):
            ours.error("%d", number)
        assert capsys.readouterr().err.count("\n") == 2000
    assert capsys.readouterr().err.count("\n") == 500


def test_lines_are_written_also_when_the_job_raises(logs: Configure, capsys: pytest.CaptureFixture[str]) -> None:
    logs()

    def work() -> None:
        with job_log_scope("tt0000001"):
            ours.error("before it fell")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        work()
    assert "tt0000001: before it fell" in capsys.readouterr().err


def test_warnings_of_libraries_do_not_spoil_the_screen(logs: Configure, capsys: pytest.CaptureFixture[str]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logs()
        warnings.warn("old habits", stacklevel=1)
        assert capsys.readouterr().err == ""
        logs(verbosity=Verbosity.VERBOSE, external=True)
        warnings.warn("old habits", stacklevel=1)
        assert "old habits" in capsys.readouterr().err


def test_everything_is_given_back(logs: Configure) -> None:
    root = logging.getLogger()
    names = ("", "infrastructure", "application", "shared", "filmledger")
    before = ([*root.handlers], [logging.getLogger(name).level for name in names], warnings.showwarning)
    first = logs(verbosity=Verbosity.DEBUG, external=True)
    logs()  # takes the first one's place
    assert len(root.handlers) == len(before[0]) + 1
    logs().close()
    first.close()
    assert ([*root.handlers], [logging.getLogger(name).level for name in names], warnings.showwarning) == before


def test_a_log_file_that_cannot_be_opened_is_an_error_and_changes_nothing(logs: Configure, tmp_path: Path) -> None:
    before = [*logging.getLogger().handlers]
    with pytest.raises(IsADirectoryError):
        logs(file=tmp_path)
    assert logging.getLogger().handlers == before


def test_a_full_disk_ends_the_file_and_not_the_run(capsys: pytest.CaptureFixture[str]) -> None:
    sink = LogFileSink(Path("/dev/full"), ScreenSink())
    sink.write(["a line"])
    sink.write(["another"])
    assert capsys.readouterr().err == f"the log file /dev/full cannot be written and ends here: {_no_space()}\n"
    sink.close()
    sink.close()


def _no_space() -> str:
    return os.strerror(errno.ENOSPC)


def test_a_reader_who_has_gone_is_left_in_peace() -> None:
    script = (
        "import logging\n"
        "from shared.logs import LogOptions\n"
        "from shared.logs import configure\n"
        "configure(LogOptions())\n"
        "for number in range(3): logging.getLogger('infrastructure').error('nobody reads %d', number)\n"
        "print('still here')\n"
    )
    mine, theirs_end = os.pipe()
    os.close(mine)
    done = subprocess.run([sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=theirs_end, check=False)
    os.close(theirs_end)
    assert done.stdout == b"still here\n"


# --- activities -----------------------------------------------------------------


def test_a_listener_is_told_the_beginning_and_the_end_until_it_is_removed() -> None:
    told: list[str] = []

    @contextmanager
    def listener(name: str) -> Iterator[None]:
        told.append(f"begin {name}")
        yield
        told.append(f"end {name}")

    with activity("before"):
        pass
    listen(listener)
    try:
        with activity("outer"), activity("inner"):
            told.append("work")
    finally:
        listen(None)
    with activity("after"):
        pass
    assert told == ["begin outer", "begin inner", "work", "end inner", "end outer"]

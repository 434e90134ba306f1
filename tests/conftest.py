"""What all tests share: the captures, and the rule that no test is skipped unseen."""

from __future__ import annotations

import functools
import os
import shutil
import signal
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

# The tests start the program some hundred times: without a cache it would be compiled each time.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# A script that runs the tests in the background lets them ignore Ctrl-C, and so would the programs that they start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Machines differ in speed, so no example has a deadline; in CI a failure must be the change's, not the dice's.
# Twenty examples where a test does not say otherwise: the README's test command has five minutes.
settings.register_profile("filmledger", deadline=None, derandomize=bool(os.environ.get("CI")), max_examples=20)
settings.load_profile("filmledger")

# Temporary files in memory where there is room: what these tests ask is not asked of a disk.
_MEMORY = Path("/dev/shm")
if _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > 4 * 2**30:
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(_MEMORY))

_BROWSER = "tests/e2e/browser/"

ROOT = Path(__file__).resolve().parent.parent
CAPTURES = ROOT.parent / "shared" / "captures"

# A skip for any other reason fails the run where CI is set: a skipped test is a test nobody has seen.
ALLOWED_SKIPS = ("real pages are not part of the project",)


@pytest.fixture(scope="session")
def captures() -> Path:
    """The folder of real IMDb pages, kept beside the project and never in it."""
    if not CAPTURES.is_dir():
        pytest.skip("real pages are not part of the project")
    return CAPTURES


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of the person who runs the tests reaches them."""
    for name in _setting_names() & os.environ.keys():
        monkeypatch.delenv(name)


@functools.cache
def _setting_names() -> set[str]:
    from shared.settings import describe

    return {"SOURCE_DATE_EPOCH", *(setting.name for setting in describe())}


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Gives a file to one process; the files that share a browser and its catalogue to the same one."""
    from xdist.scheduler import LoadFileScheduling  # type: ignore[import-untyped]

    class OneBrowser(LoadFileScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            file: str = super()._split_scope(nodeid)
            return _BROWSER if file.startswith(_BROWSER) else file

    return OneBrowser(config, log) if config.getoption("dist") == "loadfile" else None


_unexpected: list[str] = []


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    # Half surrogate pairs are what some tests log on purpose; they cannot travel from a test process to the next.
    report.sections = [(name, text.encode("utf-8", "backslashreplace").decode()) for name, text in report.sections]
    return report


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    _note_skip(report)


def pytest_collectreport(report: pytest.CollectReport) -> None:
    _note_skip(report)


def _note_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    if report.skipped and isinstance(report.longrepr, tuple):
        reason = report.longrepr[2].removeprefix("Skipped: ")
        if not reason.startswith(ALLOWED_SKIPS):
            _unexpected.append(f"{report.nodeid}: {reason}")


def pytest_sessionfinish(session: pytest.Session) -> None:
    if _unexpected and os.environ.get("CI"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for line in _unexpected if os.environ.get("CI") else ():
        terminalreporter.write_line(f"not on the list of allowed skips: {line}", red=True)

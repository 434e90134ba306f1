"""Every class of error is provoked, and what it says is what docs/errors.md shows."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

import domain.errors
from domain.errors import FilmledgerError
from infrastructure.api import parse_title, scrape
from infrastructure.cli.app import program
from infrastructure.cli.exit_codes import errors_as_exit_codes
from infrastructure.demo.control import DemoControl
from infrastructure.demo.options import DemoOptions
from infrastructure.demo.process import DemoProcess
from infrastructure.persistence.csv.repository import CsvMovieRepository
from infrastructure.persistence.data_dir import DataDir
from infrastructure.posters.picture import PictureLimits, open_picture
from shared.settings import Settings, load
from tests.conftest import ROOT
from tests.fakes.fault_site import FaultSite, reply
from tests.fakes.movies import movie

_TEXT = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
SECTIONS = {
    section.partition("\n")[0]: re.findall(r"```text\n(.*?)```", section, re.DOTALL)[0].splitlines()
    for section in re.split(r"^## ", _TEXT, flags=re.MULTILINE)[1:]
}
NOT_OF_THE_TREE = {
    "SettingsError",
    "Wrong command line",
    "Not set up",
    "Full disk",
    "Not allowed to write",
    "Unexpected",
}


def shown(section: str, text: str) -> bool:
    """Whether one of the lines that the document shows is this one."""
    patterns = [".*".join(map(re.escape, line.split("…"))) for line in SECTIONS[section]]
    return any(re.fullmatch(pattern, text, re.DOTALL) for pattern in patterns)


def _leaves(kind: type[FilmledgerError]) -> Iterator[str]:
    below = [each for each in kind.__subclasses__() if each.__module__ == domain.errors.__name__]
    for each in below:
        yield from _leaves(each)
    if not below:
        yield kind.__name__


def test_every_class_is_documented_and_no_other() -> None:
    assert set(SECTIONS) == set(_leaves(FilmledgerError)) | NOT_OF_THE_TREE


def test_every_section_gives_cause_and_cure() -> None:
    for section in re.split(r"^## ", _TEXT, flags=re.MULTILINE)[1:]:
        assert section.count("**Cause.**") == section.count("**Cure.**") == 1, section.partition("\n")[0]


# --- about one title --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def site() -> Iterator[DemoProcess]:
    with DemoProcess(DemoOptions(count=12, page_kb=0)) as process:
        yield process


@pytest.fixture(scope="module")
def settings(site: DemoProcess) -> Settings:
    return Settings(base_url=site.url, detail_source="page", max_backoff_retries=0, max_block_wait_seconds=0)


def _page(site: DemoProcess, path: str) -> str:
    with urllib.request.urlopen(site.url + path) as answer:  # noqa: S310 - loopback
        body: bytes = answer.read()
    return body.decode()


def _raised(kind: str, provoke: Callable[[], object]) -> str:
    """What the error says that this raises; it must be of that very class."""
    with pytest.raises(FilmledgerError) as caught:
        provoke()
    assert type(caught.value).__name__ == kind
    return str(caught.value)


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("503", "Transient"),
        ("reset", "Transient"),
        ("cut", "Transient"),
        ("404", "NotFound"),
        ("410", "NotFound"),
        ("garbage", "UnknownLayout"),
        ("wrong-title", "WrongTitle"),
        ("challenge", "Blocked"),
    ],
)
def test_what_a_site_does(fault: str, kind: str, site: DemoProcess, settings: Settings) -> None:
    first = DemoControl(site.url).ids()[0]
    DemoControl(site.url).faults([f"{first}={fault}"])
    try:
        said = _raised(kind, lambda: list(scrape(ids=[first], settings=settings)))
    finally:
        DemoControl(site.url).faults([])
    assert shown(kind, said), said


def test_a_site_that_is_not_there(settings: Settings) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port = listener.getsockname()[1]
    nowhere = Settings(base_url=f"http://127.0.0.1:{port}", detail_source="page", max_backoff_retries=0)
    said = _raised("Transient", lambda: list(scrape(ids=["tt0000001"], settings=nowhere)))
    assert shown("Transient", said), said


def test_what_robots_txt_closes() -> None:
    with FaultSite() as closed:
        closed.plan("/robots.txt", reply(body=b"User-agent: *\nDisallow: /title/\n"))
        there = Settings(base_url=closed.url, detail_source="page", max_backoff_retries=0)
        said = _raised("Disallowed", lambda: list(scrape(ids=["tt0000001"], settings=there)))
    assert shown("Disallowed", said), said


def test_pages_of_other_things(site: DemoProcess) -> None:
    said = _raised("NotATitlePage", lambda: parse_title(_page(site, "/chart/top/")))
    assert shown("NotATitlePage", said), said


def test_a_page_that_says_what_cannot_be_true(site: DemoProcess) -> None:
    page = _page(site, f"/title/{DemoControl(site.url).ids()[-1]}/")
    impossible = re.sub(r'("aggregateRating": ?)[0-9.]+', r"\g<1>42.0", page)
    assert impossible != page
    said = _raised("InvalidMovie", lambda: parse_title(impossible))
    assert shown("InvalidMovie", said), said


@pytest.mark.parametrize("body", [b"\xff\xd8\xff\xe0 and no more", bytes(2000)], ids=["broken", "large"])
def test_posters_that_are_none(body: bytes) -> None:
    limits = PictureLimits(max_bytes=1000)
    said = _raised("UnusablePicture", lambda: open_picture(body, "image/jpeg", limits))
    assert shown("UnusablePicture", said), said


# --- about the whole run ----------------------------------------------------------------------------


def _program(*arguments: str, code: int, **environment: str) -> list[str]:
    """What the program says on standard error, without its own name."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "main.py"), *arguments],
        env=environment,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    assert done.returncode == code, done.stderr
    return [line.removeprefix("filmledger: ") for line in done.stderr.splitlines()]


def test_a_chart_that_is_not_whole(settings: Settings) -> None:
    said = _raised("ChartError", lambda: list(scrape(settings=settings)))
    assert shown("ChartError", said), said


def test_a_database_that_is_not_there(site: DemoProcess, tmp_path: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port = listener.getsockname()[1]
    lines = _program(
        "--limit", "1", "--quiet", code=1,
        BASE_URL=site.url, DATA_DIR=str(tmp_path / "data"), POSTGRES_HOST="127.0.0.1", POSTGRES_PORT=str(port),
        STORE_WAIT_SECONDS="0",
    )  # fmt: skip
    assert shown("StoreUnavailable", lines[-1]), lines


def test_a_record_that_no_store_can_hold(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    with closing(CsvMovieRepository(tmp_path / "data")) as store:
        said = _raised("RecordRejected", lambda: store.save(replace(movie(1), plot="half a pair: \ud800")))
    assert shown("RecordRejected", said), said
    assert "plot" in said


def test_being_told_to_stop(tmp_path: Path) -> None:
    with DemoProcess(DemoOptions(count=12, page_kb=0, latency=0.3)) as slow:
        process = subprocess.Popen(
            [sys.executable, str(ROOT / "main.py"), "--limit", "12"],
            env={"BASE_URL": slow.url, "DATA_DIR": str(tmp_path / "data"), "MAX_THREADS": "1"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )
        assert process.stderr is not None
        lines = []
        for line in process.stderr:
            lines.append(line.strip().removeprefix("filmledger: "))
            if "to do" in line:
                process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 130
    assert any(shown("Cancelled", line) for line in lines), lines


# --- about how it was called ------------------------------------------------------------------------


def test_a_data_directory_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("mine")
    said = _raised("UsageError", DataDir(tmp_path / "data").prepare)
    assert shown("UsageError", said), said


def test_a_setting_that_is_not_allowed() -> None:
    with pytest.raises(ValueError, match="MAX_THREADS") as refused:
        load({"MAX_THREADS": "many"})
    assert type(refused.value).__name__ == "SettingsError"
    assert shown("SettingsError", str(refused.value)), refused.value


def test_an_option_that_does_not_exist() -> None:
    result = CliRunner().invoke(program(), ["--bogus"])
    assert result.exit_code == 2
    assert shown("Wrong command line", result.output.splitlines()[-1])


def _ended(provoke: Callable[[], object], capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit), errors_as_exit_codes(debug=False):
        provoke()
    return capsys.readouterr().err.strip().removeprefix("filmledger: ")


@pytest.mark.parametrize("isolated", ["-S", "-c"])
def test_a_python_without_the_packages_or_too_old(isolated: str, tmp_path: Path) -> None:
    main = str(ROOT / "main.py")
    older = f"import runpy, sys; sys.version_info = (3, 10, 4); runpy.run_path({main!r}, run_name='__main__')"
    command = [sys.executable, isolated, main if isolated == "-S" else older]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 2
    assert shown("Not set up", done.stderr.strip().removeprefix("filmledger: ")), done.stderr


def test_a_full_disk(capsys: pytest.CaptureFixture[str]) -> None:
    said = _ended(lambda: Path("/dev/full").write_text("more than nothing"), capsys)
    assert shown("Full disk", said), said


def test_a_file_of_somebody_else(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept = Path("/proc/sys/kernel/ostype")  # closed even to root
    said = _ended(lambda: kept.open("a"), capsys)
    assert shown("Not allowed to write", said), said


def test_a_mistake_of_ours(capsys: pytest.CaptureFixture[str]) -> None:
    said = _ended(lambda: int("no number"), capsys)
    assert shown("Unexpected", said), said


def test_what_is_shown_is_compared_in_earnest() -> None:
    assert not shown("SettingsError", "something else")
    assert not shown("NotFound", "http://127.0.0.1/title/tt0000001/: 500 Internal Server Error")


def test_no_thread_is_left_behind() -> None:
    assert not [thread.name for thread in threading.enumerate() if thread.name.startswith("scrape")]

"""Every class of error is provoked, and what it says is what docs/errors.md shows."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

import domain.errors
from domain.errors import FilmledgerError, SourceError, UsageError
from infrastructure.api import parse_title, scrape
from infrastructure.cli.exit_codes import errors_as_exit_codes
from infrastructure.data_dir import DataDir
from infrastructure.demo.process import DemoOptions, DemoProcess
from infrastructure.joblog.file import AppendFile
from infrastructure.posters.images import PictureLimits, open_picture
from infrastructure.scraper.saved_pages import read_title
from infrastructure.stores.csv.files import translate_os_errors
from infrastructure.stores.csv.repository import CsvMovieRepository
from shared.clock import SystemClock
from shared.settings import Settings, SettingsError, load
from tests.conftest import ROOT
from tests.support.demo_control import DemoControl
from tests.support.fault_site import PAGE, FaultSite, Reply, garbage, reply
from tests.support.movies import movie

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
    raised_itself = {SourceError.__name__}  # the others that have subclasses are not raised
    assert set(SECTIONS) == set(_leaves(FilmledgerError)) | raised_itself | NOT_OF_THE_TREE


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


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (reply(206, PAGE), "Transient"),
        (reply(302, b""), "Transient"),
        (reply(headers={"Content-Length": "5, 7"}), "Transient"),
        (garbage, "Transient"),
        (reply(401, b""), "SourceError"),
        (reply(405, b""), "SourceError"),
        (reply(302, b"", {"Location": "/title/tt0000001/"}), "SourceError"),
        (reply(302, b"", {"Location": "http://elsewhere.test/"}), "SourceError"),
        (reply(body=b"", headers={"Content-Length": "99999999999"}), "SourceError"),
    ],
)
def test_odd_answers(answer: Reply, kind: str) -> None:
    with FaultSite() as odd:
        odd.plan("/title/tt0000001/", answer)
        settings = Settings(base_url=odd.url, detail_source="page", max_backoff_retries=0)
        said = _raised(kind, lambda: list(scrape(ids=["tt0000001"], settings=settings)))
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


def test_a_file_that_has_nothing_to_do_with_titles() -> None:
    page = b"<html><title>Shopping list</title>bread</html>"
    said = _raised("NotATitlePage", lambda: read_title(page, scraped_at=datetime.now(UTC)))
    assert shown("NotATitlePage", said), said


def test_a_page_that_says_what_cannot_be_true(site: DemoProcess) -> None:
    page = _page(site, f"/title/{DemoControl(site.url).ids()[-1]}/")
    impossible = re.sub(r'("titleText": ?\{"text": ?)"[^"]*"', r'\g<1>" "', page)
    assert impossible != page
    said = _raised("InvalidMovie", lambda: parse_title(impossible))
    assert shown("InvalidMovie", said), said


@pytest.mark.parametrize("body", [b"\xff\xd8\xff\xe0 and no more", bytes(2000)], ids=["broken", "large"])
def test_posters_that_are_none(body: bytes) -> None:
    limits = PictureLimits(max_bytes=1000)
    said = _raised("UnusablePicture", lambda: open_picture(body, "image/jpeg", limits))
    assert shown("UnusablePicture", said), said


# --- about the whole run ----------------------------------------------------------------------------


def _program(*arguments: str | Path, code: int, **environment: str | Path) -> list[str]:
    """What the program says, without its own name; standard error comes last."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "main.py"), *map(str, arguments)],
        env={name: str(value) for name, value in environment.items()},
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    assert done.returncode == code, done.stderr
    return [line.removeprefix("filmledger: ") for line in (done.stdout + done.stderr).splitlines()]


@pytest.fixture
def filled(site: DemoProcess, tmp_path: Path) -> Path:
    """A data directory with three films."""
    _program("--limit", "3", "--quiet", code=0, BASE_URL=site.url, DATA_DIR=tmp_path / "filled")
    return tmp_path / "filled"


@pytest.fixture
def full_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on a disk that has room for nothing but names."""
    mounted = tmp_path / "full"
    mounted.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4k", "tmpfs", str(mounted)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting a small file system needs root")
    (mounted / "filler").write_bytes(bytes(4096))
    yield mounted
    subprocess.run(["umount", str(mounted)], check=True)


def test_a_chart_that_is_not_whole(settings: Settings) -> None:
    said = _raised("ChartError", lambda: list(scrape(settings=settings)))
    assert shown("ChartError", said), said


@pytest.mark.long
def test_a_database_that_is_not_there(site: DemoProcess, tmp_path: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port = listener.getsockname()[1]
    lines = _program(
        "--limit", "1", "--quiet", code=1,
        BASE_URL=site.url, DATA_DIR=str(tmp_path / "data"), POSTGRES_HOST="127.0.0.1", POSTGRES_PORT=str(port),
        STORE_WAIT_SECONDS="0",
    )  # fmt: skip
    assert shown("StoreUnavailable", lines[-1]), lines


@pytest.mark.parametrize(("path", "mode"), [("/dev/full", "w"), ("/proc/sys/kernel/ostype", "a")])
def test_a_file_of_the_store_that_cannot_be_written(path: str, mode: str, tmp_path: Path) -> None:
    def write() -> None:
        with translate_os_errors(tmp_path), Path(path).open(mode) as file:
            file.write("more than nothing")

    said = _raised("StoreUnavailable", write)
    assert shown("StoreUnavailable", said), said


def test_a_job_log_that_cannot_grow(tmp_path: Path) -> None:
    with closing(AppendFile(Path("/dev/full"), SystemClock())) as log:
        said = _raised("StoreUnavailable", lambda: log.append(b"{}\n", durable=True))
    assert shown("StoreUnavailable", said), said


def test_a_record_that_no_store_can_hold(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    with closing(CsvMovieRepository(tmp_path / "data")) as store:
        said = _raised("RecordRejected", lambda: store.save(replace(movie(1), plot="half a pair: \ud800")))
    assert shown("RecordRejected", said), said
    assert "plot" in said


@pytest.mark.long
def test_being_told_to_stop(tmp_path: Path) -> None:
    with DemoProcess(DemoOptions(count=12, page_kb=0, latency=0.3)) as slow:
        there = {"BASE_URL": slow.url, "DATA_DIR": str(tmp_path / "data")}
        process = subprocess.Popen(
            [sys.executable, str(ROOT / "main.py"), "--limit", "12"],
            env={**there, "MAX_THREADS": "1"},
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
        another = _program("--limit", "3", code=2, **there)
    assert any(shown("Cancelled", line) for line in lines), lines
    assert "holds another run" in another[-1]
    assert shown("UsageError", another[-1]), another


# --- about how it was called ------------------------------------------------------------------------


def test_a_data_directory_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("mine")
    said = _raised("UsageError", DataDir(tmp_path / "data").prepare)
    assert shown("UsageError", said), said


def _refused(words: str, *arguments: str | Path, **environment: str | Path) -> None:
    """The program refuses this with a line that holds these words and that the document shows."""
    lines = _program(*arguments, code=2, **environment)
    assert words in lines[-1]
    assert shown("UsageError", lines[-1]), lines


@pytest.mark.long
def test_a_data_directory_of_another_site(filled: Path) -> None:
    _refused("was filled from", "--limit", "1", BASE_URL="http://127.0.0.1:9", DATA_DIR=filled)


def test_a_data_directory_in_use(tmp_path: Path) -> None:
    directory = DataDir(tmp_path)
    directory.prepare()
    with directory.lock("another command"):
        _refused("is being written by", "--limit", "1", BASE_URL="http://127.0.0.1:9", DATA_DIR=tmp_path)


def test_nothing_there_yet(tmp_path: Path) -> None:
    _refused("there is nothing in", "verify", DATA_DIR=tmp_path)
    _refused("there is no database in", "sql", "select 1", DATA_DIR=tmp_path)


@pytest.mark.long
def test_a_folder_that_is_not_empty_and_a_database_that_is_not(filled: Path, tmp_path: Path) -> None:
    (tmp_path / "movies.csv").write_text("mine")
    _refused("exists already", "export", tmp_path, DATA_DIR=filled)
    _refused("is the data directory", "export", filled, "--overwrite", DATA_DIR=filled)
    _refused("needs an empty database", "import", DATA_DIR=filled)
    _refused("PostgreSQL: ", "sql", "selct 1", DATA_DIR=filled)


@pytest.mark.long
def test_a_list_of_something_else(tmp_path: Path) -> None:
    (tmp_path / "list").write_text("bread\nmilk\n")
    _refused("names no title", "--ids", tmp_path / "list", BASE_URL="http://127.0.0.1:9", DATA_DIR=tmp_path / "data")


@pytest.mark.long
def test_a_tor_that_is_not_there(tmp_path: Path) -> None:
    _refused(
        "Tor's control port", BASE_URL="http://127.0.0.1:9", USE_TOR="true", TOR_CONTROL_PORT="9", DATA_DIR=tmp_path
    )


def test_a_port_that_is_taken(tmp_path: Path) -> None:
    (tmp_path / "index.html").touch()
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        _refused(
            "cannot listen", "serve", "--out", tmp_path, "--port", str(listener.getsockname()[1]), DATA_DIR=tmp_path
        )


@pytest.mark.long
def test_a_dask_cluster_without_workers(site: DemoProcess, tmp_path: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port = str(listener.getsockname()[1])
    dask = str(Path(sys.executable).with_name("dask"))
    command = [dask, "scheduler", "--host", "127.0.0.1", "--port", port, "--no-dashboard"]
    address = f"tcp://127.0.0.1:{port}"
    with (
        (tmp_path / "log").open("wb") as log,
        subprocess.Popen(command, cwd=tmp_path, stdout=log, stderr=log) as parent,
    ):
        try:
            while b"Scheduler at" not in (tmp_path / "log").read_bytes():
                assert parent.poll() is None
                time.sleep(0.1)
            _refused(
                "has no workers", "--limit", "1", "--cluster", address, BASE_URL=site.url, DATA_DIR=tmp_path / "data"
            )
        finally:
            parent.terminate()


def test_settings_of_a_script_that_are_not_allowed() -> None:
    with pytest.raises(ValueError, match="MAX_THREADS: 0 is not allowed; allowed: whole number from 1"):
        Settings(max_threads=0)


def test_a_setting_that_is_not_allowed() -> None:
    with pytest.raises(ValueError, match="MAX_THREADS") as refused:
        load({"MAX_THREADS": "many"})
    assert type(refused.value).__name__ == "SettingsError"
    assert shown("SettingsError", str(refused.value)), refused.value


def test_an_option_that_does_not_exist() -> None:
    command = [sys.executable, str(ROOT / "main.py"), "--bogus"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert shown("Wrong command line", done.stderr.removeprefix("filmledger: ").strip())


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


@pytest.mark.long
def test_a_full_disk_under_an_export_and_a_catalogue(filled: Path, full_disk: Path) -> None:
    lines = _program("export", full_disk / "out", code=1, DATA_DIR=filled)
    assert shown("Full disk", lines[-1]), lines
    lines = _program("publish", "--out", full_disk, code=1, DATA_DIR=filled)
    assert any(shown("Full disk", line) for line in lines), lines


@pytest.mark.long
def test_folders_and_files_that_cannot_be_written(filled: Path, full_disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(full_disk)], check=True)
    there: dict[str, str | Path] = {"BASE_URL": DataDir(filled).site or "", "DATA_DIR": filled}
    for arguments in (
        ("--limit", "1", "--data-dir", full_disk),
        ("status", "--log-file", full_disk / "log"),
        ("--limit", "1", "--log-failed", full_disk / "failed"),
        ("--limit", "1", "--joblog", full_disk / "joblog"),
        ("publish", "--out", full_disk),
        ("export", full_disk),
    ):
        lines = _program(*arguments, code=1 if arguments[0] == "export" else 2, **there)
        assert shown("Not allowed to write", lines[-1]), lines


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


def test_what_is_wrong_with_written_text(tmp_path: Path) -> None:
    env = tmp_path / ".env"
    for content in (b"MAX_THREADS: 7\n", b"PROXY_USER=Jos\xe9\n", b"SITE_URL=http://a:b@c.invalid\n"):
        env.write_bytes(content)
        with pytest.raises(SettingsError) as refused:
            load({}, env)
        assert shown("SettingsError", str(refused.value)), str(refused.value)


def test_a_data_directory_on_a_disk_that_is_not_mounted(tmp_path: Path) -> None:
    (tmp_path / "data").symlink_to("/mnt/not-mounted")
    with pytest.raises(UsageError) as refused:
        DataDir(tmp_path / "data").prepare()
    assert shown("UsageError", str(refused.value)), str(refused.value)

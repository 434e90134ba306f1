"""What a command loads. Modules are counted, not seconds, so that the tests tell the same on every machine."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

# Of other commands, other stores and other settings than the defaults.
_OTHERS = {
    "PIL", "apprise", "asyncio", "bs4", "dask", "distributed", "duckdb", "jinja2", "lxml",
    "matplotlib", "rich", "sqlite3", "stem", "tenacity", "yoyo",
    "application.catalogue_data", "application.chart_changes", "application.comparison", "application.listed_titles",
    "application.load_datasets", "application.ports.posters", "application.repair", "application.run_report",
    "application.verify",
    "infrastructure.bootstrap.checking", "infrastructure.bootstrap.datasets", "infrastructure.catalogue",
    "infrastructure.cluster", "infrastructure.datasets", "infrastructure.demo", "infrastructure.posters",
    "infrastructure.scraper.markup", "infrastructure.stores.sqlite",
}  # fmt: skip


def _start(directory: Path, *arguments: str, **environment: str) -> subprocess.Popen[bytes]:
    """The program, which writes the modules it imports to ``modules``."""
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME")}
    with (directory / "modules").open("wb") as modules:
        return subprocess.Popen(
            [sys.executable, "-X", "importtime", str(ROOT / "main.py"), *arguments],
            env={**kept, "DATA_DIR": str(directory / "data"), "STORES": "csv", **environment},
            cwd=directory,
            stdout=subprocess.DEVNULL,
            stderr=modules,
        )


def _loaded(directory: Path) -> set[str]:
    return set(re.findall(r"^import time:.*\| +(\S+)$", (directory / "modules").read_text("utf-8"), re.MULTILINE))


@pytest.mark.parametrize("stores", ["csv", "csv,postgres"])
def test_a_run_has_loaded_nothing_of_others_when_it_sends_its_first_request(stores: str, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(60)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        process = _start(tmp_path, "--limit", "1", BASE_URL=url, STORES=stores)
        try:
            with listener.accept()[0] as connection:
                assert connection.recv(1000).startswith(b"GET /robots.txt")
                loaded = _loaded(tmp_path)
        finally:
            process.terminate()
            process.wait(60)
    assert {"requests", "infrastructure.scraper.sources"} <= loaded
    assert loaded & _OTHERS == set()


@pytest.mark.parametrize(
    ("command", "needed", "others"),
    [
        ("--version", "click", {"dataclasses", "domain.movie", "json", "msgspec", "requests", "shared.settings"}),
        ("settings", "msgspec", {"domain.movie", "filelock", "requests"}),
        ("status", "infrastructure.joblog.status_file", {"infrastructure.http", "psycopg2", "requests"} | _OTHERS),
    ],
)
def test_a_command_loads_what_it_needs(command: str, needed: str, others: set[str], tmp_path: Path) -> None:
    _start(tmp_path, command).wait(60)
    loaded = _loaded(tmp_path)
    assert needed in loaded
    assert loaded & (others - {"application.run_report"}) == set()

"""Nobody else on the machine can read what a run writes, whatever the umask."""

from __future__ import annotations

import stat
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest

from domain.fields import Table
from infrastructure.demo.process import DemoOptions, DemoProcess
from infrastructure.stores.embedded.layout import PORT
from infrastructure.stores.embedded.server import EmbeddedServer
from tests.conftest import ROOT

OTHERS = stat.S_IRWXG | stat.S_IRWXO


def _open_to_others(folder: Path) -> list[str]:
    """What others could reach: a closed folder closes all that is in it."""
    found = []
    for path in sorted(folder.iterdir()):
        if path.is_symlink() or not stat.S_IMODE(path.lstat().st_mode) & OTHERS:
            continue
        found += _open_to_others(path) if path.is_dir() else [str(path)]
    return found


def _run(parent: Path, site: str, data_dir: Path) -> None:
    command = [sys.executable, str(ROOT / "main.py"), "--limit", "3", "--quiet", "--log-file", str(parent / "run.log")]
    subprocess.run(command, env={"BASE_URL": site, "DATA_DIR": str(data_dir)}, umask=0, check=True, timeout=60)


@pytest.mark.long
def test_a_data_directory_that_the_run_makes_is_closed(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    with DemoProcess(DemoOptions(count=3, page_kb=0)) as site:
        _run(tmp_path, site.url, tmp_path / "data")
    assert (tmp_path / "data" / "movies.csv").exists()
    assert _open_to_others(tmp_path) == []


@pytest.mark.long
def test_in_a_folder_that_is_shared_only_the_csv_files_are(tmp_path: Path) -> None:
    """Somebody who opens the folder wants the files to be read; state, logs and database stay closed."""
    shared = tmp_path / "shared"
    shared.mkdir(mode=0o755)
    with DemoProcess(DemoOptions(count=3, page_kb=0)) as site:
        _run(tmp_path, site.url, shared)
    assert {Path(name).name for name in _open_to_others(tmp_path)} == {f"{table}.csv" for table in Table}


def test_the_embedded_database_is_closed_to_others_and_asks_for_a_password(tmp_path: Path) -> None:
    with EmbeddedServer(tmp_path / "postgres", cancel=threading.Event()) as server:
        info = server.start()
        (listening,) = [path for path in info.sockets.iterdir() if path.name == f".s.PGSQL.{PORT}"]
        assert stat.S_IMODE(info.sockets.stat().st_mode) == 0o700
        assert not stat.S_IMODE(listening.stat().st_mode) & OTHERS
        with closing(psycopg2.connect(info.dsn)) as connection, connection.cursor() as cursor:
            cursor.execute("SHOW listen_addresses")
            assert cursor.fetchall() == [("",)]
        without = info.dsn.replace(str(info.password_file), "/dev/null")
        with pytest.raises(psycopg2.OperationalError, match="no password supplied"):
            psycopg2.connect(without)


def test_what_is_open_is_found(tmp_path: Path) -> None:
    (tmp_path / "open").write_text("x")
    (tmp_path / "open").chmod(0o644)
    assert _open_to_others(tmp_path) == [str(tmp_path / "open")]

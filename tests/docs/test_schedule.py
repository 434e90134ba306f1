"""The examples for a daily run are taken by the programs they are written for."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

FOLDER = ROOT / "docs" / "schedule"
CRONTAB = FOLDER / "filmledger.crontab"


def _verify(folder: Path) -> subprocess.CompletedProcess[str]:
    units = [str(folder / name) for name in ("filmledger.service", "filmledger.timer", "filmledger-failed.service")]
    command = ["systemd-analyze", "verify", "--man=no", *units]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture
def units(tmp_path: Path) -> Path:
    """The units as they would be installed, with this checkout in the place of /opt/filmledger."""
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd is not installed")
    service = (FOLDER / "filmledger.service").read_text(encoding="utf-8")
    service = service.replace("/opt/filmledger/.venv/bin/python", sys.executable).replace("/opt/filmledger", str(ROOT))
    (tmp_path / "filmledger.service").write_text(service, encoding="utf-8")
    for name in ("filmledger.timer", "filmledger-failed.service"):
        shutil.copy(FOLDER / name, tmp_path)
    return tmp_path


def test_systemd_takes_the_units(units: Path) -> None:
    done = _verify(units)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_misspelt_unit_would_be_noticed(units: Path) -> None:
    service = units / "filmledger.service"
    service.write_text(service.read_text().replace("KillMode=", "KilMode="))
    assert "KilMode" in _verify(units).stderr


def test_the_service_leaves_time_to_stop_and_runs_as_nobody_important() -> None:
    service = (FOLDER / "filmledger.service").read_text(encoding="utf-8").splitlines()
    assert {"KillMode=mixed", "TimeoutStopSec=2min", "User=filmledger", "StateDirectoryMode=0700"} <= set(service)


def test_cron_takes_the_line(tmp_path: Path) -> None:
    if not shutil.which("crontab"):
        pytest.skip("cron is not installed")
    assert subprocess.run(["crontab", "-n", CRONTAB], capture_output=True, check=False).returncode == 0
    wrong = tmp_path / "crontab"
    wrong.write_text(CRONTAB.read_text(encoding="utf-8").replace("7 4 *", "7 44 *"), encoding="utf-8")
    assert subprocess.run(["crontab", "-n", wrong], capture_output=True, check=False).returncode != 0

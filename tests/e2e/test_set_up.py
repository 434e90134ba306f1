"""What somebody is told who has not set the program up."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from infrastructure.cli.exit_codes import Exit, errors_as_exit_codes
from tests.conftest import ROOT

MAIN = str(ROOT / "main.py")


def _said(*command: str, folder: Path) -> str:
    done = subprocess.run([sys.executable, *command], cwd=folder, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    return line


def test_without_the_packages(tmp_path: Path) -> None:
    said = _said("-S", MAIN, folder=tmp_path)  # an interpreter that knows no site-packages
    assert said.startswith("filmledger: the package ")
    assert "pip install -r requirements.txt" in said


def test_with_an_older_python(tmp_path: Path) -> None:
    older = f"import runpy, sys; sys.version_info = (3, 10, 4); runpy.run_path({MAIN!r}, run_name='__main__')"
    assert _said("-c", older, folder=tmp_path).startswith("filmledger: Python 3.11 or newer is needed, and this is ")


def test_with_a_package_that_only_some_commands_need(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left, errors_as_exit_codes(debug=False):
        raise ModuleNotFoundError("No module named 'matplotlib'", name="matplotlib")
    assert left.value.code == Exit.USAGE
    assert capsys.readouterr().err == (
        "filmledger: the package matplotlib is not installed; run pip install -r requirements.txt again\n"
    )


@pytest.mark.long
def test_tor_without_the_package_that_only_it_needs(tmp_path: Path) -> None:
    without = f"import runpy, sys; sys.modules['stem'] = None; runpy.run_path({MAIN!r}, run_name='__main__')"
    run = [sys.executable, "-c", without]
    environment = {
        **os.environ,
        "USE_TOR": "true",
        "DATA_DIR": str(tmp_path / "data"),
        "BASE_URL": "http://127.0.0.1:9",
    }
    needed = "USE_TOR needs stem: pip install -r requirements-tor.txt, or the extra `tor`"
    scrape = subprocess.run([*run, "--limit", "1"], env=environment, capture_output=True, text=True, check=False)
    assert (scrape.returncode, scrape.stderr.splitlines()[-1]) == (Exit.USAGE, f"filmledger: {needed}")
    doctor = subprocess.run([*run, "doctor"], env=environment, capture_output=True, text=True, check=False)
    assert doctor.returncode == Exit.FAILED
    assert f"Tor: {needed}" in doctor.stdout


def test_from_another_folder(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, MAIN, "--version"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("filmledger")

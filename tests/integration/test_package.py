"""The wheel, built and installed beside a distribution that has a package called ``domain``."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

from hatch_build import PACKAGES, rewritten
from tests.conftest import ROOT

pytest.importorskip("hatchling", reason="hatchling builds the wheel")
pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the wheel, a foreign package ``domain``, and the dependencies of this one."""
    folder = tmp_path_factory.mktemp("installed")
    venv.create(folder, with_pip=False, symlinks=True)
    python = folder / "bin" / "python"
    site = Path(sysconfig.get_path("purelib", vars={"base": str(folder), "platbase": str(folder)}))
    (site / "domain").mkdir()
    (site / "domain" / "__init__.py").write_text("NAME = 'another distribution'\n")
    # What is already installed here stands behind the environment's own packages.
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    command = [sys.executable, "-m", "pip", "--python", str(python), "install", "-q", "--no-deps", "--no-index"]
    subprocess.run([*command, str(wheel)], check=True)
    return folder


def run(installed: Path, *command: str, folder: Path, code: int = 0) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": f"{installed / 'bin'}:{os.environ['PATH']}", "HOME": str(folder), "LANG": "C.UTF-8"}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, encoding="utf-8", check=False, timeout=120
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done


def test_everything_in_the_wheel_is_below_its_own_name(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    top = {name.split("/")[0] for name in names}
    assert top == {"filmledger", "filmledger-0.1.0.data", "filmledger-0.1.0.dist-info"}
    assert "filmledger/py.typed" in names
    assert "filmledger-0.1.0.data/data/share/man/man1/filmledger.1" in names
    shipped = {name for name in names if name.startswith("filmledger/")}
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                assert f"filmledger/{path.relative_to(ROOT).as_posix()}" in shipped


def test_the_metadata_asks_for_no_test_tool(wheel: Path) -> None:
    metadata = zipfile.ZipFile(wheel).read("filmledger-0.1.0.dist-info/METADATA").decode()
    assert "Requires-Dist: requests" in metadata
    assert "pytest" not in metadata


def test_the_console_script_runs_the_demo_in_an_empty_folder(installed: Path, tmp_path: Path) -> None:
    done = run(installed, "filmledger", "--demo", "--limit", "5", folder=tmp_path)
    assert "fetched 5 titles" in done.stdout
    assert '  filmledger sql --data-dir data/demo "select' in done.stdout
    assert "filmledger: " not in done.stderr, "no warning"
    files = {path.name for path in (tmp_path / "data" / "demo").glob("*.csv")}
    assert files > {"credits.csv", "movies.csv", "people.csv"}
    assert (
        "csv and postgres hold the same"
        in run(installed, "filmledger", "verify", "--data-dir", "data/demo", folder=tmp_path).stdout
    )


def test_it_speaks_of_the_installed_command(installed: Path, tmp_path: Path) -> None:
    assert "Usage: filmledger" in run(installed, "filmledger", "--help", folder=tmp_path).stdout
    assert "main.py" not in run(installed, "filmledger", "--help", folder=tmp_path).stdout
    assert "filmledger, version" in run(installed, "python", "-m", "filmledger", "--version", folder=tmp_path).stdout
    missing = run(installed, "filmledger", "sql", "select 1", folder=tmp_path, code=2).stderr
    assert "run `filmledger` first" in missing


def test_the_python_interface_and_a_foreign_domain_live_side_by_side(installed: Path, tmp_path: Path) -> None:
    script = (
        "import sys, filmledger, domain\n"
        "assert 'filmledger.infrastructure' not in sys.modules, 'the interface is loaded when it is used'\n"
        "print(domain.NAME, filmledger.Movie.__module__, *sorted(filmledger.__all__))\n"
        "try:\n    filmledger.Settings(max_threads=0)\nexcept ValueError as error:\n    print(error)\n"
        "try:\n    filmledger.nothing\nexcept AttributeError as error:\n    print(error)\n"
    )
    assert run(installed, "python", "-c", script, folder=tmp_path).stdout.splitlines() == [
        "another distribution filmledger.domain.movie FilmledgerError Movie Settings parse_title scrape",
        "MAX_THREADS: 0 is not allowed; allowed: whole number from 1",
        "module 'filmledger' has no attribute 'nothing'",
    ]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts(installed: Path, tmp_path: Path, shell: str) -> None:
    script = run(installed, "filmledger", "completion", shell, folder=tmp_path).stdout
    assert f"_FILMLEDGER_COMPLETE={shell}_complete" in script


def test_bash_completes_commands_and_the_options_of_the_default_command(installed: Path, tmp_path: Path) -> None:
    def completed(*words: str) -> set[str]:
        line = (
            f'COMP_WORDS="{" ".join(words)}" COMP_CWORD={len(words) - 1} _FILMLEDGER_COMPLETE=bash_complete filmledger'
        )
        done = run(installed, "bash", "-c", line, folder=tmp_path)
        assert done.stderr == ""
        return {each.partition(",")[2] for each in done.stdout.splitlines() if each}

    assert completed("filmledger", "s") == {"scrape", "serve", "settings", "sql", "status"}
    assert {"--demo", "--limit", "--version"} <= completed("filmledger", "--")
    assert "--repair" in completed("filmledger", "verify", "--re")
    assert completed("filmledger", "nonsense", "x") == set()


def test_an_unknown_shell_and_a_checkout_are_refused_in_one_line(installed: Path, tmp_path: Path) -> None:
    refused = run(installed, "filmledger", "completion", "tcsh", folder=tmp_path, code=2).stderr
    assert refused == (
        "filmledger: invalid value for 'SHELL': 'tcsh' is not one of 'bash', 'zsh', 'fish'; "
        "see `filmledger completion --help`\n"
    )
    checkout = [sys.executable, str(ROOT / "main.py"), "completion", "bash"]
    done = subprocess.run(checkout, cwd=tmp_path, capture_output=True, encoding="utf-8", check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == ("filmledger: completion is for the installed command: install it with `pipx install .`\n")


@pytest.mark.skipif(not Path("/usr/bin/man").exists(), reason="man is not installed")
def test_the_man_page_can_be_read(tmp_path: Path) -> None:
    page = str(ROOT / "docs" / "filmledger.1")
    done = subprocess.run(["man", "--warnings", "-l", page], capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0
    assert done.stderr == ""
    assert "filmledger completion fish | source" in done.stdout


def test_imports_are_rewritten_and_what_cannot_be_is_refused() -> None:
    source = "from domain.movie import Movie\nfrom os import path\nif path:\n    from shared import clock\n"
    assert rewritten(source, "a.py") == (
        "from filmledger.domain.movie import Movie\nfrom os import path\nif path:\n"
        "    from filmledger.shared import clock\n"
    )
    assert rewritten('SAID = "run `python main.py` first"\n', "a.py") == 'SAID = "run `filmledger` first"\n'
    assert rewritten('KIND = "application/json"\n', "a.py") == 'KIND = "application/json"\n'
    with pytest.raises(ValueError, match=r"a\.py:1: write `from … import`, not `import domain\.movie`"):
        rewritten("import domain.movie\n", "a.py")
    for text in ('"infrastructure.demo"', 'f"infrastructure.{name}"'):
        with pytest.raises(ValueError, match=r"a\.py:1: derive 'infrastructure\..*' from __package__"):
            rewritten(f"NAME = {text}\n", "a.py")

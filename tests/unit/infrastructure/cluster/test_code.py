"""The program as it is sent to workers."""

from __future__ import annotations

import os
import subprocess
import sys
import types
import zipfile
from pathlib import Path

import pytest

from infrastructure.cluster import code
from tests.conftest import ROOT


def test_the_archive_holds_every_module_and_nothing_else(tmp_path: Path) -> None:
    with zipfile.ZipFile(code.archive(tmp_path)) as file:
        held = set(file.namelist())
    ours = {str(path.relative_to(ROOT)) for package in code.PACKAGES for path in (ROOT / package).rglob("*.py")}
    assert held == ours


def test_the_same_code_makes_the_same_archive(tmp_path: Path) -> None:
    (tmp_path / "again").mkdir()
    first, second = code.archive(tmp_path), code.archive(tmp_path / "again")
    assert (first.name, first.read_bytes()) == (second.name, second.read_bytes())


def test_a_process_that_imports_from_the_archive_runs_the_same_code(tmp_path: Path) -> None:
    program = "from infrastructure.cluster import code; print(code.LOADED, code.foreign_modules(), code.__file__)"
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(code.archive(tmp_path))}
    said = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    ).stdout
    loaded, foreign_modules, place = said.split()
    assert (loaded, foreign_modules) == (code.LOADED, "[]")
    assert place.startswith(str(tmp_path))


def test_the_fingerprint_differs_with_every_byte_and_name(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = set()
    for modules in ([("a.py", b"1")], [("a.py", b"2")], [("b.py", b"1")], [("a.py", b"1"), ("b.py", b"1")], []):
        monkeypatch.setattr(code, "sources", modules.copy)
        seen.add(code.fingerprint())
    assert len(seen) == 5


def test_modules_of_another_place_are_strangers(monkeypatch: pytest.MonkeyPatch) -> None:
    assert code.foreign_modules() == []
    stranger = types.ModuleType("shared.elsewhere")
    stranger.__file__ = "/elsewhere/shared/elsewhere.py"
    monkeypatch.setitem(sys.modules, stranger.__name__, stranger)
    assert code.foreign_modules() == ["shared.elsewhere"]

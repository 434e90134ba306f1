"""No secret, and no path of a particular machine, in the files or in their history."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from typing import Final

import pytest

from tests.conftest import ROOT

KEYS: Final = re.compile(
    r"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----\n"
    r"|\bAKIA[0-9A-Z]{16}\b"  # Amazon
    r"|\bgh[pousr]_[0-9A-Za-z]{36}\b|\bgithub_pat_[0-9A-Za-z_]{60,}"
    r"|\bglpat-[0-9A-Za-z_-]{20}\b"
    r"|\bxox[baprs]-[0-9A-Za-z-]{20,}"
    r"|\beyJ[0-9A-Za-z_-]{20,}\.eyJ[0-9A-Za-z_-]{20,}\."
    r"|\bpypi-[0-9A-Za-z_-]{50,}"
)
_HOME: Final = re.compile(r"(?<![\w/.:])/(?:home|Users|root)/(?!user\b)[A-Za-z0-9_.-]+")
_DATA: Final = ("requirements", "tests/docs/test_history.py")


def _git(*arguments: str) -> str:
    if not (ROOT / ".git").exists():
        pytest.skip("this is no clone")
    done = subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True, check=True)
    return done.stdout.decode("utf-8", "replace")


def _tracked() -> Iterator[tuple[str, str]]:
    for name in _git("ls-files").splitlines():
        path = ROOT / name
        if path.is_file() and not name.startswith(_DATA):
            yield name, path.read_bytes().decode("utf-8", "replace")


@pytest.mark.long
@pytest.mark.long
def test_the_history_holds_no_key() -> None:
    added = "\n".join(line[1:] for line in _git("log", "--all", "-p", "--no-color").splitlines() if line[:1] == "+")
    assert KEYS.findall(added) == []


def test_keys_would_be_found() -> None:
    assert KEYS.search("-----BEGIN RSA PRIVATE " + "KEY-----\n")
    assert KEYS.search("key = 'AKIA" + "ABCDEFGHIJKLMNOP'")


def test_files_that_hold_secrets_are_not_tracked() -> None:
    names = _git("ls-files").splitlines()
    assert not [name for name in names if re.search(r"(^|/)(\.env|scraper\.env|secrets/.*|.*\.pem|.*\.key)$", name)]


def test_no_home_of_anybody_is_named() -> None:
    found = {name: match[0] for name, text in _tracked() if (match := _HOME.search(text))}
    assert found == {}

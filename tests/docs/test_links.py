"""Every link, picture, path, command and option in the documents leads somewhere."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

import click
import pytest

from shared.settings import ENVIRONMENT_ONLY, describe
from tests.conftest import ROOT
from tests.docs.documents import anchors, blocks, documents, inline_code, links
from tests.docs.generated import command_tree

IDS: Final = [str(path.relative_to(ROOT)) for path in documents()]
_PATHS: Final = ("domain/", "application/", "infrastructure/", "shared/", "tests/", "docs/", "docker/", ".ci/")


# Names in capitals that are no settings of the program: of the system, of the container files, of other programs.
NOT_OURS: Final = {"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "PYTHONPATH", "JOBDIR", "COMMANDS"} | {
    "RUN_AS", "DATA_FOLDER", "VERSION", "REVISION", "CREATED",
}  # fmt: skip


def broken(path: Path) -> list[str]:
    """Links that lead to no file or no heading; addresses elsewhere are only looked at, not asked."""
    found = []
    for link in links(path):
        parts = urlsplit(link)
        if parts.scheme:
            if parts.scheme != "https" or not parts.netloc or "." not in parts.netloc:
                found.append(link)
            continue
        target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
        there = target.is_relative_to(ROOT) and target.exists()
        if not there or (parts.fragment and parts.fragment not in anchors(target)):
            found.append(link)
    return found


@pytest.mark.parametrize("path", documents(), ids=IDS)
def test_links_lead_somewhere(path: Path) -> None:
    assert broken(path) == []


def test_broken_links_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.docs.test_links.ROOT", tmp_path)
    page = tmp_path / "page.md"
    page.write_text(
        "# One *thing*\n[a](nowhere.md) [b](#one-thing) [c](#two) ![d](d.png) [e](http://x.org/) [f](../up.md)\n",
        encoding="utf-8",
    )
    assert broken(page) == ["nowhere.md", "#two", "d.png", "http://x.org/", "../up.md"]


@pytest.mark.parametrize("path", documents(), ids=IDS)
def test_files_that_are_named_exist(path: Path) -> None:
    named = [code.split(",")[0].strip() for code in inline_code(path) if code.startswith(_PATHS) and " " not in code]
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_every_document_can_be_reached_from_the_front_pages() -> None:
    reached, waiting = set(), [ROOT / "README.md", ROOT / "docs" / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in reached or page.suffix != ".md":
            continue
        reached.add(page)
        local = [link for link in links(page) if not urlsplit(link).scheme and urlsplit(link).path]
        waiting += [(page.parent / urlsplit(link).path).resolve() for link in local]
    assert set(documents()) - reached == set()


def _calls(path: Path) -> list[list[str]]:
    """Every call of the program in a document's blocks and text, as words after its name."""
    lines = [line for block in blocks(path) if block.language in ("sh", "") for line in block.text.splitlines()]
    lines += [code for code in inline_code(path) if "main.py" in code]
    calls = []
    for line in lines:
        found = re.findall(r"main\.py([^|;&`]*)", line)
        if "docker compose" in line:
            found += re.findall(r" run .*?scraper\b(.*)", line)
        calls += [shlex.split(words.replace("…", "x"), comments=True) for words in found]
    return calls


def unknown(words: list[str], commands: dict[str, click.Command]) -> list[str]:
    """Commands and options in a call that the program does not have."""
    if words and words[0] == "COMMAND":
        return []
    name = next(iter(words), "")
    if name and not name.startswith("-") and name not in commands:
        return [name]
    command = commands[name if name in commands else "scrape"]
    known = {option for parameter in command.params for option in parameter.opts} | {"--help", "-h", "--version"}
    options = [word.split("=")[0] for word in words if re.match(r"--?[a-z]", word)]
    return [option for option in options if option not in known]


@pytest.mark.parametrize("path", documents(), ids=IDS)
def test_commands_and_options_exist(path: Path) -> None:
    commands = command_tree()
    assert [problem for words in _calls(path) for problem in unknown(words, commands)] == []


def test_commands_that_do_not_exist_are_found() -> None:
    commands = command_tree()
    assert unknown(["scrub"], commands) == ["scrub"]
    assert unknown(["verify", "--mend"], commands) == ["--mend"]
    assert unknown(["--demo", "--limit", "3"], commands) == []


@pytest.mark.parametrize("path", documents(), ids=IDS)
def test_settings_that_are_named_exist(path: Path) -> None:
    known = {setting.name for setting in describe()} | {f"{each.name}_FILE" for each in describe() if each.secret}
    known |= set(ENVIRONMENT_ONLY) | NOT_OURS
    known |= set(re.findall(r"\$\{([A-Z_]+):-", (ROOT / "docker" / "compose.yaml").read_text(encoding="utf-8")))
    names = [code.split("=")[0] for code in inline_code(path) if re.fullmatch(r"[A-Z][A-Z_]{3,}(=\S*)?", code)]
    assert [name for name in names if name not in known] == []

"""The answers of docs/extending.md name files that are there and hold what they are named for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT

PAGE = ROOT / "docs" / "extending.md"
ROW = re.compile(r"\| (?P<question>[^|]+\?) \| (?P<files>`.+) \|")
FILE = re.compile(r"`(?P<path>[\w./]+)`(?: \(`(?P<name>\w+)`\))?")
PATH = re.compile(r"`((?:domain|application|infrastructure|shared|tests|docs)/[\w./]*)`")


def _answers() -> Iterator[tuple[str, str, str | None]]:
    for row in ROW.finditer(PAGE.read_text(encoding="utf-8")):
        for file in FILE.finditer(row["files"]):
            yield row["question"], file["path"], file["name"]


def test_there_are_ten_questions_at_least() -> None:
    assert len({question for question, _, _ in _answers()}) >= 10


@pytest.mark.parametrize(("question", "path", "name"), list(_answers()))
def test_each_answer_names_a_file_that_holds_what_is_asked_for(question: str, path: str, name: str | None) -> None:
    place = ROOT / path
    assert place.is_dir() == path.endswith("/"), question
    assert place.exists(), question
    if name is not None:
        assert re.search(rf"\b(def|class) {name}\b|^    {name}:", place.read_text(encoding="utf-8"), re.MULTILINE), (
            question
        )


def test_every_other_path_on_the_page_is_there() -> None:
    paths = PATH.findall(PAGE.read_text(encoding="utf-8"))
    assert len(paths) > 30
    assert [path for path in paths if not Path(ROOT / path).exists()] == []

"""What the documents say about the code is what the code says."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.settings import Settings, describe, load
from tests.conftest import ROOT
from tests.docs import generated
from tests.docs.imports import LAYERS, boxes, imports
from tests.docs.picture import ENTRY, meaning

OUT_OF_DATE = "run `python -m tests.docs.generated`"


@pytest.mark.parametrize("name", generated.WHOLE)
def test_files_made_from_the_code_are_up_to_date(name: str) -> None:
    assert (ROOT / name).read_text(encoding="utf-8") == generated.WHOLE[name](), OUT_OF_DATE


@pytest.mark.parametrize(("file", "name"), generated.PARTS)
def test_parts_made_from_the_code_are_up_to_date(file: str, name: str) -> None:
    assert generated.current(ROOT / file, name) == generated.PARTS[file, name](), OUT_OF_DATE


def test_every_setting_is_documented() -> None:
    table = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    for setting in describe():
        assert f"`{setting.name}`" in table
        assert not setting.secret or f"`{setting.name}_FILE`" in table


def test_the_example_changes_nothing_as_it_is_and_also_when_all_of_it_is_uncommented(tmp_path: Path) -> None:
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    uncommented = "\n".join(
        line[1:] if line.startswith("#") and line[1:].partition("=")[0].isupper() else line
        for line in example.splitlines()
    )
    assert uncommented != example
    for text in (example, uncommented):
        env_file = tmp_path / ".env"
        env_file.write_text(text, encoding="utf-8")
        loaded = load({}, env_file)
        assert (loaded.settings, loaded.warnings) == (Settings(), ())


def test_every_box_of_the_picture_is_explained() -> None:
    assert [box for box in boxes() if not meaning(box)] == []


def test_the_picture_may_be_drawn_in_bands() -> None:
    """Adapters import no entry points, the rooms below nothing above them, and the two lowest nothing at all."""
    found = imports()
    adapters = set(found) - set(LAYERS) - set(ENTRY)
    assert not {box for box in adapters if found[box].ours & set(ENTRY)}
    assert found["application"].ours <= {"domain", "shared"}
    assert found["domain"].ours == found["shared"].ours == frozenset()
    assert found["domain"].theirs == found["application"].theirs == frozenset()


def test_a_part_that_is_not_there_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "some.md").write_text("nothing")
    with pytest.raises(AssertionError, match="has no part settings"):
        generated.current(tmp_path / "some.md", "settings")

"""A folder in which other people's files are safe."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from domain.errors import UsageError
from infrastructure.catalogue.output import LIST, OutputFolder, OutputTally


def _publish(folder: Path, files: dict[str, bytes], *, remove: bool = True) -> OutputTally:
    output = OutputFolder(folder)
    for name, body in files.items():
        output.write(name, body)
    return output.finish(remove=remove)


def test_only_what_changed_is_written(tmp_path: Path) -> None:
    assert _publish(tmp_path, {"a.html": b"1", "b/c.html": b"2"}) == OutputTally(2, 0, 0)
    times = {name: (tmp_path / name).stat().st_mtime_ns for name in ("a.html", "b/c.html", LIST)}
    assert _publish(tmp_path, {"a.html": b"1", "b/c.html": b"2"}) == OutputTally(0, 2, 0)
    assert {name: (tmp_path / name).stat().st_mtime_ns for name in times} == times
    assert _publish(tmp_path, {"a.html": b"1", "b/c.html": b"3"}) == OutputTally(1, 1, 0)
    assert (tmp_path / "b/c.html").read_bytes() == b"3"


def test_a_file_deleted_or_changed_by_hand_comes_back(tmp_path: Path) -> None:
    _publish(tmp_path, {"a.html": b"1", "b.html": b"2"})
    (tmp_path / "a.html").unlink()
    (tmp_path / "b.html").write_bytes(b"scribble")
    assert _publish(tmp_path, {"a.html": b"1", "b.html": b"2"}) == OutputTally(2, 0, 0)
    assert (tmp_path / "a.html").read_bytes() + (tmp_path / "b.html").read_bytes() == b"12"


def test_what_is_no_longer_published_goes_and_so_do_its_empty_folders(tmp_path: Path) -> None:
    _publish(tmp_path, {"a.html": b"1", "old/deep/b.html": b"2", "mixed/c.html": b"3"})
    (tmp_path / "mixed" / "theirs.txt").write_text("keep")
    assert _publish(tmp_path, {"a.html": b"1"}) == OutputTally(0, 1, 2)
    assert sorted(path.name for path in tmp_path.iterdir()) == [LIST, "a.html", "mixed"]
    assert [path.name for path in (tmp_path / "mixed").iterdir()] == ["theirs.txt"]


def test_other_peoples_files_stay(tmp_path: Path) -> None:
    theirs = tmp_path / "holiday.jpg"
    theirs.write_bytes(b"beach")
    _publish(tmp_path, {"a.html": b"1"})
    _publish(tmp_path, {})
    assert theirs.read_bytes() == b"beach"
    assert not (tmp_path / "a.html").exists()


def test_a_strangers_file_is_never_written_over(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("my homepage")
    output = OutputFolder(tmp_path)
    with pytest.raises(UsageError, match=r"index\.html was not written by filmledger"):
        output.refuse_foreign_files(["index.html"])
    with pytest.raises(UsageError):
        output.write("index.html", b"1")
    output.finish(remove=True)
    _publish(tmp_path, {})
    assert (tmp_path / "index.html").read_text() == "my homepage"


def test_after_a_failed_step_nothing_is_removed(tmp_path: Path) -> None:
    _publish(tmp_path, {"a.html": b"1", "b.html": b"2"})
    assert _publish(tmp_path, {"a.html": b"1"}, remove=False) == OutputTally(0, 1, 0)
    assert (tmp_path / "b.html").exists()
    assert _publish(tmp_path, {"a.html": b"1"}) == OutputTally(0, 1, 1), "the next publish still knows it as ours"


def test_a_publish_that_was_killed_leaves_no_strangers(tmp_path: Path) -> None:
    killed = OutputFolder(tmp_path)
    killed.write("a.html", b"1")
    killed.write("b.html", b"2")
    assert _publish(tmp_path, {"a.html": b"new"}) == OutputTally(1, 0, 1)
    assert not (tmp_path / "b.html").exists()


def test_a_half_written_page_of_a_killed_publish_is_written_again(tmp_path: Path) -> None:
    killed = OutputFolder(tmp_path)
    killed.write("a.html", b"whole page")
    (tmp_path / "a.html").write_bytes(b"whole")
    assert _publish(tmp_path, {"a.html": b"whole page"}) == OutputTally(1, 0, 0)


@pytest.mark.parametrize("name", ["../victim", "/etc/hostname", "a/../../victim", "..", ""])
def test_a_list_that_was_tampered_with_removes_nothing_elsewhere(tmp_path: Path, name: str) -> None:
    victim = tmp_path / "victim"
    victim.write_text("alive")
    folder = tmp_path / "site"
    _publish(folder, {"a.html": b"1"})
    with (folder / LIST).open("a") as file:
        file.write(f"{name}\n")
    assert _publish(folder, {}) == OutputTally(0, 0, 1)
    assert victim.exists()


@pytest.mark.parametrize("name", ["../out", "/tmp/out", "a/../../out"])
def test_no_name_leads_out_of_the_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="leads out"):
        OutputFolder(tmp_path / "site").write(name, b"1")


def test_copies_named_by_content_are_not_read_again(tmp_path: Path) -> None:
    source = tmp_path / "source.webp"
    source.write_bytes(b"poster")
    folder = tmp_path / "site"
    first = OutputFolder(folder)
    first.copy("posters/x.webp", source, 6)
    assert first.finish(remove=True) == OutputTally(1, 0, 0)
    source.unlink()
    again = OutputFolder(folder)
    again.copy("posters/x.webp", source, 6)
    assert again.finish(remove=True) == OutputTally(0, 1, 0)
    (folder / "posters" / "x.webp").write_bytes(b"cut")
    source.write_bytes(b"poster")
    mended = OutputFolder(folder)
    mended.copy("posters/x.webp", source, 6)
    assert (folder / "posters" / "x.webp").read_bytes() == b"poster"


def test_a_file_where_the_folder_should_be_is_told(tmp_path: Path) -> None:
    (tmp_path / "site").write_text("a file")
    with pytest.raises(UsageError, match="is a file"):
        OutputFolder(tmp_path / "site")


def test_everybody_may_read_what_is_published(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        _publish(tmp_path, {"a.html": b"1"})
        _publish(tmp_path, {"a.html": b"2"})
    finally:
        os.umask(before)
    assert (tmp_path / "a.html").stat().st_mode & 0o777 == 0o644

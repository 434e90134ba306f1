"""The journal believes only what it wrote, whole."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st
from infrastructure.stores.csv.files import TableFiles

from application.records import Table
from infrastructure.stores.csv import journal
from infrastructure.stores.csv.journal import NOTHING, Contents, Header, Journal, Save, Sizes, Stamps
from infrastructure.stores.csv.layout import Layout
from infrastructure.stores.csv.snapshot import standing

HEADER = Header(generation=3, base=Sizes(10, 20, 30), escaped=True, ordered=True, open=True)
SAVES = [Save(Sizes(100 * place, 200 * place, 300 * place), (place, 2, 3)) for place in range(1, 6)]
SIZES = [save.sizes for save in SAVES]
LENGTH = 40  # of a record


@pytest.fixture
def written(tmp_path: Path) -> Path:
    path = tmp_path / "csv.journal"
    writer = Journal(path)
    writer.replace(Contents(HEADER))
    writer.append(SAVES[:2])
    writer.append(SAVES[2:])
    assert writer.records == 5
    writer.close()
    return path


def test_it_comes_back_as_it_was_written(written: Path) -> None:
    found = journal.read(written)
    assert found is not None
    assert found.header == HEADER
    assert list(found.sizes()) == SIZES
    assert (found.committed, found.sums) == SAVES[-1]


def test_without_records_the_base_is_what_counts(tmp_path: Path) -> None:
    writer = Journal(tmp_path / "journal")
    writer.replace(Contents(HEADER))
    writer.close()
    found = journal.read(tmp_path / "journal")
    assert found is not None
    assert found.committed == HEADER.base


def test_none_is_none(tmp_path: Path) -> None:
    assert journal.read(tmp_path / "journal") is None


def test_it_is_readable_by_its_owner_only(written: Path) -> None:
    assert written.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("cut", range(1, 5 * LENGTH + 1))
def test_a_torn_record_ends_it(written: Path, cut: int) -> None:
    written.write_bytes(written.read_bytes()[:-cut])
    found = journal.read(written)
    assert found is not None
    assert list(found.sizes()) == SIZES[: 5 - (cut + LENGTH - 1) // LENGTH]


@given(place=st.integers(0, 5 * LENGTH - 1), bit=st.integers(0, 7))
def test_a_record_with_a_wrong_bit_ends_it(tmp_path_factory: pytest.TempPathFactory, place: int, bit: int) -> None:
    path = tmp_path_factory.mktemp("journal") / "journal"
    writer = Journal(path)
    writer.replace(Contents(HEADER))
    writer.append(SAVES)
    writer.close()
    raw = bytearray(path.read_bytes())
    start = raw.index(b"\n") + 1
    raw[start + place] ^= 1 << bit
    path.write_bytes(raw)
    found = journal.read(path)
    assert found is not None
    assert list(found.sizes()) == SIZES[: place // LENGTH]


def test_records_of_another_generation_do_not_count(written: Path, tmp_path: Path) -> None:
    records = written.read_bytes().partition(b"\n")[2]
    other = tmp_path / "other"
    writer = Journal(other)
    writer.replace(Contents(Header(generation=4)))
    writer.close()
    other.write_bytes(other.read_bytes() + records)
    found = journal.read(other)
    assert found is not None
    assert list(found.sizes()) == []


def test_a_first_line_that_was_changed_makes_it_unreadable(written: Path) -> None:
    raw = written.read_bytes()
    for place in range(raw.index(b"\n")):
        written.write_bytes(raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :])
        assert journal.read(written) is None
    for content in (b"", b"\n", b"{}\n", b"filmledger csv journal \n"):
        written.write_bytes(content)
        assert journal.read(written) is None


def test_trimming_takes_away_what_a_failed_append_left(written: Path) -> None:
    writer = Journal(written)
    found = journal.read(written)
    assert found is not None
    writer.replace(found)
    with written.open("ab") as file:
        file.write(b"half a rec")
    writer.trim()
    writer.append([Save(Sizes(9000, 9000, 9000), NOTHING)])
    writer.close()
    found = journal.read(written)
    assert found is not None
    assert list(found.sizes()) == [*SIZES, Sizes(9000, 9000, 9000)]


# --- what counts ----------------------------------------------------------------


def _files(folder: Path, *texts: bytes) -> TableFiles:
    for table, text in zip(Table, texts, strict=True):
        (folder / f"{table}.csv").write_bytes(text)
    return TableFiles(Layout(folder), writable=False)


def _saved(*texts: bytes) -> Save:
    movies, people, credits = map(len, texts)
    return Save(Sizes(movies, people, credits), (crc32(texts[0]), crc32(texts[1]), crc32(texts[2])))


def _contents(header: Header, saves: list[Save], path: Path) -> Contents:
    writer = Journal(path)
    writer.replace(Contents(header))
    writer.append(saves)
    writer.close()
    found = journal.read(path)
    assert found is not None
    return found


def _stands(contents: Contents | None, files: TableFiles) -> tuple[Sizes, bool, int]:
    with closing(files):
        found = standing(contents, files, escaped=False)
    return found.contents.committed, found.trusted, found.tail


def test_files_without_a_journal_count_whole_but_are_not_trusted(tmp_path: Path) -> None:
    assert _stands(None, _files(tmp_path, b"a", b"bb", b"ccc")) == (Sizes(1, 2, 3), False, 0)


@pytest.mark.parametrize(
    ("texts", "stands"),
    [
        ((b"ab", b"cd", b"ef"), (Sizes(2, 2, 2), True, 0)),
        ((b"ab-", b"cd", b"ef--"), (Sizes(2, 2, 2), True, 3)),  # a save that did not end
        ((b"aB", b"cd", b"ef"), (Sizes(2, 2, 2), False, 0)),  # edited, and as long as before
        ((b"ab-", b"Xcd", b"ef"), (Sizes(3, 3, 2), False, 0)),  # edited, and longer: nothing of it is a tail
        ((b"a", b"cd", b"ef"), (Sizes(1, 2, 2), False, 0)),  # cut short
        ((b"ab", b"", b"ef"), (Sizes(2, 0, 2), False, 0)),
    ],
)
def test_what_a_dead_run_has_left_counts_as_far_as_it_is_as_it_was_written(
    tmp_path: Path, texts: tuple[bytes, ...], stands: tuple[Sizes, bool, int]
) -> None:
    saves = [_saved(b"a", b"c", b""), _saved(b"ab", b"cd", b"ef")]
    contents = _contents(Header(open=True), saves, tmp_path / "journal")
    assert _stands(contents, _files(tmp_path, *texts)) == stands


def test_the_base_counts_in_the_same_way(tmp_path: Path) -> None:
    sizes, sums = _saved(b"ab", b"cd", b"ef")
    contents = Contents(Header(generation=7, base=sizes, sums=sums, open=True))
    assert _stands(contents, _files(tmp_path, b"ab", b"cd", b"ef--")) == (sizes, True, 2)
    assert _stands(contents, _files(tmp_path, b"ab", b"cX", b"ef--")) == (Sizes(2, 2, 4), False, 0)


def test_files_that_were_left_alone_are_trusted_and_others_are_not(tmp_path: Path) -> None:
    with closing(_files(tmp_path, b"a", b"bb", b"ccc")) as files:
        stamps: Stamps = files.stamps()
    closed = Contents(Header(generation=1, base=Sizes(1, 2, 3), stamps=stamps))
    assert _stands(closed, TableFiles(Layout(tmp_path), writable=False)) == (Sizes(1, 2, 3), True, 0)
    touched = Contents(Header(generation=1, base=Sizes(1, 2, 3), stamps=(*stamps[:2], stamps[2] - 1)))
    assert _stands(touched, TableFiles(Layout(tmp_path), writable=False)) == (Sizes(1, 2, 3), False, 0)
    assert _stands(closed, _files(tmp_path, b"a", b"bb", b"cccc")) == (Sizes(1, 2, 4), False, 0)

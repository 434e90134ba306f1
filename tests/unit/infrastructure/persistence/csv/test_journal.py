"""The journal believes only what it wrote, whole."""

from __future__ import annotations

from itertools import accumulate
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infrastructure.persistence.csv import journal
from infrastructure.persistence.csv.journal import Contents, Header, Journal, Sizes
from infrastructure.persistence.csv.snapshot import standing

HEADER = Header(generation=3, base=Sizes(10, 20, 30), escaped=True, ordered=True, open=True)
SAVES = [Sizes(100 * place, 200 * place, 300 * place) for place in range(1, 6)]


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
    assert list(found.sizes()) == SAVES
    assert found.committed == SAVES[-1]


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


@pytest.mark.parametrize("cut", range(1, 5 * 28 + 1))
def test_a_torn_record_ends_it(written: Path, cut: int) -> None:
    written.write_bytes(written.read_bytes()[:-cut])
    found = journal.read(written)
    assert found is not None
    assert list(found.sizes()) == SAVES[: 5 - (cut + 27) // 28]


@given(place=st.integers(0, 5 * 28 - 1), bit=st.integers(0, 7))
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
    assert list(found.sizes()) == SAVES[: place // 28]


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
    writer.append([Sizes(9000, 9000, 9000)])
    writer.close()
    found = journal.read(written)
    assert found is not None
    assert list(found.sizes()) == [*SAVES, Sizes(9000, 9000, 9000)]


# --- what counts ----------------------------------------------------------------


def _contents(header: Header, saves: list[Sizes], path: Path) -> Contents:
    writer = Journal(path)
    writer.replace(Contents(header))
    writer.append(saves)
    writer.close()
    found = journal.read(path)
    assert found is not None
    return found


def test_files_without_a_journal_count_whole_but_are_not_trusted() -> None:
    found = standing(None, Sizes(1, 2, 3), (4, 5, 6), escaped=False)
    assert (found.contents.committed, found.trusted, found.tail) == (Sizes(1, 2, 3), False, 0)


def test_what_stands_behind_the_last_commit_of_a_dead_run_is_a_tail(tmp_path: Path) -> None:
    contents = _contents(HEADER, SAVES, tmp_path / "journal")
    found = standing(contents, Sizes(505, 1000, 1501), (1, 1, 1), escaped=False)
    assert (found.contents.committed, found.trusted, found.tail) == (SAVES[-1], True, 6)


def test_a_commit_of_bytes_that_are_not_there_does_not_count(tmp_path: Path) -> None:
    contents = _contents(HEADER, SAVES, tmp_path / "journal")
    found = standing(contents, Sizes(420, 999, 1500), (1, 1, 1), escaped=False)
    assert (found.contents.committed, found.trusted, found.tail) == (SAVES[3], True, 20 + 199 + 300)


def test_files_that_were_left_alone_are_trusted_and_others_are_not() -> None:
    closed = Contents(Header(generation=1, base=Sizes(1, 2, 3), stamps=(4, 5, 6)))
    assert standing(closed, Sizes(1, 2, 3), (4, 5, 6), escaped=False).trusted
    assert not standing(closed, Sizes(1, 2, 3), (4, 5, 7), escaped=False).trusted
    longer = standing(closed, Sizes(1, 2, 4), (4, 5, 7), escaped=False)
    assert (longer.contents.committed, longer.trusted, longer.tail) == (Sizes(1, 2, 4), False, 0)
    assert longer.contents.header.generation == 1


def test_a_base_that_was_cut_short_is_an_edit() -> None:
    cut = standing(Contents(HEADER), Sizes(9, 20, 30), (1, 1, 1), escaped=False)
    assert (cut.contents.committed, cut.trusted, cut.tail) == (Sizes(9, 20, 30), False, 0)


@given(lengths=st.lists(st.integers(0, 9), min_size=1, max_size=5), extra=st.integers(0, 50))
def test_the_tail_is_what_is_longer(tmp_path_factory: pytest.TempPathFactory, lengths: list[int], extra: int) -> None:
    saves = [Sizes(end, end, end) for end in accumulate(lengths)]
    contents = _contents(Header(open=True), saves, tmp_path_factory.mktemp("journal") / "journal")
    end = saves[-1].movies
    found = standing(contents, Sizes(end + extra, end, end), (), escaped=False)
    assert (found.contents.committed, found.tail) == (saves[-1], extra)

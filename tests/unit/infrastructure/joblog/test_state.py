"""A bitmap is a set, and counts are a dictionary; they only take less room."""

from __future__ import annotations

from itertools import islice

from hypothesis import given
from hypothesis import strategies as st

from infrastructure.joblog.state import Bitmap, KeySet

numbers = st.lists(st.integers(0, 70))


@given(added=numbers, taken=numbers, extra=numbers)
def test_it_holds_what_a_set_holds(added: list[int], taken: list[int], extra: list[int]) -> None:
    bitmap, held = Bitmap(), set[int]()
    for number in added:
        assert bitmap.add(number) == (number not in held)
        held.add(number)
    for number in taken:
        assert bitmap.discard(number) == (number in held)
        held.discard(number)
    refused = bitmap.add_all(extra)
    assert refused == _refused(extra, held)
    held.update(extra)
    assert len(bitmap) == len(held)
    assert list(bitmap) == sorted(held)
    assert [number in bitmap for number in range(100)] == [number in held for number in range(100)]
    assert list(islice(bitmap.free(), 40)) == [number for number in range(200) if number not in held][:40]


def _refused(numbers: list[int], held: set[int]) -> list[int]:
    seen = set(held)
    return [number for number in numbers if number in seen or seen.add(number)]  # type: ignore[func-returns-value]


@given(added=numbers, allowed=numbers)
def test_only_what_is_within_another_set_gets_in(added: list[int], allowed: list[int]) -> None:
    bitmap, within = Bitmap(), Bitmap()
    within.add_all(allowed)
    bitmap.add_all(added, within=within)
    assert set(bitmap) == set(added) & set(allowed)


@given(held=st.sets(st.integers(0, 40)), first=st.integers(0, 45), length=st.integers(0, 45))
def test_it_knows_which_stretches_it_covers(held: set[int], first: int, length: int) -> None:
    bitmap = Bitmap()
    bitmap.add_all(sorted(held))
    assert bitmap.covers(first, first + length) == held.issuperset(range(first, first + length + 1))


def test_the_free_numbers_may_be_taken_as_they_come() -> None:
    bitmap = Bitmap()
    bitmap.add_all([0, 1, 3, 9])
    taken = []
    for number in islice(bitmap.free(), 30):
        bitmap.add(number)
        taken.append(number)
    assert taken == [2, 4, 5, 6, 7, 8, *range(10, 34)]


def test_ten_million_take_a_bit_each() -> None:
    bitmap = Bitmap()
    bitmap.add(9_999_999)
    assert len(bytes(bitmap)) == 1_250_000


@given(st.lists(st.one_of(st.from_regex(r"\Att[0-9]{7,10}\Z"), st.text(max_size=3)), max_size=30))
def test_keys_are_told_apart_as_a_set_does(keys: list[str]) -> None:
    known, held = KeySet(), set[str]()
    for key in [*keys, "tt0000001", "tt00000001", "tt٠٠٠٠٠٠١"]:
        assert known.add(key) == (key not in held)
        held.add(key)

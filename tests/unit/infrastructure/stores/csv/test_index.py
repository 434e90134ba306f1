from __future__ import annotations

from collections.abc import Callable

import pytest
from infrastructure.stores.csv.index import Index, MovieEntry, Span

from infrastructure.stores.csv import index as index_module

AT = "2026-01-01T00:00:00.000000Z"
MOST, COUNT = 50, 500


def _in_memory(index: Index) -> int:
    return sum(len(part) for part in (index._movies, index._credits, index._people, index._namings))


@pytest.mark.parametrize(
    ("put", "found"),
    [
        (
            lambda index, key, span: index.put_movie(key, MovieEntry(AT, None, span), None),
            lambda index, key: index.movies([key])[key].span,
        ),
        (lambda index, key, span: index.put_credits(key, span), lambda index, key: index.credits([key])[key]),
        (lambda index, key, span: index.put_person(key, span), lambda index, key: index.people([key])[key]),
    ],
    ids=["movies", "credits", "people"],
)
def test_whatever_it_is_filled_with_memory_is_bounded_and_nothing_is_forgotten(
    put: Callable[[Index, str, Span], None],
    found: Callable[[Index, str], Span],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(index_module, "_IN_MEMORY", MOST)
    index = Index()
    for number in range(COUNT):
        put(index, f"{number:07d}", Span(number, 1))
        assert _in_memory(index) <= MOST
    assert [found(index, f"{number:07d}") for number in range(COUNT)] == [Span(number, 1) for number in range(COUNT)]
    index.close()


def test_namings_are_bounded_too_and_the_better_one_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index_module, "_IN_MEMORY", MOST)
    index = Index()
    for number in [*range(COUNT), *range(COUNT)]:
        index.offer_naming(f"nm{number:07d}", (AT, f"tt{COUNT - number:07d}"))
        assert _in_memory(index) <= MOST
    for number in range(COUNT):
        index.offer_naming(f"nm{number:07d}", (AT, "tt9999999"))
    index.settle()
    keys = [f"nm{number:07d}" for number in range(COUNT)]
    assert index.namings(keys) == {key: (AT, f"tt{COUNT - number:07d}") for number, key in enumerate(keys)}
    index.close()

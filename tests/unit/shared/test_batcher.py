from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.batcher import BackgroundBatcher, Batcher


def test_a_lone_item_goes_at_once() -> None:
    batches: list[list[int]] = []

    def flush(items: Sequence[int]) -> Sequence[int]:
        batches.append(list(items))
        return [item * 2 for item in items]

    batcher: Batcher[int, int] = Batcher(flush, max_batch=10)
    assert batcher.submit(4) == 8
    assert batches == [[4]]


def test_items_that_arrive_during_a_flush_go_together_in_order() -> None:
    entered, release = threading.Event(), threading.Event()
    batches: list[list[int]] = []

    def flush(items: Sequence[int]) -> Sequence[int]:
        batches.append(list(items))
        entered.set()
        assert release.wait(10)
        return items

    batcher: Batcher[int, int] = Batcher(flush, max_batch=3)
    with ThreadPoolExecutor(6) as threads:
        futures = [threads.submit(batcher.submit, 0)]
        assert entered.wait(10)
        for item in range(1, 6):
            futures.append(threads.submit(batcher.submit, item))
            _until(lambda item=item: len(batcher._waiting) == item)
        release.set()
        assert [future.result() for future in futures] == [0, 1, 2, 3, 4, 5]
    assert batches == [[0], [1, 2, 3], [4, 5]]


def test_an_error_belongs_to_its_own_item() -> None:
    def flush(items: Sequence[int]) -> Sequence[int | Exception]:
        return [ValueError(f"{item} is odd") if item % 2 else item for item in items]

    batcher: Batcher[int, int] = Batcher(flush, max_batch=10)
    assert batcher.submit(2) == 2
    with pytest.raises(ValueError, match="3 is odd"):
        batcher.submit(3)


def test_what_flush_raises_goes_to_everyone_and_the_lane_is_given_back() -> None:
    calls = 0

    def flush(items: Sequence[int]) -> Sequence[int]:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise OSError("disk gone")
        return items

    batcher: Batcher[int, int] = Batcher(flush, max_batch=10)
    with pytest.raises(OSError, match="disk gone"):
        batcher.submit(1)
    assert batcher.submit(2) == 2


@settings(max_examples=15, deadline=None)
@given(threads=st.integers(1, 24), lanes=st.integers(1, 4), max_batch=st.integers(1, 7))
def test_every_item_is_flushed_once_and_no_more_than_lanes_at_a_time(threads: int, lanes: int, max_batch: int) -> None:
    lock = threading.Lock()
    seen: list[int] = []
    running = most = 0

    def flush(items: Sequence[int]) -> Sequence[int]:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
            seen.extend(items)
        assert 1 <= len(items) <= max_batch
        with lock:
            running -= 1
        return [-item for item in items]

    batcher: Batcher[int, int] = Batcher(flush, max_batch=max_batch, max_concurrency=lanes)
    items = range(threads * 20)
    with ThreadPoolExecutor(threads) as executor:
        assert list(executor.map(batcher.submit, items)) == [-item for item in items]
    assert sorted(seen) == list(items)
    assert most <= lanes


def test_in_the_background_whoever_hands_in_goes_on_and_what_gathers_goes_together() -> None:
    entered, release = threading.Event(), threading.Event()
    batches: list[list[int]] = []

    def flush(items: Sequence[int]) -> None:
        batches.append(list(items))
        entered.set()
        assert release.wait(10)

    batcher: BackgroundBatcher[int] = BackgroundBatcher(flush, max_batch=3, name="test")
    handed = [batcher.put(0)]
    assert entered.wait(10)
    handed += [batcher.put(item) for item in range(1, 6)]
    release.set()
    for one in handed:
        one.wait()
    assert batches == [[0], [1, 2, 3], [4, 5]]
    batcher.close()


def test_in_the_background_what_flush_raises_goes_to_everyone_and_the_thread_goes_on() -> None:
    calls = 0

    def flush(items: Sequence[int]) -> None:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise OSError("disk gone")

    batcher: BackgroundBatcher[int] = BackgroundBatcher(flush, max_batch=10, name="test")
    with pytest.raises(OSError, match="disk gone"):
        batcher.put(1).wait()
    batcher.put(2).wait()
    batcher.close()


def test_closing_flushes_what_is_waiting_and_lets_nothing_more_in() -> None:
    entered, release = threading.Event(), threading.Event()
    seen: list[int] = []

    def flush(items: Sequence[int]) -> None:
        entered.set()
        assert release.wait(10)
        seen.extend(items)

    batcher: BackgroundBatcher[int] = BackgroundBatcher(flush, max_batch=1, name="test")
    handed = [batcher.put(item) for item in range(3)]
    assert entered.wait(10)
    closing = threading.Thread(target=batcher.close)
    closing.start()
    _until(lambda: batcher._closed)
    with pytest.raises(RuntimeError, match="test is closed"):
        batcher.put(3)
    release.set()
    closing.join(10)
    for one in handed:
        one.wait()
    assert seen == [0, 1, 2]
    batcher.close()


@settings(max_examples=15, deadline=None)
@given(threads=st.integers(1, 24), max_batch=st.integers(1, 7))
def test_in_the_background_every_item_is_flushed_once(threads: int, max_batch: int) -> None:
    seen: list[int] = []

    def flush(items: Sequence[int]) -> None:
        assert 1 <= len(items) <= max_batch
        seen.extend(items)

    batcher: BackgroundBatcher[int] = BackgroundBatcher(flush, max_batch=max_batch, name="test")
    items = range(threads * 20)
    with ThreadPoolExecutor(threads) as executor:
        assert list(executor.map(lambda item: batcher.put(item).wait(), items)) == [None] * len(items)
    assert sorted(seen) == list(items)
    batcher.close()


def _until(condition: object, turns: int = 10_000) -> None:
    pause = threading.Event()
    for _ in range(turns):
        if condition():  # type: ignore[operator]
            return
        pause.wait(0.001)
    raise AssertionError("the condition never held")

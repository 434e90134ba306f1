from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

from shared.keyed_locks import KeyedLocks


def test_one_key_is_held_by_one_thread_at_a_time() -> None:
    locks, inside, most = KeyedLocks(), [0], [0]

    def work(_: int) -> None:
        with locks.hold("a"):
            inside[0] += 1
            most[0] = max(most[0], inside[0])
            inside[0] -= 1

    with ThreadPoolExecutor(16) as executor:
        list(executor.map(work, range(2000)))
    assert most == [1]


def test_other_keys_do_not_wait() -> None:
    locks, meeting = KeyedLocks(), threading.Barrier(50, timeout=10)

    def work(number: int) -> None:
        with locks.hold(str(number)):
            meeting.wait()

    with ThreadPoolExecutor(50) as executor:
        list(executor.map(work, range(50)))


def test_a_key_that_is_no_longer_used_takes_no_memory() -> None:
    locks = KeyedLocks()
    for number in range(100):
        with locks.hold(str(number)):
            pass
    assert not locks._locks

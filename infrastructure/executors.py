"""Executes jobs: in turn, or some at a time on threads."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from queue import SimpleQueue

from application.ports.runs import Job, Outcome


class SerialExecutor:
    """Executes the jobs in turn, in the calling thread."""

    def execute(
        self, jobs: Iterator[Job | None], work: Callable[[Job], Outcome], cancel: threading.Event
    ) -> Generator[Outcome, None, None]:
        while not cancel.is_set():
            job = next(jobs, None)  # None means that there is none, because nothing is in flight
            if job is None:
                return
            yield work(job)


class ThreadedExecutor:
    """Runs at most ``threads`` jobs at a time, each in a worker thread.

    No job is queued behind them: a queued job could be neither cancelled nor
    counted as started, and the list may be longer than memory.
    """

    def __init__(self, threads: int) -> None:
        self._threads = threads

    def execute(
        self, jobs: Iterator[Job | None], work: Callable[[Job], Outcome], cancel: threading.Event
    ) -> Generator[Outcome, None, None]:
        done: SimpleQueue[Future[Outcome]] = SimpleQueue()
        in_flight = 0
        listed = True
        with ThreadPoolExecutor(self._threads, thread_name_prefix="worker") as executor:
            while True:
                while listed and in_flight < self._threads and not cancel.is_set():
                    try:
                        job = next(jobs)
                    except StopIteration:
                        listed = False
                        break
                    if job is None:
                        break
                    executor.submit(work, job).add_done_callback(done.put)
                    in_flight += 1
                if not in_flight:
                    return
                outcome = done.get().result()
                in_flight -= 1
                yield outcome


def job_executor(threads: int) -> SerialExecutor | ThreadedExecutor:
    """The executor for so many threads; one thread means the calling one."""
    return SerialExecutor() if threads == 1 else ThreadedExecutor(threads)

"""Carrying out jobs: one after the other, or some at a time on threads."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from application.ports import Job, Outcome


class SerialCrawler:
    """One job after the other, in the calling thread; there is no executor."""

    def crawl(
        self, jobs: Iterator[Job | None], work: Callable[[Job], Outcome], cancel: threading.Event
    ) -> Iterator[Outcome]:
        while not cancel.is_set():
            job = next(jobs, None)  # nothing is in flight, so None can only mean the end
            if job is None:
                return
            yield work(job)


class ThreadedCrawler:
    """At most ``threads`` jobs at a time, each in a worker thread.

    Nothing is queued behind them: a queued job could be neither cancelled nor
    counted as begun, and the list may be longer than memory.
    """

    def __init__(self, threads: int) -> None:
        self._threads = threads

    def crawl(
        self, jobs: Iterator[Job | None], work: Callable[[Job], Outcome], cancel: threading.Event
    ) -> Iterator[Outcome]:
        in_flight: set[Future[Outcome]] = set()
        listed = True
        with ThreadPoolExecutor(self._threads, thread_name_prefix="worker") as executor:
            while True:
                while listed and len(in_flight) < self._threads and not cancel.is_set():
                    try:
                        job = next(jobs)
                    except StopIteration:
                        listed = False
                        break
                    if job is None:
                        break
                    in_flight.add(executor.submit(work, job))
                if not in_flight:
                    return
                done, in_flight = wait(in_flight, return_when=FIRST_COMPLETED)
                for future in done:
                    yield future.result()


def crawler(threads: int) -> SerialCrawler | ThreadedCrawler:
    """The crawler for so many threads; one thread needs no executor."""
    return SerialCrawler() if threads == 1 else ThreadedCrawler(threads)

"""Waits that are due are ended, and no others."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from shared.socket_watchdog import SocketWatchdog, shut_descriptor, shut_socket


@dataclass(eq=False)
class Wait:
    """A wait on one end of a pair of sockets; due when a test says so."""

    mine: socket.socket
    due: threading.Event = field(default_factory=threading.Event)
    polled: threading.Event = field(default_factory=threading.Event)

    def is_due(self, now: float) -> bool:
        self.polled.set()
        return self.due.is_set()

    def shut(self) -> None:
        shut_socket(self.mine)


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    first, second = socket.socketpair()
    with first, second:
        yield first, second


@pytest.fixture
def watchdog() -> Iterator[SocketWatchdog]:
    watchdog = SocketWatchdog("test-watchdog", 0.001)
    yield watchdog
    watchdog.close()


def test_a_blocked_read_ends_once_it_is_due(
    pair: tuple[socket.socket, socket.socket], watchdog: SocketWatchdog
) -> None:
    wait = Wait(pair[0])

    def make_due() -> None:
        wait.polled.wait()
        wait.due.set()

    threading.Thread(target=make_due).start()
    with watchdog.watch(wait):
        assert pair[0].recv(1) == b""


def test_a_wait_that_is_over_is_left_alone(pair: tuple[socket.socket, socket.socket], watchdog: SocketWatchdog) -> None:
    over, other = Wait(pair[0]), Wait(pair[1])
    with watchdog.watch(over):
        assert over.polled.wait(10)
    over.due.set()
    with watchdog.watch(other):
        assert other.polled.wait(10)

    pair[1].sendall(b"x")
    assert pair[0].recv(1) == b"x"


def test_a_wait_that_ends_while_it_is_polled_is_left_alone(
    pair: tuple[socket.socket, socket.socket], watchdog: SocketWatchdog
) -> None:
    polling, ended, polled = threading.Event(), threading.Event(), threading.Event()

    class Slow(Wait):
        def is_due(self, now: float) -> bool:
            polling.set()
            ended.wait(10)
            return True

        def shut(self) -> None:
            raise AssertionError("it was over")

    with watchdog.watch(Slow(pair[0])):
        assert polling.wait(10)
    ended.set()
    with watchdog.watch(Wait(pair[1], polled=polled)):
        assert polled.wait(10)

    pair[1].sendall(b"x")
    assert pair[0].recv(1) == b"x"


def test_shutting_leaves_closed_sockets_and_their_descriptors_alone(pair: tuple[socket.socket, socket.socket]) -> None:
    descriptor = pair[0].fileno()
    pair[0].close()
    shut_socket(pair[0])
    shut_descriptor(descriptor)

    assert pair[1].recv(1) == b""


def test_a_descriptor_is_shut_and_stays_open(pair: tuple[socket.socket, socket.socket]) -> None:
    shut_descriptor(pair[0].fileno())

    assert pair[0].recv(1) == b""
    os.fstat(pair[0].fileno())


def test_its_thread_ends_with_it() -> None:
    watchdog = SocketWatchdog("short-lived", 0.001)
    first, second = socket.socketpair()
    with first, second, watchdog.watch(Wait(first)):
        thread = next(thread for thread in threading.enumerate() if thread.name == "short-lived")
        watchdog.close()
        thread.join(10)

    assert not thread.is_alive()

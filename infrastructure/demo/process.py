"""The demo site's options, and the site in a child process that ends with this process."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Final

import msgspec

from domain.errors import UsageError

MAX_COUNT: Final = 1_000_000
MAX_DAY: Final = 3_900
_ROOT: Final = Path(__file__).resolve().parents[__name__.count(".")]  # where this program's packages are imported from
_GRACE_SECONDS: Final = 5.0


class DemoOptions(msgspec.Struct, frozen=True):
    """How to serve.

    Attributes:
        port: 0 takes a free one.
        count: titles in the Top 250 chart; the other charts are cut to as many.
        latency: seconds before every answer.
        page_kb: size of a title page before compression; never less than its own content, about 33.
        seed: another seed gives other titles.
        public_url: the site's public address, for poster addresses; by default host and port.
        prepare: number of title pages rendered before the site is ready.
        faults: faults, each in the form of ``DemoFault.parse``.
        day: number of days after the first: charts, ratings and votes change from day to day.

    Raises:
        ValueError: a number is out of range.
    """

    host: str = "127.0.0.1"
    port: int = 0
    count: int = 250
    latency: float = 0.0
    page_kb: int = 1600
    seed: int = 1
    public_url: str | None = None
    prepare: int = 0
    faults: tuple[str, ...] = ()
    day: int = 0

    def __post_init__(self) -> None:
        for name, value, least, most in (
            ("port", self.port, 0, 65535),
            ("count", self.count, 1, MAX_COUNT),
            ("latency", self.latency, 0, 600),
            ("page_kb", self.page_kb, 0, 100_000),
            ("day", self.day, 0, MAX_DAY),
        ):
            if not least <= value <= most:
                raise ValueError(f"{name} {value} is outside {least} to {most}")


class DemoProcess:
    """A demo site that is ready when this is constructed and stopped when it is closed.

    The child waits for the end of a pipe from this process, so it also ends when
    this process is killed. The terminal's Ctrl-C does not reach it.

    Args:
        prefix: a command that runs the child in another environment and execs it,
            such as ``ip netns exec NAME``.

    Raises:
        UsageError: it could not start; the message has the reason.
    """

    def __init__(self, options: DemoOptions, prefix: Sequence[str] = ()) -> None:
        paths = [str(_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
        self._process = subprocess.Popen(  # noqa: S603 - our own module under our own interpreter
            [*prefix, sys.executable, "-m", f"{__package__}.server", msgspec.json.encode(options).decode()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=_ROOT,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
            start_new_session=True,
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        )
        try:
            self.url = self._address()
        except BaseException:  # also Ctrl-C while it starts: nothing is left behind
            self.stop()
            raise

    @property
    def pid(self) -> int:
        """The child's process id."""
        return self._process.pid

    def _address(self) -> str:
        assert self._process.stdout is not None  # noqa: S101 - it is a pipe, asked for above
        said = self._process.stdout.readline().decode(errors="replace").strip()
        if not said.startswith("http://"):
            raise UsageError(f"the demo site did not start: {said or 'it ended at once'}")
        return said

    def stop(self) -> None:
        """Stops the site and waits for its end. May be called again."""
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()
        try:
            self._process.wait(_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def __enter__(self) -> DemoProcess:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

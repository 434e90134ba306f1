"""Runs the demo site in a child process that ends with this process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Final

from domain.errors import UsageError
from infrastructure.demo.options import DemoOptions

_ROOT: Final = Path(__file__).resolve().parents[__name__.count(".")]  # where this program's packages are imported from
_GRACE_SECONDS: Final = 5.0


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
            [*prefix, sys.executable, "-m", __package__, json.dumps(options.to_json())],
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
        line = self._process.stdout.readline()
        said: dict[str, str] = json.loads(line) if line.strip() else {}
        if "url" in said:
            return said["url"]
        raise UsageError(f"the demo site did not start: {said.get('error', 'it ended at once')}")

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

"""A Dask cluster as its users start it: ``dask scheduler`` and ``dask worker``, each a process of its own."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest

_DASK = Path(sys.executable).with_name("dask")
_START_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Worker:
    """A process of ``dask worker``, without a nanny that would start it anew."""

    process: subprocess.Popen[bytes]
    name: str

    def kill(self) -> None:
        """kill -9."""
        self.process.kill()
        self.process.wait()


@dataclass(frozen=True, slots=True)
class Run:
    """A run of the program that is under way."""

    process: subprocess.Popen[str]
    said: list[str] = field(default_factory=list)

    def reach(self, count: int) -> None:
        """Wait until so many titles are saved: its progress lines tell."""
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.said.append(line)
            if (told := re.match(r"\[ *\d+%\] (\d+)/", line)) and int(told[1]) >= count:
                return
        raise AssertionError(f"ended before {count} titles\n{''.join(self.said)}")

    def end(self, code: int) -> tuple[str, str]:
        """Wait for the end, which must be with this exit code; answers all it has said."""
        out, err = self.process.stdout, self.process.stderr
        assert out is not None
        assert err is not None
        with out, err:
            told = "".join([*self.said, *err])
            end = out.read()
        assert self.process.wait() == code, f"exit code {self.process.returncode}, not {code}\n{end}\n{told}"
        assert "Traceback" not in told, told
        return end, told


class DaskCluster:
    """A scheduler on loopback and its workers, started from a folder that holds nothing of ours.

    Args:
        folder: for their files and what they say.
        settings: of Dask, as variables of the environment.
    """

    def __init__(self, folder: Path, settings: Mapping[str, str] | None = None) -> None:
        self._folder = folder
        self._settings = settings or {}
        self._processes: list[subprocess.Popen[bytes]] = []
        told = folder / "scheduler.json"
        self.scheduler = self._start(
            "scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(told)
        )
        self.address = self._address(told)

    def worker(self, name: str, *options: str) -> Worker:
        """Start one and wait until the scheduler has it.

        Args:
            name: by which it is known.
            options: of ``dask worker``.
        """
        (worker,) = self.workers(name, options=options)
        return worker

    def workers(self, *names: str, options: Sequence[str] = ()) -> list[Worker]:
        """Start several at the same time, and wait until the scheduler has all of them."""
        where = ("--host", "127.0.0.1", "--local-directory", str(self._folder), "--no-dashboard", "--nthreads", "2")
        nanny = () if "--nanny" in options else ("--no-nanny",)
        started = [
            Worker(self._start("worker", self.address, "--name", name, *where, *nanny, *options), name)
            for name in names
        ]
        from distributed import Client  # it takes a second, which most test processes need not wait for

        deadline = time.monotonic() + _START_SECONDS
        with closing(Client(self.address, set_as_default=False)) as client:
            while not set(names) <= {each["name"] for each in client.scheduler_info(n_workers=-1)["workers"].values()}:
                assert all(worker.process.poll() is None for worker in started), self.said()
                assert time.monotonic() < deadline, self.said()
        return started

    def said(self) -> str:
        """What scheduler and workers have written."""
        return "\n".join(path.read_text(encoding="utf-8") for path in sorted(self._folder.glob("*.log")))

    def stop(self) -> None:
        """End all of it."""
        for process in self._processes:
            process.kill()
        for process in self._processes:
            process.wait()

    def _start(self, *command: str) -> subprocess.Popen[bytes]:
        inherited = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "TMPDIR")}
        with (self._folder / f"{len(self._processes)}.log").open("wb") as log:
            process = subprocess.Popen(
                [_DASK, *command],
                cwd=self._folder,
                env={**inherited, **self._settings},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self._processes.append(process)
        return process

    def _address(self, told: Path) -> str:
        deadline = time.monotonic() + _START_SECONDS
        while True:
            assert self.scheduler.poll() is None, self.said()
            assert time.monotonic() < deadline, self.said()
            try:
                address: str = json.loads(told.read_text(encoding="utf-8"))["address"]
            except (FileNotFoundError, json.JSONDecodeError):
                continue
            return address


@pytest.fixture
def dask(tmp_path: Path) -> Iterator[DaskCluster]:
    """A scheduler that has no workers yet."""
    folder = tmp_path / "dask"
    folder.mkdir()
    cluster = DaskCluster(folder)
    yield cluster
    cluster.stop()

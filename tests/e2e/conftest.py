"""The program as its users run it: ``python main.py`` in a process of its own."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from infrastructure.demo.process import DemoOptions, DemoProcess
from infrastructure.stores.embedded.server import EmbeddedServer
from tests.conftest import ROOT


@dataclass(frozen=True, slots=True)
class Program:
    """``main.py`` with one data directory and one environment."""

    data_dir: Path
    environment: dict[str, str] = field(default_factory=dict)

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        """Begin a run; the caller waits for it."""
        inherited = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "TMPDIR")}
        return subprocess.Popen(
            [sys.executable, str(ROOT / "main.py"), *arguments],
            env={**inherited, "DATA_DIR": str(self.data_dir), **self.environment, **environment},
            cwd=self.data_dir.parent,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )

    def run(self, *arguments: str, code: int = 0, **environment: str) -> subprocess.CompletedProcess[str]:
        """A run to its end; it must end with this exit code."""
        process = self.start(*arguments, **environment)
        out, err = process.communicate(timeout=100)
        assert process.returncode == code, f"exit code {process.returncode}, not {code}\n{out}\n{err}"
        assert "Traceback" not in err, err
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def sql(self, query: str) -> list[tuple[Any, ...]]:
        """What the database answers, the embedded one unless another is set; asked without any of our reading code."""
        (rows,) = self.answers(query)
        return rows

    def answers(self, *queries: str) -> Iterator[list[tuple[Any, ...]]]:
        """What the database answers to each query; the server is started once for all."""
        with ExitStack() as stack:
            dsn = self.environment.get("POSTGRES_DSN")
            if dsn is None:
                dsn = stack.enter_context(EmbeddedServer(self.data_dir / "postgres")).dsn()
            cursor = stack.enter_context(closing(psycopg2.connect(dsn))).cursor()
            for query in queries:
                cursor.execute(query)
                yield cursor.fetchall()

    def table(self, name: str) -> list[dict[str, str]]:
        """The rows of a CSV file as they stand, header as keys."""
        with (self.data_dir / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))


@pytest.fixture(scope="session")
def site() -> Iterator[DemoProcess]:
    """A demo site of 30 small pages."""
    with DemoProcess(DemoOptions(count=30, page_kb=0)) as process:
        yield process


@pytest.fixture
def program(tmp_path: Path, site: DemoProcess) -> Program:
    """The program, pointed at the demo site."""
    return Program(tmp_path / "data", {"BASE_URL": site.url, "BACKOFF_FACTOR": "0.01"})

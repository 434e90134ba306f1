"""Who takes part. Each starts on a database that exists already, and must save every title or it does not count."""

from __future__ import annotations

import csv
import shutil
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol
from urllib.parse import urlsplit

import psycopg2

from infrastructure.stores.embedded.server import EmbeddedServer
from tests.benchmarks.metering import ROOT, BenchmarkFailed, Usage, measured
from tests.benchmarks.results import Case
from tests.benchmarks.sites import Site

LONGEST_CHART: Final = 250  # longer lists are given as ids
_CONTENDERS: Final = Path(__file__).parent / "contenders"


class Contestant(Protocol):
    """Somebody who does the job."""

    @property
    def name(self) -> str:
        """For the table."""

    def run(self, site: Site, case: Case, *, limit: int | None = None) -> Usage:
        """Do it once; ``limit``: only the first so many titles.

        Raises:
            BenchmarkFailed: it was not done.
        """


@dataclass(frozen=True, slots=True)
class Filmledger:
    """This program with its own embedded database server, which counts in.

    Args:
        folder: for data directories; one with a database in it is kept per site and copied for each run.
        name: for the table.
        options: beyond the usual ones.
    """

    folder: Path
    name: str = "filmledger"
    options: tuple[str, ...] = ()

    def run(self, site: Site, case: Case, *, limit: int | None = None) -> Usage:
        data = self.folder / "data"
        shutil.rmtree(data, ignore_errors=True)
        shutil.copytree(self._template(site), data, symlinks=True)
        usage = self._start(site, data, limit or case.titles, case.threads)
        _require_rows(data / "movies.csv", limit or case.titles)
        return usage

    def _template(self, site: Site) -> Path:
        """A data directory as a first run of one title leaves it."""
        data = self.folder / f"first-run-{urlsplit(site.url).port}"
        if not data.exists():
            self._start(site, data, 1, threads=1)
        return data

    def _start(self, site: Site, data: Path, titles: int, threads: int) -> Usage:
        command = [sys.executable, str(ROOT / "main.py"), "--quiet", *self.options, "--limit", str(titles)]
        if site.titles > LONGEST_CHART:
            ids = self.folder / "ids.txt"
            ids.write_text("\n".join(site.control.ids()) + "\n")
            command += ["--ids", str(ids)]
        environment = {"BASE_URL": site.url, "DATA_DIR": str(data), "MAX_THREADS": str(threads)}
        return measured(command, environment, self.folder)


@dataclass(frozen=True, slots=True)
class Contender:
    """Another program; its database server is one that runs anyway, and does not count.

    Args:
        name: for the table.
        command: with the arguments that start it.
        folder: for its files.
        dsn: of the server.
    """

    name: str
    command: tuple[str, ...]
    folder: Path
    dsn: str

    def run(self, site: Site, case: Case, *, limit: int | None = None) -> Usage:
        with closing(psycopg2.connect(self.dsn)) as connection, connection, connection.cursor() as cursor:
            cursor.execute((_CONTENDERS / "tables.sql").read_text())
        movies = self.folder / "movies.csv"
        movies.unlink(missing_ok=True)
        environment = {
            "BENCH_URL": site.url,
            "BENCH_DSN": self.dsn,
            "BENCH_OUT": str(self.folder),
            "BENCH_THREADS": str(case.threads),
            "BENCH_LIMIT": str(limit or case.titles),
        }
        usage = measured(self.command, environment, self.folder)
        _require_rows(movies, limit or case.titles)
        with closing(psycopg2.connect(self.dsn)) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM movies")
            if cursor.fetchall() != [(limit or case.titles,)]:
                raise BenchmarkFailed(f"{self.name}: not all titles are in its database")
        return usage


@contextmanager
def contenders(folder: Path, python: Path) -> Iterator[tuple[Contender, Contender]]:
    """Scrapy and the pool with BeautifulSoup, under an interpreter that has their packages."""
    spider = str(_CONTENDERS / "scrapy_spider.py")
    with EmbeddedServer(folder / "server") as server:
        dsn = server.dsn()
        yield (
            Contender("Scrapy", (str(python), "-m", "scrapy", "runspider", spider), folder, dsn),
            Contender("BeautifulSoup", (str(python), "-m", "tests.benchmarks.contenders.soup_pool"), folder, dsn),
        )


def _require_rows(movies: Path, expected: int) -> None:
    with movies.open(newline="", encoding="utf-8") as file:
        found = sum(1 for _ in csv.DictReader(file))
    if found != expected:
        raise BenchmarkFailed(f"{movies} has {found} of {expected} titles")

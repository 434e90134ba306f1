"""How fast the stores take movies, straight through the composite, from 50 threads.

    python -m tests.benchmarks.stores                        10,000 movies
    python -m tests.benchmarks.stores --movies 10000 100000  both sizes of the table in docs/
    python -m tests.benchmarks.stores --only both import     some of it

Every contestant is a process of its own on an empty data directory, the embedded
server included; memory is the peak of the sum of proportional set sizes. ``copy``
is the limit: the same rows by COPY into the same tables, constraints and all.
``single`` is the floor: one statement after the other, a transaction a movie.
"""

from __future__ import annotations

import argparse
import itertools
import json
import multiprocessing
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import psutil

from application.composite_repository import CompositeMovieRepository
from application.records import MovieRows, Row, to_rows
from domain.fields import Field, FieldType, Table
from domain.movie import Movie
from infrastructure.stores.csv.repository import CsvMovieRepository
from infrastructure.stores.embedded.server import EmbeddedServer
from infrastructure.stores.postgres import loading, schema
from infrastructure.stores.postgres.database import Database
from infrastructure.stores.postgres.repository import PostgresMovieRepository
from infrastructure.stores.postgres.statements import array_literal
from tests.support.movies import full_movie

_SHARED_PEOPLE = 3  # times the movies: everybody is credited in six of them


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--movies", type=int, nargs="+", default=[10_000])
    parser.add_argument("--threads", type=int, default=50)
    parser.add_argument("--only", nargs="+", choices=list(CONTESTANTS), default=list(CONTESTANTS))
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    say(f"{'movies':>8} {'contestant':<10} {'movies/s':>9} {'seconds':>9} {'CPU ms each':>12} {'peak MB':>8}")
    results = []
    for movies, name in itertools.product(options.movies, options.only):
        result = _in_a_process(name, movies, options.threads)
        results.append(result)
        figures = f"{movies / result['seconds']:>9.0f} {result['seconds']:>9.2f} {result['cpu_ms']:>12.2f}"
        say(f"{movies:>8} {name:<10} {figures} {result['peak_mb']:>8.0f}")
    if options.json:
        options.json.write_text(json.dumps(results, indent=2) + "\n")
    return 0


def say(line: str) -> None:
    """Print at once, for a run may take minutes."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _in_a_process(name: str, movies: int, threads: int) -> dict[str, Any]:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    with tempfile.TemporaryDirectory(prefix="filmledger-benchmark-") as folder:
        process = context.Process(target=_contest, args=(name, movies, threads, Path(folder), theirs))
        process.start()
        theirs.close()
        peak = 0
        while not ours.poll(0.5):  # looking costs the contestant time
            peak = max(peak, _memory(psutil.Process(process.pid)))
        seconds, cpu = ours.recv()
        process.join()
    each = cpu / movies * 1000
    return {"contestant": name, "movies": movies, "seconds": seconds, "cpu_ms": each, "peak_mb": peak / 1e6}


def _memory(root: psutil.Process) -> int:
    total = 0
    for process in [root, *root.children(recursive=True)]:
        try:
            total += process.memory_full_info().pss
        except psutil.NoSuchProcess:
            continue
    return total


def _contest(name: str, movies: int, threads: int, folder: Path, pipe: Any) -> None:
    with EmbeddedServer(folder / "postgres") as server, closing(Database(server.dsn)) as database:
        schema.prepare(database)
        contest = Contest(movies, threads, folder, database)
        before = _cpu()
        seconds = CONTESTANTS[name](contest)
        pipe.send((seconds, _cpu() - before - contest.making))


def _cpu() -> float:
    """Seconds that this process and those below it have used; connections stay open, so their servers count."""
    total = 0.0
    own = psutil.Process()
    for process in [own, *own.children(recursive=True)]:
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system
    return total


class Contest:
    """What the contestants get."""

    def __init__(self, movies: int, threads: int, folder: Path, database: Database) -> None:
        self.movies = movies
        self.threads = threads
        self.folder = folder
        self.database = database
        self.making = 0.0

    def made(self) -> Iterator[Movie]:
        """The movies, made on the way: all at once they would be what fills the memory."""
        people = self.movies * _SHARED_PEOPLE
        return (full_movie(number, people=people) for number in range(1, self.movies + 1))

    def save_all(self, save: Callable[[Movie], None]) -> float:
        """Seconds that the threads take, each waiting for its own save; making the movies is left out."""
        made, lock = self.made(), threading.Lock()
        making = [0.0] * self.threads

        def work(place: int) -> None:
            while True:
                with lock:
                    began = time.thread_time()
                    movie = next(made, None)
                    making[place] += time.thread_time() - began
                if movie is None:
                    return
                save(movie)

        workers = [threading.Thread(target=work, args=(place,)) for place in range(self.threads)]
        began = time.perf_counter()
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        self.making += sum(making)
        return time.perf_counter() - began - sum(making)


def _csv(contest: Contest) -> float:
    return contest.save_all(CsvMovieRepository(contest.folder / "csv").save)


def _postgres(contest: Contest) -> float:
    return contest.save_all(PostgresMovieRepository(contest.database).save)


def _both(contest: Contest) -> float:
    csv = CsvMovieRepository(contest.folder / "csv")
    both = CompositeMovieRepository([csv, PostgresMovieRepository(contest.database)])
    return contest.save_all(both.save)


def _rows(contest: Contest, table: Table) -> Iterator[Row]:
    """Rows in the order of the key, as an import gets them."""
    people: dict[str | None, Row] = {}
    for movie in contest.made():
        rows = _by_table(to_rows(movie))[table]
        if table is Table.PEOPLE:  # who recurs in many movies
            people.update((row[0], row) for row in rows)
        else:
            yield from rows
    yield from (people[person_id] for person_id in sorted(people, key=str))


def _by_table(rows: MovieRows) -> dict[Table, tuple[Row, ...]]:
    """What refers to others comes after them."""
    return {Table.MOVIES: (rows.movie,), Table.PEOPLE: rows.people, Table.CREDITS: rows.credits, Table.AKAS: rows.akas}


def _copy(contest: Contest) -> float:
    """The rows, already in the form that COPY takes, into the tables with all their constraints."""
    files = {}
    for table in (Table.MOVIES, Table.PEOPLE, Table.CREDITS, Table.AKAS):
        files[table] = contest.folder / f"{table}.txt"
        with files[table].open("w", encoding="utf-8") as file:
            file.writelines(loading._lines(table, _rows(contest, table)))
    began = time.perf_counter()
    with contest.database.connected() as connection, connection, connection.cursor() as cursor:
        for table, path in files.items():
            with path.open(encoding="utf-8") as file:
                cursor.copy_expert(f"COPY {table} ({', '.join(table.columns)}) FROM STDIN", file)
    return time.perf_counter() - began


def _import(contest: Contest) -> float:
    """Our own import, out of CSV files."""
    directory = contest.folder / "csv"
    with closing(CsvMovieRepository(directory)) as store:
        contest.save_all(store.save)
        store.finalize()
    began = time.perf_counter()
    with closing(CsvMovieRepository(directory, read_only=True)) as store:
        loading.PostgresLoader(contest.database).load(store.rows)
    return time.perf_counter() - began


def _single(contest: Contest) -> float:
    local = threading.local()
    stack = ExitStack()
    inserts = {
        table: f"INSERT INTO {table} ({', '.join(table.columns)}) VALUES ({', '.join(['%s'] * len(table.columns))})"
        " ON CONFLICT DO NOTHING"
        for table in (Table.MOVIES, Table.PEOPLE, Table.CREDITS, Table.AKAS)
    }

    def save(movie: Movie) -> None:
        if not hasattr(local, "connection"):
            local.connection = stack.enter_context(contest.database.connected())
        with local.connection, local.connection.cursor() as cursor:
            for table, rows in _by_table(to_rows(movie)).items():
                for row in sorted(rows):  # so that no two transactions wait for each other
                    cells = zip(table.fields, row, strict=True)
                    cursor.execute(inserts[table], [_parameter(field, cell) for field, cell in cells])

    with stack:
        return contest.save_all(save)


def _parameter(field: Field, cell: str | None) -> str | None:
    return cell and array_literal(cell) if field.type is FieldType.TEXT_LIST else cell


CONTESTANTS: dict[str, Callable[[Contest], float]] = {
    "csv": _csv,
    "postgres": _postgres,
    "both": _both,
    "copy": _copy,
    "import": _import,
    "single": _single,
}

if __name__ == "__main__":
    sys.exit(main())

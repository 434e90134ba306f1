"""How fast the CSV store takes movies: 50 threads, each waiting for its own save.

Run from the repository's root::

    python -m tests.benchmarks.stores_csv --movies 10000
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import tempfile
import threading
import time
from pathlib import Path

from domain.fields import Table
from infrastructure.stores.csv.repository import CsvMovieRepository
from tests.support.movies import full_movie


def measure(directory: Path, movies: int, threads: int, people: int) -> dict[str, float]:
    """Seconds of each step, CPU of saving, and memory in MB."""
    repository = CsvMovieRepository(directory)
    numbers = iter(range(1, movies + 1))
    lock = threading.Lock()
    made = [full_movie(number, people=people) for number in range(1, 1001)]  # making them is not what is measured

    def work() -> None:
        while True:
            with lock:
                number = next(numbers, None)
            if number is None:
                return
            template = made[number % 1000]
            repository.save(template if movies <= 1000 else full_movie(number, people=people))

    results: dict[str, float] = {}
    workers = [threading.Thread(target=work) for _ in range(threads)]
    began, cpu = time.perf_counter(), time.process_time()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    results["save_s"] = time.perf_counter() - began
    results["save_cpu_s"] = time.process_time() - cpu
    began = time.perf_counter()
    for number in range(1, movies + 1):
        full_movie(number, people=people)
    results["of_this_making_movies_s"] = time.perf_counter() - began
    for name, step in (
        ("finish_s", repository.finalize),
        ("close_s", repository.close),
        ("open_s", lambda: CsvMovieRepository(directory).close()),
        ("rows_s", lambda: _read(directory)),
    ):
        began, cpu = time.perf_counter(), time.process_time()
        step()
        results[name] = time.perf_counter() - began
        results[name.replace("_s", "_cpu_s")] = time.process_time() - cpu
    results["movies_per_s"] = movies / results["save_s"]
    results["cpu_us_per_movie"] = (results["save_cpu_s"] + results["finish_cpu_s"]) / movies * 1e6
    results["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return results


def _read(directory: Path) -> None:
    reader = CsvMovieRepository(directory, read_only=True)
    for table in Table:
        for _ in reader.rows(table):
            pass


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--movies", type=int, default=10_000)
    parser.add_argument("--threads", type=int, default=50)
    parser.add_argument("--people", type=int, default=200_000)
    parser.add_argument("--directory", type=Path, help="where to write; a temporary folder unless given")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.directory) as directory:
        results = measure(Path(directory), arguments.movies, arguments.threads, arguments.people)
    sys.stdout.write(json.dumps({name: round(value, 4) for name, value in results.items()}, indent=2) + "\n")


if __name__ == "__main__":
    main()

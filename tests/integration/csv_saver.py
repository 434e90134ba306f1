"""Saves into a CSV store from many threads until it is killed, and says of each save that it is done.

A program of its own for the tests that kill it::

    python -m tests.integration.csv_saver DIRECTORY SEED FIRST_VERSION

Each line of its output, ``NUMBER VERSION``, is a promise: this record is on the disk.
"""

from __future__ import annotations

import os
import random
import sys
import threading
from pathlib import Path

from domain.movie import Movie
from infrastructure.stores.csv.repository import CsvMovieRepository
from tests.support.movies import full_movie

THREADS = 12
TITLES = 60


def record(number: int, version: int) -> Movie:
    """The one record that a number and a version stand for."""
    return full_movie(number, people=50, cast=(number + version) % 6, minutes=version)


def main() -> None:
    directory, seed, version = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    repository = CsvMovieRepository(directory)
    versions = dict.fromkeys(range(1, TITLES + 1), version)
    locks = {number: threading.Lock() for number in versions}

    def save_on(dice: random.Random) -> None:
        while True:
            number = dice.randint(1, TITLES)
            with locks[number]:
                versions[number] += 1
                repository.save(record(number, versions[number]))
                os.write(1, b"%d %d\n" % (number, versions[number]))

    for thread in range(THREADS):
        threading.Thread(target=save_on, args=(random.Random(seed * 1000 + thread),), daemon=True).start()
    dice = random.Random(seed)
    pause = threading.Event()
    while True:
        pause.wait(dice.uniform(0, 0.1))
        repository.finalize()


if __name__ == "__main__":
    main()

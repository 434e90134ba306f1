"""Ends a process at each step it takes on the file system, one after the other.

A program of its own::

    python -m tests.integration.csv_crash_points PREPARED TARGETS

For each step a copy of PREPARED is made in TARGETS, and a process that saves and
finishes there ends without warning just before that step; the last one ends well.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from infrastructure.stores.csv.repository import CsvMovieRepository
from tests.support.movies import full_movie, movie, person

STEPS = ("open", "os.rename", "os.remove", "os.truncate", "os.mkdir")

BEFORE = [full_movie(number, people=9, cast=4) for number in (3, 1, 2)]
FIRST_SAVES = [movie(2, minutes=1, title="Replaced", cast=[person(3, "Renamed")]), full_movie(4, people=9, cast=4)]
LAST_SAVES = [full_movie(5, people=9, cast=4)]


def work(directory: Path) -> None:
    """Two saves, the final form, another save, the final form."""
    repository = CsvMovieRepository(directory)
    for one in FIRST_SAVES:
        repository.save(one)
    repository.finalize()
    for one in LAST_SAVES:
        repository.save(one)
    repository.finalize()
    repository.close()


def end_before(step: int, directory: Path) -> None:
    left = [step]

    def count(event: str, arguments: tuple[object, ...]) -> None:
        if event in STEPS and (event == "os.truncate" or any(str(directory) in str(one) for one in arguments)):
            left[0] -= 1
            if left[0] == 0:
                os._exit(9)

    sys.addaudithook(count)


def main() -> None:
    prepared, targets = Path(sys.argv[1]), Path(sys.argv[2])
    step = 0
    while True:
        step += 1
        directory = targets / str(step)
        shutil.copytree(prepared, directory)
        child = os.fork()
        if child == 0:
            end_before(step, directory)
            work(directory)
            os._exit(0)
        if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0:
            return


if __name__ == "__main__":
    main()

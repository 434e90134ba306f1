"""A disk that is full, or will not take any more: nothing is harmed, and it is said what to do."""

from __future__ import annotations

import resource
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from application.records import Row
from domain.errors import StoreUnavailable
from domain.fields import Table
from domain.movie import Movie
from infrastructure.stores.csv import csv_importer, writer
from infrastructure.stores.csv.repository import CsvMovieRepository
from tests.support.disks import small_disk
from tests.support.movies import full_movie, imdb_id, movie
from tests.support.repositories import InMemoryMovieRepository

FIRST = [full_movie(number, cast=4, people=9) for number in (3, 1, 2)]


def contents(repository: CsvMovieRepository) -> dict[Table, list[Row]]:
    return {table: list(repository.rows(table)) for table in Table}


def expected(saved: list[Movie]) -> dict[Table, list[Row]]:
    model = InMemoryMovieRepository()
    for one in saved:
        model.save(one)
    return {table: list(model.rows(table)) for table in Table}


@contextmanager
def files_no_longer_than(length: int) -> Iterator[None]:
    """The kernel refuses to let any file grow beyond so many bytes; it may write a part first, as a full disk may."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (length, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


def test_a_save_that_does_not_fit_leaves_the_files_as_they_were_and_later_ones_succeed(tmp_path: Path) -> None:
    repository = CsvMovieRepository(tmp_path)
    for one in FIRST:
        repository.save(one)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    long = replace(movie(9), plot="x" * 50_000)
    with files_no_longer_than(20_000), pytest.raises(StoreUnavailable, match=r"^csv: no space left in .*free some"):
        repository.save(long)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
    repository.save(long)
    assert contents(repository) == expected([*FIRST, long])
    repository.close()
    assert contents(CsvMovieRepository(tmp_path, read_only=True)) == expected([*FIRST, long])


def test_a_group_that_fits_in_part_is_no_commit(tmp_path: Path) -> None:
    repository = CsvMovieRepository(tmp_path)
    repository.save(movie(1))
    before = contents(repository)
    journal = tmp_path / ".filmledger" / "csv-1.jsonl"
    length = journal.stat().st_size
    for room in (1, 27, length - 1):  # a line of the same length does not fit, and a part of it is written
        with files_no_longer_than(length + room), pytest.raises(StoreUnavailable, match="no space left"):
            repository.save(movie(6))
        assert contents(repository) == before
        assert journal.stat().st_size == length
    repository.save(movie(6))
    repository.close()
    assert len(list(CsvMovieRepository(tmp_path, read_only=True).rows(Table.MOVIES))) == 2


def test_a_final_form_that_does_not_fit_leaves_the_files_that_count(tmp_path: Path) -> None:
    repository = CsvMovieRepository(tmp_path)
    saved = [replace(movie(number), plot="x" * 5_000) for number in range(1, 11)]
    for one in saved:
        repository.save(one)
    with files_no_longer_than(20_000), pytest.raises(StoreUnavailable, match="no space left"):
        repository.finalize()
    assert contents(repository) == expected(saved)
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".movies")]
    repository.save(movie(11))
    repository.finalize()
    repository.close()
    assert contents(CsvMovieRepository(tmp_path, read_only=True)) == expected([*saved, movie(11)])


@pytest.mark.long
def test_no_room_to_sort_an_edited_file_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repository = CsvMovieRepository(tmp_path)
    saved = [full_movie(number, people=300) for number in range(1, 201)]
    for one in saved:
        repository.save(one)
    repository.close()
    path = tmp_path / "credits.csv"
    path.write_bytes(path.read_bytes().replace(b"\r\n", b"\n"))
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    monkeypatch.setattr(csv_importer, "_IN_MEMORY", 50_000)
    with files_no_longer_than(10_000), pytest.raises(StoreUnavailable, match=r"^csv: no space left in .*free some"):
        CsvMovieRepository(tmp_path)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
    repository = CsvMovieRepository(tmp_path)  # sorted in pieces, on disk
    assert contents(repository) == expected(saved)
    repository.close()


def test_a_run_goes_on_while_its_merges_find_no_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(writer, "MERGE_SECONDS", 0.01)
    saved = [movie(number) for number in range(1, 60)]
    repository = CsvMovieRepository(tmp_path)
    with files_no_longer_than(9_000):  # room for the journal, none for movies.csv with its header
        repository.save(replace(saved[0], plot="x" * 8_500))
        while "could not be updated from the journal yet" not in caplog.text:
            time.sleep(0.005)
    for one in saved[1:]:
        repository.save(one)
    repository.finalize()
    repository.close()
    assert len(list(CsvMovieRepository(tmp_path, read_only=True).ids())) == len(saved)


# --- a disk that is really full -------------------------------------------------


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one megabyte."""
    with small_disk(tmp_path / "small", 1) as mounted:
        yield mounted


def _save_all(repository: CsvMovieRepository, movies: list[Movie]) -> list[Movie]:
    """Those that were saved, from fifty threads."""

    refused: list[str] = []

    def save(one: Movie) -> bool:
        try:
            repository.save(one)
        except StoreUnavailable as error:
            refused.append(str(error))
            return False
        return True

    with ThreadPoolExecutor(50) as executor:
        done = list(executor.map(save, movies))
    assert all("no space left in" in message for message in refused)
    return [one for one, saved in zip(movies, done, strict=True) if saved]


@pytest.mark.long
def test_a_full_disk_keeps_what_was_saved_and_takes_the_rest_when_there_is_room(disk: Path) -> None:
    data = disk / "data"
    repository = CsvMovieRepository(data)
    movies = [full_movie(number, people=200) for number in range(1, 1001)]
    saved = _save_all(repository, movies)
    assert 0 < len(saved) < len(movies)
    assert contents(repository) == expected(saved)
    with pytest.raises(StoreUnavailable, match="no space left"):
        repository.finalize()  # needs room for both
    assert contents(repository) == expected(saved)
    repository.close()
    assert contents(CsvMovieRepository(data, read_only=True)) == expected(saved)

    subprocess.run(["mount", "-o", "remount,size=8m", str(disk)], check=True)
    repository = CsvMovieRepository(data)
    assert _save_all(repository, movies) == movies
    repository.finalize()
    repository.close()
    assert contents(CsvMovieRepository(data, read_only=True)) == expected(movies)


@pytest.mark.long
def test_room_that_comes_and_goes_while_saving_loses_nothing(disk: Path) -> None:
    repository = CsvMovieRepository(disk / "data")
    filler = disk / "filler"
    stop = threading.Event()

    def fill_and_free() -> None:
        while not stop.is_set():
            with suppress(OSError):
                filler.write_bytes(b"x" * 900_000)
            stop.wait(0.005)
            filler.unlink(missing_ok=True)
            stop.wait(0.005)

    other = threading.Thread(target=fill_and_free)
    other.start()
    movies = [movie(number, title="x" * 500) for number in range(1, 1001)]
    try:
        saved = _save_all(repository, movies)
    finally:
        stop.set()
        other.join()
    assert contents(repository) == expected(saved)
    repository.close()
    assert contents(CsvMovieRepository(disk / "data", read_only=True)) == expected(saved)


# --- a folder that cannot be written --------------------------------------------


@pytest.mark.long
def test_a_disk_that_turns_read_only_is_told_and_harms_nothing(disk: Path) -> None:
    data = disk / "data"
    repository = CsvMovieRepository(data)
    repository.save(FIRST[0])
    repository.close()
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    with pytest.raises(StoreUnavailable, match=r"cannot be written \(Read-only file system\).*another DATA_DIR"):
        CsvMovieRepository(data)
    assert CsvMovieRepository(data, read_only=True).find(imdb_id(3)) == FIRST[0]

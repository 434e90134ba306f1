"""Pull the plug at any moment: what was reported as saved is there, whole and once; nothing half-done is."""

from __future__ import annotations

import csv
import io
import json
import os
import random
import shutil
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import rule, run_state_machine_as_test

from application.records import sort_key
from domain.fields import Table
from infrastructure.stores.csv import files, journal
from infrastructure.stores.csv.files import Manifest
from infrastructure.stores.csv.repository import CsvMovieRepository
from shared.atomic import sync
from tests.contract.test_movie_repository import History
from tests.integration import csv_crash_points as points
from tests.integration.csv_saver import record
from tests.support.movies import imdb_id, movie, person
from tests.support.repositories import contents, expected
from tests.support.stores import csv_files

ROOT = Path(__file__).resolve().parents[2]


def check_plainly(directory: Path) -> None:
    """Reads every CSV file as any program does: whole rows, sorted, no key twice."""
    for table in Table:
        path = directory / f"{table}.csv"
        if not path.exists():  # killed before the first merge
            continue
        raw = path.read_bytes()
        assert raw.endswith(b"\r\n")
        head, *rows = csv.reader(io.StringIO(raw.decode(), newline=""), strict=True)
        assert tuple(head) == table.columns
        assert {len(row) for row in rows} <= {len(table.columns)}
        keys = [sort_key(table, tuple(row)) for row in rows]
        assert all(first < second for first, second in pairwise(keys))


# --- kill -9 --------------------------------------------------------------------


def killed_while_saving(directory: Path, seed: int, version: int, seconds: float) -> list[tuple[int, int]]:
    """What the process had reported as saved when it was killed, so many seconds after its first report."""
    command = [sys.executable, "-m", "tests.integration.csv_saver", str(directory), str(seed), str(version)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        timer = threading.Timer(seconds, process.kill)
        timer.start()
        reported = [first, *process.stdout]
        timer.join()
        assert process.wait() == -9
    return [(int(number), int(version)) for number, version in (line.split() for line in reported)]


def check_after_kill(directory: Path, reported: list[tuple[int, int]], kept: dict[int, int], began: int) -> None:
    """Hold what is on the disk against what was reported; brings ``kept`` up to date.

    ``began`` is the version the process began to count from.
    """
    check_plainly(directory)  # before the program runs again
    newest = dict(kept)
    for number, version in reported:
        newest[number] = max(version, newest.get(number, 0))
    before = contents(CsvMovieRepository(directory, read_only=True))
    repository = CsvMovieRepository(directory)
    found: dict[int, int] = {}
    for row in repository.rows(Table.MOVIES):
        saved = repository.find(str(row[0]))
        assert saved is not None
        number = int(saved.imdb_id[2:])
        version = int((saved.scraped_at - movie(1).scraped_at).total_seconds() // 60)
        assert saved == record(number, version)
        found[number] = version
    # At most the one save that was under way for a title may be newer than the last one reported.
    assert newest.keys() <= found.keys()
    assert all(found[number] in (version, max(version, began) + 1) for number, version in newest.items())
    now = contents(repository)
    assert now == before
    allowed = expected(record(number, version) for number, version in found.items())
    assert now[Table.MOVIES] == allowed[Table.MOVIES]
    assert now[Table.CREDITS] == allowed[Table.CREDITS]
    repository.finalize()
    repository.close()
    check_plainly(directory)
    assert contents(CsvMovieRepository(directory, read_only=True)) == now
    assert sorted(path.name for path in directory.iterdir()) == sorted(
        [".filmledger", *(f"{table}.csv" for table in Table)]
    )
    assert [path.name for path in (directory / ".filmledger").iterdir()] == ["csv.json"]
    kept.update(found)


def kill_again_and_again(directory: Path, seed: int, times: int) -> None:
    dice = random.Random(seed)
    kept: dict[int, int] = {}
    for round_ in range(times):
        reported = killed_while_saving(directory, seed * 100 + round_, 100_000 * round_, dice.uniform(0, 0.3))
        assert reported
        check_after_kill(directory, reported, kept, 100_000 * round_)


@pytest.mark.long
@pytest.mark.timeout(600)
def test_what_was_reported_as_saved_outlives_kill_9(tmp_path: Path) -> None:
    kill_again_and_again(tmp_path, seed=1, times=15)


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", range(2, 12))
def test_what_was_reported_as_saved_outlives_kill_9_many_times(tmp_path: Path, seed: int) -> None:
    kill_again_and_again(tmp_path, seed=seed, times=20)


# --- at every step --------------------------------------------------------------


@pytest.mark.long
def test_ended_at_any_step_on_the_file_system_nothing_is_half_done(tmp_path: Path) -> None:
    prepared, targets = tmp_path / "prepared", tmp_path / "targets"
    repository = CsvMovieRepository(prepared)
    for one in points.BEFORE:
        repository.save(one)
    repository.finalize()
    repository.close()
    subprocess.run(
        [sys.executable, "-m", "tests.integration.csv_crash_points", str(prepared), str(targets)],
        cwd=ROOT, check=True,
    )  # fmt: skip
    saves = [*points.FIRST_SAVES, *points.LAST_SAVES]
    allowed = [expected(points.BEFORE + saves[:done]) for done in range(len(saves) + 1)]
    ended = sorted(int(path.name) for path in targets.iterdir())
    assert len(ended) > 30
    seen = []
    for step in ended:
        directory = targets / str(step)
        check_plainly(directory)
        reader = contents(CsvMovieRepository(directory, read_only=True))
        assert reader in allowed, step
        opened = CsvMovieRepository(directory)
        assert contents(opened) == reader, step
        opened.finalize()
        opened.close()
        check_plainly(directory)
        assert contents(CsvMovieRepository(directory, read_only=True)) == reader, step
        assert not [path for path in directory.rglob(".*") if path.is_file()], step
        seen.append(allowed.index(reader))
    assert seen == sorted(seen)
    assert set(seen) == {0, 2, 3}  # before, between and after the two turns of saving


class HistoryWithDeaths(History):
    """As in the contract, and now and then the process dies without closing anything."""

    kind = staticmethod(csv_files)

    @rule()
    def die(self) -> None:
        assert isinstance(self.store, CsvMovieRepository)
        assert self.store._writer is not None
        self.store._writer._stop.set()  # a thread of a dead process merges nothing
        self.abandoned = self.store  # its files stay open, as a dead process's may for a while
        self.store = self.open()


@pytest.mark.long
def test_any_history_with_deaths_leaves_what_the_model_says() -> None:
    run_state_machine_as_test(HistoryWithDeaths, settings=settings(max_examples=40, stateful_step_count=15))


# --- what "saved" means ---------------------------------------------------------


def test_a_save_returns_after_the_disk_has_its_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[tuple[str, int]] = []

    def watched(descriptor: int) -> None:
        name = Path(f"/proc/self/fd/{descriptor}").readlink().name
        synced.append((name, os.fstat(descriptor).st_size))
        sync(descriptor)

    monkeypatch.setattr(journal, "sync", watched)
    repository = CsvMovieRepository(tmp_path)
    for number in range(1, 4):
        synced.clear()
        repository.save(movie(number, cast=[person(number)]))
        assert [name for name, _ in synced] == ["csv-1.jsonl"]
        path = tmp_path / ".filmledger" / "csv-1.jsonl"
        assert path.stat().st_size == synced[0][1]
        assert json.loads(path.read_bytes().splitlines()[-1])["id"] == imdb_id(number)
    repository.close()


def test_a_merge_waits_for_the_disk_before_the_new_files_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[str] = []

    def watched(descriptor: int) -> None:
        steps.append(Path(f"/proc/self/fd/{descriptor}").readlink().name)
        sync(descriptor)

    def watched_write(self: Manifest, path: Path) -> None:
        steps.append("manifest")
        write(self, path)

    write = Manifest.write
    repository = CsvMovieRepository(tmp_path)
    repository.save(movie(1, cast=[person(1)]))
    monkeypatch.setattr(files, "sync", watched)
    monkeypatch.setattr(Manifest, "write", watched_write)
    repository.finalize()
    assert steps == [*(f".{table}.csv.1" for table in Table), "manifest"]
    repository.close()


def test_fifty_threads_share_their_waits_for_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commits = []

    def slow(descriptor: int) -> None:
        commits.append(descriptor)
        all_waiting.wait(timeout=0.05)  # never set: it stands for a disk that takes its time

    all_waiting = threading.Event()
    monkeypatch.setattr(journal, "sync", slow)
    repository = CsvMovieRepository(tmp_path)
    with ThreadPoolExecutor(50) as executor:
        list(executor.map(repository.save, [movie(number) for number in range(1, 501)]))
    repository.close()
    assert len(commits) <= 100  # one for each save would be 500


# --- torn tails -----------------------------------------------------------------


@pytest.fixture(scope="module")
def dead(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a process leaves that is killed between two saves."""
    directory = tmp_path_factory.mktemp("dead")
    repository = CsvMovieRepository(directory)
    for number in (2, 1):
        repository.save(movie(number, cast=[person(number), person(7)]))
    copy = directory.parent / "copy-of-dead"
    shutil.copytree(directory, copy)
    repository.close()
    return copy


# A journal may end in the beginning of a line, or in what a disk without power leaves of one.
tails = (
    st.binary(max_size=40).filter(lambda tail: b"\n" not in tail)
    | st.binary(max_size=40).map(lambda tail: tail.replace(b"\n", b"") + b"\n")
    | st.sampled_from([b"\x00" * 512, b"\x00" * 90 + b"\n", b"\r\n", b'{"kind":"movie","id":"tt0000003"', b'"'])
)


@settings(max_examples=40)
@given(tail=tails)
def test_a_torn_last_line_of_the_journal_is_cut_off(
    tmp_path_factory: pytest.TempPathFactory, dead: Path, tail: bytes
) -> None:
    directory = tmp_path_factory.mktemp("tails") / "data"
    shutil.copytree(dead, directory)
    with (directory / ".filmledger" / "csv-1.jsonl").open("ab") as file:
        file.write(tail)
    committed = expected(movie(number, cast=[person(number), person(7)]) for number in (1, 2))
    assert contents(CsvMovieRepository(directory, read_only=True)) == committed
    repository = CsvMovieRepository(directory)
    assert contents(repository) == committed
    repository.save(movie(3))
    repository.close()
    assert {row[0] for row in CsvMovieRepository(directory, read_only=True).rows(Table.MOVIES)} == {
        imdb_id(1), imdb_id(2), imdb_id(3),
    }  # fmt: skip


def test_every_length_of_a_torn_journal_leaves_whole_saves(tmp_path: Path, dead: Path) -> None:
    raw = (dead / ".filmledger" / "csv-1.jsonl").read_bytes()
    first = raw.index(b"\n") + 1
    for length in range(0, len(raw) + 1, 7):
        directory = Path(shutil.copytree(dead, tmp_path / str(length)))
        (directory / ".filmledger" / "csv-1.jsonl").write_bytes(raw[:length])
        whole = [2, 1][: raw[:length].count(b"\n")]
        committed = expected(movie(number, cast=[person(number), person(7)]) for number in whole)
        assert contents(CsvMovieRepository(directory, read_only=True)) == committed
        repository = CsvMovieRepository(directory)
        assert contents(repository) == committed
        repository.close()
    assert first < len(raw)


def test_a_hole_that_a_power_cut_left_in_the_last_group_is_passed_over(tmp_path: Path, dead: Path) -> None:
    directory = Path(shutil.copytree(dead, tmp_path / "data"))
    path = directory / ".filmledger" / "csv-1.jsonl"
    first, second = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"\x00" * (len(first) - 1) + b"\n" + second)
    repository = CsvMovieRepository(directory)
    assert list(repository.ids()) == [imdb_id(1)]
    repository.close()


def test_a_cut_off_tail_is_told(dead: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    directory = tmp_path / "data"
    shutil.copytree(dead, directory)
    with (directory / ".filmledger" / "csv-1.jsonl").open("ab") as file:
        file.write(b'{"kind":"movie",')
    CsvMovieRepository(directory).close()
    assert "cut off 16 bytes of an unfinished save" in caplog.text


# --- beside a writer ------------------------------------------------------------


def test_a_reader_beside_a_writer_sees_whole_records_only(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.integration.csv_saver", str(tmp_path), "7", "0"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        drain = threading.Thread(target=process.stdout.read)
        drain.start()
        try:
            known: set[str] = set()
            for _ in range(12):
                reader = CsvMovieRepository(tmp_path, read_only=True)
                listed = [str(row[0]) for row in reader.rows(Table.MOVIES)]
                assert listed == sorted(set(listed))
                assert known <= set(listed)
                known = set(listed)
                for row in reader.rows(Table.CREDITS):
                    assert len(row) == len(Table.CREDITS.columns)
                for one in listed[:3]:
                    found = reader.find(one)
                    assert found is not None
                    version = int((found.scraped_at - movie(1).scraped_at).total_seconds() // 60)
                    assert found == record(int(one[2:]), version)
            assert process.poll() is None
        finally:
            process.kill()
            drain.join()

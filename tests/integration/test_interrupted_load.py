"""A load of data files that ends between the commits of two stores is completed or forgotten by the next command."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from datetime import date
from pathlib import Path

import pytest

from application.load_datasets import Settlement, load_datasets, settle_load
from application.ports.stores import BulkRepository, LoadPart, PendingLoad, PreparedTables
from domain.errors import RecordRejected, StoreUnavailable, UsageError
from domain.fields import Table
from infrastructure.datasets.files import find_data_files
from infrastructure.datasets.prepare import LOADED_TABLES, LoadPreparation, Selection
from infrastructure.datasets.prepared import LoadFile, PreparedFiles
from infrastructure.stores.csv.files import Manifest
from infrastructure.stores.csv.repository import CsvMovieRepository
from infrastructure.stores.sqlite.repository import SqliteMovieRepository, connect
from tests.support.data_files import write_data_files
from tests.support.movies import full_movie
from tests.support.repositories import contents


class Unplugged(Exception):
    """Stands for the end of the program."""


class UnpluggedCsv(CsvMovieRepository):
    """Ends when the load is to be committed."""

    @contextmanager
    def loading(self, prepared: PreparedTables, load_id: str) -> Iterator[Callable[[], object]]:
        def end() -> None:
            raise Unplugged

        with super().loading(prepared, load_id):
            yield end


@pytest.fixture
def prepared(tmp_path: Path) -> Iterator[PreparedFiles]:
    selection = Selection(kinds=(), min_votes=0)
    files = find_data_files(write_data_files(tmp_path / "files"), selection.files)
    preparation = LoadPreparation(tmp_path / "load")
    preparation.prepare(files, selection, date(2026, 11, 27), lambda _table: None)
    preparation.close()
    with PreparedFiles(tmp_path / "load") as tables:
        yield tables


@pytest.fixture
def record(tmp_path: Path) -> LoadFile:
    return LoadFile(tmp_path / "load.json")


@contextmanager
def opened(
    folder: Path, csv: Callable[[Path], CsvMovieRepository] = CsvMovieRepository
) -> Iterator[tuple[CsvMovieRepository, SqliteMovieRepository]]:
    with ExitStack() as stack:
        files = csv(folder / "csv")
        stack.callback(files.close)
        database = SqliteMovieRepository(folder / "movies.sqlite")
        stack.callback(database.close)
        yield files, database


def unplug(folder: Path, prepared: PreparedFiles, record: LoadFile) -> None:
    """Loads into both stores, and ends after the first commit."""
    with opened(folder, UnpluggedCsv) as stores:
        for store in stores:
            store.set_marker("equal")
        with pytest.raises(Unplugged):
            load_datasets(prepared, stores, record)


def holds_load(store: BulkRepository, prepared: PreparedFiles) -> bool:
    return all(list(store.rows(table)) == list(prepared.rows(table, LoadPart.COMPLETE)) for table in LOADED_TABLES)


def test_a_load_reaches_every_store_and_leaves_no_record(
    tmp_path: Path, prepared: PreparedFiles, record: LoadFile
) -> None:
    with opened(tmp_path) as stores:
        load_datasets(prepared, stores, record)
        assert all(holds_load(store, prepared) for store in stores)
        assert stores[0].load_id == stores[1].load_id is not None
    assert record.read() is None
    with opened(tmp_path) as stores:
        assert settle_load(record, stores, lambda: nullcontext(prepared)) is Settlement.NONE


def test_what_one_store_has_committed_reaches_the_others(
    tmp_path: Path, prepared: PreparedFiles, record: LoadFile
) -> None:
    unplug(tmp_path, prepared, record)
    with opened(tmp_path) as (files, database):
        assert (holds_load(files, prepared), holds_load(database, prepared)) == (False, True)
        assert settle_load(record, (files, database), lambda: nullcontext(prepared)) is Settlement.COMPLETED
        assert holds_load(files, prepared)
        assert record.read() is None


def test_a_store_that_was_changed_meanwhile_is_repaired_and_keeps_what_is_its_own(
    tmp_path: Path, prepared: PreparedFiles, record: LoadFile
) -> None:
    unplug(tmp_path, prepared, record)
    with opened(tmp_path) as (files, database):
        files.save(full_movie(1))
        files.set_marker("another run")
        assert settle_load(record, (files, database), lambda: nullcontext(prepared)) is Settlement.COMPLETED
        assert contents(files) == contents(database)
        assert files.find(full_movie(1).imdb_id) == full_movie(1)
        assert files.find("tt1000001") is not None


def test_what_no_store_has_committed_is_forgotten(tmp_path: Path, prepared: PreparedFiles, record: LoadFile) -> None:
    record.write(PendingLoad("never", ("sqlite", "csv"), "equal"))
    with opened(tmp_path) as stores:
        assert settle_load(record, stores, lambda: nullcontext(prepared)) is Settlement.DISCARDED
        assert [list(store.rows(Table.MOVIES)) for store in stores] == [[], []]
    assert record.read() is None


def test_while_a_store_that_took_part_cannot_be_asked_nothing_is_settled(
    tmp_path: Path, prepared: PreparedFiles, record: LoadFile
) -> None:
    unplug(tmp_path, prepared, record)
    with opened(tmp_path) as (files, _):
        with pytest.raises(StoreUnavailable, match=r"STORES leaves out sqlite.*run once with STORES=sqlite,csv"):
            settle_load(record, [files], lambda: nullcontext(prepared))
        assert record.read() is not None
    with opened(tmp_path) as stores:
        assert settle_load(record, stores, lambda: nullcontext(prepared)) is Settlement.COMPLETED


def test_what_one_store_refuses_changes_none(tmp_path: Path, prepared: PreparedFiles, record: LoadFile) -> None:
    with opened(tmp_path) as stores:
        with connect(tmp_path / "movies.sqlite", 10) as other:
            other.execute("CREATE TRIGGER no BEFORE INSERT ON akas BEGIN SELECT RAISE(ABORT, 'no'); END")
        with pytest.raises(RecordRejected, match="no"):
            load_datasets(prepared, stores, record)
        assert [list(store.rows(Table.MOVIES)) for store in stores] == [[], []]
        assert record.read() is None


def test_a_csv_file_that_is_written_during_the_load_is_not_overwritten(tmp_path: Path, prepared: PreparedFiles) -> None:
    with opened(tmp_path) as (files, _):
        files.save(full_movie(1))
        files.finalize()
        path = tmp_path / "csv" / "movies.csv"
        with ExitStack() as stack:
            stack.enter_context(pytest.raises(StoreUnavailable, match="written during the load"))
            commit = stack.enter_context(files.loading(prepared, "x"))
            path.write_bytes(path.read_bytes() + b"\r\n")
            commit()
    with opened(tmp_path) as (files, _):
        assert [row[0] for row in files.rows(Table.MOVIES)] == [full_movie(1).imdb_id]


def test_a_csv_file_that_is_written_while_the_load_is_prepared_is_not_overwritten(
    tmp_path: Path, prepared: PreparedFiles
) -> None:
    with opened(tmp_path) as (files, _):
        files.save(full_movie(1))
        files.finalize()
        files.write_table(Table.MOVIES, tmp_path / "stored.csv")
        path = tmp_path / "csv" / "movies.csv"
        edited = path.read_bytes().replace(b"Title 1,", b"Edited 1,")
        path.write_bytes(edited)
        with pytest.raises(StoreUnavailable, match="written during the load"), files.loading(prepared, "x"):
            pytest.fail("the load was written aside")
        assert path.read_bytes() == edited
    with opened(tmp_path) as (files, _):
        assert [row[1] for row in files.rows(Table.MOVIES)] == [full_movie(1).title.replace("Title 1", "Edited 1")]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(errno.EIO, "no answer")])
def test_what_ends_a_load_just_after_its_manifest_loses_nothing(
    tmp_path: Path, prepared: PreparedFiles, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    write = Manifest.write

    def write_and_fail(self: Manifest, path: Path) -> None:
        write(self, path)
        raise error

    with opened(tmp_path) as (files, _):
        files.finalize()
        monkeypatch.setattr(Manifest, "write", write_and_fail)
        with pytest.raises((KeyboardInterrupt, StoreUnavailable)), files.loading(prepared, "x") as commit:
            commit()
        monkeypatch.undo()
        assert files.load_id == "x"
        assert holds_load(files, prepared)
        files.save(full_movie(1))
        files.finalize()
    with opened(tmp_path) as (files, _):
        assert files.find(full_movie(1).imdb_id) == full_movie(1)
        loaded = set(files.ids()) - {full_movie(1).imdb_id}
        assert loaded == {row[0] for row in prepared.rows(Table.MOVIES, LoadPart.COMPLETE)}


def test_where_the_prepared_files_are_gone_the_stores_are_repaired(
    tmp_path: Path, prepared: PreparedFiles, record: LoadFile
) -> None:
    unplug(tmp_path, prepared, record)
    gone = PreparedFiles.opened(tmp_path / "elsewhere", memory="100MB", cancel=None)
    assert gone is None
    with opened(tmp_path) as (files, database):
        assert settle_load(record, (files, database), lambda: gone) is Settlement.COMPLETED
        assert contents(files) == contents(database)
        assert holds_load(files, prepared)


@pytest.mark.parametrize("text", ["{", "[]", '{"load_id": "x"}'])
def test_a_record_that_cannot_be_read_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "load.json").write_text(text)
    with pytest.raises(UsageError, match=r"load\.json cannot be read"):
        LoadFile(tmp_path / "load.json").read()

"""What was prepared, written in the forms that the stores read, is read back cell by cell."""

from __future__ import annotations

import csv
import io
from datetime import date
from pathlib import Path

import pytest

from application.ports.stores import LoadPart
from domain.fields import Table
from infrastructure.datasets.files import find_data_files
from infrastructure.datasets.prepare import LOADED_TABLES, LoadPreparation, Selection
from infrastructure.datasets.prepared import PreparedFiles
from infrastructure.stores.csv.dialect import encode_text, header
from tests.support.data_files import AKAS, write_data_files

AWKWARD = ("=1+1", "'=1", 'say "when"', "a,b", "@home", "+49", "\\N ", "back\\slash", "O'Hale", "-", "\u2028 line")


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> PreparedFiles:
    folder = tmp_path_factory.mktemp("prepared")
    akas = [("tt1000001", str(place), text, *["\\N"] * 2, text, "\\N", "0") for place, text in enumerate(AWKWARD)]
    selection = Selection(kinds=(), min_votes=0)
    files = find_data_files(write_data_files(folder / "files", akas=[*AKAS, *akas]), selection.files)
    preparation = LoadPreparation(folder / "out")
    preparation.prepare(files, selection, date(2026, 11, 27), lambda _table: None)
    preparation.close()
    return PreparedFiles(folder / "out")


@pytest.mark.parametrize("escape", [False, True])
@pytest.mark.parametrize("table", LOADED_TABLES)
def test_files_for_the_csv_store_are_what_the_store_itself_would_write(
    prepared: PreparedFiles, table: Table, escape: bool, tmp_path: Path
) -> None:
    path = tmp_path / "table.csv"
    prepared.write_csv(table, path, escape_formulas=escape)
    rows = prepared.rows(table, LoadPart.COMPLETE)
    assert path.read_bytes() == header(table) + encode_text(rows, escape=escape).encode()


@pytest.mark.parametrize("table", LOADED_TABLES)
def test_files_for_copy_hold_every_cell_in_order(prepared: PreparedFiles, table: Table, tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    count = prepared.write_copy(table, LoadPart.CHANGED, path)
    expected = list(prepared.rows(table, LoadPart.CHANGED))
    read = list(csv.reader(io.StringIO(path.read_text(encoding="utf-8"), newline="")))
    assert count == len(expected) == len(read)
    for cells, row in zip(read, expected, strict=True):
        for cell, value in zip(cells, row, strict=True):
            assert cell == (value or "") or cell.startswith("{")


def test_the_ids_of_replaced_titles_are_one_column(prepared: PreparedFiles, tmp_path: Path) -> None:
    assert prepared.write_copy(Table.AKAS, LoadPart.REPLACED, tmp_path / "ids.csv") == 2
    assert (tmp_path / "ids.csv").read_text() == "tt1000001\ntt1000004\n"

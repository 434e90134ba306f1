"""The prepared tables of a load, written in the forms that the stores read, and the record of its commits."""

from __future__ import annotations

import json
import threading
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Final

import duckdb

from application.load_datasets import LoadedTitle
from application.ports.stores import LoadPart, PendingLoad
from application.records import Row
from domain.errors import Cancelled, StoreUnavailable, UsageError
from domain.fields import Field, FieldType, Table
from infrastructure.datasets.prepare import LOADED_TABLES, translated_errors
from infrastructure.datasets.prepare_sql import quoted
from shared.atomic import sync_folder, write_atomically
from shared.threads import when_set

_ROWS_AT_A_TIME: Final = 2000


class PreparedFiles:
    """Satisfies ``PreparedTables`` from the Parquet files of a ``LoadPreparation``.

    Args:
        folder: of the load.
        memory: maximum memory of DuckDB, as ``1GB``.
        cancel: once set, writing and reading ends.
    """

    def __init__(self, folder: Path, *, memory: str = "1GB", cancel: threading.Event | None = None) -> None:
        self._folder = folder
        self._cancel = cancel or threading.Event()
        self._lock = threading.Lock()
        self._con = duckdb.connect()
        self._con.execute(f"SET memory_limit = '{memory}'")
        self._con.execute(f"SET temp_directory = {quoted(str(folder / 'tmp'))}")
        self._con.execute(_MACROS)

    @classmethod
    def opened(cls, folder: Path, *, memory: str, cancel: threading.Event | None) -> PreparedFiles | None:
        """A finished preparation; ``None`` if a file of it is missing."""
        files = cls(folder, memory=memory, cancel=cancel)
        if all((folder / f"{table}.changed.parquet").is_file() for table in LOADED_TABLES):
            return files
        files.close()
        return None

    def close(self) -> None:
        """Closes the connection to DuckDB."""
        self._con.close()

    def __enter__(self) -> PreparedFiles:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    @property
    def folder(self) -> Path:
        return self._folder

    @property
    def tables(self) -> tuple[Table, ...]:
        return LOADED_TABLES

    def changes(self, table: Table) -> bool:
        if table is Table.MOVIES and next(self.rows(table, LoadPart.GONE), None) is not None:
            return True
        part = LoadPart.REPLACED if table in (Table.CREDITS, Table.AKAS) else LoadPart.CHANGED
        return next(self.rows(table, part), None) is not None

    def rows(self, table: Table, part: LoadPart) -> Iterator[Row]:
        """See ``PreparedTables.rows``.

        Raises:
            Cancelled: ``cancel`` was set.
        """
        return self._stream(f"SELECT * FROM {self._file(table, part)}")

    def voted(self, least: int) -> Iterator[Row]:
        """The movies rows with so many votes or more; cells that no estimate needs are left out."""
        needed = ("imdb_id", "kind", "rating", "votes")
        cells = ", ".join(name if name in needed else "NULL" for name in Table.MOVIES.columns)
        return self._stream(
            f"SELECT {cells} FROM {self._file(Table.MOVIES, LoadPart.COMPLETE)}"
            f" WHERE try_cast(votes AS BIGINT) >= {least}"
        )

    def titles(self) -> dict[str, LoadedTitle]:
        """All titles, by id."""
        people = self._file(Table.PEOPLE, LoadPart.COMPLETE)
        named = self._by_title(
            f"SELECT c.*, p.name FROM {self._file(Table.CREDITS, LoadPart.COMPLETE)} AS c"
            f" JOIN {people} AS p USING (person_id) ORDER BY category, try_cast(position AS BIGINT)"
        )
        akas = self._by_title(
            f"SELECT * FROM {self._file(Table.AKAS, LoadPart.COMPLETE)} ORDER BY try_cast(position AS BIGINT)"
        )
        return {
            str(movie[0]): LoadedTitle(
                movie,
                tuple(row[:-1] for row in named[movie[0]]),
                tuple(akas[movie[0]]),
                {str(row[1]): str(row[-1]) for row in named[movie[0]]},
            )
            for movie in self.rows(Table.MOVIES, LoadPart.COMPLETE)
        }

    def _by_title(self, query: str) -> defaultdict[str | None, list[Row]]:
        groups: defaultdict[str | None, list[Row]] = defaultdict(list)
        for row in self._stream(query):
            groups[row[0]].append(row)
        return groups

    def _stream(self, query: str) -> Iterator[Row]:
        with self._cursor() as cursor:
            cursor.execute(query)
            while some := cursor.fetchmany(_ROWS_AT_A_TIME):
                if self._cancel.is_set():
                    raise Cancelled("the load was stopped")
                yield from some

    def _cursor(self) -> duckdb.DuckDBPyConnection:
        with self._lock:  # one connection serves several threads
            return self._con.cursor()

    def write_csv(self, table: Table, path: Path, *, escape_formulas: bool) -> None:
        cells = ", ',', ".join(_csv_cell(field, escape=escape_formulas) for field in table.fields)
        header = ",".join(table.columns)
        self._write(
            f"SELECT '{header}' || chr(13) AS line UNION ALL SELECT concat({cells}, chr(13))"
            f" FROM {self._file(table, LoadPart.COMPLETE)}",
            path,
        )

    def write_copy(self, table: Table, part: LoadPart, path: Path) -> int:
        fields = table.fields[:1] if part in (LoadPart.REPLACED, LoadPart.GONE) else table.fields
        cells = ", ',', ".join(
            f"quote(pg_array({_name(field)}))" if field.type is FieldType.TEXT_LIST else _csv_cell(field, escape=False)
            for field in fields
        )
        return self._write(f"SELECT concat({cells}) AS line FROM {self._file(table, part)}", path)

    def _write(self, query: str, path: Path) -> int:
        path.touch(mode=0o600)
        # One column, nothing quoted: the lines are complete, and every row stays in its place.
        form = r"FORMAT csv, HEADER false, QUOTE '', ESCAPE '', DELIMITER E'\x01', USE_TMP_FILE false"
        with self._cursor() as cursor, when_set(self._cancel, cursor.interrupt), translated_errors(path.parent):
            ((count,),) = cursor.execute(f"COPY ({query}) TO {quoted(str(path))} ({form})").fetchall()
        return int(count)

    def _file(self, table: Table, part: LoadPart) -> str:
        suffix = "" if part is LoadPart.COMPLETE else f".{part}"
        return quoted(str(self._folder / f"{table}{suffix}.parquet"))


_FREE_TEXT: Final = (FieldType.TEXT, FieldType.PARTIAL_DATE)


def _name(field: Field) -> str:
    return f'"{field.name}"'


def _csv_cell(field: Field, *, escape: bool) -> str:
    """The cell of a field as CSV; only texts and lists can need quotes."""
    name = _name(field)
    if field.type is FieldType.TEXT_LIST:
        return f"listed({name})"
    if field.type not in _FREE_TEXT:
        return name
    return f"{'escaped' if escape else 'quote'}({name})"


class LoadFile:
    """Satisfies ``LoadRecord`` with a JSON file, which exists while the commits of a load have begun and not ended."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> PendingLoad | None:
        try:
            found = json.loads(self._path.read_text(encoding="utf-8"))
            return PendingLoad(str(found["load_id"]), tuple(map(str, found["stores"])), found["marker"])
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise UsageError(
                f"{self._path} cannot be read ({error}); it says which stores have an unfinished load of data files: "
                "run `python main.py verify`, and remove it once the stores hold the same"
            ) from error

    def write(self, load: PendingLoad) -> None:
        fields = {"load_id": load.load_id, "stores": load.stores, "marker": load.marker}
        try:
            write_atomically(self._path, json.dumps(fields) + "\n", mode=0o600)
        except OSError as error:
            raise StoreUnavailable("datasets", f"{self._path} cannot be written: {error.strerror}") from error

    def clear(self) -> None:
        try:
            self._path.unlink(missing_ok=True)
            sync_folder(self._path.parent)
        except OSError as error:
            raise StoreUnavailable("datasets", f"{self._path} cannot be removed: {error.strerror}") from error


# The CSV store's dialect: quotes where they are needed, an apostrophe before what looks like a formula.
# Lists without an escape have the same quotes in JSON and in arrays.
_MACROS: Final = r"""
CREATE MACRO quote(x) AS CASE WHEN regexp_matches(x, '[,"\r\n]') THEN '"' || replace(x, '"', '""') || '"' ELSE x END;
CREATE MACRO escaped(x) AS CASE WHEN regexp_matches(x, '^''*[=+\-@\t\r]') THEN quote('''' || x) ELSE quote(x) END;
CREATE MACRO listed(x) AS CASE WHEN x = '[]' THEN x ELSE '"' || replace(x, '"', '""') || '"' END;
CREATE MACRO pg_item(x) AS '"' || replace(replace(x, '\', '\\'), '"', '\"') || '"';
CREATE MACRO pg_array(x) AS CASE WHEN x IS NULL THEN NULL WHEN NOT contains(x, '\') THEN '{' || x[2:-2] || '}'
    ELSE '{' || array_to_string(list_transform(from_json(x, '["VARCHAR"]'), lambda i: pg_item(i)), ',') || '}' END;
"""

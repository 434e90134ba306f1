"""IMDb's data files: their names, columns, and the checks before they are read.

Source: https://developer.imdb.com/non-commercial-datasets/
"""

from __future__ import annotations

import gzip
import json
import threading
import zlib
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import msgspec

from domain.errors import Cancelled, UsageError
from infrastructure.datasets.prepare_sql import quoted
from shared.atomic import write_atomically

_PIECE: Final = 1 << 18
_GZIP: Final = 31  # zlib's number for gzip: it compares checksum and length of each member


class DataFile(StrEnum):
    """The seven files, by the name without ``.tsv.gz``.

    Attributes:
        megabytes: approximate compressed size in November 2026.
        columns: those that are read; a file may have more after them.
    """

    megabytes: int
    columns: tuple[str, ...]

    def __new__(cls, name: str, megabytes: int, columns: str) -> DataFile:
        member = str.__new__(cls, name)
        member._value_ = name
        member.megabytes, member.columns = megabytes, tuple(columns.split())
        return member

    BASICS = (
        "title.basics",
        205,
        "tconst titleType primaryTitle originalTitle isAdult startYear endYear runtimeMinutes genres",
    )
    RATINGS = "title.ratings", 8, "tconst averageRating numVotes"
    CREW = "title.crew", 80, "tconst directors writers"
    PRINCIPALS = "title.principals", 700, "tconst ordering nconst category job characters"
    NAMES = "name.basics", 290, "nconst primaryName birthYear deathYear primaryProfession knownForTitles"
    AKAS = "title.akas", 450, "titleId ordering title region language types attributes isOriginalTitle"
    EPISODES = "title.episode", 50, "tconst parentTconst seasonNumber episodeNumber"

    @property
    def file_name(self) -> str:
        """IMDb's name of the file."""
        return f"{self.value}.tsv.gz"


class CheckedFile(msgspec.Struct, frozen=True):
    """A data file whose first line has the needed columns.

    Attributes:
        header: all its columns, in their order.
        compressed: whether it is gzip, whatever its name.
        strict: False: line ends are mixed, and cells beyond the last column are ignored.
    """

    path: Path
    header: tuple[str, ...]
    compressed: bool
    strict: bool = True

    def scan(self, options: str) -> str:
        """The call of DuckDB's reader: every cell is text, and nothing is quoted."""
        columns = ", ".join(f"{quoted(column)}: 'VARCHAR'" for column in self.header)
        return (
            f"read_csv({quoted(str(self.path))}, compression='{'gzip' if self.compressed else 'none'}',"
            f" strict_mode={str(self.strict).lower()}, delim='\\t', quote='', escape='', nullstr='\\N', header=true,"
            f" all_varchar=true, auto_detect=false, max_line_size=10000000, columns={{{columns}}}, {options})"
        )


def find_data_files(folder: Path, wanted: Iterable[DataFile]) -> dict[DataFile, CheckedFile]:
    """Finds and checks data files, compressed or not, before anything is read from them.

    Raises:
        UsageError: a file is missing, is not a data file, or has another header; the message names each.
    """
    found: dict[DataFile, CheckedFile] = {}
    problems: list[str] = []
    for file in wanted:
        paths = [folder / file.file_name, folder / f"{file}.tsv"]
        path = next((path for path in paths if path.is_file()), None)
        if path is None:
            problems.append(f"{file.file_name} is not in {folder}")
            continue
        try:
            found[file] = _checked(file, path)
        except ValueError as error:
            problems.append(f"{path}: {error}")
    if problems:
        raise UsageError("; ".join(problems))
    return found


def require_whole(files: Iterable[CheckedFile], known: Path, cancel: threading.Event, *, remove: bool) -> None:
    """Reads compressed files to their end and compares their checksums, because DuckDB does not.

    Args:
        files: to check, two at a time.
        known: a file with the results of earlier checks, by size and time; these files are not read again.
        cancel: ends the reading.
        remove: delete a damaged file, so that it is downloaded again.

    Raises:
        UsageError: a file is damaged; the message names each.
        Cancelled: ``cancel`` was set.
    """
    whole = read_object(known)
    stamps = {file.path: [file.path.stat().st_size, file.path.stat().st_mtime_ns] for file in files}
    unknown = [path for path, stamp in stamps.items() if whole.get(str(path.absolute())) != stamp]
    with ThreadPoolExecutor(2, thread_name_prefix="check") as executor:
        problems = dict(zip(unknown, executor.map(lambda path: _damage(path, cancel), unknown), strict=True))
    if cancel.is_set():
        raise Cancelled("the load was stopped")
    if damaged := {path: problem for path, problem in problems.items() if problem}:
        advice = "removed, run again to download it" if remove else "download it again"
        for path in damaged if remove else ():
            path.unlink()
        raise UsageError("; ".join(f"{path} is damaged ({problem}): {advice}" for path, problem in damaged.items()))
    whole.update({str(path.absolute()): stamp for path, stamp in stamps.items()})
    with suppress(OSError):  # the files are checked again next time
        write_atomically(known, json.dumps({path: stamp for path, stamp in whole.items() if Path(path).is_file()}))


def read_object(path: Path) -> dict[str, Any]:
    """The JSON object in a file; empty if there is none or it cannot be read."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _damage(path: Path, cancel: threading.Event) -> str:
    """Why a file is damaged; empty if it is complete or not compressed, or ``cancel`` was set."""
    try:
        with path.open("rb") as file:
            piece = file.read(_PIECE)
            if not piece.startswith(b"\x1f\x8b"):
                return ""
            member = zlib.decompressobj(_GZIP)
            while piece and not cancel.is_set():
                member.decompress(piece)
                piece = member.unused_data
                if member.eof and (piece := piece or file.read(_PIECE)):
                    member = zlib.decompressobj(_GZIP)
                piece = piece or file.read(_PIECE)
    except (OSError, zlib.error) as error:
        return str(error)
    return "" if member.eof or cancel.is_set() else "it ends too early"


def _checked(file: DataFile, path: Path) -> CheckedFile:
    """A file with the right first line; ``ValueError`` if it cannot be read or has another."""
    try:
        with path.open("rb") as raw:
            compressed = raw.read(2) == b"\x1f\x8b"
        with gzip.open(path) if compressed else path.open("rb") as lines:
            first = lines.readline(10_000)
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(f"cannot be read: {error}") from error
    if not first:
        raise ValueError("is empty; download it again")
    text = first.decode("utf-8-sig", "replace").rstrip("\r\n")
    if text.lstrip()[:1] in ("<", "{"):
        raise ValueError("this is a web page or an error message, not a data file; download it again")
    header = tuple(text.split("\t"))
    if header[: len(file.columns)] != file.columns:
        missing = [column for column in file.columns if column not in header]
        detail = f"lacks {', '.join(missing)}" if missing else f"has another order: {', '.join(header)[:200]}"
        raise ValueError(f"the header {detail}; this version reads {', '.join(file.columns)}")
    return CheckedFile(path, header, compressed)

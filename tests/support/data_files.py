"""Data files of invented titles, in the form in which IMDb publishes its own."""

from __future__ import annotations

import gzip
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, TypeAlias

from infrastructure.datasets.files import DataFile

Rows: TypeAlias = Sequence[Sequence[str]]

BASICS: Final[Rows] = (
    ("tt1000001", "movie", 'The "Quoted" Ferry', "Le Bac", "0", "1994", "\\N", "142", "Drama,Crime"),
    ("tt1000002", "tvSeries", "Harbour \\ Lights", "Harbour \\ Lights", "0", "2001", "2005", "\\N", "\\N"),
    ("tt1000003", "tvEpisode", "Pilot", "Pilot", "0", "2001", "\\N", "45", "Drama"),
    ("tt1000004", "short", "No Votes", "No Votes", "1", "\\N", "\\N", "\\N", "Short"),
    ("tt10000005", "movie", "Eight Digits", "Eight Digits", "0", "2020", "\\N", "90", "Sci-Fi"),
)
RATINGS: Final[Rows] = (
    ("tt1000001", "9", "2500"),
    ("tt1000002", "8.6", "1200"),
    ("tt1000003", "7.1", "90"),
    ("tt10000005", "5.5", "1000"),
)
CREW: Final[Rows] = (
    ("tt1000001", "nm1000001,nm1000002", "nm1000002"),
    ("tt1000002", "\\N", "nm1000003"),
    ("tt9999999", "nm1000001", "\\N"),
)
PRINCIPALS: Final[Rows] = (
    ("tt1000001", "1", "nm1000004", "actor", "\\N", '["Captain \\"Joe\\"","The Mate"]'),
    ("tt1000001", "2", "nm1000005", "actress", "\\N", "\\N"),
    ("tt1000001", "3", "nm1000001", "director", "\\N", "\\N"),
    ("tt1000001", "4", "nm1000002", "writer", "screenplay", "\\N"),
    ("tt1000001", "5", "nm1000003", "producer", "producer", "\\N"),
    ("tt1000001", "10", "nm1000002", "self", "\\N", '["Self"]'),
    ("tt1000001", "9", "nm9999998", "composer", "\\N", "\\N"),
    ("tt1000001", "6", "nm1000004", "actor", "\\N", '["Once more"]'),
)
NAMES: Final[Rows] = (
    ("nm1000001", "Ada Ferris", "1950", "2011", "director,writer", "tt1000001,tt1000002"),
    ("nm1000002", "Bram O'Hale", "\\N", "\\N", "\\N", "\\N"),
    ("nm1000003", "Cleo Marsh", "1961", "\\N", "producer", "tt1000001"),
    ("nm1000004", "Dov Lind", "1970", "\\N", "actor", "\\N"),
    ("nm1000005", "Eve Strand", "\\N", "\\N", "actress", "\\N"),
    ("nm1000006", "Fay Uncredited", "\\N", "\\N", "\\N", "\\N"),
)
AKAS: Final[Rows] = (
    ("tt1000001", "10", "Die Fähre", "DE", "de", "imdbDisplay", "\\N", "0"),
    ("tt1000001", "2", "Le Bac", "FR", "\\N", "original\x02working", "long\x02new", "1"),
    ("tt1000004", "1", "Other", "\\N", "\\N", "\\N", "\\N", "0"),
)
EPISODES: Final[Rows] = (("tt1000003", "tt1000002", "1", "2"), ("tt9999998", "tt1000002", "\\N", "\\N"))

CONTENTS: Final[Mapping[DataFile, Rows]] = {
    DataFile.BASICS: BASICS,
    DataFile.RATINGS: RATINGS,
    DataFile.CREW: CREW,
    DataFile.PRINCIPALS: PRINCIPALS,
    DataFile.NAMES: NAMES,
    DataFile.AKAS: AKAS,
    DataFile.EPISODES: EPISODES,
}


def data_file(file: DataFile, rows: Rows) -> bytes:
    """The uncompressed bytes of a data file."""
    return "".join("\t".join(row) + "\n" for row in [file.columns, *rows]).encode()


def write_data_files(folder: Path, **changed: Rows | bytes) -> Path:
    """Writes all seven files; ``changed`` gives rows or compressed bytes by the last part of the enum's name."""
    folder.mkdir(parents=True, exist_ok=True)
    for file, rows in CONTENTS.items():
        content = changed.get(file.name.lower(), rows)
        data = content if isinstance(content, bytes) else gzip.compress(data_file(file, content), mtime=0)
        (folder / file.file_name).write_bytes(data)
    return folder

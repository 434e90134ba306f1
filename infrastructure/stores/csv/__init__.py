"""Tables as sorted CSV files with one journal and one merge.

::

    <table>.csv                  RFC 4180, UTF-8, CRLF, sorted by key, one row a key; complete at every moment
    .filmledger/csv.json         the manifest: generation, size, checksum, identity and sparse index of each file
    .filmledger/csv-<n>.jsonl    journals: one JSON line for each save since the files were written
    .<table>.csv.<generation>    a file of a new generation, until it is renamed

A save appends one line to the journal and waits for the disk: that is the commit.
A merge streams the sorted files and the journal into new files and installs them by
renaming the manifest; from then on the new generation counts, whether or not its
files have been renamed yet.
"""

from infrastructure.stores.csv.dialect import encode, header
from infrastructure.stores.csv.format1 import TABLES as FORMAT1_TABLES
from infrastructure.stores.csv.format1 import is_format1
from infrastructure.stores.csv.repository import CsvMovieRepository, require_readable

__all__ = ["FORMAT1_TABLES", "CsvMovieRepository", "encode", "header", "is_format1", "require_readable"]

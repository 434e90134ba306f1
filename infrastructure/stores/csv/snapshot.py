"""What of the files counts, and a view of it that nobody can change under the reader."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from domain.errors import StoreUnavailable
from infrastructure.stores.csv import journal
from infrastructure.stores.csv.failures import STORE
from infrastructure.stores.csv.files import TableFiles
from infrastructure.stores.csv.journal import Contents, Header
from infrastructure.stores.csv.layout import Layout

_TRIES: Final = 100  # each one meets a writer that has just begun, ended, or written the files anew


@dataclass(frozen=True, slots=True)
class Standing:
    """What counts.

    Attributes:
        contents: the journal, as far as the files bear it out.
        trusted: nobody but us has touched the files since.
        tail: bytes behind the committed ends, of saves that did not succeed.
    """

    contents: Contents
    trusted: bool
    tail: int = 0


def standing(contents: Contents | None, files: TableFiles, *, escaped: bool) -> Standing:
    """Hold the journal against the files.

    Args:
        contents: the journal, where there is one.
        files: open ones.
        escaped: whether formulas carry an apostrophe, where no journal says so.

    Raises:
        OSError: they cannot be read.
    """
    actual = files.sizes()
    if contents is None:
        return Standing(Contents(Header(base=actual, escaped=escaped)), trusted=False)
    if contents.header.open:
        # The dead run kept no times, so what it left is read: an editor may have saved the files since.
        tail = [size - committed for size, committed in zip(actual, contents.committed, strict=True)]
        if min(tail) >= 0 and files.sums(contents.committed) == contents.sums:
            return Standing(contents, trusted=True, tail=sum(tail))
    elif contents.committed == actual:
        return Standing(contents, trusted=contents.header.stamps == files.stamps())
    # Not as we left them: somebody has edited them, and the records no longer fit.
    header = Header(contents.header.generation, base=actual, escaped=contents.header.escaped)
    return Standing(Contents(header), trusted=False)


@contextmanager
def snapshot(layout: Layout, *, escaped: bool) -> Iterator[tuple[TableFiles, Standing]]:
    """The files as they are at this moment, for reading; a process that writes does not disturb it.

    Raises:
        StoreUnavailable: no quiet moment was found.
        OSError: the files cannot be opened.
    """
    for _ in range(_TRIES):
        contents = journal.read(layout.journal)
        generation = contents.header.generation if contents else None
        files = TableFiles(layout, writable=False, generation=generation)
        try:
            found = standing(contents, files, escaped=escaped)
            after = journal.read(layout.journal)
            if (contents and contents.header) == (after and after.header):
                yield files, found
                return
        finally:
            files.close()
    raise StoreUnavailable(STORE, f"{layout.directory} changes too fast to be read: try again")

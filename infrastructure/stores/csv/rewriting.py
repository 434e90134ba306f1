"""The files anew, in their final order: by rank, one row a movie, credits beside their movie's order, people by id."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from application.records import Table
from infrastructure.stores.csv.dialect import encode
from infrastructure.stores.csv.edited import EditedFiles
from infrastructure.stores.csv.files import TableFiles
from infrastructure.stores.csv.generation import Written, copied, settle, write_names, write_upcoming
from infrastructure.stores.csv.index import Index, Naming, Span
from infrastructure.stores.csv.journal import Contents, Header, Journal
from infrastructure.stores.csv.layout import Layout
from infrastructure.stores.csv.reading import Reading


def rewrite(
    layout: Layout, files: TableFiles, index: Index, header: Header, *, suspect: bool, drop_uncredited: bool
) -> None:
    """Copy the rows that count into new files and let these count.

    Args:
        layout: where the files are.
        files, index: what is there.
        header: the journal's, of the generation to be replaced.
        suspect: look who is credited by whom; needless where nothing was ever replaced.
        drop_uncredited: leave out people whom no movie credits.

    Raises:
        OSError, sqlite3.Error: the disk refuses; the old files still count.
    """
    if suspect:
        index.note_credited(_credited(files, index, escaped=header.escaped))
    people = _People(index, suspect=suspect, drop_uncredited=drop_uncredited)
    credited = (span for _, _, _, span in index.ranked() if span is not None)
    parts = {
        Table.MOVIES: copied(files, Table.MOVIES, (row for _, _, row, _ in index.ranked())),
        Table.PEOPLE: copied(files, Table.PEOPLE, people.spans()),
        Table.CREDITS: copied(files, Table.CREDITS, credited),
    }
    number = header.generation + 1
    written = write_upcoming(layout, number, parts)
    _switch(layout, number, written, people.exceptions, escaped=header.escaped)


def rewrite_edited(
    layout: Layout, edited: EditedFiles, generation: int, names: list[tuple[str, Naming]], *, escape: bool
) -> None:
    """Write what can be read of edited files in our own form and let it count.

    Args:
        layout: where the files are.
        edited: what is there.
        generation: the one to be replaced.
        names: who named whom, where the files cannot tell.
        escape: formulas are to carry an apostrophe.

    Raises:
        OSError, sqlite3.Error: the disk refuses; the old files still count.
    """
    parts = {table: (line for row in edited.clean(table) for line in encode([row], escape=escape)) for table in Table}
    written = write_upcoming(layout, generation + 1, parts)
    _switch(layout, generation + 1, written, names, escaped=escape)


def _switch(layout: Layout, number: int, written: Written, names: list[tuple[str, Naming]], *, escaped: bool) -> None:
    layout.make_state()
    write_names(layout, number, names)
    header = Header(number, base=written.sizes, sums=written.sums, escaped=escaped, ordered=True, stamps=written.stamps)
    journal = Journal(layout.journal)
    try:
        journal.replace(Contents(header))  # from here on the new files count, under whatever name
    finally:
        journal.close()
    settle(layout, number)


def _credited(files: TableFiles, index: Index, *, escaped: bool) -> Iterator[tuple[str, Naming]]:
    reading = Reading(files, index, escaped)
    for imdb_id, scraped_at, _, span in index.ranked():
        if span is not None:
            for person_id in reading.credited(span):
                yield person_id, (scraped_at, imdb_id)


@dataclass(slots=True)
class _People:
    """The names to keep; ``exceptions`` is filled with who gave them, where credits will not tell."""

    index: Index
    suspect: bool
    drop_uncredited: bool
    exceptions: list[tuple[str, Naming]] = field(default_factory=list)

    def spans(self) -> Iterator[Span]:
        for person in self.index.all_people():
            if self.suspect and person.credited is None and self.drop_uncredited:
                continue
            if self.suspect and person.named is not None and person.named != person.credited:
                self.exceptions.append((person.person_id, person.named))
            yield person.span

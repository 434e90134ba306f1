"""Details of people: the jobs for those who lack them, and the work of one job."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from dataclasses import KW_ONLY, dataclass, field, replace
from datetime import datetime

from application.ports.runs import Job, Outcome, Progress, Status
from application.ports.sources import PersonSource
from application.ports.stores import MovieRepository
from application.records import Row, details_row, timestamp
from application.run_jobs import failed
from domain.errors import FilmledgerError
from domain.fields import Source, Table

_NAME = Table.PEOPLE.column_index("name")
_READ_AT = Table.PEOPLE.column_index("details_read_at")
_SOURCE = Table.PEOPLE.column_index("details_source")


def people_jobs(rows: Iterable[Row], *, older_than: datetime | None) -> Iterator[Job]:
    """A job for each stored person without details, or with details that were read before ``older_than``.

    Args:
        rows: of the people table.
        older_than: ``None`` leaves existing details unchanged. Those from the data files, which have less, count as
            older.
    """
    limit = "" if older_than is None else timestamp(older_than)
    wanted = (
        row
        for row in rows
        if row[_READ_AT] is None or (row[_READ_AT] or "") < limit or (limit and row[_SOURCE] == Source.DATASETS)
    )
    return (Job(seq, str(row[0]), label=row[_NAME] or "") for seq, row in enumerate(wanted))


@dataclass(frozen=True, slots=True)
class SavePerson:
    """The work of a job whose key is a person's id. Thread-safe.

    Attributes:
        max_requests: maximum HTTP requests for one person in a run.
    """

    source: PersonSource
    store: MovieRepository
    _: KW_ONLY
    max_requests: int
    progress: Progress
    cancel: threading.Event
    _saving: threading.Lock = field(default_factory=threading.Lock, init=False)

    def __call__(self, job: Job) -> Outcome:
        """Reads and saves one person's details.

        Raises:
            SourceError: they could not be fetched or read.
        """
        self.progress.phase(job, "fetch", job.attempt)
        left = max(1, self.max_requests - job.spent)
        found = self.source.person(job.key, max_requests=left, cancel=self.cancel)
        self.progress.phase(job, "save", job.attempt)
        details = replace(found.details, person_id=job.key)  # a person whose id has changed keeps the credits' id
        try:
            with self._saving:
                self.store.save_rows(Table.PEOPLE, [details_row(details)])
        except FilmledgerError as error:
            return failed(job, error, requests=found.requests, size=found.size)
        return Outcome(
            job, Status.COMPLETED, found.person.name, size=found.size, requests=found.requests, source="graphql"
        )

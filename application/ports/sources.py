"""Where charts and titles are read."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from domain.chart import ChartEntry, ChartName
from domain.movie import Movie, Person, PersonDetails


@dataclass(frozen=True, slots=True)
class FetchedTitle:
    """A title as a source read it.

    Attributes:
        movie: the record; without a rank, unless the source was given the chart.
        source: ``page``, ``graphql`` or ``file``.
        untold: fields that the source does not have, or whose rest it withholds.
        cut: fields that the source should have told completely, but which are damaged, doubtful or incomplete.
        size: body bytes over the wire.
        requests: HTTP requests spent, retries included.
    """

    movie: Movie
    source: str
    untold: frozenset[str] = frozenset()
    cut: frozenset[str] = frozenset()
    size: int = 0
    requests: int = 0

    @property
    def missing(self) -> frozenset[str]:
        """All fields that are not known completely, which is not the same as the title having none.

        A saved older value must not be blanked by them.
        """
        return self.untold | self.cut


@dataclass(frozen=True, slots=True)
class FetchedPerson:
    """A person as a source read it.

    Attributes:
        person: id and name.
        details: everything else.
        size: body bytes over the wire.
        requests: HTTP requests spent, retries included.
    """

    person: Person
    details: PersonDetails
    size: int = 0
    requests: int = 0


class ChartSource(Protocol):
    """One place where a chart can be read."""

    def entries(self, chart: ChartName, cancel: threading.Event) -> tuple[ChartEntry, ...]:
        """What this source has of the chart, in any order; it need not be complete.

        Raises:
            SourceError: nothing could be read.
        """


class TitleSource(Protocol):
    """Where one title can be read. Called from many threads at once."""

    def title(self, imdb_id: str, *, max_requests: int, cancel: threading.Event) -> FetchedTitle:
        """Fetch and read one title, with at most ``max_requests`` HTTP requests.

        The movie's id differs from ``imdb_id`` only if IMDb has moved the title.

        Raises:
            SourceError: as its class says; ``requests`` and ``size`` are filled in.
            InvalidMovie: the page holds values that cannot be true.
        """


class EpisodeSource(Protocol):
    """Where the episodes of a series are listed."""

    def episodes(self, imdb_id: str, cancel: threading.Event) -> Iterator[tuple[str, str]]:
        """Id and title of each episode, in this source's order; the title is empty where it is not told. Streams.

        Of an episode: its series, and then all episodes of that.

        Raises:
            NotFound: there is no such title, or it is no series.
            SourceError: the episodes cannot be listed.
        """


class PersonSource(Protocol):
    """Where the details of one person can be read. Called from many threads at once."""

    def person(self, person_id: str, *, max_requests: int, cancel: threading.Event) -> FetchedPerson:
        """Fetch and read one person, with at most ``max_requests`` HTTP requests.

        Raises:
            SourceError: as its class says; ``requests`` and ``size`` are filled in.
        """

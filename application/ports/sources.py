"""Sources of charts, titles, episodes and people."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from domain.chart import ChartEntry, ChartName
from domain.movie import Movie, Person, PersonDetails


@dataclass(frozen=True, slots=True)
class FetchedTitle:
    """A title from a source.

    Attributes:
        movie: the record; without a rank, unless the source was given the chart.
        source: ``page``, ``graphql`` or ``file``.
        untold: fields that the source does not have, or only in part.
        cut: fields that the source should have completely, but which are damaged, doubtful or incomplete.
        size: body bytes received.
        requests: HTTP requests sent, retries included.
    """

    movie: Movie
    source: str
    untold: frozenset[str] = frozenset()
    cut: frozenset[str] = frozenset()
    size: int = 0
    requests: int = 0

    @property
    def missing(self) -> frozenset[str]:
        """All fields that are not known completely, which differs from a title that has no value.

        They must not overwrite a saved older value.
        """
        return self.untold | self.cut


@dataclass(frozen=True, slots=True)
class FetchedPerson:
    """A person from a source.

    Attributes:
        person: id and name.
        details: everything else.
        size: body bytes received.
        requests: HTTP requests sent, retries included.
    """

    person: Person
    details: PersonDetails
    size: int = 0
    requests: int = 0


class ChartSource(Protocol):
    """A source of charts."""

    def entries(self, chart: ChartName, cancel: threading.Event) -> tuple[ChartEntry, ...]:
        """The places of the chart that this source has, in any order; it need not be complete.

        Raises:
            SourceError: nothing could be read.
        """


class TitleSource(Protocol):
    """A source of titles. Thread-safe."""

    def title(self, imdb_id: str, *, max_requests: int, cancel: threading.Event) -> FetchedTitle:
        """Fetches and reads one title, with at most ``max_requests`` HTTP requests.

        The movie's id differs from ``imdb_id`` only if IMDb has moved the title.

        Raises:
            SourceError: of the class that describes the failure; ``requests`` and ``size`` are set.
            InvalidMovie: the page holds impossible values.
        """


class EpisodeSource(Protocol):
    """A source of lists of episodes."""

    def episodes(self, imdb_id: str, cancel: threading.Event) -> Iterator[tuple[str, str]]:
        """Id and title of each episode, in this source's order; the title is empty if unknown. Streams.

        For an episode: its series, and then all episodes of that.

        Raises:
            NotFound: there is no such title, or it is not a series.
            SourceError: the episodes cannot be listed.
        """


class PersonSource(Protocol):
    """A source of details of people. Thread-safe."""

    def person(self, person_id: str, *, max_requests: int, cancel: threading.Event) -> FetchedPerson:
        """Fetches and reads one person, with at most ``max_requests`` HTTP requests.

        Raises:
            SourceError: of the class that describes the failure; ``requests`` and ``size`` are set.
        """

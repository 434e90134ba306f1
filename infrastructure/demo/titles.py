"""What the demo site knows of a title."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

PartialDate: TypeAlias = tuple[int, int | None, int | None]
"""Year, month, day; the last two may be unknown."""


@dataclass(frozen=True, slots=True)
class DemoPerson:
    """Somebody invented; ``person_id`` is an ``nm`` id."""

    person_id: str
    name: str


@dataclass(frozen=True, slots=True)
class DemoRole:
    """A person in a cast, with the names of the characters, often one, sometimes none."""

    person: DemoPerson
    characters: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DemoTitle:
    """One invented title, as every page and GraphQL answer about it will tell it.

    Attributes:
        imdb_id: its id today.
        listed_id: the id that charts and lists name; differs from ``imdb_id``
            where IMDb would have remapped the title, and redirects to it.
        rating: 1 to 10 with one decimal, or None.
        votes: 0 where there is no rating, as IMDb has it.
        runtime_seconds: not always whole minutes.
        hollow_plot: the plot is an object whose text is null, instead of null itself.
        rank: place in the Top 250, counting from 1; None for titles of other charts.
    """

    imdb_id: str
    listed_id: str
    title: str
    original_title: str | None
    kind: str = "movie"
    year: int | None = None
    end_year: int | None = None
    rating: float | None = None
    votes: int = 0
    runtime_seconds: int | None = None
    metascore: int | None = None
    genres: tuple[str, ...] = ()
    directors: tuple[DemoPerson, ...] = ()
    cast: tuple[DemoRole, ...] = ()
    plot: str | None = None
    hollow_plot: bool = False
    has_poster: bool = True
    certificate: str | None = None
    release: PartialDate | None = None
    rank: int | None = None

    @property
    def moved(self) -> bool:
        """Whether lists still name an older id."""
        return self.listed_id != self.imdb_id

"""Charts: their names, sizes and entries."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from domain.errors import ChartError, InvalidMovie
from domain.movie import IMDB_ID

_MAX_LISTED: Final = 10


class ChartName(StrEnum):
    """The charts, by the name that a user types."""

    TOP250 = "top250"
    TOPTV = "toptv"
    MOVIEMETER = "moviemeter"
    BOTTOM100 = "bottom100"

    @property
    def size(self) -> int:
        """The number of titles in the complete chart."""
        return {"top250": 250, "toptv": 250, "moviemeter": 100, "bottom100": 100}[self.value]


class EstimatedChart(StrEnum):
    """Charts that are estimated from data files by the published formula; never used as the chart itself."""

    TOP250 = "estimated-top250"
    TOPTV = "estimated-toptv"

    @property
    def size(self) -> int:
        """The number of titles in the chart."""
        return self.real.size

    @property
    def real(self) -> ChartName:
        """The chart that it estimates."""
        return ChartName(self.value.removeprefix("estimated-"))


def chart_size(name: str) -> int:
    """The number of titles in the complete chart of this name."""
    return (EstimatedChart(name) if name in set(EstimatedChart) else ChartName(name)).size


@dataclass(frozen=True, slots=True)
class ChartEntry:
    """A place in a chart; ``rank`` counts from 1, ``title`` is empty if the chart does not have it.

    Raises:
        InvalidMovie: the id has the wrong form or the rank is below 1.
    """

    rank: int
    imdb_id: str
    title: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        problems = []
        if self.rank < 1:
            problems.append(f"rank {self.rank} is below 1")
        if not IMDB_ID.fullmatch(self.imdb_id):
            problems.append(f"imdb_id {self.imdb_id!r} is not tt and 7 to 10 digits")
        if problems:
            raise InvalidMovie(f"chart entry {self.rank}", problems)


def complete(chart: ChartName, entries: Iterable[ChartEntry], size: int | None = None) -> tuple[ChartEntry, ...]:
    """The entries in rank order, if they are the whole chart.

    Args:
        entries: in any order.
        size: how many there should be; the chart's own size unless given.

    Raises:
        ChartError: titles are missing, a rank is missing or repeated, or a
            title is repeated; the message says which.
    """
    ordered = tuple(sorted(entries, key=lambda entry: (entry.rank, entry.imdb_id)))
    expected = chart.size if size is None else size
    ranks = [entry.rank for entry in ordered]
    problems = []
    if repeated := sorted({rank for rank in ranks if ranks.count(rank) > 1}):
        problems.append(f"rank {_listed(repeated)} is taken twice")
    if missing := sorted(set(range(1, expected + 1)) - set(ranks)):
        problems.append(f"rank {_listed(missing)} is missing")
    ids = [entry.imdb_id for entry in ordered]
    if twice := sorted({imdb_id for imdb_id in ids if ids.count(imdb_id) > 1}):
        problems.append(f"{_listed(twice)} occurs twice")
    if beyond := [rank for rank in ranks if rank > expected]:
        problems.append(f"rank {_listed(beyond)} is beyond its {expected} places")
    if problems:
        raise ChartError(f"the {chart} chart has {len(ordered)} of {expected} titles: " + "; ".join(problems))
    return ordered


def _listed(values: list[int] | list[str]) -> str:
    shown = ", ".join(str(value) for value in values[:_MAX_LISTED])
    return shown if len(values) <= _MAX_LISTED else f"{shown} and {len(values) - _MAX_LISTED} more"

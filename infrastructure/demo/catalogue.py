"""An endless catalogue of invented titles: title ``i`` is worked out from the seed and ``i`` when it is asked for."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from typing import Final

from domain.chart import ChartName
from infrastructure.demo import oddities, words
from infrastructure.demo.numbering import MODULUS, Numbering
from infrastructure.demo.titles import DemoPerson, DemoRole, DemoTitle

MAX_COUNT: Final = 1_000_000
_FIRST_INDEX: Final = {
    ChartName.TOP250: 0,
    ChartName.TOPTV: 2_000_000,
    ChartName.MOVIEMETER: 2_500_000,
    ChartName.BOTTOM100: 3_000_000,
}
_RETIRED: Final = 7_000_000  # what is added to a title's index for the id it had before it was moved
_CAST_SIZE: Final = 18  # as many as a title page shows


class Catalogue:
    """Titles, people and charts of one seed; the same for the same arguments, on any machine.

    Args:
        seed: any number; another seed, another catalogue.
        count: titles in the Top 250 chart; the other charts are cut to as many.

    Raises:
        ValueError: the count is outside 1 to ``MAX_COUNT``.
    """

    def __init__(self, seed: int, count: int) -> None:
        if not 1 <= count <= MAX_COUNT:
            raise ValueError(f"count {count} is outside 1 to {MAX_COUNT}")
        self.count = count
        self._seed = seed
        self._titles = Numbering("tt", seed * 7_654_321 % MODULUS)
        self._people = Numbering("nm", seed * 1_234_567 % MODULUS)
        self._crowd = 200 + 6 * count
        self._cached_title = lru_cache(maxsize=1024)(self._invent)
        self._cached_person = lru_cache(maxsize=4096)(self._invent_person)

    def chart(self, name: ChartName) -> Iterator[DemoTitle]:
        """The chart's titles in rank order."""
        size = self.count if name is ChartName.TOP250 else min(self.count, name.size)
        for place in range(size):
            if name is ChartName.MOVIEMETER and place % 2 and self.count > 1:
                yield self._cached_title(place * 37 % self.count if self.count % 37 else place)
            else:
                yield self._cached_title(_FIRST_INDEX[name] + place)

    def find(self, imdb_id: str) -> DemoTitle | None:
        """The title with this id, today's or the one it had before it was moved."""
        index = self._titles.index_of(imdb_id)
        if index is None:
            return None
        if index >= _RETIRED:
            title = self._listed(index - _RETIRED)
            return title if title and title.listed_id == imdb_id else None
        return self._listed(index)

    def ids(self) -> Iterator[str]:
        """The Top chart's ids in rank order, as a list of ids would name them."""
        return (
            self._titles.id_of(index + (_RETIRED if oddities.is_moved(index) else 0)) for index in range(self.count)
        )

    def _listed(self, index: int) -> DemoTitle | None:
        for name, first in _FIRST_INDEX.items():
            size = self.count if name is ChartName.TOP250 else min(self.count, name.size)
            if first <= index < first + size:
                return self._cached_title(index)
        return None

    def _invent(self, index: int) -> DemoTitle:
        dice = _dice(self._seed, "title", index)
        place = index % 500_000 if index >= _FIRST_INDEX[ChartName.TOPTV] else index
        year = dice.randint(1921, 2026)
        imdb_id = self._titles.id_of(index)
        name = _name(dice)
        rating = max(1.0, round(9.3 - 0.235 * math.log1p(place), 1))
        kind, end_year = "movie", None
        if index >= _FIRST_INDEX[ChartName.BOTTOM100]:
            rating = round(1.4 + 0.017 * place, 1)
        elif _FIRST_INDEX[ChartName.TOPTV] <= index < _FIRST_INDEX[ChartName.MOVIEMETER]:
            kind, end_year = "tvSeries", dice.choice((None, min(2026, year + dice.randint(0, 9))))
        cast = self._people_of(dice, dice.choice((_CAST_SIZE,) * 5 + (4, 9, 13)))
        if oddities.has_namesakes(index):
            twins = [self._cached_person(0), self._cached_person(1)]
            cast = twins + [person for person in cast if person not in twins]
        title = DemoTitle(
            imdb_id=imdb_id,
            listed_id=imdb_id,
            title=name,
            original_title=dice.choice(words.FOREIGN_TITLES).format(dice.choice(words.PLACES))
            if dice.random() < 0.2
            else name,
            kind=kind,
            year=year,
            end_year=end_year,
            rating=rating,
            votes=dice.randint(25_000, 90_000) + 2_900_000 // (place + 1),
            runtime_seconds=60 * dice.randint(62, 212),
            metascore=dice.randint(38, 100) if dice.random() < 0.9 else None,
            genres=tuple(dice.sample(words.GENRES, dice.randint(1, 4))),
            directors=tuple(self._people_of(dice, 1 if dice.random() < 0.85 else 2)),
            cast=tuple(DemoRole(person, _characters(dice, person)) for person in cast),
            plot=f"In {dice.choice(words.PLACES)}, {dice.choice(words.HEROES)} {dice.choice(words.DEEDS)}, "
            f"{dice.choice(words.TURNS)}.",
            certificate=dice.choice(words.CERTIFICATES),
            release=(year, dice.randint(1, 12), dice.randint(1, 28)),
            rank=index + 1 if index < MAX_COUNT else None,
        )
        if oddities.is_moved(index):
            title = replace(title, listed_id=self._titles.id_of(index + _RETIRED))
        return oddities.apply(index, title)

    def _people_of(self, dice: random.Random, size: int) -> list[DemoPerson]:
        """Different people, the first of the crowd far more often than the last: stars are in many titles."""
        chosen: dict[int, None] = {}
        while len(chosen) < size:
            chosen[int(self._crowd * dice.random() ** 3)] = None
        return [self._cached_person(index) for index in chosen]

    def _invent_person(self, index: int) -> DemoPerson:
        dice = _dice(self._seed, "person", 0 if index == 1 else index)  # the two brightest stars share a name
        name = f"{dice.choice(words.FIRST_NAMES)} {dice.choice(words.LAST_NAMES)}"
        return DemoPerson(self._people.id_of(index), name)


def _dice(seed: int, kind: str, index: int) -> random.Random:
    return random.Random(f"{seed}/{kind}/{index}")  # noqa: S311 - repeatable on purpose, nothing is kept secret by it


def _name(dice: random.Random) -> str:
    adjective, noun, other = dice.choice(words.ADJECTIVES), dice.choice(words.NOUNS), dice.choice(words.NOUNS)
    place = dice.choice(words.PLACES)
    return dice.choice(
        (
            f"The {adjective} {noun}",
            f"{adjective} {noun}",
            f"The {noun} of {place}",
            f"The {noun} and the {other}",
            f"{noun}",
            f"A {noun} in {place}",
            f"The {noun}'s {other}",
            f"{adjective} {noun}: {place}",
        )
    )


def _characters(dice: random.Random, person: DemoPerson) -> tuple[str, ...]:
    roll = dice.random()
    if roll < 0.04:
        return ()
    if roll < 0.1:
        return tuple(dice.sample(words.ROLES, 2))
    if roll < 0.5:
        return (dice.choice(words.ROLES),)
    return (f"{dice.choice(words.FIRST_NAMES)} {person.name.split()[-1]}",)

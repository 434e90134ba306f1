"""The invented titles: title ``i`` is computed from the seed and ``i`` when it is asked for."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from typing import Final

from domain.chart import ChartName
from infrastructure.demo import oddities, words
from infrastructure.demo.titles import MODULUS, DemoPerson, DemoRole, DemoTitle, Numbering

MAX_COUNT: Final = 1_000_000
_FIRST_INDEX: Final = {
    ChartName.TOP250: 0,
    ChartName.TOPTV: 2_000_000,
    ChartName.MOVIEMETER: 2_500_000,
    ChartName.BOTTOM100: 3_000_000,
}
_RETIRED: Final = 7_000_000  # added to a title's index for the id it had before it was moved
_CAST_SIZES: Final = (18,) * 5 + (4, 9, 13)
_DIRECTORS, _ONE_TITLE = 8_000_000, 10_000_000  # where the indexes of these people begin
_REGULAR_SHARE: Final = 0.38  # of a cast; the others appear in this title only


class DemoCatalogue:
    """Titles, people and charts of one seed; the same for the same arguments, on any machine.

    Args:
        seed: any number; another seed gives other titles.
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
        self._cached_title = lru_cache(maxsize=1024)(self._invent)
        self._cached_person = lru_cache(maxsize=4096)(self._invent_person)

    def chart(self, name: ChartName) -> Iterator[DemoTitle]:
        """Gives the chart's titles in rank order."""
        size = self.count if name is ChartName.TOP250 else min(self.count, name.size)
        for place in range(size):
            if name is ChartName.MOVIEMETER and place % 2 and self.count > 1:
                yield self._cached_title(place * 37 % self.count if self.count % 37 else place)
            else:
                yield self._cached_title(_FIRST_INDEX[name] + place)

    def find(self, imdb_id: str) -> DemoTitle | None:
        """Gives the title with this id, today's or the one it had before it was moved."""
        index = self._titles.index_of(imdb_id)
        if index is None:
            return None
        if index >= _RETIRED:
            title = self._listed(index - _RETIRED)
            return title if title and title.listed_id == imdb_id else None
        return self._listed(index)

    def ids(self) -> Iterator[str]:
        """Gives the Top chart's ids in rank order, as the chart lists them."""
        return (
            self._titles.id_of(index + (_RETIRED if oddities.is_moved(index) else 0)) for index in range(self.count)
        )

    def ordinary(self, index: int) -> DemoTitle:
        """Gives the title of this index without its oddity."""
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
        cast = self._cast_of(dice, index, dice.choice(_CAST_SIZES))
        directors = _distinct(dice, 12 + self.count * 3 // 4, 1 if dice.random() < 0.85 else 2)
        return DemoTitle(
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
            directors=tuple(self._cached_person(_DIRECTORS + number) for number in directors),
            cast=tuple(map(DemoRole, cast, _roles(dice, len(cast)))),
            plot=_plot(dice),
            certificate=dice.choice(words.CERTIFICATES),
            release=(year, dice.randint(1, 12), dice.randint(1, 28)),
            rank=index + 1 if index < MAX_COUNT else None,
        )

    def _listed(self, index: int) -> DemoTitle | None:
        for name, first in _FIRST_INDEX.items():
            size = self.count if name is ChartName.TOP250 else min(self.count, name.size)
            if first <= index < first + size:
                return self._cached_title(index)
        return None

    def _invent(self, index: int) -> DemoTitle:
        title = self.ordinary(index)
        if oddities.has_namesakes(index):
            twins = [DemoRole(self._cached_person(number), title.cast[number].characters) for number in (0, 1)]
            known = {twin.person for twin in twins}
            others = (role for role in title.cast if role.person not in known)
            title = replace(title, cast=(*twins, *others)[: len(title.cast)])
        if oddities.is_moved(index):
            title = replace(title, listed_id=self._titles.id_of(index + _RETIRED))
        return oddities.apply(index, title)

    def _cast_of(self, dice: random.Random, index: int, size: int) -> list[DemoPerson]:
        """Chooses different people: regulars, who are in several titles, and those who are only in this one."""
        regulars = _distinct(dice, 60 + self.count * 16 // 5, sum(dice.random() < _REGULAR_SHARE for _ in range(size)))
        only_here = (_ONE_TITLE + (index * 18 + slot) % 4_900_000 for slot in range(size - len(regulars)))
        chosen = [*regulars, *only_here]
        dice.shuffle(chosen)
        return [self._cached_person(number) for number in chosen]

    def _invent_person(self, index: int) -> DemoPerson:
        dice = _dice(self._seed, "person", 0 if index == 1 else index)  # two people share a name
        name = f"{dice.choice(words.FIRST_NAMES)} {dice.choice(words.LAST_NAMES)}"
        return DemoPerson(self._people.id_of(index), name)


def _dice(seed: int, kind: str, index: int) -> random.Random:
    return random.Random(f"{seed}/{kind}/{index}")  # noqa: S311 - repeatable on purpose, and nothing secret


def _distinct(dice: random.Random, below: int, size: int) -> list[int]:
    """Chooses different numbers, low ones a little more often than high ones."""
    chosen: dict[int, None] = {}
    while len(chosen) < size:
        chosen[int(below * dice.random() ** 1.1)] = None
    return list(chosen)


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
            f"{_article(noun)} {noun} in {place}",
            f"The {noun}'s {other}",
            f"{adjective} {noun}: {place}",
        )
    )


def _article(noun: str) -> str:
    return "An" if noun[0] in "AEIO" else "A"


def _plot(dice: random.Random) -> str:
    hero, plural = dice.choice(words.HEROES)
    singular_verb, plural_verb, rest = dice.choice(words.DEEDS)
    verb = plural_verb if plural else singular_verb
    return f"In {dice.choice(words.PLACES)}, {hero} {verb} {rest} {dice.choice(words.TURNS)}."


def _roles(dice: random.Random, size: int) -> list[tuple[str, ...]]:
    """Gives the characters of each person of a cast; no character occurs twice in a title."""
    last_names = dice.sample(words.LAST_NAMES, min(len(words.LAST_NAMES), 8))  # families of this story
    parts = iter(dice.sample(words.ROLES, len(words.ROLES)))
    used: set[str] = set()
    roles: list[tuple[str, ...]] = []
    for place in range(size):
        roll = dice.random()
        full = f"{dice.choice(words.FIRST_NAMES)} {dice.choice(last_names)}"
        part = next(parts, "") if roll > 0.75 and place > 2 else ""
        names = [name for name in ((part,) if part else (full,)) if name not in used]
        if roll < 0.04 and (second := next(parts, "")):
            names.append(second)
        used.update(names)
        roles.append(() if 0.04 <= roll < 0.08 and place > 2 else tuple(names))
    return roles

"""The generated titles: title ``i`` is computed from the seed and ``i`` on request."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from functools import cached_property, lru_cache
from typing import Final

from msgspec.structs import replace

from domain.chart import ChartName
from infrastructure.demo import words
from infrastructure.demo.process import MAX_COUNT
from infrastructure.demo.titles import (
    MODULUS,
    ODDITIES,
    DemoAka,
    DemoCredit,
    DemoEpisode,
    DemoMoney,
    DemoPerson,
    DemoPersonDetails,
    DemoTitle,
    Numbering,
    oddity,
)

_FIRST_INDEX: Final = {
    ChartName.TOP250: 0,
    ChartName.TOPTV: 2_000_000,
    ChartName.MOVIEMETER: 2_500_000,
    ChartName.BOTTOM100: 3_000_000,
}
_FIRST_EPISODE: Final = 4_000_000
_EPISODES_PER_SERIES: Final = 600  # indexes kept for each series
_RETIRED: Final = 7_000_000  # added to a title's index for the id it had before it was moved
_CAST_SIZES: Final = (18,) * 5 + (4, 9, 13, 26, 41)
_CREW_PEOPLE, _ONE_TITLE = 8_000_000, 10_000_000  # where the indexes of these people begin
_REGULAR_SHARE: Final = 0.36  # of a cast; the others appear in this title only
_LARGEST_FILMOGRAPHY: Final = 5_000  # titles; in a larger catalogue people are known for nothing
_TODAY: Final = 2026


class DemoCatalogue:
    """Titles, people and charts of one seed and day; the same for the same arguments, on any machine.

    On each day after day 0 some titles leave their chart, others join it or climb, a third of the titles
    and a tenth of the episodes get more votes, and some ratings change by 0.1.

    Args:
        seed: any number; another seed gives other titles.
        count: titles in the Top 250 chart; the other charts are cut to as many.
        day: number of days after the first.
    """

    def __init__(self, seed: int, count: int, day: int = 0) -> None:
        self.count = count
        self.day = day
        self.seed = seed
        self._titles = Numbering("tt", seed * 7_654_321 % MODULUS)
        self._people = Numbering("nm", seed * 1_234_567 % MODULUS)
        self._entry_places: dict[int, int] = {}
        self._cached_title = lru_cache(maxsize=4096)(self._invent)
        self._cached_episode = lru_cache(maxsize=4096)(self._invent_episode)
        self._cached_person = lru_cache(maxsize=8192)(self._invent_person)
        self._order = lru_cache(maxsize=None)(self._chart_order)
        self._places = lru_cache(maxsize=None)(self._chart_places)

    def chart(self, name: ChartName) -> Iterator[DemoTitle]:
        """Gives the chart's titles in rank order."""
        return map(self._cached_title, self._order(name))

    def ids(self) -> Iterator[str]:
        """Gives the Top chart's ids in rank order, as the chart lists them."""
        order = self._order(ChartName.TOP250)
        return (self._titles.id_of(index + (_RETIRED if oddity(index) == "remapped" else 0)) for index in order)

    def find(self, imdb_id: str) -> DemoTitle | None:
        """Gives the title or episode with this id, today's or the one it had before it was moved."""
        index = self._titles.index_of(imdb_id)
        if index >= _RETIRED:
            title = self._known(index - _RETIRED)
            return title if title and title.listed_id == imdb_id else None
        if index >= _FIRST_EPISODE:
            return self._cached_episode(index)
        return self._known(index)

    def episodes(self, series: DemoTitle) -> Iterator[DemoTitle]:
        """Gives the episodes of a series in order."""
        first = _FIRST_EPISODE + _EPISODES_PER_SERIES * _series_place(self._titles.index_of(series.imdb_id))
        return filter(None, map(self._cached_episode, range(first, first + sum(series.season_sizes))))

    def titles(self) -> Iterator[DemoTitle]:
        """Gives every title once: the charts of today and the titles that have left them, without episodes."""
        seen: set[int] = set()
        for name, first in _FIRST_INDEX.items():
            for index in (*range(first, first + self._size(name)), *self._order(name)):
                if index not in seen:
                    seen.add(index)
                    yield self._cached_title(index)

    def person(self, person_id: str) -> DemoPerson | None:
        """Gives the person with this id."""
        index = self._people.index_of(person_id)
        return None if index < 0 else self._cached_person(index)

    def details(self, person: DemoPerson) -> DemoPersonDetails:
        """Gives birth, death, professions and well-known titles of a person."""
        dice = _dice(self.seed, "details", int(person.person_id[2:]))
        credits = self._filmographies.get(person.person_id, {})
        years = [title.year for title in credits if title.year] or [1990]
        born = min(years) - dice.randint(21, 48)
        died = born + dice.randint(max(years) - born, max(years) - born + 40)
        professions = dict.fromkeys(
            words.PROFESSIONS[category] for categories in credits.values() for category in categories
        )
        return DemoPersonDetails(
            born=(born, dice.randint(1, 12), dice.randint(1, 28)) if dice.random() < 0.8 else (born, None, None),
            died=(died, dice.randint(1, 12), dice.randint(1, 28)) if died < _TODAY and died - born > 45 else None,
            birth_place=f"{dice.choice(words.PLACES)}, {dice.choice(list(words.COUNTRIES.values()))}",
            professions=tuple(professions)[:3] or ("actor",),
            known_for=tuple(
                title.imdb_id for title in sorted(credits, key=lambda title: (-title.votes, title.imdb_id))[:4]
            ),
        )

    def ordinary(self, index: int) -> DemoTitle:
        """Gives the title of this index without its oddity."""
        dice = _dice(self.seed, "title", index)
        place = self._entry_places.get(index, index % 500_000 if index >= _FIRST_INDEX[ChartName.TOPTV] else index)
        year = dice.randint(1921, _TODAY)
        imdb_id = self._titles.id_of(index)
        name = _name(dice)
        rating = max(1.0, round(9.3 - 0.235 * math.log1p(place), 1))
        kind: str = "movie"
        end_year: int | None = None
        season_sizes: tuple[int, ...] = ()
        if index >= _FIRST_INDEX[ChartName.BOTTOM100]:
            rating = round(1.4 + 0.017 * min(place, 400), 1)
        elif _FIRST_INDEX[ChartName.TOPTV] <= index < _FIRST_INDEX[ChartName.MOVIEMETER]:
            kind, end_year, season_sizes = _series(dice, year)
        cast = self._cast_of(dice, index, dice.choice(_CAST_SIZES))
        directors = self._crew_people(dice, "director", 1 if dice.random() < 0.85 else 2)
        votes = dice.randint(25_000, 90_000) + 2_900_000 // (place + 1)
        country = dice.choice(list(words.COUNTRIES))
        budget, domestic, worldwide = _money(dice, words.CURRENCIES[country])
        awards = dice.random()
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
            rating=self._rating_today(index, rating),
            votes=votes + self.day * (votes // 1_500 + 1) * (index % 3 == 0),
            runtime_seconds=60 * (dice.randint(22, 62) if season_sizes else dice.randint(62, 212)),
            metascore=dice.randint(38, 100) if dice.random() < 0.9 else None,
            genres=tuple(dice.sample(words.GENRES, dice.randint(1, 4))),
            directors=directors,
            cast=tuple(
                DemoCredit("cast", person, characters, (), remarks)
                for person, characters, remarks in zip(
                    cast, _roles(dice, len(cast)), _remarks(dice, len(cast)), strict=True
                )
            ),
            plot=_plot(dice),
            certificate=dice.choice(words.CERTIFICATES),
            release=(year, dice.randint(1, 12), dice.randint(1, 28)),
            rank=self._rank(index),
            crew=self._crew_of(dice, directors),
            akas=_akas(dice, name),
            countries=tuple(dict.fromkeys((country, *dice.sample(list(words.COUNTRIES), dice.choice((0, 0, 1, 2)))))),
            languages=tuple(
                dict.fromkeys((words.LANGUAGES[country], *dice.sample(("en", "fr", "de"), dice.choice((0, 0, 1)))))
            ),
            release_country=country,
            keywords=tuple(dice.sample(words.KEYWORDS, dice.randint(5, 24))),
            taglines=tuple(dice.sample(words.TAGLINES, dice.choice((0, 1, 1, 2)))),
            companies=tuple(dice.sample(words.COMPANIES, dice.randint(1, 4))),
            locations=tuple(
                f"{spot}, {words.COUNTRIES[country]}" for spot in dice.sample(words.PLACES, dice.randint(0, 4))
            ),
            color=("Black and White",) if year < 1955 else ("Color",),
            aspect_ratios=tuple(dice.sample(("1.37 : 1", "1.66 : 1", "1.85 : 1", "2.39 : 1"), dice.choice((1, 1, 2)))),
            sound_mixes=tuple(
                dice.sample(("Mono", "Stereo", "Dolby Digital", "DTS", "Dolby Atmos"), dice.choice((1, 1, 2)))
            ),
            production_status="Released",
            budget=budget,
            gross_worldwide=worldwide,
            gross_domestic=domestic,
            award_wins=int(60 * awards**4),
            award_nominations=int(90 * awards**3),
            oscar_wins=dice.randint(0, 7) if awards > 0.7 else None,
            popularity_rank=self._places(ChartName.MOVIEMETER).get(index, 101 + dice.randrange(4_900)),
            user_reviews=votes // 420,
            critic_reviews=dice.randint(3, 420),
            season_sizes=season_sizes,
        )

    def _size(self, name: ChartName) -> int:
        return self.count if name is ChartName.TOP250 else min(self.count, name.size)

    def _chart_order(self, name: ChartName) -> Sequence[int]:
        """Gives the indexes of a chart's titles in today's rank order."""
        size, first = self._size(name), _FIRST_INDEX[name]
        order: Sequence[int] = range(first, first + size)
        if name is ChartName.MOVIEMETER and self.count > 1:  # half of the popular titles are in the Top chart
            step = 37 if self.count % 37 else 1
            order = [place * step % self.count if place % 2 else first + place for place in range(size)]
        if not self.day:
            return order
        order = list(order)
        for day in range(1, self.day + 1):
            self._next_day(name, order, day)
        return order

    def _next_day(self, name: ChartName, order: list[int], day: int) -> None:
        """Lets titles of a chart climb, and replaces some of its lower places by new titles."""
        dice = _dice(self.seed, f"day of {name}", day)
        size = len(order)
        for _ in range(size // 10):
            place = dice.randrange(size)
            order.insert(max(0, place - dice.randint(1, 1 + place // 8)), order.pop(place))
        first_new = _FIRST_INDEX[name] + (MAX_COUNT if name is ChartName.TOP250 else 100_000) + day * 100
        for number in range(min(20, max(size // 60, 1 if size >= 5 else 0))):
            leaving = dice.randrange(size * 2 // 3, size)
            if oddity(order[leaving]):
                continue
            order.pop(leaving)
            entering = dice.randrange(size // 3, size)
            order.insert(entering, first_new + number)
            self._entry_places[first_new + number] = entering

    def _rank(self, index: int) -> int | None:
        if not self.day:
            return index + 1 if index < self.count else None
        return self._places(ChartName.TOP250).get(index)

    def _chart_places(self, name: ChartName) -> dict[int, int]:
        """Gives the rank of each index in a chart."""
        return {index: rank for rank, index in enumerate(self._order(name), 1)}

    @cached_property
    def _filmographies(self) -> dict[str, dict[DemoTitle, tuple[str, ...]]]:
        """The titles of each person with the categories of the credits."""
        found: dict[str, dict[DemoTitle, tuple[str, ...]]] = {}
        if sum(map(self._size, ChartName)) > _LARGEST_FILMOGRAPHY:
            return found
        for title in self.titles():
            for credit in title.credits:
                titles = found.setdefault(credit.person.person_id, {})
                titles[title] = (*titles.get(title, ()), credit.category)
        return found

    def _rating_today(self, index: int, rating: float) -> float:
        if not self.day:
            return rating
        drift = _dice(self.seed, f"drift {self.day}", index).random()
        return round(max(1.0, rating + (-0.1 if drift < 0.05 else 0.1 if drift > 0.95 else 0)), 1)

    def _known(self, index: int) -> DemoTitle | None:
        for name, first in reversed(_FIRST_INDEX.items()):
            if index >= first:
                known = index < first + self._size(name)
                if not known and self.day:
                    self._order(name)  # fills the entries
                    known = index in self._entry_places
                return self._cached_title(index) if known else None
        return None

    def _invent(self, index: int) -> DemoTitle:
        title, odd = self.ordinary(index), oddity(index)
        if odd == "namesakes":
            twins = [replace(title.cast[place], person=self._cached_person(place), attributes=()) for place in (0, 1)]
            known = {twin.person for twin in twins}
            others = (role for role in title.cast if role.person not in known)
            title = replace(title, cast=(*twins, *others)[: len(title.cast)])
        if odd == "remapped":
            title = replace(title, listed_id=self._titles.id_of(index + _RETIRED))
        return ODDITIES[odd](title) if odd else title

    def _invent_episode(self, index: int) -> DemoTitle | None:
        place, number = divmod(index - _FIRST_EPISODE, _EPISODES_PER_SERIES)  # from 0 in the whole series
        series = self._known(_series_index(place))
        if series is None or number >= sum(series.season_sizes):
            return None
        dice = _dice(self.seed, "episode", index)
        season, left = 0, number
        while left >= series.season_sizes[season]:
            left -= series.season_sizes[season]
            season += 1
        year = min(_TODAY, (series.year or 2000) + season)
        imdb_id = self._titles.id_of(index)
        name = "Pilot" if number == 0 else _name(dice)
        unknown = dice.random() < 0.01  # IMDb lists specials without a number
        votes = dice.randint(40, 9_000) * (5 if number == 0 else 1)
        return DemoTitle(
            imdb_id=imdb_id,
            listed_id=imdb_id,
            title=name,
            original_title=name,
            kind="tvEpisode",
            year=year,
            rating=round(min(9.9, max(3.0, (series.rating or 7.0) + dice.gauss(-0.2, 0.5))), 1),
            votes=votes + self.day * (votes // 300 + 1) * (number % 10 == 0),
            runtime_seconds=series.runtime_seconds,
            genres=series.genres,
            directors=self._crew_people(dice, "director", 1),
            cast=series.cast[:12],
            plot=_plot(dice),
            certificate=series.certificate,
            release=(year, 1 + left * 12 // max(1, series.season_sizes[season]), dice.randint(1, 28)),
            crew=self._crew_of(dice, ()),
            countries=series.countries,
            languages=series.languages,
            release_country=series.release_country,
            keywords=tuple(dice.sample(words.KEYWORDS, 5)),
            companies=series.companies,
            color=series.color,
            aspect_ratios=series.aspect_ratios,
            sound_mixes=series.sound_mixes,
            production_status="Released",
            user_reviews=votes // 500,
            critic_reviews=dice.randint(0, 9),
            episode=DemoEpisode(
                series,
                season=None if unknown else season + 1,
                number=None if unknown else left + 1,
                before=self._titles.id_of(index - 1) if number else None,
                after=self._titles.id_of(index + 1) if number + 1 < sum(series.season_sizes) else None,
            ),
        )

    def _cast_of(self, dice: random.Random, index: int, size: int) -> list[DemoPerson]:
        """Chooses different people: regulars, who are in several titles, and those who are only in this one."""
        regulars = _distinct(dice, 60 + self.count * 16 // 5, sum(dice.random() < _REGULAR_SHARE for _ in range(size)))
        only_here = (_ONE_TITLE + (index * 41 + slot) % 4_900_000 for slot in range(size - len(regulars)))
        chosen = [*regulars, *only_here]
        dice.shuffle(chosen)
        return [self._cached_person(number) for number in chosen]

    def _crew_people(self, dice: random.Random, category: str, size: int) -> tuple[DemoPerson, ...]:
        first = _CREW_PEOPLE + 200_000 * words.CREW_CATEGORIES.index(category)
        numbers = _distinct(dice, 12 + min(self.count, 200_000) * 3 // 4, size)
        return tuple(self._cached_person(first + number) for number in numbers)

    def _crew_of(self, dice: random.Random, directors: tuple[DemoPerson, ...]) -> tuple[DemoCredit, ...]:
        writers = dict.fromkeys(
            (*(directors[:1] if dice.random() < 0.5 else ()), *self._crew_people(dice, "writer", 2))
        )
        crew = [DemoCredit("writer", person, (), job) for person, job in zip(writers, words.WRITER_JOBS, strict=False)]
        for category in words.CREW_CATEGORIES[2:]:
            people = self._crew_people(dice, category, dice.choice(words.CREW_SIZES[category]))
            jobs = words.CREW_JOBS.get(category, ((),))
            crew += [
                DemoCredit(
                    category, person, (), jobs[place % len(jobs)], ("uncredited",) if dice.random() < 0.04 else ()
                )
                for place, person in enumerate(people)
            ]
        return tuple(crew)

    def _invent_person(self, index: int) -> DemoPerson:
        dice = _dice(self.seed, "person", 0 if index == 1 else index)  # two people share a name
        name = f"{dice.choice(words.FIRST_NAMES)} {dice.choice(words.LAST_NAMES)}"
        return DemoPerson(self._people.id_of(index), name)


def _series_index(place: int) -> int:
    """Gives the index of the series whose episodes have this place; see ``_series_place``."""
    first = _FIRST_INDEX[ChartName.TOPTV]
    return first + (place if place < 250 else 100_000 + place - 250)


def _series_place(index: int) -> int:
    """Numbers the series: those of day 0 first, then those that joined the chart later."""
    number = index - _FIRST_INDEX[ChartName.TOPTV]
    return number if number < 250 else number - 100_000 + 250


def _series(dice: random.Random, year: int) -> tuple[str, int | None, tuple[int, ...]]:
    """Gives kind, last year and episodes of each season."""
    if dice.random() < 0.15:
        return "tvMiniSeries", year, (dice.randint(4, 10),)
    seasons = tuple(dice.choice((6, 8, 10, 13)) for _ in range(dice.choice((1, 1, 2, 2, 3, 4, 6))))
    end_year = year + len(seasons) - 1
    return "tvSeries", None if end_year >= _TODAY or dice.random() < 0.2 else end_year, seasons


def _money(dice: random.Random, currency: str) -> tuple[DemoMoney | None, DemoMoney | None, DemoMoney | None]:
    """Gives budget, gross in the United States and Canada, and gross worldwide."""
    budget = dice.randint(2, 2_000) * 100_000
    domestic = int(budget * dice.uniform(0.1, 3.5))
    worldwide = int(domestic * dice.uniform(1.1, 3.0))
    known = dice.random()
    return (
        DemoMoney(budget, currency) if known < 0.7 else None,
        DemoMoney(domestic, "USD") if known < 0.85 else None,
        DemoMoney(worldwide, "USD") if known < 0.9 else None,
    )


def _akas(dice: random.Random, name: str) -> tuple[DemoAka, ...]:
    regions = dice.sample(list(words.COUNTRIES), dice.randint(1, 6))
    akas = [
        DemoAka(
            dice.choice(words.FOREIGN_TITLES).format(dice.choice(words.PLACES)),
            region,
            words.LANGUAGES[region] if dice.random() < 0.3 else None,
            ("literal title",) if dice.random() < 0.1 else (),
        )
        for region in regions
    ]
    return (DemoAka(name), *akas)


def _remarks(dice: random.Random, size: int) -> list[tuple[str, ...]]:
    return [
        ("voice",) if (roll := dice.random()) < 0.03 else ("uncredited",) if roll > 0.97 else () for _ in range(size)
    ]


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

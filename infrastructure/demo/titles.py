"""The records of the demo site and the numbering of their ids."""

from __future__ import annotations

from typing import Final, TypeAlias

import msgspec

PartialDate: TypeAlias = tuple[int, int | None, int | None]
"""Year, month, day; the last two may be unknown."""

MODULUS: Final = 14_999_981  # a prime, so that every multiplier has an inverse; ids get 7 or 8 digits
_MULTIPLIER: Final = 6_180_339
_INVERSE: Final = pow(_MULTIPLIER, -1, MODULUS)


class Numbering(msgspec.Struct, frozen=True):
    """A one-to-one map between indexes and ids such as ``tt0123456``, without a table.

    The ids are not in the order of the indexes, and some have seven digits and some
    eight, so that their order as text is not their order as numbers.
    """

    prefix: str
    offset: int

    def id_of(self, index: int) -> str:
        """Gives the id of an index from 0 to ``MODULUS - 1``."""
        return f"{self.prefix}{(index * _MULTIPLIER + self.offset) % MODULUS:07d}"

    def index_of(self, identifier: str) -> int | None:
        """Gives the index of an id, or None if no index has it."""
        digits = identifier.removeprefix(self.prefix)
        if digits == identifier or not (digits.isascii() and digits.isdigit()):
            return None
        index = (int(digits) - self.offset) * _INVERSE % MODULUS
        return index if self.id_of(index) == identifier else None


class DemoPerson(msgspec.Struct, frozen=True):
    """An invented person; ``person_id`` is an ``nm`` id."""

    person_id: str
    name: str


class DemoRole(msgspec.Struct, frozen=True):
    """A person in a cast.

    Attributes:
        characters: their names; there can be none.
        attributes: remarks such as ``voice``.
    """

    person: DemoPerson
    characters: tuple[str, ...]
    attributes: tuple[str, ...] = ()


class DemoCrewCredit(msgspec.Struct, frozen=True):
    """A credit of another category than director and cast, under IMDb's name of the category."""

    category: str
    person: DemoPerson
    jobs: tuple[str, ...] = ()
    attributes: tuple[str, ...] = ()


class DemoPersonDetails(msgspec.Struct, frozen=True):
    """Everything else about a person; ``known_for`` are title ids."""

    born: PartialDate
    died: PartialDate | None
    birth_place: str
    professions: tuple[str, ...]
    known_for: tuple[str, ...]


class DemoAka(msgspec.Struct, frozen=True):
    """Another title, with ids of region and language."""

    title: str
    region: str | None = None
    language: str | None = None
    attributes: tuple[str, ...] = ()


class DemoMoney(msgspec.Struct, frozen=True):
    """An amount in whole units of its currency."""

    amount: int
    currency: str


class DemoEpisodeNumber(msgspec.Struct, frozen=True):
    """The place of an episode in its series; season and number are None where IMDb does not know them."""

    series_id: str
    season: int | None
    number: int | None


class DemoTitle(msgspec.Struct, frozen=True):
    """One invented title, as pages and GraphQL give it.

    Attributes:
        imdb_id: its id today.
        listed_id: the id in charts and lists; differs from ``imdb_id`` where IMDb
            would have moved the title, and redirects to it.
        rating: 1 to 10 with one decimal, or None.
        votes: 0 without a rating, as on IMDb.
        runtime_seconds: not always whole minutes.
        hollow_plot: the plot is an object whose text is null, instead of null itself.
        rank: place in the Top 250 from 1; None outside that chart.
        cast: the whole cast; pages show the first 18.
        crew: credits of the other categories, grouped by category.
        countries, languages, release_country: ids, in small letters for languages.
        oscar_wins: None where the most prestigious award is another one.
        season_sizes: number of episodes of each season of a series.
        episode: for an episode, its place in the series.
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
    crew: tuple[DemoCrewCredit, ...] = ()
    akas: tuple[DemoAka, ...] = ()
    countries: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    release_country: str | None = None
    keywords: tuple[str, ...] = ()
    taglines: tuple[str, ...] = ()
    companies: tuple[str, ...] = ()
    locations: tuple[str, ...] = ()
    color: tuple[str, ...] = ()
    aspect_ratios: tuple[str, ...] = ()
    sound_mixes: tuple[str, ...] = ()
    production_status: str | None = None
    is_adult: bool = False
    budget: DemoMoney | None = None
    gross_worldwide: DemoMoney | None = None
    gross_domestic: DemoMoney | None = None
    award_wins: int = 0
    award_nominations: int = 0
    oscar_wins: int | None = None
    popularity_rank: int | None = None
    user_reviews: int = 0
    critic_reviews: int = 0
    season_sizes: tuple[int, ...] = ()
    episode: DemoEpisodeNumber | None = None

    @property
    def is_series(self) -> bool:
        """The title has episodes."""
        return self.kind in ("tvSeries", "tvMiniSeries")

    @property
    def moved(self) -> bool:
        """Lists give an older id."""
        return self.listed_id != self.imdb_id

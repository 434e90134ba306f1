"""The records of the demo site, the numbering of their ids, and the awkward titles of the Top chart."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

import msgspec
from msgspec.structs import replace

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

    def index_of(self, identifier: str) -> int:
        """Gives the index of an id, or -1 if no index has it."""
        digits = identifier.removeprefix(self.prefix)
        if digits == identifier or not (digits.isascii() and digits.isdigit()):
            return -1
        index = (int(digits) - self.offset) * _INVERSE % MODULUS
        return index if self.id_of(index) == identifier else -1


class DemoPerson(msgspec.Struct, frozen=True):
    """An invented person; ``person_id`` is an ``nm`` id."""

    person_id: str
    name: str


class DemoCredit(msgspec.Struct, frozen=True):
    """A credit under IMDb's name of the category.

    Attributes:
        characters: their names, in a cast; there can be none.
        attributes: remarks such as ``voice``.
    """

    category: str
    person: DemoPerson
    characters: tuple[str, ...] = ()
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
    cast: tuple[DemoCredit, ...] = ()
    plot: str | None = None
    hollow_plot: bool = False
    has_poster: bool = True
    certificate: str | None = None
    release: PartialDate | None = None
    rank: int | None = None
    crew: tuple[DemoCredit, ...] = ()
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
    episode: DemoEpisode | None = None

    @property
    def is_series(self) -> bool:
        """The title has episodes."""
        return self.kind in ("tvSeries", "tvMiniSeries")

    @property
    def moved(self) -> bool:
        """Lists give an older id."""
        return self.listed_id != self.imdb_id

    @property
    def writers(self) -> tuple[DemoPerson, ...]:
        """The writers among the crew."""
        return tuple(credit.person for credit in self.crew if credit.category == "writer")

    @property
    def directing(self) -> tuple[DemoCredit, ...]:
        """The credits of the directors."""
        return tuple(DemoCredit("director", person) for person in self.directors)

    @property
    def credits(self) -> tuple[DemoCredit, ...]:
        """All credits: directors, cast, crew."""
        return (*self.directing, *self.cast, *self.crew)


class DemoEpisode(msgspec.Struct, frozen=True):
    """The place of an episode in its series, between the episodes with the ids ``before`` and ``after``.

    Season and number are None where IMDb does not know them.
    """

    series: DemoTitle
    season: int | None
    number: int | None
    before: str | None
    after: str | None


# --- awkward titles: values that are missing, misleading or hard to store ----------
# They are within the first 250 places of the Top chart, four apart, with ordinary titles between them.

_FIRST: Final = 5
_STEP: Final = 4
_Change: TypeAlias = Callable[[DemoTitle], DemoTitle]


def _with(**fields: object) -> _Change:
    return lambda title: replace(title, **fields)  # names and types are checked by the tests


def _titled(title: str, original: str | None = None) -> _Change:
    return _with(title=title, original_title=title if original is None else original)


def _directs_and_plays(title: DemoTitle) -> DemoTitle:
    lead = title.cast[0].person
    return replace(title, directors=(lead, *(person for person in title.directors if person != lead)))


def _recast(*characters: str) -> _Change:
    return lambda title: replace(
        title, cast=(replace(title.cast[0], characters=characters, attributes=()), *title.cast[1:])
    )


def _unnamed_roles(title: DemoTitle) -> DemoTitle:
    return replace(title, cast=tuple(DemoCredit("cast", role.person) for role in title.cast))


def _as_it_is(title: DemoTitle) -> DemoTitle:
    return title


ODDITIES: Final[dict[str, _Change]] = {
    "no year": _with(year=None, release=None),
    "no rating": _with(rating=None, votes=0),
    "no metascore": _with(metascore=None),
    "no cast": _with(cast=()),
    "too few votes": _with(rating=None, votes=3),
    "release year only": lambda title: replace(title, release=(title.year or 1994, None, None)),
    "release year and month": lambda title: replace(title, release=(title.year or 1994, 10, None)),
    "commas": _titled("Salt, Ash, and the Rain; a Ballad"),
    "quotes": _titled('The "Quiet" Harbour\'s «Last» Call', "“Quiet” ‘Harbour’"),
    "newlines": _with(plot="First line.\nSecond line, after a comma.\r\nThird.\n\nFifth.\tTabbed."),
    "formula": _titled("=1+1", "@SUM(A1:A9)"),
    "emoji": _titled("The 🎬 Projectionist 👩‍🚀🏳️‍🌈", "🎞️"),
    "right to left": _titled("שלום, רחוב סואן", "الليل والبحر"),
    "namesakes": _as_it_is,  # made by the catalogue
    "directs and plays": _directs_and_plays,
    "remapped": _as_it_is,  # made by the catalogue
    "NUL": _with(plot="Before\x00after the NUL."),
    "lone surrogate": _titled("Half a \ud83c Mask"),
    "very long plot": _with(plot="This sentence of the plot is repeated. " * 520 + "It ends."),
    "HTML entities": _titled("Fish & Chips <for> Two", "Literally &amp; and &lt;b&gt;"),
    "closing script": _with(plot="He wrote </script><script>alert('x')</script> on the wall <!-- and left."),
    "no director": _with(directors=()),
    "nothing but a title": lambda title: DemoTitle(
        title.imdb_id, title.listed_id, title.title, original_title=None, has_poster=False, rank=title.rank
    ),
    "no runtime": _with(runtime_seconds=None),
    "odd seconds": _with(runtime_seconds=5_439),
    "no poster": _with(has_poster=False),
    "no plot": _with(plot=None),
    "hollow plot": _with(plot=None, hollow_plot=True),
    "database words": _titled("\\N", "NULL"),
    "whole rating": _with(rating=9.0),
    "many genres": _with(genres=("Drama", "Crime", "Comedy", "Mystery", "War", "Music")),
    "two roles": _recast('Jo "Ace" Vane', "Narrator, older"),
    "unnamed roles": _unnamed_roles,
    "no certificate": _with(certificate=None, kind="tvMovie"),
    "very long title": _titled("A Title That Keeps On Going, " * 17 + "Until 500"),
    "separators": _titled("Line\u2028Separator and a\u200bZero Width", "Cafe\u0301 Nai\u0308ve"),
    "video": _with(kind="video"),
    "metascore 0": _with(metascore=0),
    "many keywords": _with(keywords=tuple(f"keyword {number}" for number in range(900))),
    "adult": _with(is_adult=True),
    "not released": _with(production_status="Post-production", release=None, rating=None, votes=0, user_reviews=0),
    "other country's gross": lambda title: replace(
        title, gross_worldwide=None, gross_domestic=DemoMoney(1_000_000, "EUR"), budget=None
    ),
}  # fmt: skip
_AT: Final = {_FIRST + _STEP * place: name for place, name in enumerate(ODDITIES)}
ODD_PLACES: Final = {name: index for index, name in _AT.items()}
"""The index of each oddity in the Top chart: its rank minus one."""


def oddity(index: int) -> str:
    """Gives the name of this index's oddity, or an empty text."""
    return _AT.get(index, "")

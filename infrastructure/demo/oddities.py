"""Awkward titles: values that are missing, misleading or hard to store, at fixed places of the Top chart.

They are within the first 250 places, four apart, with ordinary titles between them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

from msgspec.structs import replace

from infrastructure.demo.titles import DemoMoney, DemoRole, DemoTitle

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
    return lambda title: replace(title, cast=(DemoRole(title.cast[0].person, characters), *title.cast[1:]))


def _unnamed_roles(title: DemoTitle) -> DemoTitle:
    return replace(title, cast=tuple(DemoRole(role.person, ()) for role in title.cast))


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
    "nothing but a title": _with(
        original_title=None, year=None, release=None, rating=None, votes=0, runtime_seconds=None, metascore=None,
        genres=(), directors=(), cast=(), plot=None, has_poster=False, certificate=None, crew=(), akas=(), countries=(),
        languages=(), release_country=None, keywords=(), taglines=(), companies=(), locations=(), color=(),
        aspect_ratios=(), sound_mixes=(), production_status=None, budget=None, gross_worldwide=None,
        gross_domestic=None, award_wins=0, award_nominations=0, oscar_wins=None, popularity_rank=None, user_reviews=0,
        critic_reviews=0,
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
PLACES: Final = {name: index for index, name in _AT.items()}
"""The index of each oddity in the Top chart: its rank minus one."""


def apply(index: int, title: DemoTitle) -> DemoTitle:
    """Gives the title of this index its oddity, if the index has one."""
    name = _AT.get(index)
    return title if name is None else ODDITIES[name](title)


def is_moved(index: int) -> bool:
    """Tells whether lists give an older id for the title of this index."""
    return _AT.get(index) == "remapped"


def has_namesakes(index: int) -> bool:
    """Tells whether two people of one name are in the cast of this index's title."""
    return _AT.get(index) == "namesakes"


def is_odd(index: int) -> bool:
    """Tells whether the title of this index has an oddity."""
    return index in _AT

"""Invented films in any number, for catalogues made without a site. The same number, the same films."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

from application.ports import ChartSnapshot, RankedTitle
from domain.movie import CAST, DIRECTOR, Credit, Movie, Person, title_url

READ_AT: Final = datetime(2026, 11, 20, 5, 30, tzinfo=UTC)


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_FIRST: Final = _words(
    "Ada Aksel Amara Anselm Beatriz Bram Cato Cécile Dalia Edda Eino Elif Emeka Farah Fergus Gwen Hana Hugo Ines Ivo "
    "Jarek João Juno Kaito Lena Leopold Lúcia Maeve Malik Marit Milo Nadia Niamh Noor Odile Oskar Pilar Priya Rafael "
    "Rosa Rune Saoirse Selim Signe Søren Tadeo Theo Ulla Uma Vera Viggo Wanda Xenia Yara Yusuf Zofia"
)
_LAST: Final = _words(
    "Abara Almqvist Archambault Balint Barrow Bellweather Castellane Cormac Dahlgren Eskola Fairweather Ferreira "
    "Fontaine Garrick Goldhammer Hakimi Halloran Hirano Ibáñez Ishikawa Jansen Kaminski Kowal Lindqvist Lockhart "
    "Marchetti Moreau Nakagawa Novak Okonkwo Olafsson Petrova Quist Ravenscroft Rosenthal Salonen Sandoval Schäfer "
    "Silveira Tamm Thorne Ueda Valverde Vass Weatherby Whitlock Yilmaz Zamora Ziegler Øverland"
)
_ADJECTIVES: Final = _words(
    "Quiet Salted Velvet Copper Restless Drowned Paper Amber Narrow Borrowed Burning Distant Faithful Golden Hollow "
    "Honest Iron Lonely Long Midnight Northern Patient Second Silent Stolen Tender Winter Crooked Bright Last"
)
_NOUNS: Final = _words(
    "Lighthouse Orchard Machine Sky Ferry Ladder Choir Kingdom Meridian Harbour Bell Train Cartographer Archive "
    "Glacier Lantern Letter Map Mirror Orchestra Parade Pilot Promise Quarry River Rooftop Season Signal Suitcase "
    "Telegram Theatre Tide Tunnel Violin Witness Anchor Bridge Canal Garden Horizon"
)
_PLACES: Final = _words("Ostermark Brackwater Calvera Dunmarrow Eastholm Grimsay Havelund Marrakand Nettlebridge Vane")
_SHAPES: Final = (
    "The {a} {n}", "{a} {n}", "The {n} of {p}", "A {n} for {p}", "The Last {n}", "Nine {n}s",
    "{n} at {p}",
    "Before the {n}", "The {n}'s Daughter", "Return to {p}", "{a} Is the {n}",
)  # fmt: skip
GENRES: Final = (
    "Drama", "Crime", "Adventure", "Thriller", "Comedy", "Mystery", "Romance", "War", "Sci-Fi", "Animation",
    "History", "Fantasy", "Film-Noir", "Western", "Horror", "Music",
)  # fmt: skip
_WHO: Final = (
    "A retired ferryman", "Two estranged sisters", "A night-shift nurse", "The last apprentice of a clockmaker",
    "A disgraced pilot", "A village choir", "An archivist with no memory of her own", "A child who will not speak",
)  # fmt: skip
_WHAT: Final = (
    "carries a sealed letter across a country at war", "finds out that the lighthouse has been lit all along",
    "agrees to keep a secret that is not worth keeping", "returns to the town that was drowned for a dam",
    "is asked to restore a painting that never existed", "finds a second set of footprints in the snow",
    "takes the blame for a crime nobody has noticed", "builds a bridge that leads nowhere",
)  # fmt: skip
_TURN: Final = (
    "before the first frost.", "while the whole valley looks away, and learns what silence costs.",
    "only to be recognised at the border by an old friend who has come to collect a debt.",
    "against all good advice. Nobody in the harbour sleeps that night.",
)  # fmt: skip


def films(count: int, *, ranked: int = 250, cast: int = 12) -> Iterator[Movie]:
    """So many films; the first ``ranked`` are a chart in rank order."""
    return (film(number, rank=number + 1 if number < ranked else None, cast=cast, of=count) for number in range(count))


def film(number: int, *, rank: int | None = None, cast: int = 12, of: int = 250) -> Movie:
    """The film of this number; people are shared between the ``of`` films there are."""
    chance = random.Random(f"film {number}")
    imdb_id = f"tt{9000000 + number}"
    year = min(2025, max(1921, round(chance.gauss(1992, 24))))
    rating = max(
        1.0,
        round((9.25 - 0.225 * math.log(rank) if rank else 8.0 - number % 600 * 0.005) + chance.uniform(-0.04, 0.04), 1),
    )
    votes = int(10 ** chance.uniform(4.4, 6.4))
    directors = _credits(chance, DIRECTOR, 1 if chance.random() < 0.88 else 2, max(12, of // 3), 1_000_000)
    actors = _credits(chance, CAST, cast, max(40, of * 3), 2_000_000)
    return Movie(
        imdb_id=imdb_id,
        title=_title(chance),
        original_title=f"{chance.choice(_NOUNS)} i {chance.choice(_PLACES)}" if chance.random() < 0.12 else None,
        kind="movie",
        year=year,
        rating=rating,
        votes=votes,
        duration_minutes=round(min(238, max(68, chance.gauss(104 + (year - 1920) * 0.22, 21)))),
        metascore=None if chance.random() < 0.14 else min(100, max(22, round(rating * 9.1 + chance.gauss(0, 9)))),
        genres=tuple(dict.fromkeys(chance.choices(GENRES, weights=range(16, 0, -1), k=chance.randint(1, 4)))),
        plot=f"{chance.choice(_WHO)} {chance.choice(_WHAT)}, {chance.choice(_TURN)}",
        poster_url=f"https://images.invalid/{imdb_id}._V1_.jpg",
        certificate=chance.choice(("R", "PG-13", "PG", None)),
        release_date=f"{year}-{chance.randint(1, 12):02}-{chance.randint(1, 28):02}",
        rank=rank,
        source_url=title_url(imdb_id),
        scraped_at=READ_AT + timedelta(seconds=number),
        directors=directors,
        cast=actors,
    )


def bare(number: int, **values: object) -> Movie:
    """A film of which nothing is known but a title."""
    imdb_id = f"tt{8000000 + number}"
    known = Movie(imdb_id=imdb_id, title=f"Untold {number}", source_url=title_url(imdb_id), scraped_at=READ_AT)
    return replace(known, **values)  # type: ignore[arg-type]


def snapshots(movies: Sequence[Movie], runs: int, chart: str = "top250") -> tuple[ChartSnapshot, ...]:
    """As many daily runs of the chart, oldest first; the last one is the movies' own ranks."""
    order = sorted((movie for movie in movies if movie.rank), key=lambda movie: movie.rank or 0)
    known = {movie.imdb_id: movie for movie in order}
    chance = random.Random("snapshots")
    ids = [movie.imdb_id for movie in order]
    taken = [list(ids)]
    for day in range(1, runs):
        ids = list(ids)
        for _ in range(len(ids) // 6):
            at = chance.randrange(len(ids))
            far = 1 + at // 12  # the top of a chart moves less than its end
            ids.insert(max(0, at + chance.choice((-1, 1)) * chance.randint(1, far)), ids.pop(at))
        for place in range(min(3, len(ids) // 20)):  # who was in the chart then and is not now
            ids[len(ids) - 1 - 7 * place] = f"tt{7000000 + day * 10 + place}"
        taken.append(list(ids))
    return tuple(
        ChartSnapshot(
            f"run-{runs - back:03}",
            chart,
            READ_AT - timedelta(days=back),
            tuple(
                RankedTitle(place, imdb_id, known[imdb_id].rating, known[imdb_id].votes)
                if imdb_id in known
                else RankedTitle(place, imdb_id, 7.9, 50_000)
                for place, imdb_id in enumerate(taken[back], start=1)
            ),
        )
        for back in reversed(range(runs))
    )


def _title(chance: random.Random) -> str:
    shape = chance.choice(_SHAPES)
    return shape.format(a=chance.choice(_ADJECTIVES), n=chance.choice(_NOUNS), p=chance.choice(_PLACES))


def _credits(chance: random.Random, category: str, count: int, pool: int, base: int) -> tuple[Credit, ...]:
    # Some people are seen far more often than others.
    numbers = dict.fromkeys(int(pool * chance.random() ** 1.3) for _ in range(count))
    return tuple(
        Credit(_person(base + number), category, place, _characters(chance) if category is CAST else ())
        for place, number in enumerate(numbers, start=1)
    )


def _person(number: int) -> Person:
    chance = random.Random(f"person {number}")
    return Person(f"nm{number:07}", f"{chance.choice(_FIRST)} {chance.choice(_LAST)}")


def _characters(chance: random.Random) -> tuple[str, ...]:
    roll = chance.random()
    if roll < 0.1:
        return ()
    names = (chance.choice(_FIRST), f"{chance.choice(_FIRST)} {chance.choice(_LAST)}", f"Dr. {chance.choice(_LAST)}")
    return names[1:] if roll > 0.93 else (chance.choice(names),)

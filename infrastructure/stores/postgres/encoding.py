"""Movies as the JSON that the database's ``save_movies`` takes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from domain.movie import Movie

_MAX_CHARACTERS: Final = 4_000_000  # in one statement: plots may be long


def encode(movies: Sequence[Movie]) -> str:
    """One JSON document for a batch; a movie must not stand in it twice.

    Raises:
        UnicodeEncodeError: a text holds half a surrogate pair.
    """
    credits = [
        {
            "imdb_id": movie.imdb_id,
            "person_id": credit.person.person_id,
            "name": credit.person.name,
            "category": credit.category,
            "position": credit.position,
            "characters": credit.characters,
        }
        for movie in movies
        for credit in movie.credits
    ]
    return msgspec.json.encode({"movies": [_fields(movie) for movie in movies], "credits": credits}).decode()


def groups(movies: Sequence[Movie]) -> Iterator[list[int]]:
    """Indexes to be written together: no movie twice, and not too much text at a time."""
    waiting = list(range(len(movies)))
    while waiting:
        group: list[int] = []
        later: list[int] = []
        taken: set[str] = set()
        room = _MAX_CHARACTERS
        for index in waiting:
            movie = movies[index]
            if movie.imdb_id in taken or (group and _size(movie) > room):
                later.append(index)
            else:
                group.append(index)
                room -= _size(movie)
            taken.add(movie.imdb_id)  # also when it is put off: the next of its id must not overtake it
        yield group
        waiting = later


def _size(movie: Movie) -> int:
    """Roughly how many characters a movie makes, to keep batches small in memory."""
    return 2000 + len(movie.plot or "") + 200 * len(movie.cast)


def _fields(movie: Movie) -> dict[str, object]:
    return {
        "imdb_id": movie.imdb_id,
        "title": movie.title,
        "original_title": movie.original_title,
        "kind": movie.kind,
        "year": movie.year,
        "rating": movie.rating,
        "votes": movie.votes,
        "duration_minutes": movie.duration_minutes,
        "metascore": movie.metascore,
        "genres": movie.genres or None,
        "plot": movie.plot,
        "poster_url": movie.poster_url,
        "certificate": movie.certificate,
        "release_date": movie.release_date,
        "rank": movie.rank,
        "source_url": movie.source_url,
        "scraped_at": movie.scraped_at,
    }

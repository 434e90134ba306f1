"""What a movie must look like after it was read from the demo site, whichever way it was read."""

from __future__ import annotations

import re
from datetime import datetime

from domain.movie import CAST, DIRECTOR, Credit, Movie, Person, title_url
from infrastructure.demo.titles import DemoTitle

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def movie_of(title: DemoTitle, site_url: str, scraped_at: datetime, rank: int | None = None) -> Movie:
    """The record that belongs in the stores."""
    poster = f"{site_url}/images/M/{title.imdb_id}@._V1_.jpg" if title.has_poster else None
    release = None
    if title.release is not None:
        year, month, day = title.release
        release = f"{year}" + (f"-{month:02}" if month else "") + (f"-{day:02}" if day else "")
    return Movie(
        imdb_id=title.imdb_id,
        title=_stored(title.title) or "",
        source_url=title_url(title.imdb_id),
        scraped_at=scraped_at,
        original_title=_stored(title.original_title),
        kind=title.kind,
        year=title.year,
        rating=title.rating,
        votes=title.votes or None,
        duration_minutes=None if title.runtime_seconds is None else title.runtime_seconds // 60,
        metascore=title.metascore,
        genres=title.genres,
        plot=_stored(title.plot),
        poster_url=poster,
        certificate=title.certificate,
        release_date=release,
        rank=rank,
        directors=tuple(
            Credit(Person(person.person_id, person.name), DIRECTOR, position)
            for position, person in enumerate(title.directors, 1)
        ),
        cast=tuple(
            Credit(Person(role.person.person_id, role.person.name), CAST, position, role.characters)
            for position, role in enumerate(title.cast[:18], 1)
        ),
    )


def _stored(text: str | None) -> str | None:
    return None if text is None else _UNSTORABLE.sub("\ufffd", text).strip() or None

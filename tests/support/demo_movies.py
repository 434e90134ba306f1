"""The records that belong to the demo site's titles, and which parts of them a source tells."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import replace
from datetime import datetime
from itertools import groupby
from typing import Any

from domain.movie import CAST, DIRECTOR, Aka, Credit, Movie, Person, title_url
from infrastructure.demo.titles import DemoTitle

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def movie_of(title: DemoTitle, site_url: str, scraped_at: datetime, rank: int | None = None) -> Movie:
    """Gives the complete record of a title."""
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
        release_country=title.release_country if title.release else None,
        end_year=title.end_year,
        series_id=title.episode.series.imdb_id if title.episode else None,
        season=title.episode.season if title.episode else None,
        episode=title.episode.number if title.episode else None,
        seasons=len(title.season_sizes) or None,
        episodes=sum(title.season_sizes) or None,
        countries=title.countries,
        languages=title.languages,
        keywords=title.keywords,
        taglines=title.taglines,
        companies=title.companies,
        production_status=title.production_status,
        is_adult=title.is_adult,
        budget=title.budget.amount if title.budget else None,
        budget_currency=title.budget.currency if title.budget else None,
        gross_worldwide=title.gross_worldwide.amount if title.gross_worldwide else None,
        gross_domestic=title.gross_domestic.amount if title.gross_domestic else None,
        gross_currency=gross.currency if (gross := title.gross_worldwide or title.gross_domestic) else None,
        award_wins=title.award_wins,
        award_nominations=title.award_nominations,
        oscar_wins=title.oscar_wins,
        popularity_rank=title.popularity_rank,
        user_reviews=title.user_reviews,
        critic_reviews=title.critic_reviews,
        cast_total=len(title.cast),
        color=title.color,
        aspect_ratios=title.aspect_ratios,
        sound_mixes=title.sound_mixes,
        locations=title.locations,
        rank=rank,
        directors=tuple(
            Credit(Person(person.person_id, person.name), DIRECTOR, position)
            for position, person in enumerate(title.directors, 1)
        ),
        cast=tuple(
            Credit(
                Person(role.person.person_id, role.person.name), CAST, position, role.characters, (), role.attributes
            )
            for position, role in enumerate(title.cast[:18], 1)
        ),
        crew=tuple(
            Credit(Person(line.person.person_id, line.person.name), category, place, (), line.jobs, line.attributes)
            for category, lines in groupby(title.crew, key=lambda line: line.category)
            for place, line in enumerate(lines, 1)
        ),
        akas=tuple(Aka(aka.title, aka.region, aka.language, (), aka.attributes) for aka in title.akas),
    )


def without(movie: Movie, names: Collection[str]) -> Movie:
    """Gives the record with these fields empty, for comparing what several sources tell."""
    empty: dict[str, Any] = {
        name: () if isinstance(getattr(movie, name), tuple) else None for name in names if hasattr(movie, name)
    }
    return replace(movie, **empty)


def _stored(text: str | None) -> str | None:
    return None if text is None else _UNSTORABLE.sub("\ufffd", text).strip() or None

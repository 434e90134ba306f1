"""The ``application/ld+json`` island of title and chart pages."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, TypeAlias

from infrastructure.demo.head import CANONICAL
from infrastructure.demo.next_data import number
from infrastructure.demo.titles import DemoPerson, DemoTitle

Json: TypeAlias = dict[str, Any]

_ENTITIES: Final = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&apos;"})


def title_item(title: DemoTitle, poster: str | None) -> Json:
    """The whole island of a title page. Its strings hold HTML entities, its genres are cut to three."""
    year, month, day = title.release or (None, None, None)
    whole_date = f"{year}-{month:02}-{day:02}" if month and day else None
    return _present(
        {
            "@context": "https://schema.org",
            **_item(title, poster),
            "genre": list(title.genres[:3]),
            "datePublished": whole_date,
            "actor": [_person(role.person) for role in title.cast[:3]],
            "director": [_person(person) for person in title.directors],
            "creator": [_person(person) for person in title.directors[:1]],
            "duration": _duration(title.runtime_seconds),
        }
    )


def chart_list(titles: Iterable[DemoTitle], posters: Iterable[str | None]) -> Json:
    """The island of a chart page; there the genres are one string."""
    return {
        "@type": "ItemList",
        "itemListElement": [
            {
                "@type": "ListItem",
                "item": _present(
                    {
                        **_item(title, poster),
                        "genre": ", ".join(title.genres),
                        "duration": _duration(title.runtime_seconds),
                    }
                )
                | {"url": f"{CANONICAL}/title/{title.listed_id}/"},
            }
            for title, poster in zip(titles, posters, strict=True)
        ],
    }


def _item(title: DemoTitle, poster: str | None) -> Json:
    differs = title.original_title is not None and title.original_title != title.title
    rating = None
    if title.rating is not None:
        rating = {
            "@type": "AggregateRating",
            "bestRating": 10,
            "worstRating": 1,
            "ratingValue": number(title.rating),
            "ratingCount": title.votes,
        }
    return {
        "@type": "TVSeries" if title.kind == "tvSeries" else "Movie",
        "url": f"{CANONICAL}/title/{title.imdb_id}/",
        "name": _escaped(title.original_title if differs else title.title),
        "alternateName": _escaped(title.title) if differs else None,
        "description": _escaped(title.plot),
        "image": poster,
        "aggregateRating": rating,
        "contentRating": title.certificate,
    }


def _person(person: DemoPerson) -> Json:
    return {"@type": "Person", "url": f"{CANONICAL}/name/{person.person_id}/", "name": _escaped(person.name)}


def _duration(seconds: int | None) -> str | None:
    if seconds is None:
        return None
    hours, minutes = divmod(seconds // 60, 60)
    return "PT" + (f"{hours}H" if hours else "") + (f"{minutes}M" if minutes else "")


def _escaped(text: str | None) -> str | None:
    return None if text is None else text.translate(_ENTITIES)


def _present(item: Json) -> Json:
    """IMDb leaves out what a title lacks."""
    return {key: value for key, value in item.items() if value not in (None, [], "")}

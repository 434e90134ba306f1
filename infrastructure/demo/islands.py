"""The JSON islands of title and chart pages: ``__NEXT_DATA__`` and ``application/ld+json``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, TypeAlias

from infrastructure.demo.markup import CANONICAL
from infrastructure.demo.titles import DemoPerson, DemoRole, DemoTitle

Json: TypeAlias = dict[str, Any]

_CATEGORY: Final = "amzn1.imdb.concept.name_credit_category."
_GROUP: Final = "amzn1.imdb.concept.name_credit_group."
_DIRECTOR: Final = _CATEGORY + "ace5cb4c-8708-4238-9542-04641e7c8171"
_WRITER: Final = _CATEGORY + "c84ecaff-add5-4f2e-81db-102a41881fe3"
_ACTOR: Final = _CATEGORY + "a9ab2a8b-9153-4edb-a27a-7c2346830d77"
_STARS: Final = _GROUP + "7510356e-fde9-438e-b3ad-0099ba6bc8ce"
_REPEATED: Final = ("titleText", "originalTitleText", "releaseDate", "runtime", "primaryImage")
_TOP_CAST: Final = _GROUP + "7caf7d16-5db9-4f4f-8864-d4c6e711c686"


def typed(typename: str, **fields: Any) -> Json:
    """Makes a GraphQL object as pages hold it."""
    return {**fields, "__typename": typename}


def number(rating: float | None) -> float | int | None:
    """Gives 9.0 as 9, as IMDb's pages write it."""
    return int(rating) if rating is not None and rating == int(rating) else rating


def above_the_fold(title: DemoTitle, poster: str | None) -> Json:
    """``aboveTheFoldData``: nearly every field of the title."""
    stars = [role.person for role in title.cast[:3]]
    return typed(
        "Title",
        id=title.imdb_id,
        productionStatus=typed(
            "ProductionStatusDetails",
            currentProductionStage=typed("ProductionStage", id="released", text="Released"),
            restriction=None,
        ),
        metacritic=None
        if title.metascore is None
        else typed("Metacritic", metascore=typed("Metascore", score=title.metascore)),
        **common(title, poster),
        canRate=typed("CanRate", isRatable=title.votes > 0),
        series=None,
        isAdult=False,
        genres=typed("Genres", genres=[typed("Genre", text=genre, id=genre) for genre in title.genres]),
        plot=plot(title),
        principalCreditsV2=[
            _group("Directors" if len(title.directors) > 1 else "Director", _DIRECTOR, title.directors),
            _group("Writers", _WRITER, title.directors[:1]),
            _group("Stars", _STARS, stars),
        ],
        titleGenres=genres(title),
        meta=typed("TitleMeta", canonicalId=title.imdb_id, publicationStatus="PUBLISHED"),
        castV2=[{"credits": [_credit(person) for person in stars], "__typename": "PrincipalCreditsForGrouping"}],
        crewV2=[
            typed(
                "PrincipalCreditsForGrouping",
                grouping=typed("CreditGrouping", groupingId=_DIRECTOR),
                credits=[_credit(person) for person in title.directors],
            )
        ],
    )


def main_column(title: DemoTitle, poster: str | None) -> Json:
    """``mainColumnData``: the whole cast, the crew and the place in the Top 250."""
    top: Json = {"topRanking": None}
    if title.rank is not None:
        top["topRanking"] = typed(
            "TopRanking",
            id=f"topRated:{title.imdb_id}:en_US",
            text=typed("LocalizedString", value="Top Rated"),
            rank=title.rank,
        )
    return typed(
        "Title",
        id=title.imdb_id,
        titleType=typed("TitleType", id=title.kind, canHaveEpisodes=title.kind == "tvSeries"),
        **{name: value for name, value in common(title, poster).items() if name in _REPEATED},
        ratingsSummary={**top, **ratings(title), "notificationText": None},
        castV2=[
            typed(
                "PrincipalCreditsForGrouping",
                grouping=typed("CreditGrouping", groupingId=_TOP_CAST, text="Top Cast"),
                totalCredits=len(title.cast),
                credits=[_cast_credit(role) for role in title.cast],
            )
        ]
        if title.cast
        else [],
        crewV2=[
            _group("Directors", _DIRECTOR, title.directors),
            _group("Writers", _WRITER, title.directors[:1]),
        ],
    )


def common(title: DemoTitle, poster: str | None) -> Json:
    """Gives the fields that title pages and chart pages have in common."""
    year, month, day = title.release or (None, None, None)
    return {
        "titleText": typed("TitleText", text=title.title),
        "titleType": typed(
            "TitleType",
            displayableProperty=typed("DisplayableTitleTypeProperty", value=typed("Markdown", plainText="")),
            text=title.kind.removeprefix("tv"),
            id=title.kind,
            isSeries=title.kind == "tvSeries",
            isEpisode=False,
            canHaveEpisodes=title.kind == "tvSeries",
        ),
        "originalTitleText": title.original_title and typed("TitleText", text=title.original_title),
        "certificate": title.certificate and typed("Certificate", rating=title.certificate),
        "releaseYear": title.year and typed("YearRange", year=title.year, endYear=title.end_year),
        "releaseDate": title.release
        and typed(
            "ReleaseDate",
            day=day,
            month=month,
            year=year,
            country=typed("LocalizedDisplayableCountry", text="United States"),
        ),
        "runtime": title.runtime_seconds and typed("Runtime", seconds=title.runtime_seconds),
        "ratingsSummary": ratings(title),
        "primaryImage": poster
        and typed(
            "Image",
            id=f"rm{title.imdb_id[2:]}",
            width=1000,
            height=1500,
            url=poster,
            caption=typed("Markdown", plainText=title.title),
        ),
    }


def ratings(title: DemoTitle) -> Json:
    """``ratingsSummary``, also without a rating."""
    return typed("RatingsSummary", aggregateRating=number(title.rating), voteCount=title.votes)


def genres(title: DemoTitle) -> Json:
    """``titleGenres``, as charts and newer parts of the page have it."""
    return typed(
        "TitleGenres",
        genres=[typed("TitleGenre", genre=typed("GenreItem", text=genre)) for genre in title.genres],
    )


def plot(title: DemoTitle) -> Json | None:
    """``plot``: null, hollow or with a text."""
    if title.hollow_plot:
        return typed("Plot", plotText=None)
    return None if title.plot is None else typed("Plot", plotText=typed("Markdown", plainText=title.plot))


def _group(label: str, grouping_id: str, people: tuple[DemoPerson, ...] | list[DemoPerson]) -> Json:
    return typed(
        "PrincipalCreditsForGrouping",
        totalCredits=len(people),
        grouping=typed("CreditGrouping", text=label, groupingId=grouping_id),
        credits=[_credit(person) for person in people],
    )


def _credit(person: DemoPerson) -> Json:
    name = typed("Name", nameText=typed("NameText", text=person.name), id=person.person_id)
    return typed("CreditV2", name=name)


def _cast_credit(role: DemoRole) -> Json:
    characters = [typed("CharacterEdge", node=typed("Character", name=character)) for character in role.characters]
    credited = typed(
        "CreditedRole",
        category=typed("CreditCategory", categoryId=_ACTOR, text="Actor"),
        attributes=None,
        characters=typed("CharacterConnection", edges=characters) if characters else None,
    )
    return {
        **_credit(role.person),
        "creditedRoles": typed("CreditedRoleConnection", edges=[typed("CreditedRoleEdge", node=credited)]),
        "episodeCredits": typed("EpisodeCreditConnection", total=0, yearRange=None),
    }


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
    """Omits missing values, as IMDb does."""
    return {key: value for key, value in item.items() if value not in (None, [], "")}

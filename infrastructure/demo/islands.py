"""The JSON islands of title and chart pages: ``__NEXT_DATA__`` and ``application/ld+json``."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, TypeAlias

from infrastructure.demo import words
from infrastructure.demo.titles import DemoCredit, DemoEpisode, DemoMoney, DemoPerson, DemoTitle

Json: TypeAlias = dict[str, Any]

CANONICAL: Final = "https://www.imdb.com"  # the pages' own address, also when another site serves them

_CATEGORY: Final = "amzn1.imdb.concept.name_credit_category."
_GROUP: Final = "amzn1.imdb.concept.name_credit_group."
_DIRECTOR: Final = _CATEGORY + "ace5cb4c-8708-4238-9542-04641e7c8171"
_WRITER: Final = _CATEGORY + "c84ecaff-add5-4f2e-81db-102a41881fe3"
_ACTOR: Final = _CATEGORY + "a9ab2a8b-9153-4edb-a27a-7c2346830d77"
_STARS: Final = _GROUP + "7510356e-fde9-438e-b3ad-0099ba6bc8ce"
_REPEATED: Final = ("titleText", "originalTitleText", "runtime", "primaryImage")
_TOP_CAST: Final = _GROUP + "7caf7d16-5db9-4f4f-8864-d4c6e711c686"
CAST_SHOWN: Final = 18
_KEYWORDS_SHOWN: Final = 5
_COMPANIES_SHOWN: Final = 3
_WRITERS_SHOWN: Final = 3
OSCAR_EVENT: Final = "ev0000003"


def typed(typename: str, **fields: Any) -> Json:
    """Makes a GraphQL object as pages hold it."""
    fields["__typename"] = typename
    return fields


def _connection(node: str, nodes: Iterable[Json], total: int | None = None) -> Json:
    edges = [typed(f"{node}Edge", node=typed(node, **fields)) for fields in nodes]
    return typed(f"{node}Connection", edges=edges, **({} if total is None else {"total": total}))


def number(rating: float | None) -> float | int | None:
    """Gives 9.0 as 9, as IMDb's pages write it."""
    return int(rating) if rating is not None and rating == int(rating) else rating


def title_props(title: DemoTitle, poster: str | None) -> Json:
    """Gives ``pageProps``: nearly every field above the fold; cast, crew, money, awards and details in the column."""
    shared = common(title, poster)
    return {
        "tconst": title.imdb_id,
        "aboveTheFoldData": _above_the_fold(title, shared),
        "mainColumnData": _main_column(title, shared),
    }


def _above_the_fold(title: DemoTitle, shared: Json) -> Json:
    stars = [role.person for role in title.cast[:3]]
    return typed(
        "Title",
        id=title.imdb_id,
        productionStatus=_production_status(title),
        metacritic=None
        if title.metascore is None
        else typed("Metacritic", metascore=typed("Metascore", score=title.metascore)),
        keywords=_connection(
            "TitleKeyword", [{"text": text} for text in title.keywords[:_KEYWORDS_SHOWN]], len(title.keywords)
        ),
        **shared,
        meterRanking=title.popularity_rank and typed("TitleMeterRanking", currentRank=title.popularity_rank),
        canRate=typed("CanRate", isRatable=title.votes > 0),
        series=title.episode and _series(title.episode),
        isAdult=title.is_adult,
        genres=typed("Genres", genres=[typed("Genre", text=genre, id=genre) for genre in title.genres]),
        plot=plot(title),
        principalCreditsV2=[
            _directors(title),
            _group("Writers", _WRITER, title.writers, _WRITERS_SHOWN),
            _group("Stars", _STARS, stars),
        ],
        reviews=typed("ReviewsConnection", total=title.user_reviews),
        criticReviewsTotal=typed("ExternalLinkConnection", total=title.critic_reviews),
        titleGenres=genres(title),
        meta=typed("TitleMeta", canonicalId=title.imdb_id, publicationStatus="PUBLISHED"),
        countriesOfOrigin=_texts("CountriesOfOrigin", "countries", "CountryOfOrigin", title.countries, {}),
        castV2=[typed("PrincipalCreditsForGrouping", credits=[_credit(person) for person in stars])],
        crewV2=[
            typed(
                "PrincipalCreditsForGrouping",
                grouping=typed("CreditGrouping", groupingId=_DIRECTOR),
                credits=[_credit(person) for person in title.directors],
            )
        ],
        production=_companies(title),
    )


def _main_column(title: DemoTitle, shared: Json) -> Json:
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
        wins=typed("AwardNominationConnection", total=title.award_wins),
        nominationsExcludeWins=typed("AwardNominationConnection", total=title.award_nominations),
        prestigiousAwardSummary=_prestigious(title),
        titleType=typed("TitleType", id=title.kind, canHaveEpisodes=title.is_series),
        **{name: shared[name] for name in _REPEATED},
        releaseDate=_release_date(title, with_id=True),
        ratingsSummary={**top, **shared["ratingsSummary"], "notificationText": None},
        episodes=_episodes(title),
        productionStatus=_production_status(title),
        castV2=[
            typed(
                "PrincipalCreditsForGrouping",
                grouping=typed("CreditGrouping", groupingId=_TOP_CAST, text="Top Cast"),
                totalCredits=len(title.cast),
                credits=[_cast_credit(role) for role in title.cast[:CAST_SHOWN]],
            )
        ]
        if title.cast
        else [],
        crewV2=[
            _directors(title),
            _group("Writers" if len(title.writers) > 1 else "Writer", _WRITER, title.writers, _WRITERS_SHOWN),
        ],
        reviews=typed("ReviewsConnection", total=title.user_reviews),
        isAdult=title.is_adult,
        countriesDetails=_texts("CountriesOfOrigin", "countries", "CountryOfOrigin", title.countries, words.COUNTRIES),
        spokenLanguages=_texts(
            "SpokenLanguages", "spokenLanguages", "SpokenLanguage", title.languages, words.LANGUAGE_NAMES
        ),
        akas=_connection("Aka", [{"text": aka.title} for aka in title.akas[1:2]]),
        filmingLocations=_connection(
            "FilmingLocation",
            [{"text": place, "location": place, "attributes": []} for place in title.locations[:1]],
            len(title.locations),
        ),
        production=_companies(title),
        companies=typed("CompanyCreditConnection", total=len(title.companies)),
        productionBudget=title.budget and typed("ProductionBudget", budget=_money(title.budget)),
        lifetimeGross=title.gross_domestic and typed("BoxOfficeGross", total=_money(title.gross_domestic)),
        worldwideGross=title.gross_worldwide and typed("BoxOfficeGross", total=_money(title.gross_worldwide)),
        technicalSpecifications=_specifications(title),
        series=title.episode and _series(title.episode),
    )


def _series(episode: DemoEpisode) -> Json:
    series = episode.series
    return typed(
        "Series",
        episodeNumber=typed("EpisodeNumber", episodeNumber=episode.number, seasonNumber=episode.season),
        nextEpisode=episode.after and typed("Title", id=episode.after),
        previousEpisode=episode.before and typed("Title", id=episode.before),
        series=typed(
            "Title",
            id=series.imdb_id,
            titleText=typed("TitleText", text=series.title),
            originalTitleText=series.original_title and typed("TitleText", text=series.original_title),
            titleType=typed("TitleType", id=series.kind, canHaveEpisodes=True),
            releaseYear=_years(series),
        ),
    )


def _years(title: DemoTitle) -> Json | None:
    return typed("YearRange", year=title.year, endYear=title.end_year) if title.year else None


def _episodes(title: DemoTitle) -> Json | None:
    if not title.is_series:
        return None
    last = str(len(title.season_sizes))
    shown = typed("SeasonValueDisplayableProperty", value=typed("Markdown", plainText=last))
    season = typed("LocalizedDisplayableSeason", season=last, displayableProperty=shown)
    return typed(
        "Episodes",
        episodes=typed("EpisodeConnection", total=sum(title.season_sizes)),
        displayableSeasons=typed(
            "DisplayableSeasonConnection",
            total=len(title.season_sizes),
            edges=[typed("DisplayableSeasonEdge", node=season)],
        ),
    )


def _production_status(title: DemoTitle) -> Json | None:
    if title.production_status is None:
        return None
    stage_id = title.production_status.lower().replace("-", "_")
    stage = typed("ProductionStage", id=stage_id, text=title.production_status)
    return typed("ProductionStatusDetails", currentProductionStage=stage, restriction=None)


def _companies(title: DemoTitle) -> Json:
    companies = [
        typed(
            "Company", id=f"co{zlib.crc32(name.encode()) % 10_000_000:07}", companyText=typed("CompanyText", text=name)
        )
        for name in title.companies[:_COMPANIES_SHOWN]
    ]
    return _connection("CompanyCredit", [{"company": company} for company in companies])


def _prestigious(title: DemoTitle) -> Json | None:
    if title.oscar_wins is None:
        return None
    award = typed("AwardDetails", text="Oscar", id="aw0000016", event=typed("AwardsEvent", id=OSCAR_EVENT))
    return typed("PrestigiousAwardSummary", nominations=title.oscar_wins // 2, wins=title.oscar_wins, award=award)


def _money(money: DemoMoney) -> Json:
    return typed("Money", amount=money.amount, currency=money.currency)


def _specifications(title: DemoTitle) -> Json:
    def items(node: str, key: str, texts: Sequence[str]) -> list[Json]:
        return [typed(node, **{key: text.lower().replace(" ", "_")}, text=text, attributes=[]) for text in texts]

    ratios = [typed("AspectRatio", aspectRatio=text, attributes=[]) for text in title.aspect_ratios]
    return typed(
        "TechnicalSpecifications",
        soundMixes=typed("SoundMixes", items=items("SoundMix", "id", title.sound_mixes)),
        aspectRatios=typed("AspectRatios", items=ratios),
        colorations=typed("Colorations", items=items("Coloration", "conceptId", title.color)),
    )


def _texts(node: str, key: str, item: str, ids: Sequence[str], texts: Mapping[str, str]) -> Json | None:
    """A list of countries or languages, with their texts where there are any; null if it is empty."""
    items = [typed(item, id=each, **({"text": texts[each]} if texts else {})) for each in ids]
    return typed(node, **{key: items}) if items else None


def _release_date(title: DemoTitle, *, with_id: bool = False) -> Json | None:
    if title.release is None:
        return None
    year, month, day = title.release
    place = None
    if title.release_country is not None:
        country = {"id": title.release_country} if with_id else {}
        place = typed("LocalizedDisplayableCountry", **country, text=words.COUNTRIES[title.release_country])
    return typed("ReleaseDate", day=day, month=month, year=year, country=place)


def common(title: DemoTitle, poster: str | None) -> Json:
    """Gives the fields that title pages and chart pages have in common."""
    return {
        "titleText": typed("TitleText", text=title.title),
        "titleType": typed(
            "TitleType",
            displayableProperty=typed("DisplayableTitleTypeProperty", value=typed("Markdown", plainText="")),
            text=title.kind.removeprefix("tv"),
            id=title.kind,
            isSeries=title.is_series,
            isEpisode=title.episode is not None,
            canHaveEpisodes=title.is_series,
        ),
        "originalTitleText": title.original_title and typed("TitleText", text=title.original_title),
        "certificate": title.certificate and typed("Certificate", rating=title.certificate),
        "releaseYear": _years(title),
        "releaseDate": _release_date(title),
        "runtime": title.runtime_seconds and typed("Runtime", seconds=title.runtime_seconds),
        "ratingsSummary": typed("RatingsSummary", aggregateRating=number(title.rating), voteCount=title.votes),
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


def genres(title: DemoTitle) -> Json:
    """``titleGenres``, as charts and newer parts of the page have it."""
    items = [typed("TitleGenre", genre=typed("GenreItem", text=genre)) for genre in title.genres]
    return typed("TitleGenres", genres=items)


def plot(title: DemoTitle) -> Json | None:
    """``plot``: null, hollow or with a text."""
    if title.hollow_plot:
        return typed("Plot", plotText=None)
    return None if title.plot is None else typed("Plot", plotText=typed("Markdown", plainText=title.plot))


def _directors(title: DemoTitle) -> Json:
    return _group("Directors" if len(title.directors) > 1 else "Director", _DIRECTOR, title.directors)


def _group(label: str, grouping_id: str, people: Sequence[DemoPerson], shown: int | None = None) -> Json:
    return typed(
        "PrincipalCreditsForGrouping",
        totalCredits=len(people),
        grouping=typed("CreditGrouping", text=label, groupingId=grouping_id),
        credits=[_credit(person) for person in people[:shown]],
    )


def _credit(person: DemoPerson) -> Json:
    name = typed("Name", nameText=typed("NameText", text=person.name), id=person.person_id)
    return typed("CreditV2", name=name)


def _cast_credit(role: DemoCredit) -> Json:
    characters = [{"name": character} for character in role.characters]
    credited = {
        "category": typed("CreditCategory", categoryId=_ACTOR, text="Actor"),
        "attributes": [typed("MiscellaneousCreditAttribute", text=text) for text in role.attributes] or None,
        "characters": _connection("Character", characters) if role.characters else None,
    }
    return {
        **_credit(role.person),
        "creditedRoles": _connection("CreditedRole", [credited]),
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
            "creator": [_person(person) for person in title.writers[:3]],
            "duration": _duration(title.runtime_seconds),
        }
    )


def chart_list(titles: Iterable[DemoTitle], posters: Iterable[str | None]) -> Json:
    """The island of a chart page; there the genres are one string."""
    items = [
        _present(
            {
                **_item(title, poster),
                "genre": ", ".join(title.genres),
                "duration": _duration(title.runtime_seconds),
                "url": f"{CANONICAL}/title/{title.listed_id}/",
            }
        )
        for title, poster in zip(titles, posters, strict=True)
    ]
    return {"@type": "ItemList", "itemListElement": [{"@type": "ListItem", "item": item} for item in items]}


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
        "@type": "TVSeries" if title.is_series else "TVEpisode" if title.episode else "Movie",
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

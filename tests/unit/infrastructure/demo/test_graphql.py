from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import graphql
import pytest

from domain.chart import ChartName
from infrastructure.demo.messages import DemoRequest, DemoResponse
from infrastructure.demo.process import DemoOptions
from infrastructure.demo.site import DemoSite
from infrastructure.demo.titles import ODD_PLACES, ODDITIES

SCHEMA = Path(__file__).parents[4] / "infrastructure" / "demo" / "schema.graphql"
REFERER = {"referer": "https://www.imdb.com/"}


@pytest.fixture(scope="module")
def site() -> DemoSite:
    return DemoSite(DemoOptions(page_kb=0), "http://127.0.0.1:1")


def post(site: DemoSite, body: Any, headers: dict[str, str] = REFERER, path: str = "/graphql") -> DemoResponse:
    return site.answer(DemoRequest("POST", path, "127.0.0.1", headers, json.dumps(body).encode()))


def ask(site: DemoSite, query: str, **variables: Any) -> Any:
    answer = post(site, {"query": query, "variables": variables})
    content = json.loads(answer.content)
    assert answer.status == 200, content
    return content["data"]


def bare(type_: Any) -> str:
    """A type's name without what the public dump has lost: whether list items may be null."""
    return str(type_).replace("!]", "]")


def test_the_schema_is_a_part_of_the_real_one(captures: Path) -> None:
    ours = graphql.build_schema(SCHEMA.read_text("utf-8"))
    real = graphql.build_schema((captures / "graphql" / "schema.graphql").read_text("utf-8"), assume_valid=True)
    for name, type_ in ours.type_map.items():
        if name.startswith("__"):
            continue
        other = real.type_map[name]
        assert type(other) is type(type_)
        if isinstance(type_, graphql.GraphQLEnumType):
            assert isinstance(other, graphql.GraphQLEnumType)
            assert set(type_.values) <= set(other.values)
        for field_name, field in getattr(type_, "fields", {}).items():
            theirs = other.fields[field_name]  # type: ignore[attr-defined]  # has fields, as ours has
            assert bare(field.type) == bare(theirs.type), f"{name}.{field_name}"
            for argument_name, argument in getattr(field, "args", {}).items():
                assert bare(argument.type) == bare(theirs.args[argument_name].type), f"{name}.{field_name}"


def test_without_the_referer_it_is_forbidden(site: DemoSite) -> None:
    for headers in ({}, {"referer": "https://example.org/"}):
        answer = post(site, {"query": "{ title(id: 1) { id } }"}, headers)
        assert (answer.status, answer.content_type) == (403, "text/html")
        assert answer.length == 118


def test_a_chart_comes_page_by_page(site: DemoSite) -> None:
    query = """query ($after: String) { chartTitles(first: 100, after: $after, chart: {chartType: TOP_RATED_MOVIES}) {
      edges { currentRank node { id } } pageInfo { hasNextPage endCursor } total } }"""
    found: list[tuple[int, str]] = []
    after, pages = None, 0
    while True:
        page = ask(site, query, after=after)["chartTitles"]
        found += [(edge["currentRank"], edge["node"]["id"]) for edge in page["edges"]]
        pages += 1
        if not page["pageInfo"]["hasNextPage"]:
            break
        after = page["pageInfo"]["endCursor"]
    assert pages == 3
    assert page["total"] == 250
    assert found == list(enumerate(site.catalogue.ids(), 1))


@pytest.mark.parametrize(
    ("chart_type", "name"),
    [
        ("TOP_RATED_TV_SHOWS", ChartName.TOPTV),
        ("MOST_POPULAR_MOVIES", ChartName.MOVIEMETER),
        ("LOWEST_RATED_MOVIES", ChartName.BOTTOM100),
    ],
)
def test_the_other_charts(site: DemoSite, chart_type: str, name: ChartName) -> None:
    query = f"{{ chartTitles(first: 250, chart: {{chartType: {chart_type}}}) {{ edges {{ node {{ id }} }} }} }}"
    edges = ask(site, query)["chartTitles"]["edges"]
    assert [edge["node"]["id"] for edge in edges] == [title.listed_id for title in site.catalogue.chart(name)]


def test_titles_come_in_the_order_asked_moved_and_unknown_ones_too(site: DemoSite) -> None:
    ids = list(site.catalogue.ids())
    moved = site.catalogue.find(ids[ODD_PLACES["remapped"]])
    assert moved is not None
    asked = [ids[3], moved.listed_id, "tt0000000", ids[1], ids[3]]
    titles = ask(site, "query ($ids: [ID]!) { titles(ids: $ids) { id titleText { text } } }", ids=asked)["titles"]
    assert [title["id"] for title in titles] == [ids[3], moved.imdb_id, "tt0000000", ids[1], ids[3]]
    assert titles[2]["titleText"] is None


def test_credits_can_be_filtered_and_cut(site: DemoSite) -> None:
    title = next(title for title in site.catalogue.chart(ChartName.TOP250) if len(title.cast) > 10)
    query = """query ($id: ID!) { title(id: $id) {
      directors: credits(first: 10, filter: {categories: ["director"]}) { edges { node { __typename name { id } } } }
      cast: credits(first: 5, filter: {categories: ["cast"]}) { total edges { position node {
        __typename name { id nameText { text } } ... on Cast { characters { name } } } }
        pageInfo { hasNextPage } } } }"""
    told = ask(site, query, id=title.imdb_id)["title"]
    assert [edge["node"]["name"]["id"] for edge in told["directors"]["edges"]] == [p.person_id for p in title.directors]
    assert {edge["node"]["__typename"] for edge in told["directors"]["edges"]} == {"Crew"}
    assert told["cast"]["total"] == len(title.cast)
    assert told["cast"]["pageInfo"]["hasNextPage"]
    assert [edge["position"] for edge in told["cast"]["edges"]] == [1, 2, 3, 4, 5]
    for edge, role in zip(told["cast"]["edges"], title.cast, strict=False):
        assert edge["node"]["name"] == {"id": role.person.person_id, "nameText": {"text": role.person.name}}
        assert [character["name"] for character in edge["node"]["characters"] or []] == list(role.characters)


@pytest.mark.parametrize("name", list(ODDITIES))
def test_awkward_titles_are_answered_without_errors(site: DemoSite, name: str) -> None:
    title = site.catalogue.find(list(site.catalogue.ids())[ODD_PLACES[name]])
    assert title is not None
    query = """query ($id: ID!) { title(id: $id) { titleText { text } originalTitleText { text } releaseYear { year }
      ratingsSummary { aggregateRating voteCount } runtime { seconds } metacritic { metascore { score } }
      plot { plotText { plainText } } certificate { rating } releaseDate { day month year } primaryImage { url } } }"""
    told = ask(site, query, id=title.imdb_id)["title"]
    assert told["titleText"]["text"] == title.title
    assert told["ratingsSummary"] == {"aggregateRating": title.rating, "voteCount": title.votes}
    assert (told["runtime"] is None) == (title.runtime_seconds is None)
    if title.plot is not None:
        assert told["plot"]["plotText"]["plainText"] == title.plot


def test_answers_carry_a_disclaimer(site: DemoSite) -> None:
    content = json.loads(post(site, {"query": "{ titles(ids: []) { id } }"}).content)
    assert content["extensions"]["disclaimer"]


def test_a_persisted_query_is_a_miss_until_it_was_sent_with_its_text(site: DemoSite) -> None:
    query = '{ title(id: "tt7654321") { id } }'
    digest = {"persistedQuery": {"version": 1, "sha256Hash": hashlib.sha256(query.encode()).hexdigest()}}
    miss = json.loads(post(site, {"extensions": digest}).content)
    assert miss["errors"][0]["message"] == "PersistedQueryNotFound"
    assert "data" in json.loads(post(site, {"query": query, "extensions": digest}).content)
    assert "data" in json.loads(post(site, {"extensions": digest}).content)
    assert post(site, {"query": query + " ", "extensions": digest}).status == 400


@pytest.mark.parametrize(
    "body",
    [
        {"query": "{ nonsense }"},
        {"query": "{"},
        {},
        [],
        {"query": 5},
        {"query": "query ($i: ID!) {title(id: $i) {id}}"},
    ],
)
def test_bad_requests_are_refused(site: DemoSite, body: Any) -> None:
    answer = post(site, body)
    assert answer.status == 400
    assert json.loads(answer.content)["errors"]


def test_a_title_is_told_with_crew_money_awards_and_details(site: DemoSite) -> None:
    title = next(
        title for title in site.catalogue.chart(ChartName.TOP250) if title.gross_worldwide and title.oscar_wins
    )
    query = """query ($id: ID!) { title(id: $id) {
      crew: credits(filter: {excludeCategories: ["director", "cast"]}) { total edges { node { category { id }
        ... on Crew { jobs { text } attributes { text } } } } }
      akas(first: 50) { total edges { node { text country { id } } } }
      keywords(first: 3) { total pageInfo { hasNextPage } edges { node { keyword { text { text } } } } }
      companyCredits(filter: {categories: ["production"]}) { edges { node { company { companyText { text } } } } }
      countriesOfOrigin { countries { id } } spokenLanguages { spokenLanguages { id } }
      worldwide: lifetimeGross(boxOfficeArea: WORLDWIDE) { total { amount currency } }
      wins: awardNominations(first: 0, filter: {wins: WINS_ONLY}) { total }
      prestigiousAwardSummary { wins awardNomination { award { eventEdition { event { id } } } } }
      technicalSpecifications { soundMixes { items { text } } } releaseDate { country { id } } } }"""
    told = ask(site, query, id=title.imdb_id)["title"]
    assert [edge["node"]["category"]["id"] for edge in told["crew"]["edges"]] == [line.category for line in title.crew]
    assert {job["text"] for edge in told["crew"]["edges"] for job in edge["node"]["jobs"] or []} >= {"written by"}
    assert told["akas"]["total"] == len(title.akas)
    assert told["keywords"]["total"] == len(title.keywords) > 3
    assert told["keywords"]["pageInfo"]["hasNextPage"]
    assert told["worldwide"]["total"] == {"amount": title.gross_worldwide.amount, "currency": "USD"}  # type: ignore[union-attr]
    assert told["wins"]["total"] == title.award_wins
    assert told["prestigiousAwardSummary"]["awardNomination"]["award"]["eventEdition"]["event"]["id"] == "ev0000003"
    assert [country["id"] for country in told["countriesOfOrigin"]["countries"]] == list(title.countries)
    assert told["releaseDate"]["country"]["id"] == title.release_country


def test_the_episodes_of_a_series_come_page_by_page_and_by_season(site: DemoSite) -> None:
    series = next(title for title in site.catalogue.chart(ChartName.TOPTV) if len(title.season_sizes) > 2)
    query = """query ($id: ID!, $after: ID, $filter: EpisodesFilter) { title(id: $id) { episodes {
      displayableSeasons { total edges { node { season } } }
      episodes(first: 7, after: $after, filter: $filter) { total pageInfo { endCursor hasNextPage } edges { node {
        id titleType { id } series { series { id } displayableEpisodeNumber {
          displayableSeason { season } episodeNumber { episodeNumber } } } } } } } } }"""
    found: list[str] = []
    after = None
    while True:
        told = ask(site, query, id=series.imdb_id, after=after)["title"]["episodes"]
        found += [edge["node"]["id"] for edge in told["episodes"]["edges"]]
        after = told["episodes"]["pageInfo"]["endCursor"]
        if not told["episodes"]["pageInfo"]["hasNextPage"]:
            break
    assert found == [episode.imdb_id for episode in site.catalogue.episodes(series)]
    assert told["displayableSeasons"]["total"] == len(series.season_sizes)
    assert told["episodes"]["total"] == sum(series.season_sizes)
    second = ask(site, query, id=series.imdb_id, filter={"includeSeasons": ["2"]})["title"]["episodes"]["episodes"]
    assert 0 < second["total"] <= series.season_sizes[1]
    node = second["edges"][0]["node"]
    assert node["titleType"]["id"] == "tvEpisode"
    assert node["series"]["series"]["id"] == series.imdb_id
    assert node["series"]["displayableEpisodeNumber"]["displayableSeason"]["season"] == "2"


def test_people_are_told_with_what_they_are_known_for(site: DemoSite) -> None:
    title = next(site.catalogue.chart(ChartName.TOP250))
    ids = [title.cast[0].person.person_id, title.directors[0].person_id]
    query = """query ($ids: [ID]!) { names(ids: $ids) { id nameText { text } birthDate { dateComponents { year } }
      primaryProfessions { category { id } } knownFor(first: 4) { edges { node { title { id } } } } } }"""
    people = ask(site, query, ids=ids)["names"]
    assert [person["id"] for person in people] == ids
    for person in people:
        known = [edge["node"]["title"]["id"] for edge in person["knownFor"]["edges"]]
        assert title.imdb_id in known or len(known) == 4
        assert person["birthDate"]["dateComponents"]["year"] < 2010
    assert people[1]["primaryProfessions"][0]["category"]["id"] == "director"

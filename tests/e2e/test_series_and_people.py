"""Episodes, complete credits and people, through ``main.py`` on the demo site."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from domain.chart import ChartName
from infrastructure.demo.catalogue import DemoCatalogue
from infrastructure.demo.process import DemoOptions, DemoProcess
from tests.e2e.conftest import Program

OPTIONS = DemoOptions(count=12, page_kb=0)


@pytest.fixture(scope="module")
def site() -> Iterator[DemoProcess]:
    with DemoProcess(OPTIONS) as process:
        yield process


@pytest.fixture
def catalogue() -> DemoCatalogue:
    return DemoCatalogue(OPTIONS.seed, OPTIONS.count)


@pytest.fixture
def program(tmp_path: Path, site: DemoProcess) -> Program:
    return Program(tmp_path / "data", {"BASE_URL": site.url, "STORES": "csv", "REQUESTS_PER_SECOND": "1000"})


def rows(program: Program, table: str) -> list[dict[str, str]]:
    with (program.data_dir / f"{table}.csv").open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def test_a_chart_with_seasons_has_every_episode_with_its_place(program: Program, catalogue: DemoCatalogue) -> None:
    program.run("--chart", "toptv", "--limit", "2", "--seasons")
    series = list(catalogue.chart(ChartName.TOPTV))[:2]
    expected = {
        episode.imdb_id: (series_of.imdb_id, *(str(part or "") for part in (place.season, place.number)))
        for series_of in series
        for episode in catalogue.episodes(series_of)
        if (place := episode.episode)
    }
    movies = {row["imdb_id"]: row for row in rows(program, "movies")}
    assert movies.keys() == expected.keys() | {title.imdb_id for title in series}
    found = {key: (movies[key]["series_id"], movies[key]["season"], movies[key]["episode"]) for key in expected}
    assert found == expected
    assert {movies[key]["kind"] for key in expected} == {"tvEpisode"}


def test_the_episodes_of_a_series_are_listed_and_scraped(program: Program, catalogue: DemoCatalogue) -> None:
    series = next(catalogue.chart(ChartName.TOPTV))
    listed = program.run("episodes", series.imdb_id, "--dry-run").stdout.split()
    assert listed == [series.imdb_id, *(episode.imdb_id for episode in catalogue.episodes(series))]
    program.run("episodes", series.imdb_id)
    assert {row["imdb_id"] for row in rows(program, "movies")} == set(listed)


@pytest.fixture(scope="module")
def refusing_site() -> Iterator[DemoProcess]:
    """A site whose GraphQL server refuses everything."""
    with DemoProcess(DemoOptions(count=12, page_kb=0, faults=("graphql=403",))) as process:
        yield process


@pytest.mark.long
def test_where_graphql_is_refused_episodes_are_listed_from_the_data_files(
    program: Program, catalogue: DemoCatalogue, refusing_site: DemoProcess
) -> None:
    site = {"BASE_URL": refusing_site.url, "DATASETS_URL": f"{refusing_site.url}/datasets", "DATASETS": "yes"}
    program = replace(program, environment=program.environment | site)
    series = next(catalogue.chart(ChartName.TOPTV))
    expected = [series.imdb_id, *(episode.imdb_id for episode in catalogue.episodes(series))]
    done = program.run("episodes", series.imdb_id)
    assert "episodes are listed by data files" in " ".join(done.stderr.split())
    movies = {row["imdb_id"]: row for row in rows(program, "movies")}
    assert movies.keys() == set(expected)
    assert {row["series_id"] for row in movies.values()} == {"", series.imdb_id}
    again = program.run("--chart", "toptv", "--limit", "1", "--seasons", "--dry-run")
    assert [line.split()[0] for line in again.stdout.splitlines()] == expected


@pytest.mark.long
def test_where_graphql_is_refused_the_pages_of_episodes_lead_to_each_other(
    program: Program, catalogue: DemoCatalogue, refusing_site: DemoProcess
) -> None:
    series = next(catalogue.chart(ChartName.TOPTV))
    episodes = [episode.imdb_id for episode in catalogue.episodes(series)]
    program = replace(program, environment=program.environment | {"BASE_URL": refusing_site.url})
    refused = program.run("episodes", series.imdb_id, code=3)
    assert "set DATASETS=yes to list episodes from IMDb's data files, or name an episode" in refused.stderr
    listed = program.run("episodes", episodes[3], "--dry-run").stdout.split()
    assert set(listed) == {series.imdb_id, *episodes}
    program.run("episodes", episodes[3])
    assert {row["imdb_id"] for row in rows(program, "movies")} == set(listed)
    program.run("episodes", series.imdb_id, "--fresh")  # from the stored episodes now


@pytest.mark.long
def test_a_title_without_episodes_is_named(program: Program, catalogue: DemoCatalogue) -> None:
    film = next(title for title in catalogue.chart(ChartName.TOP250) if not title.is_series and not title.moved)
    assert "it is no series" in program.run("episodes", film.imdb_id, code=1).stderr
    assert "'tt1' is not an IMDb id" in program.run("episodes", "tt1", code=2).stderr


@pytest.mark.parametrize("source", ["page", pytest.param("graphql", marks=pytest.mark.long)])
def test_full_credits_are_the_whole_cast_and_crew(program: Program, catalogue: DemoCatalogue, source: str) -> None:
    program.run("--limit", "12", FULL_CREDITS="true", DETAIL_SOURCE=source)
    credits: dict[str, list[tuple[str, str]]] = {}
    for row in rows(program, "credits"):
        credits.setdefault(row["imdb_id"], []).append((row["category"], row["person_id"]))
    for title in catalogue.chart(ChartName.TOP250):
        expected = [("director", person.person_id) for person in title.directors]
        expected += [("cast", role.person.person_id) for role in title.cast]
        expected += [(credit.category, credit.person.person_id) for credit in title.crew]
        assert sorted(credits.get(title.imdb_id, [])) == sorted(expected)
    assert {row["incomplete"] for row in rows(program, "movies") if "\ufffd" not in str(row)} == {"[]"}


@pytest.mark.long
def test_a_run_reads_the_people_too_if_asked(program: Program) -> None:
    answer = json.loads(program.run("--limit", "3", "--people", "--json").stdout)
    assert [run["work"] for run in answer["runs"]] == ["scrape", "people"]
    assert {row["details_source"] for row in rows(program, "people")} == {"graphql"}


@pytest.mark.long
def test_people_get_their_details_once(program: Program, catalogue: DemoCatalogue) -> None:
    program.run("--limit", "3")
    program.run("people")
    for row in rows(program, "people"):
        person = catalogue.person(row["person_id"])
        assert person is not None
        details = catalogue.details(person)
        year, month, day = details.born
        assert row["born"] == (f"{year}-{month:02}-{day:02}" if month and day else str(year))
        assert json.loads(row["known_for"] or "[]") == list(details.known_for)
        assert (row["birth_place"], row["details_source"]) == (details.birth_place, "graphql")
    again = " ".join(program.run("people", "--fresh").stdout.split())
    assert "the details of all people are read; --max-age 30d" in again


def test_without_stored_people_the_way_to_them_is_named(program: Program) -> None:
    assert "scrape a chart or a list of titles first" in " ".join(program.run("people").stdout.split())

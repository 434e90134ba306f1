"""From a real PostgreSQL to pages: movies, history and reports."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from lxml import html

from application.catalogue_data import read_catalogue_data
from application.ports.runs import Run
from application.publish import StepOutcome
from domain.chart import ChartEntry
from domain.movie import Movie
from infrastructure.catalogue import PublishOptions, publish_catalogue, rendered_report
from infrastructure.posters import PosterFolder
from infrastructure.stores.postgres.database import Database
from infrastructure.stores.postgres.history import PostgresHistory
from infrastructure.stores.postgres.queries import PostgresReports
from infrastructure.stores.postgres.repository import PostgresMovieRepository
from tests.support.films import READ_AT, film
from tests.support.postgres import empty_database

_SITE = "https://www.imdb.com"


@pytest.fixture
def database() -> Iterator[Database]:
    with empty_database() as dsn, closing(Database(lambda: dsn)) as opened:
        yield opened


def _run(database: Database, day: int, movies: list[Movie]) -> None:
    store, history = PostgresMovieRepository(database), PostgresHistory(database)
    run = Run(_SITE, "top250", len(movies), READ_AT + timedelta(days=day))
    history.begin(run, [ChartEntry(rank, movie.imdb_id) for rank, movie in enumerate(movies, start=1)])
    for movie in movies:
        store.save(movie)
    store.finalize()
    history.end(run, saved=len(movies), failed=0, complete=True, finished_at=run.started_at + timedelta(hours=1))


def _text(folder: Path, path: str, find: str) -> list[str]:
    found = html.document_fromstring((folder / path).read_text(encoding="utf-8")).xpath(find)
    return [str(part).strip() for part in found] if isinstance(found, list) else [str(found)]


@pytest.mark.long
def test_two_runs_become_a_catalogue_that_tells_what_moved(database: Database, tmp_path: Path) -> None:
    movies = [film(number, cast=4) for number in range(12)]
    _run(database, 0, movies[:10])
    _run(database, 1, [movies[11], *movies[1:10]])
    library = read_catalogue_data(PostgresMovieRepository(database), PostgresHistory(database))
    said: list[StepOutcome] = []
    published = publish_catalogue(
        library,
        PosterFolder(tmp_path / "posters"),
        rendered_report(PostgresReports(database)),
        PublishOptions(tmp_path / "site"),
        say=said.append,
        cancel=threading.Event(),
    )
    assert published.failures == 0, said
    site = tmp_path / "site"
    assert _text(site, "index.html", "string(//h1)") == ["Top 250"]
    since = _text(site, "index.html", "string(//p[@class='changes'])")[0]
    assert since == "1 new and 1 gone since 20 November 2026."
    assert _text(site, "changes.html", "//section[h2/@id='gone']//a//text()") == [movies[0].title]
    assert movies[11].title in (site / "feed.xml").read_text(encoding="utf-8")
    reports = json.loads((site / "report.json").read_text(encoding="utf-8"))
    assert len(reports) == len(PostgresReports(database).names())
    assert (site / "report.md").read_text(encoding="utf-8").count("| --") >= len(reports) - 1


def test_an_empty_database_becomes_a_catalogue_too(database: Database, tmp_path: Path) -> None:
    library = read_catalogue_data(PostgresMovieRepository(database), PostgresHistory(database))
    published = publish_catalogue(
        library,
        PosterFolder(tmp_path / "posters"),
        rendered_report(PostgresReports(database)),
        PublishOptions(tmp_path / "site"),
        say=lambda _: None,
        cancel=threading.Event(),
    )
    assert published.failures == 0
    assert "Nothing has been saved yet" in (tmp_path / "site" / "index.html").read_text(encoding="utf-8")

"""The Python interface: an iterator over movies, without stores, and the movie of a saved page.

::

    from infrastructure.api import parse_title, scrape  # in a checkout
    from filmledger import parse_title, scrape  # with the package installed

    for movie in scrape(chart="top250", limit=5):
        print(movie.rank, movie.title, movie.rating)

Settings come from the environment and ``.env``, as for the program: its rate
limit, retries, routes and robots.txt apply here too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from application.listed_titles import listed_titles
from application.ports.runs import Job
from application.scrape import jobs_of_titles
from domain.chart import ChartName
from domain.errors import FilmledgerError, UsageError
from domain.movie import Movie
from infrastructure.bootstrap.network import read_titles
from shared.settings import Settings, SettingsError, load

__all__ = ["FilmledgerError", "Movie", "Settings", "parse_title", "scrape"]


def scrape(
    chart: str = "top250",
    *,
    ids: Iterable[str] | None = None,
    limit: int | None = None,
    settings: Settings | None = None,
    on_error: Callable[[str, FilmledgerError], object] | None = None,
) -> Iterator[Movie]:
    """Yields the movies of a chart in rank order, or those of a list in its order, as they are read.

    Nothing is stored. The first movie is yielded as soon as it is read, while
    the next ones are being fetched; leaving the loop stops the fetching.

    Args:
        chart: ``top250``, ``toptv``, ``moviemeter`` or ``bottom100``.
        ids: IMDb ids or title addresses instead of a chart; these movies have no rank.
        limit: the first so many only.
        settings: read from the environment and ``.env`` unless given.
        on_error: called with each title that could not be read, and the error; the loop continues. Without it the
            error is raised.

    Raises:
        UsageError: no such chart, no such id, a limit below 1, or settings that cannot be used; all but a wrong
            id are raised at the call.
        ChartError: the chart is not complete.
        SourceError: a title could not be fetched or read.
        InvalidMovie: its page has impossible values.
    """
    if limit is not None and limit < 1:
        raise UsageError(f"limit {limit} is below 1")
    if chart not in list(ChartName):
        *names, last = ChartName
        raise UsageError(f"unknown chart {chart!r}; choose {', '.join(names)} or {last}")
    listed = None if ids is None else islice(jobs_of_titles(listed_titles(ids, _refuse)), limit)
    return _movies(ChartName(chart), listed, limit, _usable(settings), on_error)


def parse_title(html: str | bytes, *, imdb_id: str | None = None) -> Movie:
    """The movie of a saved title page; no network.

    ``None`` in a field may mean that this page does not contain it:
    ``infrastructure.scraper.title_page.parse_title`` names those fields.

    Args:
        html: the saved page.
        imdb_id: the expected title; any other is refused.

    Raises:
        Blocked: a challenge or a refusal instead of the page.
        NotATitlePage: another kind of page.
        UnknownLayout: the layout of the page is unknown.
        WrongTitle: the page of another title.
        InvalidMovie: the page has impossible values.
    """
    from infrastructure.scraper.title_page import parse_title

    body = html.encode("utf-8", "surrogatepass") if isinstance(html, str) else html
    return parse_title(body, imdb_id=imdb_id, scraped_at=datetime.now(UTC)).movie


def _movies(
    chart: ChartName,
    listed: Iterator[Job] | None,
    limit: int | None,
    settings: Settings,
    on_error: Callable[[str, FilmledgerError], object] | None,
) -> Iterator[Movie]:
    with closing(read_titles(settings, chart, listed, limit)) as titles:
        for title in titles:
            if title.movie is not None:
                yield title.movie
            elif title.error is not None and on_error is not None:
                on_error(title.imdb_id, title.error)
            elif title.error is not None:
                raise title.error


def _usable(settings: Settings | None) -> Settings:
    try:
        return load(env_file=Path(".env")).settings if settings is None else settings
    except SettingsError as error:
        raise UsageError("; ".join(error.problems)) from error


def _refuse(complaint: str) -> None:
    raise UsageError(complaint.removesuffix("; skipped"))

"""One suite for every TitleSource: pages, GraphQL, both in turn, saved pages, and the one that other tests use.

All but the last read a demo site over sockets, or what was saved from it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import islice, product
from pathlib import Path

import pytest

from application.ports.sources import FetchedTitle, TitleSource
from domain.chart import ChartName
from domain.errors import Blocked, Cancelled, NotFound, SourceError, Transient
from domain.fields import Source, Table
from domain.movie import Aka, Credit, Movie
from infrastructure.demo.process import DemoOptions, DemoProcess
from infrastructure.demo.titles import ODD_PLACES
from infrastructure.http import Downloader
from infrastructure.scraper.episode_sources import GraphqlEpisodeSource
from infrastructure.scraper.graphql import GraphqlClient
from infrastructure.scraper.saved_pages import FileTitleSource
from infrastructure.scraper.sources import AutoTitleSource, GraphqlChartSource, GraphqlTitleSource, PageTitleSource
from infrastructure.scraper.title_fields import CORE_FIELDS
from shared.clock import FixedClock
from tests.support.demo_control import DemoControl
from tests.support.demo_movies import without
from tests.support.demo_network import MAX_REQUESTS, demo_network
from tests.support.sources import FakeTitleSource

CLOCK = FixedClock(datetime(2026, 3, 1, 12, tzinfo=UTC))
UNKNOWN = "tt9999999"


@dataclass(frozen=True)
class Site:
    """The demo site, its titles' ids, and a folder for pages saved from it."""

    url: str
    control: DemoControl
    downloader: Downloader
    ids: list[str]
    folder: Path


@dataclass(frozen=True)
class Adapter:
    """One way to read titles, and what it calls them where that is not their id."""

    source: TitleSource
    keys: Mapping[str, str] = field(default_factory=dict)

    def read(
        self, imdb_id: str, max_requests: int = MAX_REQUESTS, cancel: threading.Event | None = None
    ) -> FetchedTitle:
        key = self.keys.get(imdb_id, imdb_id)
        return self.source.title(key, max_requests=max_requests, cancel=cancel or NEVER)


NEVER = threading.Event()


@pytest.fixture(scope="module")
def demo() -> Iterator[DemoProcess]:
    with DemoProcess(DemoOptions(page_kb=40)) as process:
        yield process


@pytest.fixture
def site(demo: DemoProcess, tmp_path: Path) -> Iterator[Site]:
    control = DemoControl(demo.url)
    control.faults([])
    control.reset()
    with demo_network(demo.url) as downloader:
        yield Site(demo.url, control, downloader, control.ids(), tmp_path)


def by_page(site: Site) -> Adapter:
    return Adapter(PageTitleSource(site.downloader, site.url, CLOCK, patient=False))


def by_graphql(site: Site) -> Adapter:
    client = GraphqlClient(site.downloader, f"{site.url}/graphql", patient=False)
    return Adapter(GraphqlTitleSource(client, CLOCK, batch_size=25))


def auto(site: Site) -> Adapter:
    return Adapter(AutoTitleSource(by_page(site).source, by_graphql(site).source))


def auto_after_a_block(site: Site) -> Adapter:
    adapter = auto(site)
    site.control.faults([f"{site.ids[-1]}=403"])
    assert adapter.read(site.ids[-1]).source == "graphql"
    site.control.faults([])
    site.control.reset()
    return adapter


def saved(site: Site) -> Adapter:
    """The first pages of the chart, saved as files; asking for a title is asking for its file."""
    keys = {UNKNOWN: str(site.folder / "missing.html")}
    for imdb_id in [*site.ids[:20], MOVED.old(site)]:
        page = site.downloader.get(f"{site.url}/title/{imdb_id}/", max_requests=1, cancel=NEVER)
        path = site.folder / f"{imdb_id}.html"
        path.write_bytes(page.body)
        keys[imdb_id] = str(path)
    return Adapter(FileTitleSource(CLOCK), keys)


def fake(site: Site) -> Adapter:
    titles = {imdb_id: by_page(site).read(imdb_id) for imdb_id in [*site.ids[:20], MOVED.old(site)]}
    return Adapter(FakeTitleSource(titles))


class Moved:
    """The title of the demo's chart that is listed under an id it no longer has."""

    def old(self, site: Site) -> str:
        return site.ids[ODD_PLACES["remapped"]]

    def new(self, site: Site) -> str:
        return by_page(site).read(self.old(site)).movie.imdb_id


MOVED = Moved()


def sent(site: Site) -> int:
    """Requests for titles that the site has seen."""
    paths: dict[str, int] = site.control.log()["paths"]
    return sum(count for path, count in paths.items() if path != "/robots.txt")


Make = Callable[[Site], Adapter]
ALL = pytest.mark.parametrize("make", [by_page, by_graphql, auto, auto_after_a_block, saved, fake])
NETWORK = pytest.mark.parametrize("make", [by_page, by_graphql, auto, auto_after_a_block])


@ALL
def test_a_title_comes_under_its_id_without_a_rank(site: Site, make: Make) -> None:
    title = make(site).read(site.ids[0])
    assert (title.movie.imdb_id, title.movie.rank) == (site.ids[0], None)
    assert title.movie.scraped_at <= CLOCK.moment
    assert not title.missing & CORE_FIELDS
    assert title.size > 0


@ALL
def test_the_same_title_twice_is_the_same_movie(site: Site, make: Make) -> None:
    adapter = make(site)
    assert adapter.read(site.ids[1]).movie == adapter.read(site.ids[1]).movie


@ALL
def test_many_threads_get_each_its_own_title(site: Site, make: Make) -> None:
    adapter = make(site)
    with ThreadPoolExecutor(20) as executor:
        titles = list(executor.map(adapter.read, site.ids[:20]))
    assert [title.movie.imdb_id for title in titles] == site.ids[:20]


@ALL
def test_a_title_that_has_moved_comes_under_its_new_id(site: Site, make: Make) -> None:
    old, new = MOVED.old(site), MOVED.new(site)
    movie = make(site).read(old).movie
    assert (movie.imdb_id, movie.source_url) == (new, f"https://www.imdb.com/title/{new}/")
    assert new != old


@ALL
def test_a_title_that_does_not_exist_is_an_error_that_no_retry_can_mend(site: Site, make: Make) -> None:
    with pytest.raises(SourceError) as caught:
        make(site).read(UNKNOWN)
    assert not caught.value.retry


@ALL
def test_cancelled_is_cancelled(site: Site, make: Make) -> None:
    adapter = make(site)
    site.control.reset()
    cancel = threading.Event()
    cancel.set()
    with pytest.raises(Cancelled):
        adapter.read(site.ids[0], cancel=cancel)
    assert site.control.log()["total"] == 0


@NETWORK
@pytest.mark.parametrize(
    ("action", "error", "least"), [("404", NotFound, 1), ("403", Blocked, 1), ("503", Transient, MAX_REQUESTS - 1)]
)
def test_a_failure_is_told_by_its_class_with_the_requests_that_it_took(
    site: Site, make: Make, action: str, error: type[SourceError], least: int
) -> None:
    adapter = make(site)
    site.control.faults([f"title={action}", f"graphql={action}"])
    site.control.reset()
    with pytest.raises(error) as caught:
        adapter.read(site.ids[0])
    assert caught.value.requests == sent(site)
    assert least <= sent(site) <= MAX_REQUESTS


@NETWORK
@pytest.mark.parametrize("max_requests", [1, 2, 3])
def test_no_title_takes_more_requests_than_it_may(site: Site, make: Make, max_requests: int) -> None:
    adapter = make(site)
    site.control.faults(["title=503", "graphql=503"])
    site.control.reset()
    with pytest.raises(Transient) as caught:
        adapter.read(site.ids[0], max_requests=max_requests)
    assert caught.value.requests == sent(site) <= max_requests


@NETWORK
def test_a_failure_that_passes_is_not_seen(site: Site, make: Make) -> None:
    adapter = make(site)
    site.control.faults(["title=503x1", "graphql=503x1"])
    title = adapter.read(site.ids[0])
    assert (title.movie.imdb_id, title.requests) == (site.ids[0], 2)


# --- the ways agree, and make way for each other --------------------------------------


def of_every_kind(site: Site) -> Iterator[str]:
    """The ids of films of every oddity, of series, and of episodes."""
    yield from (site.ids[place] for place in ODD_PLACES.values())
    client = GraphqlClient(site.downloader, f"{site.url}/graphql", patient=False)
    charts = GraphqlChartSource(client, max_requests=MAX_REQUESTS)
    series = [entry.imdb_id for entry in charts.entries(ChartName.TOPTV, NEVER)][:16]
    yield from series
    episodes = GraphqlEpisodeSource(client, max_requests=MAX_REQUESTS)
    for imdb_id in series[:3]:
        yield from (episode for episode, _ in islice(episodes.episodes(imdb_id, NEVER), 3))


def rows_of(table: Table, movie: Movie) -> dict[tuple[str, ...], Movie | Credit | Aka]:
    """The records of a movie in a table, by what tells them apart in either source."""
    match table:
        case Table.CREDITS:
            return {(credit.category, credit.person.person_id): credit for credit in movie.credits}
        case Table.AKAS:
            return {(aka.title,): aka for aka in movie.akas}
    return {(): movie}


def test_every_field_of_the_field_table_is_told_alike_by_page_and_graphql(site: Site) -> None:
    page, graphql = by_page(site), by_graphql(site)
    with ThreadPoolExecutor(10) as executor:
        ids = list(of_every_kind(site))
        pairs = list(executor.map(lambda imdb_id: (page.read(imdb_id, 10), graphql.read(imdb_id, 10)), ids))
    told = set()
    for one, other in pairs:
        assert not other.untold
        for table in (Table.MOVIES, Table.CREDITS, Table.AKAS):
            rows, others = rows_of(table, one.movie), rows_of(table, other.movie)
            assert rows.keys() <= others.keys()
            assert {key[0] for key in others.keys() - rows.keys()}.isdisjoint({"director", "cast"})
            for key, column in product(rows, table.fields):
                if not {Source.PAGE, Source.GRAPHQL} <= set(column.sources) or column.name == "person_id":
                    continue
                value, expected = getattr(rows[key], column.name), getattr(others[key], column.name)
                if Source.PAGE not in column.in_part:
                    assert column.name not in one.untold
                    assert value == expected, (one.movie.imdb_id, key, column.name)
                elif value not in (None, ()):
                    assert value == (expected if isinstance(value, str) else expected[: len(value)])
                if value not in (None, ()):
                    told.add((table, column.name))
    movies = [one.movie for one, _ in pairs]
    assert {movie.kind for movie in movies} == {"movie", "tvMovie", "video", "tvSeries", "tvMiniSeries", "tvEpisode"}
    assert {movie.production_status for movie in movies} == {"Released", "Post-production", None}
    by_both = {
        (table, column.name)
        for table in (Table.MOVIES, Table.CREDITS, Table.AKAS)
        for column in table.fields
        if Source.GRAPHQL in column.sources and column.name != "person_id"
    }
    # A page of 2026 tells no taglines, no jobs, and of another title only its text.
    assert by_both - told == {
        (Table.MOVIES, "taglines"),
        (Table.CREDITS, "job"),
        *((Table.AKAS, name) for name in ("region", "language", "types", "attributes")),
    }


@pytest.mark.long
def test_pages_and_graphql_tell_the_same_of_every_title(site: Site) -> None:
    page, graphql = by_page(site), by_graphql(site)
    with ThreadPoolExecutor(20) as executor:
        pages = list(executor.map(page.read, site.ids))
        # A list of 900 keywords takes further requests.
        answers = list(executor.map(lambda imdb_id: graphql.read(imdb_id, 10), site.ids))
    for by_one, by_other in zip(pages, answers, strict=True):
        assert (by_one.source, by_other.source) == ("page", "graphql")
        damaged = {
            name for name in ("title", "original_title", "plot") if "\ufffd" in (getattr(by_one.movie, name) or "")
        }
        assert by_one.cut == by_other.cut == damaged
        assert not (by_one.untold | by_other.untold) & CORE_FIELDS
        either = by_one.untold | by_other.untold
        assert without(by_one.movie, either) == without(by_other.movie, either)


def test_graphql_carries_the_titles_of_many_threads_in_few_requests(site: Site) -> None:
    with ThreadPoolExecutor(50) as executor:
        titles = list(executor.map(by_graphql(site).read, site.ids))
    assert [title.movie.imdb_id for title in titles if title.movie.imdb_id in site.ids] == [
        imdb_id for imdb_id in site.ids if imdb_id != MOVED.old(site)
    ]
    assert site.control.log()["paths"]["/graphql"] < len(site.ids) / 5


@pytest.mark.long
def test_pages_that_are_blocked_in_the_middle_leave_the_rest_to_graphql(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    site.control.faults(["title=challenge@100/site"])
    adapter = auto(site)
    with ThreadPoolExecutor(20) as executor:
        titles = list(executor.map(adapter.read, site.ids))
    undisturbed = by_graphql(site)
    assert {title.source for title in titles} == {"page", "graphql"}
    assert sum(title.source == "page" for title in titles) in (99, 100)  # the moved title's redirect is a request
    with ThreadPoolExecutor(20) as executor:
        expected = list(executor.map(undisturbed.read, site.ids))
    for title, other in zip(titles, expected, strict=True):
        either = title.untold | other.untold
        assert without(title.movie, either) == without(other.movie, either)
    assert sum("title pages are blocked" in record.getMessage() for record in caplog.records) == 1


def test_a_saved_page_is_the_same_movie_but_for_its_moment(site: Site) -> None:
    page, file = by_page(site).read(site.ids[3]), saved(site).read(site.ids[3])
    assert replace(file.movie, scraped_at=CLOCK.moment) == page.movie
    assert (file.source, file.requests) == ("file", 0)

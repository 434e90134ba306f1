"""The Python face over real sockets."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from domain.errors import Blocked, FilmledgerError, NotFound, UnknownLayout, UsageError, WrongTitle
from infrastructure.api import Settings, parse_title, scrape
from infrastructure.demo.process import DemoOptions, DemoProcess
from tests.support.demo_control import DemoControl


@pytest.fixture(scope="module")
def site() -> Iterator[DemoProcess]:
    with DemoProcess(DemoOptions(count=60, page_kb=0)) as process:
        yield process


@pytest.fixture(autouse=True)
def _whole(site: DemoProcess, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A site that behaves, settings that point at it, and no .env of whoever runs the tests."""
    DemoControl(site.url).faults([])
    DemoControl(site.url).reset()
    monkeypatch.setenv("BASE_URL", site.url)
    monkeypatch.setenv("BACKOFF_FACTOR", "0.01")
    monkeypatch.chdir(tmp_path)


def _page(site: DemoProcess, imdb_id: str) -> bytes:
    with urllib.request.urlopen(f"{site.url}/title/{imdb_id}/") as answer:  # noqa: S310 - loopback
        body: bytes = answer.read()
    return body


def test_a_chart_comes_in_rank_order(site: DemoProcess) -> None:
    movies = list(scrape(limit=25))
    assert [movie.rank for movie in movies] == list(range(1, 26))
    assert [movie.imdb_id for movie in movies][:7] == DemoControl(site.url).ids()[:7]


def test_leaving_the_loop_stops_the_fetching(site: DemoProcess) -> None:
    for movie in scrape(limit=60):
        assert movie.rank == 1
        break
    assert DemoControl(site.url).log()["total"] < 30


def test_nothing_is_fetched_before_a_movie_is_asked_for(site: DemoProcess) -> None:
    scrape(limit=5)
    assert DemoControl(site.url).log()["total"] == 0


def test_a_list_of_ids_and_addresses(site: DemoProcess) -> None:
    ids = DemoControl(site.url).ids()
    movies = list(scrape(ids=[ids[4], f"https://www.imdb.com/title/{ids[2]}/?ref_=x", "# a comment"]))
    assert [(movie.imdb_id, movie.rank) for movie in movies] == [(ids[4], None), (ids[2], None)]


def test_an_error_ends_the_loop_unless_somebody_listens(site: DemoProcess) -> None:
    ids = DemoControl(site.url).ids()
    DemoControl(site.url).faults([f"{ids[1]}=404"])
    with pytest.raises(NotFound):
        list(scrape(limit=4))
    heard: list[tuple[str, FilmledgerError]] = []
    movies = list(scrape(limit=4, on_error=lambda imdb_id, error: heard.append((imdb_id, error))))
    assert [movie.rank for movie in movies] == [1, 3, 4]
    assert [(imdb_id, type(error)) for imdb_id, error in heard] == [(ids[1], NotFound)]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"chart": "top100"}, "unknown chart .top100.; choose top250, toptv, moviemeter or bottom100"),
        ({"limit": 0}, "limit 0 is below 1"),
        ({"ids": ["nonsense"]}, "line 1: 'nonsense' is neither an IMDb id nor a title's address$"),
    ],
)
def test_wrong_wishes_are_refused(arguments: dict[str, object], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        list(scrape(**arguments))  # type: ignore[arg-type]


def test_settings_that_are_not_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAX_THREADS", "none")
    with pytest.raises(UsageError, match="MAX_THREADS: 'none' is not allowed"):
        scrape()


def test_settings_that_are_given_are_used_alone(site: DemoProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BASE_URL", "http://nowhere.invalid")
    assert [movie.rank for movie in scrape(limit=2, settings=Settings(base_url=site.url, max_threads=1))] == [1, 2]


def test_a_saved_page_is_the_movie_that_is_scraped(site: DemoProcess) -> None:
    (scraped,) = scrape(limit=1)
    page = _page(site, scraped.imdb_id)
    for body in (page, page.decode()):
        parsed = parse_title(body)
        assert parsed == replace(scraped, rank=None, scraped_at=parsed.scraped_at)
    with pytest.raises(WrongTitle):
        parse_title(page, imdb_id="tt9999999")


@pytest.mark.parametrize(
    ("page", "error"),
    [
        ("<html><head><title>Find</title></head><body></body></html>", UnknownLayout),
        ("<html><script>window.gokuProps = {}; AwsWafIntegration</script></html>", Blocked),
        ("", FilmledgerError),
        ("\ud800", FilmledgerError),
    ],
)
def test_what_is_no_title_page_is_refused(page: str, error: type[FilmledgerError]) -> None:
    with pytest.raises(error):
        parse_title(page)

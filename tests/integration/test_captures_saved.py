"""A folder of real saved pages: what each file turns out to be, and the ranks that its titles get."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest

from application.ports.sources import FetchedTitle
from domain.chart import ChartName
from domain.errors import NotATitlePage, SourceError
from infrastructure.scraper.saved_pages import BlockedPage, ChartPage, FileTitleSource, chart_to_rank_by, find_documents
from shared.clock import SystemClock
from tests.integration.captured_titles import LETTERS

pytestmark = pytest.mark.usefixtures("captures")

# A partial title's line names what its page does not tell, or tells only the beginning of,
# in the letters of the captures' index: O original title, M metascore, X certificate ...
OUTCOMES: Final = """
blocked/aws_waf_challenge_202__wangtoone-geo-audit.json: not a title
blocked/aws_waf_challenge_202_body__wangtoone-geo-audit.html: blocked
blocked/http301__Flexget-Flexget.json: not a title
blocked/http302__Flexget-Flexget.json: not a title
blocked/http308__Flexget-Flexget.json: not a title
blocked/imdb_202_empty__quoted-Kometa-MediaElch.json: not a title
blocked/imdb_graphql_403__duck7000-issue163.json: not a title
chart/top250_2024-07__tejasthakkar-PYTHON-2-DATASET.html.gz: chart
chart/top250_2025-05__Anjaliachyuth1123-Scraping-Methods-python.html.gz: chart
chart/top250_2026-01__yckarachchi-CodeAlpha_Data_Analysis_Project.html.gz: chart
chart/top250__Mmrezashahbazi81-knn.html.gz: chart
chart/top250_old__Bambya-IMDB-Top-250.html.gz: chart
chart/top250_old__MarcoNashaat.html.gz: chart
chart/top250_old__ariejan-imdb.html.gz: chart
chart/top250_old__gyermolenko-imdb.html.gz: chart
chart/top250_old__nawaleni-Python.html.gz: chart
chart/top250_old__sarraha786.html.gz: chart
chart/top250_old__tejasthakkar-PYTHON-2-DATASET.html.gz: chart
chart/top250_rendered__Mmrezashahbazi81-knn.html.gz: chart
chart/top_indian__Ankitbrmn07.html.gz: not a title
graphql/mainSearch__tveronesi-imdbinfo.json: not a title
graphql/mediaGallery_title__tveronesi-imdbinfo.json: not a title
graphql/suggestion_The_Matrix__Flexget-Flexget.json: not a title
graphql/suggestion_sdfgsdfgsdfgsdfg__Flexget-Flexget.json: not a title
graphql/suggestion_tt0234215__Flexget-Flexget.json: not a title
graphql/title_tt10919420__andriitishchenko-imdb_info.json: not a title
title_html/_other_advanced_search__cinemagoer-cinemagoer.html.gz: not a title
title_html/tt0047478__Yass-Devv-TP-Movies-PHP.html.gz: title
title_html/tt0050083__Yass-Devv-TP-Movies-PHP.html.gz: title
title_html/tt0068646__PaulMilMor-MoviesList.html.gz: title
title_html/tt0068646__Yass-Devv-TP-Movies-PHP.html.gz: title
title_html/tt0071562__Yass-Devv-TP-Movies-PHP.html.gz: title
title_html/tt0073486__Yass-Devv-TP-Movies-PHP.html.gz: title
title_html/tt0086425__Flexget-Flexget-2014.html.gz: title without OP
title_html/tt0086425__Flexget-Flexget-202203.html.gz: title
title_html/tt0086425__Flexget-Flexget.html.gz: title
title_html/tt0088247__Flexget-Flexget-2014.html.gz: title without O
title_html/tt0088247__Flexget-Flexget.html.gz: title
title_html/tt0095016__ariejan-imdb.html.gz: title without O
title_html/tt0095327__PaulMilMor-MoviesList.html.gz: title without M
title_html/tt0099685__Yass-Devv-TP-Movies-PHP.html.gz: title
title_html/tt0103639__Flexget-Flexget.html.gz: title
title_html/tt0108052__Yass-Devv-TP-Movies-PHP.html.gz: title
title_html/tt0109830__Yass-Devv-TP-Movies-PHP.html.gz: title
title_html/tt0110357__PaulMilMor-MoviesList.html.gz: title without O
title_html/tt0110912__Yass-Devv-TP-Movies-PHP.html.gz: title
title_html/tt0111161__AdrianTodd-Watchlist-Wizard.html.gz: title
title_html/tt0111161__Yass-Devv-TP-Movies-PHP.html.gz: title
title_html/tt0114320__Flexget-Flexget-2015.html.gz: title without OMGCPIXL
title_html/tt0114814__Flexget-Flexget.html.gz: title
title_html/tt0119698__Flexget-Flexget-2018.html.gz: title
title_html/tt0119698__Flexget-Flexget.html.gz: title
title_html/tt01207372__PaulMilMor-MoviesList.html.gz: title without ORVSMDPX
title_html/tt0120737__Yass-Devv-TP-Movies-PHP.html.gz: title
title_html/tt0120815__Yass-Devv-TP-Movies-PHP.html.gz: title
title_html/tt0133093__Flexget-Flexget-2016.html.gz: title without O
title_html/tt0133093__Flexget-Flexget-2018.html.gz: title without O
title_html/tt0133093__Flexget-Flexget-202203.html.gz: title
title_html/tt0133093__Flexget-Flexget.html.gz: title
title_html/tt0133093__PaulMilMor-MoviesList.html.gz: title
title_html/tt0133093__Yass-Devv-TP-Movies-PHP.html.gz: title
title_html/tt0137523__Yass-Devv-TP-Movies-PHP.html.gz: title
title_html/tt0166222__ariejan-imdb.html.gz: title without OMPXL
title_html/tt0167261__Yass-Devv-TP-Movies-PHP.html.gz: title
title_html/tt0185183__Flexget-Flexget.html.gz: title
title_html/tt0234215__Flexget-Flexget.html.gz: title
title_html/tt0245429__Flexget-Flexget-2018.html.gz: title
title_html/tt0245429__Flexget-Flexget.html.gz: title
title_html/tt0253658__PaulMilMor-MoviesList.html.gz: title without OM
title_html/tt0330508__ariejan-imdb.html.gz: title without OSMIX
title_html/tt0361748__Flexget-Flexget.html.gz: title
title_html/tt0387564__Flexget-Flexget.html.gz: title
title_html/tt0425112__Flexget-Flexget.html.gz: title
title_html/tt0468569__PaulMilMor-MoviesList.html.gz: title
title_html/tt0468569__Yass-Devv-TP-Movies-PHP.html.gz: title
title_html/tt0475293__PaulMilMor-MoviesList.html.gz: title without OM
title_html/tt0479884__Flexget-Flexget.html.gz: title
title_html/tt0480242__Flexget-Flexget.html.gz: title
title_html/tt0910868__Flexget-Flexget-2018.html.gz: title without OM
title_html/tt0910868__Flexget-Flexget.html.gz: title
title_html/tt0936501__Flexget-Flexget.html.gz: title
title_html/tt0944947__PaulMilMor-MoviesList.html.gz: title without OMD
title_html/tt1049413__Flexget-Flexget.html.gz: title
title_html/tt1054487__Flexget-Flexget.html.gz: title
title_html/tt1167638__Flexget-Flexget.html.gz: title
title_html/tt1190080__Flexget-Flexget.html.gz: title
title_html/tt1226271__Flexget-Flexget.html.gz: title
title_html/tt1300562__Flexget-Flexget-2018.html.gz: title without MPIX
title_html/tt1300562__Flexget-Flexget.html.gz: title
title_html/tt1300570__Flexget-Flexget.html.gz: title
title_html/tt1375666__Yass-Devv-TP-Movies-PHP.html.gz: title
title_html/tt1392190__Flexget-Flexget.html.gz: title
title_html/tt1397497__Flexget-Flexget.html.gz: title
title_html/tt1490017__r-lib-xml2.html.gz: title without O
title_html/tt1612774__PaulMilMor-MoviesList.html.gz: title without O
title_html/tt1839596__Flexget-Flexget.html.gz: title
title_html/tt1854513__PaulMilMor-MoviesList.html.gz: title without O
title_html/tt2294629__Flexget-Flexget.html.gz: title
title_html/tt2316801__Flexget-Flexget.html.gz: title
title_html/tt2503944__Flexget-Flexget.html.gz: title
title_html/tt3303790__Flexget-Flexget-2018.html.gz: title without OYRVSMCIXL and kind
title_html/tt3303790__Flexget-Flexget-202203.html.gz: title without D
title_html/tt3303790__Flexget-Flexget.html.gz: title without D
title_html/tt7462422__Flexget-Flexget-2018.html.gz: title without OYRVSMGDCPIXL
title_next_data/tt0133093__tveronesi-imdbinfo-2.json.gz: title
title_next_data/tt0133093__tveronesi-imdbinfo-4.json.gz: title without DC
title_next_data/tt0133093__tveronesi-imdbinfo.json.gz: title
title_next_data/tt1520211-series__tveronesi-imdbinfo.json.gz: title
title_next_data/tt1628065-episode__tveronesi-imdbinfo.json.gz: title
"""


@pytest.fixture(scope="module")
def read(captures: Path) -> Mapping[str, FetchedTitle | SourceError]:
    """What every file of the folder came to, by its path in it."""
    source = FileTitleSource(SystemClock())
    found: dict[str, FetchedTitle | SourceError] = {}
    for key in find_documents(captures).keys:
        name = Path(key).relative_to(captures).as_posix()
        try:
            found[name] = source.title(key, cancel=threading.Event())
        except SourceError as error:
            found[name] = error
    return found


def _outcome(result: FetchedTitle | SourceError) -> str:
    if isinstance(result, SourceError):
        names: dict[type[SourceError], str]
        names = {ChartPage: "chart", BlockedPage: "blocked", NotATitlePage: "not a title"}
        return names.get(type(result), "unreadable")
    letters = "".join(letter for letter, name in LETTERS.items() if name in result.missing)
    return "title" + (f" without {letters}" if letters else "") + (" and kind" if "kind" in result.missing else "")


def test_files_that_are_no_pages_are_passed_over_and_counted(captures: Path) -> None:
    assert find_documents(captures).passed_over == {"files that are no pages": 18}


@pytest.mark.long
def test_every_file_is_filed_rightly(read: Mapping[str, FetchedTitle | SourceError]) -> None:
    expected = dict(line.split(": ", 1) for line in OUTCOMES.strip().splitlines())
    assert {name: _outcome(result) for name, result in read.items()} == expected


@pytest.mark.long
def test_a_file_that_names_its_title_holds_that_title(read: Mapping[str, FetchedTitle | SourceError]) -> None:
    titles = {name.partition("/")[2]: result for name, result in read.items() if "/tt" in name}
    assert len(titles) == 82
    for name, result in titles.items():
        assert isinstance(result, FetchedTitle), name
        assert result.movie.imdb_id == f"tt{int(re.split('[_-]', name[2:])[0]):07d}"


@pytest.mark.long
def test_the_newest_of_the_charts_gives_the_ranks(captures: Path) -> None:
    chosen = chart_to_rank_by(find_documents(captures, "*.html*").keys, threading.Event())
    assert chosen is not None
    assert Path(chosen.key).name.startswith("top250_2026-01__")
    assert (chosen.chart, len(chosen.entries)) == (ChartName.TOP250, 250)
    source = FileTitleSource(SystemClock(), ranks=chosen.ranks)
    ranks = {}
    for key in find_documents(captures, "*__Yass-Devv-TP-Movies-PHP.html.gz").keys:
        movie = source.title(key, cancel=threading.Event()).movie
        ranks[movie.imdb_id] = movie.rank
    assert ranks["tt0111161"] == 1
    assert ranks == {imdb_id: chosen.ranks.get(imdb_id) for imdb_id in ranks}


def test_of_two_pages_of_one_title_the_later_one_is_younger(captures: Path) -> None:
    """The older layouts do not say when they were served, yet must not replace a page of 2026."""
    source = FileTitleSource(SystemClock())
    moments = {
        Path(key).name.split("__")[1]: source.title(key, cancel=threading.Event()).movie.scraped_at
        for key in find_documents(captures / "title_html", "tt0133093__*").keys
    }
    by_time = sorted(moments, key=lambda name: moments[name])
    assert [name.removesuffix(".html.gz") for name in by_time] == [
        "Flexget-Flexget-2016",
        "Flexget-Flexget-2018",
        "PaulMilMor-MoviesList",
        "Flexget-Flexget-202203",
        "Flexget-Flexget",
        "Yass-Devv-TP-Movies-PHP",
    ]
    assert moments["Flexget-Flexget-202203.html.gz"].replace(microsecond=0) == datetime(
        2022, 3, 16, 22, 44, 1, tzinfo=UTC
    )

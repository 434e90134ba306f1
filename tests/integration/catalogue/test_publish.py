"""The whole of publishing, on a real disk."""

from __future__ import annotations

import hashlib
import threading
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from application.catalogue_data import CatalogueData, build_catalogue_data
from application.publish import StepOutcome
from domain.errors import StoreUnavailable, UsageError
from infrastructure.catalogue import PublishOptions, publish_catalogue
from infrastructure.posters import PosterFolder
from tests.support.catalogue import made_data, made_poster_store, made_report, publish_made
from tests.support.films import bare
from tests.unit.infrastructure.catalogue import sitemap_schema

_URL = "https://films.example/"
_ALL = ["assets", "posters", "plots", "pages", "search", "sitemap", "feed", "report", "links"]


@pytest.fixture(scope="module")
def made() -> CatalogueData:
    return made_data(40, runs=3, more=[bare(1)])


@pytest.fixture(scope="module")
def store(made: CatalogueData, tmp_path_factory: pytest.TempPathFactory) -> PosterFolder:
    return made_poster_store(tmp_path_factory.mktemp("store"), list(made.movies.values())[:9])


def _options(out: Path, **changes: Any) -> PublishOptions:
    return PublishOptions(**{"out": out, "site_url": _URL, "workers": 4, **changes})


def _contents(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.mark.long
def test_every_step_ends_well_and_says_so(made: CatalogueData, store: PosterFolder, tmp_path: Path) -> None:
    said: list[StepOutcome] = []
    published = publish_made(made, store, _options(tmp_path), said)
    assert sorted(outcome.line for outcome in said) == sorted(f"✓ {name}" for name in _ALL)
    assert [outcome.name for outcome in said][:4] == _ALL[:4]
    assert said[-1].name == "links"
    assert (published.failures, published.notes) == (0, ())
    assert not any(outcome.cancelled for outcome in published.outcomes)
    assert len(list((tmp_path / "posters").iterdir())) == len({file.path for p in store.posters() for file in p.files})


def test_parallel_and_serial_are_byte_identical(made: CatalogueData, store: PosterFolder, tmp_path: Path) -> None:
    publish_made(made, store, _options(tmp_path / "parallel"))
    serial = _options(tmp_path / "serial", parallel_postprocess=False, workers=1)
    publish_made(made, store, serial)
    assert _contents(tmp_path / "parallel") == _contents(tmp_path / "serial")


@pytest.mark.long
def test_a_second_publish_writes_nothing_and_a_deleted_file_comes_back(
    made: CatalogueData, store: PosterFolder, tmp_path: Path
) -> None:
    publish_made(made, store, _options(tmp_path))
    before = _contents(tmp_path)
    again = publish_made(made, store, _options(tmp_path))
    assert (again.tally.written, again.tally.removed) == (0, 0)
    victims = ["index.html", next(name for name in before if name.startswith("posters/"))]
    for name in victims:
        (tmp_path / name).unlink()
    mended = publish_made(made, store, _options(tmp_path))
    assert (mended.tally.written, mended.tally.removed) == (2, 0)
    assert _contents(tmp_path) == before


@pytest.mark.long
def test_only_what_changed_is_written(made: CatalogueData, store: PosterFolder, tmp_path: Path) -> None:
    publish_made(made, store, _options(tmp_path, report=False))
    more = build_catalogue_data(made.movies | {"tt8000009": bare(9)}, made.snapshots)
    before = _contents(tmp_path)
    publish_made(more, store, _options(tmp_path, report=False))
    after = _contents(tmp_path)
    assert {name for name in after if after[name] != before.get(name)} == {
        "films/tt8000009.html",
        "decades/unknown.html",
        "index.html",
        "genres.html",
        "decades.html",
        "charts.html",
        "places.html",
        "sitemap.xml",
        "search-index.js",
        ".filmledger-files",
    }
    fewer = build_catalogue_data({k: v for k, v in made.movies.items() if k != "tt8000001"}, made.snapshots)
    published = publish_made(fewer, store, _options(tmp_path, report=False))
    assert published.tally.removed >= 2
    assert not (tmp_path / "films" / "tt8000009.html").exists()
    assert not (tmp_path / "films" / "tt8000001.html").exists()


@pytest.mark.long
@pytest.mark.long
def test_other_peoples_files_are_safe(made: CatalogueData, store: PosterFolder, tmp_path: Path) -> None:
    (tmp_path / "films").mkdir()
    theirs = [tmp_path / "notes.txt", tmp_path / "films" / "mine.html", tmp_path / "films" / "tt0000000.html"]
    for path in theirs:
        path.write_text("mine")
    assert publish_made(made, store, _options(tmp_path)).failures == 0
    publish_made(build_catalogue_data({}, ()), store, _options(tmp_path))
    assert all(path.read_text() == "mine" for path in theirs)


def test_a_strangers_front_page_stops_everything_before_anything_is_written(
    made: CatalogueData, store: PosterFolder, tmp_path: Path
) -> None:
    (tmp_path / "index.html").write_text("my homepage")
    with pytest.raises(UsageError, match=r"index\.html was not written by filmledger"):
        publish_made(made, store, _options(tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["index.html"]


@pytest.mark.long
@pytest.mark.parametrize(
    ("switch", "step", "files"),
    [
        ("sitemap", "sitemap", ["sitemap.xml"]),
        ("feed", "feed", ["feed.xml"]),
        ("report", "report", ["report.md", "report.json"]),
        ("links", "links", []),
    ],
)
def test_each_part_has_its_switch(
    made: CatalogueData, store: PosterFolder, tmp_path: Path, switch: str, step: str, files: list[str]
) -> None:
    said: list[StepOutcome] = []
    publish_made(made, store, _options(tmp_path), said)
    assert all((tmp_path / name).exists() for name in files)
    said.clear()
    published = publish_made(made, store, _options(tmp_path, **{switch: False}), said)
    assert sorted(outcome.name for outcome in said) == sorted(set(_ALL) - {step})
    assert published.failures == 0
    assert not any((tmp_path / name).exists() for name in files)
    assert ("feed.xml" in (tmp_path / "index.html").read_text()) == (switch != "feed")


@pytest.mark.long
def test_figures_from_data_files_are_told_with_what_their_licence_allows(store: PosterFolder, tmp_path: Path) -> None:
    made = build_catalogue_data(
        {one.imdb_id: one for one in (replace(bare(1), dataset_day=date(2026, 11, 27)), bare(2))}, ()
    )
    published = publish_made(made, store, _options(tmp_path))
    assert published.notes == (
        "1 of 2 titles have figures from IMDb's data files, whose licence allows personal and non-commercial use: "
        "keep this catalogue to yourself",
    )


@pytest.mark.long
def test_without_an_address_there_is_no_sitemap_and_that_is_no_failure(
    made: CatalogueData, store: PosterFolder, tmp_path: Path
) -> None:
    published = publish_made(made, store, _options(tmp_path, site_url=""))
    assert published.failures == 0
    assert published.notes == ("sitemap.xml is left out: it needs SITE_URL",)
    assert not (tmp_path / "sitemap.xml").exists()


@pytest.mark.long
def test_the_sitemap_lists_every_page(made: CatalogueData, store: PosterFolder, tmp_path: Path) -> None:
    publish_made(made, store, _options(tmp_path))
    root = etree.parse(tmp_path / "sitemap.xml").getroot()
    sitemap_schema.URLS.assertValid(root)
    listed = {str(element.text).removeprefix(_URL) or "index.html" for element in root.iter("{*}loc")}
    assert listed == {name for name in _contents(tmp_path) if name.endswith(".html")} - {"404.html"}


@pytest.mark.long
@pytest.mark.long
def test_one_failure_never_stops_the_rest(made: CatalogueData, store: PosterFolder, tmp_path: Path) -> None:
    def unreachable(_: str) -> str:
        raise StoreUnavailable("postgres", "connection lost")

    said: list[StepOutcome] = []
    published = publish_catalogue(
        made, store, unreachable, _options(tmp_path), say=said.append, cancel=threading.Event()
    )
    assert published.failures == 1
    assert [outcome.line for outcome in said if outcome.failed] == ["✗ report: postgres: connection lost"]
    assert {outcome.name for outcome in said if not outcome.failed} == set(_ALL) - {"report"}
    assert (tmp_path / "feed.xml").exists()


@pytest.mark.long
@pytest.mark.long
def test_a_poster_that_has_gone_costs_that_poster_alone(made: CatalogueData, tmp_path: Path) -> None:
    movies = list(made.movies.values())[:3]
    broken = made_poster_store(tmp_path / "store", movies)
    (first, *_) = broken.posters()

    class Vanishing(PosterFolder):
        def posters(self) -> Any:
            found = list(super().posters())
            first.files[0].path.unlink()
            return iter(found)

    said: list[StepOutcome] = []
    publish_made(made, Vanishing(tmp_path / "store"), _options(tmp_path / "out"), said)
    assert [outcome.line.partition(":")[0] for outcome in said if outcome.failed] == ["✗ posters"]
    assert first.imdb_id in next(outcome.reason for outcome in said if outcome.failed)
    assert (tmp_path / "out" / "films" / f"{movies[1].imdb_id}.html").read_text().count("<img") == 1


def test_an_empty_database_publishes_too(tmp_path: Path) -> None:
    said: list[StepOutcome] = []
    published = publish_made(
        build_catalogue_data({}, ()), PosterFolder(tmp_path / "store"), _options(tmp_path / "out"), said
    )
    assert published.failures == 0
    assert "Nothing has been saved yet" in (tmp_path / "out" / "index.html").read_text()


@pytest.mark.long
def test_a_stop_leaves_what_was_there(made: CatalogueData, store: PosterFolder, tmp_path: Path) -> None:
    publish_made(made, store, _options(tmp_path))
    before = _contents(tmp_path)
    cancel = threading.Event()

    def stop_after_plots(outcome: StepOutcome) -> None:
        if outcome.name == "plots":
            cancel.set()

    fewer = build_catalogue_data(dict(list(made.movies.items())[:5]), made.snapshots)
    published = publish_catalogue(fewer, store, made_report, _options(tmp_path), say=stop_after_plots, cancel=cancel)
    assert any(outcome.cancelled for outcome in published.outcomes)
    assert published.failures == 0
    assert _contents(tmp_path).keys() == before.keys()
    publish_made(made, store, _options(tmp_path))
    assert _contents(tmp_path) == before


def test_a_wrong_address_is_refused_before_anything_is_written(
    made: CatalogueData, store: PosterFolder, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match="SITE_URL"):
        publish_made(made, store, _options(tmp_path / "out", site_url="films.example"))
    assert not (tmp_path / "out").exists()

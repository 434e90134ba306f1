"""What posters and publishing take.

    python -m tests.benchmarks.catalogue [--full] [--posters N ...] [--films N ...] [--workers N ...] [--json FILE]

Posters of real size from the demo site at 0.1 s latency, with 1, 4 and 8
workers, then once more with nothing changed; then the films as a catalogue, and
once more with nothing changed. Every measurement is a process of its own. The
site has drawn its posters before the first one is asked for.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any, Final
from urllib.request import urlopen

from application.catalogue_data import read_catalogue_data
from application.chart_changes import chart_changes
from application.ports.runs import Status
from application.records import chart_rows
from domain.fields import Table
from infrastructure.demo.catalogue import DemoCatalogue
from infrastructure.demo.process import DemoOptions, DemoProcess
from infrastructure.stores.csv.dialect import encode, header
from infrastructure.stores.csv.repository import CsvMovieRepository
from tests.benchmarks.metering import machine, measured

_SEED: Final = 1
_CHART: Final = "top250"
_READ_AT: Final = datetime(2026, 11, 20, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Line:
    """One measurement; seconds without the start of the interpreter."""

    what: str
    count: int
    workers: int
    first: float
    again: float
    asked_again: float | None
    peak_mb: float


def main() -> None:
    """Run the grid and print it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", action="store_true", help="1,000 posters and 10,000 films too")
    parser.add_argument("--posters", type=int, nargs="*", help="these numbers of posters")
    parser.add_argument("--films", type=int, nargs="*", help="these numbers of films")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 4, 8])
    parser.add_argument("--json", type=Path, help="write the figures here as well")
    parser.add_argument("--work", nargs="+", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        _WORK[options.work[0]](*options.work[1:])
        return
    lines = []
    with tempfile.TemporaryDirectory(prefix="catalogue-benchmark-") as folder:
        posters = (17, 50, 250, 1000) if options.full else (17, 50, 250)
        films = (250, 10_000) if options.full else (250,)
        grid = _grid(
            Path(folder),
            posters if options.posters is None else options.posters,
            films if options.films is None else options.films,
            options.workers,
        )
        for line in grid:
            lines.append(line)
            print(_row(line), flush=True)  # noqa: T201
    if options.json:
        figures = {"machine": machine(), "lines": [asdict(line) for line in lines]}
        options.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


def _grid(folder: Path, posters: Sequence[int], films: Sequence[int], workers: Sequence[int]) -> Iterator[Line]:
    print(f"{'':18}{'count':>7}{'workers':>9}{'first, s':>10}{'again, s':>10}{'304s, s':>10}{'MB':>7}")  # noqa: T201
    shelf = folder / "posters"
    if posters:
        # Twice as many titles as are needed, for some have no poster.
        with DemoProcess(DemoOptions(count=max(posters) * 2, latency=0.1, page_kb=0, prepare=0, seed=_SEED)) as site:
            _draw_all(site.url, max(posters))
            for count in posters:
                for number in workers:
                    shelf = folder / f"posters-{count}-{number}"
                    yield _measure("posters", count, number, folder, [site.url, str(shelf)])
    for count in films:
        store = folder / f"csv-{count}"
        _save(store, count)
        for number in workers:
            out = folder / f"site-{count}-{number}"
            yield _measure("publish", count, number, folder, [str(store), str(shelf), str(out)])


def _measure(what: str, count: int, workers: int, folder: Path, arguments: list[str]) -> Line:
    report = folder / "report.json"
    seconds: list[float] = []
    memory = 0.0
    for mode in ("first", "again", "recheck") if what == "posters" else ("first", "again"):
        command = [sys.executable, "-m", "tests.benchmarks.catalogue", "--work", what, str(report)]
        usage = measured([*command, mode, str(count), str(workers), *arguments], {}, folder)
        seconds.append(float(json.loads(report.read_text())["seconds"]))
        memory = max(memory, usage.peak_mb)
    return Line(what, count, workers, seconds[0], seconds[1], seconds[2] if len(seconds) > 2 else None, memory)


def _row(line: Line) -> str:
    asked = "" if line.asked_again is None else f"{line.asked_again:.2f}"
    return (
        f"{line.what:18}{line.count:>7,}{line.workers:>9}{line.first:>10.2f}{line.again:>10.2f}"
        f"{asked:>10}{line.peak_mb:>7.0f}"
    )


def _posters(report: str, mode: str, count: str, workers: str, url: str, shelf: str) -> None:
    from infrastructure.posters import PosterFolder
    from tests.support.demo_network import demo_network
    from tests.support.poster_run import fetch_posters

    addresses = _addresses(url, int(count))
    began = time.perf_counter()
    with demo_network(url) as downloader:
        recheck = timedelta(0) if mode == "recheck" else timedelta(days=7)
        outcomes = fetch_posters(
            downloader, PosterFolder(Path(shelf)), addresses, workers=int(workers), recheck_after=recheck
        )
    _report(report, began)
    wrong = [outcome for outcome in outcomes.values() if outcome.status is not Status.COMPLETED]
    if wrong or len(outcomes) != int(count):
        raise SystemExit(f"{len(wrong)} of {len(outcomes)} failed: {wrong[:1]}")


def _publish(report: str, mode: str, count: str, workers: str, store: str, shelf: str, out: str) -> None:
    from infrastructure.catalogue import PublishOptions, publish_catalogue
    from infrastructure.posters import PosterFolder
    from tests.support.catalogue import FixedHistory, made_report
    from tests.support.films import snapshots

    began = time.perf_counter()
    with closing(CsvMovieRepository(Path(store), read_only=True)) as opened:
        library = read_catalogue_data(opened, FixedHistory())
    ranked = [replace(place.movie, rank=place.rank) for place in library.charts[0].places]
    taken = snapshots(ranked, 5, _CHART)
    library = replace(library, charts=chart_changes(library.movies, taken), snapshots=taken)
    published = publish_catalogue(
        library,
        PosterFolder(Path(shelf)),
        made_report,
        PublishOptions(
            Path(out), site_url="https://films.example/", workers=int(workers), parallel_postprocess=int(workers) > 1
        ),
        say=lambda _: None,
        cancel=threading.Event(),
    )
    _report(report, began)
    if published.failures or len(library.movies) != int(count) or (mode == "again" and published.tally.written):
        raise SystemExit(f"{published.outcomes} {published.tally} {len(library.movies)}")


_WORK: Final[dict[str, Callable[..., None]]] = {"posters": _posters, "publish": _publish}


def _report(path: str, began: float) -> None:
    found: dict[str, Any] = {"seconds": round(time.perf_counter() - began, 3)}
    Path(path).write_text(json.dumps(found), encoding="utf-8")


def _addresses(url: str, count: int) -> dict[str, str]:
    catalogue = DemoCatalogue(_SEED, count * 2)
    titles = (catalogue.find(imdb_id) for imdb_id in catalogue.ids())
    ids = (title.imdb_id for title in titles if title is not None and title.has_poster)
    return {imdb_id: f"{url}/images/M/{imdb_id}@._V1_.jpg" for imdb_id in islice(dict.fromkeys(ids), count)}


def _draw_all(url: str, count: int) -> None:
    """Have the site draw every poster in the size that will be asked for; that is not what is measured."""

    def look(address: str) -> None:
        with urlopen(address.replace("._V1_", "._V1_UX720_"), timeout=60) as answer:  # noqa: S310 - loopback
            answer.read()

    with ThreadPoolExecutor(8) as executor:
        list(executor.map(look, _addresses(url, count).values()))


def _save(folder: Path, count: int) -> None:
    """Writes the first films of the demo site's list to CSV files, whole tables at a time, 250 of them as a chart."""
    from tests.support.demo_movies import movie_of
    from tests.support.repositories import InMemoryMovieRepository

    folder.mkdir()
    catalogue = DemoCatalogue(_SEED, count * 2)
    titles = (title for imdb_id in dict.fromkeys(catalogue.ids()) if (title := catalogue.find(imdb_id)) is not None)
    made = InMemoryMovieRepository()
    for title in islice(titles, count):
        made.save(movie_of(title, "https://images.invalid", _READ_AT))
    made.replace_chart(_CHART, list(chart_rows(_CHART, islice(made.ids(), 250), _READ_AT)))
    for table in Table:
        with (folder / f"{table}.csv").open("wb") as file:
            file.write(header(table))
            file.writelines(encode(made.rows(table), escape=False))
    with closing(CsvMovieRepository(folder)) as store:
        store.finalize()  # takes the files over, as a run does


if __name__ == "__main__":
    main()

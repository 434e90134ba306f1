"""Composes a scraping run, on the real site or on the demo site.

Data files are imported inside the functions, because few runs use them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, suppress
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from application.charts import StoredChart, overlap, read_chart
from application.ports.runs import Job, JobLog, Run, RunIdentity
from application.ports.sources import ChartSource, TitleSource
from application.run_jobs import RunResult, StopReason
from application.scrape import StoredEpisodes, jobs_of_chart, jobs_of_titles, scrape, with_episodes
from application.scrape_movie import Freshness, ScrapeMovie
from domain.chart import ChartEntry, ChartName, EstimatedChart
from domain.errors import Blocked, Cancelled, InvalidMovie, NotFound, SourceError, UsageError
from infrastructure.bootstrap import ResumeOptions
from infrastructure.bootstrap.files import page_keeper, read_list
from infrastructure.bootstrap.monitoring import monitored
from infrastructure.bootstrap.network import GRACE_SECONDS, downloader, episode_source, sources
from infrastructure.bootstrap.runs import fetch_people, fetch_posters
from infrastructure.bootstrap.session import RunSession
from infrastructure.data_dir import DataDir
from shared.logs import activity
from shared.settings import Settings
from shared.text import path_to_text
from shared.threads import enter_in_background

if TYPE_CHECKING:
    from application.listed_titles import MyRatings
    from infrastructure.bootstrap.cluster import ClusterReading
    from infrastructure.http import Downloader

_RETRY_CUT_AFTER: Final = timedelta(hours=24)


class ScrapeOptions(msgspec.Struct, frozen=True):
    """What to scrape.

    Attributes:
        chart: the chart, unless ``ids`` is given.
        ids: a file of ids, for a run without ranks.
        limit: the first so many titles only.
        max_age: records that were read more recently than that are kept unchanged.
        save_pages: keep each fetched page.
        posters: fetch the posters afterwards.
        disk_check: choose the disk with the most free space.
        cluster: the Dask cluster that fetches and parses, if any.
        seasons: also scrape all episodes of the series.
        people: read the details of people afterwards.
        series: these series and their episodes instead of a chart.
    """

    chart: ChartName | EstimatedChart
    ids: Path | None = None
    limit: int | None = None
    max_age: timedelta | None = None
    save_pages: bool = False
    posters: bool = False
    disk_check: bool = True
    cluster: str | None = None
    seasons: bool = False
    people: bool = False
    series: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Its name in messages."""
        if self.series:
            return "episodes of " + ", ".join(self.series)
        return self.ids.name if self.ids else self.chart.value

    @property
    def subject(self) -> str:
        """Its name in the job log."""
        if self.series:
            return "episodes of " + ", ".join(self.series)
        listed = path_to_text(self.ids.resolve()) if self.ids else self.chart.value
        return f"{listed} with episodes" if self.seasons else listed

    @property
    def of_chart(self) -> bool:
        """Whether the titles are those of a chart."""
        return self.ids is None and not self.series


def list_titles(session: RunSession, options: ScrapeOptions) -> Iterator[Job]:
    """The jobs a run would have; fetches the chart and nothing else.

    Raises:
        ChartError: the chart is not whole.
        UsageError: the list of ids cannot be read.
    """
    with downloader(session.settings) as network:
        if options.of_chart:
            charts = sources(session.settings, network, session.clock).charts
            jobs: Iterator[Job] = islice(jobs_of_chart(_read_chart(session, options, charts)), options.limit)
        else:
            jobs = _listed(options, session.output.warn)
        yield from _with_episodes(session, options, network, jobs, lambda _series: None)


def run_scrape(session: RunSession, options: ScrapeOptions, site: str, resume: ResumeOptions) -> dict[str, RunResult]:
    """Scrapes. People and posters, if requested, are runs of their own. Returns the results by kind of work.

    Args:
        site: the site's address, or its name if the address changes.
    """
    settings = session.settings
    with ExitStack() as stack:
        stack.enter_context(session.directory("scrape", site))
        monitor = stack.enter_context(monitored(session, options.name))
        network = stack.enter_context(downloader(settings, grace=GRACE_SECONDS))
        pages = page_keeper(settings, check=options.disk_check) if options.save_pages else None
        identity = RunIdentity("scrape", options.subject, site, options.limit)
        job_log = stack.enter_context(session.job_log(identity, resume))
        # The stores are opened while the chart is being read: both take about the same time.
        opening = stack.enter_context(enter_in_background(session.open_stores(), abandon=session.cancel.set))
        consent = _Consent(session)
        data_files = None
        if consent.possible:
            from infrastructure.bootstrap.datasets import dataset_titles

            data_files = dataset_titles(
                session, lambda: (job.key for job in job_log.jobs()), lambda: opening().together, consent.given
            )
        found = sources(settings, network, session.clock, pages, data_files)
        cluster = _cluster(session, options, stack) if options.cluster else None
        places: tuple[ChartEntry, ...] = ()
        jobs: Iterator[Job] = iter(())
        if options.of_chart and not job_log.listed:
            with activity(f"reading the chart {options.chart}"):
                try:
                    places = _read_chart(session, options, found.charts)
                except Blocked as error:
                    stored = StoredChart(opening().together, options.chart.value).rows()
                    if not stored or not consent.given():
                        raise _with_advice(error, options.chart, stored=bool(stored)) from error
                    session.output.warn(f"{error}; its places are those of {str(stored[0][-1])[:10]}")
                    # Without ranks: the chart was not read, neither for its table nor for the history.
                    jobs = islice((Job(seq, str(row[2])) for seq, row in enumerate(stored)), options.limit)
                else:
                    jobs = islice(jobs_of_chart(places), options.limit)
        read_at = session.clock.now()
        opened = opening()
        chart = StoredChart(opened.together, options.chart.value) if options.of_chart else None
        if chart is not None and len(places) == options.chart.size:
            chart.replace(places, read_at)  # before the jobs are listed: a run killed in between reads the chart again
            if isinstance(options.chart, EstimatedChart):
                ids = [place.imdb_id for place in places]
                session.output.say(f"{options.chart}{overlap(options.chart, ids, opened.together)}")
        ratings = None
        if options.ids:
            from application.listed_titles import MyRatings

            ratings = MyRatings(opened.together, read_at)
        if not job_log.listed:
            if not options.of_chart:
                jobs = _listed(options, session.output.warn, ratings)
            episodes = StoredEpisodes(opened.together)
            job_log.list(_with_episodes(session, options, network, jobs, episodes.first))
            if ratings and ratings.saved:
                session.output.say(ratings.summary())
        session.report_resumed(job_log)
        # Not before, so that a mistyped address that lists nothing does not bind the directory.
        DataDir(settings.data_dir).claim(site)
        if consent.undecided and not cluster and not _is_refused(job_log, found.titles, consent, session):
            found = sources(settings, network, session.clock, pages)  # their last source waits when the site refuses
        context = session.context(job_log, settings.threads)
        work = ScrapeMovie(
            cluster().titles if cluster else found.titles,
            opened.together,
            max_requests=settings.max_requests,
            progress=context.progress,
            cancel=session.cancel,
            freshness=None if options.max_age is None else _freshness(settings, session.clock.now(), options.max_age),
            on_moved=None if chart is None else chart.move,
            clock=session.clock,
        )
        result = scrape(
            context,
            opened.together,
            work,
            history=opened.history,
            run=Run(
                site,
                options.chart.value if options.of_chart and not options.seasons else None,
                job_log.counts.total,
                job_log.begun,
                fresh_since=None if options.max_age is None else job_log.begun - options.max_age,
            ),
        )
        result = session.close(result, job_log, opened)
        monitor.result = result
        session.output.run_ended(result, opened, "titles")
        if data_files is not None and data_files.given:
            refused = settings.detail_source != "datasets"
            session.output.say(
                ("IMDb refuses pages and GraphQL from here; " if refused else "")
                + f"{data_files.given} of {job_log.counts.total} titles come from {'its' if refused else 'the'} "
                f"data files of {data_files.day}, without plot, poster, metascore and certificate"
            )
        if settings.notify_urls and not options.ids:
            monitor.read_changes(options.chart, opened.history, opened.together)
        if cluster and (reason := cluster().lost()):
            session.output.warn(f"the Dask cluster was lost ({reason}); run the same command again to continue")
        results = {"scrape": result}
        if options.people and result.stop_reason is StopReason.FINISHED:
            results["people"] = fetch_people(session, opened, network, ResumeOptions())
        if options.posters and all(each.stop_reason is StopReason.FINISHED for each in results.values()):
            results["posters"] = fetch_posters(
                session, opened.together, network, ResumeOptions(), disk_check=options.disk_check
            )
    return results


def _freshness(settings: Settings, now: datetime, max_age: timedelta) -> Freshness:
    from infrastructure.scraper.title_json import CAST_SHOWN

    return Freshness(
        now - max_age,
        now - _RETRY_CUT_AFTER,
        CAST_SHOWN if settings.full_credits else None,
        data_files=settings.detail_source == "datasets",
    )


class _Consent:
    """Whether data files may be downloaded: as the settings say, or as the user answers, who is asked once."""

    def __init__(self, session: RunSession) -> None:
        self._session = session
        self._answer: bool | None = _uses_data_files(session.settings)
        if not self._answer and session.settings.datasets == "ask" and session.output.interactive:
            self._answer = None

    @property
    def possible(self) -> bool:
        """Whether they may be downloaded, or the user has not been asked yet."""
        return self._answer is not False

    @property
    def undecided(self) -> bool:
        """Whether the user has not been asked yet."""
        return self._answer is None

    def given(self) -> bool:
        """Whether they may be downloaded; asks if necessary.

        Raises:
            Cancelled: the run was stopped instead of an answer.
        """
        if self._answer is None:
            from infrastructure.bootstrap.datasets import missing_megabytes

            size = missing_megabytes(self._session.settings)
            where = f"about {size / 1000:.1f} GB to download" if size else "they are here already"
            self._answer = self._session.output.ask(
                f"IMDb refuses pages and GraphQL from here. Read the titles from its data files ({where})?",
                self._session.cancel,
            )
            if self._session.cancel.is_set():
                raise Cancelled("the run was stopped")
        return self._answer


def _is_refused(job_log: JobLog, titles: TitleSource, consent: _Consent, session: RunSession) -> bool:
    """Whether IMDb refuses the first pending title; then the user was asked for data files."""
    job = next(job_log.pending(), None)
    if job is None:
        return False
    with suppress(SourceError, InvalidMovie), activity("asking for the first title"):
        titles.title(job.key, max_requests=session.settings.max_requests, cancel=session.cancel)
    return not consent.undecided


def _read_chart(
    session: RunSession, options: ScrapeOptions, charts: Mapping[str, ChartSource]
) -> tuple[ChartEntry, ...]:
    """The chart's places in rank order, or the first of them with a limit."""
    if isinstance(options.chart, ChartName):
        return read_chart(charts, options.chart, session.cancel, first=options.limit)
    from infrastructure.bootstrap.datasets import estimated_places

    places, day = estimated_places(session, options.chart)
    session.output.say(
        f"{options.chart} is an estimate from IMDb's data files of {day}; it is not IMDb's chart {options.chart.real}"
    )
    return places


def _with_advice(error: Blocked, chart: ChartName | EstimatedChart, *, stored: bool) -> Blocked:
    """The refusal, with advice for continuing without the site."""
    if chart.value not in (estimate.real.value for estimate in EstimatedChart):
        return error
    advice = f"{error}; `--chart estimated-{chart}` makes an estimate of it from IMDb's data files"
    if stored:
        advice += ", DATASETS=yes reads the titles of the last reading from them"
    refused = Blocked(advice)
    refused.requests, refused.size = error.requests, error.size
    return refused


def _cluster(session: RunSession, options: ScrapeOptions, stack: ExitStack) -> Callable[[], ClusterReading]:
    """The cluster, connected or started while the chart is being read."""
    from infrastructure.bootstrap.cluster import cluster_reading

    if options.save_pages:
        raise UsageError("--save-pages keeps pages where they are fetched: leave out --cluster, or --save-pages")
    reading = cluster_reading(options.cluster or "", session.settings, session.clock, session.cancel)
    return stack.enter_context(enter_in_background(reading, abandon=session.cancel.set))


def _listed(options: ScrapeOptions, warn: Callable[[str], None], ratings: MyRatings | None = None) -> Iterator[Job]:
    """The jobs of a list, or of the given series; ``ratings`` saves the ratings of the list."""
    if options.series:
        series = islice(dict.fromkeys(options.series), options.limit)
        return (Job(seq, imdb_id) for seq, imdb_id in enumerate(series))
    titles = islice(read_list(options.ids or Path(), warn), options.limit)
    return jobs_of_titles(titles if ratings is None else ratings.save(titles))


def _with_episodes(
    session: RunSession,
    options: ScrapeOptions,
    network: Downloader,
    jobs: Iterator[Job],
    stored: Callable[[str], str | None],
) -> Iterator[Job]:
    """The jobs, and those of all episodes if requested. Streams.

    Raises:
        Blocked: no source of episodes may be used.
        NotFound: a given title is not a series.
        SourceError: the episodes of a given series cannot be listed.
    """
    if not options.seasons and not options.series:
        yield from jobs
        return
    settings, cancel = session.settings, session.cancel
    with ExitStack() as stack:
        data_files = None
        if _uses_data_files(settings):
            from infrastructure.bootstrap.datasets import dataset_episodes

            data_files = stack.enter_context(closing(dataset_episodes(session)))
        source = episode_source(settings, network, session.clock, data_files, stored)

        def episodes(imdb_id: str) -> Iterator[tuple[str, str]]:
            try:
                yield from source.episodes(imdb_id, cancel)
            except (Blocked, Cancelled):
                raise
            except SourceError as error:
                if options.series:
                    raise
                if not isinstance(error, NotFound):  # that is a title without episodes
                    session.output.warn(f"{imdb_id}: its episodes could not be listed: {error}")

        yield from with_episodes(jobs, episodes)


def _uses_data_files(settings: Settings) -> bool:
    return settings.datasets == "yes" or settings.detail_source == "datasets"

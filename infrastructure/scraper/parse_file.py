"""The work of a job whose key is a saved page."""

from __future__ import annotations

from collections.abc import Callable

from application.ports import Job, Outcome, Status
from infrastructure.scraper.saved_pages import ChartPage


class ParseFile:
    """Has a title's file scraped; a chart is no failure, for it was read before the titles.

    Args:
        scrape: reads and saves the title in the file that a job's key names.
    """

    def __init__(self, scrape: Callable[[Job], Outcome]) -> None:
        self._scrape = scrape

    def __call__(self, job: Job) -> Outcome:
        """Read one file.

        Raises:
            SourceError: it is no title, blocked or unreadable; ``saved_pages.kind_of`` tells which.
        """
        try:
            return self._scrape(job)
        except ChartPage as error:
            return Outcome(job, Status.COMPLETED, str(error), size=error.size, source="chart")

"""A run over a folder of saved pages, put together; it has no network."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from application.ports import Job
from application.run_jobs import RunResult
from application.scrape_movie import ScrapeMovie
from application.status import RunIdentity
from domain.errors import UsageError
from infrastructure.bootstrap.resume import ResumeOptions
from infrastructure.bootstrap.runs import RunSession
from infrastructure.progress.displays import FileProgress
from infrastructure.scraper.parse_file import ParseFile
from infrastructure.scraper.saved_charts import chart_to_rank_by
from infrastructure.scraper.saved_files import find_files
from infrastructure.scraper.saved_pages import FileTitleSource


@dataclass(frozen=True, slots=True)
class ParseOptions:
    """What the user asked to be parsed.

    Attributes:
        folder: where the files are, in it or below.
        pattern: their names.
        workers: files at a time.
        only: a list of files, as ``--log-failed`` writes it; these only.
    """

    folder: Path
    pattern: str
    workers: int
    only: Path | None = None


def run_parse(session: RunSession, options: ParseOptions, resume: ResumeOptions) -> RunResult:
    """Parses saved pages into both stores.

    Raises:
        UsageError: no file has such a name.
    """
    folder = options.folder
    with ExitStack() as stack:
        paths = list(_of_list(options.only)) if options.only else find_files(folder, options.pattern)
        if not paths and options.only is None:
            raise UsageError(f"no file in {folder} is called {options.pattern}: there is nothing to parse")
        stack.enter_context(session.directory("parse", None))
        job_log = stack.enter_context(session.job_log(RunIdentity("parse", str(folder.resolve())), resume))
        if not job_log.listed:
            job_log.list(Job(seq, str(path)) for seq, path in enumerate(paths))
        session.report_resumed(job_log)
        chart = chart_to_rank_by(paths, session.cancel, chart=None)
        source = FileTitleSource(session.clock, ranks=chart.ranks if chart else None)
        opened = stack.enter_context(session.open_stores())
        context = session.context(job_log, options.workers, progress=FileProgress(session.output.say))
        work = ScrapeMovie(
            source,
            opened.together,
            max_requests=1,
            progress=context.progress,
            cancel=session.cancel,
        )
        result = context.execute(str(folder), ParseFile(work))
        opened.together.finalize()
        job_log.close(result.stop_reason.value)
        session.output.run_ended(result, opened, "files")
    return result


def _of_list(path: Path) -> Iterator[Path]:
    """The files of a list that ``--log-failed`` wrote."""
    for line in path.read_text(encoding="utf-8").splitlines():
        if name := line.split("  # ")[0].strip():
            yield Path(name)

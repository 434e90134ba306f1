"""Composes a run over a folder of saved pages, without network."""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import msgspec

from application.ports.runs import Job, RunIdentity
from application.run_jobs import RunResult
from application.scrape_movie import ScrapeMovie
from domain.errors import UsageError
from infrastructure.bootstrap.resume import ResumeOptions
from infrastructure.bootstrap.runs import RunSession
from infrastructure.progress.displays import FileProgress
from infrastructure.scraper.saved_files import FoundFiles, find_documents
from infrastructure.scraper.saved_pages import FileTitleSource, ParseFile, chart_to_rank_by
from shared.text import TextError, path_to_text, text_lines


class ParseOptions(msgspec.Struct, frozen=True):
    """The files to parse.

    Attributes:
        folder: of the files, including its subfolders.
        pattern: their names.
        workers: files at a time.
        only: a list of files, as ``--log-failed`` writes it; only these are parsed.
    """

    folder: Path
    pattern: str
    workers: int
    only: Path | None = None


def run_parse(session: RunSession, options: ParseOptions, resume: ResumeOptions) -> RunResult:
    """Parses saved pages into all stores.

    Raises:
        UsageError: no file with such a name holds a page.
    """
    folder = options.folder
    with ExitStack() as stack:
        found = _of_list(options.only) if options.only else find_documents(folder, options.pattern)
        if not found.keys and options.only is None:
            raise UsageError(_nothing_found(options, found))
        for reason, count in sorted(found.passed_over.items()):
            session.output.say(f"passed over: {count} {reason}")
        stack.enter_context(session.directory("parse", None))
        job_log = stack.enter_context(session.job_log(RunIdentity("parse", path_to_text(folder.resolve())), resume))
        if not job_log.listed:
            job_log.list(Job(seq, key) for seq, key in enumerate(found.keys))
        session.report_resumed(job_log)
        chart = chart_to_rank_by(found.keys, session.cancel, chart=None)
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
        result = session.restore_edited_files(result, opened)
        job_log.close(result.stop_reason.value)
        session.output.run_ended(result, opened, "files")
    return result


def _of_list(path: Path) -> FoundFiles:
    """The files of a list that ``--log-failed`` wrote.

    Raises:
        UsageError: it cannot be read.
    """
    try:
        lines = [line.split("  # ")[0].strip() for line in text_lines(path)]
    except TextError as error:
        raise UsageError(str(error)) from error
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
    return FoundFiles(tuple(line for line in lines if line), Counter())


def _nothing_found(options: ParseOptions, found: FoundFiles) -> str:
    reasons = ", ".join(f"{count} {reason}" for reason, count in sorted(found.passed_over.items()))
    return f"no saved page in {options.folder} has a name like {options.pattern}" + (f" ({reasons})" if reasons else "")

"""Options that several commands share, and the frame every command runs in."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import click

from domain.errors import UsageError
from infrastructure.cli.exit_codes import complain, errors_as_exit_codes
from shared.log_options import LogFormat, LogOptions, Verbosity
from shared.logging_setup import Logging, configure
from shared.masking import register
from shared.settings import Settings, load

# Where each kind of run is remembered, in the data directory.
JOB_LOGS: Final = {"scrape": "joblog.jsonl", "parse": "parse.jsonl", "posters": "posters.jsonl"}


@dataclass(frozen=True, slots=True)
class ResumeOptions:
    """What the user wants done with the job log.

    Attributes:
        path: where it is; in the data directory unless given.
        fresh: begin anew, whatever an unfinished run left.
        retry_failed: take again what failed for good.
        list_failed: a file to write what failed to.
    """

    path: Path | None = None
    fresh: bool = False
    retry_failed: bool = False
    list_failed: Path | None = None


@dataclass(frozen=True, slots=True)
class CommandContext:
    """What every command is given: its settings and how much it should say."""

    settings: Settings
    quiet: bool
    logging: Logging


def command_context(function: Callable[..., None]) -> Callable[..., None]:
    """Give a command the common options; call it with a ``CommandContext`` first, errors become exit codes."""

    @click.option("--data-dir", type=click.Path(path_type=Path), help="Where the data lives; beats DATA_DIR.")
    @click.option("--quiet", "-q", is_flag=True, help="Print nothing but errors, and answers to questions.")
    @click.option(
        "--verbosity", type=click.Choice([each.value for each in Verbosity]), default="minimal", show_default=True,
        help="How much the screen tells of each title.",
    )  # fmt: skip
    @click.option("--log-file", type=click.Path(path_type=Path, dir_okay=False), help="Write everything there too.")
    @click.option(
        "--log-format", type=click.Choice([each.value for each in LogFormat]), default="text", show_default=True,
        help="Form of the log file.",
    )  # fmt: skip
    @click.option("--debug", is_flag=True, help="Show tracebacks.")
    @click.option("--debug-external", is_flag=True, help="Let the libraries' own logs appear as well.")
    @functools.wraps(function)
    def framed(
        *args: Any,
        data_dir: Path | None,
        quiet: bool,
        verbosity: str,
        log_file: Path | None,
        log_format: str,
        debug: bool,
        debug_external: bool,
        **kwargs: Any,
    ) -> None:
        with errors_as_exit_codes(debug=debug):
            loaded = load(env_file=_env_file(), data_dir=data_dir)
            register(*loaded.settings.secrets())
            logging = _configured(
                LogOptions(
                    Verbosity(verbosity),
                    quiet,
                    log_file,
                    LogFormat(log_format),
                    tracebacks=debug,
                    external=debug_external,
                )
            )
            if not quiet:
                for warning in loaded.warnings:
                    complain(warning)
            try:
                function(CommandContext(loaded.settings, quiet, logging), *args, **kwargs)
            finally:
                logging.close()

    return framed


def job_log_options(work: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command the options of its job log; it is called with ``job_log``, a ``ResumeOptions``.

    Args:
        work: what is remembered there, one of ``JOB_LOGS``.
    """

    def with_options(function: Callable[..., None]) -> Callable[..., None]:
        @click.option("--fresh", is_flag=True, help="Begin anew instead of going on with an unfinished run.")
        @click.option("--retry-failed", is_flag=True, help="Take again what failed for good.")
        @click.option("--log-failed", type=click.Path(dir_okay=False, path_type=Path), help="Write what failed there.")
        @click.option(
            "--joblog", type=click.Path(dir_okay=False, path_type=Path),
            help=f"Where the run is remembered [default: {JOB_LOGS[work]} in the data directory].",
        )  # fmt: skip
        @functools.wraps(function)
        def wished(
            *args: Any, fresh: bool, retry_failed: bool, log_failed: Path | None, joblog: Path | None, **kwargs: Any
        ) -> None:
            function(*args, job_log=ResumeOptions(joblog, fresh, retry_failed, log_failed), **kwargs)

        return wished

    return with_options


def _configured(options: LogOptions) -> Logging:
    try:
        return configure(options)
    except OSError as error:
        raise UsageError(f"--log-file {options.file}: {error.strerror}; name another") from error


def _env_file() -> Path | None:
    """``.env`` of the current folder, else the one beside ``main.py``."""
    for folder in (Path.cwd(), Path(__file__).resolve().parents[2]):
        if (folder / ".env").is_file():
            return folder / ".env"
    return None

"""Options that several commands share, and the context passed to every command."""

from __future__ import annotations

import functools
import gc
import json
import os
import re
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import click
import msgspec

from domain.errors import UsageError
from infrastructure.bootstrap import JOB_LOGS, ResumeOptions, clock_of, require_usable
from infrastructure.bootstrap.display import StartupDisplay
from infrastructure.cli.exit_codes import errors_as_exit_codes
from infrastructure.cli.streams import complain, echo
from shared.clock import Clock
from shared.logs import LogFormat, Logging, LogOptions, Verbosity, configure
from shared.secret import register
from shared.settings import Loaded, Settings, SettingsError, load

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


class Duration(click.ParamType[timedelta]):
    """A duration as users type it: ``12h``, ``90s``, ``7d``."""

    name = "duration"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        """Converts the text.

        Raises:
            click.BadParameter: it is not a duration.
        """
        match = re.fullmatch(r"(\d{1,6}(?:\.\d+)?)\s*([smhdw])", str(value).strip())
        if match is None:
            self.fail(f"{value!r} is not a number with s, m, h, d or w, such as 12h", param, ctx)
        return timedelta(**{_UNITS[match[2]]: float(match[1])})


def print_json(value: object) -> None:
    """Prints one line of JSON."""
    echo(json.dumps(value))


class CommandContext(msgspec.Struct, frozen=True):
    """The settings and output options of a command."""

    settings: Settings
    quiet: bool
    logging: Logging
    startup: StartupDisplay

    @property
    def clock(self) -> Clock:
        """The time of every record.

        Raises:
            UsageError: SOURCE_DATE_EPOCH is not a number of seconds.
        """
        return clock_of(os.environ)

    def job_log(self, work: str) -> Path:
        """The default path of the job log of this kind of run."""
        return self.settings.data_dir / JOB_LOGS[work]


def command_context(function: Callable[..., None]) -> Callable[..., None]:
    """Adds the common options to a command and passes it a ``CommandContext``; errors become exit codes."""

    @click.option("--data-dir", type=click.Path(path_type=Path), help="Data directory; overrides DATA_DIR.")
    @click.option("--quiet", "-q", is_flag=True, help="Print only errors and query results.")
    @click.option(
        "--verbosity", type=click.Choice([each.value for each in Verbosity]), default="minimal", show_default=True,
        help="Level of detail on the screen.",
    )  # fmt: skip
    @click.option("--log-file", type=click.Path(path_type=Path, dir_okay=False), help="Write all messages to a file.")
    @click.option(
        "--log-format", type=click.Choice([each.value for each in LogFormat]), default="text", show_default=True,
        help="Format of the log file.",
    )  # fmt: skip
    @click.option("--debug", is_flag=True, help="Show tracebacks.")
    @click.option("--debug-external", is_flag=True, help="Show the libraries' own log messages.")
    @functools.wraps(function)
    def with_context(
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
            loaded = _loaded(data_dir)
            register(*loaded.settings.secrets())
            require_usable(loaded.settings.data_dir)
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
            gc.freeze()  # collections during the command skip the imported modules
            gc.enable()
            startup = StartupDisplay(sys.stderr, quiet=quiet, environ=os.environ)
            try:
                function(CommandContext(loaded.settings, quiet, logging, startup), *args, **kwargs)
            finally:
                startup.end()
                logging.close()

    return with_context


def job_log_options(work: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Adds the options of a job log to a command and passes it ``resume``, a ``ResumeOptions``.

    Args:
        work: the kind of run, one of ``JOB_LOGS``.
    """

    def with_options(function: Callable[..., None]) -> Callable[..., None]:
        @click.option("--fresh", is_flag=True, help="Start over instead of continuing an unfinished run.")
        @click.option("--retry-failed", is_flag=True, help="Retry titles that failed for good.")
        @click.option(
            "--log-failed",
            type=click.Path(dir_okay=False, path_type=Path),
            help="Write failed titles to a file.",
        )
        @click.option(
            "--joblog", type=click.Path(dir_okay=False, path_type=Path),
            help=f"Job log of the run [default: {JOB_LOGS[work]} in the data directory].",
        )  # fmt: skip
        @functools.wraps(function)
        def with_resume(
            *args: Any, fresh: bool, retry_failed: bool, log_failed: Path | None, joblog: Path | None, **kwargs: Any
        ) -> None:
            function(*args, resume=ResumeOptions(joblog, fresh, retry_failed, log_failed), **kwargs)

        return with_resume

    return with_options


def _loaded(data_dir: Path | None) -> Loaded:
    try:
        return load(env_file=_env_file(), data_dir=data_dir)
    except SettingsError as error:
        raise UsageError(str(error)) from error


def _configured(options: LogOptions) -> Logging:
    try:
        return configure(options)
    except OSError as error:
        raise UsageError(f"--log-file {options.file}: {error.strerror}; name another") from error


def _env_file() -> Path | None:
    """``.env`` of the current folder, else the one beside ``main.py``."""
    for folder in (Path.cwd(), Path(__file__).resolve().parents[2]):
        if os.path.lexists(folder / ".env"):  # a folder or a dangling link there is an error, not "no settings"
            return folder / ".env"
    return None

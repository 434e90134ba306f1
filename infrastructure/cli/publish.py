"""``publish`` and ``serve``: the catalogue, a folder of static pages."""

from __future__ import annotations

import os
import shlex
import sys
import threading
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING

import click

from domain.errors import UsageError
from infrastructure.cli.exit_codes import Exit, complain
from infrastructure.cli.options import CommandContext, command_context
from infrastructure.cli.signals import graceful_stop

if TYPE_CHECKING:
    from application.publish import StepOutcome
    from shared.settings import Settings

_OUT = click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), help="Folder [default: site in the data directory]."
)


@click.command("publish", short_help="Write the catalogue: a folder of static pages.")
@_OUT
@command_context
def publish(frame: CommandContext, out: Path | None) -> None:
    """Write a catalogue of all movies that opens from the disk and can be put on any web server."""
    from application.catalogue_data import read_catalogue_data
    from infrastructure import bootstrap
    from infrastructure.catalogue.publication import PublishOptions, publish_catalogue, report_of
    from infrastructure.cli.session import Session
    from infrastructure.stores.postgres.reports import PostgresReports

    settings = frame.settings
    cancel = threading.Event()
    session = Session(frame, settings, cancel)
    options = PublishOptions(
        out=_folder(settings, out),
        site_url=settings.site_url,
        minify=settings.minify_assets,
        fingerprint=settings.fingerprint_assets,
        sitemap=settings.generate_sitemap,
        feed=settings.generate_rss,
        report=settings.generate_report,
        links=settings.validate_links,
        parallel_assets=settings.parallel and settings.parallel_assets,
        parallel_postprocess=settings.parallel and settings.parallel_postprocess,
        workers=settings.asset_workers or min(os.cpu_count() or 1, 8),
    )

    def tell(outcome: StepOutcome) -> None:
        session.say(f"✗ {outcome.name}: {outcome.reason}" if outcome.reason else f"✓ {outcome.name}")

    with (
        graceful_stop(cancel, complain) as interrupted,
        bootstrap.database_of(settings, session.clock, cancel) as database,
    ):
        _require_writable(options.out)
        library = read_catalogue_data(bootstrap.postgres_store(database), bootstrap.chart_history(database))
        published = publish_catalogue(
            library,
            bootstrap.poster_store(settings),
            report_of(PostgresReports(database)),
            options,
            say=tell,
            cancel=cancel,
        )
    for note in published.notes:
        session.say(note)
    session.say(f"{published.tally.written} files written, {published.tally.unchanged} unchanged, in {options.out}")
    look = session.call("serve") + (f" --out {shlex.quote(str(out))}" if out else "")
    session.say(f"open {options.out / 'index.html'}, or run `{look}`")
    if interrupted.is_set():
        sys.exit(Exit.INTERRUPTED)
    sys.exit(Exit.FAILED if published.failures else Exit.DONE)


@click.command("serve", short_help="Show the catalogue in a browser on this machine.")
@_OUT
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="0 takes a free one.")
@command_context
def serve(frame: CommandContext, out: Path | None, port: int) -> None:
    """Serve the catalogue on loopback until Ctrl-C; for a look, not for the world."""
    from infrastructure.catalogue.serve import serve as serve_folder

    cancel = threading.Event()
    with graceful_stop(cancel, lambda _message: None):
        serve_folder(
            _folder(frame.settings, out),
            port,
            ready=lambda url: None if frame.quiet else click.echo(f"the catalogue is at {url}; Ctrl-C ends it"),
            cancel=cancel,
        )


def _folder(settings: Settings, out: Path | None) -> Path:
    return out or settings.data_dir / "site"


def _require_writable(folder: Path) -> None:
    """Better one line now than one for each page.

    Raises:
        UsageError: nothing can be written there.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise UsageError(f"{folder} cannot be written: {error.strerror}; choose another folder with --out") from error


COMMANDS = (publish, serve)

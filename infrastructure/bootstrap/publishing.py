"""Composes the catalogue: writes its pages, and serves them on this machine."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING

from application.publish import StepOutcome
from domain.errors import UsageError
from infrastructure.bootstrap.files import poster_store
from infrastructure.bootstrap.stores import open_stores
from shared.clock import Clock
from shared.settings import Settings

if TYPE_CHECKING:
    from infrastructure.catalogue import PublishResult


def publish_site(
    settings: Settings,
    clock: Clock,
    out: Path,
    *,
    on_step: Callable[[StepOutcome], None],
    cancel: threading.Event,
) -> PublishResult:
    """Writes the catalogue of all movies in the database.

    Args:
        on_step: called with each step as it ends.
        cancel: stops between two pages.

    Raises:
        UsageError: the folder or SITE_URL cannot be used.
        StoreUnavailable: the database cannot be reached.
    """
    from application.catalogue_data import read_catalogue_data
    from infrastructure.catalogue import PublishOptions, publish_catalogue, rendered_report
    from infrastructure.stores.postgres.queries import PostgresReports

    with open_stores(settings, clock, cancel, existing=True, read_only=True) as opened:
        _require_writable(out)
        workers = settings.asset_workers or min(os.cpu_count() or 1, 8)
        options = PublishOptions(
            out=out,
            site_url=settings.site_url,
            minify=settings.minify_assets,
            fingerprint=settings.fingerprint_assets,
            sitemap=settings.generate_sitemap,
            feed=settings.generate_rss,
            report=settings.generate_report and opened.database is not None,
            links=settings.validate_links,
            parallel_postprocess=settings.parallel and settings.parallel_postprocess,
            workers=workers if settings.parallel and settings.parallel_assets else 1,
        )
        database = opened.database
        reports = (lambda _form: "") if database is None else rendered_report(PostgresReports(database))
        return publish_catalogue(
            read_catalogue_data(opened.together, opened.history),
            poster_store(settings),
            reports,
            options,
            say=on_step,
            cancel=cancel,
        )


def serve_site(folder: Path, port: int, *, ready: Callable[[str], None], cancel: threading.Event) -> None:
    """Serves a catalogue on loopback until ``cancel`` is set.

    Raises:
        UsageError: there is no catalogue, or the port is taken.
    """
    from infrastructure.catalogue import serve

    serve(folder, port, ready=ready, cancel=cancel)


def _require_writable(folder: Path) -> None:
    """Refuses an unwritable folder once, instead of once for each page."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise UsageError(f"{folder} cannot be written: {error.strerror}; choose another folder with --out") from error

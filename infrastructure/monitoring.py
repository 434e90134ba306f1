"""Checks of this machine, and reports of runs: notifications through Apprise, a metrics file for Prometheus."""

from __future__ import annotations

import re
import shutil
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryFile
from typing import Final

from application.ports.runs import CheckResult
from application.run_report import RunReport
from shared.atomic import write_atomically
from shared.clock import Clock
from shared.secret import Secret

MIN_FREE: Final = 500 * 10**6  # bytes: a full chart with its database takes about 200 MB
INSTALL: Final = "NOTIFY_URLS needs Apprise: pip install -r requirements-notify.txt, or the extra `notify`"
NOTIFY_SECONDS: Final = 30.0
_RELEASED: Final = datetime(2026, 1, 1, tzinfo=UTC)  # this program is younger


def examine_machine(data_dir: Path, clock: Clock) -> Iterator[CheckResult]:
    """Checks rights, free space and the clock; creates nothing."""
    yield rights(data_dir)
    yield disk(_existing(data_dir))
    yield time(clock)


def rights(data_dir: Path) -> CheckResult:
    """Checks whether files can be created in the data directory, or where it would be made."""
    folder = _existing(data_dir)
    try:
        with TemporaryFile(dir=folder):
            pass
    except OSError as error:
        detail = f"{folder} cannot be written: {error.strerror}"
        return CheckResult("data directory", False, detail, "check its owner and mode, or set DATA_DIR")
    where = str(data_dir) if folder == data_dir else f"{data_dir} does not exist yet; it can be made"
    return CheckResult("data directory", True, where)


def disk(folder: Path, *, min_free: int = MIN_FREE) -> CheckResult:
    """Checks whether the disk of an existing folder has enough free space."""
    free = shutil.disk_usage(folder).free
    advice = "" if free >= min_free else f"free some space: {min_free / 10**6:.0f} MB should be free"
    return CheckResult("disk", free >= min_free, f"{free / 10**9:.1f} GB free", advice)


def time(clock: Clock) -> CheckResult:
    """Checks whether the clock is plausible; records carry its time, and TLS needs it."""
    now = clock.now()
    advice = "" if now >= _RELEASED else "set the clock, for example with NTP"
    return CheckResult("clock", now >= _RELEASED, now.astimezone().isoformat(" ", "seconds"), advice)


def _existing(folder: Path) -> Path:
    """The folder, or the nearest one above it that exists."""
    return next(each for each in (folder, *folder.absolute().parents) if each.is_dir())


def notify(urls: Secret, title: str, body: str, *, seconds: float = NOTIFY_SECONDS) -> Iterator[str]:
    """Sends one message to every address; yields a line for each problem, and raises nothing.

    Args:
        urls: Apprise addresses, separated by spaces, commas or line ends.
        seconds: a service that takes longer is given up.
    """
    try:
        from apprise import Apprise, NotifyFormat
    except ImportError:
        yield INSTALL
        return
    for place, url in enumerate(addresses(urls), 1):
        service = Apprise()
        if not service.add(url):
            yield f"NOTIFY_URLS: address {place} is not one that Apprise knows"
            continue
        results: list[bool | str] = []

        def send(service: Apprise = service, results: list[bool | str] = results) -> None:
            try:
                results.append(bool(service.notify(body=body, title=title, body_format=NotifyFormat.TEXT)))
            except Exception as error:  # noqa: BLE001 - a plugin may raise anything; the run must not fail by it
                results.append(type(error).__name__)

        thread = threading.Thread(target=send, name="notify", daemon=True)
        thread.start()
        thread.join(seconds)
        if not results:
            yield f"notification {place} was given up: no answer within {seconds:.0f} s"
        elif results[0] is not True:
            reason = results[0] or "the service did not accept it"
            yield f"notification {place} was not sent: {reason}"


def unusable_addresses(urls: Secret) -> Iterator[str]:
    """A line for each reason why notifications cannot be sent; sends nothing."""
    try:
        from apprise import Apprise
    except ImportError:
        yield INSTALL
        return
    for place, url in enumerate(addresses(urls), 1):
        if not Apprise().add(url):
            yield f"NOTIFY_URLS: address {place} is not one that Apprise knows"


def addresses(urls: Secret) -> list[str]:
    """The single addresses; they may contain passwords."""
    return [url for url in re.split(r"[\s,]+(?=[a-z][a-z0-9+.-]*://)|\s+", urls.reveal().strip()) if url]


def write_metrics(path: Path, report: RunReport) -> None:
    """Replaces the text file that Prometheus' node exporter reads.

    Format: https://prometheus.io/docs/instrumenting/exposition_formats/

    Raises:
        OSError: it cannot be written.
    """
    write_atomically(path, ("\n".join(_lines(report)) + "\n").encode())


def _lines(report: RunReport) -> Iterator[str]:
    run = f'{{subject="{_escaped(report.subject)}"}}'
    yield from _gauge("run_finished_timestamp_seconds", "When the last run ended.", {run: report.finished.timestamp()})
    yield from _gauge("run_duration_seconds", "Duration of the last run.", {run: report.seconds})
    yield from _gauge("run_success", "1 if every title of the last run was saved.", {run: int(report.succeeded)})
    yield from _gauge("run_refused", "1 if the site refused the last run.", {run: int(report.refused)})
    if report.result is None:
        return
    summary = report.result.summary
    outcomes = {name: getattr(summary, name) for name in ("fetched", "fresh", "incomplete", "failed", "pending")}
    titles = {f'{run[:-1]},outcome="{name}"}}': count for name, count in outcomes.items()}
    yield from _gauge("run_titles", "Titles of the last run by outcome.", titles)
    yield from _gauge("run_requests", "HTTP requests of the last run.", {run: summary.requests})
    yield from _gauge("run_received_bytes", "Bytes received in the last run.", {run: summary.size})


def _gauge(name: str, meaning: str, samples: dict[str, float]) -> Iterator[str]:
    yield f"# HELP filmledger_{name} {meaning}"
    yield f"# TYPE filmledger_{name} gauge"
    for labels, value in samples.items():
        yield f"filmledger_{name}{labels} {value}"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")

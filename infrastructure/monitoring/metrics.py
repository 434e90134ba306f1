"""The last run as a text file for Prometheus' node exporter.

Format: https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from application.run_report import RunReport
from shared.atomic import write_atomically


def write_metrics(path: Path, report: RunReport) -> None:
    """Replaces the file.

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

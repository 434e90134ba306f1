"""The metrics file, read by Prometheus' own parser."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from application.run_jobs import RunResult, StopReason
from application.run_report import RunReport
from infrastructure.monitoring.metrics import write_metrics
from tests.unit.application.test_run_report import SUMMARY

STARTED = datetime(2026, 11, 28, 4, 7, tzinfo=UTC)
REPORT = RunReport(
    'a "list"\\ of\nids', STARTED, STARTED + timedelta(seconds=12.5), RunResult(StopReason.FINISHED, SUMMARY)
)


def samples(path: Path) -> dict[tuple[str, str], float]:
    found = {}
    for family in text_string_to_metric_families(path.read_text(encoding="utf-8")):
        assert family.type == "gauge"
        assert family.documentation
        for sample in family.samples:
            assert sample.labels["subject"] in (REPORT.subject, "top250")
            found[sample.name, sample.labels.get("outcome", "")] = sample.value
    return found


def test_counts_duration_and_end_of_the_run(tmp_path: Path) -> None:
    write_metrics(tmp_path / "filmledger.prom", REPORT)
    found = samples(tmp_path / "filmledger.prom")
    assert found["filmledger_run_titles", "fetched"] == SUMMARY.fetched
    assert found["filmledger_run_titles", "failed"] == SUMMARY.failed
    assert found["filmledger_run_success", ""] == 0
    assert found["filmledger_run_refused", ""] == 0
    assert found["filmledger_run_received_bytes", ""] == SUMMARY.size
    assert math.isclose(found["filmledger_run_duration_seconds", ""], 12.5)
    assert found["filmledger_run_finished_timestamp_seconds", ""] == REPORT.finished.timestamp()


def test_a_run_that_did_not_come_to_its_titles_replaces_the_file(tmp_path: Path) -> None:
    path = tmp_path / "filmledger.prom"
    write_metrics(path, REPORT)
    write_metrics(path, RunReport("top250", STARTED, STARTED, error="the site refuses programs", refused=True))
    found = samples(path)
    assert found["filmledger_run_refused", ""] == 1
    assert ("filmledger_run_requests", "") not in found
    assert [each.name for each in tmp_path.iterdir()] == ["filmledger.prom"]


def test_a_folder_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match=r"directory|exist"):
        write_metrics(tmp_path / "file" / "filmledger.prom", REPORT)

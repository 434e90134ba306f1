"""What others learn of a run: log events, metrics, notifications."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infrastructure.demo.process import DemoOptions, DemoProcess
from tests.e2e.conftest import Program
from tests.support.demo_control import DemoControl
from tests.unit.infrastructure.test_monitoring import Receiver

pytest.importorskip("apprise", reason="Apprise is an optional package")
COUNT = 250


@pytest.fixture(scope="module")
def site() -> Iterator[DemoProcess]:
    with DemoProcess(DemoOptions(page_kb=0)) as process:
        yield process


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def program(site: DemoProcess, receiver: Receiver, tmp_path: Path) -> Program:
    DemoControl(site.url).faults([])
    return Program(
        tmp_path / "data",
        {
            "BASE_URL": site.url,
            "BACKOFF_FACTOR": "0.01",
            "MAX_BLOCK_WAIT_SECONDS": "0",
            "NOTIFY_URLS": f"json://me:hunter2hunter2@127.0.0.1:{receiver.server_port}/",
            "METRICS_FILE": str(tmp_path / "filmledger.prom"),
        },
    )


def events(path: Path) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [line for line in lines if "event" in line]


@pytest.mark.long
def test_a_run_with_a_failure(program: Program, site: DemoProcess, receiver: Receiver, tmp_path: Path) -> None:
    missing = DemoControl(site.url).ids()[0]
    DemoControl(site.url).faults([f"{missing}=404"])
    log = tmp_path / "log"
    program.run("--limit", "5", "--log-file", str(log), "--log-format", "json", code=1)
    (message,) = receiver.received
    assert message["title"] == "filmledger: top250 finished, 1 failed"
    assert f"failed: {missing} NotFound" in message["message"]
    assert 'filmledger_run_titles{subject="top250",outcome="failed"} 1' in (tmp_path / "filmledger.prom").read_text()

    found = events(log)
    assert "hunter2" not in log.read_text()
    kinds = [event["event"] for event in found]
    assert (kinds[0], kinds[-1]) == ("run_started", "run_finished")
    assert sorted(kinds[1:-1]) == ["title_failed"] + ["title_saved"] * 4
    saved = next(event for event in found if event["event"] == "title_saved")
    assert saved["id"].startswith("tt")
    assert saved["title"]
    assert saved["source"] == "page"
    failed = next(event for event in found if event["event"] == "title_failed")
    assert (failed["id"], failed["reason"], failed["retry"]) == (missing, "NotFound", False)
    assert (found[-1]["fetched"], found[-1]["failed"], found[-1]["success"]) == (4, 1, False)
    assert not [event for event in found if "message" in event], "events have fields, no prose"


@pytest.mark.long
def test_a_refused_run_is_told_although_no_title_was_read(
    program: Program, site: DemoProcess, receiver: Receiver, tmp_path: Path
) -> None:
    DemoControl(site.url).faults(["site=403", "graphql=403"])
    program.run("--limit", "5", code=3)
    (message,) = receiver.received
    assert message["title"] == "filmledger: top250 refused by the site"
    assert 'filmledger_run_refused{subject="top250"} 1' in (tmp_path / "filmledger.prom").read_text()


@pytest.mark.long
def test_neither_a_dead_service_nor_an_unwritable_file_changes_the_result(program: Program, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    metrics = str(tmp_path / "file" / "metrics")
    done = program.run("--limit", "2", NOTIFY_URLS="nonsense://hunter2hunter2", METRICS_FILE=metrics)
    assert "fetched 2 titles" in done.stdout
    complaints = [line for line in done.stderr.splitlines() if line.startswith("filmledger: ")]
    assert len(complaints) == 2
    assert f"METRICS_FILE {tmp_path}/file/metrics cannot be written: " in complaints[0]
    assert complaints[1] == "filmledger: NOTIFY_URLS: address 1 is not one that Apprise knows"
    assert "hunter2" not in done.stdout + done.stderr


@pytest.mark.long
def test_what_moved_since_the_run_before_is_told(program: Program, receiver: Receiver) -> None:
    for _ in range(2):
        program.run("--demo", STORES="sqlite")
    program.run("--demo", "--limit", "5", STORES="sqlite")  # says nothing about the chart
    first, second, third = (str(message["message"]) for message in receiver.received)
    for word in ("newcomers: ", "leavers: ", "movers: "):
        assert word not in first
        assert word in second
        assert word not in third

"""Checks of this machine, notifications against a real server on loopback, metrics read by Prometheus' own parser."""

from __future__ import annotations

import json
import math
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from application.run_jobs import RunResult, StopReason
from application.run_report import RunReport
from infrastructure.monitoring import (
    INSTALL,
    addresses,
    disk,
    examine_machine,
    notify,
    rights,
    time,
    unusable_addresses,
    write_metrics,
)
from shared.clock import SystemClock
from shared.secret import Secret
from tests.unit.application.test_run_report import SUMMARY

STARTED = datetime(2026, 11, 28, 4, 7, tzinfo=UTC)
REPORT = RunReport(
    'a "list"\\ of\nids', STARTED, STARTED + timedelta(seconds=12.5), RunResult(StopReason.FINISHED, SUMMARY)
)


class WrongClock(SystemClock):
    """Stands at the epoch, as after a flat battery."""

    def now(self) -> datetime:
        return datetime(1970, 1, 1, 0, 5, tzinfo=UTC)


def test_a_machine_in_order_and_nothing_is_created(tmp_path: Path) -> None:
    findings = list(examine_machine(tmp_path / "data" / "deep", SystemClock()))
    assert [(finding.subject, finding.ok) for finding in findings[:1]] == [("data directory", True)]
    assert "does not exist yet; it can be made" in findings[0].detail
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written() -> None:
    finding = rights(Path("/proc/self"))
    assert not finding.ok
    assert finding.detail.startswith("/proc/self cannot be written: ")
    assert "DATA_DIR" in finding.advice


def test_a_full_disk(tmp_path: Path) -> None:
    assert disk(tmp_path, min_free=0).ok
    finding = disk(tmp_path, min_free=10**18)
    assert (finding.ok, finding.advice) == (False, "free some space: 1000000000000 MB should be free")


def test_a_clock_that_is_wrong() -> None:
    assert time(SystemClock()).ok
    finding = time(WrongClock())
    assert not finding.ok
    assert "NTP" in finding.advice


class Receiver(ThreadingHTTPServer):
    """Remembers what was posted; answers ``status``, or not at all while ``hold`` is clear."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.status = 200
        self.hold = threading.Event()
        self.hold.set()
        self.received: list[dict[str, str]] = []


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        self.server.received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.server.hold.wait()
        self.send_response(self.server.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None: ...


@pytest.fixture
def apprise() -> None:
    pytest.importorskip("apprise", reason="Apprise is an optional package")


@pytest.fixture
def receiver(apprise: None) -> Iterator[Receiver]:
    with Receiver() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.hold.set()
        server.shutdown()
        thread.join()


def url(server: Receiver) -> str:
    return f"json://user:hunter2@127.0.0.1:{server.server_port}/"


def test_a_message_is_sent_to_every_address(receiver: Receiver) -> None:
    urls = Secret(f"{url(receiver)} {url(receiver)}")
    assert list(notify(urls, "a title", "two\nlines")) == []
    assert [each["title"] for each in receiver.received] == ["a title"] * 2
    assert "two" in receiver.received[0]["message"]


def test_a_service_that_refuses_is_one_line_without_the_address(receiver: Receiver) -> None:
    receiver.status = 500
    assert list(notify(Secret(url(receiver)), "a title", "text")) == [
        "notification 1 was not sent: the service did not accept it"
    ]


@pytest.mark.usefixtures("apprise")
def test_nobody_listens() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
    (problem,) = notify(Secret(f"json://127.0.0.1:{port}/"), "a title", "text")
    assert problem == "notification 1 was not sent: the service did not accept it"


def test_a_service_that_hangs_is_given_up_and_the_next_one_is_told(receiver: Receiver) -> None:
    receiver.hold.clear()
    quick = Receiver()
    thread = threading.Thread(target=quick.serve_forever, args=(0.01,))
    thread.start()
    try:
        problems = list(notify(Secret(f"{url(receiver)} {url(quick)}"), "a title", "text", seconds=0.2))
    finally:
        quick.shutdown()
        thread.join()
        quick.server_close()
    assert problems[0] == "notification 1 was given up: no answer within 0 s"
    assert len(quick.received) == 1


def test_an_unknown_address_is_named_by_its_place_only(receiver: Receiver) -> None:
    urls = Secret(f"nonsense://hunter2, {url(receiver)}")
    assert list(unusable_addresses(urls)) == ["NOTIFY_URLS: address 1 is not one that Apprise knows"]
    assert list(notify(urls, "a title", "text")) == ["NOTIFY_URLS: address 1 is not one that Apprise knows"]
    assert len(receiver.received) == 1


def test_without_the_package_one_line_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)
    assert list(notify(Secret("json://127.0.0.1/"), "a title", "text")) == [INSTALL]
    assert list(unusable_addresses(Secret("json://127.0.0.1/"))) == [INSTALL]


def test_addresses_are_separated_by_spaces_commas_and_lines() -> None:
    text = "mailto://a:b@c.example?to=x@y.example,z@y.example, json://h/\n json://i/"
    assert addresses(Secret(text)) == [
        "mailto://a:b@c.example?to=x@y.example,z@y.example", "json://h/", "json://i/",
    ]  # fmt: skip


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

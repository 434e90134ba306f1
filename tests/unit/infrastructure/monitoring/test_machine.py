"""The checks of ``doctor`` on this machine."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from infrastructure.monitoring.machine import disk, examine_machine, rights, time
from shared.clock import SystemClock


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

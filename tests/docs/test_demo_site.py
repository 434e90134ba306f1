"""The page about the demo site names every fault there is."""

from __future__ import annotations

from infrastructure.demo.faults import ACTIONS
from tests.conftest import ROOT


def test_every_fault_is_described() -> None:
    page = (ROOT / "docs" / "demo-site.md").read_text(encoding="utf-8")
    table = page.partition("| name |")[2]
    assert {name for name in ACTIONS if f"`{name}`" not in table} == set()

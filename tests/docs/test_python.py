"""The examples of docs/python.md run as they are, on the demo site, with the package as a wheel has it."""

from __future__ import annotations

import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from hatch_build import bundle
from infrastructure.demo.process import DemoOptions, DemoProcess
from tests.conftest import ROOT
from tests.docs.documents import Block, blocks
from tests.support.demo_control import DemoControl

EXAMPLES = [block for block in blocks(ROOT / "docs" / "python.md") if block.language == "python"]


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    with DemoProcess(DemoOptions(count=12, page_kb=0)) as process:
        yield process.url


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the package ``filmledger``, as in a wheel."""
    folder = tmp_path_factory.mktemp("package")
    (folder / "filmledger").mkdir()
    bundle(ROOT, folder / "filmledger")
    return folder


@pytest.mark.long
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda block: f"line {block.line}")
def test_an_example_runs(example: Block, site: str, package: Path, tmp_path: Path) -> None:
    first, *_, last = DemoControl(site).ids()
    with urllib.request.urlopen(f"{site}/title/{first}/") as answer:  # noqa: S310 - loopback
        (tmp_path / "page.html").write_bytes(answer.read())
    text = example.text.replace("tt0000007", first).replace("tt0000012", last)  # titles of that site
    done = subprocess.run(
        [sys.executable, "-c", text],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(package), "BASE_URL": site},
        cwd=tmp_path,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.strip()
    assert "failed" not in done.stdout


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 5

"""docs/first-hour.md, word by word, in a fresh clone."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.docs.documents import blocks

BLOCKS = [block for block in blocks(ROOT / "docs" / "first-hour.md") if block.language == "sh"]
OURS = ("PATH", "HOME", "LANG", "TMPDIR")  # and pip's own settings: which index it asks is not ours to say


@pytest.mark.long
@pytest.mark.timeout(1500)
def test_the_first_hour(tmp_path: Path) -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("this is no clone")
    clone = tmp_path / "filmledger"
    subprocess.run([shutil.which("git") or "git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
    script = "\n".join(block.text for block in BLOCKS if not block.note)
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:  # the page's port may be taken here
        script = script.replace("18080", str(listener.getsockname()[1]))
    environment = {name: value for name, value in os.environ.items() if name in OURS or name.startswith("PIP_")}
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=clone,
        env=environment,
        capture_output=True,
        encoding="utf-8",
        timeout=1400,
        check=False,
    )
    said = f"{done.stdout}\n{done.stderr}"
    assert done.returncode == 0, said
    assert "fetched 250 titles" in done.stdout
    assert "stopped" in done.stdout
    assert "continuing the unfinished run" in done.stdout
    assert done.stdout.count("csv and postgres hold the same") == 2
    assert (clone / "data" / "small" / "site" / "index.html").exists()
    assert (clone / "data" / "export" / "movies.parquet").exists()
    assert "* DATA_DIR" not in done.stdout, "settings were left behind in the environment"


def test_what_is_not_run_is_marked_and_is_the_real_site_alone() -> None:
    assert [block.note for block in BLOCKS if block.note] == ["not-in-the-test"]
    assert BLOCKS[-1].note

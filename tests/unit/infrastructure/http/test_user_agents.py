"""What routes say they are."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import pytest

from infrastructure.http import route
from infrastructure.http.route import PLAIN, UserAgents


def test_common_browsers_of_desktops_are_named() -> None:
    agents, chance = UserAgents(), random.Random(1)
    picked = {agents.pick(chance) for _ in range(30)}

    assert len(picked) > 5
    assert all(agent.startswith("Mozilla/5.0") and "Mobile" not in agent for agent in picked)


@pytest.mark.parametrize("content", [None, b"", b"no JSON\n", b'{"useragent": 1}\n'])
def test_without_a_list_the_program_names_itself(
    content: bytes | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    import fake_useragent.utils

    listed = tmp_path / "browsers.jsonl"
    if content is not None:
        listed.write_bytes(content)
    monkeypatch.setattr(fake_useragent.utils, "find_browser_json_path", lambda: listed)
    agents = UserAgents()

    assert {agents.pick(random.Random()) for _ in range(3)} == {PLAIN}
    assert caplog.text.count("has no list of browsers") == 1


def test_without_the_package_the_program_names_itself() -> None:
    program = (
        "import sys, random; sys.modules['fake_useragent'] = None\n"
        "from infrastructure.http.route import UserAgents\n"
        "print(UserAgents().pick(random.Random()))"
    )
    root = Path(route.__file__).parents[2]

    done = subprocess.run([sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=True)

    assert done.stdout.strip() == PLAIN


def test_nothing_slow_is_loaded_with_the_network_layer() -> None:
    program = "import sys, infrastructure.http\nprint(*{'stem', 'fake_useragent', 'graphql'} & set(sys.modules))"
    root = Path(route.__file__).parents[2]

    done = subprocess.run([sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=True)

    assert done.stdout.strip() == ""

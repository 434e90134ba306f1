"""``settings``: values in force, secrets masked."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from infrastructure.cli.app import program
from infrastructure.cli.settings import PARTS, in_force
from shared.settings import Settings, describe, load


def test_values_in_force_are_shown_and_changed_ones_marked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAX_THREADS", "7")
    monkeypatch.setenv("RESPECT_ROBOTS", "false")
    result = CliRunner().invoke(program(), ["settings", "--data-dir", "elsewhere"])
    assert result.exit_code == 0, result.output
    lines = {line[2:].split(" ")[0]: line for line in result.output.splitlines() if line[2:3].isupper()}
    assert set(lines) >= {setting.name for setting in describe()}
    assert lines["MAX_THREADS"].split() == ["*", "MAX_THREADS", "7"]
    assert lines["RESPECT_ROBOTS"].split() == ["*", "RESPECT_ROBOTS", "false"]
    assert lines["DATA_DIR"].split() == ["*", "DATA_DIR", "elsewhere"]
    assert lines["POSTGRES_POOL_SIZE"].split() == ["POSTGRES_POOL_SIZE", "10"]


def test_no_secret_is_shown() -> None:
    secrets = [setting.name for setting in describe() if setting.secret]
    loaded = load({name: f"secret of {name}" for name in secrets})
    shown = "\n".join(in_force(loaded.settings))
    assert "secret of" not in shown
    assert shown.count("***") == len(secrets) > 3


def test_defaults_are_not_marked() -> None:
    assert not [line for line in in_force(Settings()) if line.startswith("*")]


def test_the_parts_begin_with_settings_that_exist_in_their_order() -> None:
    names = [setting.name for setting in describe()]
    assert names[0] in PARTS
    assert [name for name in names if name in PARTS] == list(PARTS)


def test_bad_settings_are_told_before_anything_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAX_THREADS", "0")
    result = CliRunner().invoke(program(), ["settings"])
    assert result.exit_code == 2
    assert "MAX_THREADS: '0' is not allowed" in result.output

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.secret import Secret
from shared.settings import Settings, SettingsError, describe, load


def test_defaults_need_no_environment() -> None:
    settings = load({}).settings
    assert settings == Settings()
    assert (settings.max_threads, settings.base_url, settings.postgres_pool_size) == (50, "https://www.imdb.com", 10)


def test_the_environment_beats_the_env_file_and_empty_means_default(tmp_path: Path) -> None:
    env_file = tmp_path / ".env"
    env_file.write_text("MAX_THREADS=7\nPOSTGRES_POOL_SIZE=3\nDETAIL_SOURCE=\n", encoding="utf-8")
    settings = load({"MAX_THREADS": "9"}, env_file).settings
    assert (settings.max_threads, settings.postgres_pool_size, settings.detail_source) == (9, 3, "auto")


def test_every_bad_value_is_named_with_what_is_allowed() -> None:
    with pytest.raises(SettingsError) as refused:
        load({"MAX_THREADS": "0", "RESPECT_ROBOTS": "maybe", "DETAIL_SOURCE": "ftp", "BASE_URL": "imdb"})
    assert refused.value.problems == (
        "BASE_URL: 'imdb' is not allowed; allowed: http:// or https:// address",
        "DETAIL_SOURCE: 'ftp' is not allowed; allowed: auto, page, graphql",
        "MAX_THREADS: '0' is not allowed; allowed: whole number from 1",
        "RESPECT_ROBOTS: 'maybe' is not allowed; allowed: true or false",
    )


def test_settings_of_a_script_are_held_to_the_same_rules() -> None:
    Settings()
    with pytest.raises(SettingsError) as refused:
        Settings(max_threads=0, detail_source="ftp", postgres_password="hunter2")  # type: ignore[arg-type]
    assert refused.value.problems == (
        "DETAIL_SOURCE: 'ftp' is not allowed; allowed: auto, page, graphql",
        "MAX_THREADS: 0 is not allowed; allowed: whole number from 1",
        "POSTGRES_PASSWORD: its value is not allowed; allowed: text",
    )
    with pytest.raises(SettingsError, match="MAX_THREADS: -3"):
        msgspec.structs.replace(Settings(), max_threads=-3)


def test_too_many_threads_are_capped_with_both_numbers_named() -> None:
    loaded = load({"MAX_THREADS": "500"})
    assert loaded.settings.threads == 200
    assert loaded.warnings == ("MAX_THREADS=500 is more than this program uses; it goes on with 200",)


def test_an_unknown_name_in_the_env_file_is_answered_with_the_nearest(tmp_path: Path) -> None:
    env_file = tmp_path / ".env"
    env_file.write_text("MAX_THREDS=7\n", encoding="utf-8")
    assert load({}, env_file).warnings == (
        f"{env_file}: MAX_THREDS is no setting of this program; did you mean MAX_THREADS?",
    )


def test_unknown_names_in_the_environment_are_not_ours_to_judge() -> None:
    assert load({"MAX_THREDS": "7"}).warnings == ()


def test_a_secret_can_come_from_a_file_and_never_shows(tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text("hunter2\n", encoding="utf-8")
    settings = load({"POSTGRES_PASSWORD_FILE": str(secret)}).settings
    assert settings.postgres_password.reveal() == "hunter2"
    assert "hunter2" not in repr(settings)
    assert "hunter2" not in f"{settings.postgres_password}"


def test_a_secret_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="TOR_PASSWORD_FILE: cannot read"):
        load({"TOR_PASSWORD_FILE": str(tmp_path / "nowhere")})


def test_the_command_line_beats_both() -> None:
    assert load({"DATA_DIR": "a"}, data_dir=Path("b"), base_url=None).settings.data_dir == Path("b")


def test_secrets_are_equal_by_text_and_empty_is_false() -> None:
    assert Secret("a") == Secret("a") != Secret("b")
    assert not Secret("")


@given(name=st.sampled_from([setting.name for setting in describe()]), value=st.text(max_size=20))
def test_any_value_is_taken_or_refused_by_name(name: str, value: str) -> None:
    problems: tuple[str, ...] = ()
    try:
        load({name: value})
    except SettingsError as refused:
        problems = refused.problems
    assert all(problem.startswith(f"{name}: ") for problem in problems)

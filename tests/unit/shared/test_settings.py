from __future__ import annotations

import os
from collections.abc import Callable
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
        "DETAIL_SOURCE: 'ftp' is not allowed; allowed: auto, page, graphql, datasets",
        "MAX_THREADS: '0' is not allowed; allowed: whole number from 1",
        "RESPECT_ROBOTS: 'maybe' is not allowed; allowed: true or false",
    )


def test_settings_of_a_script_are_held_to_the_same_rules() -> None:
    Settings()
    with pytest.raises(SettingsError) as refused:
        Settings(max_threads=0, detail_source="ftp", postgres_password="hunter2")  # type: ignore[arg-type]
    assert refused.value.problems == (
        "DETAIL_SOURCE: 'ftp' is not allowed; allowed: auto, page, graphql, datasets",
        "MAX_THREADS: 0 is not allowed; allowed: whole number from 1",
        "POSTGRES_PASSWORD: its value is not allowed; allowed: text",
    )
    with pytest.raises(SettingsError, match="MAX_THREADS: -3"):
        msgspec.structs.replace(Settings(), max_threads=-3)


def test_too_many_threads_are_capped_with_both_numbers_named() -> None:
    loaded = load({"MAX_THREADS": "500"})
    assert loaded.settings.threads == 200
    assert loaded.warnings == ("MAX_THREADS=500 is more than this program uses; it continues with 200",)


def test_an_unknown_name_in_the_env_file_is_answered_with_the_nearest(tmp_path: Path) -> None:
    env_file = tmp_path / ".env"
    env_file.write_text("MAX_THREDS=7\n", encoding="utf-8")
    assert load({}, env_file).warnings == (
        f"{env_file}: MAX_THREDS is not a setting of this program; did you mean MAX_THREADS?",
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


def _env(tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / ".env"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le-bom"])
def test_an_env_file_of_any_unicode_encoding(tmp_path: Path, encoding: str) -> None:
    text = "MAX_THREADS=7\r\nPROXY_USER=José\r\n"
    content = b"\xff\xfe" + text.encode("utf-16-le") if encoding == "utf-16-le-bom" else text.encode(encoding)
    settings = load({}, _env(tmp_path, content)).settings
    assert (settings.max_threads, settings.proxy_user) == (7, "José")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"MAX_THREADS=7\nPROXY_USER=Jos\xe9\n", "line 2: not UTF-8; save the file as UTF-8"),
        (b"A=1\n\nMAX_THREADS: 7\n", "line 3: not an assignment; write NAME=value, and close every quote"),
        (b'# comment\n\n\nPOSTGRES_USER="abc\nBACKOFF_FACTOR=3\n', "line 4: not an assignment"),
        (b"export MAX_THREADS\n", "line 1: not an assignment"),
        ("MAX_THREADS=7\n".encode("utf-16-le"), "line 1: a NUL character"),
    ],
)
def test_a_line_of_the_env_file_that_cannot_be_used_is_an_error(tmp_path: Path, content: bytes, problem: str) -> None:
    path = _env(tmp_path, content)
    with pytest.raises(SettingsError) as refused:
        load({}, path)
    assert refused.value.problems[0].startswith(f"{path}, {problem}")


@pytest.mark.parametrize("make", [Path.mkdir, lambda path: path.symlink_to("nowhere")], ids=["folder", "link"])
def test_an_env_file_that_is_there_and_cannot_be_read_is_an_error(tmp_path: Path, make: Callable[[Path], None]) -> None:
    path = tmp_path / ".env"
    make(path)
    with pytest.raises(SettingsError, match=r"\.env: cannot be read: (Is a directory|No such file)"):
        load({}, path)


def test_values_that_the_locale_could_not_decode_are_utf_8() -> None:
    undecoded = "naïve".encode().decode("ascii", "surrogateescape")
    settings = load({"PROXY_USER": undecoded, "TOR_PASSWORD": undecoded, "DATA_DIR": undecoded}).settings
    assert (settings.proxy_user, settings.tor_password.reveal()) == ("naïve", "naïve")
    assert os.fsencode(settings.data_dir) == "naïve".encode()
    with pytest.raises(SettingsError, match=r"^TOR_PASSWORD: its value is not UTF-8$"):
        load({"TOR_PASSWORD": "na\udcefve"})


@pytest.mark.parametrize("value", ["日本", "a\r\nX-Other: b"])
def test_a_value_of_a_header_is_ascii(value: str) -> None:
    with pytest.raises(SettingsError, match=r"GRAPHQL_REFERER: .* is not allowed; allowed: text of ASCII characters"):
        load({"GRAPHQL_REFERER": value})


def test_a_character_that_does_not_show_is_escaped_in_an_unknown_name(tmp_path: Path) -> None:
    (warning,) = load({}, _env(tmp_path, "\u200bMAX_THREADS=7\n".encode())).warnings
    assert warning.endswith(r".env: \u200bMAX_THREADS is not a setting of this program; did you mean MAX_THREADS?")


def test_variables_are_replaced_in_values_but_never_in_secrets(tmp_path: Path) -> None:
    path = _env(
        tmp_path,
        b"NAME=films\nDATA_DIR=${HOME}/${NAME}\nPOSTGRES_PASSWORD=pa${HOME}ss\nPROXY_USER=${NOWHERE:-nobody}\n",
    )
    settings = load({"HOME": "/somewhere/a"}, path).settings
    assert settings.data_dir == Path("/somewhere/a/films")
    assert settings.postgres_password.reveal() == "pa${HOME}ss"
    assert settings.proxy_user == "nobody"


def test_a_secret_file_that_is_not_text_is_named(tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_bytes(b"p\xe9ss\n")
    with pytest.raises(SettingsError, match=r"POSTGRES_PASSWORD_FILE: .*password, line 1: not UTF-8"):
        load({"POSTGRES_PASSWORD_FILE": str(secret)})
    secret.write_bytes("pässword\r\n".encode("utf-16"))
    assert load({"POSTGRES_PASSWORD_FILE": str(secret)}).settings.postgres_password.reveal() == "pässword"


def test_user_information_of_an_address_is_a_secret() -> None:
    settings = load({"BASE_URL": "http://user:s3cr3t@a.invalid/", "GRAPHQL_URL": "http://u:0ther@a.invalid/g"}).settings
    assert settings.site == "http://a.invalid"
    assert settings.graphql == "http://a.invalid/g"
    assert {secret.reveal() for secret in settings.secrets()} == {"s3cr3t", "0ther"}


def test_the_parts_of_a_notification_address_are_secrets() -> None:
    addresses = "json://user:s3cr3t@mail.example:8080/ discord://42/t0ken-of-it?format=markdown"
    parts = {secret.reveal() for secret in load({"NOTIFY_URLS": addresses}).settings.secrets()}
    assert parts == {addresses, "s3cr3t", "t0ken-of-it"}


@pytest.mark.parametrize("name", ["SITE_URL", "EXIT_ADDRESS_URL", "BASE_URL"])
def test_a_refused_address_does_not_show_its_password(name: str) -> None:
    address = "user:s3cr3t@a.invalid" if name == "BASE_URL" else "http://user:s3cr3t@a.invalid"
    with pytest.raises(SettingsError) as refused:
        load({name: address})
    (problem,) = refused.value.problems
    assert problem.startswith(f"{name}: its value is not allowed; allowed: http:// or https:// address")


@pytest.mark.parametrize("address", ["https://a.invalid", "http://a.invalid:8080/b/@c", "http://[::1]:80/", ""])
def test_public_addresses_are_taken(address: str) -> None:
    assert load({"SITE_URL": address}).settings.site_url == address

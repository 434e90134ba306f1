"""The container files, as far as they can be tested without an engine."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from shared.settings import describe, load
from tests.conftest import ROOT
from tests.integration.dockerfile import Stage, stages

DOCKER = ROOT / "docker"
DOCKERFILES = [DOCKER / "Dockerfile", DOCKER / "tor" / "Dockerfile"]
PROGRAM_FILES = {"main.py", "domain", "application", "infrastructure", "shared"}


def _tool(name: str) -> str:
    return str(Path(sys.executable).with_name(name))


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = YAML(typ="safe").load((DOCKER / "compose.yaml").read_text(encoding="utf-8"))
    return loaded


@pytest.fixture(scope="module")
def program() -> Stage:
    (stage,) = [stage for stage in stages(DOCKERFILES[0]) if stage.name == "program"]
    return stage


@pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=lambda path: path.parent.name)
def test_hadolint_has_nothing_to_say(dockerfile: Path) -> None:
    done = subprocess.run([_tool("hadolint"), "--no-color", dockerfile], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_compose_file_follows_the_specification() -> None:
    check = [_tool("check-jsonschema"), "--builtin-schema", "vendor.compose-spec", str(DOCKER / "compose.yaml")]
    done = subprocess.run(check, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


# --- the image ------------------------------------------------------------------------------------


@pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=lambda path: path.parent.name)
def test_images_are_named_by_their_full_version(dockerfile: Path) -> None:
    own = {stage.name for stage in stages(dockerfile)}
    foreign = [stage.image for stage in stages(dockerfile) if stage.image not in own]
    assert foreign
    for image in foreign:
        assert re.fullmatch(r"\w+:(\d+\.\d+\.\d+|\w+-\d{8})-\w+(-\w+)?", image), image


@pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=lambda path: path.parent.name)
def test_no_image_runs_as_root_or_carries_a_secret(dockerfile: Path) -> None:
    users = [user for stage in stages(dockerfile) for user in stage.all("USER")]
    assert users
    assert all(re.fullmatch(r"[1-9]\d*:[1-9]\d*", user) for user in users)
    secrets = [setting.name for setting in describe() if setting.secret]
    for stage in stages(dockerfile):
        handed = " ".join(stage.all("ENV") + stage.all("ARG"))
        assert not any(name in handed for name in secrets)


def test_the_image_says_what_it_is_how_it_feels_and_how_it_is_stopped(program: Stage) -> None:
    (labels,) = program.all("LABEL")
    for label in ("title", "description", "licenses", "version", "revision", "created"):
        assert f"org.opencontainers.image.{label}=" in labels
    assert program.all("HEALTHCHECK")
    assert program.all("STOPSIGNAL") == ["SIGTERM"]
    assert program.all("ENTRYPOINT") == ['["python", "main.py"]'], "a shell in between would swallow the signal"


def test_the_whole_program_is_copied_and_the_build_context_holds_it(program: Stage) -> None:
    sources = {source for source, _ in program.copied()}
    assert sources > PROGRAM_FILES
    allowed = {
        line[1:].rstrip("/")
        for line in (DOCKER / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
        if line.startswith("!")
    }
    for stage in stages(DOCKERFILES[0]):
        for source, _ in stage.copied():
            assert (ROOT / source).exists()
            assert source in allowed or (source.startswith("requirements") and "requirements*.txt" in allowed)


@pytest.mark.long
def test_the_copied_files_are_enough_to_run(program: Stage, tmp_path: Path) -> None:
    """What the Dockerfile copies, compiled as it says, in an empty folder and with its environment alone."""
    for source, target in program.copied():
        destination = tmp_path / "app" / (target if target != "./" else source)
        if (ROOT / source).is_dir():
            shutil.copytree(ROOT / source, destination, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            destination.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / source, destination)
    app = tmp_path / "app"
    subprocess.run([sys.executable, "-m", "compileall", "-q", "."], cwd=app, check=True)
    environment = program.environment() | {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    environment |= {"DATA_DIR": str(tmp_path / "data"), "PYTHONDONTWRITEBYTECODE": "1"}
    for folder in sorted(app.rglob("*"), reverse=True):
        folder.chmod(0o555 if folder.is_dir() else 0o444)

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "main.py", *arguments]
        return subprocess.run(command, cwd=app, env=environment, capture_output=True, text=True, check=False)

    healthy = run("status", "--quiet")
    assert (healthy.returncode, healthy.stderr) == (0, "")
    demo = run("scrape", "--demo", "--limit", "3")
    assert demo.returncode == 0, demo.stderr
    assert "fetched 3 titles" in demo.stdout
    assert run("status", "--json").returncode == 0


# --- the compose file -----------------------------------------------------------------------------


def test_postgres_18_has_its_volume_where_the_image_wants_it(compose: dict[str, Any]) -> None:
    postgres = compose["services"]["postgres"]
    assert re.fullmatch(r"postgres:18\.\d+-\w+", postgres["image"])
    assert postgres["volumes"] == ["postgres-data:/var/lib/postgresql"]
    assert "postgres-data" in compose["volumes"]
    assert "pg_isready" in postgres["healthcheck"]["test"]


def test_the_scraper_waits_for_health_writes_to_a_folder_and_has_time_to_stop(compose: dict[str, Any]) -> None:
    for name in ("scraper", "schedule", "tor-scraper", "tor-schedule"):
        service = compose["services"][name]
        assert service["depends_on"]["postgres"]["condition"] == "service_healthy"
        assert [volume for volume in service["volumes"] if volume.endswith(":/data")]
        assert re.fullmatch(r"\d+m", service["stop_grace_period"])
        assert service["environment"]["DATA_DIR"] == "/data"


def test_only_scraper_and_postgres_start_by_themselves(compose: dict[str, Any]) -> None:
    profiles = {name: service.get("profiles") for name, service in compose["services"].items()}
    assert profiles.pop("postgres") is profiles.pop("scraper") is None
    assert {profile for profile in profiles.values() for profile in profile or ["none"]} == {
        "tor", "schedule", "demo", "dask", "web",
    }  # fmt: skip


def test_nothing_is_open_to_the_host(compose: dict[str, Any]) -> None:
    open_to_it = {name: service["ports"] for name, service in compose["services"].items() if "ports" in service}
    assert open_to_it == {"web": ["127.0.0.1:${WEB_PORT:-8000}:8080"]}
    assert compose["services"]["web"]["networks"] == ["web"]
    internal = {name for name, network in compose["networks"].items() if network and network.get("internal")}
    assert {"store", "tor", "demo", "dask"} <= internal
    assert compose["services"]["postgres"]["networks"] == ["store"]


def test_every_container_of_ours_has_given_up_its_privileges(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        assert service["security_opt"] == ["no-new-privileges:true"], name
        if name != "postgres":  # its entry point starts as root and steps down by itself
            assert service["cap_drop"] == ["ALL"], name
            assert service["read_only"] is True, name
            assert service["user"].startswith("${RUN_AS:-1000:"), name


def test_every_service_has_a_memory_limit_and_its_log_is_rotated(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        assert "mem_limit" in service, name
        assert service["logging"]["options"]["max-size"] == "10m", name


def _crontab(folder: Path, schedule: str) -> Path:
    """What the entry point of the image writes for supercronic, which it then starts."""
    stage = (DOCKER / "Dockerfile").read_text(encoding="utf-8").partition("AS schedule\n")[2].partition("\nFROM ")[0]
    assert 'ENV SCHEDULE="7 4 * * *"' in stage
    (entrypoint,) = re.findall(r"^ENTRYPOINT (.+)$", stage, re.MULTILINE)
    crontab = folder / "crontab"
    line = [word.replace("/tmp/crontab", str(crontab)) for word in json.loads(entrypoint)]
    supercronic = folder / "supercronic"
    supercronic.write_text('#!/bin/sh\necho "$@"\n')
    supercronic.chmod(0o755)
    there = {"SCHEDULE": schedule, "PATH": f"{folder}:{os.environ['PATH']}"}
    done = subprocess.run(line, env=there, capture_output=True, text=True, check=True)
    assert done.stdout == f"-passthrough-logs {crontab}\n"
    return crontab


def test_the_schedule_comes_from_the_environment(compose: dict[str, Any], tmp_path: Path) -> None:
    service = compose["services"]["schedule"]
    assert service["environment"]["SCHEDULE"] == "${SCHEDULE:-7 4 * * *}"
    assert service["environment"]["TZ"] == "${TZ:-UTC}"
    assert _crontab(tmp_path, "5 6 * * 1").read_text() == "5 6 * * 1 cd /app && python main.py scrape\n"


@pytest.mark.parametrize(("schedule", "taken"), [("7 4 * * *", True), ("7 44 * * *", False)])
def test_cron_takes_the_line_of_the_schedule(tmp_path: Path, schedule: str, taken: bool) -> None:
    if not shutil.which("crontab"):
        pytest.skip("cron is not installed")
    done = subprocess.run(["crontab", "-n", _crontab(tmp_path, schedule)], capture_output=True, check=False)
    assert (done.returncode == 0) == taken


def test_dask_is_reached_by_the_scraper_alone_and_has_the_ways_out_it_needs(compose: dict[str, Any]) -> None:
    services = compose["services"]
    scraper, scheduler, worker = (services[f"dask-{name}"] for name in ("scraper", "scheduler", "worker"))
    assert {each["image"] for each in (scraper, scheduler, worker)} == {"filmledger-dask:0.1.0"}, "the same versions"
    assert scheduler["networks"] == ["dask"]
    assert set(worker["networks"]) == set(scraper["networks"]) - {"store"}
    for part in (scheduler, worker):
        assert (part["entrypoint"], part["secrets"], part["volumes"], part["environment"]) == (["dask"], [], [], {})
        assert part["env_file"] == []
    address = scraper["command"][scraper["command"].index("--cluster") + 1]
    assert worker["command"][1] == address == "tcp://dask-scheduler:8786"
    assert "8786" in scheduler["command"]
    assert worker["depends_on"]["dask-scheduler"]["condition"] == "service_healthy"


@pytest.mark.long
@pytest.mark.parametrize("part", ["scheduler", "worker"])
def test_dask_knows_every_option_it_is_given(compose: dict[str, Any], part: str) -> None:
    options = [word for word in compose["services"][f"dask-{part}"]["command"] if word.startswith("--")]
    known = subprocess.run([_tool("dask"), part, "--help"], capture_output=True, text=True, check=True).stdout
    assert options
    assert [option for option in options if option not in re.split(r"[\s/,]+", known)] == []


@pytest.mark.long
def test_the_scheduler_counts_as_healthy_once_it_listens(compose: dict[str, Any], tmp_path: Path) -> None:
    service = compose["services"]["dask-scheduler"]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    check = [sys.executable, *(word.replace("8786", port) for word in service["healthcheck"]["test"][2:])]
    assert subprocess.run(check, capture_output=True, check=False).returncode == 1
    command = [word.replace("8786", port) for word in service["command"]]
    command[command.index("--host") + 1] = "127.0.0.1"
    with (tmp_path / "log").open("wb") as log:
        scheduler = subprocess.Popen([_tool("dask"), *command], cwd=tmp_path, stdout=log, stderr=log)
    try:
        while subprocess.run(check, capture_output=True, check=False).returncode:
            assert scheduler.poll() is None, (tmp_path / "log").read_text(encoding="utf-8")
    finally:
        scheduler.kill()
        scheduler.wait()


def test_secrets_come_from_files_and_stand_nowhere(compose: dict[str, Any]) -> None:
    secret = {setting.name for setting in describe() if setting.secret}
    for service in compose["services"].values():
        environment = service.get("environment", {})
        assert not secret & set(environment)
        for name, value in environment.items():
            if name.endswith("_FILE"):
                assert value.removeprefix("/run/secrets/") in service["secrets"]
    assert all("file" in entry for entry in compose["secrets"].values())
    assert "secrets/" in (DOCKER / ".gitignore").read_text(encoding="utf-8").splitlines()


def test_the_password_of_tor_is_for_services_of_its_profile_alone(compose: dict[str, Any]) -> None:
    given = {name for name, service in compose["services"].items() if "tor_password" in service.get("secrets", [])}
    assert given == {name for name, service in compose["services"].items() if service.get("profiles") == ["tor"]}
    assert given == {"tor", "tor-scraper", "tor-schedule"}
    for name in ("tor-scraper", "tor-schedule"):
        service = compose["services"][name]
        assert service["environment"]["USE_TOR"] == "true"
        assert service["depends_on"]["tor"]["condition"] == "service_healthy"
        assert "tor" in service["networks"]


def test_the_program_knows_every_setting_it_is_handed(compose: dict[str, Any]) -> None:
    known = {setting.name for setting in describe()} | {f"{each.name}_FILE" for each in describe() if each.secret}
    known |= {"TZ", "SCHEDULE"}  # for the C library and for the line below
    for name, service in compose["services"].items():
        if service.get("build", {}).get("context") == "..":
            assert set(service["environment"]) <= known, name


def test_what_services_name_is_declared(compose: dict[str, Any]) -> None:
    for service in compose["services"].values():
        assert set(service["networks"]) <= set(compose["networks"])
        assert set(service.get("secrets", [])) <= set(compose["secrets"])
        assert set(service.get("depends_on", {})) <= set(compose["services"])
        if build := service.get("build"):
            dockerfile = DOCKER / build["context"] / build.get("dockerfile", "Dockerfile")
            names = {stage.name for stage in stages(dockerfile)}
            assert build.get("target", "") in names | {""}


def test_the_demo_is_a_project_of_its_own_with_settings_the_program_takes() -> None:
    lines = (DOCKER / "demo.env").read_text(encoding="utf-8").splitlines()
    values = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    assert values["COMPOSE_PROFILES"] == "demo"
    assert values["COMPOSE_PROJECT_NAME"] != "filmledger"
    text = (DOCKER / "compose.yaml").read_text(encoding="utf-8")
    for name in values:
        assert name.startswith("COMPOSE_") or f"${{{name}:-" in text
    loaded = load({}, DOCKER / values["SETTINGS_FILE"])
    assert (loaded.settings.base_url, loaded.warnings) == ("http://demo:8080", ())

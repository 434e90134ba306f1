"""Every command that prints JSON keeps to its schema in docs/schemas."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from jsonschema import Draft202012Validator, FormatChecker  # type: ignore[import-untyped]

from infrastructure.demo.process import DemoOptions, DemoProcess
from infrastructure.stores.embedded.server import EmbeddedServer
from tests.conftest import ROOT
from tests.e2e.conftest import Program
from tests.support.demo_control import DemoControl

pytestmark = pytest.mark.long
SCHEMAS = ROOT / "docs" / "schemas"
COUNT = 12


@pytest.fixture(scope="module")
def site() -> Iterator[DemoProcess]:
    with DemoProcess(DemoOptions(count=COUNT, page_kb=0)) as process:
        yield process


@pytest.fixture(scope="module")
def program(site: DemoProcess, tmp_path_factory: pytest.TempPathFactory) -> Program:
    return Program(tmp_path_factory.mktemp("json") / "data", {"BASE_URL": site.url, "BACKOFF_FACTOR": "0.01"})


@pytest.fixture(scope="module")
def scraped(program: Program, site: DemoProcess) -> Iterator[dict[str, Any]]:
    """A run in which one title does not exist."""
    missing = DemoControl(site.url).ids()[3]
    DemoControl(site.url).faults([f"{missing}=404"])
    out = program.run("--limit", str(COUNT), "--json", code=1).stdout
    DemoControl(site.url).faults([])
    with EmbeddedServer(program.data_dir / "postgres"):  # up for all commands
        yield checked("run", out)


def checked(schema: str, text: str) -> Any:
    assert text.endswith("\n")
    value = json.loads(text)
    rules = json.loads((SCHEMAS / f"{schema}.json").read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(rules)
    Draft202012Validator(rules, format_checker=FormatChecker()).validate(value)
    return value


def test_a_run(scraped: dict[str, Any], program: Program) -> None:
    (run,) = scraped["runs"]
    assert scraped["data_dir"] == str(program.data_dir)
    assert (run["work"], run["ended"], run["fetched"], run["failed"]) == ("scrape", "finished", COUNT - 1, 1)
    assert run["failed_by_reason"] == {"NotFound": 1}
    assert len(run["failures"]) == 1


@pytest.mark.usefixtures("scraped")
@pytest.mark.parametrize("work", ["posters", "people"])
def test_runs_after_it(program: Program, work: str) -> None:
    limit = ("--limit", "1") if work == "people" else ()
    (run,) = checked("run", program.run(work, *limit, "--json").stdout)["runs"]
    assert run["work"] == work
    assert run["fetched"]


@pytest.mark.usefixtures("scraped")
def test_status(program: Program, tmp_path: Path) -> None:
    status = checked("status", program.run("status", "--json").stdout)
    assert (status["completed"], status["failed"], status["pending"]) == (COUNT - 1, 1, 0)
    assert checked("status", Program(tmp_path / "none").run("status", "--json").stdout) is None


@pytest.mark.usefixtures("scraped")
def test_verify(program: Program) -> None:
    report = checked("verify", program.run("verify", "--json").stdout)
    assert (report["equal"], report["complete"], report["stores"]) == (True, True, ["csv", "postgres"])
    assert [table["table"] for table in report["tables"]][:3] == ["movies", "people", "credits"]


@pytest.mark.long
@pytest.mark.usefixtures("scraped")
def test_verify_lists_differences_and_repairs(program: Program) -> None:
    path = program.data_dir / "movies.csv"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("movie", "video", 1) if "movie," in text else text[: len(text) // 2], encoding="utf-8")
    report = checked("verify", program.run("verify", "--json", "--all", code=1).stdout)
    assert not report["equal"]
    assert report["differences"]
    assert checked("verify", program.run("verify", "--json", "--repair").stdout)["repairs"]


def test_doctor(program: Program) -> None:
    report = checked("doctor", program.run("doctor", "--json").stdout)
    assert report["ok"]
    subjects = [check["subject"] for check in report["checks"]]
    assert subjects[:3] == ["data directory", "disk", "clock"]
    assert {"database", "robots.txt", "route direct"} <= set(subjects)
    assert subjects[-3:] == ["pages", "GraphQL", "what to use"]  # no data files: their server is not on this machine
    elsewhere = Program(program.data_dir, {"BASE_URL": "http://127.0.0.1:1"})
    assert not checked("doctor", elsewhere.run("doctor", "--json", code=1).stdout)["ok"]


def test_settings_with_secrets_masked(program: Program) -> None:
    secret = Program(program.data_dir, {"POSTGRES_PASSWORD": "hunter2hunter2", "MAX_THREADS": "7"})
    out = secret.run("settings", "--json").stdout
    assert "hunter2" not in out
    values = {setting["name"]: setting for setting in checked("settings", out)}
    assert values["POSTGRES_PASSWORD"]["value"] == "***"
    assert (values["MAX_THREADS"]["value"], values["MAX_THREADS"]["changed"]) == (7, True)


@pytest.mark.long
@pytest.mark.usefixtures("scraped")
def test_publish(program: Program, tmp_path: Path) -> None:
    report = checked("publish", program.run("publish", "--json", "--out", str(tmp_path / "site")).stdout)
    assert report["written"] > 10
    assert not [step for step in report["steps"] if step["error"]]


@pytest.mark.usefixtures("scraped")
def test_sql_and_reports(program: Program) -> None:
    rows = checked("sql", program.run("sql", "--json", "select title, rating from movies limit 2").stdout)
    assert [sorted(row) for row in rows] == [["rating", "title"]] * 2
    names = program.run("report", "--list").stdout.split()
    reports = checked("report", program.run("report", "--json").stdout)
    assert [report["report"] for report in reports] == names


@pytest.mark.usefixtures("scraped")
def test_history(program: Program) -> None:
    (run,) = checked("history", program.run("history", "--json").stdout)
    assert (run["subject"], run["asked"], run["saved"], run["failed"]) == ("top250", COUNT, COUNT - 1, 1)
    assert run["outcome"] == "with failures"
    assert run["seconds"] > 0
    assert run["started_at"].endswith("Z"), "RFC 3339"
    moment = datetime.fromisoformat(run["started_at"]).replace(microsecond=0)
    local = moment.astimezone(ZoneInfo("Asia/Kolkata")).isoformat(" ").replace("+", " +")
    table = program.run("history", "--format", "table", TZ="Asia/Kolkata").stdout.splitlines()
    assert re.fullmatch(rf"{re.escape(local)} │ top250  │ +\S+ s │ {COUNT - 1} of {COUNT} │ 1 failed", table[-1])
    (header, row) = csv.reader(io.StringIO(program.run("history").stdout))
    assert dict(zip(header, row, strict=True))["outcome"] == "with failures"
    sqlite = Program(program.data_dir.parent / "sqlite", {**program.environment, "STORES": "sqlite"})
    sqlite.run("--limit", "2")
    assert checked("history", sqlite.run("history", "--json").stdout)[0]["outcome"] == "finished"


@pytest.mark.usefixtures("scraped")
def test_since_before_there_are_two_runs_is_one_line(program: Program) -> None:
    refused = program.run("report", "--since", "7d", code=2).stderr
    assert refused == "filmledger: --since needs two complete runs of a chart, and there is no complete run\n"


@pytest.mark.usefixtures("scraped")
def test_one_piped_report_is_csv_and_several_are_tables(program: Program) -> None:
    (header, *rows) = csv.reader(io.StringIO(program.run("report", "genre_shares").stdout))
    assert header[0] == "genre"
    assert rows
    assert all(len(row) == len(header) for row in rows)
    assert "│" in program.run("report", "genre_shares", "ratings_by_year").stdout


def test_every_schema_is_tested_here() -> None:
    tested = Path(__file__).read_text(encoding="utf-8")
    names = [path.stem for path in SCHEMAS.glob("*.json")]
    assert names
    assert not [name for name in names if f'checked("{name}"' not in tested]

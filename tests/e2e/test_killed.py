"""Pulling the plug: whatever dies, the next run leaves every title once, whole, in both stores."""

from __future__ import annotations

import csv
import io
import json
import os
import random
import shutil
import signal
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import psutil
import pytest

from infrastructure.demo.process import DemoOptions, DemoProcess
from tests.e2e.conftest import Program
from tests.e2e.test_scrape import same_in_both_stores
from tests.integration.postgres.waiting import wait_until
from tests.support.demo_control import DemoControl

COUNT = 60


@pytest.fixture
def slow_site() -> Iterator[DemoProcess]:
    with DemoProcess(DemoOptions(count=COUNT, page_kb=0, latency=0.03)) as process:
        yield process


@pytest.fixture
def slow(tmp_path: Path, slow_site: DemoProcess) -> Program:
    return Program(tmp_path / "data", {"BASE_URL": slow_site.url, "MAX_THREADS": "6"})


def _lines(program: Program, kind: str) -> list[dict[str, object]]:
    """The whole lines of this kind in the job log; a torn last line is none."""
    try:
        text = (program.data_dir / "joblog.jsonl").read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return []
    lines = [line for line in text.splitlines() if f'"kind":"{kind}"' in line and line.endswith("}")]
    return [json.loads(line) for line in lines]


def _wait_for(program: Program, process: subprocess.Popen[str], kind: str, count: int) -> None:
    while len(_lines(program, kind)) < count:
        assert process.poll() is None, process.communicate()


def _kill(process: subprocess.Popen[str], everything: bool) -> None:
    """kill -9, of the program alone or of all it has started as well."""
    family = psutil.Process(process.pid).children(recursive=True) if everything else []
    os.kill(process.pid, signal.SIGKILL)
    for member in family:
        with suppress(psutil.NoSuchProcess):  # gone with the program
            member.kill()
    process.communicate()


def _requests_of_titles(site: DemoProcess) -> Counter[str]:
    paths: dict[str, int] = DemoControl(site.url).log()["paths"]
    return Counter({path: times for path, times in paths.items() if path.startswith("/title/")})


@pytest.mark.parametrize(
    "everything",
    [pytest.param(False, id="program"), pytest.param(True, id="program and database", marks=pytest.mark.long)],
)
def test_a_killed_run_is_continued_and_nothing_is_fetched_twice(
    slow: Program, slow_site: DemoProcess, everything: bool
) -> None:
    process = slow.start("--limit", str(COUNT))
    _wait_for(slow, process, "completed", 20)
    _kill(process, everything)
    completed = {str(line["id"]) for line in _lines(slow, "completed")}

    result = slow.run("--limit", str(COUNT))
    assert "continuing the unfinished run" in result.stdout
    assert len({row["imdb_id"] for row in slow.table("movies")}) == len(slow.table("movies")) == COUNT
    same_in_both_stores(slow)
    fetched = _requests_of_titles(slow_site)
    assert {imdb_id for imdb_id in completed if fetched[f"/title/{imdb_id}/"] > 1} == set()
    assert sum(fetched.values()) <= COUNT + 6  # those in flight when it died


def _rewritten(path: Path, change: Callable[[bytes], bytes]) -> None:
    path.write_bytes(change(path.read_bytes()))


def _quoted(text: bytes) -> bytes:
    rows = list(csv.reader(io.StringIO(text.decode(), newline="")))
    out = io.StringIO(newline="")
    csv.writer(out, quoting=csv.QUOTE_ALL).writerows(rows)
    return out.getvalue().encode()


def _lost(data_dir: Path, name: str) -> None:
    (data_dir / name).unlink()


def _tear_journal(data_dir: Path) -> None:
    for path in sorted((data_dir / ".filmledger").glob("csv-*.jsonl"))[-1:]:  # none just after a merge
        _rewritten(path, lambda text: text[:-30])


EDITS: dict[str, Callable[[Path], None]] = {
    "a byte order mark": lambda data: _rewritten(data / "movies.csv", lambda text: b"\xef\xbb\xbf" + text),
    "other line ends": lambda data: _rewritten(data / "credits.csv", lambda text: text.replace(b"\r\n", b"\n")),
    "all in quotes": lambda data: _rewritten(data / "people.csv", _quoted),
    "a row taken out": lambda data: _rewritten(
        data / "movies.csv",
        lambda text: b"".join(text.splitlines(keepends=True)[:3] + text.splitlines(keepends=True)[4:]),
    ),
    "a torn end": lambda data: _rewritten(data / "movies.csv", lambda text: text[:-30]),
    "a torn journal": lambda data: _tear_journal(data),
    "movies.csv gone": lambda data: _lost(data, "movies.csv"),
    "the database gone": lambda data: shutil.rmtree(data / "postgres"),
}


@pytest.mark.long
@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_what_is_lost_after_a_kill_is_fetched_again_and_nothing_else(
    slow: Program, edit: Callable[[Path], None]
) -> None:
    process = slow.start("--limit", str(COUNT))
    _wait_for(slow, process, "completed", 20)
    _kill(process, everything=True)
    edit(slow.data_dir)
    slow.run("--limit", str(COUNT))
    assert len({row["imdb_id"] for row in slow.table("movies")}) == len(slow.table("movies")) == COUNT
    same_in_both_stores(slow)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(20))
def test_killed_at_any_moment(slow: Program, slow_site: DemoProcess, seed: int) -> None:
    chance = random.Random(seed)
    process = slow.start("--limit", str(COUNT))
    kind, count = chance.choice([("run", 0), ("run", 1), ("job", COUNT)] + [("completed", chance.randrange(COUNT))] * 5)
    _wait_for(slow, process, kind, count)
    process_ended = process.poll() is not None
    if not process_ended:
        _kill(process, everything=seed % 3 == 0)
    slow.run("--limit", str(COUNT), "--quiet")
    assert len({row["imdb_id"] for row in slow.table("movies")}) == len(slow.table("movies")) == COUNT
    assert slow.sql("select count(*), count(distinct imdb_id) from movies") == [(COUNT, COUNT)]
    same_in_both_stores(slow)


@pytest.mark.long
def test_killed_ten_times_in_a_row(slow: Program, slow_site: DemoProcess) -> None:
    chance = random.Random(7)
    completed = 0
    for _ in range(10):
        process = slow.start("--limit", str(COUNT))
        goal = min(COUNT - 1, completed + chance.randrange(8))
        _wait_for(slow, process, "completed", goal)
        _kill(process, everything=chance.random() < 0.3)
        completed = len(_lines(slow, "completed"))
    slow.run("--limit", str(COUNT), "--quiet")
    same_in_both_stores(slow)
    assert len({row["imdb_id"] for row in slow.table("movies")}) == len(slow.table("movies")) == COUNT
    ids = [str(line["id"]) for line in _lines(slow, "completed")]
    assert len(ids) == len(set(ids)) == COUNT


KEYS: dict[str, tuple[str, ...]] = {
    "movies": ("imdb_id",),
    "people": ("person_id",),
    "credits": ("imdb_id", "category", "position"),
    "akas": ("imdb_id", "position"),
    "charts": ("chart", "rank"),
    "my_ratings": ("imdb_id",),
    "ratings_history": ("imdb_id", "day"),
}


def _require_whole_files(data_dir: Path) -> None:
    """A plain reader finds every CSV file sorted, with no key twice, and its rows whole."""
    for path in data_dir.glob("*.csv"):
        assert path.read_bytes().endswith(b"\r\n"), path
        with path.open(encoding="utf-8", newline="") as file:
            header, *rows = csv.reader(file, strict=True)
        assert {len(row) for row in rows} <= {len(header)}, path
        if path.stem in KEYS:
            key = [(header.index(name), name in ("position", "rank")) for name in KEYS[path.stem]]
            keys = [tuple(int(row[place]) if number else row[place].encode() for place, number in key) for row in rows]
            assert all(one < following for one, following in pairwise(keys)), path


def _kill_one(process: subprocess.Popen[str], data_dir: Path, victim: str, chance: random.Random) -> list[str]:
    """kill -9 at a random moment or, each fourth time, while files are being merged; in the end nothing is left.

    Returns:
        What was killed; nothing if the run ended before.
    """
    killed = []
    with suppress(subprocess.TimeoutExpired):
        process.wait(chance.choice([0.3, 1, 3, 6]) * chance.random())
    if chance.random() < 0.25:
        while process.poll() is None and "merge" not in killed:
            killed += ["merge"] * any(data_dir.glob(".*.csv.*"))
    if process.poll() is None and victim in ("postmaster", "backend"):
        members = psutil.Process(process.pid).children(recursive=True)
        servers = [one for one in members if "postgres" in _name(one)]
        above = {one.pid for one in servers}
        chosen = [one for one in servers if (_parent(one) in above) == (victim == "backend")]
        if chosen:
            with suppress(psutil.NoSuchProcess):
                chance.choice(chosen).kill()
            with suppress(subprocess.TimeoutExpired):
                process.wait(chance.random())
            killed.append(victim)
    if process.poll() is None:
        _kill(process, everything=victim == "group")
        killed.append(victim if victim == "group" else "program")
    else:
        process.communicate()
    return killed


def _name(process: psutil.Process) -> str:
    with suppress(psutil.NoSuchProcess):
        return str(process.name())
    return ""


def _parent(process: psutil.Process) -> int:
    with suppress(psutil.NoSuchProcess):
        return int(process.ppid())
    return 0


@pytest.mark.long
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("stores", ["csv,postgres", "csv,postgres,sqlite"])
def test_killed_at_random_moments_every_file_is_whole(tmp_path: Path, stores: str) -> None:
    """Set ``KILLS`` for more of them: ``KILLS=200 pytest -m long tests/e2e/test_killed.py -k every_file_is_whole``."""
    kills = int(os.environ.get("KILLS", "6"))
    chance = random.Random(os.environ.get("KILLS_SEED", "1"))
    killed: Counter[str] = Counter()
    number, titles = 0, 250
    with DemoProcess(DemoOptions(count=titles, page_kb=0, latency=0.05)) as site:
        environment = {"BASE_URL": site.url, "MAX_THREADS": "6", "STORES": stores}
        while killed["program"] + killed["group"] < kills:
            number += 1
            program = Program(tmp_path / f"data{number}", environment)
            for _ in range(chance.randrange(3, 12)):
                victim = chance.choice(["program", "group", "postmaster", "backend"])
                process = program.start("--limit", str(titles))
                killed.update(_kill_one(process, program.data_dir, victim, chance))
                _require_whole_files(program.data_dir)
            program.run("--limit", str(titles), "--quiet")
            _require_whole_files(program.data_dir)
            assert len(program.table("movies")) == titles
            assert "hold the same" in program.run("verify").stdout
            same_in_both_stores(program)
            ids = [str(line["id"]) for line in _lines(program, "completed")]
            assert len(ids) == len(set(ids)) == titles
            shutil.rmtree(program.data_dir)
    assert kills < 100 or len(killed) == 5, killed  # program, group, postmaster, backend, merge


@pytest.fixture
def stuck_site() -> Iterator[DemoProcess]:
    """A site that answers 20 titles and then keeps everybody waiting: a run on it cannot end by itself."""
    with DemoProcess(DemoOptions(count=COUNT, page_kb=0, faults=("title=hang@20/site",))) as process:
        yield process


@pytest.fixture
def stuck(tmp_path: Path, stuck_site: DemoProcess) -> Program:
    return Program(tmp_path / "data", {"BASE_URL": stuck_site.url, "MAX_THREADS": "6"})


@pytest.mark.long
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_run_ends_calmly_with_130_and_is_continued(
    stuck: Program, stuck_site: DemoProcess, number: signal.Signals
) -> None:
    process = stuck.start("--limit", str(COUNT))
    _wait_for(stuck, process, "completed", 20)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, out + err
    assert "finishing requests in flight" in err
    assert len(stuck.table("movies")) == 20
    same_in_both_stores(stuck)
    assert len(_lines(stuck, "failed")) == 0
    told = stuck.run("verify", code=1).stdout
    assert f"the last run has done 20 of {COUNT} titles; {COUNT - 20} are pending" in told
    assert "csv and postgres hold the same: run the same command to continue" in told
    DemoControl(stuck_site.url).faults([])
    stuck.run("--limit", str(COUNT))
    assert len(stuck.table("movies")) == COUNT
    same_in_both_stores(stuck)
    assert "csv and postgres hold the same\n" in stuck.run("verify").stdout


@pytest.mark.long
def test_answers_on_their_way_are_waited_for_and_saved(tmp_path: Path) -> None:
    with DemoProcess(DemoOptions(count=COUNT, page_kb=0, latency=0.5)) as site:
        program = Program(tmp_path / "data", {"BASE_URL": site.url, "MAX_THREADS": "6"})
        process = program.start("--limit", str(COUNT))
        wait_until(lambda: sum(_requests_of_titles(site).values()) >= 6 or process.poll() is not None)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
        assert process.returncode == 130, out + err
        assert len(program.table("movies")) >= 6
        saved = len(program.table("movies"))
        assert f"fetched {saved} titles, {COUNT - saved} pending; " in out
        assert f"{saved} titles are saved, {COUNT - saved} pending: run the same command to continue" in err
        assert len(program.table("movies")) == sum(_requests_of_titles(site).values())


@pytest.mark.long
def test_a_second_signal_ends_it_at_once_and_nothing_is_torn(stuck: Program, stuck_site: DemoProcess) -> None:
    process = stuck.start("--limit", str(COUNT))
    _wait_for(stuck, process, "completed", 20)
    process.send_signal(signal.SIGINT)
    assert process.stderr is not None
    while "press Ctrl-C again to stop now" not in process.stderr.readline():
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode in (1, 130)  # 130: the calm end was faster
    assert said.splitlines()[-1].endswith("run the same command to continue")
    DemoControl(stuck_site.url).faults([])
    stuck.run("--limit", str(COUNT), "--quiet")
    assert len({row["imdb_id"] for row in stuck.table("movies")}) == len(stuck.table("movies")) == COUNT
    same_in_both_stores(stuck)


@pytest.mark.long
def test_the_demo_site_and_the_database_end_with_the_program(tmp_path: Path) -> None:
    program = Program(tmp_path / "data")
    process = program.start("--demo", MAX_THREADS="2")
    _wait_for(program, process, "completed", 5)
    family = psutil.Process(process.pid).children(recursive=True)
    commands = " ".join(" ".join(member.cmdline()) for member in family)
    assert "infrastructure.demo" in commands
    assert "postgres" in commands
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    _, alive = psutil.wait_procs(family, timeout=20)
    assert alive == []


@pytest.mark.long
def test_the_status_is_told_while_it_runs_and_after(stuck: Program) -> None:
    process = stuck.start("--limit", str(COUNT))
    _wait_for(stuck, process, "completed", 20)
    during = json.loads(stuck.run("status", "--json").stdout)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    after = json.loads(stuck.run("status", "--json").stdout)
    assert (during["alive"], after["alive"]) == (True, False)
    assert [told[name] for told in (during, after) for name in ("total", "completed", "pending")] == [COUNT, 20, 40] * 2
    assert after["ended"] == "interrupted"

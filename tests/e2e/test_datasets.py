"""``datasets`` as a user calls it: data files in a folder into every store, again, and another day."""

from __future__ import annotations

import fcntl
import gzip
import os
import pty
import re
import struct
import sys
import termios
from contextlib import suppress
from pathlib import Path

import pytest

from infrastructure.demo.process import DemoOptions, DemoProcess
from tests.conftest import ROOT
from tests.e2e.conftest import Program
from tests.support.data_files import AKAS, BASICS, RATINGS, write_data_files
from tests.support.demo_control import DemoControl
from tests.support.disks import small_disk

DAY_ONE, DAY_TWO = 1_795_780_800, 1_795_867_200  # noons of 2026-11-27 and 28


def _files(folder: Path, day: int, **changed: object) -> Path:
    write_data_files(folder, **changed)  # type: ignore[arg-type]
    for path in folder.iterdir():
        os.utime(path, (day, day))
    return folder


def test_data_files_are_loaded_into_every_store_and_refreshed(program: Program, tmp_path: Path) -> None:
    files = _files(tmp_path / "files", DAY_ONE)
    first = program.run("datasets", "--from", str(files), "--all", STORES="csv,postgres,sqlite")
    assert "data files of 2026-11-27: 5 titles selected, 5 new, 0 changed, 0 gone" in first.stdout
    assert "1 credits left out" in first.stdout
    movies = {row["imdb_id"]: row for row in program.table("movies")}
    assert movies["tt1000001"]["title"] == 'The "Quoted" Ferry'
    assert movies["tt1000001"]["source"] == "datasets"
    assert len(program.table("credits")) == 8
    assert program.run("verify", STORES="csv,postgres,sqlite").stdout.endswith(
        "csv and postgres and sqlite hold the same\n"
    )

    again = program.run("datasets", "--from", str(files), "--all", STORES="csv,postgres,sqlite")
    assert again.stdout == "the data files of 2026-11-27 are loaded already; nothing to do\n"

    _files(files, DAY_TWO, ratings=[("tt1000001", "9.1", "2600"), *RATINGS[1:]])
    following = program.run("datasets", "--from", str(files), "--all", STORES="csv,postgres,sqlite")
    assert "data files of 2026-11-28" in following.stdout, following.stderr
    assert "0 new" in following.stdout
    history = [row for row in program.table("ratings_history") if row["imdb_id"] == "tt1000001"]
    assert [(row["day"], row["rating"]) for row in history] == [("2026-11-27", "9.0"), ("2026-11-28", "9.1")]
    for stores in ("postgres", "sqlite"):
        moved = program.run("report", "movers", "--since", "30d", STORES=stores).stdout.splitlines()
        assert moved[0].startswith("title,year,change,rating_before,rating,votes_gained")
        assert moved[1].split(",", 1)[1] == "1994,0.1,9.0,9.1,100,2026-11-27,2026-11-28,tt1000001"
    verified = program.run("verify", STORES="csv,postgres,sqlite")
    assert verified.stdout.endswith("csv and postgres and sqlite hold the same\n")

    _files(files, DAY_ONE)
    older = program.run("datasets", "--from", str(files), "--all", code=2, STORES="csv,postgres,sqlite")
    assert "the data files are of 2026-11-27, and those of 2026-11-28 are loaded" in older.stderr


@pytest.mark.long
def test_the_ratings_of_an_exported_list_are_loaded_with_its_titles_without_a_network(
    program: Program, tmp_path: Path
) -> None:
    exported = tmp_path / "ratings.csv"
    header = "Const;Your Rating;Date Rated;Title;URL;Title Type\r\n"
    rows = "tt1000001;9;2019-03-04;Fähre;;Film\r\n;;;;;\r\ntt1000002;7;3/4/2019;Luci;;Serie TV\r\n"
    exported.write_bytes((header + rows).encode("cp1252"))
    files = _files(tmp_path / "files", DAY_ONE)
    done = program.run("datasets", "--from", str(files), "--ids", str(exported), STORES="csv,sqlite")
    assert "2 titles selected, 2 new" in done.stdout
    assert "2 ratings of your own saved" in done.stdout
    assert "1 date is kept as text, which does not name one day: '3/4/2019' in line 4" in done.stdout
    expected = [("tt1000001", "9", "2019-03-04", ""), ("tt1000002", "7", "", "3/4/2019")]
    columns = ("imdb_id", "rating", "rated_on", "rated_text")
    assert [tuple(row[name] for name in columns) for row in program.table("my_ratings")] == expected

    exported.write_bytes((header + rows.replace(";9;", ";8;")).encode("utf-16"))
    _files(program.data_dir / "datasets", DAY_ONE)
    nowhere = "http://127.0.0.1:9/"
    listed = program.run(
        "--ids", str(exported), STORES="csv,sqlite", DETAIL_SOURCE="datasets", DATASETS_URL=nowhere, BASE_URL=nowhere
    )
    assert "2 ratings of your own saved" in listed.stdout
    assert "are used as they are: cannot reach" in listed.stdout
    assert "2 of 2 titles come from the data files of 2026-11-27" in " ".join(listed.stdout.split())
    assert [row["rating"] for row in program.table("my_ratings")] == ["8", "7"]
    assert "hold the same" in program.run("verify", STORES="csv,sqlite").stdout


@pytest.mark.long
def test_strict_refuses_a_bad_row_and_prune_deletes_what_is_gone(program: Program, tmp_path: Path) -> None:
    files = _files(tmp_path / "files", DAY_ONE)
    stores = "csv,sqlite"
    program.run("datasets", "--from", str(files), "--all", STORES=stores)
    before = program.table("movies")

    bad = [*RATINGS[:3], ("tt10000005", "eleven", "1000")]
    _files(files, DAY_TWO, ratings=bad, basics=[BASICS[0], *BASICS[2:]])
    strict = program.run("datasets", "--from", str(files), "--all", "--strict", code=2, STORES=stores)
    assert "1 rows of title.ratings cannot be loaded" in strict.stderr
    assert "averageRating is not 1 to 10" in (program.data_dir / "rejected-title.ratings.tsv").read_text()
    assert program.table("movies") == before

    kept = program.run("datasets", "--from", str(files), "--all", STORES=stores)
    assert "1 gone from the files (kept)" in kept.stdout
    assert "tt1000002" in {row["imdb_id"] for row in program.table("movies")}
    pruned = program.run("datasets", "--from", str(files), "--all", "--prune", STORES=stores)
    assert "1 gone from the files (deleted)" in pruned.stdout
    assert "tt1000002" not in {row["imdb_id"] for row in program.table("movies")}
    assert "hold the same" in program.run("verify", STORES=stores).stdout

    _files(files, DAY_ONE)  # no row has the later day, because none has changed
    older = program.run("datasets", "--from", str(files), "--all", code=2, STORES=stores)
    assert "the data files are of 2026-11-27, and those of 2026-11-28 are loaded" in older.stderr


def test_a_folder_without_the_files_is_one_clear_line(program: Program, tmp_path: Path) -> None:
    done = program.run("datasets", "--from", str(tmp_path), code=2, STORES="csv")
    assert "title.basics.tsv.gz is not in" in done.stderr
    assert not (program.data_dir / "movies.csv").exists()


REFUSED = ("title=challenge", "graphql=403")


def _refused(site: DemoProcess, data_dir: Path) -> Program:
    """The program, pointed at a demo site that refuses pages and GraphQL; its data files are there."""
    environment = {"BASE_URL": site.url, "DATASETS_URL": f"{site.url}/datasets", "STORES": "csv"}
    return Program(data_dir, {**environment, "BACKOFF_FACTOR": "0.01", "MAX_BLOCK_WAIT_SECONDS": "0"})


@pytest.mark.long
def test_a_site_that_refuses_pages_and_graphql_still_gives_titles_from_its_data_files(tmp_path: Path) -> None:
    with DemoProcess(DemoOptions(page_kb=0, faults=REFUSED)) as site:
        program = _refused(site, tmp_path / "data")
        done = program.run("--limit", "10", DATASETS="yes")
        assert "10 of 10 titles come from its data files of" in " ".join(done.stdout.split())
        assert {row["source"] for row in program.table("movies")} == {"datasets"}
        assert [row["rank"] for row in program.table("top250")][:10] == [str(rank) for rank in range(1, 11)]
        assert len(program.table("credits")) > 10


@pytest.mark.long
def test_a_chart_that_is_refused_keeps_its_places_and_its_titles_are_refreshed(tmp_path: Path) -> None:
    with DemoProcess(DemoOptions(page_kb=0)) as site:
        program = _refused(site, tmp_path / "data")
        nothing = _refused(site, tmp_path / "nothing")
        program.run("--quiet")
        before = program.table("charts")
        DemoControl(site.url).faults(["chart=challenge", *REFUSED])
        refused = nothing.run(code=3, DATASETS="yes")
        assert "`--chart estimated-top250` makes an estimate of it from IMDb's data files" in refused.stderr
        refused = program.run(code=3)
        assert "DATASETS=yes reads the titles of the last reading from them" in refused.stderr
        done = program.run(DATASETS="yes")
        assert f"its places are those of {before[0]['read_at'][:10]}" in done.stderr
        assert "250 of 250 titles come from its data files of" in " ".join(done.stdout.split())
        assert program.table("charts") == before
        estimated = program.run("--chart", "estimated-top250", "--limit", "5", DATASETS="yes")
        assert "titles of the last top250 are in it" in estimated.stdout
        assert "it is not IMDb's chart top250" in estimated.stdout
        charts = program.table("charts")
        assert [row for row in charts if row["chart"] == "top250"] == before
        assert sum(row["chart"] == "estimated-top250" for row in charts) == 250
        assert "can be read\n" in program.run("verify").stdout
        path = program.data_dir / "charts.csv"
        lines = [line for line in path.read_text().splitlines(keepends=True) if not line.startswith("top250")]
        path.write_text(
            "".join(lines) + "".join(line.removeprefix("estimated-") for line in lines if "-top250" in line)
        )
        assert "refused: the chart top250 holds the places of estimated-top250" in program.run("verify", code=1).stdout


@pytest.mark.long
@pytest.mark.parametrize(("answer", "code"), [("y\n", 0), ("n\n", 3), ("\x03", 130)])
def test_on_a_terminal_a_refused_run_asks_once_for_the_data_files(tmp_path: Path, answer: str, code: int) -> None:
    with DemoProcess(DemoOptions(page_kb=0, faults=REFUSED)) as site:
        program = _refused(site, tmp_path / "data")
        shown, ended = _on_a_terminal(program, "--limit", "3", answers={"[y/N]": answer})
        assert ended == code, shown
        assert shown.count("Read the titles from its data files (about 1.8 GB to download)?") == 1
        assert ("3 of 3 titles come from its data files" in " ".join(shown.split())) == (code == 0)


def _on_a_terminal(program: Program, *arguments: str, answers: dict[str, str]) -> tuple[str, int]:
    """Runs the program on a pseudo-terminal; gives what was shown and its exit code."""
    waiting = dict(answers)
    child, terminal = pty.fork()
    if child == 0:
        environment = {"PATH": os.environ["PATH"], "TERM": "xterm", "COLUMNS": "200", "DATA_DIR": str(program.data_dir)}
        main = str(ROOT / "main.py")
        os.execve(sys.executable, [sys.executable, main, *arguments], {**environment, **program.environment})  # noqa: S606
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 200, 0, 0))
    shown = ""
    with suppress(OSError):  # the terminal ends with the program
        while piece := os.read(terminal, 4096):
            shown += piece.decode(errors="replace")
            for question in [question for question in waiting if question in shown]:
                os.write(terminal, waiting.pop(question).encode())
    os.close(terminal)
    return shown, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.long
def test_damaged_files_change_no_store_and_each_is_one_line(program: Program, tmp_path: Path) -> None:
    files = _files(tmp_path / "files", DAY_ONE)
    program.run("datasets", "--from", str(files), "--all", STORES="csv,sqlite")
    before = {path.name: path.read_bytes() for path in program.data_dir.glob("*.csv")}
    whole = (files / "title.crew.tsv.gz").read_bytes()
    header = gzip.compress(gzip.decompress(whole).replace(b"directors", b"director"))
    bad = {
        "is damaged (": whole[:-8],
        "is damaged (Error -3 while decompressing data: incorrect data check": bytes(
            [*whole[:-6], whole[-6] ^ 1, *whole[-5:]]
        ),
        "this is a web page or an error message": b"<html><script src='challenge.js'></script></html>",
        "the header lacks directors": header,
        "is empty; download it again": b"",
    }
    for message, content in bad.items():
        _files(files, DAY_TWO, crew=content)
        done = program.run("datasets", "--from", str(files), "--all", code=2, STORES="csv,sqlite")
        (line,) = [line for line in done.stderr.splitlines() if line.startswith("filmledger: ")]
        assert message in line
        assert "title.crew.tsv.gz" in line
        assert {path.name: path.read_bytes() for path in program.data_dir.glob("*.csv")} == before
    _files(files, DAY_TWO, basics=[*BASICS, BASICS[0], ("tt1000009", "movie")], akas=[*AKAS, AKAS[0]])
    os.utime(files / "title.ratings.tsv.gz", (DAY_ONE, DAY_ONE))
    done = program.run("datasets", "--from", str(files), "--all", STORES="csv,sqlite")
    assert "of different days; the load counts as of the oldest: title.ratings of 2026-11-27" in done.stderr
    assert "2 rows of title.basics left out" in done.stdout
    assert "1 rows of title.akas left out" in done.stdout


def _many_files(folder: Path) -> Path:
    """Data files whose load takes some 30 MB."""
    basics = [(f"tt30{n:05}", "movie", f"Crossing {n} of {n * 7919}", "\\N", "0", "1990", "\\N", "9", "Drama")
              for n in range(60_000)]  # fmt: skip
    akas = [(row[0], "1", f"Other {row[2]}", "DE", "\\N", "\\N", "\\N", "0") for row in basics]
    return _files(folder, DAY_ONE, basics=basics, akas=akas)


def test_a_disk_that_is_too_small_is_told_before_a_store_changes(tmp_path: Path) -> None:
    files = _many_files(tmp_path / "files")
    one = tmp_path / "one.csv"
    one.write_text("Const\ntt3000007\n", encoding="utf-8")
    with small_disk(tmp_path / "disk", 12) as disk:
        program = Program(disk / "data", {"STORES": "csv,sqlite"})
        refused = program.run("datasets", "--from", str(files), "--all", code=2)
        assert re.search(r"the load needs about \S+ MB in .*/data, .* are free: free some, or select", refused.stderr)
        assert program.table("movies") == []
        assert "1 new" in program.run("datasets", "--from", str(files), "--ids", str(one)).stdout


@pytest.mark.long
@pytest.mark.parametrize("phase", ["titles", "other titles", "write movies", "saving"])
def test_a_disk_that_fills_in_any_phase_changes_no_store_and_the_next_run_goes_well(tmp_path: Path, phase: str) -> None:
    files = _many_files(tmp_path / "files")
    with small_disk(tmp_path / "disk", 200) as disk:
        program = Program(disk / "data", {"STORES": "csv,sqlite", "STORE_WAIT_SECONDS": "0"})
        process = program.start("datasets", "--from", str(files), "--all", PYTHONUNBUFFERED="1")
        assert process.stdout is not None
        next(line for line in process.stdout if line.startswith(phase))
        rest = disk / "rest"
        with suppress(OSError), rest.open("wb", buffering=0) as file:  # until nothing is free
            while file.write(bytes(1 << 16)):
                pass
        _, errors = process.communicate()
        assert process.returncode in (1, 2), errors
        assert re.search("is full|the load needs about", errors)
        rest.unlink()
        assert "hold the same" in program.run("verify").stdout
        assert program.table("movies") == []
        assert "60000 new" in program.run("datasets", "--from", str(files), "--all").stdout
        assert "hold the same" in program.run("verify").stdout

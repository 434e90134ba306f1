"""The other commands from outside: looking, checking, moving, publishing."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from infrastructure.demo.process import DemoOptions, DemoProcess
from infrastructure.stores.embedded.server import EmbeddedServer
from tests.e2e.conftest import Program
from tests.support import pictures
from tests.support.demo_control import DemoControl
from tests.support.fault_site import FaultSite, reply


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """A data directory that a run has filled, with its site still there."""
    with DemoProcess(DemoOptions(count=20, page_kb=0)) as site:
        program = Program(tmp_path_factory.mktemp("commands") / "data", {"BASE_URL": site.url})
        program.run("--limit", "20", "--quiet")
        with EmbeddedServer(program.data_dir / "postgres"):  # up for all commands
            yield program


def _rows(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text)))


def test_sql_answers_as_csv_with_a_header_and_can_only_read(filled: Program) -> None:
    assert _rows(filled.run("sql", "select count(*) as movies, 'a,b' as text from movies").stdout) == [
        ["movies", "text"],
        ["20", "a,b"],
    ]
    for writing in ("delete from movies", "commit; delete from movies", "delete from movies returning *"):
        refused = filled.run("sql", writing, code=2)
        assert "read-only" in refused.stderr or "one statement that returns a table" in refused.stderr
    assert filled.run("sql", "select count(*) from movies").stdout == "count\n20\n"
    assert "syntax error" in filled.run("sql", "selec", code=2).stderr


def test_psql_is_opened_on_the_same_database(filled: Program) -> None:
    assert filled.run("psql", "-At", "-c", "select count(*) from movies").stdout.strip() == "20"


def test_commands_that_read_do_not_make_a_database(tmp_path: Path) -> None:
    program = Program(tmp_path / "data")
    for command in (["sql", "select 1"], ["verify"], ["report"], ["export", str(tmp_path / "out")], ["publish"]):
        assert "run `python main.py` first" in program.run(*command, code=2).stderr
    assert not (tmp_path / "data").exists()


def test_verify_agrees_and_finds_and_repairs_what_was_planted(filled: Program) -> None:
    assert "csv and postgres hold the same" in filled.run("verify").stdout
    title = filled.table("movies")[0]["title"]
    path = filled.data_dir / "movies.csv"
    path.write_bytes(path.read_bytes().replace(title.encode(), b"Another Title", 1))
    said = filled.run("verify", code=1).stdout
    assert "1 differs" in said
    assert "title" in said
    repaired = filled.run("verify", "--repair").stdout
    assert "copied (from csv to postgres: of the same time; differs: title)" in repaired
    assert filled.table("movies")[0]["title"] == "Another Title"
    filled.run("verify")


@pytest.mark.long
def test_a_row_that_cannot_be_read_is_set_aside_by_repair(filled: Program) -> None:
    path = filled.data_dir / "movies.csv"
    path.write_bytes(path.read_bytes().replace(b",movie,", b",movie,not-a-year-", 1))
    assert "1 unreadable" in filled.run("verify", code=1).stdout
    filled.run("verify", "--repair")
    assert (filled.data_dir / "unreadable-movies.csv").exists()
    assert len(filled.table("movies")) == 20
    filled.run("verify")


@pytest.mark.parametrize("form", ["table", "csv", "json", "markdown"])
def test_reports_in_every_form(filled: Program, form: str) -> None:
    out = filled.run("report", "length_by_decade", "--format", form).stdout
    assert "decade" in out
    if form == "json":
        assert json.loads(out)[0]["report"] == "length_by_decade"


@pytest.mark.long
def test_what_is_exported_can_be_imported_and_exported_again_byte_for_byte(filled: Program, tmp_path: Path) -> None:
    filled.run("export", str(tmp_path / "first"))
    for name in ("movies", "people", "credits"):
        assert (tmp_path / "first" / f"{name}.csv").read_bytes() == (filled.data_dir / f"{name}.csv").read_bytes()
    other = Program(tmp_path / "other")
    assert "imported 20 movies" in other.run("import", str(tmp_path / "first")).stdout
    other.run("export", str(tmp_path / "second"))
    for name in ("movies", "people", "credits"):
        assert (tmp_path / "first" / f"{name}.csv").read_bytes() == (tmp_path / "second" / f"{name}.csv").read_bytes()


def test_the_data_directory_is_no_place_for_an_export(filled: Program) -> None:
    before = (filled.data_dir / "movies.csv").stat()
    refused = filled.run("export", str(filled.data_dir), "--overwrite", code=2)
    assert "is the data directory" in refused.stderr
    assert (filled.data_dir / "movies.csv").stat() == before


@pytest.mark.long
def test_posters_and_catalogue(filled: Program) -> None:
    assert "posters" in filled.run("posters", POSTER_RECHECK_HOURS="0").stdout
    published = filled.run("publish", SITE_URL="https://films.example")
    assert "✗" not in published.stdout
    site = filled.data_dir / "site"
    assert {"index.html", "sitemap.xml", "feed.xml", "report.md"} <= {path.name for path in site.iterdir()}
    again = filled.run("publish", SITE_URL="https://films.example")
    assert "\n0 files written" in again.stdout
    (site / "index.html").unlink()
    filled.run("publish", SITE_URL="https://films.example")
    assert (site / "index.html").is_file()


@pytest.mark.long
def test_a_corrupt_poster_is_a_warning_with_its_id_and_no_failure(filled: Program) -> None:
    with DemoProcess(DemoOptions(count=5, page_kb=0)) as site:
        first, second, *_ = DemoControl(site.url).ids()
        program = Program(filled.data_dir.with_name("pictures"), {"BASE_URL": site.url})
        DemoControl(site.url).replace(f"/images/M/{first}@._V1_UX720_.jpg", *pictures.strange("truncated"))
        result = program.run("--limit", "5", "--posters")
        assert f" WARNING {first}: its poster is left out: broken JPEG" in result.stderr
        assert "failed: 1 UnusablePicture" in result.stdout
        DemoControl(site.url).faults([f"/images/M/{second}@._V1_UX720_.jpg=404"])
        program.run("posters", code=0)
        program.run("posters", code=1, POSTER_RECHECK_HOURS="0")


def test_publish_names_a_folder_it_cannot_write(filled: Program) -> None:
    result = filled.run("publish", "--out", "/proc/nowhere", code=2)
    assert "choose another folder with --out" in result.stderr
    assert "WARNING" not in result.stderr


@pytest.mark.long
def test_publish_says_how_to_look_at_it(filled: Program) -> None:
    out = filled.data_dir.parent / "a site"
    said = filled.run("publish", "--out", str(out)).stdout
    assert f"main.py serve --data-dir {filled.data_dir} --out '{out}'`" in said


@pytest.mark.long
def test_quiet_leaves_the_answers(filled: Program) -> None:
    assert "20 completed" in filled.run("status", "--quiet").stdout
    assert filled.run("sql", "select 1 as one", "--quiet").stdout.split() == ["one", "1"]
    assert len(filled.run("--limit", "5", "--dry-run", "--quiet").stdout.splitlines()) == 5
    assert filled.run("verify", "--quiet").stdout == ""
    assert filled.run("doctor", "--quiet").stdout == ""


def test_the_reports_are_named_without_a_database(tmp_path: Path) -> None:
    assert "newcomers" in Program(tmp_path / "data").run("report", "--list").stdout.split()


def test_saved_pages_are_parsed_without_the_network(filled: Program, tmp_path: Path) -> None:
    filled.run("--limit", "20", "--save-pages", "--fresh", "--quiet", DATA_DIRS=str(tmp_path / "disk"))
    pages = tmp_path / "disk" / "pages"
    assert len(list(pages.iterdir())) == 20
    (pages / "broken.html").write_text("<html>nothing of the kind</html>")
    other = Program(tmp_path / "other")
    said = other.run("parse", str(pages), "--log-failed", str(tmp_path / "failed"), code=1).stdout
    assert "[21/21 | 100%]" in said
    assert {row["imdb_id"] for row in other.table("movies")} == {row["imdb_id"] for row in filled.table("movies")}
    assert (tmp_path / "failed").read_text().startswith(str(pages / "broken.html"))
    again = other.run("parse", str(pages), "--rerun-failed", str(tmp_path / "failed"), "--fresh", code=1).stdout
    assert "[1/1 | 100%]" in again


def test_max_age_leaves_alone_what_is_young(filled: Program) -> None:
    said = filled.run("--limit", "20", "--max-age", "1h", "--fresh").stdout
    assert "fetched 0 titles, 20 already fresh" in said


@pytest.mark.long
def test_doctor_tells_whether_the_site_can_be_reached(filled: Program) -> None:
    said = filled.run("doctor").stdout
    assert "✓ route direct: reaches the site" in said
    assert "exit address" not in said
    with FaultSite() as service:
        where = service.plan("/address", reply(body=b'{"ip": "203.0.113.7"}'))
        assert "; exit address 203.0.113.7" in filled.run("doctor", EXIT_ADDRESS_URL=where).stdout
        assert service.count() == {"/address": 1}
    with DemoProcess(DemoOptions(count=1, page_kb=0, faults=("site=challenge",))) as refusing:
        assert "✗" in filled.run("doctor", BASE_URL=refusing.url, MAX_BLOCK_WAIT_SECONDS="0", code=1).stdout


@pytest.mark.long
def test_doctor_tells_which_source_works_and_what_to_use(tmp_path: Path) -> None:
    with DemoProcess(DemoOptions(count=1, page_kb=0)) as site:
        demo = Program(tmp_path / "data", {"BASE_URL": site.url, "DATASETS_URL": f"{site.url}/datasets"})
        said = demo.run("doctor").stdout
        assert "✓ data files: titles can be read" in said
        assert "✓ what to use: pages" in said
        DemoControl(site.url).faults(["title=challenge"])
        assert "✓ what to use: GraphQL" in demo.run("doctor", code=1).stdout
        DemoControl(site.url).faults(["title=challenge", "graphql=403"])
        said = demo.run("doctor", code=1).stdout
        assert "✗ pages: " in said
        assert "✓ what to use: IMDb's data files" in said
        DemoControl(site.url).faults(["title=challenge", "graphql=403", "dataset=503"])
        said = demo.run("doctor", code=1).stdout
        assert "✗ data files: status 503" in said
        assert "✗ what to use: nothing works from here" in said

"""The main job from outside: what lands in both stores, and in which order."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from infrastructure.demo.process import DemoOptions, DemoProcess
from tests.e2e.conftest import Program
from tests.support.demo_control import DemoControl

EPOCH = "1767225600"

# Columns as text in the form of the CSV files, written here a second time: nothing of ours checks itself.
_TIME = """to_char({} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"""
AS_TEXT = {
    "movies": f"""
        select imdb_id, title, original_title, kind, year::text as year, end_year::text as end_year,
               rating::text as rating, votes::text as votes, duration_minutes::text as duration_minutes,
               metascore::text as metascore, array_to_json(genres)::text as genres, plot, poster_url, certificate,
               release_date, released::text as released, series_id, season::text as season, episode::text as episode,
               array_to_json(countries)::text as countries, array_to_json(keywords)::text as keywords,
               is_adult::text as is_adult, budget::text as budget, budget_currency, award_wins::text as award_wins,
               cast_total::text as cast_total, source, dataset_day::text as dataset_day,
               array_to_json(incomplete)::text as incomplete, source_url, {_TIME.format("scraped_at")} as scraped_at
        from movies order by imdb_id collate "C"
    """,
    "people": f"""
        select person_id, name, {_TIME.format("read_at")} as read_at, source, born, died,
               array_to_json(professions)::text as professions
        from people order by person_id collate "C"
    """,
    "credits": """
        select imdb_id, person_id, category, position::text as position, array_to_json(characters)::text as characters,
               array_to_json(job)::text as job, array_to_json(attributes)::text as attributes
        from credits order by imdb_id collate "C", category collate "C", credits.position
    """,
    "akas": """
        select imdb_id, position::text as position, title, region, language, array_to_json(types)::text as types,
               array_to_json(attributes)::text as attributes
        from akas order by imdb_id collate "C", akas.position
    """,
    "charts": f"""
        select chart, rank::text as rank, imdb_id, {_TIME.format("read_at")} as read_at
        from charts order by chart collate "C", charts.rank
    """,
}


def same_in_both_stores(program: Program) -> None:
    """Both stores hold the same rows in the same order, cell by cell."""
    for (table, query), rows in zip(AS_TEXT.items(), program.answers(*AS_TEXT.values()), strict=True):
        columns = [part.split()[-1] for part in _selected(query)]
        in_csv = [tuple(_plain(row[column]) for column in columns) for row in program.table(table)]
        in_postgres = [tuple(map(_plain, row)) for row in rows]
        assert in_csv == in_postgres, table


def _selected(query: str) -> list[str]:
    """The items between ``select`` and ``from``; commas within parentheses belong to an item."""
    items, depth, item = [], 0, ""
    for letter in query.split("select", 1)[1].rsplit(" from ", 1)[0].rsplit("\n        from ", 1)[0]:
        depth += {"(": 1, ")": -1}.get(letter, 0)
        if letter == "," and not depth:
            items.append(item)
            item = ""
        else:
            item += letter
    return [*items, item]


def _plain(cell: str | None) -> object:
    """A list for a JSON array, else the text; ``None`` for an empty cell and an empty array but ``incomplete``'s."""
    if not cell:
        return None
    return json.loads(cell) if cell.startswith("[") else cell


def test_a_chart_arrives_whole_in_both_stores(program: Program) -> None:
    result = program.run("--limit", "30")
    assert len({row["imdb_id"] for row in program.table("movies")}) == len(program.table("movies")) == 30
    assert "fetched 30 titles" in result.stdout
    same_in_both_stores(program)


@pytest.mark.long
def test_the_last_line_can_be_pasted(program: Program) -> None:
    hint = program.run("--limit", "3").stdout.splitlines()[-1]
    pasted = subprocess.run(  # noqa: S602 - our own line, as a user pastes it
        hint, shell=True, cwd=program.data_dir.parent, capture_output=True, text=True, check=True
    )
    assert len(pasted.stdout.splitlines()) == 4


@pytest.mark.long
def test_running_again_changes_nothing_but_the_time(program: Program) -> None:
    program.run("--limit", "30", SOURCE_DATE_EPOCH=EPOCH)
    before = {name: (program.data_dir / f"{name}.csv").read_bytes() for name in AS_TEXT}
    program.run("--limit", "30", SOURCE_DATE_EPOCH=EPOCH)
    assert before == {name: (program.data_dir / f"{name}.csv").read_bytes() for name in AS_TEXT}
    same_in_both_stores(program)


@pytest.mark.parametrize("numbers", [(1, 50), pytest.param((1, 5, 10, 20), marks=pytest.mark.long)])
def test_any_number_of_threads_leaves_the_same_bytes(
    tmp_path: Path, site: DemoProcess, numbers: tuple[int, ...]
) -> None:
    seen = set()
    for threads in numbers:
        program = Program(tmp_path / str(threads), {"BASE_URL": site.url, "SOURCE_DATE_EPOCH": EPOCH})
        program.run("--limit", "30", "--quiet", MAX_THREADS=str(threads))
        files = tuple((program.data_dir / f"{name}.csv").read_bytes() for name in AS_TEXT)
        rows = tuple(map(tuple, program.answers(*AS_TEXT.values())))
        seen.add(repr((files, rows)))
    assert len(seen) == 1


@pytest.mark.long
def test_a_run_that_leaves_alone_what_is_fresh_is_complete_all_the_same(program: Program) -> None:
    program.run("--limit", "20", "--quiet")
    program.run("--limit", "30", "--max-age", "1h", "--quiet")
    assert "hold the same\n" in program.run("verify").stdout
    rated = "select count(rating) from chart_entries join runs using (run_id) where asked = 30"
    assert program.sql(rated)[0][0] >= 28  # of the demo's 30 one or two have none


@pytest.mark.long
def test_reading_single_titles_again_leaves_the_others(program: Program, site: DemoProcess) -> None:
    program.run("--limit", "20", "--quiet")
    wanted = program.data_dir.parent / "ids.txt"
    wanted.write_text("\n".join(DemoControl(site.url).ids()[2:5]))
    program.run("--ids", str(wanted), "--quiet")
    assert len({row["imdb_id"] for row in program.table("movies")}) == len(program.table("movies")) == 20
    same_in_both_stores(program)


@pytest.mark.long
def test_a_list_of_ids_has_no_ranks_and_bad_lines_are_named(program: Program, site: DemoProcess) -> None:
    ids = DemoControl(site.url).ids()[:3]
    listed = program.data_dir.parent / "ids.txt"
    listed.write_text(f"# three\n{ids[2]}\nnonsense\nhttps://www.imdb.com/title/{ids[0]}/?ref_=x\n{ids[1]}\n{ids[1]}\n")
    result = program.run("--ids", str(listed))
    assert f"{listed}: line 3: 'nonsense' is neither" in result.stderr
    rows = program.table("movies")
    assert [row["imdb_id"] for row in rows] == sorted(ids)
    assert program.table("charts") == []
    same_in_both_stores(program)


def test_the_whole_demo_with_every_awkward_title(tmp_path: Path) -> None:
    with DemoProcess(DemoOptions(count=250, page_kb=0)) as site:
        program = Program(tmp_path / "data", {"BASE_URL": site.url})
        program.run("--quiet")
        movies = program.table("movies")
        assert len(movies) == 250
        assert program.sql("select count(*), count(distinct imdb_id) from movies") == [(250, 250)]
        same_in_both_stores(program)
        paths = DemoControl(site.url).log()["paths"]
        incomplete = [row["imdb_id"] for row in movies if row["incomplete"] != "[]"]
    # One request a title, one for the chart, one for robots.txt, one more where a title has moved.
    assert sum(count for path, count in paths.items() if path != "/graphql") == 253
    assert paths["/graphql"] == len(incomplete) == 2  # whose titles and plots are damaged in both sources


@pytest.mark.long
def test_quiet_says_nothing(program: Program) -> None:
    result = program.run("--limit", "3", "--quiet")
    assert (result.stdout, result.stderr) == ("", "")


def test_a_dry_run_lists_and_fetches_nothing_else(program: Program) -> None:
    lines = program.run("--limit", "3", "--dry-run").stdout.splitlines()
    assert [line.split("#")[1].strip() for line in lines] == ["1", "2", "3"]
    assert not (program.data_dir / "movies.csv").exists()


@pytest.mark.long
@pytest.mark.parametrize(
    ("chart", "count"),
    [("toptv", 30), *(pytest.param(name, 30, marks=pytest.mark.long) for name in ("moviemeter", "bottom100"))],
)
def test_the_other_charts(program: Program, chart: str, count: int) -> None:
    program.run("--chart", chart, "--limit", str(count), "--quiet")
    assert len(program.table("movies")) == count


@pytest.mark.long
def test_posters_and_people_of_the_demo_site_come_after_the_run_too(tmp_path: Path) -> None:
    program = Program(tmp_path / "data", {"STORES": "csv", "BASE_URL": "http://127.0.0.1:1"})
    program.run("--demo", "--limit", "2")
    posters = program.run("posters")
    assert "fetched 2 posters; " in posters.stdout
    assert posters.stderr.startswith("fetching posters\n")
    assert "fetched 1 people; " in program.run("people", "--limit", "1").stdout


@pytest.mark.long
def test_a_second_demo_run_is_another_day(tmp_path: Path) -> None:
    program = Program(tmp_path / "data", {"STORES": "sqlite"})
    ratings = []
    for _ in range(2):
        assert "filmledger: " not in program.run("--demo").stderr, "no warning"
        ratings.append(program.run("sql", "select imdb_id, rating from movies order by imdb_id").stdout.split())
    assert len(set(ratings[1]) - set(ratings[0])) > 1
    for report in ("newcomers", "leavers", "climbers"):
        assert json.loads(program.run("report", report, "--json").stdout)[0]["rows"], report

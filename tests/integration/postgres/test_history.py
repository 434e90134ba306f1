"""The history of runs and the reports, on a real server."""

from __future__ import annotations

import csv
import io
import json
import subprocess
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import psycopg2
import pytest

from application.ports.runs import ChartSnapshot, Run, TableOfValues, Value
from application.records import chart_rows
from domain.chart import ChartEntry
from domain.errors import UsageError
from domain.movie import CAST, DIRECTOR, Credit, Movie, Person
from infrastructure.stores.postgres.database import Database
from infrastructure.stores.postgres.history import PostgresHistory
from infrastructure.stores.postgres.queries import FOLDER, PostgresReports
from infrastructure.stores.postgres.repository import PostgresMovieRepository
from infrastructure.stores.report_files import report_paths
from infrastructure.tables import Format, write
from tests.support.films import bare, films
from tests.support.postgres import empty_database, server

DAY = datetime(2026, 3, 1, 6, tzinfo=UTC)
SITE = "https://www.example.org"


@pytest.fixture
def database() -> Iterator[Database]:
    with empty_database() as dsn, closing(Database(dsn)) as database:
        yield database


class Days:
    """A chart read day after day."""

    def __init__(self, database: Database) -> None:
        self._repository = PostgresMovieRepository(database)
        self.history = PostgresHistory(database)
        self.reports = PostgresReports(database)

    def read(self, day: int, *movies: Movie, chart: str | None = "top250", complete: bool = True) -> Run:
        """One run that saves these movies as ranks 1, 2, 3 ..."""
        run = Run(SITE, chart, len(movies), DAY + timedelta(days=day))
        self.history.begin(run, [ChartEntry(rank, movie.imdb_id) for rank, movie in enumerate(movies, 1)])
        for rank, movie in enumerate(movies, 1):
            self._repository.save(replace(movie, rank=rank, scraped_at=run.started_at + timedelta(seconds=rank)))
        self.end(run, complete=complete)
        return run

    def end(self, run: Run, *, complete: bool = True, minutes: int = 1) -> None:
        finished_at = run.started_at + timedelta(minutes=minutes)
        self.history.end(run, saved=run.asked, failed=0, complete=complete, finished_at=finished_at)

    def report(self, name: str) -> TableOfValues:
        (table,) = self.reports.tables([name])
        return table

    def columns(self, name: str, *columns: str) -> list[tuple[Value, ...]]:
        table = self.report(name)
        places = [table.columns.index(column) for column in columns]
        return [tuple(row[place] for place in places) for row in table.rows]


@pytest.fixture
def days(database: Database) -> Days:
    return Days(database)


A, B, C, D = (bare(number, rating=8.0 + number / 10, votes=1000 * number) for number in range(1, 5))


def seen(snapshot: ChartSnapshot) -> list[tuple[int, str, float | None, int | None]]:
    return [(entry.rank, entry.imdb_id, entry.rating, entry.votes) for entry in snapshot.entries]


def test_a_run_leaves_a_snapshot(days: Days) -> None:
    days.read(0, A, B)
    (snapshot,) = days.history.snapshots(10)
    assert (snapshot.chart, snapshot.taken_at) == ("top250", DAY + timedelta(minutes=1))
    assert seen(snapshot) == [(1, A.imdb_id, A.rating, A.votes), (2, B.imdb_id, B.rating, B.votes)]


def test_snapshots_keep_the_values_of_their_day(days: Days) -> None:
    days.read(0, A, B)
    days.read(1, B, replace(A, rating=9.9, votes=5))
    old, new = days.history.snapshots(10)
    assert seen(old) == [(1, A.imdb_id, 8.1, 1000), (2, B.imdb_id, 8.2, 2000)]
    assert seen(new) == [(1, B.imdb_id, 8.2, 2000), (2, A.imdb_id, 9.9, 5)]


def test_only_the_last_complete_runs_of_each_chart_are_asked_for(days: Days) -> None:
    for day in range(4):
        days.read(day, A, B)
    days.read(4, A, complete=False)
    days.read(5, C, chart="bottom100")
    days.read(6, D, chart=None)
    assert [(s.chart, s.taken_at.day) for s in days.history.snapshots(2)] == [
        ("top250", 3),
        ("top250", 4),
        ("bottom100", 6),
    ]


def test_a_run_that_goes_on_stays_one_run(days: Days, database: Database) -> None:
    run = days.read(0, A, B, complete=False)
    days.history.begin(run, [ChartEntry(2, B.imdb_id)])
    days.end(run, minutes=30)
    (snapshot,) = days.history.snapshots(10)
    assert snapshot.taken_at == DAY + timedelta(minutes=30)
    assert [entry.imdb_id for entry in snapshot.entries] == [A.imdb_id, B.imdb_id]


def test_a_title_that_failed_keeps_its_place_without_values(days: Days) -> None:
    run = Run(SITE, "top250", 2, DAY)
    days.history.begin(run, [ChartEntry(1, A.imdb_id), ChartEntry(2, B.imdb_id)])
    days.end(run)
    (snapshot,) = days.history.snapshots(1)
    assert seen(snapshot) == [(1, A.imdb_id, None, None), (2, B.imdb_id, None, None)]


def test_a_title_that_imdb_has_moved_stands_under_its_new_id(days: Days, database: Database) -> None:
    run = Run(SITE, "top250", 2, DAY)
    days.history.begin(run, [ChartEntry(1, A.imdb_id), ChartEntry(2, B.imdb_id)])
    repository = PostgresMovieRepository(database)
    repository.save(replace(A, scraped_at=DAY))
    repository.save(replace(C, scraped_at=DAY))
    repository.replace_chart("top250", list(chart_rows("top250", [A.imdb_id, C.imdb_id], DAY)))
    days.end(run)
    (snapshot,) = days.history.snapshots(1)
    assert seen(snapshot) == [(1, A.imdb_id, A.rating, A.votes), (2, C.imdb_id, C.rating, C.votes)]


def test_newcomers_leavers_and_climbers(days: Days) -> None:
    days.read(0, D, C, B, A)  # too long ago to matter
    days.read(1, A, B, C)
    days.read(2, D, C, complete=False)
    days.read(3, C, A, D)
    assert days.columns("newcomers", "chart", "rank", "imdb_id") == [("top250", 3, D.imdb_id)]
    assert days.columns("leavers", "rank_before", "imdb_id") == [(2, B.imdb_id)]
    assert days.columns("climbers", "climbed", "rank", "rank_before", "imdb_id") == [(2, 1, 3, C.imdb_id)]


def test_a_first_run_has_neither_newcomers_nor_leavers(days: Days) -> None:
    days.read(0, A, B)
    assert days.columns("newcomers", "imdb_id") == []
    assert days.columns("leavers", "imdb_id") == []


@pytest.mark.parametrize("name", ["newcomers", "leavers", "climbers"])
def test_what_compares_runs_says_whether_there_are_two(days: Days, name: str) -> None:
    assert "It needs two complete runs of the same chart; none exists so far." in days.report(name).explanation
    days.read(0, A, B)
    days.read(1, A, B, complete=False)
    days.read(1, C, chart="bottom100")
    assert days.report(name).explanation.endswith("only one exists so far.")
    days.read(2, A, B)
    table = days.report(name)
    assert list(table.rows) == []  # and that is the answer
    assert "It takes" not in table.explanation
    assert "It takes" not in days.report("genre_shares").explanation


@pytest.mark.parametrize("form", Format)
def test_without_two_runs_every_form_stays_what_it_is(days: Days, form: Format) -> None:
    out = io.StringIO()
    write(days.reports.tables(["newcomers"]), form, out)
    text = out.getvalue()
    assert ("so far" in text) is (form is not Format.CSV)
    if form is Format.JSON:
        assert json.loads(text)[0]["rows"] == []
    if form is Format.CSV:
        assert list(csv.reader(io.StringIO(text))) == [list(days.report("newcomers").columns)]


def test_the_median_of_two_lies_between_them(days: Days) -> None:
    days.read(0, bare(1, year=1994, rating=8.1), bare(2, year=1994, rating=8.7))
    ((first, median, third),) = days.columns("ratings_by_year", "first_quartile", "median", "third_quartile")
    assert (str(first), str(median), str(third)) == ("8.25", "8.40", "8.55")


def test_charts_are_compared_with_themselves(days: Days) -> None:
    days.read(0, A, B)
    days.read(1, C, chart="bottom100")
    days.read(2, B, A)
    assert days.columns("newcomers", "imdb_id") == []
    assert days.columns("climbers", "imdb_id") == [(B.imdb_id,)]


def test_lengths_spread_and_shares(days: Days) -> None:
    days.read(
        0,
        bare(1, year=1994, duration_minutes=100, rating=8.0, genres=("Drama", "Crime")),
        bare(2, year=1999, duration_minutes=111, rating=9.0, genres=("Drama",)),
        bare(3, year=2001, rating=7.0),
        bare(4),
    )
    lengths = days.columns("length_by_decade", "decade", "titles", "average_minutes", "shortest", "longest")
    assert [tuple(map(float, row)) for row in lengths] == [(1990, 2, 105.5, 100, 111)]  # type: ignore[arg-type]
    spread = days.columns("ratings_by_year", "year", "titles", "lowest", "median", "highest", "deviation")
    assert [tuple(map(float, row)) for row in spread] == [  # type: ignore[arg-type]
        (1994, 1, 8, 8, 8, 0),
        (1999, 1, 9, 9, 9, 0),
        (2001, 1, 7, 7, 7, 0),
    ]
    shares = days.columns("genre_shares", "genre", "titles", "percent")
    assert [(genre, titles, float(percent or 0)) for genre, titles, percent in shares] == [
        ("Drama", 2, 100.0),
        ("Crime", 1, 50.0),
    ]


def test_imdb_against_metascore(days: Days) -> None:
    days.read(
        0,
        bare(1, rating=8.0, metascore=60),  # exactly 20 apart
        bare(2, rating=8.0, metascore=59),
        bare(3, rating=2.0, metascore=90),
        bare(4, rating=8.0),
    )
    assert days.columns("imdb_against_metascore", "imdb_id", "apart") == [("tt8000003", -70), ("tt8000002", 21)]


def test_rank_within_its_year(days: Days) -> None:
    year = {1: 8.0, 2: 9.0, 3: 8.0, 4: 7.0}
    days.read(0, *(bare(number, year=1994, rating=rating, votes=number) for number, rating in year.items()))
    assert days.columns("rank_within_year", "rank_in_year", "imdb_id") == [
        (1, "tt8000002"),
        (2, "tt8000003"),
        (3, "tt8000001"),
    ]


def test_people_and_their_movies(days: Days) -> None:
    anna, bert = Person("nm0000001", "Anna"), Person("nm0000002", "Bert")

    def played(number: int, *people: Person) -> Movie:
        cast = tuple(Credit(person, CAST, place, ("X", "Y")) for place, person in enumerate(people, 1))
        return bare(number, cast=cast, directors=(Credit(bert, DIRECTOR, 1),), year=1990 + number)

    days.read(0, played(1, anna, bert), played(2, anna))
    assert days.columns("frequent_actors", "name", "titles") == [("Anna", 2), ("Bert", 1)]
    assert days.columns("frequent_directors", "name", "titles") == [("Bert", 2)]
    assert days.columns("actors_and_movies", "name", "year", "characters") == [
        ("Anna", 1991, "X, Y"),
        ("Anna", 1992, "X, Y"),
        ("Bert", 1991, "X, Y"),
    ]


def test_every_report_answers_on_an_empty_database(days: Days) -> None:
    for table in days.reports.tables():
        assert list(table.rows) == []
        assert table.title
        assert table.explanation


def test_an_unknown_report_is_refused_with_the_known_ones(days: Days) -> None:
    with pytest.raises(UsageError, match=r"unknown report 'nonsense'.*newcomers, leavers"):
        list(days.reports.tables(["nonsense"]))


def test_the_files_work_in_psql_by_themselves(days: Days) -> None:
    days.read(0, *films(20))
    days.read(1, *films(19))
    info = server().start()
    for name, path in report_paths(FOLDER).items():
        done = subprocess.run(
            [info.psql, info.dsn, "-X", "-v", "ON_ERROR_STOP=1", "-Atq", "-f", path],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert len(done.stdout.splitlines()) == len(list(days.report(name).rows))


def test_counting_people_needs_an_index_alone(days: Days) -> None:
    days.read(0, *films(60))
    with closing(psycopg2.connect(server().dsn())) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        cursor.execute("VACUUM ANALYZE movies, people, credits")
        cursor.execute("SET enable_seqscan = off")  # as it is chosen on large tables; this one is small
        for name in ("frequent_actors", "frequent_directors"):
            cursor.execute("EXPLAIN " + report_paths(FOLDER)[name].read_text())
            plan = "\n".join(line for (line,) in cursor.fetchall())
            assert "Index Only Scan using credits_person_id_idx on credits" in plan

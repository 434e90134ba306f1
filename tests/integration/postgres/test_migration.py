"""A database of version 0.1 becomes one of storage format 2: in place, and only if nothing of the user's is lost."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest

from domain.errors import UsageError
from domain.fields import Table
from infrastructure.bootstrap.stores import open_stores
from infrastructure.stores.postgres import schema
from infrastructure.stores.postgres.database import Database
from infrastructure.stores.postgres.reading import snapshot
from infrastructure.stores.postgres.repository import PostgresMovieRepository
from shared.clock import SystemClock
from shared.settings import load
from tests.support.columns import definition

DUMP = Path(__file__).parents[2] / "data" / "database_0_1.sql"


def execute(dsn: str, sql: str) -> list[tuple[object, ...]]:
    with closing(psycopg2.connect(dsn)) as connection, connection, connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall() if cursor.description else []


@pytest.fixture
def old(fresh: str) -> str:
    """The address of a database of version 0.1 whose one run was complete."""
    execute(fresh, DUMP.read_bytes().decode())
    execute(fresh, "UPDATE runs SET complete = true")
    return fresh


def prepare(dsn: str, chart: str | None = None) -> bool:
    with closing(Database(dsn)) as database:
        return schema.prepare(database, chart=chart)


@pytest.fixture
def ranked(old: str) -> list[tuple[object, ...]]:
    return execute(old, "SELECT rank, imdb_id FROM movies ORDER BY rank")


def taken(dsn: str) -> list[tuple[object, ...]]:
    """The ranks without a chart, which are forgotten by it."""
    found: list[tuple[object, ...]] = []
    with closing(Database(dsn)) as database:
        schema.take_ranks_before(database, lambda ranks: found.extend(rank[:2] for rank in ranks))
    return found


def fail(_: object) -> None:
    raise OSError("no room on the disk")


def contents(dsn: str) -> dict[Table, list[object]]:
    with closing(PostgresMovieRepository(Database(dsn))) as repository:
        return {table: list(repository.rows(table)) for table in Table}


def columns_and_checks(dsn: str) -> dict[tuple[str, str], tuple[object, ...]]:
    found = execute(
        dsn,
        """
        SELECT c.relname, attname, format_type(atttypid, atttypmod), attnotnull, collname = 'C',
               (SELECT pg_get_constraintdef(k.oid) FROM pg_constraint AS k
                WHERE conrelid = c.oid AND contype = 'c' AND conkey = ARRAY[attnum])
        FROM pg_class AS c JOIN pg_attribute ON attrelid = c.oid AND attnum > 0 AND NOT attisdropped
        LEFT JOIN pg_collation ON pg_collation.oid = attcollation
        WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
        """,
    )
    return {(str(table), str(column)): tuple(rest) for table, column, *rest in found}


def test_migrated_tables_have_the_types_and_limits_of_the_field_table(old: str) -> None:
    require_field_table(old)


def test_new_tables_have_the_types_and_limits_of_the_field_table(fresh: str) -> None:
    require_field_table(fresh)


def require_field_table(dsn: str) -> None:
    prepare(dsn)
    found = columns_and_checks(dsn)
    for table in Table:
        columns = ", ".join(definition(table, field) for field in table.fields)
        execute(dsn, f"CREATE TABLE wanted_{table} ({columns}, PRIMARY KEY ({', '.join(table.key)}))")
    wanted = {
        (table.removeprefix("wanted_"), column): rest
        for (table, column), rest in columns_and_checks(dsn).items()
        if table.startswith("wanted_")
    }
    for reference in (("credits", "imdb_id"), ("credits", "person_id")):  # what they refer to is checked
        wanted[reference] = (*wanted[reference][:-1], None)
    assert {key: found[key] for key in found if key[0] in set(Table)} == wanted
    keys = execute(
        dsn,
        "SELECT conrelid::regclass::text, replace(pg_get_constraintdef(oid), '\"', '') FROM pg_constraint "
        "WHERE contype = 'p' AND connamespace = 'public'::regnamespace",
    )
    assert {(str(table), f"PRIMARY KEY ({', '.join(table.key)})") for table in Table} <= set(keys)


def test_every_record_is_kept(old: str) -> None:
    before = execute(old, "SELECT imdb_id, title, genres, votes FROM movies ORDER BY 1")
    people = execute(old, "SELECT person_id, name, named_at FROM people ORDER BY 1")
    parts = execute(old, "SELECT imdb_id, category, position, person_id, characters FROM credits ORDER BY 1, 2, 3")
    assert prepare(old)
    assert not prepare(old)
    assert execute(old, "SELECT imdb_id, title, genres, votes FROM movies ORDER BY 1") == before
    assert execute(old, "SELECT person_id, name, read_at FROM people ORDER BY 1") == people
    now = execute(old, "SELECT imdb_id, category, position, person_id, characters FROM credits ORDER BY 1, 2, 3")
    assert now == [(*part[:-1], part[-1] or None) for part in parts]
    with closing(PostgresMovieRepository(Database(old))) as repository:
        for imdb_id in list(repository.ids()):
            movie = repository.find(imdb_id)
            assert movie is not None
            assert (movie.incomplete, movie.source) == (None, None)
            repository.save(movie)


def test_ranks_go_to_the_chart_of_the_newest_complete_run(old: str, ranked: list[tuple[object, ...]]) -> None:
    prepare(old)
    assert execute(old, "SELECT rank, imdb_id FROM charts WHERE chart = 'top250' ORDER BY rank") == ranked
    assert execute(old, "SELECT rank, imdb_id FROM top250") == ranked
    assert execute(old, "SELECT count(DISTINCT read_at) FROM charts") == [(1,)]
    assert taken(old) == []


def test_ranks_go_to_the_chart_that_is_known_from_elsewhere(old: str, ranked: list[tuple[object, ...]]) -> None:
    prepare(old, chart="bottom100")
    assert execute(old, "SELECT rank, imdb_id FROM bottom100") == ranked


def test_ranks_without_a_chart_are_kept_until_they_are_saved(old: str, ranked: list[tuple[object, ...]]) -> None:
    execute(old, "UPDATE runs SET complete = false")
    prepare(old)
    assert execute(old, "SELECT count(*) FROM charts") == [(0,)]
    with closing(Database(old)) as database, pytest.raises(OSError, match="disk"):
        schema.take_ranks_before(database, fail)
    assert taken(old) == ranked
    assert taken(old) == []


def test_of_two_titles_with_one_rank_the_later_reading_keeps_it(old: str, ranked: list[tuple[object, ...]]) -> None:
    (_, first), (_, second), *_ = ranked
    execute(
        old,
        f"UPDATE movies SET rank = 1 WHERE imdb_id = '{second}';"
        f"UPDATE movies SET scraped_at = scraped_at + interval '1 hour' WHERE imdb_id = '{second}'",
    )
    prepare(old)
    assert execute(old, "SELECT imdb_id FROM top250 WHERE rank = 1") == [(second,)]
    assert taken(old) == [(1, first)]


def test_a_password_in_the_address_of_a_run_is_removed(old: str) -> None:
    execute(old, "UPDATE runs SET site = 'http://user:s3cr3t@a.invalid'")
    prepare(old)
    assert execute(old, "SELECT site FROM runs") == [("http://a.invalid",)]


def test_grants_and_views_that_lose_nothing_survive(old: str) -> None:
    role = f"reader_{old[-12:]}"
    execute(
        old,
        f"CREATE ROLE {role};"
        f"GRANT SELECT ON movies, people, actor_movies, ranks_within_year TO {role};"
        f"GRANT INSERT ON credits TO {role};"
        "CREATE VIEW mine AS SELECT imdb_id, year FROM movies;"
        "CREATE VIEW on_ours AS SELECT title, chart_rank FROM ranks_within_year;"
        "CREATE VIEW when_named AS SELECT person_id, named_at FROM people",
    )
    grants = (
        "SELECT table_name, privilege_type FROM information_schema.role_table_grants "
        f"WHERE grantee = '{role}' ORDER BY 1, 2"
    )
    before = execute(old, grants)
    assert len(before) == 5
    prepare(old)
    assert execute(old, grants) == before
    assert len(execute(old, "SELECT * FROM mine")) == 4
    assert {row[1] for row in execute(old, "SELECT * FROM on_ours")} <= {1, 2, 3, 4}
    assert len(execute(old, "SELECT * FROM when_named")) > 4


@pytest.mark.parametrize(
    ("made", "named", "statement"),
    [
        ("CREATE VIEW mine AS SELECT rank FROM movies", "view mine", "DROP VIEW mine"),
        (
            "CREATE MATERIALIZED VIEW mine AS SELECT rank FROM movies",
            "materialized view mine",
            "DROP MATERIALIZED VIEW mine",
        ),
        ("CREATE INDEX mine ON movies (rank, year)", "index public.mine", "DROP INDEX public.mine"),
        (
            "ALTER TABLE movies ADD CONSTRAINT mine CHECK (rank <> 3000)",
            "table constraint mine on public.movies",
            "ALTER TABLE public.movies DROP CONSTRAINT mine",
        ),
        (
            "CREATE TABLE more (person_id text REFERENCES people_to_check)",
            "table constraint more_person_id_fkey on public.more",
            "ALTER TABLE public.more DROP CONSTRAINT more_person_id_fkey",
        ),
        (
            "CREATE FUNCTION mine() RETURNS trigger LANGUAGE plpgsql AS "
            "'BEGIN NEW.title := NEW.rank || NEW.title; RETURN NEW; END';"
            "CREATE TRIGGER mine BEFORE INSERT ON movies FOR EACH ROW EXECUTE FUNCTION mine()",
            "trigger mine on public.movies",
            "DROP TRIGGER mine on public.movies",
        ),
        (
            "CREATE TRIGGER mine AFTER UPDATE OF rank ON movies FOR EACH ROW EXECUTE FUNCTION note_lost_credits()",
            "trigger mine on public.movies",
            "DROP TRIGGER mine on public.movies",
        ),
        ("CREATE TABLE charts (x text)", "table charts", "ALTER TABLE public.charts RENAME TO charts_before"),
        ("CREATE VIEW top250 AS SELECT 1 AS x", "view top250", "ALTER VIEW public.top250 RENAME TO top250_before"),
        (
            "ALTER TABLE movies ADD COLUMN source integer",
            "column source of movies",
            "ALTER TABLE movies RENAME COLUMN source TO source_before",
        ),
        (
            "ALTER TABLE movies ADD COLUMN twice integer GENERATED ALWAYS AS (rank * 2) STORED",
            "default value for public.movies.twice",
            "ALTER TABLE public.movies DROP COLUMN twice",
        ),
        (
            "CREATE POLICY mine ON movies USING (rank > 0)",
            "policy mine on public.movies",
            "DROP POLICY mine on public.movies",
        ),
    ],
)
def test_what_would_be_lost_is_named_with_the_statement_that_helps(
    old: str, made: str, named: str, statement: str
) -> None:
    execute(old, made)
    state = "SELECT relname, relacl::text FROM pg_class WHERE relnamespace = 'public'::regnamespace ORDER BY 1"
    before = execute(old, state)
    with pytest.raises(UsageError) as caught:
        prepare(old)
    assert named in str(caught.value)
    assert f"run: {statement}; and start again" in str(caught.value)
    assert execute(old, state) == before
    execute(old, statement)
    assert prepare(old)


def test_a_database_that_was_not_migrated_is_read_as_it_will_be(old: str) -> None:
    execute(old, "UPDATE people SET named_at = '-infinity' WHERE person_id = (SELECT min(person_id) FROM people)")

    def read() -> Iterator[object]:
        with closing(Database(old)) as database, snapshot(database) as source:
            yield from (list(source.rows(table)) for table in Table)
            yield list(source.documents())

    before = list(read())
    assert execute(old, "SELECT count(*) FROM pg_attribute WHERE attrelid = 'movies'::regclass AND attname = 'rank'")
    prepare(old)
    after = list(read())
    released = Table.MOVIES.column_index("released")  # derived, and filled when the database is migrated
    assert [(*row[:released], None, *row[released + 1 :]) for row in after[0]] == before[0]  # type: ignore[attr-defined]
    assert after[1:-1] == before[1:-1]
    assert len(before[-1]) == len(after[-1]) == 4  # type: ignore[arg-type]


def test_comments_are_those_of_the_field_table(old: str) -> None:
    prepare(old)
    execute(old, "COMMENT ON COLUMN movies.votes IS 'something else'")
    prepare(old)
    for table in Table:
        assert execute(old, f"SELECT obj_description('{table}'::regclass)") == [(table.meaning,)]
        found = execute(
            old,
            "SELECT attname, col_description(attrelid, attnum) FROM pg_attribute "
            f"WHERE attrelid = '{table}'::regclass AND attnum > 0 AND NOT attisdropped",
        )
        assert dict(found) == {field.name: field.meaning for field in table.fields}  # type: ignore[arg-type]
    views = execute(
        old,
        "SELECT relname FROM pg_class WHERE relkind = 'v' AND relnamespace = 'public'::regnamespace "
        "AND obj_description(oid) IS NULL",
    )
    assert views == []


@pytest.mark.parametrize(
    ("text", "says"),
    [("a,b\n1,2\n", "its first line is"), ("imdb_id;title\n", "saved with another separator than the comma")],
)
def test_the_database_stays_as_it_is_where_the_files_beside_it_cannot_be_taken_over(
    old: str, tmp_path: Path, text: str, says: str
) -> None:
    (tmp_path / "movies.csv").write_text(text)
    settings = load({"DATA_DIR": str(tmp_path), "POSTGRES_DSN": old}).settings
    before = execute(old, "SELECT migration_id FROM _yoyo_migration ORDER BY 1")
    with pytest.raises(UsageError, match=says), open_stores(settings, SystemClock()):
        pass
    assert execute(old, "SELECT migration_id FROM _yoyo_migration ORDER BY 1") == before
    (tmp_path / "movies.csv").unlink()
    with open_stores(settings, SystemClock()):
        assert len(execute(old, "SELECT migration_id FROM _yoyo_migration")) > len(before)

"""What the PostgreSQL store does when the server, the network or another session gets in its way."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from time import sleep
from uuid import uuid4

import psutil
import psycopg2
import pytest

from application.ports.runs import Run
from application.records import chart_rows, timestamp
from domain.chart import ChartEntry
from domain.errors import RecordRejected, StoreUnavailable
from domain.fields import Table
from domain.movie import CAST, Aka, Credit, Movie
from infrastructure.stores.postgres import schema
from infrastructure.stores.postgres.database import Database
from infrastructure.stores.postgres.history import PostgresHistory
from infrastructure.stores.postgres.repository import PostgresMovieRepository
from tests.integration.postgres.waiting import wait_until
from tests.support.films import film
from tests.support.movies import full_movie, person
from tests.support.private_postgres import PASSWORD, PrivatePostgres
from tests.support.repositories import contents, expected
from tests.support.tcp_proxy import TcpProxy

Open = Callable[..., PostgresMovieRepository]


@pytest.fixture
def prepared(fresh: str) -> str:
    """The address of a database with the schema and no rows."""
    with closing(Database(fresh)) as database:
        schema.prepare(database)
    return fresh


@pytest.fixture
def opened(prepared: str) -> Iterator[Open]:
    """Opens repositories; by default on the prepared database."""
    with ExitStack() as stack:

        def open_one(dsn: str = prepared, **options: object) -> PostgresMovieRepository:
            repository = PostgresMovieRepository(Database(dsn, **options))  # type: ignore[arg-type]
            stack.callback(repository.close)
            return repository

        yield open_one


@contextmanager
def session(dsn: str, *statements: str) -> Iterator[psycopg2.extensions.connection]:
    """Another client with an open transaction."""
    with closing(psycopg2.connect(dsn)) as connection:
        for statement in statements:
            connection.cursor().execute(statement)
        yield connection


def value(dsn: str, sql: str) -> object:
    with session(dsn) as connection, connection.cursor() as cursor:
        cursor.execute(sql)
        (row,) = cursor.fetchall()
        return row[0]


def fill_up(dsn: str, stack: ExitStack) -> None:
    """Take every connection the server has."""
    while True:
        try:
            stack.enter_context(session(dsn))
        except psycopg2.OperationalError:
            return


def saving(dsn: str, state: str = "wait_event_type = 'Lock'") -> Callable[[], int]:
    """How many transactions of the program are under way."""
    sql = f"SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query ~ 'filmledger_' AND {state}"  # noqa: E501 - constants of this file

    def count() -> int:
        found = value(dsn, sql + " AND pid <> pg_backend_pid()")
        assert isinstance(found, int)
        return found

    return count


def submit(
    pool: ThreadPoolExecutor, repository: PostgresMovieRepository, movies: Sequence[Movie]
) -> list[Future[None]]:
    return [pool.submit(repository.save, movie) for movie in movies]


FILMS = [film(number, of=60) for number in range(60)]


@pytest.mark.long
def test_several_transactions_are_open_at_once(prepared: str, opened: Open) -> None:
    repository = opened()
    with ThreadPoolExecutor(50) as pool, session(prepared, "LOCK TABLE people") as other:
        saves = submit(pool, repository, FILMS)
        wait_until(lambda: saving(prepared)() == 2)
        other.rollback()
        for save in saves:
            save.result()
    assert contents(repository) == expected(FILMS)


@pytest.mark.long
def test_under_load_many_movies_share_a_transaction(prepared: str, opened: Open) -> None:
    repository = opened(pool_size=1)
    with ThreadPoolExecutor(50) as pool, session(prepared, "LOCK TABLE people") as other:
        saves = submit(pool, repository, FILMS[:50])
        wait_until(lambda: saving(prepared)() == 1 and pool._work_queue.empty())
        sleep(0.2)  # the others are on their way into the queue; being late would only make the test easier
        other.rollback()
        for save in saves:
            save.result()
    transactions = value(prepared, "SELECT count(DISTINCT xmin::text) FROM movies")
    assert isinstance(transactions, int)
    assert 2 <= transactions <= 25


@pytest.mark.long
def test_a_movie_that_violates_a_constraint_fails_alone(prepared: str, opened: Open) -> None:
    with session(prepared, "ALTER TABLE movies ADD CONSTRAINT movies_year_check2 CHECK (true)") as other:
        other.cursor().execute("ALTER TABLE movies DROP CONSTRAINT movies_year_check")
        other.cursor().execute("ALTER TABLE movies ADD CONSTRAINT movies_year_check CHECK (right(imdb_id, 1) <> '4')")
        other.commit()
    repository = opened()
    good = [movie for movie in FILMS if not movie.imdb_id.endswith("4")]
    with ThreadPoolExecutor(50) as pool:
        saves = dict(zip([movie.imdb_id for movie in FILMS], submit(pool, repository, FILMS), strict=True))
    failures = {imdb_id: save.exception() for imdb_id, save in saves.items() if save.exception()}
    assert set(failures) == {movie.imdb_id for movie in FILMS} - {movie.imdb_id for movie in good}
    for imdb_id, failure in failures.items():
        assert isinstance(failure, RecordRejected)
        assert str(failure).startswith(f"postgres: {imdb_id}: year: ")
    assert contents(repository) == expected(good)


OWN = 'violates check constraint "mine"'


@pytest.mark.parametrize(
    ("constraint", "says"),
    [
        ("movies ADD CONSTRAINT mine CHECK (votes < 0) NOT VALID", f'votes: new row for relation "movies" {OWN}'),
        ("movies ADD CONSTRAINT mine CHECK (year + rating < 9)", f'year, rating: new row for relation "movies" {OWN}'),
        ("movies ADD CONSTRAINT movies_mine_check CHECK (votes < 0)", 'votes: new row .* "movies_mine_check"'),
        ("movies ADD CONSTRAINT mine CHECK (false)", f'new row for relation "movies" {OWN}'),
        (
            "people ADD CONSTRAINT mine CHECK (name <> 'The Culprit')",
            rf'name of nm0000003 \(The Culprit\): new row for relation "people" {OWN}',
        ),
        (
            "credits ADD CONSTRAINT mine CHECK (characters[1] <> 'Nobody' OR position < 2)",
            rf'position, characters of nm0000003 \(The Culprit\): new row for relation "credits" {OWN}',
        ),
    ],
)
def test_a_constraint_of_the_users_own_is_named_with_its_columns_and_person(
    prepared: str, opened: Open, constraint: str, says: str
) -> None:
    with session(prepared, f"ALTER TABLE {constraint}") as other:
        other.commit()
    cast = [Credit(person(2), CAST, 1), Credit(person(3, "The Culprit"), CAST, 2, ("Nobody",))]
    refused = replace(full_movie(1), cast=tuple(cast))
    with pytest.raises(RecordRejected, match=f"^postgres: {refused.imdb_id}: {says}$"):
        opened().save(refused)


def test_a_unique_index_of_the_users_own_is_named_with_its_column(prepared: str, opened: Open) -> None:
    with session(prepared, "CREATE UNIQUE INDEX mine ON movies (title)") as other:
        other.commit()
    repository = opened()
    repository.save(FILMS[0])
    with pytest.raises(RecordRejected, match=f'{FILMS[1].imdb_id}: title: duplicate key .* "mine"'):
        repository.save(replace(FILMS[1], title=FILMS[0].title))


@pytest.mark.parametrize("mode", ["immediate", pytest.param("fast", marks=pytest.mark.long)])
@pytest.mark.parametrize(
    "tcp", [pytest.param(False, id="socket"), pytest.param(True, id="tcp", marks=pytest.mark.long)]
)
def test_a_restart_of_the_server_costs_nothing(
    running: PrivatePostgres, prepared: str, opened: Open, tcp: bool, mode: str
) -> None:
    name = prepared.rsplit("=", 1)[1]
    repository = opened(running.dsn(database=name, tcp=tcp))
    halfway = threading.Semaphore(0)

    def save(movie: Movie) -> None:
        repository.save(movie)
        halfway.release()

    with ThreadPoolExecutor(10) as pool:
        saves = [pool.submit(save, movie) for movie in FILMS]
        for _ in range(20):
            halfway.acquire()
        running.restart(mode)
        for one in saves:
            one.result()
    assert contents(repository) == expected(FILMS)


@pytest.mark.long
def test_connections_cut_while_idle_are_replaced(prepared: str, opened: Open) -> None:
    repository = opened(timeout=0)
    with ThreadPoolExecutor(10) as pool:
        for save in submit(pool, repository, FILMS[:20]):
            save.result()
    value(
        prepared, "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'filmledger'"
    )
    repository.save(FILMS[20])
    assert contents(repository) == expected(FILMS[:21])


@pytest.mark.long
def test_too_many_connections_are_waited_for(prepared: str, opened: Open) -> None:
    with ExitStack() as stack:
        fill_up(prepared, stack)
        with pytest.raises(StoreUnavailable, match="too many clients"):
            opened(timeout=0.2).save(FILMS[0])
        patient = opened()
        with ThreadPoolExecutor(1) as pool:
            save = pool.submit(patient.save, FILMS[0])
            wait_until(lambda: patient._database._outage._since is not None)
            stack.close()
            save.result()
    assert contents(patient) == expected(FILMS[:1])


def test_a_lock_is_waited_for_and_named_with_its_holder(prepared: str, opened: Open) -> None:
    with session(f"{prepared} application_name=report", "LOCK TABLE people") as other:
        says = r"program.s tables.*held by report \(process \d+, user tester, idle in transaction since .*people: Acc"
        with pytest.raises(StoreUnavailable, match=says):
            opened(statement_timeout=1.5, timeout=0.5).save(FILMS[0])
        assert value(prepared, "SELECT count(*) FROM movies") == 0
        patient = opened(statement_timeout=1.5)
        with ThreadPoolExecutor(1) as pool:
            save = pool.submit(patient.save, FILMS[0])
            wait_until(lambda: patient._database._outage._since is not None)
            other.rollback()
            save.result()
    assert contents(patient) == expected(FILMS[:1])


@pytest.mark.long
def test_the_victim_of_a_deadlock_tries_again(prepared: str, opened: Open) -> None:
    repository = opened()
    repository.save(FILMS[0])
    people = sorted({credit.person.person_id for credit in FILMS[0].credits})
    lock = "SELECT FROM people WHERE person_id = '{}' FOR UPDATE"
    with (
        ThreadPoolExecutor(2) as pool,
        session(prepared, "SET deadlock_timeout = '1h'", lock.format(people[-1])) as other,
    ):
        save = pool.submit(repository.save, FILMS[0])
        wait_until(lambda: saving(prepared)() == 1)
        other.cursor().execute(lock.format(people[0]))  # each now waits for the other; ours looks first and gives way
        other.rollback()
        save.result()
    deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    wait_until(lambda: value(prepared, deadlocks) == 1)
    assert contents(repository) == expected(FILMS[:1])


def test_an_isolation_level_of_the_users_does_not_matter(prepared: str, opened: Open) -> None:
    name = prepared.rsplit("=", 1)[1]
    with closing(psycopg2.connect(prepared)) as connection:
        connection.autocommit = True
        connection.cursor().execute(f"ALTER DATABASE {name} SET default_transaction_isolation = 'repeatable read'")
    repository = opened()
    repository.save(FILMS[0])
    person = FILMS[0].credits[0].person.person_id
    with (
        ThreadPoolExecutor(1) as pool,
        session(
            prepared,
            f"UPDATE people SET read_at = read_at WHERE person_id = '{person}'",
        ) as other,
    ):
        save = pool.submit(repository.save, FILMS[0])
        wait_until(lambda: saving(prepared)() == 1)
        other.commit()
        save.result()
    assert contents(repository) == expected(FILMS[:1])


@pytest.fixture
def proxy(running: PrivatePostgres) -> Iterator[TcpProxy]:
    with TcpProxy(running.port) as proxy:
        yield proxy


@pytest.fixture
def through(running: PrivatePostgres, prepared: str, proxy: TcpProxy) -> str:
    """The address of the prepared database through the proxy."""
    return running.dsn(tcp=True, database=prepared.rsplit("=", 1)[1], port=proxy.port) + " connect_timeout=2"


@pytest.mark.long
def test_a_cut_network_costs_nothing(proxy: TcpProxy, through: str, opened: Open) -> None:
    repository = opened(through)
    with ThreadPoolExecutor(10) as pool:
        saves = []
        for movie in FILMS:
            saves.append(pool.submit(repository.save, movie))
            if movie in FILMS[20::20]:
                saves[-10].result()
                proxy.cut()
        for save in saves:
            save.result()
    assert contents(repository) == expected(FILMS)


def test_a_commit_whose_answer_got_lost_is_repeated(proxy: TcpProxy, through: str, prepared: str, opened: Open) -> None:
    repository = opened(through)
    repository.save(FILMS[0])
    proxy.lose_next_reply()
    repository.save(FILMS[1])
    assert not proxy._lose_reply.is_set()
    assert contents(opened()) == expected(FILMS[:2])


@pytest.mark.long
def test_a_slow_network_only_takes_longer(proxy: TcpProxy, through: str, opened: Open) -> None:
    proxy.delay = 0.02
    repository = opened(through)
    with ThreadPoolExecutor(50) as pool:
        for save in submit(pool, repository, FILMS):
            save.result()
    assert contents(repository) == expected(FILMS)


@pytest.mark.long
def test_a_frozen_network_is_noticed(proxy: TcpProxy, through: str, prepared: str, opened: Open) -> None:
    repository = opened(through, statement_timeout=0.5)
    repository.save(FILMS[0])
    proxy.freeze()
    with ThreadPoolExecutor(1) as pool:
        save = pool.submit(repository.save, FILMS[1])
        wait_until(lambda: repository._database._outage._since is not None)
        proxy.cut()  # what was held back is lost, as it would be
        proxy.thaw()
        save.result()
    assert contents(opened()) == expected(FILMS[:2])


@pytest.mark.long
def test_a_server_that_stays_away_is_given_up_once_for_all(
    running: PrivatePostgres, prepared: str, opened: Open
) -> None:
    repository = opened(timeout=0.5)
    repository.save(FILMS[0])
    running.stop()
    with ThreadPoolExecutor(50) as pool:
        saves = submit(pool, repository, FILMS)
    assert all(isinstance(save.exception(), StoreUnavailable) for save in saves)
    running.start()
    wait_until(lambda: saves_again(repository))
    assert contents(repository) == expected(FILMS[:2])


def test_waiting_ends_when_the_run_is_cancelled(running: PrivatePostgres, prepared: str, opened: Open) -> None:
    cancel = threading.Event()
    repository = opened(timeout=3600, cancel=cancel)
    repository.save(FILMS[0])
    running.stop()
    with ThreadPoolExecutor(10) as pool:
        saves = submit(pool, repository, FILMS[:20])
        wait_until(lambda: repository._database._outage._since is not None)
        cancel.set()
    assert all(isinstance(save.exception(), StoreUnavailable) for save in saves)


@pytest.mark.long
def test_reading_works_while_saving_goes_on(prepared: str, opened: Open) -> None:
    repository = opened()
    for movie in FILMS[:30]:
        repository.save(movie)
    rows = repository.rows(Table.MOVIES)
    first = next(rows)
    for movie in FILMS[30:]:
        repository.save(movie)
    assert [first, *rows] == expected(FILMS[:30])[Table.MOVIES]  # one moment's picture
    assert contents(repository) == expected(FILMS)


# --- fewer connections than the pool may have -----------------------------------


@contextmanager
def role_of(running: PrivatePostgres, prepared: str, connections: int) -> Iterator[str]:
    """The prepared database's address for a role that may have so many connections."""
    role = f"r{uuid4().hex}"
    database = prepared.rsplit("=", 1)[1]
    with closing(psycopg2.connect(prepared)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'x' CONNECTION LIMIT {connections}")
            cursor.execute(f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {role}")
        yield running.dsn(database=database).replace("user=tester", f"user={role}").replace(f"'{PASSWORD}'", "'x'")
        connected = f"SELECT count(*) FROM pg_stat_activity WHERE usename = '{role}'"
        wait_until(lambda: value(prepared, connected) == 0)
        with connection.cursor() as cursor:
            cursor.execute(f"DROP OWNED BY {role}; DROP ROLE {role}")


@pytest.mark.long
@pytest.mark.parametrize("limit", [1, 2, 3])
def test_a_role_with_few_connections_makes_do_with_them(
    running: PrivatePostgres, prepared: str, opened: Open, limit: int
) -> None:
    with role_of(running, prepared, limit) as dsn:
        repository = opened(dsn, timeout=2)
        with ThreadPoolExecutor(50) as pool, session(prepared, "LOCK TABLE people") as other:
            saves = submit(pool, repository, FILMS)
            wait_until(lambda: saving(prepared)() == min(limit, 2))
            sleep(0.2)  # whoever finds no connection has been told so by now
            other.rollback()
            for save in saves:
                save.result()
        assert contents(repository) == expected(FILMS)
        repository.save(FILMS[0])
        repository.close()


def test_idle_connections_make_room_for_reading(
    running: PrivatePostgres, prepared: str, opened: Open, caplog: pytest.LogCaptureFixture
) -> None:
    with role_of(running, prepared, 2) as dsn:
        repository = opened(dsn, timeout=5)
        with ThreadPoolExecutor(50) as pool, session(prepared, "LOCK TABLE people") as other:
            saves = submit(pool, repository, FILMS)
            wait_until(lambda: saving(prepared)() == 2)
            other.rollback()
            for save in saves:
                save.result()
        rows = repository.rows(Table.MOVIES)
        assert [next(rows), *rows] == expected(FILMS)[Table.MOVIES]
        repository.close()
    assert not caplog.records


# --- a server that is there and says nothing ------------------------------------


@contextmanager
def frozen(server: PrivatePostgres) -> Iterator[None]:
    """Nothing of the server runs while the block does."""
    postmaster = psutil.Process(int((server.cluster / "postmaster.pid").read_text().split()[0]))
    processes = [postmaster, *postmaster.children()]
    for process in processes:
        process.suspend()
    try:
        yield
    finally:
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                process.resume()


def saves_again(repository: PostgresMovieRepository) -> bool:
    """Whether the store takes a title; just after it gave up it refuses without asking the server."""
    try:
        repository.save(FILMS[1])
    except StoreUnavailable:
        return False
    return True


@pytest.mark.long
def test_a_frozen_server_is_given_up_once(running: PrivatePostgres, prepared: str, opened: Open) -> None:
    repository = opened(timeout=2)
    with ThreadPoolExecutor(50) as pool:
        for save in submit(pool, repository, FILMS[:20]):
            save.result()
        with frozen(running):
            saves = submit(pool, repository, FILMS[:50])
            assert all(isinstance(save.exception(), StoreUnavailable) for save in saves)
            with pytest.raises(StoreUnavailable, match=r"timeout expired|no answer"):
                repository.finalize()
            with pytest.raises(StoreUnavailable, match="timeout expired"):
                next(repository.rows(Table.MOVIES))
    wait_until(lambda: saves_again(repository))


def test_closing_does_not_wait_for_a_frozen_server(running: PrivatePostgres, prepared: str, opened: Open) -> None:
    repository = opened(timeout=2)
    repository.save(FILMS[0])
    with frozen(running):
        repository.close()


@pytest.mark.long
def test_a_server_frozen_while_it_is_read_is_noticed(running: PrivatePostgres, prepared: str, opened: Open) -> None:
    repository = opened(timeout=1)
    repository.save(FILMS[0])
    with session(prepared, "LOCK TABLE movies") as other, ThreadPoolExecutor(1) as pool:
        reading = pool.submit(lambda: list(repository.rows(Table.MOVIES)))
        wait_until(lambda: value(prepared, "SELECT count(*) FROM pg_locks WHERE NOT granted") == 1)
        with frozen(running), pytest.raises(StoreUnavailable, match="no answer for"):
            reading.result()
        other.rollback()


@pytest.mark.long
def test_a_server_frozen_while_it_is_migrated_is_noticed(running: PrivatePostgres, fresh: str) -> None:
    with closing(Database(fresh, timeout=3)) as database:
        schema.prepare(database, until=schema.versions()[0])
        with session(fresh, "LOCK TABLE movies") as other, ThreadPoolExecutor(1) as pool:
            migrating = pool.submit(schema.prepare, database)
            wait_until(lambda: value(fresh, "SELECT count(*) FROM pg_locks WHERE NOT granted") == 1)
            with frozen(running), pytest.raises(StoreUnavailable, match="no answer for"):
                migrating.result()
            other.rollback()


# --- a database that does not keep what it is sent -------------------------------

DROPS_ROWS = """
CREATE FUNCTION drop_it() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER drop_it BEFORE INSERT ON {} FOR EACH ROW WHEN ({}) EXECUTE FUNCTION drop_it()
"""


@pytest.mark.parametrize(
    ("made", "says"),
    [
        (DROPS_ROWS.format("movies", "new.imdb_id = '{victim}'"), "did not keep all rows of movies"),
        (
            DROPS_ROWS.format("credits", "new.imdb_id = '{victim}' AND new.position = 1"),
            "not keep all rows of credits",
        ),
        (DROPS_ROWS.format("akas", "new.imdb_id = '{victim}'"), "did not keep all rows of akas"),
        (
            "CREATE RULE drop_it AS ON INSERT TO credits WHERE new.imdb_id = '{victim}' DO INSTEAD NOTHING",
            "INSERT or UPDATE rules|did not keep all rows of credits",
        ),
        (
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS "
            "$$BEGIN IF new.imdb_id = '{victim}' THEN RAISE EXCEPTION 'not this one'; END IF; RETURN NULL; END$$; "
            "CREATE CONSTRAINT TRIGGER refuse AFTER INSERT ON movies DEFERRABLE INITIALLY DEFERRED "
            "FOR EACH ROW EXECUTE FUNCTION refuse()",
            "not this one",
        ),
    ],
)
def test_a_save_is_believed_when_the_database_holds_what_was_sent(
    prepared: str, opened: Open, made: str, says: str
) -> None:
    films = [replace(film, akas=(Aka(f"Also {film.title}"),)) for film in FILMS[:3]]
    victim = films[1].imdb_id
    repository = opened(pool_size=1)
    repository.save(films[0])
    with session(prepared, made.format(victim=victim)) as connection:
        connection.commit()
    with ThreadPoolExecutor(3) as pool:
        saves = submit(pool, repository, films)
    with pytest.raises(RecordRejected, match=f"{victim}: .*({says})"):
        saves[1].result()
    saves[0].result()
    saves[2].result()
    assert contents(repository)[Table.MOVIES] == expected([films[0], films[2]])[Table.MOVIES]
    assert contents(repository)[Table.CREDITS] == expected([films[0], films[2]])[Table.CREDITS]


@pytest.mark.parametrize("table", ["charts", "my_ratings", "runs", "chart_entries"])
def test_rows_beside_the_titles_are_believed_in_the_same_way(prepared: str, opened: Open, table: str) -> None:
    with session(prepared, DROPS_ROWS.format(table, "true")) as connection:
        connection.commit()
    repository, now = opened(), FILMS[0].scraped_at
    with closing(Database(prepared)) as database:
        history = PostgresHistory(database)

        def save() -> None:
            repository.replace_chart("top250", list(chart_rows("top250", [FILMS[0].imdb_id], now)))
            repository.save_rows(Table.MY_RATINGS, [(FILMS[0].imdb_id, "7", None, None, timestamp(now))])
            history.begin(Run("http://a.invalid", "top250", 1, now), [ChartEntry(1, FILMS[0].imdb_id)])

        with pytest.raises(RecordRejected, match=f"did not keep all rows of {table} "):
            save()


def test_an_older_rating_is_no_rejection(opened: Open) -> None:
    repository = opened()
    newer, older = (
        (FILMS[0].imdb_id, rating, None, None, timestamp(FILMS[0].scraped_at - timedelta(days=days)))
        for rating, days in (("7", 0), ("8", 1))
    )
    repository.save_rows(Table.MY_RATINGS, [newer])
    repository.save_rows(Table.MY_RATINGS, [older])
    assert [row[1] for row in contents(repository)[Table.MY_RATINGS]] == ["7"]


def test_rows_that_row_security_refuses_are_rejected(running: PrivatePostgres, prepared: str, opened: Open) -> None:
    with role_of(running, prepared, 5) as dsn:
        with session(
            prepared,
            "ALTER TABLE movies ENABLE ROW LEVEL SECURITY",
            f"CREATE POLICY mine ON movies USING (imdb_id <> '{FILMS[1].imdb_id}')",
        ) as connection:
            connection.commit()
        repository = opened(dsn)
        repository.save(FILMS[0])
        with pytest.raises(RecordRejected, match=f"{FILMS[1].imdb_id}: .*row-level security"):
            repository.save(FILMS[1])
        repository.close()


def test_an_older_record_is_no_rejection(opened: Open) -> None:
    repository = opened()
    repository.save(FILMS[0])
    repository.save(replace(FILMS[0], title="Older", scraped_at=FILMS[0].scraped_at - timedelta(days=1)))
    assert contents(repository) == expected(FILMS[:1])


# --- sessions that somebody has set up differently -------------------------------


def test_settings_of_a_database_do_not_change_what_is_stored(prepared: str, opened: Open) -> None:
    name = prepared.rsplit("=", 1)[1]
    odd = {
        "standard_conforming_strings": "off",
        "DateStyle": "German",
        "IntervalStyle": "sql_standard",
        "TimeZone": "'Asia/Kathmandu'",
        "extra_float_digits": "-10",
        "bytea_output": "escape",
        "search_path": "other, public",
        "idle_in_transaction_session_timeout": "'1ms'",
        "statement_timeout": "'1s'",
    }
    awkward = replace(FILMS[0], title="back\\slash \\' quote", plot='"\\n"', genres=("a\\b", "c\nd"))
    with closing(psycopg2.connect(prepared)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("CREATE SCHEMA other; CREATE TABLE other.credits (x text)")
            for setting, wanted in odd.items():
                cursor.execute(f"ALTER DATABASE {name} SET {setting} = {wanted}")
    repository = opened()
    repository.save(awkward)
    assert repository.find(awkward.imdb_id) == replace(awkward, rank=None)
    assert contents(repository) == expected([awkward])
    repository.save_rows(Table.RATINGS_HISTORY, [(awkward.imdb_id, "2026-02-03", "9.1", "12")])
    assert list(repository.rows(Table.RATINGS_HISTORY)) == [(awkward.imdb_id, "2026-02-03", "9.1", "12")]


def test_a_first_connection_that_is_cut_is_tried_again(proxy: TcpProxy, through: str, opened: Open) -> None:
    proxy.lose_next_reply()
    with closing(Database(through)) as database:
        schema.prepare(database)
    proxy.lose_next_reply()
    repository = opened(through)
    repository.save(FILMS[0])
    assert contents(repository) == expected(FILMS[:1])


@pytest.mark.long
def test_a_short_statement_does_not_outlast_the_patience(prepared: str, opened: Open) -> None:
    repository = opened(timeout=0.5)
    with session(prepared, "LOCK TABLE people"), pytest.raises(StoreUnavailable, match="on the program's tables"):
        repository.save(FILMS[0])


def test_reading_names_the_lock_too(prepared: str) -> None:
    with (
        session(f"{prepared} application_name=report", "LOCK TABLE movies") as _,
        closing(PostgresMovieRepository(Database(prepared, timeout=0.3))) as repository,
        pytest.raises(StoreUnavailable, match="held by report"),
    ):
        list(repository.rows(Table.MOVIES))


@pytest.mark.long
def test_preparing_names_the_lock_too(prepared: str) -> None:
    last = "DELETE FROM _yoyo_migration WHERE migration_id = (SELECT max(migration_id) FROM _yoyo_migration)"
    with session(prepared, last) as connection:
        connection.commit()
    with (
        session(f"{prepared} application_name=report", "LOCK TABLE movies") as _,
        closing(Database(prepared, timeout=0.3)) as database,
        pytest.raises(StoreUnavailable, match="held by report"),
    ):
        schema.prepare(database)

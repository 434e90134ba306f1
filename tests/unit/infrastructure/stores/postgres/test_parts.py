"""The PostgreSQL store's small parts, without a server."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import psycopg2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg2 import errors
from psycopg2.extensions import parse_dsn

from application.records import Row, to_rows
from domain.errors import StoreUnavailable, UsageError
from domain.fields import Table
from infrastructure.stores.postgres.address import completed, environment_of, from_parts, within
from infrastructure.stores.postgres.failures import Kind, Outage, classify_error, one_line
from infrastructure.stores.postgres.statements import array_literal, encode_columns, groups
from tests.support.movies import movie

# --- failures -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ('connection to server on socket "/x" failed: FATAL:  password authentication failed for user "u"', Kind.WRONG),
        ("connection to server failed: fe_sendauth: no password supplied", Kind.WRONG),
        ('FATAL:  no pg_hba.conf entry for host "1.2.3.4", user "u", database "d"', Kind.WRONG),
        ('FATAL:  database "d" does not exist', Kind.WRONG),
        ('FATAL:  role "u" does not exist', Kind.WRONG),
        ("SSL error: certificate verify failed", Kind.WRONG),
        ("server does not support SSL, but SSL was required", Kind.WRONG),
        ('could not translate host name "nowhere" to address: Name or service not known', Kind.WRONG),
        ("connection to server failed: Connection refused", Kind.GONE),
        ("FATAL:  the database system is starting up", Kind.GONE),
        ("FATAL:  the database system is not yet accepting connections", Kind.GONE),
        ("FATAL:  sorry, too many clients already", Kind.GONE),
        ("FATAL:  remaining connection slots are reserved for roles with the SUPERUSER attribute", Kind.GONE),
        ("server closed the connection unexpectedly", Kind.GONE),
        ("SSL SYSCALL error: EOF detected", Kind.GONE),
        ("SSL connection has been closed unexpectedly", Kind.GONE),
        ("could not receive data from server: Connection timed out", Kind.GONE),
        ("", Kind.GONE),
    ],
)
def test_errors_without_a_code_are_told_apart_by_their_text(said: str, kind: Kind) -> None:
    assert classify_error(psycopg2.OperationalError(said)).kind is kind


def test_a_closed_connection_is_gone() -> None:
    assert classify_error(psycopg2.InterfaceError("connection already closed")).kind is Kind.GONE
    assert classify_error(psycopg2.DatabaseError("lost synchronization with server")).kind is Kind.GONE


def test_what_the_program_got_wrong_is_not_tried_again() -> None:
    assert classify_error(psycopg2.ProgrammingError("no results to fetch")).kind is Kind.WRONG


def test_a_kind_becomes_an_error_of_ours() -> None:
    lost = classify_error(psycopg2.OperationalError("server closed the connection unexpectedly\n\tmore")).error()
    assert isinstance(lost, StoreUnavailable)
    assert str(lost) == "postgres: server closed the connection unexpectedly"
    wrong = classify_error(psycopg2.OperationalError('FATAL:  database "d" does not exist\n')).error()
    assert isinstance(wrong, UsageError)
    assert str(wrong) == 'PostgreSQL: database "d" does not exist'


def test_one_line_of_nothing_is_the_class() -> None:
    assert one_line(errors.QueryCanceled()) == "QueryCanceled"


# --- outages --------------------------------------------------------------------


class Hours:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_timeout_is_counted_from_the_first_failure() -> None:
    clock = Hours()
    outage = Outage(60, clock)
    assert not outage.too_long
    outage.failed()
    clock.now += 59
    outage.failed()
    assert not outage.too_long
    clock.now += 1
    assert outage.too_long


def test_a_success_ends_an_outage() -> None:
    clock = Hours()
    outage = Outage(60, clock)
    outage.failed()
    clock.now += 1000
    outage.ended()
    assert not outage.too_long
    outage.failed()
    assert not outage.too_long


def test_what_is_left_of_the_timeout_counts_from_the_last_answer() -> None:
    clock = Hours()
    outage = Outage(60, clock)
    clock.now += 30
    outage.ended()
    clock.now += 20
    assert outage.left == 60
    outage.failed(waited=50)  # but there was an answer 20 seconds ago, to another thread
    assert outage.left == 40
    clock.now += 50
    assert outage.left == 0
    assert outage.too_long


def test_an_outage_is_told_once() -> None:
    outage = Outage(60)
    outage.failed()
    assert [outage.should_notify(), outage.should_notify()] == [True, False]
    outage.ended()
    outage.failed()
    assert outage.should_notify()


# --- batches --------------------------------------------------------------------


def test_rows_become_one_array_for_each_column() -> None:
    rows: list[Row] = [("top250", "1", 'a "b"', None), ("top250", "2", "c\\d", "NULL")]
    assert encode_columns(Table.CHARTS, rows) == [
        '{"top250","top250"}', '{"1","2"}', '{"a \\"b\\"","c\\\\d"}', '{null,"NULL"}',
    ]  # fmt: skip
    assert encode_columns(Table.CHARTS, [("top250", "1", None, None)])[2:] == [None, None]
    assert encode_columns(Table.CHARTS, []) == [None] * 4


@pytest.mark.parametrize(
    ("cell", "literal"),
    [
        ("[]", "{}"),
        ('["a", "b, {c}"]', '{"a", "b, {c}"}'),
        ('["line\\nfeed", "q\\"x"]', '{"line\nfeed","q\\"x"}'),
        ("not JSON", "not JSON"),
        ("[1]", "[1]"),
    ],
)
def test_lists_become_arrays(cell: str, literal: str) -> None:
    assert array_literal(cell) == literal


@given(st.lists(st.integers(1, 6), max_size=30))
def test_no_movie_stands_twice_in_a_group_and_none_overtakes_itself(numbers: list[int]) -> None:
    movies = [to_rows(movie(number)) for number in numbers]
    found = list(groups(movies))
    assert sorted(index for group in found for index in group) == list(range(len(movies)))
    for group in found:
        assert len({movies[index].movie[0] for index in group}) == len(group)
    for number in set(numbers):
        order = [index for group in found for index in group if numbers[index] == number]
        assert order == sorted(order)


def test_long_texts_are_written_in_smaller_groups() -> None:
    movies = [to_rows(replace(movie(number), plot="x" * 3_000_000)) for number in range(1, 4)]
    assert list(groups(movies)) == [[0], [1], [2]]
    assert list(groups([to_rows(replace(movie(1), plot="x" * 9_000_000))])) == [[0]]


# --- addresses ------------------------------------------------------------------


def test_timeouts_are_added_where_nothing_is_said() -> None:
    parts = parse_dsn(completed("host=db connect_timeout=3"))
    assert parts["connect_timeout"] == "3"
    assert parts["tcp_user_timeout"] == "30000"
    assert parts["application_name"] == "filmledger"


@pytest.mark.parametrize(
    ("given", "seconds", "used"),
    [("", 30, "30"), ("", 2.1, "3"), ("", 0, "2"), ("connect_timeout=4", 30, "4"), ("connect_timeout=0", 30, "30")],
)
def test_connecting_takes_no_longer_than_is_left(given: str, seconds: float, used: str) -> None:
    assert parse_dsn(within(f"host=db {given}", seconds))["connect_timeout"] == used


def test_an_address_is_made_of_single_settings() -> None:
    dsn = from_parts("db", 5433, "films", "me", "it's a 'secret'", sslmode="verify-full", sslrootcert=Path("/ca.pem"))
    assert parse_dsn(dsn) == {
        "host": "db", "port": "5433", "dbname": "films", "user": "me", "password": "it's a 'secret'",
        "sslmode": "verify-full", "sslrootcert": "/ca.pem",
    }  # fmt: skip
    assert "password" not in parse_dsn(from_parts("db", 5432, "films", "me", ""))


@pytest.mark.parametrize(
    "dsn",
    [
        "postgresql://me:se/cret@db/films",
        "postgresql://me:se@cret@db/films",
        "postgresql://me:secret@db:port/films",
        "password=secret forgotten",
        "mysql://me:secret@db/films",
    ],
)
def test_a_torn_address_is_refused_without_being_repeated(dsn: str) -> None:
    with pytest.raises(UsageError, match="is not a connection string") as caught:
        completed(dsn)
    assert "cret" not in str(caught.value)


def test_psql_gets_its_address_in_the_environment() -> None:
    found = environment_of("postgresql://me:se%2Fcret@db:5433/films?sslmode=require")
    assert found["PGPASSWORD"] == "se/cret"
    assert (found["PGHOST"], found["PGPORT"], found["PGDATABASE"], found["PGUSER"]) == ("db", "5433", "films", "me")

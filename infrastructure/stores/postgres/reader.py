"""The role for users' queries on the embedded server: it can read all tables and views, and nothing else."""

from __future__ import annotations

import hashlib
import hmac
from contextlib import closing
from pathlib import Path
from typing import Final

import psycopg2
from psycopg2.extensions import cursor as Cursor  # noqa: N812 - a class in all but name
from psycopg2.extensions import make_dsn, parse_dsn

from domain.errors import StoreUnavailable
from infrastructure.stores.postgres.address import Address
from infrastructure.stores.postgres.database import Database
from infrastructure.stores.postgres.failures import STORE, one_line
from infrastructure.stores.postgres.queries import query

READER: Final = "filmledger_reader"
_LOCK: Final = 7_164_702_332  # an advisory lock of this program; an arbitrary number
_CORRECT: Final = f"""
SET LOCAL log_min_error_statement = 'panic';
SET LOCAL scram_iterations = 1;
ALTER ROLE {READER} LOGIN INHERIT NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS
    CONNECTION LIMIT -1 VALID UNTIL 'infinity' PASSWORD %s;
ALTER ROLE {READER} RESET ALL;
GRANT pg_read_all_data TO {READER}
"""


def prepare_reader(database: Database, address: Address) -> Address:
    """Creates the role, or corrects its attributes.

    Args:
        database: the embedded server's, as its superuser.
        address: of the same database; its password file gives the role's password.

    Returns:
        The address for the role.

    Raises:
        StoreUnavailable: the server cannot be reached, or the role cannot log in.
    """

    def reader_dsn() -> str:
        dsn = address()
        return make_dsn(dsn, user=READER, password=_password(dsn))

    def correct(cursor: Cursor) -> None:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        cursor.execute(query("reader_role"), (READER,))
        state = cursor.fetchone()
        if state is None:
            cursor.execute(f"CREATE ROLE {READER}")
            others: list[str] = []
        else:
            plain, others = state
            if plain and not others and _can_log_in(reader_dsn()):
                return
        for other in others:
            cursor.execute(f"REVOKE {other} FROM {READER}")
        cursor.execute(_CORRECT, (_password(address()),))

    database.transact(correct)
    if not _can_log_in(reader_dsn()):
        raise StoreUnavailable(STORE, f"the role {READER} cannot log in; `psql` still works")
    return reader_dsn


def _password(dsn: str) -> str:
    """Derived from the superuser's, so that there is no second secret to store."""
    secret = Path(parse_dsn(dsn)["passfile"]).read_text(encoding="utf-8").strip()
    return hmac.new(secret.encode(), READER.encode(), hashlib.sha256).hexdigest()


def _can_log_in(dsn: str) -> bool:
    try:
        with closing(psycopg2.connect(dsn)):
            return True
    except psycopg2.OperationalError as error:
        if "authentication failed" in str(error) or "is not permitted to log in" in str(error):
            return False
        raise StoreUnavailable(STORE, one_line(error)) from error

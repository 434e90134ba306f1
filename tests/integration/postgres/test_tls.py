"""TLS to the database: ``verify-full`` checks who answers."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest

from domain.errors import UsageError
from infrastructure.stores.postgres import schema
from infrastructure.stores.postgres.address import completed, from_parts
from infrastructure.stores.postgres.database import Database
from infrastructure.stores.postgres.repository import PostgresMovieRepository
from tests.support.films import film
from tests.support.private_postgres import PASSWORD, USER, PrivatePostgres, installed, quick_folder

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")


def make_certificate(folder: Path, name: str) -> tuple[Path, Path]:
    """A certificate that signs itself, and its key."""
    certificate, key = folder / f"{name}.pem", folder / f"{name}.key"
    subprocess.run(
        [
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
            "-subj", f"/CN={name}", "-addext", f"subjectAltName=IP:{name}",
            "-keyout", str(key), "-out", str(certificate),
        ],
        check=True, capture_output=True,
    )  # fmt: skip
    key.chmod(0o600)
    return certificate, key


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    made = quick_folder()
    yield made
    shutil.rmtree(made)


@pytest.fixture(scope="module")
def secure(folder: Path) -> Iterator[PrivatePostgres]:
    certificate, key = make_certificate(folder, "127.0.0.1")
    programs = installed()[min(installed())]
    server = PrivatePostgres(
        programs, folder / "server", ssl="on", ssl_cert_file=str(certificate), ssl_key_file=str(key)
    )
    server.start()
    yield server
    server.remove()


def address(server: PrivatePostgres, authority: Path, host: str = "127.0.0.1") -> str:
    return from_parts(host, server.port, "postgres", USER, PASSWORD, sslmode="verify-full", sslrootcert=authority)


def test_a_server_that_proves_who_it_is_is_used(secure: PrivatePostgres, folder: Path) -> None:
    dsn = address(secure, folder / "127.0.0.1.pem")
    with closing(psycopg2.connect(completed(dsn))) as connection:
        assert connection.info.ssl_in_use
    with closing(Database(dsn)) as database:
        schema.prepare(database)
        repository = PostgresMovieRepository(database)
        repository.save(film(1))
        assert repository.find(film(1).imdb_id) == film(1)


def test_a_server_nobody_vouches_for_is_refused(secure: PrivatePostgres, folder: Path) -> None:
    stranger, _ = make_certificate(folder, "127.0.0.2")
    with closing(Database(address(secure, stranger))) as database, pytest.raises(UsageError, match="certificate"):
        schema.prepare(database)


def test_a_server_of_another_name_is_refused(secure: PrivatePostgres, folder: Path) -> None:
    dsn = address(secure, folder / "127.0.0.1.pem", host="localhost") + " hostaddr=127.0.0.1"
    with closing(Database(dsn)) as database, pytest.raises(UsageError, match="does not match host name"):
        schema.prepare(database)


@pytest.mark.long
def test_a_server_without_tls_is_refused(running: PrivatePostgres, folder: Path, secure: PrivatePostgres) -> None:
    dsn = address(running, folder / "127.0.0.1.pem")
    with closing(Database(dsn)) as database, pytest.raises(UsageError, match="does not support SSL"):
        schema.prepare(database)


def test_a_missing_authority_is_told(secure: PrivatePostgres, folder: Path) -> None:
    dsn = address(secure, folder / "nowhere.pem")
    with closing(Database(dsn)) as database, pytest.raises(UsageError, match="root certificate file"):
        schema.prepare(database)


def test_losing_an_encrypted_connection_costs_nothing(secure: PrivatePostgres, folder: Path) -> None:
    with closing(Database(address(secure, folder / "127.0.0.1.pem"))) as database:
        schema.prepare(database)
        repository = PostgresMovieRepository(database)
        repository.save(film(2))
        secure.restart()
        repository.save(film(3))
        assert repository.find(film(3).imdb_id) == film(3)

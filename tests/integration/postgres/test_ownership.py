"""A database knows which data directory fills it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from domain.errors import UsageError
from infrastructure.stores.postgres.database import Database
from infrastructure.stores.postgres.state import claim
from tests.support.postgres import empty_database


@pytest.fixture
def database() -> Iterator[Database]:
    with empty_database() as dsn, closing(Database(dsn)) as database:
        yield database


def test_a_second_directory_is_refused_until_it_takes_over(database: Database, tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    claim(database, first)
    claim(database, first)
    with pytest.raises(UsageError, match=f"filled from the data directory {first}.*POSTGRES_TAKE_OVER=true"):
        claim(database, second)
    claim(database, second, take_over=True)
    claim(database, second)
    with pytest.raises(UsageError, match=f"filled from the data directory {second}"):
        claim(database, first)


def test_a_directory_that_was_moved_keeps_its_database(database: Database, tmp_path: Path) -> None:
    claim(database, tmp_path / "old")
    (tmp_path / "old").rename(tmp_path / "new")
    claim(database, tmp_path / "new")
    with pytest.raises(UsageError, match=f"filled from the data directory {tmp_path / 'new'}"):
        claim(database, tmp_path / "other")

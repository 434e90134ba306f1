"""Which words name a cluster."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import UsageError
from infrastructure.cluster.address import OwnCluster, RemoteCluster, parse_cluster, usable_cores


def test_local_means_a_worker_a_core() -> None:
    assert parse_cluster("local") == OwnCluster(usable_cores())
    assert usable_cores() >= 1


@given(st.integers(1, 999))
def test_local_takes_a_number_of_workers(workers: int) -> None:
    assert parse_cluster(f"local:{workers}") == OwnCluster(workers)


@pytest.mark.parametrize("address", ["tcp://host:8786", "tls://10.0.0.1:8786", "tcp://[::1]:8786", "wss://host:443"])
def test_an_address_is_taken_as_it_stands(address: str) -> None:
    assert parse_cluster(address) == RemoteCluster(address)


@pytest.mark.parametrize(
    "text",
    ["", "local:", "local:0", "local:1000", "local:two", "OwnCluster", "host:8786", "tcp://host", "http://host:8786"],
)
def test_anything_else_is_refused_with_what_is_allowed(text: str) -> None:
    with pytest.raises(UsageError, match=r"allowed: local, local:NUMBER, or a scheduler's address"):
        parse_cluster(text)


@given(st.text())
def test_no_text_is_taken_for_something_it_is_not(text: str) -> None:
    named: OwnCluster | RemoteCluster | None = None
    with suppress(UsageError):
        named = parse_cluster(text)
    assert named is None or isinstance(named, OwnCluster) or named.address == text

"""Which addresses are public."""

from __future__ import annotations

import pytest

from infrastructure.http.messages import is_private_literal, is_public_address


@pytest.mark.parametrize(
    "address",
    ["8.8.8.8", "198.20.0.7", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2001:200::1"],
)
def test_public(address: str) -> None:
    assert is_public_address(address)
    assert not is_private_literal(address)


@pytest.mark.parametrize(
    "address",
    [
        "2002:808:808::1", "2001:20::1", "64:ff9b:1::808:808",
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.0.1", "169.254.169.254", "100.64.0.1", "224.0.0.1",
        "255.255.255.255", "192.0.2.1", "198.18.0.1", "240.0.0.1", "::1", "::", "fe80::1", "fe80::1%lo", "fd00::1",
        "ff02::1", "2001:db8::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::127.0.0.1", "64:ff9b::10.0.0.1",
        "2002:7f00:1::1", "2002:a00:1::1",
    ],
)  # fmt: skip
def test_not_public(address: str) -> None:
    assert not is_public_address(address)
    assert is_private_literal(address)


@pytest.mark.parametrize(
    "host",
    ["localhost", "LOCALHOST.", "db.localhost", "127.1", "2130706433", "0x7f.1", "0177.0.0.1", "10.1", "127.0.0.1."],
)
def test_other_spellings_are_recognised(host: str) -> None:
    assert is_private_literal(host)


@pytest.mark.parametrize(
    "host", ["site.test", "8.8", "134744072", "localhost.example", "127.0.0.1.example", "", "é.test"]
)
def test_names_are_no_addresses(host: str) -> None:
    assert not is_private_literal(host)
    assert not is_public_address("site.test")

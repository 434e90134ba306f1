"""User information in addresses is found, sent and never shown."""

from __future__ import annotations

import base64

import pytest

from shared.addresses import basic_authorization, mask_user_info, passwords, split_user_info
from shared.secret import Secret


@pytest.mark.parametrize(
    ("url", "address", "user_info"),
    [
        ("http://anna:word@site.test/a?b=c#d", "http://site.test/a?b=c#d", "anna:word"),
        ("https://anna@site.test", "https://site.test", "anna"),
        ("https://:word@site.test:8443/", "https://site.test:8443/", ":word"),
        ("http://anna:w@rd@site.test/", "http://site.test/", "anna:w@rd"),
        ("http://anna:w/rd@site.test:80/x", "http://site.test:80/x", "anna:w/rd"),
        ("http://anna:w#r?d@[::1]:80/x", "http://[::1]:80/x", "anna:w#r?d"),
    ],
)
def test_user_information_is_split_off_and_masked(url: str, address: str, user_info: str) -> None:
    assert split_user_info(url) == (address, Secret(user_info))
    assert mask_user_info(url) == address.replace("://", "://***@", 1)


@pytest.mark.parametrize(
    "url",
    ["http://site.test/", "http://site.test/@anna", "http://[::1]:80/a@b", "http://site.test:80?mail=a@b", "", "x@y"],
)
def test_other_addresses_stay_as_they_are(url: str) -> None:
    assert split_user_info(url) == (url, Secret(""))
    assert mask_user_info(url) == url


def test_it_is_sent_decoded_as_basic_authentication() -> None:
    header = basic_authorization(Secret("anna:w%C3%B6rd%3A"))

    assert header.reveal() == "Basic " + base64.b64encode("anna:wörd:".encode()).decode()
    assert "w" not in repr(header)


def test_the_password_is_masked_as_written_and_decoded() -> None:
    assert passwords(Secret("anna:w%C3%B6rd")) == (Secret("w%C3%B6rd"), Secret("wörd"))
    assert passwords(Secret("anna")) == ()

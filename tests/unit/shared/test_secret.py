"""User information in addresses, and masking: no password is shown in any form."""

from __future__ import annotations

import base64
import string
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

import shared.secret
from shared.secret import Secret, basic_authorization, mask, mask_user_info, passwords, register, split_user_info

# --- user information in web addresses: http://user:password@host ---------------


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


# --- masking of text that is written anywhere -----------------------------------


@pytest.fixture(autouse=True)
def _no_secrets_of_other_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared.secret, "_secrets", set())
    monkeypatch.setattr(shared.secret, "_pattern", None)


def test_what_is_registered_is_masked_in_every_form() -> None:
    register(Secret("pä ss/w@rd"), Secret("pä ss"))
    assert mask("pä ss/w@rd p%C3%A4%20ss%2Fw%40rd p%C3%A4+ss%2Fw%40rd") == "*** *** ***"


@given(secret=st.text(string.printable, min_size=4, max_size=20).filter(lambda text: text.strip() and "*" not in text))
def test_no_registered_secret_survives(secret: str) -> None:
    register(Secret(secret))
    for text in (f"the password is {secret}!", f"http://user:{quote(secret, safe='')}@host/", secret * 3):
        masked = mask(text)
        assert secret not in masked
        assert quote(secret, safe="") not in masked


def test_short_secrets_would_destroy_the_text() -> None:
    register(Secret(""), Secret("a"), Secret("abc"))
    assert mask("abc and a") == "abc and a"


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("http://user:pw@proxy:3128/x", "http://***@proxy:3128/x"),
        ("socks5h://user@host", "socks5h://***@host"),
        ("postgresql://u:p%40w@h/db?x=1@2", "postgresql://***@h/db?x=1@2"),
        ("see http://host/a@b and me@example.org", "see http://host/a@b and me@example.org"),
        ("host=h password=hunter2 user=u", "host=h password=*** user=u"),
        ("host=h password = 'hun ter\\'2' user=u", "host=h password = *** user=u"),
        ("PASSWORD=x&y=1", "PASSWORD=***&y=1"),
        ("nothing to see", "nothing to see"),
        ("", ""),
    ],
)
def test_credentials_nobody_registered_are_masked_too(text: str, masked: str) -> None:
    assert mask(text) == masked

"""Secrets do not get out, whatever form they take."""

from __future__ import annotations

import string
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared import masking
from shared.masking import mask, register
from shared.secret import Secret


@pytest.fixture(autouse=True)
def _no_secrets_of_other_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(masking, "_secrets", set())
    monkeypatch.setattr(masking, "_pattern", None)


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

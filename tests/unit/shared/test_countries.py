from __future__ import annotations

import pytest

from shared.countries import country_code, country_name


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("United States", "US"), ("USA", "US"), ("UK", "GB"), ("United Kingdom", "GB"), ("Mexico", "MX"),
        ("West Germany", "XWG"), ("Soviet Union", "SUHH"), ("Bosnia and Herzegovina", "BA"),
        ("Trinidad and Tobago", "TT"),
        ("South Korea", "KR"), ("Russia", "RU"), ("Czech Republic", "CZ"), ("Hong Kong", "HK"),
        ("Atlantis", None), ("", None),
    ],
)  # fmt: skip
def test_a_country_has_a_code_by_its_english_name(name: str, code: str | None) -> None:
    assert country_code(name) == code


def test_names_and_codes_lead_to_each_other() -> None:
    assert [country_name(code) for code in ("fr", "GB", "XWG", "SUHH", "ZZ")] == [
        "France", "United Kingdom", "West Germany", "Soviet Union", "ZZ",
    ]  # fmt: skip
    assert country_code(country_name("JP")) == "JP"

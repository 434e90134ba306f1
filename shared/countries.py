"""Names of countries and their codes: ISO 3166, and IMDb's own for former countries."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Final

# Names by which IMDb has called countries besides those of the table.
_OTHER_NAMES: Final = {
    "USA": "US",
    "UK": "GB",
    "Czech Republic": "CZ",
    "Holland": "NL",
    "Hong Kong": "HK",
    "Macedonia": "MK",
    "Republic of Macedonia": "MK",
    "Federal Republic of Yugoslavia": "YUCS",
    "Turkey": "TR",
    "Türkiye": "TR",
    "Burma": "MM",
    "Myanmar": "MM",
    "The Democratic Republic of Congo": "CD",
    "Ivory Coast": "CI",
    "Palestinian Territory": "PS",
    "Vietnam": "VN",
}


def country_name(code: str) -> str:
    """The English name of a code; the code itself where it is not known."""
    return _names().get(code.upper(), code)


def country_code(name: str) -> str | None:
    """The code of a country by its English name as IMDb writes it; ``None`` where it is not known."""
    return _OTHER_NAMES.get(name) or _codes().get(_plain(name))


def _plain(name: str) -> str:
    return name.casefold().replace(" & ", " and ").replace("saint ", "st ").replace("st. ", "st ")


@lru_cache(maxsize=1)
def _names() -> dict[str, str]:
    lines = (Path(__file__).parent / "countries.tsv").read_text(encoding="utf-8").splitlines()
    return dict(line.split("\t", 1) for line in lines)


@lru_cache(maxsize=1)
def _codes() -> dict[str, str]:
    return {_plain(name): code for code, name in reversed(_names().items())}

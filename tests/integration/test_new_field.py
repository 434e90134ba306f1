"""A scalar field is added in the field table, as an attribute, and by a migration; nothing else changes.

The test adds a made-up field to a copy of the tree and finds it in every store and format.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from tests.conftest import ROOT

PRODUCTION = ("main.py", "domain", "application", "infrastructure", "shared")
ENTRY = '            _text("certificate", "Age rating in the visitor\'s country.", warn_if_rare=True),\n'
ATTRIBUTE = "    certificate: str | None = None\n"
MIGRATION = """-- A made-up field.
-- depends: {last}
ALTER TABLE movies ADD COLUMN slogan text CONSTRAINT movies_slogan_check CHECK (slogan <> '');
"""
SCRIPT = """
import json, sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from arro3.io import read_parquet

from application.verify import verify
from domain.movie import Movie, title_url
from infrastructure.bootstrap.database import export_database
from infrastructure.bootstrap.stores import open_stores
from shared.clock import SystemClock
from shared.settings import Settings

folder = Path(sys.argv[1])
settings = Settings(data_dir=folder / "data", stores="csv,postgres,sqlite")
movie = Movie("tt0000001", "One", title_url("tt0000001"), datetime(2026, 1, 1, tzinfo=UTC), slogan="Ever onward")
found = {}
with open_stores(settings, SystemClock()) as opened:
    opened.together.save(movie)
    opened.together.finalize()
    found["stores"] = [store.find("tt0000001").slogan for store in opened.each]
    found["same"] = verify(opened.each).same
    opened.each[1].save(replace(movie, slogan="Something else"))
    found["differs"] = [str(one) for one in verify(opened.each).examples]
    opened.each[1].save(movie)
for form in ("csv", "jsonl", "parquet"):
    export_database(settings, SystemClock(), folder / form, form, overwrite=False)
found["csv"] = "Ever onward" in (folder / "data" / "movies.csv").read_text()
found["csv export"] = "Ever onward" in (folder / "csv" / "movies.csv").read_text()
found["json lines"] = json.loads((folder / "jsonl" / "movies.jsonl").read_text().splitlines()[0])["slogan"]
found["parquet"] = read_parquet(folder / "parquet" / "movies.parquet").read_all()["slogan"].to_pylist()
print(json.dumps(found))
"""


def replaced(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{old!r} in {path}"
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_a_field_added_to_the_table_is_in_every_store_and_format(tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    copy.mkdir()
    for name in PRODUCTION:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, copy / name)
    replaced(copy / "domain" / "fields.py", ENTRY, ENTRY + '            _text("slogan", "A made-up field."),\n')
    replaced(copy / "domain" / "movie.py", ATTRIBUTE, ATTRIBUTE + "    slogan: str | None = None\n")
    migrations = copy / "infrastructure" / "stores" / "postgres" / "migrations"
    last = max(path.stem for path in migrations.glob("*.sql"))
    (migrations / "9999.slogan.sql").write_text(MIGRATION.format(last=last), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path)],
        cwd=copy,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == (
        '{"stores": ["Ever onward", "Ever onward", "Ever onward"], "same": true, '
        '"differs": ["movies tt0000001: differs (slogan)"], "csv": true, "csv export": true, '
        '"json lines": "Ever onward", "parquet": ["Ever onward"]}'
    )

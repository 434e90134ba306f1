from __future__ import annotations

import csv
import gzip
import io
import json
from pathlib import Path

import pytest

from infrastructure.demo.datasets import HEADERS, DatasetFile
from infrastructure.demo.messages import DemoRequest, DemoResponse
from infrastructure.demo.process import DemoOptions
from infrastructure.demo.site import DemoSite
from infrastructure.demo.titles import ODD_PLACES

COUNT = 120


@pytest.fixture(scope="module")
def site() -> DemoSite:
    return DemoSite(DemoOptions(count=COUNT, page_kb=0), "http://demo.invalid")


@pytest.fixture(scope="module")
def tomorrow() -> DemoSite:
    return DemoSite(DemoOptions(count=COUNT, page_kb=0, day=1), "http://demo.invalid")


def rows(file: DatasetFile) -> list[dict[str, str]]:
    """Reads a file as DuckDB and PostgreSQL are told to: tabs, no quotes, no escapes."""
    text = gzip.decompress(file.content).decode()
    return list(csv.DictReader(io.StringIO(text, newline=""), delimiter="\t", quoting=csv.QUOTE_NONE))


def get(site: DemoSite, name: str, method: str = "GET", **headers: str) -> DemoResponse:
    named = {key.replace("_", "-"): value for key, value in headers.items()}
    return site.answer(DemoRequest(method, f"/datasets/{name}.tsv.gz", "127.0.0.1", named))


@pytest.mark.parametrize("name", list(HEADERS))
def test_every_row_has_a_cell_for_each_column(site: DemoSite, name: str) -> None:
    lines = gzip.decompress(site.datasets.file(name).content).decode().split("\n")
    assert lines[0].split("\t") == HEADERS[name].split()
    assert lines.pop() == ""
    assert len(lines) > 100
    assert {line.count("\t") for line in lines} == {len(HEADERS[name].split()) - 1}


def test_the_headers_are_those_of_the_real_files(captures: Path) -> None:
    compared = 0
    for path in (captures / "datasets").rglob("*.tsv*"):
        name = next((name for name in HEADERS if path.name.startswith(name)), None)
        if path.is_file() and name is not None:
            raw = path.read_bytes()
            content = gzip.decompress(raw) if path.suffix == ".gz" else raw
            columns = content.partition(b"\n")[0].decode("utf-8-sig").split("\t")
            assert [column for column in HEADERS[name].split() if column not in columns] == []
            compared += 1
    assert compared


def test_the_files_tell_what_pages_tell(site: DemoSite) -> None:
    basics = {row["tconst"]: row for row in rows(site.datasets.file("title.basics"))}
    ratings = {row["tconst"]: row for row in rows(site.datasets.file("title.ratings"))}
    crew = {row["tconst"]: row for row in rows(site.datasets.file("title.crew"))}
    for title in site.catalogue.titles():
        row = basics[title.imdb_id]
        assert row["titleType"] == title.kind
        assert row["startYear"] == (r"\N" if title.year is None else str(title.year))
        assert (title.imdb_id in ratings) == (title.rating is not None)
        if title.rating is not None:
            assert ratings[title.imdb_id] == {
                "tconst": title.imdb_id, "averageRating": f"{title.rating:.1f}", "numVotes": str(title.votes),
            }  # fmt: skip
        directors = ",".join(person.person_id for person in title.directors)
        assert crew[title.imdb_id]["directors"] == (directors or r"\N")


def test_episodes_and_principals_lead_to_titles_and_people(site: DemoSite) -> None:
    titles = {row["tconst"] for row in rows(site.datasets.file("title.basics"))}
    people = {row["nconst"] for row in rows(site.datasets.file("name.basics"))}
    principals = rows(site.datasets.file("title.principals"))
    assert {row["parentTconst"] for row in rows(site.datasets.file("title.episode"))} < titles
    assert {row["tconst"] for row in principals} < titles
    unknown = {row["nconst"] for row in principals} - people
    assert 0 < len(unknown) < len(people) / 100  # as in the real files
    assert len({(row["tconst"], row["ordering"]) for row in principals}) == len(principals)
    for row in principals:
        assert row["characters"] == r"\N" or isinstance(json.loads(row["characters"]), list)
    assert {row["category"] for row in principals} >= {"actor", "actress", "director", "writer", "composer", "editor"}


def test_texts_that_would_break_a_file_are_cleaned(site: DemoSite) -> None:
    ids = list(site.catalogue.ids())
    names = {row["tconst"]: row["primaryTitle"] for row in rows(site.datasets.file("title.basics"))}

    def name(oddity: str) -> str:
        title = site.catalogue.find(ids[ODD_PLACES[oddity]])
        assert title is not None
        return names[title.imdb_id]

    assert name("quotes") == 'The "Quiet" Harbour\'s «Last» Call'
    assert name("database words") == r"\\N"
    assert name("lone surrogate") == "Half a \ufffd Mask"


def test_a_file_that_the_client_has_is_not_sent_again(site: DemoSite) -> None:
    first = get(site, "title.ratings")
    headers = dict(first.headers)
    assert first.status == 200
    assert get(site, "title.ratings", if_none_match=headers["ETag"]).status == 304
    assert get(site, "title.ratings", if_modified_since=headers["Last-Modified"]).status == 304
    assert get(site, "title.ratings", if_none_match='"other"').status == 200


def test_ranges_make_up_the_file(site: DemoSite) -> None:
    whole = get(site, "title.ratings")
    content, tag = whole.content, dict(whole.headers)["ETag"]
    begin = get(site, "title.ratings", range="bytes=0-999")
    rest = get(site, "title.ratings", range="bytes=1000-", if_range=tag)
    assert (begin.status, rest.status) == (206, 206)
    assert dict(rest.headers)["Content-Range"] == f"bytes 1000-{len(content) - 1}/{len(content)}"
    assert begin.content + rest.content == content
    assert get(site, "title.ratings", range="bytes=-10").content == content[-10:]
    assert get(site, "title.ratings", range="bytes=1000-", if_range='"yesterday"').status == 200
    assert get(site, "title.ratings", range=f"bytes={len(content)}-").status == 416


def test_another_day_gives_changed_files(site: DemoSite, tomorrow: DemoSite) -> None:
    today, later = site.datasets.file("title.ratings"), tomorrow.datasets.file("title.ratings")
    assert (today.tag, today.modified) != (later.tag, later.modified)
    before = {row["tconst"]: row for row in rows(today)}
    after = {row["tconst"]: row for row in rows(later)}
    assert before.keys() < after.keys()  # newcomers are added, and titles that left a chart stay
    changed = [key for key in before if before[key]["averageRating"] != after[key]["averageRating"]]
    assert 0 < len(changed) < len(before) / 2
    assert all(int(before[key]["numVotes"]) <= int(after[key]["numVotes"]) for key in before)


def test_no_other_path_is_a_file(site: DemoSite) -> None:
    assert get(site, "title.nothing").status == 404

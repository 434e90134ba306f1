"""Lists of ids, and lists in every form in which IMDb exports them. The lists are invented."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from application.listed_titles import ListedTitle, MyRatings, day_of, listed_titles
from domain.fields import Table
from shared.text import text_lines
from tests.support.repositories import InMemoryMovieRepository

V1 = """\
"position","const","created","modified","description","Title","Title type","Directors","You rated","IMDb Rating",\
"Runtime (mins)","Year","Genres","Num. Votes","Release Date (month/day/year)","URL"
"1","tt0000001","Sat Apr 23 08:36:35 2011","","","The ""Quoted"" Ferry","Feature Film","Ada Ferris","9","7.1","90",\
"1994","drama","2500","1994-02-03","http://www.imdb.com/title/tt0000001/"
"2","tt0000002","Mon Jan  3 18:00:01 2011","","seen
twice","Harbour Lights","TV Series","","","8.6","45","2001","","1200","","http://www.imdb.com/title/tt0000002/"
"""
V1_LATER = """\
Const,Your Rating,Date Added,Title
tt0000001,10,2017-05-06,Ferry
"""
V2_RATINGS = """\
Const,Your Rating,Date Rated,Title,URL,Title Type,IMDb Rating,Runtime (mins),Year,Genres,Num Votes,\
Release Date,Directors
tt0000001,9,2019-03-04,"The ""Quoted"" Ferry",https://www.imdb.com/title/tt0000001/,movie,7.1,90,1994,Drama,2500,,
tt10000002,1,2020-12-31,Harbour, Lights,https://www.imdb.com/title/tt10000002/,tvSeries,8.6,,2001,,1200
"""
V2_LIST = """\
Position,Const,Created,Modified,Description,Title,URL,Title Type,IMDb Rating,Runtime (mins),Year,Genres,Num Votes,\
Release Date,Directors,Your Rating,Date Rated
1,tt0000001,2018-01-01,2018-01-01,,Ferry,https://www.imdb.com/title/tt0000001/,Film,7.1,90,1994,Dramma,2500,,,8,2019-03-04
2,tt0000002,2018-01-02,2018-01-02,,Lights,https://www.imdb.com/title/tt0000002/,Serie TV,8.6,,2001,,1200,,
"""
V2_WATCHLIST = """\
Position,Const,Created,Modified,Description,Title,URL,Title Type,IMDb Rating,Runtime (mins),Year,Genres,Num Votes,\
Release Date,Directors
1,tt0000001,2018-01-01,2018-01-01,,Ferry,https://www.imdb.com/title/tt0000001/,movie,7.1,90,1994,Drama,2500,,
"""
V3 = """\
Const,Your Rating,Date Rated,Title,Original Title,URL,Title Type,IMDb Rating,Runtime (mins),Year,Genres,Num Votes,\
Release Date,Directors
tt0000001,9,2024-07-08,Ferry,Le Bac,https://www.imdb.com/title/tt0000001/,Movie,7.1,90,1994,Drama,2500,,
tt0000002,7,2024-07-09,Lights,Lights,https://www.imdb.com/title/tt0000002/,TV Series,8.6,,2001,,1200,,
"""
SPREADSHEET = "Const;Your Rating;Date Rated;Title\n" + ";;;\n" * 300 + "tt0000001;9,0;3/25/2019;Fähre\n\n;;;\n"


def read(text: str) -> tuple[list[ListedTitle], list[str]]:
    complaints: list[str] = []
    return list(listed_titles(text.splitlines(), complaints.append)), complaints


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (V1, [("tt0000001", 9, date(2011, 4, 23)), ("tt0000002", None, None)]),
        (V1_LATER, [("tt0000001", 10, date(2017, 5, 6))]),
        (V2_RATINGS, [("tt0000001", 9, date(2019, 3, 4)), ("tt10000002", 1, date(2020, 12, 31))]),
        (V2_LIST, [("tt0000001", 8, date(2019, 3, 4)), ("tt0000002", None, None)]),
        (V2_WATCHLIST, [("tt0000001", None, None)]),
        (V3, [("tt0000001", 9, date(2024, 7, 8)), ("tt0000002", 7, date(2024, 7, 9))]),
        (SPREADSHEET, [("tt0000001", 9, date(2019, 3, 25))]),
        ("sep=;\n" + SPREADSHEET, [("tt0000001", 9, date(2019, 3, 25))]),
        (V3.replace(",", "\t"), [("tt0000001", 9, date(2024, 7, 8)), ("tt0000002", 7, date(2024, 7, 9))]),
    ],
    ids=["v1", "v1-later", "v2-ratings", "v2-list", "v2-watchlist", "v3", "spreadsheet", "sep-line", "tabs"],
)
def test_every_form_of_an_exported_list(text: str, expected: Sequence[tuple[str, int | None, date | None]]) -> None:
    titles, complaints = read(text)
    assert [(title.imdb_id, title.rating, day_of(title.rated)) for title in titles] == expected
    assert complaints == []


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "iso-8859-1", "cp1252"])
def test_every_encoding_of_an_exported_list(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "ratings.csv"
    path.write_bytes(SPREADSHEET.replace("\n", "\r\n").encode(encoding))
    titles = list(listed_titles(text_lines(path, fallback="iso-8859-1"), pytest.fail))
    assert [(title.imdb_id, title.rating, title.line) for title in titles] == [("tt0000001", 9, 302)]


def test_a_quote_that_is_never_closed_swallows_no_row() -> None:
    titles, complaints = read('Const,Your Rating,Title\ntt0000001,9,"Ferry\ntt0000002,8,Lights\ntt0000003,7,5" Disc\n')
    assert [(title.imdb_id, title.rating) for title in titles] == [
        ("tt0000001", 9),
        ("tt0000002", 8),
        ("tt0000003", 7),
    ]
    assert complaints == []


def test_every_row_with_an_id_counts_and_the_others_are_named() -> None:
    titles, complaints = read(
        "Position,Const,Description,URL,Your Rating\n"
        "1,,,https://www.imdb.com/title/tt0000001/,9\n"  # the id is in the address only
        "2,tt0000002,a, b,https://www.imdb.com/title/tt0000002/,8\n"  # which cell is the rating cannot be known
        "3,tt0000003,,,11\n"
        "4,nm0000004,,,\n"
        "5,tt0000005\n"
    )
    assert [(title.imdb_id, title.rating) for title in titles] == [
        ("tt0000001", 9),
        ("tt0000002", None),
        ("tt0000003", None),
        ("tt0000005", None),
    ]
    assert [complaint.split(":")[0] for complaint in complaints] == ["line 3", "line 4", "line 5"]
    assert "more cells than the header" in complaints[0]
    assert "'11' is not a rating" in complaints[1]


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2019-03-04", date(2019, 3, 4)),
        ("2019-03-04 10:11:12", date(2019, 3, 4)),
        ("25/3/2019", date(2019, 3, 25)),
        ("3/25/2019 0:00", date(2019, 3, 25)),
        ("5/5/2019", date(2019, 5, 5)),
        ("25.03.2019", date(2019, 3, 25)),
        ("Sun Feb 29 08:36:35 2004", date(2004, 2, 29)),
        ("3/4/2019", None),
        ("03.04.2019", None),
        ("3/4/19", None),
        ("31/31/2019", None),
        ("2019-02-30", None),
        ("Sab Aqr 23 08:36:35 2011", None),
        ("", None),
    ],
)
def test_a_date_names_one_day_or_none(text: str, day: date | None) -> None:
    assert day_of(text) == day


def test_ratings_are_saved_and_unclear_dates_stay_text() -> None:
    store = InMemoryMovieRepository()
    titles, _ = read(
        "Const,Your Rating,Date Rated\ntt0000001,9,2019-03-04\ntt0000002,8,3/4/2019\ntt0000003,,\ntt0000004,7,\n"
    )
    ratings = MyRatings(store, datetime(2026, 11, 28, tzinfo=UTC))
    assert list(ratings.save(titles)) == titles
    read_at = "2026-11-28T00:00:00.000000Z"
    assert list(store.rows(Table.MY_RATINGS)) == [
        ("tt0000001", "9", "2019-03-04", None, read_at),
        ("tt0000002", "8", None, "3/4/2019", read_at),
        ("tt0000004", "7", None, None, read_at),
    ]
    assert ratings.summary() == (
        "3 ratings of your own saved (my_ratings); "
        "1 date is kept as text, which does not name one day: '3/4/2019' in line 3"
    )


@pytest.mark.parametrize(
    "line",
    [
        "tt0111161",
        "\ufefftt0111161\r\n",
        "  tt0111161  # the first\n",
        "https://www.imdb.com/title/tt0111161/",
        "https://www.imdb.com/title/tt0111161/?ref_=chttp_t_1",
        "http://m.imdb.com/title/tt0111161#top",
        "www.imdb.com/title/tt0111161/reference",
        "/title/tt0111161",
    ],
)
def test_a_line_is_an_id_or_an_address(line: str) -> None:
    assert list(listed_titles([line], pytest.fail)) == [ListedTitle("tt0111161", 1)]


def test_a_bad_line_is_named_with_its_number_and_skipped() -> None:
    titles, complaints = read("# my list\n\ntt0111161\nnm0000209\ntt12\ntt0068646\n")
    assert [title.imdb_id for title in titles] == ["tt0111161", "tt0068646"]
    assert [complaint.split(":")[0] for complaint in complaints] == ["line 4", "line 5"]


@given(st.lists(st.text()))
def test_any_lines_are_read(lines: list[str]) -> None:
    complaints: list[str] = []
    titles = list(listed_titles(lines, complaints.append))
    assert len(titles) + len(complaints) <= len(lines)


@given(st.lists(st.text(alphabet='",;t0123456789\n ')))
def test_any_rows_of_an_exported_list_are_read(lines: list[str]) -> None:
    titles = list(listed_titles(["Position,Const,Your Rating,Title", *lines], lambda _problem: None))
    assert [title.line for title in titles] == sorted(title.line for title in titles)

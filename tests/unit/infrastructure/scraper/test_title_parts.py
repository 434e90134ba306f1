"""ld+json, the lists of people in ``__NEXT_DATA__``, addresses, and values in the markup."""

from __future__ import annotations

from typing import Any

import pytest

from infrastructure.scraper import values
from infrastructure.scraper.islands import read_linked_data
from infrastructure.scraper.markup import read_markup, window_facts
from infrastructure.scraper.page_bytes import addresses, original_address, title_id
from infrastructure.scraper.title_credits import read_people
from infrastructure.scraper.title_fields import CreditLine, TitlePart
from infrastructure.scraper.values import iso_seconds
from tests.support.title_pages import (
    DIRECTORS,
    MARKUP_2014,
    MARKUP_2022,
    STARS,
    TOP_CAST,
    WRITERS,
    group,
    line,
    linked_data,
    role_line,
)

ADA, BO = CreditLine("nm0000001", "Ada Holm"), CreditLine("nm0000002", "Bo Lind")


def read(**changes: Any) -> TitlePart:
    reading = read_linked_data(linked_data(**changes))
    assert reading is not None
    return reading


# --- ld+json --------------------------------------------------------------------


def test_entities_are_decoded_once() -> None:
    whole = read(description="A &amp;amp; B.", genre=["Rock &apos;n&apos; Roll"]).whole
    assert whole["original_title"] == "Die gläserne Fähre"
    assert whole["plot"] == "A &amp; B."
    assert whole["genres"] == ("Rock 'n' Roll",)


def test_the_name_is_both_titles_where_they_are_the_same() -> None:
    document = linked_data()
    del document["alternateName"]
    reading = read_linked_data(document)
    assert reading is not None
    assert reading.whole["title"] == reading.whole["original_title"] == "Die gläserne Fähre"


def test_in_2018_the_name_is_the_original_title_and_the_shown_one_is_elsewhere() -> None:
    reading = read(**{"@context": "http://schema.org"})
    assert reading.partial["title"] == "Die gläserne Fähre"
    assert not {"title", "original_title"} & reading.whole.keys()


def test_in_2018_one_is_no_list_and_numbers_are_text() -> None:
    one = {"@type": "Person", "url": "/name/nm0000001/", "name": "Ada Holm"}
    ratings = {"ratingValue": "9.0", "ratingCount": 27}
    reading = read(**{"@context": "http://schema.org"}, director=one, genre="Drama", aggregateRating=ratings)
    assert reading.whole["directors"] == (ADA,)
    assert reading.whole["genres"] == ("Drama",)
    assert (reading.whole["rating"], reading.whole["votes"]) == (9.0, 27)


@pytest.mark.parametrize(
    ("context", "plot", "kept"),
    [
        ("https", "A ferry.", "whole"),
        ("https", "A ferry and a ...", "cut"),
        ("https", "A ferry and a fo", "cut"),
        ("https", 'He said: "A ferry!"', "whole"),
        ("http", "A ferry.", "whole"),
        ("http", "Nebel is a movie starring Ada Holm. A ferry.", None),
        ("http", "Nebel is an episode of Fog starring Ada Holm. A ferry...", None),
        ("https", "Nebel is a movie.", "whole"),
    ],
)
def test_a_summary_made_for_search_engines_is_no_plot(context: str, plot: str, kept: str | None) -> None:
    reading = read(**{"@context": f"{context}://schema.org"}, name="Nebel", description=plot)
    assert ("plot" in reading.whole, "plot" in reading.partial) == (kept == "whole", kept == "cut")


def test_three_of_a_list_may_be_three_of_more() -> None:
    assert "genres" in read(genre=["a", "b", "c"]).partial
    assert "genres" in read(genre="a, b,c").partial
    assert "genres" in read(genre=["a", "b"]).whole
    assert "genres" in read(**{"@context": "http://schema.org"}, genre=["a", "b", "c"]).whole
    assert "cast" in read().partial


def test_the_site_s_logo_is_no_poster() -> None:
    logo = "https://m.example/images/G/01/imdb/images/logos/imdb_fb_logo._CB1542065250_.png"
    assert "poster_url" not in read(image=logo).whole


def test_what_is_absent_is_not_told() -> None:
    reading = read_linked_data({"@context": "https://schema.org", "url": "/title/tt0012345/", "name": "x"})
    assert reading == TitlePart("ld+json", "tt0012345", {"original_title": "x", "title": "x"})


@pytest.mark.parametrize(
    "document", [None, [], 5, "x", {}, {"url": 5}, {"url": "/name/nm0000001/"}, {"@type": "Movie"}]
)
def test_what_describes_no_title_is_none(document: object) -> None:
    assert read_linked_data(document) is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"aggregateRating": []},
        {"aggregateRating": {"ratingValue": "high", "ratingCount": "1.2M"}},
        {"aggregateRating": {"ratingValue": True, "ratingCount": -5}},
        {
            "duration": "two hours",
            "datePublished": "in May",
            "genre": [5, ""],
            "director": ["Ada"],
            "actor": {"name": "x"},
        },
    ],
)
def test_values_of_another_form_are_not_told(wrong: dict[str, Any]) -> None:
    told = {"aggregateRating": {"rating", "votes"}}.get(
        next(iter(wrong)), {"duration_minutes", "release_date", "genres", "directors", "cast"}
    )
    reading = read(**wrong)
    assert not told & (reading.whole.keys() | reading.partial.keys())


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("PT2H22M", 8520),
        ("PT98M", 5880),
        ("P1DT1S", 86401),
        ("PT0M", 0),
        ("PT", None),
        ("P", None),
        ("", None),
        ("2H", None),
    ],
)
def test_iso_durations(text: str, seconds: int | None) -> None:
    assert iso_seconds(text) == seconds


# --- people of every year -------------------------------------------------------


def people(above: object, main: object) -> TitlePart:
    part = TitlePart("test")
    read_people(part, above, main)
    return part


def directors(above: object, main: object) -> Any:
    return people(above, main).whole.get("directors")


def cast(main: object) -> Any:
    return people({}, main).whole.get("cast")


def few_directors(above: object, main: object) -> Any:
    return people(above, main).partial.get("directors")


def stars(above: object, main: object) -> Any:
    return people(above, main).partial.get("cast")


def old_group(category: str, *lines: dict[str, Any]) -> dict[str, Any]:
    return {"category": {"id": category, "text": "A label"}, "credits": [*lines]}


def test_the_longest_list_of_directors_is_taken() -> None:
    above = {"principalCreditsV2": [group(WRITERS, line(9, "Zoe")), group(DIRECTORS, line(1, "Ada Holm"))]}
    main = {"crewV2": [group(DIRECTORS, line(1, "Ada Holm"), line(2, "Bo Lind"))]}
    assert directors(above, main) == (ADA, BO)
    assert directors(above, {}) == (ADA,)


def test_the_label_decides_nothing() -> None:
    assistant = {"grouping": {"groupingId": WRITERS, "text": "Directors"}, "credits": [line(1, "Ada Holm")]}
    assert directors({"principalCreditsV2": [assistant]}, {}) == ()


def test_directors_up_to_2025() -> None:
    above = {"principalCredits": [old_group("director", line(1, "Ada Holm")), old_group("writer", line(9, "Zoe"))]}
    main = {"directors": [{"category": {"text": "Directors"}, "credits": [line(1, "Ada Holm"), line(2, "Bo Lind")]}]}
    assert directors(above, {}) == (ADA,)
    assert directors({}, main) == (ADA, BO)


def test_a_crew_without_a_director_is_told_from_no_crew() -> None:
    assert directors({"principalCreditsV2": [group(WRITERS, line(9, "Zoe"))]}, {}) == ()
    assert directors({"principalCredits": [old_group("director")]}, {}) == ()
    assert directors({}, {}) is None
    assert directors({"principalCreditsV2": 5}, {"crewV2": [group(DIRECTORS) | {"credits": 5}]}) is None


def test_the_first_of_the_cast_stood_apart_in_early_2022() -> None:
    main = {
        "principalCast": [{"credits": [{**line(1, "Ada Holm"), "characters": [{"name": "Fog"}]}]}],
        "cast": {"edges": [{"node": {**line(2, "Bo Lind"), "characters": None}}]},
    }
    assert cast(main) == (ADA._replace(characters=("Fog",)), BO)
    del main["principalCast"]
    assert cast(main) == (BO,)


def test_reference_pages() -> None:
    edges = {"edges": [{"node": line(1, "Ada Holm")}]}
    new = {
        "edges": [{"node": {"grouping": {"groupingId": g}, "credits": edges}} for g in (WRITERS, DIRECTORS, TOP_CAST)]
    }
    old = [{"category": {"id": kind}, "credits": edges} for kind in ("assistant_director", "director", "cast")]
    for main in ({"creditGroupings": new}, {"creditCategories": old}):
        assert directors({}, main) == cast(main) == (ADA,)
    shown = [
        {"id": "nm0000001", "rowTitle": "Ada Holm", "characters": ["Fog"]},
        {"id": "nm0000002", "rowTitle": "Bo Lind"},
    ]
    for kind in ("cast", TOP_CAST):
        sections = [
            {"id": "casting_director", "section": {"items": shown[:1]}},
            {"id": kind, "section": {"items": shown}},
        ]
        assert cast({"creditCategories": old, "categories": sections}) == (ADA._replace(characters=("Fog",)), BO)
    art = [{"id": "art_director", "section": {"items": shown}}]
    assert directors({}, {"creditCategories": old, "categories": art}) == (ADA,)


def test_the_few_of_the_heading_are_for_want_of_lists() -> None:
    heading = {"crewV2": [group(DIRECTORS, line(1, "Ada Holm"))], "castV2": [{"credits": [line(2, "Bo Lind")]}]}
    assert few_directors(heading, {}) == (ADA,)
    assert stars(heading, {}) == (BO,)
    window = {"castPageTitle": {"edges": [{"node": line(1, "Ada Holm")}, {"node": line(2, "Bo Lind")}]}}
    assert stars(heading, window) == (ADA, BO)
    assert stars({}, {"principalCreditsV2": [group(STARS, role_line(1, "Ada Holm"))]}) == (ADA,)
    assert few_directors({}, {}) is None


@pytest.mark.parametrize(
    ("shown", "total", "whole", "cut"),
    [
        (3, 3, True, set()),
        (3, 22, False, {"directors"}),
        (3, None, True, set()),
        (0, 0, True, set()),
        (0, 1, False, set()),
    ],
)
def test_a_list_is_whole_when_it_holds_what_it_states(
    shown: int, total: int | None, whole: bool, cut: set[str]
) -> None:
    stated = {} if total is None else {"totalCredits": total}
    lines = [line(number, f"Director {number}") for number in range(1, shown + 1)]
    part = people({"principalCredits": [old_group("director", *lines) | stated]}, {})
    assert ("directors" in part.whole, part.cut) == (whole, cut)
    assert len((part.whole | part.partial).get("directors", ())) == shown


@pytest.mark.parametrize(
    ("shown", "total", "cut"), [(18, 60, set()), (4, 4, set()), (4, 60, {"cast"}), (2, None, set())]
)
def test_a_cast_is_bounded_where_it_holds_what_a_page_shows(shown: int, total: int | None, cut: set[str]) -> None:
    stated = {} if total is None else {"totalCredits": total}
    lines = [line(number, f"Actor {number}") for number in range(1, shown + 1)]
    assert people({}, {"castV2": [{"credits": lines} | stated]}).cut == cut


@pytest.mark.parametrize(("shown", "more", "cut"), [(3, False, set()), (3, True, {"directors"}), (0, True, set())])
def test_a_list_that_says_it_goes_on_is_not_whole(shown: int, more: bool, cut: set[str]) -> None:
    edges = [{"node": line(number, f"Director {number}")} for number in range(1, shown + 1)]
    credits = {"edges": edges, "pageInfo": {"hasNextPage": more}}
    part = people({}, {"crewV2": [{"grouping": {"groupingId": DIRECTORS}, "credits": credits}]})
    assert ("directors" in part.whole, part.cut) == (not more, cut)


def test_a_line_that_names_no_person_makes_its_list_incomplete() -> None:
    part = people({}, {"castV2": [{"credits": [line(1, "Ada Holm"), {"name": None}]}]})
    assert (part.partial["cast"], part.cut) == ((ADA,), {"cast"})


# --- addresses ------------------------------------------------------------------


def test_addresses_are_read_however_they_are_written() -> None:
    one = b'<link href="https://www.imdb.com/title/tt0012345/ <view-source:https://www.imdb.com>" rel="canonical">'
    two = b"<meta\n  property='og:url'\n  content='http://www.imdb.com/title/tt0012345/'\n/>"
    three = b'<link rel="alternate" href="https://m.imdb.com/x"><a href="https://x/">canonical</a>'
    assert addresses(one + two + two + three) == (
        "https://www.imdb.com/title/tt0012345/",
        "http://www.imdb.com/title/tt0012345/",
    )


def test_an_archive_s_prefix_is_removed() -> None:
    archived = b"https://web.archive.org/web/20230105123456/https://www.imdb.com/title/tt0012345/"
    relative = b'<link rel="canonical" href="' + archived + b'">'
    assert addresses(relative) == ("https://www.imdb.com/title/tt0012345/",)
    assert original_address("/web/20190105im_/https://m.example/a.jpg") == "https://m.example/a.jpg"


@pytest.mark.parametrize(
    "prefix",
    [
        "//web.archive.org/web/2023/",
        "https://web.archive.org/web/2/",
        "https://web.archive.org/web/20230105123456if_/",
        "https://archive.ph/o/AbCdE/",
        "http://wayback.archive-it.org/1234/20130105123456/",
        "http://localhost:8080/my-coll/20230105123456mp_/",
        "https://arquivo.pt/noFrame/replay/20230105123456/",
    ],
)
def test_the_prefix_of_any_archive_is_removed(prefix: str) -> None:
    address = "https://www.imdb.com/title/tt0012345/"
    assert original_address(prefix + address) == address
    assert addresses(f'<link rel="canonical" href="{prefix}{address}">'.encode()) == (address,)
    assert original_address(address + "?from=https://x.example/") == address + "?from=https://x.example/"


@pytest.mark.parametrize(
    ("address", "imdb_id"),
    [
        ("https://www.imdb.com/title/tt0012345/", "tt0012345"),
        ("http://127.0.0.1:8080/title/tt0012345", "tt0012345"),
        ("https://www.imdb.com/es-mx/title/tt0012345/?ref_=x#top", "tt0012345"),
        ("https://www.imdb.com/title/tt0012345/reference/", "tt0012345"),
        ("https://www.imdb.com/title/tt0012345/fullcredits/", None),
        ("https://www.imdb.com/chart/top/?title/tt0012345/", None),
        ("https://www.imdb.com/name/nm0000001/", None),
        ("/title/tt0012345/", None),
    ],
)
def test_only_a_title_s_own_address_names_it(address: str, imdb_id: str | None) -> None:
    assert title_id(address) == imdb_id


# --- values in the markup -------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("March 31, 1999 (United States)", "1999-03-31"),
        ("31 March 1999 (USA)", "1999-03-31"),
        ("3 October 2000", "2000-10-03"),
        ("September 1998 (India)", "1998-09"),
        ("1996 (Soviet Union)", "1996"),
        ("31 de marzo de 1999", None),
        ("1999 marzo", None),
        ("March 31, 1999 at noon", None),
        ("31, 1999", None),
        ("soon", None),
        ("", None),
    ],
)
def test_dates_for_people(text: str, date: str | None) -> None:
    assert values.worded_date(text) == date


@pytest.mark.parametrize(
    ("text", "count"),
    [("1,253,937", 1253937), ("27", 27), ("2.2M", None), ("755K", None), ("1.253.937", None), ("", None)],
)
def test_a_rounded_count_is_no_count(text: str, count: int | None) -> None:
    assert values.count(text) == count


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("2 hours 16 minutes", 136),
        ("2h 16m (136 min)", 136),
        ("1h 5min", 65),
        ("16min", 16),
        ("2h", 120),
        ("0m", None),
        ("2 ore e 16 minuti", None),
        ("136 Minuten", None),
        ("2h environ", None),
        ("1h 99m", None),
        ("99m", 99),
        ("", None),
    ],
)
def test_running_times_for_people(text: str, minutes: int | None) -> None:
    assert values.running_minutes(text) == minutes


@pytest.mark.parametrize(
    ("address", "picture"),
    [
        (
            "https://m.example/images/M/MV5@@._V1_UX182_CR0,0,182,268_AL_.jpg",
            "https://m.example/images/M/MV5@@._V1_.jpg",
        ),
        (
            "https://m.example/images/M/MV5@._V1_.png <view-source:https://m>",
            "https://m.example/images/M/MV5@._V1_.png",
        ),
        (
            "https://web.archive.org/web/20190105im_/https://m.example/images/M/MV5@._V1_UX182_.jpg",
            "https://m.example/images/M/MV5@._V1_.jpg",
        ),
        ("http://ia.example/images/M/MV5@@._V1._SX94_SY140_.jpg", "http://ia.example/images/M/MV5@@._V1_.jpg"),
        ("http://ia.example/images/M/MV5@._SX300_.jpg", "http://ia.example/images/M/MV5@._V1_.jpg"),
        ("//m.example/images/M/MV5@._V1_SX300_.JPG", "https://m.example/images/M/MV5@._V1_.JPG"),
        ("https://m.example/images/G/01/imdb/images/social/imdb_logo.png", None),
        ("", None),
    ],
)
def test_pictures_lose_their_crop_and_logos_are_none(address: str, picture: str | None) -> None:
    assert values.full_size(address) == picture


@pytest.mark.parametrize(
    ("window_title", "expected"),
    [
        ("Up (2009) - IMDb", {"kind": "movie", "year": 2009}),
        ("1941 (1979) - IMDb", {"kind": "movie", "year": 1979}),
        ("Fog (Reprise) (TV Movie 2009) - IMDb", {"kind": "tvMovie", "year": 2009}),
        ("Fog (TV Series 2011– ) - IMDb", {"kind": "tvSeries", "year": 2011}),
        ("Fog (TV Mini Series 2011–2012) - IMDb", {"kind": "tvMiniSeries", "year": 2011, "end_year": 2012}),
        ('"Fog" Episode #2.5 (TV Episode 2008) - IMDb', {"kind": "tvEpisode", "year": 2008}),
        ("Fog (TV Movie) - IMDb", {"kind": "tvMovie"}),
        ("Niebla (Serie de TV 2011) - IMDb", {"year": 2011}),
        ("Fog (Reprise) - IMDb", {}),
        ("Fog - IMDb", {}),
        ("", {}),
    ],
)
def test_kind_and_years_stand_in_the_window_title(window_title: str, expected: dict[str, str | int]) -> None:
    assert window_facts(window_title) == expected


def old_markup(old: str, new: str) -> TitlePart:
    assert old in MARKUP_2014
    part = read_markup(f"<html><body>{MARKUP_2014.replace(old, new)}</body></html>".encode())
    assert part is not None
    return part


def test_an_invitation_to_write_a_plot_is_none() -> None:
    part = old_markup("A ferryman &amp; a\n  fog.", '<a href="/updates">Add a Plot</a> »')
    assert "plot" not in part.whole | part.partial


def test_a_plot_to_be_read_on_elsewhere_is_cut() -> None:
    part = old_markup("A ferryman &amp; a\n  fog.", 'A ferry ... <a href="/plot">See full summary</a> »')
    assert "plot" not in part.whole
    assert (part.partial["plot"], part.cut) == ("A ferry ...", {"plot"})


def test_a_plot_may_hold_links_to_names() -> None:
    names = 'A <b>ferryman</b> (<a href="/name/nm0000003/">Cy Moe</a>)<br>and a fog<!-- x -->.'
    assert old_markup("A ferryman &amp; a\n  fog.", names).whole["plot"] == "A ferryman (Cy Moe) and a fog."


def test_texts_around_an_element_are_not_one_word() -> None:
    part = old_markup("The Glass Ferry&nbsp;", "The Glass<i>(new)</i>Ferry<!-- x -->man&nbsp;")
    assert part.whole["title"] == "The Glass Ferryman"


@pytest.mark.parametrize(
    ("plot", "cut"),
    [
        ('<span data-testid="plot-xl">A ferry... <a href="/title/tt0012345/plotsummary?x">Read all</a></span>', True),
        ('<span data-testid="plot-xl">A ferry…</span><span data-testid="plot-l">A fe…</span>', True),
        ('<span data-testid="plot-l">A ferry...</span><span data-testid="plot-xs_to_m">A f...</span>', True),
        ('<span data-testid="plot-l">A ferry...</span>', False),
    ],
)
def test_a_plot_of_today_that_is_to_be_read_on_elsewhere_is_cut(plot: str, cut: bool) -> None:
    old = '<span data-testid="plot-xl">A ferryman &amp;\n a fog.</span>'
    assert old in MARKUP_2022
    part = read_markup(MARKUP_2022.replace(old, plot if cut else plot.replace("...", ".")).encode())
    assert part is not None
    assert (part.whole | part.partial)["plot"].rstrip(".…") == "A ferry"
    assert ("plot" in part.cut, "plot" in part.whole) == (cut, not cut)


@pytest.mark.parametrize("number", ["1,23,456", "12,34"])
def test_numbers_in_other_groups_of_digits_are_no_numbers(number: str) -> None:
    more = f'<div class="titleReviewBarSubItem">Popularity {number} (1)</div><a href="reviews">{number} user</a>'
    part = old_markup('<div class="metacriticScore">', more + '<div class="metacriticScore">')
    assert not {"popularity_rank", "user_reviews"} & part.whole.keys()


def test_directors_with_more_to_come_are_cut() -> None:
    part = old_markup("Bo Lind</a></div>", 'Bo Lind</a>, <a href="fullcredits">1 more credit</a> »</div>')
    assert "directors" not in part.whole
    assert (part.partial["directors"], part.cut) == ((ADA, BO), {"directors"})

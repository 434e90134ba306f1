"""A page of invented parts: who wins, what is missing, and what is no title page."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from msgspec import structs

from domain.errors import Blocked, InvalidMovie, NotATitlePage, UnknownLayout, WrongTitle
from domain.movie import CAST, DIRECTOR, Credit, Movie, Person
from infrastructure.scraper.title_fields import CORE_FIELDS, ParsedTitle
from infrastructure.scraper.title_page import TruncatedPage, parse_next_data, parse_title
from tests.support.title_pages import (
    IMDB_ID,
    MARKUP_2014,
    MARKUP_2022,
    above_the_fold,
    line,
    linked_data,
    main_column,
    next_data,
    page,
)

NOW = datetime(2026, 8, 1, tzinfo=UTC)
WHOLE = Movie(
    imdb_id=IMDB_ID,
    title="The Glass Ferry",
    source_url=f"https://www.imdb.com/title/{IMDB_ID}/",
    scraped_at=NOW,
    original_title="Die gläserne Fähre",
    kind="movie",
    year=1961,
    rating=7.4,
    votes=12345,
    duration_minutes=102,
    metascore=81,
    genres=("Drama", "Fantasy", "Mystery", "Romance"),
    plot="A ferryman & a fog.",
    poster_url="https://pictures.example/images/M/glass@._V1_.jpg",
    certificate="PG",
    release_date="1961-09-03",
    directors=(
        Credit(Person("nm0000001", "Ada Holm"), DIRECTOR, 1),
        Credit(Person("nm0000002", "Bo Lind"), DIRECTOR, 2),
    ),
    cast=(
        Credit(Person("nm0000003", "Cy Moe"), CAST, 1, ("The Ferryman", "His Brother")),
        Credit(Person("nm0000004", "Di Foss"), CAST, 2, ("Fog",)),
    ),
)
DEEP = "[" * 100_000


def parse(body: bytes, imdb_id: str | None = IMDB_ID, final_url: str | None = None) -> ParsedTitle:
    return parse_title(body, imdb_id=imdb_id, scraped_at=NOW, final_url=final_url)


def core(movie: Movie) -> dict[str, object]:
    """The fields that every layout has."""
    return {name: getattr(movie, name) for name in CORE_FIELDS | {"imdb_id", "source_url", "scraped_at"}}


def assert_core(title: ParsedTitle, movie: Movie) -> None:
    """The title has all of these fields, as this movie has them."""
    assert core(title.movie) == core(movie)
    assert not title.missing & CORE_FIELDS


# --- which part wins ------------------------------------------------------------


def test_the_island_alone_tells_everything() -> None:
    assert_core(parse(page(next_data())), WHOLE)


def test_a_whole_island_is_not_doubted() -> None:
    other = linked_data(alternateName="Another Name", aggregateRating={"ratingValue": 1.1, "ratingCount": 1})
    assert core(parse(page(next_data(), other, MARKUP_2022)).movie) == core(WHOLE)


def test_null_in_a_whole_island_means_none_whatever_other_parts_say() -> None:
    nothing = dict.fromkeys(
        (
            "originalTitleText",
            "releaseYear",
            "runtime",
            "metacritic",
            "plot",
            "primaryImage",
            "certificate",
            "releaseDate",
        )
    )
    island = next_data(
        above_the_fold(**nothing, ratingsSummary={"aggregateRating": None, "voteCount": 0}, genres=None),
        main_column(crewV2=None, castV2=[]) | {"principalCredits": None},
    )
    island["props"]["pageProps"]["aboveTheFoldData"]["principalCreditsV2"] = []
    title = parse(page(island, linked_data(), MARKUP_2022))
    bare = Movie(imdb_id=IMDB_ID, title="The Glass Ferry", source_url=WHOLE.source_url, scraped_at=NOW, kind="movie")
    assert_core(title, bare)


def test_the_markup_is_not_even_parsed_where_the_island_is_whole() -> None:
    sys.modules.pop("infrastructure.scraper.markup", None)
    parse(page(next_data(), linked_data(), MARKUP_2022))
    assert "infrastructure.scraper.markup" not in sys.modules


def test_without_the_island_linked_data_and_markup_fill_each_other_up() -> None:
    title = parse(page(None, linked_data(), MARKUP_2022))
    assert title.cut == {"genres", "cast"}
    assert not title.untold & CORE_FIELDS
    assert title.movie.genres == ("Drama", "Fantasy", "Mystery")
    cast = [(credit.person.name, credit.characters) for credit in title.movie.cast]
    assert cast == [("Cy Moe", ("The Ferryman",)), ("Di Foss", ())]  # the longer one, from the markup
    told = CORE_FIELDS - title.missing
    assert {name: getattr(title.movie, name) for name in told} == {name: getattr(WHOLE, name) for name in told}


def test_linked_data_alone_names_what_it_cannot_tell() -> None:
    title = parse(page(None, linked_data()))
    assert (title.missing & CORE_FIELDS) == {"kind", "year", "metascore", "genres", "cast"}
    assert (title.movie.title, title.movie.original_title) == (WHOLE.title, WHOLE.original_title)
    assert title.movie.directors == WHOLE.directors


def test_the_markup_of_2022_alone() -> None:
    title = parse(page(None, None, MARKUP_2022))
    assert (title.missing & CORE_FIELDS) == {"votes", "genres", "cast"}
    assert title.movie.votes is None
    assert title.movie.cast == (
        Credit(Person("nm0000003", "Cy Moe"), CAST, 1, ("The Ferryman",)),
        Credit(Person("nm0000004", "Di Foss"), CAST, 2),
    )
    told = CORE_FIELDS - title.missing
    assert {name: getattr(title.movie, name) for name in told} == {name: getattr(WHOLE, name) for name in told}


def test_the_markup_of_2014_alone() -> None:
    title = parse(page(None, None, MARKUP_2014))
    assert (title.missing & CORE_FIELDS) == {"certificate"}
    assert title.movie.genres == ("Drama", "Fantasy")
    told = CORE_FIELDS - title.missing - {"genres"}
    assert {name: getattr(title.movie, name) for name in told} == {name: getattr(WHOLE, name) for name in told}


@pytest.mark.parametrize(
    "island",
    [
        "",
        "{",
        '{"props": ',
        "<!-- -->",
        "null",
        "[]",
        '"text"',
        '{"props": {}}',
        '{"props": {"pageProps": null}}',
        DEEP,
    ],
    ids=lambda island: island[:20],
)
def test_a_broken_island_is_as_good_as_none(island: str) -> None:
    title = parse(page(island, linked_data(), MARKUP_2022))
    assert title.torn is (island.startswith("{") and not island.endswith("}"))
    assert structs.replace(title, torn=False) == parse(page(None, linked_data(), MARKUP_2022))


@pytest.mark.parametrize("wrong", [5, "text", [], [7], {}, {"metascore": 7}, True])
def test_a_value_of_another_shape_is_asked_of_the_next_part(wrong: object) -> None:
    above = above_the_fold(metacritic=wrong, originalTitleText=wrong)
    assert_core(parse(page(next_data(above), linked_data(), MARKUP_2022)), WHOLE)
    title = parse(page(next_data(above)))
    assert (title.missing & CORE_FIELDS) == {"metascore", "original_title"}
    assert (title.movie.metascore, title.movie.original_title) == (None, None)


def test_the_interface_s_own_texts_are_not_needed_and_do_no_harm() -> None:
    body = page(next_data())
    mark = b',"translationContext":{"strings"'
    assert mark in body
    variants = (
        body.replace(mark, b',\n "translationContext" : {"strings"'),
        page(next_data(above_the_fold(deeper={"y": 1, "translationContext": 2}))),
        page(next_data(above_the_fold(quoting=',"translationContext":{'))),
    )
    for variant in variants:
        assert_core(parse(variant), WHOLE)
    torn = parse(body[: body.index(b'"strings"')])
    assert torn.torn
    assert_core(torn, WHOLE)


@pytest.mark.parametrize(
    "behind",
    [
        b',"requestContext":{"timestamp":"x"}',
        b',"titleCallToAction":{"id":"x"},"requestContext":{"timestamp":"x"}',
        b',"another":{"id":"x"},"requestContext":{"timestamp":"x"}',  # the marks are not beside each other
        b',"requestContext":{"mainColumnData":{"id":"tt0000001"}}',
    ],
)
def test_what_stands_behind_the_title_s_objects_is_not_needed_and_does_no_harm(behind: bytes) -> None:
    mark = b',"translationContext":{"strings"'
    body = page(next_data()).replace(mark, behind + mark)
    assert parse(body) == parse(page(next_data()))
    nested = page(next_data(main=main_column(deeper={"y": 1, "requestContext": 2, "z": {"requestContext": 3}})))
    assert_core(parse(nested), WHOLE)


@pytest.mark.parametrize("name", ["aboveTheFoldData", "mainColumnData"])
def test_an_object_of_the_title_that_occurs_again_is_noticed(name: str) -> None:
    mark = b',"translationContext":{"strings"'
    behind = f',"requestContext":{{"timestamp":"x"}},"{name}":{{"id":"{IMDB_ID}","titleText":{{"text":"Other"}}}}'
    body = page(next_data())
    assert mark in body
    with pytest.raises(UnknownLayout, match=f"the key {name} occurs more than once"):
        parse(body.replace(mark, behind.encode() + mark))


def test_a_page_that_ends_behind_the_title_s_objects_is_torn_and_has_the_whole_title() -> None:
    mark = b',"translationContext":{"strings"'
    body = page(next_data()).replace(mark, b',"requestContext":{"timestamp":"x"}' + mark)
    torn = parse(body[: body.index(b'"timestamp"')])
    assert torn.torn
    assert_core(torn, WHOLE)


def test_an_island_that_lost_its_people_has_them_from_the_window_title() -> None:
    named = [{"credits": [{"name": {"id": "nm0000001", "nameText": {"text": "Ada Holm"}}}]}]
    above = above_the_fold(directorsPageTitle=named)
    del above["principalCreditsV2"]
    title = parse(page(next_data(above, {"id": IMDB_ID})))
    assert (title.missing & CORE_FIELDS) == {"directors", "cast"}
    assert title.movie.directors == WHOLE.directors[:1]


# --- pages of 2021 --------------------------------------------------------------


def page_of_2021(*answers: object, key: str = "title", props: object = None, query: object = None) -> bytes:
    """A page whose data is in the cache of the site's GraphQL client, another title's first."""
    other = above_the_fold(id="tt7654321", titleText={"text": "Another Title"})
    data = [{key: other}, {"renderedMarkdown": {"markdown": "x"}}, *({key: answer} for answer in answers)]
    state: dict[str, object] = {str(number): {"data": json.dumps(each)} for number, each in enumerate(data)}
    state |= {"failed": {"error": {"message": "x"}}, "object": {"data": data[-1]}, "broken": {"data": "{"}}
    return page({"props": {"pageProps": props or {}, "urqlState": state}, "page": "/title/[id]", "query": query or {}})


PEOPLE_OF_2021 = {
    "id": IMDB_ID,
    "plot": None,  # not asked for in this answer
    "directors": [{"totalCredits": 2, "credits": [line(1, "Ada Holm"), line(2, "Bo Lind")]}],
    "principalCast": [{"credits": [line(3, "Cy Moe") | {"characters": [{"name": "The Ferryman"}]}]}],
    "cast": {"edges": [{"node": line(4, "Di Foss")}]},
}


@pytest.mark.parametrize("key", ["title", "main"])
@pytest.mark.parametrize(
    "says",
    [{"props": {"tconst": IMDB_ID}}, {"query": {"id": IMDB_ID}}, {"query": {"tconst": IMDB_ID, "ref_": "x"}}, {}],
    ids=["tconst", "query id", "query tconst", "address only"],
)
def test_a_page_of_2021_is_read_by_its_own_id(says: dict[str, object], key: str) -> None:
    for answers in ((PEOPLE_OF_2021, above_the_fold()), (above_the_fold(), PEOPLE_OF_2021)):
        title = parse(page_of_2021(*answers, key=key, **says), imdb_id=None)
        movie = title.movie
        assert (movie.imdb_id, movie.title, movie.plot, len(movie.genres)) == (IMDB_ID, WHOLE.title, WHOLE.plot, 4)
        assert movie.directors == WHOLE.directors
        assert [credit.person.name for credit in movie.cast] == ["Cy Moe", "Di Foss"]
        assert not title.missing & CORE_FIELDS


def test_a_cache_of_other_titles_only_is_no_title() -> None:
    with pytest.raises(UnknownLayout, match="not recognised"):
        parse(page_of_2021(query={"id": IMDB_ID}), imdb_id=None)


# --- awkward text ---------------------------------------------------------------


def test_what_the_fast_parser_refuses_is_read_by_the_standard_one() -> None:
    island = json.dumps(next_data(above_the_fold(titleText={"text": "half \ud83d pair, \u0000, \ud83d\ude00"})))
    assert "\\ud83d" in island
    assert parse(page(island)).movie.title == "half \ufffd pair, \ufffd, 😀"


def test_bytes_that_are_no_utf_8_are_replaced_and_named() -> None:
    body = page(json.dumps(next_data(), ensure_ascii=False)).replace("gläserne".encode(), b"gl\xe4serne")
    title = parse(body)
    assert title.movie.original_title == "Die gl\ufffdserne Fähre"
    assert title.cut == {"original_title"}


@pytest.mark.parametrize(
    ("encoding", "original"),
    [("cp1252", "Die gläserne Fähre"), ("cp1254", "Kış Uykusu, İstanbul"), ("gbk", "霸王别姬"), ("cp1250", "Łódź")],
)
@pytest.mark.parametrize("islands", [True, False])
def test_text_in_an_encoding_that_nobody_declares_is_a_guess_and_named(
    encoding: str, original: str, *, islands: bool
) -> None:
    island = json.dumps(next_data(above_the_fold(originalTitleText={"text": original})), ensure_ascii=False)
    linked = json.dumps({**linked_data(), "name": original, "alternateName": WHOLE.title}, ensure_ascii=False)
    markup = MARKUP_2022.replace("Die gläserne Fähre", original)
    body = page(island if islands else None, linked, markup).decode().replace("é", "e")
    title, known = parse(body.encode(encoding)), parse(body.encode())
    assert title.cut == known.cut | {"original_title"}
    assert title.movie.incomplete == tuple(sorted(title.cut))
    assert title.movie.original_title
    assert encoding != "cp1252" or title.movie.original_title == original
    declared = body.replace("<html", f'<meta charset="{encoding}"><html', 1)
    assert parse(declared.encode(encoding)).cut == known.cut


def test_a_page_saved_as_utf_16() -> None:
    body = page(next_data(), linked_data(), MARKUP_2022)
    assert core(parse(body.decode().encode("utf-16")).movie) == core(WHOLE)


@pytest.mark.parametrize(
    "text", ["=1+1", 'a "quoted", title', "two\nlines", "عنوان", "👩‍👩‍👧", "&amp; <b>", "a\u2028b"]
)
def test_awkward_text_survives(text: str) -> None:
    above = above_the_fold(titleText={"text": f" {text}\t"}, plot={"plotText": {"plainText": text}})
    movie = parse(page(json.dumps(next_data(above)).replace("<", "\\u003c"))).movie
    assert (movie.title, movie.plot) == (text.strip(), text.strip() or None)


# --- whose page it is -----------------------------------------------------------


def test_a_saved_page_says_itself_whose_it_is() -> None:
    assert parse(page(next_data()), imdb_id=None).movie.imdb_id == IMDB_ID
    assert parse(page(None, None, MARKUP_2022), imdb_id=None).movie.imdb_id == IMDB_ID


def test_the_page_of_another_title_is_refused() -> None:
    for body in (page(next_data()), page(None, linked_data()), page(None, None, MARKUP_2014)):
        with pytest.raises(WrongTitle, match="asked for tt7654321, got the page of tt0012345"):
            parse(body, imdb_id="tt7654321", final_url="https://www.imdb.com/title/tt7654321/")


@pytest.mark.parametrize(
    "final_url",
    [
        f"https://www.imdb.com/title/{IMDB_ID}/",
        f"http://127.0.0.1:8080/title/{IMDB_ID}/?ref_=x",
        f"https://x/es-MX/title/{IMDB_ID}",
    ],
)
def test_a_title_that_has_moved_comes_under_its_new_id(final_url: str) -> None:
    movie = parse(page(next_data()), imdb_id="tt7654321", final_url=final_url).movie
    assert (movie.imdb_id, movie.source_url) == (IMDB_ID, WHOLE.source_url)


def test_a_page_that_lives_at_the_address_asked_for_is_that_title_under_another_id() -> None:
    assert parse(page(next_data(), address="/title/tt7654321/"), imdb_id="tt7654321").movie.imdb_id == IMDB_ID


def test_a_page_of_nobody_is_refused() -> None:
    with pytest.raises(UnknownLayout, match="does not say whose it is"):
        parse(page(None, None, MARKUP_2022, address=None), imdb_id=IMDB_ID)


def test_linked_data_of_another_title_is_left_aside() -> None:
    above = above_the_fold(plot=5)
    other = linked_data(url="/title/tt7654321/", description="Another story.")
    assert parse(page(next_data(above), other)).movie.plot is None


# --- what is no title page ------------------------------------------------------


def test_a_challenge_is_a_block() -> None:
    body = (
        b"<html><script>window.gokuProps = {};</script><script src='https://x.awswaf.com/challenge.js'></script></html>"
    )
    with pytest.raises(Blocked, match="challenge"):
        parse(body)


@pytest.mark.parametrize("route", ["/chart/top", "/name/[nconst]", "/find", "/title/[tconst]/fullcredits", "/_error"])
def test_another_page_of_the_site_says_so(route: str) -> None:
    island = {"props": {"pageProps": {"contentData": {}}}, "page": route}
    with pytest.raises(NotATitlePage, match="not a title's"):
        parse(page(island, linked_data(), MARKUP_2022))


def test_a_person_s_page_is_not_taken_for_a_title_s_by_its_columns() -> None:
    person = {"id": "nm0000001", "nameText": {"text": "Ada Holm"}}
    with pytest.raises(NotATitlePage, match="not a title's"):
        parse(page(next_data({}, person, page="/name/[nconst]")))


@pytest.mark.parametrize("address", ["/chart/top/", f"/title/{IMDB_ID}/fullcredits/", "/name/nm0000001/", "/"])
def test_an_address_that_is_no_title_s_says_so_too(address: str) -> None:
    with pytest.raises(NotATitlePage, match="not a title's"):
        parse(page(None, linked_data(), MARKUP_2022, address=address))


def test_the_reference_page_is_a_title_s() -> None:
    assert core(parse(page(next_data(page="/title/[tconst]/reference"))).movie) == core(WHOLE)


@pytest.mark.parametrize("body", [b"", b"\x00", b"<html></html>", b"\xff\xfe", b"{}", b"Not found"])
def test_what_is_not_recognised_is_said_part_by_part(body: bytes) -> None:
    with pytest.raises(UnknownLayout, match=r"no __NEXT_DATA__, no ld\+json, no (title's heading|end of the page)"):
        parse(body)


def test_the_markup_of_a_page_that_is_cut_off_is_not_believed() -> None:
    body = page(None, None, MARKUP_2022)
    with pytest.raises(UnknownLayout, match=r"no end of the page \(</html>\)"):
        parse(body[: body.index(b"Cy Moe") + 3])
    left, alone = parse(page(None, linked_data(), MARKUP_2022)[:-9]), parse(page(None, linked_data()))
    assert {*(left.movie.incomplete or ())} > {*(alone.movie.incomplete or ())}
    assert replace(left.movie, incomplete=()) == replace(alone.movie, incomplete=())
    assert ((left.missing & CORE_FIELDS), left.torn) == ((alone.missing & CORE_FIELDS), True)
    assert left.cut > alone.cut


def without_optional_tags(markup: str) -> bytes:
    """A page as minifiers and SingleFile write it: no end tag that HTML makes optional."""
    short = re.sub(r"</(?:li|p|tr|td)>", "", markup)
    address = f"<link rel=canonical href=https://www.imdb.com/title/{IMDB_ID}/>"
    return f"<!DOCTYPE html><title>The Glass Ferry (1961) - IMDb</title>{address}{short}".encode()


@pytest.mark.parametrize("markup", [MARKUP_2022, MARKUP_2014])
def test_a_page_without_optional_end_tags_is_whole_unless_something_is_open(markup: str) -> None:
    body = without_optional_tags(markup)
    title = parse(body)
    assert (title.torn, title.movie.title, title.movie.year) == (False, "The Glass Ferry", 1961)
    for end in (b"Cy Moe", b'href="/name/nm0000003/'):
        with pytest.raises(TruncatedPage):
            parse(body[: body.index(end) + len(end)])


@pytest.mark.parametrize("rest", [b"</script>", b"<script>1</script>", b'"castV2":[]}}}</script>'])
def test_an_island_that_lost_its_end_makes_another_answer_worth_a_request(rest: bytes) -> None:
    body = page(next_data(), linked_data(), MARKUP_2022)
    title = parse(body[: body.index(b'"castV2"')] + rest + b"</body></html>")
    assert title.torn
    assert [credit.person.name for credit in title.movie.cast] == ["Cy Moe", "Di Foss"]  # the markup is whole
    assert parse(page(None, linked_data(), MARKUP_2022)).torn is False


@pytest.mark.parametrize("end", [b"</head>", b"<body>", b"<section>"])
def test_a_page_that_ends_before_its_content_is_cut_off(end: bytes) -> None:
    body = page(None, linked_data(), MARKUP_2022)
    assert parse(body[: body.index(end)]).torn
    short = body.replace(b"<head>", b"").replace(b"</head>", b"").replace(b"<body>", b"")
    assert parse(short[: short.index(b"<section>")]).torn


def test_what_is_broken_is_said_to_be_broken() -> None:
    with pytest.raises(UnknownLayout, match=r"__NEXT_DATA__ is no JSON .*, ld\+json is no JSON"):
        parse(page("{", "{"))
    with pytest.raises(UnknownLayout, match="__NEXT_DATA__ without aboveTheFoldData and mainColumnData, ld"):
        parse(page({"page": "/title/[tconst]"}, {"@type": "Movie"}))


def test_a_title_without_a_name_is_not_read_as_one() -> None:
    with pytest.raises(UnknownLayout):
        parse(page(next_data(above_the_fold(titleText=None))))
    with pytest.raises(InvalidMovie, match="title is empty"):
        parse(page(next_data(above_the_fold(titleText={"text": " "}))))


def test_what_is_doubtful_is_left_out_and_named_and_the_rest_is_kept(caplog: pytest.LogCaptureFixture) -> None:
    above = above_the_fold(
        releaseYear={"year": 1066},
        ratingsSummary={"aggregateRating": 0, "voteCount": -1},
        releaseDate={"year": 1994, "month": 2, "day": 30},
    )
    main = main_column()
    main["castV2"][0]["credits"][0]["name"]["id"] = "tt0000003"
    title = parse(page(next_data(above, main)))
    assert title.cut == {"year", "rating", "votes", "release_date", "cast"}
    assert {name: getattr(title.movie, name) for name in title.cut - {"cast"}} == dict.fromkeys(title.cut - {"cast"})
    assert [credit.position for credit in title.movie.cast] == [1]
    assert title.movie.title == WHOLE.title
    assert "year is left out: year 1066" in caplog.text


@pytest.mark.parametrize(
    ("once", "twice"),
    [
        ('"aggregateRating":7.4', '"aggregateRating":7.4,"aggregateRating":1.4'),
        ('"ratingsSummary":{', '"ratingsSummary":{"aggregateRating":1.4,"voteCount":1},"ratingsSummary":{'),
        ('"aggregateRating":7.4', '"aggregateRating" : 7.4, "aggregateRating" : 1.4'),
    ],
)
def test_of_a_key_that_occurs_twice_no_value_is_taken(once: str, twice: str, caplog: pytest.LogCaptureFixture) -> None:
    body = page(next_data())
    assert once.encode() in body
    title = parse(body.replace(once.encode(), twice.encode()))
    assert (title.movie.rating, title.movie.title) == (None, WHOLE.title)
    assert "rating" in title.cut
    assert "occurs more than once" in caplog.text


@pytest.mark.parametrize(
    ("key", "value", "field", "left"),
    [
        ("genres", {"genres": [{"text": "Drama"}, {"text": None}]}, "genres", ("Drama",)),
        ("genres", {"genres": [{"text": "Drama"}], "total": "2"}, "genres", ("Drama",)),
        ("countriesOfOrigin", {"countries": [{"id": "SE"}, {"id": None}]}, "countries", ("SE",)),
        ("keywords", {"edges": [{"node": {"text": "fog"}}, {"node": None}]}, "keywords", ("fog",)),
        ("releaseYear", {"year": 1961, "endYear": 1950}, "end_year", None),
        ("primaryImage", {"url": "javascript:alert(1)"}, "poster_url", None),
    ],
)
def test_what_contradicts_itself_is_named(key: str, value: object, field: str, left: object) -> None:
    title = parse(page(next_data(above_the_fold(**{key: value}), main_column())))
    assert getattr(title.movie, field) == left
    assert field in title.missing
    assert field in title.cut or field == "genres"


@pytest.mark.parametrize(
    ("total", "cast_total", "cut"),
    [
        (2, 2, set()),
        (None, None, set()),
        (22, 22, {"cast"}),
        (1, None, {"cast_total"}),
        (-1, None, {"cast", "cast_total"}),
        ("22", None, {"cast", "cast_total"}),
        (True, None, {"cast", "cast_total"}),
    ],
)
def test_a_total_that_cannot_be_true_is_named(total: object, cast_total: int | None, cut: set[str]) -> None:
    main = main_column()
    main["castV2"][0]["totalCredits"] = total
    title = parse(page(next_data(above_the_fold(), main)))
    assert (title.movie.cast_total, set(title.cut)) == (cast_total, cut)
    assert len(title.movie.cast) == 2


@pytest.mark.parametrize(
    ("changes", "cut"),
    [
        ({"aggregateRating": {"ratingValue": "9,2", "ratingCount": "1.234"}}, {"rating", "votes"}),
        ({"aggregateRating": {"ratingValue": 9.2, "ratingCount": 1.5}}, {"votes"}),
        ({"aggregateRating": None, "datePublished": None, "duration": None}, set()),
        ({"datePublished": "03/09/1961"}, {"release_date"}),
        ({"duration": "PT1.5H"}, {"duration_minutes"}),
        ({"duration": "PT"}, {"duration_minutes"}),
        ({"image": "data:image/png;base64,xx"}, {"poster_url"}),
    ],
)
def test_what_ld_json_tells_in_an_unknown_way_is_named(changes: dict[str, object], cut: set[str]) -> None:
    usual = parse(page(None, linked_data())).cut
    title = parse(page(None, linked_data(**changes)))
    assert title.cut - usual == cut
    assert all(getattr(title.movie, field) is None for field in cut)


@pytest.mark.parametrize("charset", ["utf-7", "unicode_escape", "cp037", "rot13", "idna", "undefined"])
def test_a_declared_encoding_that_no_page_has_is_none(charset: str) -> None:
    body = page(json.dumps(next_data(), ensure_ascii=False)).decode().encode("cp1252")
    title = parse_title(body, imdb_id=IMDB_ID, scraped_at=NOW, charset=charset)
    assert (title.movie.original_title, set(title.cut)) == (WHOLE.original_title, {"original_title"})


def test_a_doubtful_id_refuses_the_title() -> None:
    with pytest.raises(InvalidMovie, match="tt1"):
        parse(page(next_data(above_the_fold(id="tt1"))), imdb_id=None)


# --- bare __NEXT_DATA__ ---------------------------------------------------------


def test_next_data_saved_without_its_page() -> None:
    document = json.dumps(next_data()).encode()
    assert_core(parse_next_data(document, scraped_at=NOW), WHOLE)
    assert core(parse_next_data(b"\xef\xbb\xbf" + document, scraped_at=NOW).movie) == core(WHOLE)


@pytest.mark.parametrize(
    ("document", "error"),
    [
        (b"", UnknownLayout),
        (b"[1]", UnknownLayout),
        (b'{"props": {"pageProps": {}}}', UnknownLayout),
        (json.dumps(next_data({"id": IMDB_ID}, {})).encode(), UnknownLayout),
        (json.dumps(next_data({"titleText": {"text": "x"}}, {})).encode(), UnknownLayout),
        (b'{"props": {"pageProps": {}}, "page": "/chart/top"}', NotATitlePage),
    ],
)
def test_next_data_that_cannot_be_used(document: bytes, error: type[Exception]) -> None:
    with pytest.raises(error):
        parse_next_data(document, scraped_at=NOW)

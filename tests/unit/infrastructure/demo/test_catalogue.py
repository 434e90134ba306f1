from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, datetime
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.chart import ChartName
from infrastructure.demo import words
from infrastructure.demo.catalogue import DemoCatalogue
from infrastructure.demo.process import MAX_COUNT, MAX_DAY, DemoOptions
from infrastructure.demo.titles import MODULUS, ODD_PLACES, ODDITIES, DemoTitle, Numbering
from tests.support.demo_movies import movie_of


@pytest.fixture(scope="module")
def catalogue() -> DemoCatalogue:
    return DemoCatalogue(seed=1, count=250)


def odd(catalogue: DemoCatalogue, name: str) -> DemoTitle:
    title = catalogue.find(list(catalogue.ids())[ODD_PLACES[name]])
    assert title is not None
    return title


@given(st.integers(0, MODULUS - 1), st.integers(0, MODULUS - 1))
def test_an_id_leads_back_to_its_index(index: int, offset: int) -> None:
    numbering = Numbering("tt", offset)
    assert numbering.index_of(numbering.id_of(index)) == index


@pytest.mark.parametrize("wrong", ["", "tt", "nm0000001", "tt12", "tt00000001", "tt99999999", "tt١٢٣٤٥٦٧", "tt-000001"])
def test_what_is_no_id_has_no_index(wrong: str) -> None:
    assert Numbering("tt", 5).index_of(wrong) == -1


def test_the_same_seed_tells_the_same_titles_in_any_order() -> None:
    forwards, backwards = DemoCatalogue(3, 60), DemoCatalogue(3, 60)
    ids = list(forwards.ids())
    assert [forwards.find(i) for i in ids] == [backwards.find(i) for i in reversed(ids)][::-1]


def test_another_seed_tells_others() -> None:
    assert not set(DemoCatalogue(1, 50).ids()) & set(DemoCatalogue(2, 50).ids())


def test_a_title_does_not_depend_on_how_many_there_are() -> None:
    few, many = DemoCatalogue(1, 20), DemoCatalogue(1, 20_000)
    for small, large in zip(few.chart(ChartName.TOP250), many.chart(ChartName.TOP250), strict=False):
        assert (small.imdb_id, small.title, small.rating, small.rank) == (
            large.imdb_id, large.title, large.rating, large.rank,
        )  # fmt: skip


def test_the_hundred_thousandth_title_needs_no_other() -> None:
    large = DemoCatalogue(1, 100_000)
    last = large.find(large._titles.id_of(99_999))
    assert last is not None
    assert last.rank == 100_000
    assert large._cached_title.cache_info().misses == 1


@pytest.mark.parametrize("chart", ChartName)
@pytest.mark.parametrize("count", [1, 2, 37, 74, 250])
def test_a_chart_is_whole_and_its_titles_can_be_found(chart: ChartName, count: int) -> None:
    site = DemoCatalogue(1, count)
    titles = list(site.chart(chart))
    assert len(titles) == min(count, chart.size)
    assert len({title.imdb_id for title in titles}) == len(titles)
    for title in titles:
        assert site.find(title.imdb_id) == site.find(title.listed_id) == title


def test_ratings_fall_with_the_rank(catalogue: DemoCatalogue) -> None:
    awkward = set(ODD_PLACES.values())
    ratings = [title.rating for index, title in enumerate(catalogue.chart(ChartName.TOP250)) if index not in awkward]
    assert None not in ratings
    assert ratings == sorted(ratings, key=lambda rating: -(rating or 0))


@pytest.mark.long
def test_every_title_is_one_that_the_domain_accepts(catalogue: DemoCatalogue) -> None:
    for chart in ChartName:
        for title in catalogue.chart(chart):
            assert movie_of(title, "http://demo", datetime(2026, 1, 1, tzinfo=UTC)).imdb_id == title.imdb_id


def test_all_oddities_stand_within_the_first_250(catalogue: DemoCatalogue) -> None:
    assert max(ODD_PLACES.values()) < 250
    assert len(ODD_PLACES) == len(ODDITIES)


def test_what_is_odd_about_them(catalogue: DemoCatalogue) -> None:
    assert odd(catalogue, "no year").year is None
    assert (odd(catalogue, "no rating").rating, odd(catalogue, "no rating").votes) == (None, 0)
    assert odd(catalogue, "no metascore").metascore is None
    assert odd(catalogue, "no cast").cast == ()
    assert odd(catalogue, "release year only").release == (odd(catalogue, "release year only").year, None, None)
    assert odd(catalogue, "formula").title == "=1+1"
    assert "\n" in (odd(catalogue, "newlines").plot or "")
    assert "\x00" in (odd(catalogue, "NUL").plot or "")
    assert "</script>" in (odd(catalogue, "closing script").plot or "")
    assert len(odd(catalogue, "very long plot").plot or "") > 20_000
    assert len(odd(catalogue, "very long title").title) >= 500


def test_two_people_of_one_name_are_in_one_cast(catalogue: DemoCatalogue) -> None:
    first, second = (role.person for role in odd(catalogue, "namesakes").cast[:2])
    assert first.name == second.name
    assert first.person_id != second.person_id


def test_a_person_has_one_name_everywhere(catalogue: DemoCatalogue) -> None:
    names: dict[str, set[str]] = {}
    for title in catalogue.chart(ChartName.TOP250):
        for person in (*title.directors, *(role.person for role in title.cast)):
            names.setdefault(person.person_id, set()).add(person.name)
    assert all(len(known) == 1 for known in names.values())


def test_most_people_are_in_one_title_and_the_busiest_in_a_few(catalogue: DemoCatalogue) -> None:
    titles = Counter(role.person for title in catalogue.chart(ChartName.TOP250) for role in title.cast)
    assert 4 <= max(titles.values()) <= 9
    assert 0.6 < sum(count == 1 for count in titles.values()) / len(titles) < 0.95


def test_a_character_occurs_once_in_a_title(catalogue: DemoCatalogue) -> None:
    for title in map(catalogue.ordinary, range(250)):
        names = [name for role in title.cast for name in role.characters]
        assert len(names) == len(set(names))


def test_plots_are_grammatical() -> None:
    plural = {hero for hero, is_plural in words.HEROES if is_plural}
    for title in map(DemoCatalogue(5, 300).ordinary, range(300)):
        assert title.plot is not None
        hero = next(hero for hero, _ in words.HEROES if f", {hero} " in title.plot)
        verb = title.plot.split(f", {hero} ")[1].split()[0]
        assert verb in {deed[hero in plural] for deed in words.DEEDS}
        assert not re.search(r"\b[Aa] [AEIOUaeiou]|\b[Aa]n [^AEIOUaeiou]", f"{title.plot} {title.title}")


def test_a_moved_title_is_listed_under_its_old_id(catalogue: DemoCatalogue) -> None:
    moved = [title for title in catalogue.chart(ChartName.TOP250) if title.moved]
    assert len(moved) == 1
    assert moved[0].listed_id in set(catalogue.ids())
    assert moved[0].imdb_id not in set(catalogue.ids())


@pytest.mark.parametrize("count", [0, -1, MAX_COUNT + 1])
def test_an_impossible_count_is_refused(count: int) -> None:
    with pytest.raises(ValueError, match="count"):
        DemoOptions(count=count)


@pytest.mark.parametrize("chart", ChartName)
@pytest.mark.parametrize("day", [1, 7])
def test_another_day_has_newcomers_leavers_and_climbers(chart: ChartName, day: int) -> None:
    before, after = DemoCatalogue(1, 250, day - 1), DemoCatalogue(1, 250, day)
    old = [title.imdb_id for title in before.chart(chart)]
    new = [title.imdb_id for title in after.chart(chart)]
    assert len(set(new)) == len(new) == len(old)
    assert 0 < len(set(new) - set(old)) < len(old) / 10
    assert any(new.index(imdb_id) < old.index(imdb_id) for imdb_id in new if imdb_id in old)
    for title in after.chart(chart):
        assert after.find(title.imdb_id) == after.find(title.listed_id) == title
    for imdb_id in old:
        assert after.find(imdb_id) is not None  # a title that left the chart keeps its page


def test_another_day_changes_some_ratings_and_no_vote_is_lost() -> None:
    before, after = DemoCatalogue(1, 250), DemoCatalogue(1, 250, 1)
    pairs = [(title, after.find(title.imdb_id)) for title in before.chart(ChartName.TOP250) if not title.moved]
    changed = [old for old, new in pairs if new and old.rating != new.rating]
    assert 5 < len(changed) < 60
    assert all(new is not None and new.votes >= old.votes for old, new in pairs)
    assert [title.rank for title in after.chart(ChartName.TOP250)] == list(range(1, 251))


def test_the_same_day_is_the_same_everywhere() -> None:
    one, other = DemoCatalogue(1, 60, 3), DemoCatalogue(1, 60, 3)
    assert list(one.chart(ChartName.TOP250)) == list(other.chart(ChartName.TOP250))


def test_the_episodes_of_a_series_are_found_by_their_ids(catalogue: DemoCatalogue) -> None:
    for series in islice(catalogue.chart(ChartName.TOPTV), 20):
        episodes = list(catalogue.episodes(series))
        assert len(episodes) == sum(series.season_sizes) > 0
        assert len({episode.imdb_id for episode in episodes}) == len(episodes)
        assert [catalogue.find(episode.imdb_id) for episode in episodes] == episodes
        numbered = [episode.episode for episode in episodes if episode.episode and episode.episode.season]
        assert {number.season for number in numbered} <= set(range(1, len(series.season_sizes) + 1))


def test_a_person_is_known_for_titles_with_a_credit(catalogue: DemoCatalogue) -> None:
    for title in islice(catalogue.chart(ChartName.TOP250), 40):
        for role in title.cast[:3]:
            for imdb_id in catalogue.details(role.person).known_for:
                known = catalogue.find(imdb_id)
                assert known is not None
                people = {
                    *(each.person for each in known.cast),
                    *known.directors,
                    *(line.person for line in known.crew),
                }
                assert role.person in people


@pytest.mark.parametrize("day", [-1, MAX_DAY + 1])
def test_an_impossible_day_is_refused(day: int) -> None:
    with pytest.raises(ValueError, match="day"):
        DemoOptions(day=day)

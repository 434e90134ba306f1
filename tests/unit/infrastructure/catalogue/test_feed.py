"""The feed, read by a feed reader and held against the rules of RSS 2.0.

Source: https://www.rssboard.org/rss-specification
"""

from __future__ import annotations

from dataclasses import replace
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import feedparser  # type: ignore[import-untyped]
import pytest
from lxml import etree

from application.catalogue_data import build_catalogue_data
from infrastructure.catalogue.feeds import MAX_ITEMS, feed
from tests.support.catalogue import made_data
from tests.support.films import film, snapshots

_SITE = "https://films.example/"


def check_rules(body: bytes) -> None:
    """What the specification demands of a feed."""
    root = etree.fromstring(body)
    assert root.tag == "rss"
    assert root.get("version") == "2.0"
    (channel,) = root
    for name in ("title", "link", "description"):
        assert len(channel.findall(name)) == 1
        assert channel.findtext(name)
    items = channel.findall("item")
    guids = [item.findtext("guid") for item in items]
    assert len(set(guids)) == len(guids)
    for element in channel.iter("link"):
        assert urlsplit(element.text or "").scheme in ("http", "https")
    for item in items:
        assert item.findtext("title")
        assert item.findtext("description")
        assert item.find("guid").get("isPermaLink") == "false"  # type: ignore[union-attr]  # a guid there is
    for element in channel.iter("pubDate", "lastBuildDate"):
        assert parsedate_to_datetime(element.text or "").tzinfo is not None


@pytest.mark.parametrize("site", ["", _SITE])
def test_it_follows_the_rules_and_a_reader_understands_it(site: str) -> None:
    body = feed(made_data(250, runs=4), site)
    check_rules(body)
    read = feedparser.parse(body)
    assert not read.bozo
    assert read.version == "rss20"
    assert 10 < len(read.entries) <= MAX_ITEMS
    assert all(entry.published_parsed for entry in read.entries)
    moments = [entry.published_parsed for entry in read.entries]
    assert moments == sorted(moments, reverse=True)


def test_entries_tell_who_came_went_rose_and_fell() -> None:
    read = feedparser.parse(feed(made_data(250, runs=4), _SITE))
    beginnings = {entry.title.split()[0] for entry in read.entries}
    assert {"New", "Up", "Down"} <= beginnings


def test_entries_lead_to_the_catalogue_where_its_address_is_known() -> None:
    made = made_data(40, runs=3)
    here = feedparser.parse(feed(made, _SITE))
    there = feedparser.parse(feed(made, ""))
    assert all(entry.link.startswith(f"{_SITE}films/tt") for entry in here.entries)
    assert all(entry.link.startswith("https://www.imdb.com/title/tt") for entry in there.entries)
    assert [entry.id for entry in here.entries] == [entry.id for entry in there.entries]


def test_titles_from_the_web_are_escaped() -> None:
    odd = replace(film(1, rank=1), title="<b>Tom & Jerry</b> ]]>\n</title>")
    movies = {movie.imdb_id: movie for movie in (odd, film(2, rank=2))}
    taken = snapshots(list(movies.values()), 1)
    before = replace(taken[0], run_id="run-0", taken_at=taken[0].taken_at.replace(year=2025))
    swapped = replace(before, entries=before.entries[1:])
    body = feed(build_catalogue_data(movies, (swapped, *taken)), _SITE)
    check_rules(body)
    (entry,) = [entry for entry in feedparser.parse(body, sanitize_html=False).entries if "Tom" in entry.title]
    text = etree.fromstring(body).findtext("channel/item/title") or ""
    assert "<b>Tom & Jerry</b> ]]> </title>" in text
    assert entry.title.startswith("New at 1")


@pytest.mark.parametrize("runs", [0, 1])
def test_without_two_runs_it_is_empty_but_sound(runs: int) -> None:
    body = feed(made_data(20, runs=runs), _SITE)
    check_rules(body)
    assert feedparser.parse(body).entries == []

"""Parts of pages that occur by the hundred thousand: posters, cards, lines of films, names and credits.

They are functions and not template macros because of their number: each
takes a third of the time. Every text is escaped here, and the result is
``Markup``.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Final

import msgspec
from markupsafe import Markup, escape

from domain.movie import Movie
from infrastructure.catalogue import formats, typography
from infrastructure.catalogue.typography import keep_words, mark_long_words

_MAX_NOTE: Final = 90
_DECADE: Final = re.compile(r"[0-9]{4}s")  # its s stays small
_TITLE_WIDTH: Final = 84  # of the title on a placeholder, and its smallest size, in % of the card's width
_SMALLEST: Final = 6.5
# Hue of the ground a genre gives to films without a poster; other genres get one from their name.
_HUES: Final = {
    "Action": 30, "Adventure": 145, "Animation": 320, "Biography": 75, "Comedy": 85, "Crime": 20, "Documentary": 200,
    "Drama": 260, "Family": 110, "Fantasy": 300, "Film-Noir": 270, "History": 60, "Horror": 15, "Music": 340,
    "Musical": 350, "Mystery": 285, "Romance": 5, "Sci-Fi": 220, "Sport": 130, "Thriller": 235, "War": 120,
    "Western": 50,
}  # fmt: skip
_FITS_ANYWHERE: Final = 6.0  # em; words up to this width fit every column at its largest font size


class ImageSource(msgspec.Struct, frozen=True):
    """One image format of a poster: candidates as (path, width), smallest first."""

    type: str
    candidates: tuple[tuple[str, int], ...]


class PosterImage(msgspec.Struct, frozen=True):
    """A poster as templates show it.

    Attributes:
        width, height: of the full size, in pixels.
        sources: formats in the browser's order of choice; every browser can show the last one.
        shareable: path of the full-size file in the most common format.
    """

    width: int
    height: int
    sources: tuple[ImageSource, ...]
    shareable: str

    @property
    def thumb(self) -> str:
        """Path of the smallest file of the preferred format."""
        return self.sources[0].candidates[0][0]


class Card(msgspec.Struct, frozen=True):
    """A film in a grid or a list; every value is text, missing ones are empty.

    Attributes:
        name, fit: the shortened title as HTML, and the attribute for its longest word.
        blank: what stands for a missing poster, as HTML.
        data: attributes that the script filters and sorts by, as HTML.
    """

    href: str
    title: str
    name: Markup
    fit: Markup
    poster: PosterImage | None
    blank: Markup
    year: str = ""
    by: str = ""
    rating: str = ""
    votes: str = ""
    metascore: str = ""
    rank: str = ""
    move: str = ""
    move_kind: str = ""
    move_words: str = ""
    data: str = ""


class IndexEntry(msgspec.Struct, frozen=True):
    """A person in an index."""

    name: str
    path: str
    note: str


class RollPart(msgspec.Struct, frozen=True):
    """A name in a line of the credits; without a path it is not a link."""

    name: str
    path: str | None = None


class RollLine(msgspec.Struct, frozen=True):
    """A line of the credits; ``breaks`` leaves a space above it, ``role`` says that the label is a character."""

    label: str
    parts: tuple[RollPart, ...]
    breaks: bool = False
    role: bool = False


@lru_cache(maxsize=10_000)
def fit(text: str, style: typography.TextStyle = typography.NAME) -> Markup:
    """Returns an attribute with the width of a text's longest word, if it may be too wide for a column."""
    widest = typography.longest_word(text, style)
    if widest <= _FITS_ANYWHERE:
        return Markup("")
    return Markup(' style="--w:{}"').format(f"{widest:.1f}")


def data_attributes(data: Mapping[str, str | int | float | None]) -> Markup:
    """Returns ``data-`` attributes, without those that are missing or empty."""
    found = [f' data-{name}="{escape(value)}"' for name, value in data.items() if value not in (None, "")]
    return _html("".join(found))


def main_heading(text: str) -> Markup:
    """Returns the main heading of a page, with its size by its whole length and its longest word."""
    width = typography.text_width(text, typography.HEADING, upper=True)
    size = "short" if width <= 6 else "medium" if width <= 13 else "long" if width <= 26 else "longest"
    if _DECADE.fullmatch(text):
        size = f"{size} asis"
    widest = max(typography.longest_word(text, typography.HEADING, upper=True), 1)
    return _html(f'<h1 class="{size}" style="--w:{widest:.2f}" dir="auto">{keep_words(text)}</h1>')


def blank_poster(movie: Movie) -> Markup:
    """Returns the designed card of a film without a poster: hues of two genres, and its title as large as it fits."""
    hues = [_hue(genre) for genre in movie.genres[:2]] or [_hue(movie.imdb_id)]
    second = hues[1] if len(hues) > 1 else (hues[0] + 40) % 360
    title = formats.shortened(movie.title, 80)
    widest = typography.longest_word(title, typography.HEADING, upper=True)
    # A word that breaks even in the smallest size is set in one that is easier to read.
    smallest = _SMALLEST if widest * _SMALLEST <= _TITLE_WIDTH else 9
    size = typography.size_to_fit(title, _TITLE_WIDTH, 98, 0.92, smallest=smallest, largest=30)
    return _html(
        f'<span class="blank" style="--h:{hues[0]};--k:{second};--s:{round(size, 1)}" aria-hidden="true">'
        f'<b dir="auto">{keep_words(title)}</b><i>{"" if movie.year is None else movie.year}</i></span>'
    )


def _hue(name: str) -> int:
    return _HUES.get(name) or int(hashlib.sha256(name.encode()).hexdigest()[:4], 16) % 360


def thumb(card: Card, root: str, *, eager: bool = False) -> Markup:
    """Returns a small poster: one file, which every current browser can show."""
    if card.poster is None:
        return _html(f'<span class="poster">{card.blank}</span>')
    lazy = "" if eager else ' loading="lazy"'
    return _html(f'<span class="poster"><img src="{root}{escape(card.poster.thumb)}" alt=""{lazy}></span>')


def grid_card(card: Card, root: str, poster: Markup, *, first: bool = False) -> Markup:
    """Returns a film of a grid; ``first`` marks the large one at the beginning."""
    place = by = ""
    if card.rank:
        place = f'<span class="rank"><span class="unseen">Rank </span>{escape(card.rank)}</span>'
    if card.move_words:
        place += (
            f'<span class="move {escape(card.move_kind)}"><span aria-hidden="true">{escape(card.move)}</span>'
            f'<span class="unseen"> {escape(card.move_words)}</span></span>'
        )
    if card.year or card.by:
        dot = " · " if card.year and card.by else ""
        name = f"<bdi>{mark_long_words(card.by)}</bdi>" if card.by else ""
        by = f'<p class="by"{fit(card.by, typography.TEXT)}>{escape(card.year)}{dot}{name}</p>\n'
    return _html(
        f'<li class="card{" first" if first else ""}"{card.data}>\n{poster}\n'
        f'<p class="place">{place}{_rating(card)}</p>\n'
        f'<h2 dir="auto"{card.fit}><a href="{root}{escape(card.href)}">{card.name}</a></h2>\n{by}</li>'
    )


def film_name(card: Card, root: str) -> Markup:
    """Returns a film's title as a link."""
    return _html(f'<span class="name"{card.fit}><a href="{root}{escape(card.href)}"><bdi>{card.name}</bdi></a></span>')


def film_lines(films: Iterable[tuple[Card, str]], root: str) -> Markup:
    """Returns the films of a section of a person's page, each with what the person did in it."""
    lines = []
    for card, note in films:
        if note:
            text = formats.shortened(note, _MAX_NOTE)
            note = f'<span class="note"{fit(text, typography.TEXT)}><bdi>{mark_long_words(text)}</bdi></span>'
        lines.append(
            f'<li>{thumb(card, root)}<span class="year label">{escape(card.year)}</span>{film_name(card, root)}'
            f"{note}{_rating(card)}</li>"
        )
    return _html("\n".join(lines))


def index_entries(entries: Iterable[IndexEntry], root: str, unseen: str = "") -> Markup:
    """Returns the people of an index; ``unseen`` completes the note for screen readers."""
    more = f'<span class="unseen">{escape(unseen)}</span>' if unseen else ""
    return _html(
        "\n".join(
            [
                f'<li><span class="name"{fit(entry.name)}><a href="{root}{escape(entry.path)}">'
                f"<bdi>{keep_words(entry.name)}</bdi></a></span>"
                f' <span class="label">{escape(entry.note)}{more}</span></li>'
                for entry in entries
            ]
        )
    )


def roll(lines: Iterable[RollLine], root: str) -> Markup:
    """Returns the credits of a film."""
    return _html("\n".join([_roll_line(line, root) for line in lines]))


def _roll_line(line: RollLine, root: str) -> str:
    kind = ("role break" if line.breaks else "role") if line.role else "break" if line.breaks else ""
    start = f'<div class="{kind}">' if kind else "<div>"
    parts = []
    for part in line.parts:
        name = f"<bdi>{keep_words(part.name)}</bdi>"
        if part.path:
            name = f'<a href="{root}{escape(part.path)}">{name}</a>'
        parts.append(f'<span class="part"{fit(part.name)}>{name}')
    return (
        f'{start}<dt class="label"{fit(line.label, typography.LABEL)}><bdi>{mark_long_words(line.label)}</bdi></dt>'
        f"<dd>{',</span> '.join(parts)}</span></dd></div>"
    )


def _rating(card: Card) -> str:
    if not card.rating:
        return ""
    return f'<span class="rating"><span class="unseen">Rated </span>{escape(card.rating)}</span>'


def _html(text: str) -> Markup:
    return Markup(text)  # noqa: S704 - every text in it is escaped

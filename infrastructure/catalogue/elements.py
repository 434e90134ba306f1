"""Parts of pages that occur by the hundred thousand: posters, cards, lines of films, names and credits.

They are functions and not template macros because of their number: each
takes a third of the time. Every text is escaped here, and the result is
``Markup``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Final

import msgspec
from markupsafe import Markup, escape

from infrastructure.catalogue import formats, typography
from infrastructure.catalogue.typography import keep_words, mark_long_words

_MAX_NOTE: Final = 90
_DECADE: Final = re.compile(r"[0-9]{4}s")  # its s stays small
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


class Placeholder(msgspec.Struct, frozen=True):
    """The designed card of a film without a poster: hues of two genres, and the size of its title in % of the width."""

    hue: int
    second_hue: int
    size: float
    title: str
    year: str


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


def blank(placeholder: Placeholder) -> Markup:
    """Returns the card of a film without a poster."""
    return _html(
        f'<span class="blank" style="--h:{placeholder.hue};--k:{placeholder.second_hue};--s:{placeholder.size}"'
        f' aria-hidden="true"><b dir="auto">{keep_words(placeholder.title)}</b><i>{escape(placeholder.year)}</i></span>'
    )


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

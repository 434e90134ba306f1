"""One drawing with its words and its numbers."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure as the charts page shows it.

    Attributes:
        name: its anchor on the page.
        heading: what it shows.
        label: what the axes are, in a few words.
        words: what can be seen in it, in a sentence.
        wide, narrow: the drawing for a screen and for a phone.
        columns, rows: its numbers, for who would rather read them.
    """

    name: str
    heading: str
    label: str
    words: str
    wide: Markup
    narrow: Markup
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class RankLine:
    """The ranks of one film from run to run, and what they say in words."""

    svg: Markup
    words: str

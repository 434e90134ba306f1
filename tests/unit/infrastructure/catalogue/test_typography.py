"""Measured text: widths from the fonts, sizes at which words fit."""

from __future__ import annotations

import pytest

from infrastructure.catalogue.typography import (
    FITS_NARROWEST,
    HEADING,
    LABEL,
    NAME,
    keep_words,
    longest_word,
    mark_long_words,
    size_to_fit,
    text_width,
)


def test_widths_depend_on_the_style_and_the_letters() -> None:
    assert text_width("iiii", NAME) < text_width("MMMM", NAME) < text_width("MMMM", HEADING)
    assert text_width("Released", NAME) < text_width("Released", LABEL)
    assert text_width("a", NAME, upper=True) == text_width("A", NAME)


def test_the_longest_word_counts_and_hyphens_do_not_split_it() -> None:
    assert longest_word("a Biography of b") == text_width("Biography")
    assert longest_word("Film-Noir") == text_width("Film-Noir")
    assert longest_word("") == 0


def test_lines_may_break_between_east_asian_characters() -> None:
    assert longest_word("千と千尋の神隠し" * 20) < 2


def test_letters_the_fonts_lack_have_a_width_too() -> None:
    assert 1 < text_width("Броненосец") < 12
    assert text_width("e\u0301") == text_width("e"), "accents have none"


@pytest.mark.parametrize(
    "title", ["It", "The Last Cartographer of Ostermark", "Kraftfahrzeughaftpflicht", "a " * 40, "W" * 60]
)
def test_a_title_fits_its_box(title: str) -> None:
    size = size_to_fit(title, 84, 98, 0.92, smallest=9, largest=30)
    assert 9 <= size <= 30
    assert longest_word(title, HEADING, upper=True) * size <= 84.001 or size == 9


def test_only_words_with_a_break_inside_are_kept_together() -> None:
    assert keep_words("Plain words, as they are.") == "Plain words, as they are."
    assert keep_words("A Film-Noir & more") == 'A <span class="w">Film-Noir</span> &amp; more'
    assert keep_words("<b>") == "&lt;b&gt;"
    assert "<b>" not in keep_words("a-b<b>-c")


def test_only_words_too_wide_for_the_narrowest_column_are_marked() -> None:
    word = "Kraftfahrzeughaftpflicht"
    assert longest_word(word, HEADING) > FITS_NARROWEST > longest_word("Incomprehensible", HEADING, upper=True)
    assert (
        keep_words(f"The Incomprehensible {word} & more")
        == f'The Incomprehensible <span class="long">{word}</span> &amp; more'
    )
    assert mark_long_words(f"A <{word}>\n") == f'A <span class="long">&lt;{word}&gt;</span>\n'
    assert mark_long_words("Sci-Fi") == "Sci-Fi"
    assert keep_words("a-" * 200) == f'<span class="w long">{"a-" * 200}</span>'
    assert keep_words("千と千尋の神隠し" * 20) == "千と千尋の神隠し" * 20

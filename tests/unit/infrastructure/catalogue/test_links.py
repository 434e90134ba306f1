"""The link check, itself checked: every kind of damage must be found."""

from __future__ import annotations

from pathlib import Path

import pytest

from infrastructure.catalogue.elements import ImageSource, PosterImage
from infrastructure.catalogue.links import check_links, references
from infrastructure.catalogue.plots import draw_plots
from tests.support.catalogue import awkward_films, made_data, series_films
from tests.unit.infrastructure.catalogue.test_pages import find, render_pages

_SOUND = {
    "index.html": (
        '<html><head><link rel="stylesheet" href="assets/a.css"><link rel="canonical" href="https://films.example/">'
        '<script src="assets/a.js"></script></head><body id="top"><a href="films/a.html">A</a>'
        '<a href="films/a.html#cast">cast</a><a href="#top">up</a><a href="https://www.imdb.com/">IMDb</a>'
        '<img src="posters/a.jpg" srcset="posters/a.jpg 320w, posters/b.jpg 720w"></body></html>'
    ),
    "films/a.html": '<p id="cast"><a href="../index.html#top">back</a><a href="?x=1#cast">here</a></p>',
    "assets/a.css": '@font-face { src: url("font.woff2") } body { background: url(../posters/a.jpg) }',
    "assets/font.woff2": "",
    "assets/a.js": "",
    "posters/a.jpg": "",
    "posters/b.jpg": "",
}


def _problems(folder: Path, files: dict[str, str], without: str = "") -> list[str]:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if name != without:
            path.write_text(text, encoding="utf-8")
    return check_links(folder, files).problems


def test_a_sound_catalogue_has_no_problems(tmp_path: Path) -> None:
    assert _problems(tmp_path, _SOUND) == []
    assert check_links(tmp_path, _SOUND).pages == 2


@pytest.mark.parametrize("name", sorted(set(_SOUND) - {"index.html"}))
def test_every_file_that_is_referred_to_is_missed(tmp_path: Path, name: str) -> None:
    files = {other: text for other, text in _SOUND.items() if other != name}
    assert any(Path(name).name in problem for problem in _problems(tmp_path, files))


@pytest.mark.parametrize("name", sorted(_SOUND))
def test_every_file_that_is_gone_from_the_disk_is_missed(tmp_path: Path, name: str) -> None:
    assert f"{name} is not there" in _problems(tmp_path, _SOUND, without=name)


@pytest.mark.parametrize(
    ("page", "problem"),
    [
        ('<a href="b.html">', "index.html: b.html is not there"),
        ('<a href="films/a.html#nobody">', "index.html: films/a.html#nobody has no such place"),
        ('<a href="#nobody">', "index.html: index.html#nobody has no such place"),
        ('<a href="../elsewhere.html">', "leads out of the catalogue"),
        ('<a href="/films/a.html">', "starts at the server's root"),
        ('<a href="films/">', "films/ is not there"),
        ('<a href="javascript:alert(1)">', "has the scheme javascript"),
        ('<img src="https://images.example/a.jpg">', "is loaded from another machine"),
        ('<img src="//images.example/a.jpg">', "is loaded from another machine"),
        ('<img srcset="posters/a.jpg 1x, posters/c.jpg 2x">', "posters/c.jpg is not there"),
        ('<script src="https://cdn.example/a.js"></script>', "is loaded from another machine"),
        ('<link rel="stylesheet" href="https://fonts.example/css">', "is loaded from another machine"),
        ('<svg><use href="#nothing"/></svg>', "#nothing has no such place"),
        ('<form action="https://collect.example/"></form>', "is loaded from another machine"),
        ('<a href="http://[broken">', "is no address"),
    ],
)
def test_every_kind_of_damage_is_found(tmp_path: Path, page: str, problem: str) -> None:
    files = _SOUND | {"index.html": _SOUND["index.html"].replace("</body>", f"{page}</body>")}
    found = _problems(tmp_path, files)
    assert len(found) == 1
    assert problem in found[0]


def test_every_address_that_a_parser_finds_in_a_page_is_checked() -> None:
    made = made_data(40, more=[*series_films(), *awkward_films()])
    sizes = (("posters/a.320.webp", 320), ("posters/a.webp", 720))
    poster = PosterImage(
        720, 1080, (ImageSource("image/webp", sizes), ImageSource("image/jpeg", sizes)), "posters/a.webp"
    )
    posters = dict.fromkeys(list(made.movies)[::2], poster)
    pages = render_pages(made, url="https://films.example/", feed=True, posters=posters, plots=draw_plots(made))
    loaded = {"img": "src", "script": "src", "source": "src", "link": "href", "form": "action", "use": "href"}
    for path, text in pages.items():
        expected = [(address, False) for address in find(text, "//a/@href")]
        for name, attribute in loaded.items():
            found = find(text, f"//{name}[not(@rel='canonical')]/@{attribute}")
            expected += [(address, True) for address in found]
        for candidates in find(text, "//@srcset"):
            expected += [(candidate.split()[0], True) for candidate in candidates.split(",")]
        assert sorted(references(text.encode())) == sorted(expected), path
        assert len(expected) > 10, path


def test_a_fault_in_a_menu_is_reported_once(tmp_path: Path) -> None:
    menu = '<a href="gone.html">A</a>'
    assert _problems(tmp_path, {"a.html": menu, "b.html": f"{menu}<p>"}) == ["a.html: gone.html is not there"]


def test_styles_are_looked_through(tmp_path: Path) -> None:
    files = _SOUND | {"assets/a.css": "a { background: url('https://cdn.example/a.png') } b { src: url(gone.woff2) }"}
    assert _problems(tmp_path, files) == [
        "assets/a.css: https://cdn.example/a.png is loaded from another machine",
        "assets/a.css: gone.woff2 is not there",
    ]


def test_an_empty_page_is_read(tmp_path: Path) -> None:
    assert _problems(tmp_path, {"a.html": ""}) == []

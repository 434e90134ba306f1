"""A folder in which other people's files are safe, and the link check, itself checked: all damage must be found."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from domain.errors import UsageError
from infrastructure.catalogue.elements import ImageSource, PosterImage
from infrastructure.catalogue.output import LIST, OutputFolder, OutputTally, check_links, references
from infrastructure.catalogue.plots import draw_plots
from tests.support.catalogue import awkward_films, made_data, series_films
from tests.unit.infrastructure.catalogue.test_pages import find, render_pages


def _publish(folder: Path, files: dict[str, bytes], *, remove: bool = True) -> OutputTally:
    output = OutputFolder(folder)
    for name, body in files.items():
        output.write(name, body)
    return output.finish(remove=remove)


def test_only_what_changed_is_written(tmp_path: Path) -> None:
    assert _publish(tmp_path, {"a.html": b"1", "b/c.html": b"2"}) == OutputTally(2, 0, 0)
    times = {name: (tmp_path / name).stat().st_mtime_ns for name in ("a.html", "b/c.html", LIST)}
    assert _publish(tmp_path, {"a.html": b"1", "b/c.html": b"2"}) == OutputTally(0, 2, 0)
    assert {name: (tmp_path / name).stat().st_mtime_ns for name in times} == times
    assert _publish(tmp_path, {"a.html": b"1", "b/c.html": b"3"}) == OutputTally(1, 1, 0)
    assert (tmp_path / "b/c.html").read_bytes() == b"3"


def test_a_file_deleted_or_changed_by_hand_comes_back(tmp_path: Path) -> None:
    _publish(tmp_path, {"a.html": b"1", "b.html": b"2"})
    (tmp_path / "a.html").unlink()
    (tmp_path / "b.html").write_bytes(b"scribble")
    assert _publish(tmp_path, {"a.html": b"1", "b.html": b"2"}) == OutputTally(2, 0, 0)
    assert (tmp_path / "a.html").read_bytes() + (tmp_path / "b.html").read_bytes() == b"12"


def test_what_is_no_longer_published_goes_and_so_do_its_empty_folders(tmp_path: Path) -> None:
    _publish(tmp_path, {"a.html": b"1", "old/deep/b.html": b"2", "mixed/c.html": b"3"})
    (tmp_path / "mixed" / "theirs.txt").write_text("keep")
    assert _publish(tmp_path, {"a.html": b"1"}) == OutputTally(0, 1, 2)
    assert sorted(path.name for path in tmp_path.iterdir()) == [LIST, "a.html", "mixed"]
    assert [path.name for path in (tmp_path / "mixed").iterdir()] == ["theirs.txt"]


def test_other_peoples_files_stay(tmp_path: Path) -> None:
    theirs = tmp_path / "holiday.jpg"
    theirs.write_bytes(b"beach")
    _publish(tmp_path, {"a.html": b"1"})
    _publish(tmp_path, {})
    assert theirs.read_bytes() == b"beach"
    assert not (tmp_path / "a.html").exists()


def test_a_strangers_file_is_never_written_over(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("my homepage")
    output = OutputFolder(tmp_path)
    with pytest.raises(UsageError, match=r"index\.html was not written by filmledger"):
        output.refuse_foreign_files(["index.html"])
    with pytest.raises(UsageError):
        output.write("index.html", b"1")
    output.finish(remove=True)
    _publish(tmp_path, {})
    assert (tmp_path / "index.html").read_text() == "my homepage"


def test_after_a_failed_step_nothing_is_removed(tmp_path: Path) -> None:
    _publish(tmp_path, {"a.html": b"1", "b.html": b"2"})
    assert _publish(tmp_path, {"a.html": b"1"}, remove=False) == OutputTally(0, 1, 0)
    assert (tmp_path / "b.html").exists()
    assert _publish(tmp_path, {"a.html": b"1"}) == OutputTally(0, 1, 1), "the next publish still knows it as ours"


def test_a_publish_that_was_killed_leaves_no_strangers(tmp_path: Path) -> None:
    killed = OutputFolder(tmp_path)
    killed.write("a.html", b"1")
    killed.write("b.html", b"2")
    assert _publish(tmp_path, {"a.html": b"new"}) == OutputTally(1, 0, 1)
    assert not (tmp_path / "b.html").exists()


def test_a_half_written_page_of_a_killed_publish_is_written_again(tmp_path: Path) -> None:
    killed = OutputFolder(tmp_path)
    killed.write("a.html", b"whole page")
    (tmp_path / "a.html").write_bytes(b"whole")
    assert _publish(tmp_path, {"a.html": b"whole page"}) == OutputTally(1, 0, 0)


@pytest.mark.parametrize("name", ["../victim", "/etc/hostname", "a/../../victim", "..", ""])
def test_a_list_that_was_tampered_with_removes_nothing_elsewhere(tmp_path: Path, name: str) -> None:
    victim = tmp_path / "victim"
    victim.write_text("alive")
    folder = tmp_path / "site"
    _publish(folder, {"a.html": b"1"})
    with (folder / LIST).open("a") as file:
        file.write(f"{name}\n")
    assert _publish(folder, {}) == OutputTally(0, 0, 1)
    assert victim.exists()


@pytest.mark.parametrize("name", ["../out", "/tmp/out", "a/../../out"])
def test_no_name_leads_out_of_the_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="leads out"):
        OutputFolder(tmp_path / "site").write(name, b"1")


def test_copies_named_by_content_are_not_read_again(tmp_path: Path) -> None:
    source = tmp_path / "source.webp"
    source.write_bytes(b"poster")
    folder = tmp_path / "site"
    first = OutputFolder(folder)
    first.copy("posters/x.webp", source, 6)
    assert first.finish(remove=True) == OutputTally(1, 0, 0)
    source.unlink()
    again = OutputFolder(folder)
    again.copy("posters/x.webp", source, 6)
    assert again.finish(remove=True) == OutputTally(0, 1, 0)
    (folder / "posters" / "x.webp").write_bytes(b"cut")
    source.write_bytes(b"poster")
    mended = OutputFolder(folder)
    mended.copy("posters/x.webp", source, 6)
    assert (folder / "posters" / "x.webp").read_bytes() == b"poster"


def test_a_file_where_the_folder_should_be_is_told(tmp_path: Path) -> None:
    (tmp_path / "site").write_text("a file")
    with pytest.raises(UsageError, match="is a file"):
        OutputFolder(tmp_path / "site")


def test_everybody_may_read_what_is_published(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        _publish(tmp_path, {"a.html": b"1"})
        _publish(tmp_path, {"a.html": b"2"})
    finally:
        os.umask(before)
    assert (tmp_path / "a.html").stat().st_mode & 0o777 == 0o644


# --- links ---------------------------------------------------------------------------

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

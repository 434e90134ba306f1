"""Posters on a store: their names, their list, what happens when either is damaged; the size that is asked for."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path

import pytest

from application.ports.posters import PosterAnswer
from domain.errors import StoreUnavailable, UnusablePicture
from infrastructure.posters import EncodingOptions, PosterFolder
from infrastructure.posters.store import sized
from tests.support import pictures

_NOW = datetime(2026, 11, 20, tzinfo=UTC)
_LATER = datetime(2026, 11, 21, tzinfo=UTC)
_ID = "tt0111161"
_URL = "https://images.example/a.jpg"
_IMDB = "https://m.media-amazon.com/images/M/MV5BMDAyY2FhYjct@"
_BODY = pictures.smooth("JPEG")


def _answer(body: bytes | None = _BODY, etag: str = '"1"') -> PosterAnswer:
    return PosterAnswer(body, "image/jpeg", etag=etag, last_modified="yesterday")


def _names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} - {"manifest.jsonl"}


def test_files_are_named_by_movie_and_content(tmp_path: Path) -> None:
    poster = PosterFolder(tmp_path).keep(_ID, _URL, _answer(), _NOW)
    assert _names(tmp_path) == {file.path.name for file in poster.files}
    assert all(re.fullmatch(r"tt0111161(\.thumb)?\.[0-9a-f]{8}\.(webp|jpg)", name) for name in _names(tmp_path))
    assert [file.role for file in poster.files] == sorted(file.role for file in poster.files)
    assert all(file.path.stat().st_size == file.size for file in poster.files)


def test_it_is_found_again_by_the_next_program(tmp_path: Path) -> None:
    kept = PosterFolder(tmp_path).keep(_ID, _URL, _answer(), _NOW)
    again = PosterFolder(tmp_path)
    assert again.find(_ID) == kept
    assert list(again.posters()) == [kept]
    assert (kept.etag, kept.last_modified, kept.checked_at) == ('"1"', "yesterday", _NOW)


def test_the_list_is_merged_never_wiped(tmp_path: Path) -> None:
    PosterFolder(tmp_path).keep(_ID, _URL, _answer(), _NOW)
    other = PosterFolder(tmp_path)
    other.keep("tt0000002", _URL, _answer(), _NOW)
    other.finalize()
    assert [poster.imdb_id for poster in PosterFolder(tmp_path).posters()] == ["tt0000002", _ID]


def test_a_changed_poster_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    store = PosterFolder(tmp_path)
    before = store.keep(_ID, _URL, _answer(), _NOW)
    after = store.keep(_ID, _URL, _answer(pictures.plain("JPEG"), '"2"'), _LATER)
    assert _names(tmp_path) == {file.path.name for file in after.files}
    assert not {file.path for file in before.files} & {file.path for file in after.files}
    assert store.find(_ID) == after


def test_the_same_picture_from_elsewhere_is_not_encoded_again(tmp_path: Path) -> None:
    store = PosterFolder(tmp_path)
    before = store.keep(_ID, _URL, _answer(), _NOW)
    times = {file.path: file.path.stat().st_mtime_ns for file in before.files}
    after = store.keep(_ID, "https://images.example/moved.jpg", _answer(etag='"9"'), _LATER)
    assert after.url == "https://images.example/moved.jpg"
    assert {file.path: file.path.stat().st_mtime_ns for file in after.files} == times


def test_an_unchanged_poster_is_only_written_down(tmp_path: Path) -> None:
    store = PosterFolder(tmp_path)
    before = store.keep(_ID, _URL, _answer(), _NOW)
    store.confirm(before, _answer(None, etag=""), _LATER)
    after = PosterFolder(tmp_path).find(_ID)
    assert after is not None
    assert after.checked_at == _LATER
    assert after.etag == '"1"', "a server that does not repeat its mark has not taken it back"
    assert after.files == before.files


@pytest.mark.parametrize("damage", ["deleted", "cut"])
def test_a_poster_whose_file_is_gone_or_cut_is_not_there(tmp_path: Path, damage: str) -> None:
    store = PosterFolder(tmp_path)
    path = store.keep(_ID, _URL, _answer(), _NOW).files[-1].path
    if damage == "deleted":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-1])
    assert store.find(_ID) is None
    assert list(store.posters()) == []
    assert store.keep(_ID, _URL, _answer(), _LATER).files[-1].path.exists(), "and it comes back"


def test_a_poster_of_other_options_is_made_again(tmp_path: Path) -> None:
    PosterFolder(tmp_path).keep(_ID, _URL, _answer(), _NOW)
    smaller = PosterFolder(tmp_path, EncodingOptions(full_width=200))
    assert smaller.find(_ID) is None
    assert len(list(smaller.posters())) == 1, "until then the old one can be shown"
    assert smaller.keep(_ID, _URL, _answer(), _NOW).files[0].width == 200


def test_a_bad_picture_leaves_the_good_one_where_it_is(tmp_path: Path) -> None:
    store = PosterFolder(tmp_path)
    before = store.keep(_ID, _URL, _answer(), _NOW)
    with pytest.raises(UnusablePicture):
        store.keep(_ID, _URL, _answer(b"<html>"), _LATER)
    assert store.find(_ID) == before


def test_unchanged_is_no_answer_about_a_poster_we_do_not_have(tmp_path: Path) -> None:
    with pytest.raises(UnusablePicture, match="no local copy"):
        PosterFolder(tmp_path).keep(_ID, _URL, _answer(None), _NOW)


def test_unreadable_lines_cost_those_posters_and_nothing_else(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    kept = PosterFolder(tmp_path).keep(_ID, _URL, _answer(), _NOW)
    manifest = tmp_path / "manifest.jsonl"
    whole = manifest.read_bytes()
    manifest.write_bytes(b'\xff\xfe\n[1]\n{"id": 5}\n\n' + whole + whole[:40])
    with caplog.at_level(logging.WARNING):
        store = PosterFolder(tmp_path)
    assert store.find(_ID) == kept
    assert "4 unreadable lines" in caplog.text
    store.keep("tt0000002", _URL, _answer(), _NOW)
    assert len(list(PosterFolder(tmp_path).posters())) == 2, "a line after a torn one stands on a line of its own"


def test_a_list_that_was_tampered_with_leads_nowhere_else(tmp_path: Path) -> None:
    store = PosterFolder(tmp_path / "store")
    store.keep(_ID, _URL, _answer(), _NOW)
    victim = tmp_path / "victim.jpg"
    victim.write_bytes(b"x")
    manifest = tmp_path / "store" / "manifest.jsonl"
    manifest.write_text(re.sub(r'"name":"[^"]+"', '"name":"../victim.jpg"', manifest.read_text()))
    again = PosterFolder(tmp_path / "store")
    assert again.find(_ID) is None
    again.keep(_ID, _URL, _answer(pictures.plain("JPEG")), _LATER)
    assert victim.exists()


def test_finishing_leaves_one_line_a_poster(tmp_path: Path) -> None:
    store = PosterFolder(tmp_path)
    for hour in range(3):
        poster = store.keep(_ID, _URL, _answer(), datetime(2026, 11, 20, hour, tzinfo=UTC))
    store.finalize()
    store.finalize()
    assert len((tmp_path / "manifest.jsonl").read_text().splitlines()) == 1
    assert PosterFolder(tmp_path).find(_ID) == poster


def test_many_threads_lose_nothing(tmp_path: Path) -> None:
    store = PosterFolder(tmp_path)
    ids = [f"tt{number:07}" for number in range(1, 25)]

    def work(part: list[str]) -> None:
        for imdb_id in part:
            store.keep(imdb_id, _URL, _answer(), _NOW)

    threads = [threading.Thread(target=work, args=(ids[start::6],)) for start in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [poster.imdb_id for poster in PosterFolder(tmp_path).posters()] == ids


def test_files_go_where_there_is_room(tmp_path: Path) -> None:
    asked: list[int] = []

    @contextmanager
    def other_disk(size: int) -> Iterator[Path]:
        asked.append(size)
        yield tmp_path / "other"

    poster = PosterFolder(tmp_path / "store", placement=other_disk).keep(_ID, _URL, _answer(), _NOW)
    assert asked == [sum(file.size for file in poster.files)]
    assert {file.path.parent for file in poster.files} == {tmp_path / "other"}
    assert PosterFolder(tmp_path / "store").find(_ID) == poster


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreUnavailable, match="posters: cannot write"):
        PosterFolder(tmp_path / "file" / "store")


def test_a_disk_that_takes_nothing_is_told_and_what_was_there_stays(tmp_path: Path) -> None:
    before = PosterFolder(tmp_path).keep(_ID, _URL, _answer(), _NOW)
    (tmp_path / "file").write_text("in the way")
    store = PosterFolder(tmp_path, placement=lambda _: nullcontext(tmp_path / "file" / "folder"))
    with pytest.raises(StoreUnavailable, match="posters: cannot write"):
        store.keep(_ID, _URL, _answer(pictures.plain("JPEG")), _LATER)
    assert store.find(_ID) == before


@pytest.mark.parametrize(
    "url",
    [
        f"{_IMDB}._V1_.jpg",
        f"{_IMDB}._V1_UX190_CR0,2,190,281_AL_.jpg",
        f"{_IMDB}._V1_QL75_UY562_CR4,0,380,562_.jpg",
    ],
)
def test_imdbs_image_server_is_asked_for_a_width(url: str) -> None:
    assert sized(url, 720) == f"{_IMDB}._V1_UX720_.jpg"


def test_a_size_asked_for_before_is_asked_for_again_only_once() -> None:
    assert sized(sized(f"{_IMDB}._V1_.png", 720), 300) == f"{_IMDB}._V1_UX300_.png"


@pytest.mark.parametrize(
    "url", ["https://images.example/poster.jpg", "https://images.example/a._V1_/b.jpg", "not an address", ""]
)
def test_any_other_address_stays_as_it_is(url: str) -> None:
    assert sized(url, 720) == url

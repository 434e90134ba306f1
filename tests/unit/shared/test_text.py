"""Text files, paths as text, and sizes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.text import TextError, parse_size, path_to_text, read_text, text_lines, text_to_path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_of_any_encoding_and_any_end(tmp_path: Path, encoding: str, end: str) -> None:
    path = tmp_path / "list"
    path.write_bytes(f"one{end}{end}naïve 日本{end}last".encode(encoding))
    assert list(text_lines(path)) == ["one", "", "naïve 日本", "last"]
    assert read_text(path) == "one\n\nnaïve 日本\nlast\n"


def test_an_empty_file_has_no_line(tmp_path: Path) -> None:
    (tmp_path / "empty").write_bytes(b"\xef\xbb\xbf")
    assert list(text_lines(tmp_path / "empty")) == []


def test_the_first_line_of_another_encoding_is_named(tmp_path: Path) -> None:
    path = tmp_path / "list"
    path.write_bytes(b"tt0000001\ntt0000002 # caf\xe9\n")
    lines = text_lines(path)
    assert next(lines) == "tt0000001"
    with pytest.raises(TextError, match=r"list, line 2: not UTF-8; save the file as UTF-8"):
        next(lines)


def test_lines_of_another_encoding_are_read_by_the_fallback(tmp_path: Path) -> None:
    path = tmp_path / "list"
    path.write_bytes("naïve\n".encode() + b"caf\xe9\n")
    assert list(text_lines(path, fallback="iso-8859-1")) == ["naïve", "café"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_pipe_is_read_as_a_file_is(encoding: str) -> None:
    reader, writer = os.pipe()
    os.write(writer, "tt0000001\r\ntt0000002\n".encode(encoding))
    os.close(writer)
    assert list(text_lines(Path(f"/dev/fd/{reader}"))) == ["tt0000001", "tt0000002"]
    os.close(reader)


def test_half_a_utf_16_file_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "list"
    path.write_bytes("ab".encode("utf-16")[:-1])
    with pytest.raises(TextError, match="begins as UTF-16"):
        read_text(path)


@given(st.binary(min_size=1, max_size=60).filter(lambda name: b"\0" not in name))
def test_every_path_is_text_that_gives_the_path_back(name: bytes) -> None:
    path = Path(os.fsdecode(name))
    text = path_to_text(path)
    assert text.encode("utf-8").splitlines() == [text.encode()], "one line of UTF-8"
    assert text_to_path(text) == path
    assert text.split("  # ")[0].strip() == text, "as --log-failed and --rerun-failed use it"


def test_names_that_are_text_stay_as_they_are() -> None:
    assert path_to_text(Path("a/Café %41.html")) == "a/Café %41.html"
    assert text_to_path("bytes:Caf%E9.html") == Path(os.fsdecode(b"Caf\xe9.html"))
    assert text_to_path(path_to_text(Path("bytes:Caf%E9.html"))) == Path("bytes:Caf%E9.html")


# --- sizes ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0),
        ("1048576", 1 << 20),
        ("1K", 1024),
        ("1G", 1 << 30),
        ("1.5g", 3 << 29),
        ("0.5T", 1 << 39),
        (".5M", 1 << 19),
        (" 2 GB ", 2 << 30),
        ("2GiB", 2 << 30),
        ("64 K", 64 << 10),
    ],
)
def test_sizes(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "G", "-1G", "1P", "1e9", "nan", "inf", "1 G M", "1,5G", "٣G", "1.5.2"])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(ValueError, match="is not a size"):
        parse_size(text)

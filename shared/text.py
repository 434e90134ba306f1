"""Text that people write (settings, secrets, lists, sizes) and text that a terminal may show."""

from __future__ import annotations

import codecs
import os
import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import BinaryIO, Final

_LINE_END: Final = re.compile(r"\r\n|\n|\r")
_UTF_16: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_FIX: Final = "save the file as UTF-8"


class TextError(ValueError):
    """A file is not text; the message names the file, the line and the fix."""


def read_text(path: Path) -> str:
    """The text of a file in UTF-8 with or without a byte order mark, or in UTF-16 with one; lines end with ``\\n``.

    Raises:
        OSError: the file cannot be read.
        TextError: it is in another encoding.
    """
    return "".join(f"{line}\n" for line in text_lines(path))


def text_lines(path: Path, *, fallback: str | None = None) -> Iterator[str]:
    """The same line by line, without line ends; memory does not grow with a UTF-8 file.

    Args:
        path: of the file.
        fallback: the encoding of lines that are not UTF-8.

    Raises:
        OSError: the file cannot be read.
        TextError: it is in another encoding, and there is no ``fallback``.
    """
    with path.open("rb") as file:
        number = 0
        for piece in _pieces(file, path, fallback):
            lines = _LINE_END.split(piece)
            for line in lines if lines[-1] else lines[:-1]:
                number += 1
                if "\0" in line:
                    raise TextError(f"{path}, line {number}: a NUL character; {_FIX}")
                yield line


def _pieces(file: BinaryIO, path: Path, fallback: str | None) -> Iterator[str]:
    """Whole lines, some at a time."""
    first = file.readline()  # what comes from a pipe is read once
    if first[:2] in _UTF_16:
        try:
            yield (first + file.read()).decode("utf-16")
        except UnicodeDecodeError as error:
            raise TextError(f"{path} begins as UTF-16 and is not ({error.reason}); {_FIX}") from error
        return
    for number, line in enumerate(chain([first.removeprefix(codecs.BOM_UTF8)], file), 1):
        try:
            yield line.decode("utf-8")
        except UnicodeDecodeError as error:
            if fallback is None:
                raise TextError(f"{path}, line {number}: not UTF-8; {_FIX}") from error
            yield line.decode(fallback)


def given_text(text: str) -> str:
    """The characters of an argument or a variable; they are read as UTF-8 where the locale could not decode them.

    Raises:
        UnicodeError: they are not UTF-8 either.
    """
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return os.fsencode(text).decode("utf-8")
    return text


# --- paths as text ---------------------------------------------------------------

_BYTES: Final = "bytes:"


def path_to_text(path: Path | str) -> str:
    """A path as one line of text for a list.

    A path that is not UTF-8, or that would be split in a list, has its bytes percent-encoded after ``bytes:``.
    """
    text = str(path)
    if text.startswith(_BYTES) or not _fits_list(text):
        from urllib.parse import quote_from_bytes

        return _BYTES + quote_from_bytes(os.fsencode(text))
    return text


def text_to_path(text: str) -> Path:
    """The path that ``path_to_text`` wrote."""
    if not text.startswith(_BYTES):
        return named_path(text)
    from urllib.parse import unquote_to_bytes

    return Path(os.fsdecode(unquote_to_bytes(text.removeprefix(_BYTES))))


def named_path(text: str) -> Path:
    """The path of this name; its UTF-8 bytes if the locale's encoding of file names lacks one of the characters."""
    try:
        os.fsencode(text)
    except UnicodeEncodeError:
        text = os.fsdecode(text.encode("utf-8"))
    return Path(text)


def _fits_list(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return text == text.strip() and not any(mark in text for mark in ("\n", "\r", "  # ", "::"))


# --- sizes ----------------------------------------------------------------------

_SIZE: Final = re.compile(r"\s*([0-9]+(?:\.[0-9]*)?|\.[0-9]+)\s*([KMGT]?)(?:i?B)?\s*", re.IGNORECASE | re.ASCII)
_POWER: Final = {"": 0, "K": 1, "M": 2, "G": 3, "T": 4}


def parse_size(text: str) -> int:
    """Bytes in ``1G``, ``1.5G``, ``500M``, ``64K``, ``0.5T`` or ``1048576``; K is 1024.

    Raises:
        ValueError: not a size.
    """
    match = _SIZE.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not a size; allowed: a number with K, M, G or T behind it, such as 1.5G")
    return int(float(match[1]) * 1024 ** _POWER[match[2].upper()])


# --- text for a terminal --------------------------------------------------------

_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def printable(text: str) -> str:
    """The text with characters that could control a terminal escaped, as in ``\\x1b``. Tabs and line ends stay.

    Escapes control characters, controls of the reading direction (bidi), and
    surrogates, which no stream can encode.
    """
    return _CONTROL.sub(_written_out, text)


def _written_out(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"

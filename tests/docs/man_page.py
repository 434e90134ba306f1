"""The man page, made from the help of the command line."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping

import click

from shared.version import VERSION


def man_page(commands: Mapping[str, click.Command], contexts: Mapping[str, click.Context]) -> str:
    """``filmledger.1`` in roff's man macros.

    Args:
        commands: by name.
        contexts: of each command, for its options.
    """
    return "\n".join(_lines(commands, contexts)) + "\n"


def _lines(commands: Mapping[str, click.Command], contexts: Mapping[str, click.Context]) -> Iterator[str]:
    yield f'.TH FILMLEDGER 1 "" "filmledger {VERSION}" "User Commands"'
    yield from (".SH NAME", r"filmledger \- IMDb's charts and title pages to CSV files and PostgreSQL")
    yield from (".SH SYNOPSIS", r".B filmledger", r"[\fICOMMAND\fR] [\fIOPTION\fR]...")
    yield ".SH DESCRIPTION"
    root = contexts["scrape"].parent
    assert root is not None
    yield from _paragraphs(root.command.help or "")
    yield ".SH COMMANDS"
    for name, command in commands.items():
        yield f".SS {_roff(name)}"
        yield from _paragraphs(command.help or "")
        for parameter in command.get_params(contexts[name]):
            if record := parameter.get_help_record(contexts[name]):
                option, meaning = (" ".join(text.split()) for text in record)
                yield from (".TP", f".B {_roff(option)}", _roff(meaning))
    yield ".SH EXIT STATUS"
    for code, meaning in _EXIT_CODES.items():
        yield from (".TP", f".B {code}", meaning)
    yield from (".SH FILES", ".TP", ".B .env", "Settings, one NAME=value a line; `filmledger settings` lists them all.")


_EXIT_CODES = {
    0: "Done.",
    1: "Something failed: a title, a store, a check.",
    2: "The command line or a setting is wrong.",
    3: "The site refuses programs.",
    130: "Interrupted.",
}


def _paragraphs(help_text: str) -> Iterator[str]:
    for number, paragraph in enumerate(re.split(r"\n\s*\n", inspect.cleandoc(help_text))):
        if number:
            yield ".PP"
        if paragraph.startswith("\b"):
            yield ".nf"
            yield from (_roff(line) for line in paragraph.splitlines()[1:])
            yield ".fi"
        else:
            yield _roff(" ".join(paragraph.split()))


def _roff(text: str) -> str:
    text = text.replace("python main.py", "filmledger").replace("\\", r"\e").replace("-", r"\-")
    return rf"\&{text}" if text.startswith((".", "'")) else text

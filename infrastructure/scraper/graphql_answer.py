"""What the GraphQL server answered: data, errors inside a 200 answer, or something else altogether.

The server answers 200 also when it fails, wholly or in part. Told apart here:
a challenge or refusal in HTML, a persisted query it does not know, a query it
cannot understand, a failure that may pass, and data with holes.

Source: https://spec.graphql.org/October2021/#sec-Response-Format
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from domain.errors import Blocked, SourceError, Transient, UnknownLayout
from infrastructure.http import find_block
from infrastructure.scraper.islands import load_json

_OF_THE_QUERY: Final = frozenset({"GRAPHQL_PARSE_FAILED", "GRAPHQL_VALIDATION_FAILED"})
_OF_THE_INPUT: Final = frozenset({"BAD_USER_INPUT", "BAD_REQUEST"})


class PersistedQueryMiss(SourceError):
    """The server takes registered queries only and does not know this one (status 200 or 400)."""


class NoAnswer(UnknownLayout):
    """What came is no GraphQL answer at all."""


class BadInput(UnknownLayout):
    """The server understands the query, but not what it was given with it; with less of it, it may."""


class ServerFailed(Transient):
    """The server answered, but that it failed; a smaller question may fare better."""


@dataclass(frozen=True, slots=True)
class AnswerError:
    """One entry of ``errors``; ``path`` leads to the field it left empty, and is empty if it left all of them."""

    message: str
    code: str = ""
    path: tuple[str | int, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """The data, and what is wrong with parts of it."""

    data: Mapping[str, Any]
    errors: tuple[AnswerError, ...] = ()

    def errors_at(self, *path: str | int) -> tuple[AnswerError, ...]:
        """The errors at this field or below it."""
        return tuple(error for error in self.errors if error.path[: len(path)] == path)


def read_answer(body: bytes, status: int = 200) -> Answer:
    """Take an answer apart.

    Raises:
        Blocked: a challenge or a refusal, as HTML.
        PersistedQueryMiss: the query has to be registered.
        ServerFailed: it may work later.
        NoAnswer: something else came.
        BadInput: an id in the question is not to its liking.
        UnknownLayout: the query is not understood.
    """
    if reason := find_block(status, {}, body):
        raise Blocked(f"GraphQL: {reason}")
    document: object = None
    with suppress(ValueError):
        document = load_json(body)
    if not isinstance(document, dict) or not ("data" in document or "errors" in document):
        start = body[:60].decode(errors="replace").strip()
        raise NoAnswer(f"GraphQL answered with status {status} and no GraphQL answer: {start!r}")
    errors = tuple(_errors(document.get("errors")))
    for error in errors:
        if error.code == "PERSISTED_QUERY_NOT_FOUND" or "persistedquerynotfound" in error.message.lower():
            raise PersistedQueryMiss(f"GraphQL does not know this persisted query: {error.message}")
    data = document.get("data")
    if isinstance(data, dict) and any(value is not None for value in data.values()):
        return Answer(data, errors)
    said = "; ".join(error.message for error in errors[:3]) or "there is no data and no error in it"
    if not errors or any(error.code in _OF_THE_QUERY or _is_of_the_query(error) for error in errors):
        raise UnknownLayout(f"GraphQL did not take the query: {said}")
    if any(error.code in _OF_THE_INPUT for error in errors):
        raise BadInput(f"GraphQL did not take the question: {said}")
    raise ServerFailed(f"GraphQL failed: {said}")


def _is_of_the_query(error: AnswerError) -> bool:
    """Whether it names a mistake in the query, for servers that give no code."""
    text = error.message.lower()
    return not error.path and any(mark in text for mark in ("cannot query field", "unknown argument", "syntax error"))


def _errors(listed: object) -> Iterator[AnswerError]:
    for entry in listed if isinstance(listed, list) else ():
        if not isinstance(entry, dict):
            continue
        path = entry.get("path")
        extensions = entry.get("extensions")
        code = extensions.get("code") if isinstance(extensions, dict) else None
        yield AnswerError(
            " ".join(str(entry.get("message", "an error without a message")).split())[:300],
            str(code or ""),
            tuple(step for step in path if isinstance(step, str | int)) if isinstance(path, list) else (),
        )

"""The data exchanged between the program and the workers."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Final, NamedTuple

import msgspec

from application.ports.sources import FetchedTitle
from domain.errors import FilmledgerError

_TITLE: Final = msgspec.msgpack.Decoder(FetchedTitle)


class PickledCall:
    """A call as bytes: ``pickle.loads`` makes the call and gives its result.

    Dask unpickles a task's function and arguments when the message arrives. If a worker
    cannot do that, because it lacks a package or has loaded other code, the worker is
    closed with all its work; and the scheduler would need this program's code too. Bytes
    are only unpickled by the task.
    """

    def __init__(self, function: Callable[..., object], *arguments: object) -> None:
        self._call = function, arguments

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return self._call

    def packed(self) -> bytes:
        """Gives the bytes for ``pickle.loads`` in a process that has this program's code."""
        return pickle.dumps(self)


class TitleRequest(NamedTuple):
    """A title to read, with the number of HTTP requests that it may take at most."""

    imdb_id: str
    max_requests: int


class RateShare(NamedTuple):
    """The number of workers that share the rate limit; a higher ``version`` is newer."""

    version: int
    workers: int


class TitleReply(NamedTuple):
    """One title or the error in its place. MessagePack takes a quarter of pickle's time for many small objects."""

    imdb_id: str
    title: bytes
    error: bytes = b""

    @classmethod
    def of(cls, imdb_id: str, outcome: FetchedTitle | FilmledgerError) -> TitleReply:
        """Encodes a title or an error."""
        if isinstance(outcome, FilmledgerError):
            return cls(imdb_id, b"", pickle.dumps(outcome))
        return cls(imdb_id, msgspec.msgpack.encode(outcome))

    def outcome(self) -> FetchedTitle | FilmledgerError:
        """Decodes the title or the error; replies come from workers that run this program's code."""
        if not self.error:
            return _TITLE.decode(self.title)
        error: FilmledgerError = pickle.loads(self.error)  # noqa: S301
        return error

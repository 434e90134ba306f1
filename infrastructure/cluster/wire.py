"""What travels between the program and the workers."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Final, NamedTuple

import msgspec

from application.ports import FetchedTitle
from domain.errors import FilmledgerError

_TITLE: Final = msgspec.msgpack.Decoder(FetchedTitle)


class Call:
    """A call that travels as bytes: ``pickle.loads`` carries it out, and answers what it returns.

    Dask opens a task's function and arguments as messages arrive. A worker that
    cannot, because it lacks a package or has loaded other code, is torn down by
    that, with all the work of others that it had; and the scheduler would need
    our code too. Bytes are opened by nobody but the task itself.
    """

    def __init__(self, function: Callable[..., object], *arguments: object) -> None:
        self._call = function, arguments

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return self._call

    def packed(self) -> bytes:
        """For ``pickle.loads``, in a process that has our code."""
        return pickle.dumps(self)


class Wanted(NamedTuple):
    """A title to be read, with the most HTTP requests that it may take."""

    imdb_id: str
    max_requests: int


class Share(NamedTuple):
    """How many workers share the rate limit; a higher ``version`` is newer."""

    version: int
    workers: int


class Reply(NamedTuple):
    """What came of one title: it, or why not. MessagePack is a quarter of pickle's work for so many small objects."""

    imdb_id: str
    title: bytes
    error: bytes = b""

    @classmethod
    def of(cls, imdb_id: str, outcome: FetchedTitle | FilmledgerError) -> Reply:
        """Ready to travel."""
        if isinstance(outcome, FilmledgerError):
            return cls(imdb_id, b"", pickle.dumps(outcome))
        return cls(imdb_id, msgspec.msgpack.encode(outcome))

    def outcome(self) -> FetchedTitle | FilmledgerError:
        """As it was. Comes from our own workers, which run our code anyway."""
        if not self.error:
            return _TITLE.decode(self.title)
        error: FilmledgerError = pickle.loads(self.error)  # noqa: S301
        return error

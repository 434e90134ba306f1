"""The target of a download: a file that is streamed to a temporary name, resumed, and renamed when complete.

While ``NAME`` is being downloaded, its bytes are in ``NAME.part`` and the identification of this version in
``NAME.part.json``. A later download of the same address continues there, if the site still has the same version.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Final

import msgspec

from infrastructure.http.messages import RequestFailed
from shared.atomic import sync, sync_folder, write_atomically

log = logging.getLogger(__name__)
DownloadProgress = Callable[[int, int | None], None]
_CONTENT_RANGE: Final = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)")
_MODE: Final = 0o600


class DownloadedFile(msgspec.Struct, frozen=True):
    """A file that was downloaded, or that has not changed.

    Attributes:
        changed: False: the site answered 304, and the file was not touched.
        etag: of this version; empty if the site sent none.
        last_modified: likewise.
        size: bytes of the file; 0 if it has not changed.
        resumed_at: bytes present from an interrupted download.
        requests: HTTP requests sent.
    """

    changed: bool
    etag: str
    last_modified: str
    size: int
    resumed_at: int
    requests: int


class _Version(msgspec.Struct):
    """What identifies the version of a file that is being downloaded; the content of ``NAME.part.json``."""

    url: str
    etag: str = ""
    last_modified: str = ""

    @property
    def validator(self) -> str:
        """The value for If-Range: a strong entity tag, or a date (RFC 9110, 13.1.5)."""
        return self.etag if self.etag and not self.etag.startswith("W/") else self.last_modified


class TargetError(Exception):
    """The file could not be written; ``error`` has the reason. Not an OSError, which could be one of the network."""

    def __init__(self, error: OSError) -> None:
        super().__init__(str(error))
        self.error = error


class DownloadTarget:
    """Receives the body of one file over any number of requests.

    Args:
        url: the file's address; a part that was downloaded from another one is not continued.
        progress: called with the bytes present and the size of the file, if that is known. Must not raise.

    Raises:
        TargetError: the part cannot be read or removed.
    """

    def __init__(self, url: str, target: Path, *, progress: DownloadProgress | None = None) -> None:
        self.version = _Version(url)
        self._target = target
        self._part = target.with_name(target.name + ".part")
        self._notes = target.with_name(target.name + ".part.json")
        self._progress = progress
        self._file: BinaryIO | None = None
        self.size = 0
        self._total: int | None = None
        self._complete = False
        with _disk_errors():
            if not self._continue():
                self._forget()
        self.resumed_at = self.size

    @property
    def resuming(self) -> bool:
        """Whether the next request is for the rest only."""
        return self.size > 0 and bool(self.version.validator)

    def request_headers(self) -> dict[str, str]:
        """Headers of the next request. They ask for an unencoded body: ranges of an encoded one cannot be combined."""
        headers = {"Accept-Encoding": "identity", "Accept": "*/*"}
        if self.resuming:
            headers |= {"Range": f"bytes={self.size}-", "If-Range": self.version.validator}
        return headers

    def takes(self, status: int) -> bool:
        """Whether the body of an answer with this status belongs to the file."""
        return status in (200, 203, 206)

    def start(self, status: int, headers: Mapping[str, str], length: int | None) -> None:
        """Prepares for a body: the rest of the file (206), or all of it.

        Raises:
            RequestFailed: it is not the requested range.
            TargetError: the file cannot be written.
        """
        with _disk_errors():
            self._close()
            if status == 206:
                self._check_range(headers)
            else:
                self._forget()
                self.resumed_at = 0
                self.version = _Version(self.version.url, headers.get("ETag", ""), headers.get("Last-Modified", ""))
                self._total = length
                if self.version.validator:
                    write_atomically(self._notes, msgspec.json.encode(self.version), mode=_MODE, durable=False)
            descriptor = os.open(self._part, os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0), _MODE)
            self._file = os.fdopen(descriptor, "ab")

    def write(self, piece: bytes) -> None:
        """Appends a piece of the body.

        Raises:
            TargetError: the file cannot be written.
        """
        with _disk_errors():
            if self._file is None:
                raise RuntimeError("a piece was written before the body was started")
            self._file.write(piece)
        self.size += len(piece)
        if self._progress:
            self._progress(self.size, self._total)

    def finish(self) -> None:
        """Ends a body.

        Raises:
            RequestFailed: the file is incomplete, or longer than its size.
        """
        if self._total is not None and self.size != self._total:
            have, expected = self.size, self._total
            self.discard()
            raise RequestFailed(f"the file has {have:,} bytes instead of {expected:,}")
        self._complete = True

    def discard(self) -> None:
        """Removes what was downloaded; the next request asks for the whole file.

        Raises:
            TargetError: it cannot be removed.
        """
        with _disk_errors():
            self._close()
            self._forget()

    def commit(self) -> None:
        """Renames the complete file to its final name.

        Raises:
            TargetError: it cannot be written.
        """
        with _disk_errors():
            if self._file is None or not self._complete:
                raise RuntimeError("the file is not complete")
            self._file.flush()
            sync(self._file.fileno())
            self._close()
            self._part.replace(self._target)
            self._notes.unlink(missing_ok=True)
            sync_folder(self._target.parent)

    def close(self) -> None:
        """Closes the part; the downloaded bytes are kept for the next time."""
        with suppress(OSError):  # the part may then be shorter, which is detected when it is continued
            self._close()

    def _continue(self) -> bool:
        """Whether an earlier download of this address can be continued."""
        try:
            version = msgspec.json.decode(self._notes.read_bytes(), type=_Version)
            if version.url != self.version.url:
                return False
            self.version, self.size = version, self._part.stat().st_size
        except FileNotFoundError:
            return False
        except ValueError as error:
            log.info("%s cannot be read (%s): the download starts over", self._notes, error)
            return False
        return self.resuming

    def _forget(self) -> None:
        self._part.unlink(missing_ok=True)
        self._notes.unlink(missing_ok=True)
        self.version = _Version(self.version.url)
        self.size = 0
        self._total = None
        self._complete = False

    def _check_range(self, headers: Mapping[str, str]) -> None:
        if not self.resuming:
            raise RequestFailed("206 Partial Content, which was not requested")
        found = _CONTENT_RANGE.fullmatch(headers.get("Content-Range", "").strip())
        etag, known = headers.get("ETag", ""), self.version.etag
        if found is None or int(found[1]) != self.size:
            self._forget()
            raise RequestFailed("the site sent another range of the file than requested")
        if etag and known and etag != known:
            self._forget()
            raise RequestFailed("the file has changed on the site; downloading it from the beginning")
        self._total = int(found[2]) + 1 if found[3] == "*" else int(found[3])

    def _close(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            file.close()


class _disk_errors:  # noqa: N801 - a context manager; contextlib's is too slow for each piece
    """Converts an OSError of the disk to a TargetError."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, OSError):
            raise TargetError(error) from error

"""The record of a load whose commits have begun."""

from __future__ import annotations

import json
from pathlib import Path

from application.ports.stores import PendingLoad
from domain.errors import StoreUnavailable, UsageError
from shared.atomic import sync_folder, write_atomically


class LoadFile:
    """Satisfies ``LoadRecord`` with a JSON file, which exists while a load is pending."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> PendingLoad | None:
        try:
            found = json.loads(self._path.read_text(encoding="utf-8"))
            return PendingLoad(str(found["load_id"]), tuple(map(str, found["stores"])), found["marker"])
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise UsageError(
                f"{self._path} cannot be read ({error}); it says which stores have an unfinished load of data files: "
                "run `python main.py verify`, and remove it once the stores hold the same"
            ) from error

    def write(self, load: PendingLoad) -> None:
        fields = {"load_id": load.load_id, "stores": load.stores, "marker": load.marker}
        try:
            write_atomically(self._path, json.dumps(fields) + "\n", mode=0o600)
        except OSError as error:
            raise StoreUnavailable("datasets", f"{self._path} cannot be written: {error.strerror}") from error

    def clear(self) -> None:
        try:
            self._path.unlink(missing_ok=True)
            sync_folder(self._path.parent)
        except OSError as error:
            raise StoreUnavailable("datasets", f"{self._path} cannot be removed: {error.strerror}") from error

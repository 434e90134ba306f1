"""Composes a load of IMDb's data files: download, preparation, and the save to every store."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack, closing, suppress
from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec.structs import asdict

from application.charts import KINDS, MIN_VOTES, estimated_entries, save_estimates
from application.listed_titles import ListedTitle, MyRatings
from application.load_datasets import load_datasets
from application.ports.stores import BulkRepository, MovieRepository
from domain.chart import ChartEntry, EstimatedChart
from domain.errors import Blocked, Cancelled, RecordRejected, SourceError, UsageError
from domain.fields import Table
from infrastructure.bootstrap.files import read_list
from infrastructure.bootstrap.network import downloader
from infrastructure.bootstrap.stores import PENDING_LOAD, PREPARED, make_equal, open_stores
from infrastructure.data_dir import DataDir
from infrastructure.datasets.files import CheckedFile, DataFile, find_data_files, read_object, require_whole
from infrastructure.progress.run_text import size as human_size
from shared.atomic import replacing, write_atomically
from shared.clock import Clock
from shared.settings import Settings

if TYPE_CHECKING:
    import threading

    from infrastructure.bootstrap.session import RunSession
    from infrastructure.datasets.prepare import LoadCounts, Selection
    from infrastructure.datasets.source import DatasetEpisodeSource, DatasetTitleSource

FOLDER: Final = "datasets"
LAST_LOAD: Final = "datasets.json"  # in the state folder: the files and the selection of the last finished load
CHECKED: Final = "checked.json"  # in the state folder: completely downloaded data files
_VERSIONS: Final = "versions.json"
# Measured with twelve million titles: sorting, the prepared files, the CSV files and the embedded database together
# take this many bytes for each byte of the selected rows. Popular titles have more rows than others.
_BYTES_PER_BYTE: Final = 6
_ROWS_OF_POPULAR: Final = 4
_COMPRESSION: Final = 6
_TOLD_FROM: Final = 100_000_000
_NOTE: Final = "prepared.json"  # beside the prepared files: their load, and the stores' content it was prepared for


class DatasetOptions(msgspec.Struct, frozen=True):
    """The user's selection.

    Attributes:
        kinds, min_votes, since, ids, credits, akas, episodes: see ``Selection``; ``ids`` is a file.
        source: a folder with data files; without it they are downloaded.
        strict: refuse the load if a row of a data file cannot be loaded.
        prune: delete titles that are known only from data files and are absent from these.
    """

    kinds: tuple[str, ...] | None = None
    min_votes: int | None = None
    since: int | None = None
    ids: Path | None = None
    credits: bool = True
    akas: bool = True
    episodes: bool = False
    source: Path | None = None
    strict: bool = False
    prune: bool = False


class LoadSummary(msgspec.Struct, frozen=True):
    """The result of a load of the data files of ``day``.

    Attributes:
        counts: ``None`` if these files are loaded already.
        refusal: why a store refused the load; no store was changed then.
    """

    day: date
    counts: LoadCounts | None
    refusal: str = ""


def run_datasets(session: RunSession, options: DatasetOptions) -> LoadSummary:
    """Loads a selection of IMDb's data files into every store.

    Raises:
        UsageError: a file is missing, damaged or older than what is loaded; the disk is too small; with ``strict``
            a row cannot be loaded.
        SourceError: a file could not be downloaded.
        StoreUnavailable: a store cannot take the load now; every store is as it was, or the next command completes it.
        Cancelled: ``cancel`` was set.
    """
    from infrastructure.datasets.prepare import READ_WHOLE, require_newer
    from infrastructure.datasets.prepared import LoadFile, PreparedFiles

    settings, cancel, output = session.settings, session.cancel, session.output
    listed = () if options.ids is None else tuple(read_list(options.ids, output.warn))
    selection = _selection(options, listed)
    directory = DataDir(settings.data_dir)
    with ExitStack() as stack:
        stack.enter_context(session.directory("datasets"))
        folder = options.source or directory.path / FOLDER
        state = directory.state / LAST_LOAD
        days = {} if options.source else _download(session, selection.files, folder)
        files = find_data_files(folder, selection.files)
        day = _day(files, days, session.clock, output.warn)
        opened = stack.enter_context(open_stores(settings, session.clock, cancel))
        identity = _identity(files, selection, day)
        before = opened.together.marker
        last = read_object(state)
        if next(opened.together.ids(), None) is not None:
            if before is not None and last | {"sums": None} == identity | {"sums": None}:
                _save_ratings(session, listed, opened.together)
                return LoadSummary(day, None)
            require_newer(day, str(last.get("day", "")))  # rows that have not changed keep an earlier day
        _require_disk(directory.path, sum(_unpacked(files[file]) for file in READ_WHOLE))
        output.say("checking the files …")
        sums = _sums(files, cancel)
        same = frozenset(file for file in files if last.get("sums", {}).get(file.value, "") == sums.get(file.value))
        unknown = [checked for file, checked in files.items() if file not in same]
        require_whole(unknown, directory.state / CHECKED, cancel, remove=options.source is None)
        work = directory.state / PREPARED
        counts = _prepared_before(work, identity, before)
        if counts is None:
            make_equal(opened, output.say)
            unchanged = same if last.get("selection") == identity["selection"] else frozenset()
            counts = _prepare(session, opened.bulk, work, files, selection, day, unchanged)
            note = {"identity": identity, "marker": opened.together.marker, "counts": asdict(counts)}
            write_atomically(work / _NOTE, json.dumps(note), mode=0o600)
        if options.strict and counts.rejected:
            _keep_rejects(work, directory.path)
            raise UsageError(_refusal(counts.rejected, directory.path))
        if options.kinds and counts.absent_kinds:
            output.warn(f"title.basics has no title of the kind {', '.join(counts.absent_kinds)}")
        if selection.ids is not None and (absent := len(selection.ids) - counts.titles) > 0:
            output.say(f"{absent} of the {len(selection.ids)} titles of {options.ids} are not in the data files")
        output.say(f"saving {counts.new} new and {counts.changed} changed titles …")
        with PreparedFiles(work, memory=settings.datasets_memory, cancel=cancel) as prepared:

            def finish() -> None:
                for line in save_estimates(prepared.voted(MIN_VOTES), opened.together, session.clock.now()):
                    output.say(line)

            try:
                load_datasets(prepared, opened.bulk, LoadFile(directory.state / PENDING_LOAD), finish)
            except RecordRejected as error:
                return LoadSummary(day, counts, str(error))
        _keep_rejects(work, directory.path)
        shutil.rmtree(work, ignore_errors=True)
        write_atomically(state, json.dumps(identity | {"sums": sums}), mode=0o600)
        _save_ratings(session, listed, opened.together)
        opened.together.finalize()
    return LoadSummary(day, counts)


def _prepare(
    session: RunSession,
    stores: Sequence[BulkRepository],
    work: Path,
    files: Mapping[DataFile, CheckedFile],
    selection: Selection,
    day: date,
    unchanged: frozenset[DataFile],
) -> LoadCounts:
    """Joins the data files with the stores' content, into files in ``work``."""
    from infrastructure.datasets.prepare import LoadPreparation

    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(mode=0o700)
    # A store that refuses nothing has every record, including those that could not be copied to the others.
    base = min(stores, key=lambda store: store.may_reject)

    def stored(table: Table) -> Path:
        path = work / f"stored-{table}.csv"
        base.write_table(table, path)
        return path

    def tell_disk(share: float) -> None:
        rows = min(1, share * _ROWS_OF_POPULAR) * sum(map(_unpacked, files.values()))
        needed = round(rows * _BYTES_PER_BYTE)
        free = _require_disk(session.settings.data_dir, needed)
        if needed >= _TOLD_FROM:
            session.output.say(f"the load needs up to {human_size(needed)} of disk, {human_size(free)} are free")

    preparation = LoadPreparation(
        work,
        memory=session.settings.datasets_memory,
        cancel=session.cancel,
        on_phase=lambda phase: session.output.say(f"{phase} …"),
        on_selection=tell_disk,
    )
    with closing(preparation):
        counts = preparation.prepare(files, selection, day, stored, unchanged=unchanged).counts
        for path in work.glob("stored-*.csv"):
            path.unlink()
    return counts


def _prepared_before(work: Path, identity: object, marker: str | None) -> LoadCounts | None:
    """The counts of a finished preparation of the same load, if no run has written to the stores since."""
    from infrastructure.datasets.prepare import LoadCounts

    try:
        note = json.loads((work / _NOTE).read_text(encoding="utf-8"))
        if marker is None or (note["identity"], note["marker"]) != (identity, marker):
            return None
        return LoadCounts(**note["counts"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def missing_megabytes(settings: Settings) -> int:
    """The approximate size of the download for reading titles from data files."""
    from infrastructure.datasets.prepare import Selection

    folder = DataDir(settings.data_dir).path / FOLDER
    return sum(file.megabytes for file in Selection().files if not (folder / file.file_name).is_file())


def estimated_places(session: RunSession, chart: EstimatedChart) -> tuple[tuple[ChartEntry, ...], date]:
    """The places of an estimated chart and the day of the data files, which are downloaded.

    Raises:
        ChartError: too few titles have enough votes.
        SourceError: a file could not be downloaded.
        UsageError: a file is damaged.
    """
    from infrastructure.datasets.prepare import Selection
    from infrastructure.datasets.source import prepared_rows

    settings, cancel = session.settings, session.cancel
    kinds = tuple(sorted(KINDS[chart]))
    selection = Selection(kinds=kinds, min_votes=MIN_VOTES, credits=False, akas=False)
    files, day = _current_files(session, selection.files)
    work = DataDir(settings.data_dir).state / "estimate"
    with prepared_rows(
        work, files, selection, day, lambda _table: None, memory=settings.datasets_memory, cancel=cancel
    ) as prepared:
        return estimated_entries(prepared.voted(MIN_VOTES), chart), day


def dataset_titles(
    session: RunSession,
    ids: Callable[[], Iterable[str]],
    store: Callable[[], MovieRepository],
    allowed: Callable[[], bool],
) -> DatasetTitleSource:
    """A title source over IMDb's data files, which are downloaded for the first title.

    Reading raises ``Blocked`` unless ``allowed`` permits the download.
    """
    from infrastructure.datasets.source import DatasetTitleSource

    def files(selection: Selection) -> tuple[Mapping[DataFile, CheckedFile], date]:
        if not allowed():
            raise Blocked(
                "IMDb refuses pages and GraphQL, and its data files are not to be used: DATASETS=yes uses them"
            )
        return _current_files(session, selection.files)

    folder = DataDir(session.settings.data_dir).state / "titles"
    return DatasetTitleSource(files, ids, store, folder, memory=session.settings.datasets_memory)


def dataset_episodes(session: RunSession) -> DatasetEpisodeSource:
    """An episode source over ``title.episode``, which is downloaded for the first series."""
    from infrastructure.datasets.source import DatasetEpisodeSource

    def file() -> CheckedFile:
        files, _day = _current_files(session, (DataFile.EPISODES,))
        return files[DataFile.EPISODES]

    folder = DataDir(session.settings.data_dir).state / "episodes"
    return DatasetEpisodeSource(file, folder, memory=session.settings.datasets_memory)


def _current_files(session: RunSession, wanted: tuple[DataFile, ...]) -> tuple[Mapping[DataFile, CheckedFile], date]:
    """The current data files, checked, and their day; downloads those that have changed, if possible."""
    directory = DataDir(session.settings.data_dir)
    folder = directory.path / FOLDER
    days = _download(session, wanted, folder, keep=True)
    files = find_data_files(folder, wanted)
    require_whole(files.values(), directory.state / CHECKED, session.cancel, remove=True)
    return files, _day(files, days, session.clock)


def _download(
    session: RunSession, files: tuple[DataFile, ...], folder: Path, *, keep: bool = False
) -> dict[DataFile, date]:
    """Downloads changed files; returns the day of each file, from the server's Last-Modified if that can be read.

    Args:
        keep: existing files are enough if the server cannot be reached.

    Raises:
        SourceError: a file could not be downloaded.
        UsageError: the folder cannot be written.
    """
    settings, say = session.settings, session.output.say
    try:
        folder.mkdir(parents=True, exist_ok=True)
        versions = read_object(folder / _VERSIONS)
        days = {}
        with downloader(settings) as network:
            keep = keep and all((folder / file.file_name).is_file() for file in files)
            for file in files:
                known = versions.get(file.value, {}) if (folder / file.file_name).is_file() else {}
                try:
                    found = network.download_file(
                        f"{settings.datasets_url.rstrip('/')}/{file.file_name}",
                        folder / file.file_name,
                        max_requests=1 if keep else settings.max_requests,
                        cancel=session.cancel,
                        etag=known.get("etag", ""),
                        last_modified=known.get("last_modified", ""),
                        patient=not keep,
                    )
                except Cancelled:
                    raise
                except SourceError as error:
                    if not keep:
                        raise
                    say(f"the data files in {folder} are used as they are: {error}")
                    break
                if found.changed:
                    say(f"downloaded {file.file_name} ({human_size(found.size)})")
                    versions[file.value] = {"etag": found.etag, "last_modified": found.last_modified}
                    with replacing(folder / _VERSIONS) as out:
                        out.write(json.dumps(versions, indent=1).encode())
        for file in files:
            if day := http_day(versions.get(file.value, {}).get("last_modified", "")):
                days[file] = day
    except OSError as error:
        raise UsageError(f"{folder} cannot be written: {error.strerror}; set DATA_DIR to another folder") from error
    return days


def http_day(text: str) -> date | None:
    """The day of a date in a header, in UTC; ``None`` if it cannot be read."""
    try:
        return parsedate_to_datetime(text).astimezone(UTC).date()
    except (ValueError, OverflowError):
        return None


def _selection(options: DatasetOptions, listed: Sequence[ListedTitle]) -> Selection:
    from infrastructure.datasets.prepare import Selection

    ids = None if options.ids is None else tuple(dict.fromkeys(title.imdb_id for title in listed))
    chosen = {name: value for name, value in asdict(options).items() if value is not None}
    return Selection(**{name: chosen[name] for name in Selection.__struct_fields__ if name in chosen} | {"ids": ids})


def _save_ratings(session: RunSession, listed: Sequence[ListedTitle], store: MovieRepository) -> None:
    ratings = MyRatings(store, session.clock.now())
    for _title in ratings.save(listed):
        pass
    if ratings.saved:
        store.finalize()
        session.output.say(ratings.summary())


def _day(
    files: Mapping[DataFile, CheckedFile],
    days: Mapping[DataFile, date],
    clock: Clock,
    warn: Callable[[str], None] = lambda _line: None,
) -> date:
    """The day of the oldest file; files in a folder have the day of their modification time."""
    found = {
        file: days.get(file) or datetime.fromtimestamp(checked.path.stat().st_mtime, UTC).date()
        for file, checked in files.items()
    }
    if max(found.values()) > clock.now().date():
        raise UsageError("a data file is from the future; check the clock of this machine and the files' times")
    if len(set(found.values())) > 1:
        listed = ", ".join(f"{file} of {day}" for file, day in sorted(found.items(), key=itemgetter(1, 0)))
        warn(f"the data files are of different days; the load counts as of the oldest: {listed}")
    return min(found.values())


def _identity(files: Mapping[DataFile, CheckedFile], selection: Selection, day: date) -> dict[str, object]:
    """Identifies a load: the same files with the same selection need no second load."""
    sizes = {
        file.value: [checked.path.stat().st_size, checked.path.stat().st_mtime_ns] for file, checked in files.items()
    }
    return {"day": day.isoformat(), "files": sizes, "selection": repr(selection)}


def _sums(files: Mapping[DataFile, CheckedFile], cancel: threading.Event) -> dict[str, str]:
    """The SHA-256 of each data file that can be read."""
    sums = {}
    for file, checked in files.items():
        if cancel.is_set():
            raise Cancelled("the load was stopped")
        with suppress(OSError), checked.path.open("rb") as data:  # the check whether it is whole names the error
            sums[file.value] = hashlib.file_digest(data, "sha256").hexdigest()
    return sums


def _unpacked(checked: CheckedFile) -> int:
    """The approximate size of a data file in bytes, decompressed."""
    return checked.path.stat().st_size * (_COMPRESSION if checked.compressed else 1)


def _require_disk(folder: Path, needed: int) -> int:
    """Refuses a disk without room for a part of a load, before that is prepared; returns the free bytes."""
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise UsageError(
            f"the load needs about {human_size(needed)} in {folder}, {human_size(free)} are free: free some, or select"
            " fewer titles"
        )
    return free


def _refusal(rejected: Mapping[str, int], folder: Path) -> str:
    listed = ", ".join(f"{count} rows of {file}" for file, count in sorted(rejected.items()))
    return (
        f"{listed} cannot be loaded (see rejected-<file>.tsv in {folder}); no store was changed, "
        "without --strict the other rows are loaded"
    )


def _keep_rejects(work: Path, folder: Path) -> None:
    """Copies the lists of rejected rows into the data directory, and removes those of an earlier load."""
    for path in sorted(folder.glob("rejected-*.tsv")):
        path.unlink()
    for path in sorted(work.glob("rejected-*.tsv")):
        shutil.copyfile(path, folder / path.name)

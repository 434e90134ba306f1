"""Saves a prepared load of data files to every store, or to none.

Every store first writes the load aside, which takes most of the time and detects what a
store refuses. Then each commits it with the load's id, in one step. If the program ends
between two commits, the next command finds the record of the load, reads from every store
the id it committed last, and completes the others.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from enum import Enum
from uuid import uuid4

from application.composite_repository import common_marker
from application.ports.stores import BulkRepository, LoadRecord, PendingLoad, PreparedTables
from application.records import Row
from application.repair import merge_charts, repair
from domain.errors import StoreUnavailable

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LoadedTitle:
    """The rows of one title in a load, with the names of its people."""

    movie: Row
    credits: tuple[Row, ...]
    akas: tuple[Row, ...]
    names: dict[str, str]


class Settlement(Enum):
    """How an interrupted load ended."""

    NONE = "no load was interrupted"
    DISCARDED = "the interrupted load of data files had changed nothing: run datasets again"
    COMPLETED = "the interrupted load of data files was completed in every store"


def load_datasets(
    prepared: PreparedTables,
    stores: Sequence[BulkRepository],
    record: LoadRecord,
    finish: Callable[[], object] = lambda: None,
) -> None:
    """Saves a prepared load to every store.

    Args:
        stores: all stores, holding the same records; those that can refuse a row commit first.
        record: of the pending load, until every store has committed it.
        finish: saves derived data; the load is unfinished until this returns.

    Raises:
        StoreUnavailable: a store is unavailable; either none has the load, or the next command completes it.
        RecordRejected: a store refuses a row; no store was changed.
    """
    ordered = sorted(stores, key=lambda store: not store.may_reject)
    pending = PendingLoad(uuid4().hex, tuple(store.name for store in ordered), common_marker(ordered))
    with ExitStack() as stack:
        commits = _write_aside(prepared, ordered, pending.load_id, stack)
        record.write(pending)
        for commit in commits:
            commit()
    finish()
    record.clear()


def settle_load(
    record: LoadRecord,
    stores: Sequence[BulkRepository],
    prepared: Callable[[], AbstractContextManager[PreparedTables] | None],
) -> Settlement:
    """Completes a load that was interrupted between two commits, or discards it if no store has committed it.

    Args:
        record: of pending loads.
        stores: the stores that are open.
        prepared: opens the prepared load; ``None`` if it no longer exists.

    Raises:
        StoreUnavailable: a store that took part is unavailable.
    """
    pending = record.read()
    if pending is None:
        return Settlement.NONE
    committed = [store for store in stores if store.load_id == pending.load_id]
    absent = sorted(set(pending.stores) - {store.name for store in stores})
    if not committed and absent:
        raise StoreUnavailable(
            ", ".join(absent),
            f"a load of data files is unfinished, and STORES leaves out {', '.join(absent)}, which may have it: "
            f"run once with STORES={','.join(pending.stores)}",
        )
    if committed:
        behind = [store for store in stores if store.name in pending.stores and store not in committed]
        _bring_forward(behind, committed[0], pending, prepared)
        for action in merge_charts(stores):  # derived data may have reached some stores only
            log.info("%s", action)
    record.clear()
    return Settlement.COMPLETED if committed else Settlement.DISCARDED


def _bring_forward(
    behind: Sequence[BulkRepository],
    leader: BulkRepository,
    pending: PendingLoad,
    prepared: Callable[[], AbstractContextManager[PreparedTables] | None],
) -> None:
    """Saves the load to the stores that lack it; those that can no longer take it are repaired record by record."""
    unchanged = [store for store in behind if store.marker is not None and store.marker == pending.marker]
    if unchanged and (opened := prepared()) is not None:
        with opened as tables, ExitStack() as stack:
            for commit in _write_aside(tables, unchanged, pending.load_id, stack):
                commit()
    for store in behind:
        if store.load_id != pending.load_id:
            log.warning("%s cannot take the prepared load any more: compared with %s", store.name, leader.name)
            for action in repair((leader, store)):
                log.info("%s", action)


def _write_aside(
    prepared: PreparedTables, stores: Sequence[BulkRepository], load_id: str, stack: ExitStack
) -> list[Callable[[], object]]:
    """Writes the load aside in all stores at the same time; returns the functions that commit it, in order.

    Raises:
        StoreUnavailable, RecordRejected: as ``BulkRepository.loading``; the first error, once all have ended.
    """
    loads = [store.loading(prepared, load_id) for store in stores]
    with ThreadPoolExecutor(len(stores), thread_name_prefix="load") as executor:
        entering = [executor.submit(load.__enter__) for load in loads]
        errors = [error for each in as_completed(entering) if (error := each.exception())]
    for load, entered in zip(loads, entering, strict=True):
        if entered.exception() is None:
            stack.push(load)
    if errors:
        raise errors[0]
    return [entered.result() for entered in entering]

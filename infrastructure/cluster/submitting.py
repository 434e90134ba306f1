"""How our functions get to workers: as Dask tasks, by bytes that nobody but the task opens."""

from __future__ import annotations

import pickle
import secrets
from collections.abc import Callable
from typing import TypeVar

from distributed import Client, Future

from infrastructure.cluster.wire import Call

T = TypeVar("T")


def submitted(
    client: Client, worker: str, function: Callable[..., T], *arguments: object, elsewhere: bool = False
) -> Future[T]:
    """Have a function of ours carried out.

    As a task, and not by ``Client.run``, which would hold up the worker's heartbeat meanwhile.

    Args:
        client: of the cluster.
        worker: where.
        function: which; of a module that workers have.
        arguments: its arguments.
        elsewhere: another worker may do it as well, should that one be gone.
    """
    future: Future[T] = client.submit(
        pickle.loads,
        Call(function, *arguments).packed(),
        key=f"filmledger-{function.__name__}-{secrets.token_hex(8)}",  # what Dask's own pages show
        workers=[worker],
        allow_other_workers=elsewhere,
        pure=False,
    )
    return future

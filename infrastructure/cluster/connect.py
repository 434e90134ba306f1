"""Reads ``--cluster``, connects to a Dask cluster or starts one, compares versions and sends the program's code."""

from __future__ import annotations

import asyncio
import importlib.metadata
import logging
import re
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final

import dask
import msgspec
from distributed import Client, LocalCluster, Security
from distributed.comm.core import CommClosedError, connect
from distributed.diagnostics.plugin import UploadFile

from domain.errors import SourceError, UsageError
from infrastructure.cluster import code, worker
from infrastructure.cluster.code import NEEDED, differences, versions_of
from infrastructure.cluster.pool import line_of
from infrastructure.cluster.worker import BATCHES_PER_WORKER, usable_cores

log = logging.getLogger(__name__)
_OURS: Final = __name__.partition(".")[0]
_PLUGIN: Final = "filmledger"
_CONNECT_SECONDS: Final = 10.0
_FIRST_WORKER_SECONDS: Final = 10.0
_LOCAL: Final = re.compile(r"local(?::([1-9][0-9]{0,2}))?")
_ADDRESS: Final = re.compile(r"(?:tcp|tls|ws|wss|ucx)://[^\s/]+:[0-9]+")


class OwnCluster(msgspec.Struct, frozen=True):
    """A cluster on this machine that the run starts and stops."""

    workers: int


class RemoteCluster(msgspec.Struct, frozen=True):
    """An existing cluster, by the address of its scheduler."""

    address: str


def parse_cluster(text: str) -> OwnCluster | RemoteCluster:
    """Reads ``local``, ``local:4`` or a scheduler's address.

    Raises:
        UsageError: it is none of them.
    """
    if match := _LOCAL.fullmatch(text):
        return OwnCluster(int(match[1])) if match[1] else OwnCluster(usable_cores())
    if _ADDRESS.fullmatch(text):
        return RemoteCluster(text)
    raise UsageError(
        f"--cluster {text!r} is not allowed; allowed: local, local:NUMBER, or a scheduler's address, tcp://host:8786"
    )


@contextmanager
def connect_cluster(cluster: OwnCluster | RemoteCluster) -> Iterator[Client]:
    """Opens a client of the cluster, whose workers can run this program.

    Raises:
        SourceError: it cannot be reached.
        UsageError: it has no workers, another version, or missing a package.
    """
    _use_our_logging()
    if isinstance(cluster, OwnCluster):
        if cluster.workers > (cores := usable_cores()):
            log.warning(
                "this machine gets more Dask workers (%d) than it has cores (%d); more than one a core gains nothing",
                cluster.workers,
                cores,
            )
        with _started(cluster) as client:
            yield client
    else:
        with _reached(cluster) as client:
            try:
                _compare_versions(client)
                _send_code(client)
            except CommClosedError as error:
                raise SourceError(f"the Dask scheduler at {cluster.address} has gone ({line_of(error)})") from error
            yield client


@contextmanager
def _started(cluster: OwnCluster) -> Iterator[Client]:
    with (
        closing(
            LocalCluster(
                n_workers=cluster.workers,
                threads_per_worker=BATCHES_PER_WORKER,
                processes=True,
                dashboard_address=None,
                silence_logs=logging.CRITICAL,  # workers log an error when the client leaves
                preload=[worker.__name__],
            )
        ) as started,
        closing(Client(started, set_as_default=False)) as client,
    ):
        # Otherwise warnings of workers are written to standard error, across the progress bar.
        client.forward_logging(_OURS, level=logging.WARNING)
        yield client


@contextmanager
def _reached(cluster: RemoteCluster) -> Iterator[Client]:
    try:
        asyncio.run(_check_answers(cluster.address))
        client = Client(cluster.address, timeout=_CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError) as error:
        raise SourceError(
            f"the Dask scheduler at {cluster.address} cannot be reached ({line_of(error)}); `dask scheduler` starts one"
        ) from error
    with closing(client):
        try:
            client.wait_for_workers(1, timeout=_FIRST_WORKER_SECONDS)
        except TimeoutError as error:
            raise UsageError(
                f"the Dask cluster at {cluster.address} has no workers: start some with `dask worker {cluster.address}`"
            ) from error
        yield client


async def _check_answers(address: str) -> None:
    """Checks that a Dask server answers, because a client would wait for its greeting without end.

    Raises:
        OSError: there is no server, or it does not answer like Dask.
        ValueError: the address cannot be used.
    """
    arguments = Security().get_connection_args("client")
    try:
        async with asyncio.timeout(_CONNECT_SECONDS):
            comm = await connect(address, timeout=_CONNECT_SECONDS, **arguments)
    except TimeoutError as error:
        raise OSError("what listens there does not answer as a scheduler does") from error
    comm.abort()


def _compare_versions(client: Client) -> None:
    found: Any = client.get_versions()
    problems = version_problems(found) + [
        f"worker {address} lacks {', '.join(packages)}: pip install -r requirements.txt there"
        for address, packages in _missing(client).items()
    ]
    if problems:
        raise UsageError(f"this Dask cluster cannot be used: {'; '.join(problems)}")


def version_problems(found: Any) -> list[str]:
    """Gives the processes with another version, from the answer of ``Client.get_versions``."""
    others = {"the scheduler": found["scheduler"]}
    others |= {f"worker {address}": each for address, each in found["workers"].items()}
    return [f"{name} has {differ}" for name, each in others.items() if (differ := differences(versions_of(each)))]


def _missing(client: Client) -> dict[str, list[str]]:
    """Gives the packages that workers lack; imports only the standard library, because they lack this code too."""
    missing: dict[str, list[str]] = {}
    for package in NEEDED:
        for address, answer in client.run(importlib.metadata.version, package, on_error="return").items():
            if isinstance(answer, importlib.metadata.PackageNotFoundError):
                missing.setdefault(address, []).append(package)
    return missing


def _send_code(client: Client) -> None:
    """Sends the code to all workers; Dask gives it to workers that join later.

    The name is always the same, so that a cluster holds the last version only.
    """
    with tempfile.TemporaryDirectory() as folder:
        archive = code.archive(Path(folder))
        try:
            client.register_plugin(UploadFile(str(archive)), name=_PLUGIN)
        except CommClosedError:
            raise
        except Exception as error:
            raise UsageError(
                f"this Dask cluster does not take the program's code ({type(error).__name__}: {line_of(error)})"
            ) from error


def _use_our_logging() -> None:
    """Sends Dask's log messages, which go to standard error by default, to this program's handlers."""
    dask.config.set({"distributed.admin.low-level-log-length": 0})
    for name in ("distributed", "distributed.client", "tornado", "tornado.application"):
        logger = logging.getLogger(name)
        for handler in tuple(logger.handlers):
            logger.removeHandler(handler)
        logger.propagate = True

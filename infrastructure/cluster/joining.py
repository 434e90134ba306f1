"""A connection to the cluster: reached or started, its versions compared, our code sent there."""

from __future__ import annotations

import asyncio
import importlib.metadata
import logging
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final

import dask
from distributed import Client, LocalCluster, Security
from distributed.comm.core import CommClosedError, connect
from distributed.diagnostics.plugin import UploadFile

from domain.errors import SourceError, UsageError
from infrastructure.cluster import code, undisturbed
from infrastructure.cluster.versions import NEEDED, differences, versions_told
from infrastructure.cluster.where import Local, Remote, usable_cores
from infrastructure.cluster.worker import TURNS

log = logging.getLogger(__name__)
_OURS: Final = __name__.partition(".")[0]
_PLUGIN: Final = "filmledger"
_CONNECT_SECONDS: Final = 10.0
_FIRST_WORKER_SECONDS: Final = 10.0


@contextmanager
def joined(cluster: Local | Remote) -> Iterator[Client]:
    """A client of the cluster, whose workers can run our code.

    Raises:
        SourceError: it cannot be reached.
        UsageError: it has no workers, another version, or lacks a package.
    """
    _use_our_logging()
    if isinstance(cluster, Local):
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
                raise SourceError(f"the Dask scheduler at {cluster.address} has gone ({_line(error)})") from error
            yield client


@contextmanager
def _started(cluster: Local) -> Iterator[Client]:
    with (
        closing(
            LocalCluster(
                n_workers=cluster.workers,
                threads_per_worker=TURNS,
                processes=True,
                dashboard_address=None,
                silence_logs=logging.CRITICAL,  # of the workers' own output: they complain of our leaving
                preload=[undisturbed.__name__],
            )
        ) as started,
        closing(Client(started, set_as_default=False)) as client,
    ):
        # Or their warnings would go to our standard error by themselves, across the progress bar.
        client.forward_logging(_OURS, level=logging.WARNING)
        yield client


@contextmanager
def _reached(cluster: Remote) -> Iterator[Client]:
    try:
        asyncio.run(_knock(cluster.address))
        client = Client(cluster.address, timeout=_CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError) as error:
        raise SourceError(
            f"the Dask scheduler at {cluster.address} cannot be reached ({_line(error)}); `dask scheduler` starts one"
        ) from error
    with closing(client):
        try:
            client.wait_for_workers(1, timeout=_FIRST_WORKER_SECONDS)
        except TimeoutError as error:
            raise UsageError(
                f"the Dask cluster at {cluster.address} has no workers: start some with `dask worker {cluster.address}`"
            ) from error
        yield client


async def _knock(address: str) -> None:
    """See whether a Dask server answers: a client would wait for its first word for ever.

    Raises:
        OSError: nobody listens, or somebody who says nothing that Dask would.
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
    """Who has another version than we, in what ``Client.get_versions`` answers."""
    others = {"the scheduler": found["scheduler"]}
    others |= {f"worker {address}": each for address, each in found["workers"].items()}
    return [f"{name} has {differ}" for name, each in others.items() if (differ := differences(versions_told(each)))]


def _missing(client: Client) -> dict[str, list[str]]:
    """Packages that workers do not have. Asked by a function of the standard library: ours is not there yet."""
    missing: dict[str, list[str]] = {}
    for package in NEEDED:
        for address, answer in client.run(importlib.metadata.version, package, on_error="return").items():
            if isinstance(answer, importlib.metadata.PackageNotFoundError):
                missing.setdefault(address, []).append(package)
    return missing


def _send_code(client: Client) -> None:
    """To those that are there; Dask gives it to those that come later.

    Always under the same name, so that a cluster holds one version of it, the last one.
    """
    with tempfile.TemporaryDirectory() as folder:
        archive = code.archive(Path(folder))
        try:
            client.register_plugin(UploadFile(str(archive)), name=_PLUGIN)
        except CommClosedError:
            raise
        except Exception as error:
            raise UsageError(
                f"this Dask cluster does not take the program's code ({type(error).__name__}: {_line(error)})"
            ) from error


def _use_our_logging() -> None:
    """Dask writes to standard error by itself, across the progress bar; let its words go where ours go."""
    dask.config.set({"distributed.admin.low-level-log-length": 0})
    for name in ("distributed", "distributed.client", "tornado", "tornado.application"):
        logger = logging.getLogger(name)
        for handler in tuple(logger.handlers):
            logger.removeHandler(handler)
        logger.propagate = True


def _line(error: BaseException) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__

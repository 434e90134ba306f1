"""A connection to the cluster: reached or started, its versions compared, our code sent there."""

from __future__ import annotations

import importlib.metadata
import logging
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final

import dask
from distributed import Client, LocalCluster

from domain.errors import SourceError, UsageError
from infrastructure.cluster import code
from infrastructure.cluster.where import Local, Remote
from infrastructure.cluster.worker import TURNS

log = logging.getLogger(__name__)
_SAME: Final = ("python", "dask", "distributed")  # what must not differ between scheduler, workers and us
_NEEDED: Final = (
    "requests", "certifi", "msgspec", "python-dotenv", "beautifulsoup4", "lxml", "protego", "fake-useragent",
)  # fmt: skip
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
        if cluster.workers > cluster.cores:
            log.warning("%d Dask workers for %d cores: no more than one a core gains", cluster.workers, cluster.cores)
        with _started(cluster) as client:
            yield client
    else:
        with _reached(cluster) as client:
            _compare_versions(client)
            with tempfile.TemporaryDirectory() as folder:
                client.upload_file(str(code.archive(Path(folder))))
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
            )
        ) as started,
        closing(Client(started, set_as_default=False)) as client,
    ):
        yield client


@contextmanager
def _reached(cluster: Remote) -> Iterator[Client]:
    try:
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


def _compare_versions(client: Client) -> None:
    found: Any = client.get_versions()
    ours = _versions(found["client"])
    others = {"the scheduler": found["scheduler"]}
    others |= {f"worker {address}": each for address, each in found["workers"].items()}
    problems = []
    for name, there in others.items():
        theirs = _versions(there)
        differ = [f"{what} {theirs[what]} instead of {ours[what]}" for what in _SAME if theirs[what] != ours[what]]
        if differ:
            problems.append(f"{name} has {', '.join(differ)}")
    for address, missing in _missing(client).items():
        problems.append(f"worker {address} lacks {', '.join(missing)}: pip install -r requirements.txt there")
    if problems:
        raise UsageError("this Dask cluster cannot be used: " + "; ".join(problems))


def _missing(client: Client) -> dict[str, list[str]]:
    """Packages that workers do not have. Asked by a function of the standard library: ours is not there yet."""
    missing: dict[str, list[str]] = {}
    for package in _NEEDED:
        for address, answer in client.run(importlib.metadata.version, package, on_error="return").items():
            if isinstance(answer, importlib.metadata.PackageNotFoundError):
                missing.setdefault(address, []).append(package)
    return missing


def _versions(of: Any) -> dict[str, str]:
    """Python to the minor version: that is what pickles and bytecode depend on."""
    python = ".".join(str(of["packages"]["python"]).split(".")[:2])
    return {"python": python, **{name: str(of["packages"].get(name)) for name in _SAME[1:]}}


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

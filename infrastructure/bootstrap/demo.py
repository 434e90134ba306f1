"""The demo site, put together: in a process of its own for a run, or alone until Ctrl-C."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import msgspec

from domain.errors import UsageError
from shared.activity import activity
from shared.settings import Settings


@contextmanager
def demo_settings(settings: Settings) -> Iterator[Settings]:
    """Runs the demo site until the block ends; gives the settings of a run on it."""
    from infrastructure.demo.options import DemoOptions
    from infrastructure.demo.process import DemoProcess

    data_dir = Path("data/demo") if settings.data_dir == Path("data") else settings.data_dir
    with ExitStack() as stack:
        with activity("starting the demo site"):
            site = stack.enter_context(DemoProcess(DemoOptions()))
        yield msgspec.structs.replace(
            settings,
            base_url=site.url,
            graphql_url=f"{site.url}/graphql",
            datasets_url=f"{site.url}/datasets",
            data_dir=data_dir,
        )


def serve_demo(
    host: str,
    port: int,
    ready: Callable[[str], None],
    *,
    count: int,
    latency: float,
    page_kb: int,
    seed: int,
    public_url: str | None,
    faults: tuple[str, ...],
) -> None:
    """Serves the demo site until SIGINT or SIGTERM; see ``DemoOptions`` for the arguments.

    Raises:
        UsageError: a fault is not one that the site knows, or a number is out of range.
        OSError: the address cannot be used.
    """
    from infrastructure.demo.options import DemoOptions
    from infrastructure.demo.server import serve

    try:
        options = DemoOptions(host, port, count, latency, page_kb, seed, public_url, faults=faults)
        serve(options, ready)
    except ValueError as error:
        raise UsageError(str(error)) from error


def fault_names() -> tuple[str, ...]:
    """What ``--fault`` takes besides status codes, sorted."""
    from infrastructure.demo.faults import ACTIONS

    return tuple(sorted(ACTIONS))

"""Which face suits the output."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TextIO

from infrastructure.progress.guarded import GuardedProgress
from infrastructure.progress.null import NullProgress
from infrastructure.progress.plain import PlainProgress
from shared.clock import Clock


def progress_for(stream: TextIO, *, quiet: bool, clock: Clock, environ: Mapping[str, str]) -> GuardedProgress:
    """A live screen on a terminal, plain lines elsewhere, nothing when quiet; guarded in any case.

    ``environ`` is looked at for ``TERM`` (``dumb`` and ``unknown`` get plain lines) and ``NO_COLOR``
    (https://no-color.org: present and not empty means no colours).
    """
    if quiet:
        return GuardedProgress(NullProgress())
    if not stream.isatty() or environ.get("TERM", "").lower() in ("dumb", "unknown"):
        return GuardedProgress(PlainProgress(stream, clock))
    from rich.console import Console

    from infrastructure.progress.live import LiveProgress

    console = Console(file=stream, no_color=bool(environ.get("NO_COLOR")), highlight=False, soft_wrap=False)
    return GuardedProgress(LiveProgress(console, clock))

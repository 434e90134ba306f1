"""The child process of ``DemoProcess``: reads its options from one JSON argument, writes a JSON line when ready."""

from __future__ import annotations

import contextlib
import json
import logging
import signal
import sys
import threading
from collections.abc import Callable

from infrastructure.demo.options import DemoOptions
from infrastructure.demo.server import serve


def _say(**fields: str) -> None:
    sys.stdout.write(json.dumps(fields) + "\n")
    sys.stdout.flush()


def _stop_with_parent(stop: Callable[[], None]) -> None:
    def watch() -> None:
        with contextlib.suppress(OSError):
            sys.stdin.buffer.read()  # the parent writes nothing, so this returns when it has ended
        stop()

    threading.Thread(target=watch, name="parent", daemon=True).start()


def main() -> int:
    """Serves until the parent at the other end of stdin has ended."""
    logging.basicConfig(level=logging.ERROR)  # clients that disconnect early are expected
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent handles the terminal's Ctrl-C
    try:
        options = DemoOptions.from_json(json.loads(sys.argv[1]))
        serve(options, lambda url: _say(url=url), until=_stop_with_parent)
    except (OSError, ValueError) as error:
        _say(error=str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""The child process of ``DemoProcess``: options as one JSON argument, a JSON line when ready, ends when stdin does."""

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
            sys.stdin.buffer.read()  # nothing is ever written: this returns when the parent is gone, however it went
        stop()

    threading.Thread(target=watch, name="parent", daemon=True).start()


def main() -> int:
    """Serve for the parent at the other end of stdin."""
    logging.basicConfig(level=logging.ERROR)  # that visitors leave early is what the tests are about
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal's Ctrl-C is the parent's business
    try:
        options = DemoOptions.from_json(json.loads(sys.argv[1]))
        serve(options, lambda url: _say(url=url), until=_stop_with_parent)
    except (OSError, ValueError) as error:
        _say(error=str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

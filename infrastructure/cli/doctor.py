"""``doctor``: checks whether the site can be reached."""

from __future__ import annotations

import sys
import threading

import click

from infrastructure.cli.exit_codes import Exit
from infrastructure.cli.options import CommandContext, command_context
from infrastructure.cli.signals import graceful_stop
from infrastructure.cli.streams import complain, echo


@click.command("doctor", short_help="Check Tor, robots.txt and each route to the site.")
@command_context
def doctor(context: CommandContext) -> None:
    """Send one request over each route: reachable or blocked, exit address, latency.

    EXIT_ADDRESS_URL names a service that returns the caller's address. Without
    it, only the site is asked; for a site on this machine it is not used.
    """
    from infrastructure.bootstrap.network import examine_network

    cancel = threading.Event()
    ok = True
    with graceful_stop(cancel, complain) as interrupted:
        for finding in examine_network(context.settings, cancel):
            ok = ok and finding.ok
            if context.quiet and finding.ok:
                continue
            echo(f"{'✓' if finding.ok else '✗'} {finding.subject}: {finding.detail}")
            if finding.advice:
                echo(f"  {finding.advice}")
    if interrupted.is_set():
        sys.exit(Exit.INTERRUPTED)
    sys.exit(Exit.DONE if ok else Exit.FAILED)


COMMANDS = (doctor,)

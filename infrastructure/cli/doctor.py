"""``doctor``: is the network as the settings say?"""

from __future__ import annotations

import sys
import threading

import click

from infrastructure.cli.exit_codes import Exit, complain
from infrastructure.cli.options import Frame, command_frame
from infrastructure.cli.signals import graceful_stop


@click.command("doctor", short_help="Look at Tor, robots.txt, and each route to the site.")
@command_frame
def doctor(frame: Frame) -> None:
    """Ask the site once over every route: reachable or blocked, by which address, how fast.

    The address a route goes out by is asked of a public service; a site on this
    machine needs no such question.
    """
    from infrastructure import bootstrap
    from infrastructure.http.doctor import examine_network

    cancel = threading.Event()
    well = True
    with graceful_stop(cancel, complain) as interrupted:
        for finding in examine_network(bootstrap.network_options(frame.settings), cancel):
            well = well and finding.ok
            if frame.quiet and finding.ok:
                continue
            click.echo(f"{'✓' if finding.ok else '✗'} {finding.subject}: {finding.detail}")
            if finding.advice:
                click.echo(f"  {finding.advice}")
    if interrupted.is_set():
        sys.exit(Exit.INTERRUPTED)
    sys.exit(Exit.DONE if well else Exit.FAILED)


COMMANDS = (doctor,)

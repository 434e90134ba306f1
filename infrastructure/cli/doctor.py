"""``doctor``: is the network as the settings say?"""

from __future__ import annotations

import sys
import threading

import click

from infrastructure.cli.exit_codes import Exit, complain
from infrastructure.cli.options import CommandContext, command_context
from infrastructure.cli.signals import graceful_stop


@click.command("doctor", short_help="Look at Tor, robots.txt, and each route to the site.")
@command_context
def doctor(frame: CommandContext) -> None:
    """Ask the site once over every route: reachable or blocked, by which address, how fast.

    EXIT_ADDRESS_URL names a service that answers by which address it is asked; without
    it nobody but the site is asked, and also not about a site on this machine.
    """
    from infrastructure import bootstrap
    from infrastructure.http.doctor import examine_network

    cancel = threading.Event()
    well = True
    with graceful_stop(cancel, complain) as interrupted:
        settings = frame.settings
        options = bootstrap.network_options(settings)
        for finding in examine_network(options, cancel, address_url=settings.exit_address_url):
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

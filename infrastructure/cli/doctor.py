"""``doctor``: checks whether the site can be reached."""

from __future__ import annotations

import sys
import threading
from dataclasses import asdict

import click

from infrastructure.cli.exit_codes import Exit
from infrastructure.cli.options import CommandContext, command_context, json_option, print_json
from infrastructure.cli.signals import graceful_stop
from infrastructure.cli.streams import complain, echo


@click.command("doctor", short_help="Check this machine, the database, and each route to the site.")
@json_option
@command_context
def doctor(context: CommandContext, as_json: bool) -> None:
    """Check rights, disk, clock and database; send one request over each route; ask each source for one title.

    EXIT_ADDRESS_URL names a service that returns the caller's address. Without
    it, only the site is asked; for a site on this machine it is not used.
    """
    from infrastructure.bootstrap.checking import examine

    cancel = threading.Event()
    ok = True
    checks: list[dict[str, object]] = []
    with graceful_stop(cancel, complain) as interrupted:
        for finding in examine(context.settings, context.clock, cancel):
            ok = ok and finding.ok
            checks.append(asdict(finding))
            if as_json or (context.quiet and finding.ok):
                continue
            echo(f"{'✓' if finding.ok else '✗'} {finding.subject}: {finding.detail}")
            if finding.advice:
                echo(f"  {finding.advice}")
    if as_json:
        print_json({"ok": ok, "checks": checks})
    if interrupted.is_set():
        sys.exit(Exit.INTERRUPTED)
    sys.exit(Exit.DONE if ok else Exit.FAILED)


COMMANDS = (doctor,)

"""``publish`` and ``serve``: the catalogue, a folder of static pages."""

from __future__ import annotations

import shlex
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import click

from infrastructure.cli.exit_codes import Exit, graceful_stop
from infrastructure.cli.options import CommandContext, command_context, json_option, print_json
from infrastructure.cli.streams import complain, echo

if TYPE_CHECKING:
    from application.publish import StepOutcome

_OUT = click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), help="Folder [default: site in the data directory]."
)


@click.command("publish", short_help="Build the catalogue: a folder of static pages.")
@_OUT
@json_option
@command_context
def publish(context: CommandContext, out: Path | None, as_json: bool) -> None:
    """Build a static site of all movies; open it from disk or put it on any web server."""
    from infrastructure.bootstrap.publishing import publish_site
    from infrastructure.cli.summary import TerminalOutput, command_line

    settings = context.settings
    folder = out or settings.data_dir / "site"
    cancel = threading.Event()
    output = TerminalOutput(context, settings.data_dir, as_json=as_json)
    steps: list[dict[str, str | None]] = []

    def report_step(outcome: StepOutcome) -> None:
        steps.append({"name": outcome.name, "error": outcome.reason or None})
        output.say(outcome.line)

    with graceful_stop(cancel, complain) as interrupted:
        published = publish_site(settings, context.clock, folder, on_step=report_step, cancel=cancel)
    for note in published.notes:
        output.say(note)
    output.say(f"{published.tally.written} files written, {published.tally.unchanged} unchanged, in {folder}")
    look = command_line("serve", settings.data_dir) + (f" --out {shlex.quote(str(out))}" if out else "")
    output.say(f"open {folder / 'index.html'}, or run `{look}`")
    if as_json:
        print_json(
            {
                "folder": str(folder),
                "written": published.tally.written,
                "unchanged": published.tally.unchanged,
                "steps": steps,
                "notes": list(published.notes),
            }
        )
    if interrupted.is_set():
        sys.exit(Exit.INTERRUPTED)
    sys.exit(Exit.FAILED if published.failures else Exit.DONE)


@click.command("serve", short_help="Serve the catalogue to a browser on this machine.")
@_OUT
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="Port; 0: a free one.")
@command_context
def serve(context: CommandContext, out: Path | None, port: int) -> None:
    """Serve the catalogue on loopback until Ctrl-C; not meant for the public."""
    from infrastructure.bootstrap.publishing import serve_site

    cancel = threading.Event()
    with graceful_stop(cancel, lambda _message: None):
        serve_site(
            out or context.settings.data_dir / "site",
            port,
            ready=lambda url: None if context.quiet else echo(f"the catalogue is at {url}; Ctrl-C stops it"),
            cancel=cancel,
        )


COMMANDS = (publish, serve)

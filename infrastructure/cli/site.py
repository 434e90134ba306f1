"""``demo-site``: runs the demo site alone."""

from __future__ import annotations

import errno
import os
import socket
import textwrap
from typing import Any, Final

import click

from infrastructure.cli.exit_codes import errors_as_exit_codes
from infrastructure.cli.streams import echo

_OURS: Final = "--host takes an address of this machine"
_ADVICE: Final = {errno.EADDRINUSE: "try --port 0", errno.EACCES: "try --port 0", errno.EADDRNOTAVAIL: _OURS}


class _HelpWithFaults(click.Command):
    """A command whose help ends with the values of ``--fault``."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's
        """Uses the site's own tables, which are only loaded for the help."""
        from infrastructure.bootstrap.demo import fault_names

        names = ", ".join(fault_names())
        with formatter.section("Faults"):
            for text in (
                "WHERE is a title's id, a path, or one of title, chart, image, robots, graphql, dataset, site.",
                f"WHAT is a status code or one of {names}.",
                "Behind it, in this order: an argument (:20), how often (x2), how likely (%50), after how many "
                "requests (@10), and what these are counted by (/path, /client or /site).",
            ):
                wrapped = textwrap.wrap(text, formatter.width - formatter.current_indent, break_on_hyphens=False)
                formatter.write_text("\b\n" + "\n".join(wrapped))
                formatter.write_paragraph()


@click.command("demo-site", cls=_HelpWithFaults, short_help="Serve the demo site until Ctrl-C.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=8080, show_default=True, help="Port; 0: a free one.")
@click.option("--count", type=click.IntRange(1), default=250, show_default=True, help="Titles in the Top 250 chart.")
@click.option("--latency", type=click.FloatRange(0), default=0.0, show_default=True, help="Delay in seconds.")
@click.option("--page-kb", type=click.IntRange(0), default=1600, show_default=True, help="Size of a title page.")
@click.option("--seed", type=int, default=1, show_default=True, help="Seed of the generated titles.")
@click.option("--day", type=click.IntRange(0), default=0, show_default=True, help="Days after the first.")
@click.option("--public-url", help="Public address of the site, for poster addresses.")
@click.option(
    "--fault",
    "faults",
    multiple=True,
    metavar="WHERE=WHAT",
    help="Answer with a fault, as in tt0000001=503x2.",
)
@click.option("--debug", is_flag=True, help="Show tracebacks.")
def demo_site(host: str, port: int, debug: bool, **options: Any) -> None:
    """Serve an IMDb-shaped site with invented titles. Point BASE_URL at it to try things out."""
    from domain.errors import FilmledgerError
    from infrastructure.bootstrap.demo import serve_demo

    with errors_as_exit_codes(debug=debug):
        try:
            serve_demo(lambda url: echo(f"the demo site is at {url}; Ctrl-C stops it"), host=host, port=port, **options)
        except OSError as error:
            if isinstance(error, socket.gaierror):
                raise FilmledgerError(f"cannot listen on {host}: {error.strerror}; {_OURS}") from error
            if error.errno not in _ADVICE:
                raise
            reason = os.strerror(error.errno)  # Python's own text repeats the address
            raise FilmledgerError(f"cannot listen on {host}:{port}: {reason}; {_ADVICE[error.errno]}") from error


COMMANDS = (demo_site,)

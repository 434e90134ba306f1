"""``demo-site``: the demo site alone."""

from __future__ import annotations

import errno
import os
import socket
import textwrap
from typing import Final

import click

from infrastructure.cli.exit_codes import errors_as_exit_codes

_OURS: Final = "--host takes an address of this machine"
_ADVICE: Final = {errno.EADDRINUSE: "try --port 0", errno.EACCES: "try --port 0", errno.EADDRNOTAVAIL: _OURS}


class _FaultsTold(click.Command):
    """Its help ends with what ``--fault`` takes."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's
        """Out of the site's own tables, which are loaded for the help alone."""
        from infrastructure.demo.misbehaviour import DELIVERIES
        from infrastructure.demo.refusals import REFUSALS

        names = ", ".join(sorted({*REFUSALS, *DELIVERIES}))
        with formatter.section("Faults"):
            for told in (
                "WHERE is a title's id, a path, or one of title, chart, image, robots, graphql, site.",
                f"WHAT is a status code or one of {names}.",
                "Behind it, in this order: an argument (:20), how often (x2), how likely (%50), after how many "
                "requests (@10), and what these are counted by (/path, /client or /site).",
            ):
                wrapped = textwrap.wrap(told, formatter.width - formatter.current_indent, break_on_hyphens=False)
                formatter.write_text("\b\n" + "\n".join(wrapped))
                formatter.write_paragraph()


@click.command("demo-site", cls=_FaultsTold, short_help="Serve the demo site until Ctrl-C.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=8080, show_default=True, help="0 takes a free one.")
@click.option("--count", type=click.IntRange(1), default=250, show_default=True, help="Titles in the Top 250 chart.")
@click.option("--latency", type=click.FloatRange(0), default=0.0, show_default=True, help="Seconds before an answer.")
@click.option("--page-kb", type=click.IntRange(0), default=1600, show_default=True, help="Size of a title page.")
@click.option("--seed", type=int, default=1, show_default=True, help="Another seed, another catalogue.")
@click.option("--public-url", help="Where visitors reach the site; used in poster addresses.")
@click.option(
    "--fault", "faults", multiple=True, metavar="WHERE=WHAT", help="Misbehave, as in tt0000001=503x2; see below."
)
@click.option("--debug", is_flag=True, help="Show tracebacks.")
def demo_site(
    host: str,
    port: int,
    count: int,
    latency: float,
    page_kb: int,
    seed: int,
    public_url: str | None,
    faults: tuple[str, ...],
    debug: bool,
) -> None:
    """Serve an IMDb-shaped site with invented titles. Point BASE_URL at it to try things out."""
    from domain.errors import FilmledgerError, UsageError
    from infrastructure.demo.options import DemoOptions
    from infrastructure.demo.serving import serve

    with errors_as_exit_codes(debug=debug):
        try:
            options = DemoOptions(host, port, count, latency, page_kb, seed, public_url, faults=faults)
            serve(options, lambda url: click.echo(f"the demo site is at {url}; Ctrl-C ends it"))
        except ValueError as error:
            raise UsageError(str(error)) from error
        except OSError as error:
            if isinstance(error, socket.gaierror):
                raise FilmledgerError(f"cannot listen on {host}: {error.strerror}; {_OURS}") from error
            if error.errno not in _ADVICE:
                raise
            reason = os.strerror(error.errno)  # Python's own text repeats the address
            raise FilmledgerError(f"cannot listen on {host}:{port}: {reason}; {_ADVICE[error.errno]}") from error


COMMANDS = (demo_site,)

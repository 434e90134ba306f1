"""The commands, put together."""

from __future__ import annotations

import click
from click_default_group import DefaultGroup

from shared.heap import share_heaps


@click.group(
    cls=DefaultGroup,
    default="scrape",
    default_if_no_args=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option("0.1.0", prog_name="filmledger")
def commands() -> None:
    """Take IMDb's charts and title pages into CSV files and PostgreSQL.

    Without a command, `scrape` is meant: `python main.py --limit 10` scrapes ten
    titles, `python main.py --demo` tries everything on a built-in demo site.
    `python main.py COMMAND --help` tells a command's options.
    """


def program() -> click.Group:
    """All commands; loading them takes a while, so not before they are needed."""
    from infrastructure.cli import (
        database,
        doctor,
        exchange,
        parse,
        posters,
        publish,
        scrape,
        settings,
        site,
        status,
        verify,
    )

    for module in (scrape, parse, status, verify, database, exchange, posters, publish, doctor, settings, site):
        for command in module.COMMANDS:
            commands.add_command(command)
    return commands


def main() -> None:
    """Run the program."""
    share_heaps()
    program()(prog_name="main.py")

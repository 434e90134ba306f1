"""The commands, put together."""

from __future__ import annotations

import difflib
import sys

import click
from click_default_group import DefaultGroup

from infrastructure.cli.exit_codes import errors_as_exit_codes
from shared.malloc import limit_malloc_arenas
from shared.version import VERSION


class _Commands(DefaultGroup):
    """A word that is no command is not handed to ``scrape``, which takes none."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name; options alone mean the default one.

        Raises:
            click.UsageError: there is no such command.
        """
        if cmd_name not in self.commands and not cmd_name.startswith("-"):
            nearest = difflib.get_close_matches(cmd_name, self.commands, 1)
            hint = f"did you mean {nearest[0]}?" if nearest else f"there are {', '.join(sorted(self.commands))}"
            raise click.UsageError(f"there is no command {cmd_name!r}; {hint}", ctx)
        return super().get_command(ctx, cmd_name)


@click.group(
    cls=_Commands,
    default="scrape",
    default_if_no_args=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(VERSION, prog_name="filmledger")
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
    limit_malloc_arenas()
    with errors_as_exit_codes(debug=False):
        try:
            program()(prog_name="main.py")
        finally:
            sys.stdout.flush()  # output that cannot be written is an error like any other

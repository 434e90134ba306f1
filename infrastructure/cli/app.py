"""The commands of the program, in one group."""

from __future__ import annotations

import gc
import os
import sys
from importlib import import_module
from pathlib import Path
from typing import Final

import click
from click.shell_completion import CompletionItem
from click_default_group import DefaultGroup

from infrastructure.cli.exit_codes import errors_as_exit_codes
from infrastructure.cli.streams import flush_errors, prepare_streams
from shared.threads import limit_malloc_arenas
from shared.version import VERSION

# Which module of this package has which commands: only the one that is called is imported.
_MODULES: Final = {
    "completion": ("completion",),
    "datasets": ("datasets",),
    "database": ("sql", "psql", "report", "history"),
    "doctor": ("doctor",),
    "exchange": ("export", "import"),
    "parse": ("parse",),
    "people": ("people",),
    "posters": ("posters",),
    "publish": ("publish", "serve"),
    "scrape": ("scrape", "episodes"),
    "settings": ("settings",),
    "site": ("demo-site",),
    "status": ("status",),
    "verify": ("verify",),
}
_MODULE_OF: Final = {command: module for module, commands in _MODULES.items() for command in commands}


class _Commands(DefaultGroup):
    """Imports a command when it is called; an unknown word is an error, not an argument of ``scrape``."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's
        """All names, sorted."""
        return sorted(_MODULE_OF)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name; without a name, the default one.

        Raises:
            click.UsageError: there is no such command.
        """
        name = "scrape" if cmd_name.startswith("-") else cmd_name
        if name not in _MODULE_OF and ctx.resilient_parsing:
            return None  # an incomplete word, for shell completion
        if name not in _MODULE_OF:
            import difflib

            nearest = difflib.get_close_matches(name, _MODULE_OF, 1)
            hint = f"did you mean {nearest[0]}?" if nearest else f"choose {', '.join(sorted(_MODULE_OF))}"
            raise click.UsageError(f"unknown command {name!r}; {hint}", ctx)
        if name not in self.commands:
            for command in import_module(f"{__package__}.{_MODULE_OF[name]}").COMMANDS:
                self.add_command(command)
        return super().get_command(ctx, cmd_name)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """An empty command line means the default command, except during shell completion."""
        if ctx.resilient_parsing and not args:
            return click.Group.parse_args(self, ctx, args)
        parsed: list[str] = super().parse_args(ctx, args)
        return parsed

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Commands, and the options of the default one."""
        found = super().shell_complete(ctx, incomplete)
        default = self.get_command(ctx, "scrape")
        return found + (default.shell_complete(ctx, incomplete) if default and incomplete.startswith("-") else [])


@click.group(
    cls=_Commands,
    default="scrape",
    default_if_no_args=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(VERSION, prog_name="filmledger")
def commands() -> None:
    """Save IMDb's charts and title pages to CSV files and PostgreSQL.

    Without a command, `scrape` runs: `python main.py --limit 10` scrapes ten
    titles, `python main.py --demo` uses a built-in demo site.
    `python main.py COMMAND --help` shows a command's options.
    """


def program() -> click.Group:
    """The group with all commands loaded, for documents and tests."""
    context = click.Context(commands)
    for name in _MODULE_OF:
        commands.get_command(context, name)
    return commands


def program_name() -> str:
    """How the user calls the program: with ``main.py``, or with the installed command."""
    return "python main.py" if Path(sys.argv[0]).name == "main.py" else "filmledger"


def main() -> None:
    """Runs the program."""
    gc.disable()  # until a command begins: what is imported never becomes garbage
    prepare_streams()
    os.umask(os.umask(0o077) | 0o022)  # new files are not writable by others
    limit_malloc_arenas()
    with errors_as_exit_codes(debug=False):
        try:
            sys.exit(commands(prog_name=program_name(), standalone_mode=False))
        finally:
            flush_errors()
            sys.stdout.flush()  # output that cannot be written is also an error

"""The commands of the program, in one group."""

from __future__ import annotations

import gc
import os
import sys
from importlib import import_module
from pathlib import Path
from typing import Final

import click
from click.shell_completion import CompletionItem, get_completion_class
from click_default_group import DefaultGroup

from domain.errors import UsageError
from infrastructure.cli.exit_codes import errors_as_exit_codes
from infrastructure.cli.streams import flush_errors, prepare_streams
from shared.threads import limit_malloc_arenas
from shared.version import VERSION

_INSTALLED: Final = "filmledger"  # the installed command
# The module of this package that has a command: only that of the command that is called is imported.
_MODULE_OF: Final = {
    "completion": "app",
    "datasets": "datasets",
    "demo-site": "site",
    "doctor": "checks",
    "episodes": "runs",
    "export": "database",
    "history": "database",
    "import": "database",
    "parse": "runs",
    "people": "runs",
    "posters": "runs",
    "psql": "database",
    "publish": "publish",
    "report": "database",
    "scrape": "runs",
    "serve": "publish",
    "settings": "settings",
    "sql": "database",
    "status": "checks",
    "verify": "checks",
}


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
@click.version_option(VERSION, prog_name=_INSTALLED)
def commands() -> None:
    """Save IMDb's charts and title pages to CSV files and PostgreSQL.

    Without a command, `scrape` runs: `python main.py --limit 10` scrapes ten
    titles, `python main.py --demo` uses a built-in demo site.
    `python main.py COMMAND --help` shows a command's options.
    """


@click.command("completion", short_help="Print tab completion for a shell.")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]), metavar="SHELL")
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the completion script of the installed command for SHELL.

    \b
    bash, zsh: eval "$(filmledger completion bash)"
    fish:      filmledger completion fish | source
    """
    with errors_as_exit_codes(debug=False):
        root = context.find_root()
        if root.info_name != _INSTALLED:
            raise UsageError("completion is for the installed command: install it with `pipx install .`")
        complete = get_completion_class(shell)
        assert complete is not None  # noqa: S101 - click knows the three shells above
        click.echo(complete(root.command, {}, _INSTALLED, "_FILMLEDGER_COMPLETE").source())


COMMANDS = (completion,)


def program() -> click.Group:
    """The group with all commands loaded, for documents and tests."""
    context = click.Context(commands)
    for name in _MODULE_OF:
        commands.get_command(context, name)
    return commands


def program_name() -> str:
    """How the user calls the program: with ``main.py``, or with the installed command."""
    return "python main.py" if Path(sys.argv[0]).name == "main.py" else _INSTALLED


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

"""``completion``: tab completion for the installed command."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from domain.errors import UsageError
from infrastructure.cli.exit_codes import errors_as_exit_codes

_COMMAND = "filmledger"


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
        if root.info_name != _COMMAND:
            raise UsageError("completion is for the installed command: install it with `pipx install .`")
        complete = get_completion_class(shell)
        assert complete is not None  # noqa: S101 - click knows the three shells above
        click.echo(complete(root.command, {}, _COMMAND, "_FILMLEDGER_COMPLETE").source())


COMMANDS = (completion,)

"""``settings``: the values in force, and the same table for the documents."""

from __future__ import annotations

import click

from infrastructure.cli.options import CommandContext, command_context, json_option, print_json


@click.command("settings", short_help="Show every setting and the value in force.")
@click.option("--markdown", "form", flag_value="markdown", help="Print the tables of docs/settings.md instead.")
@click.option("--env", "form", flag_value="env", help="Print .env.example instead.")
@json_option
@command_context
def settings(context: CommandContext, form: str | None, as_json: bool) -> None:
    """Show every setting and the value in force; * marks changed values, *** a secret that is set."""
    from infrastructure.cli.settings_text import as_dicts, env_example, in_force, markdown

    if as_json:
        print_json(list(as_dicts(context.settings)))
        return
    lines = {"markdown": markdown, "env": env_example}.get(form or "", lambda: in_force(context.settings))
    for line in lines():
        click.echo(line)


COMMANDS = (settings,)

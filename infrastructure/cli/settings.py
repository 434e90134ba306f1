"""``settings``: the values in force, and the same settings as text for the documents and for ``.env``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import click

from infrastructure.cli.options import CommandContext, command_context, json_option, print_json
from shared.secret import Secret, mask_user_info
from shared.settings import ENVIRONMENT_ONLY, Setting, Settings, describe

# The setting that begins each part, in the order of ``describe()``.
PARTS: Final = {
    "BASE_URL": "What and where",
    "MAX_THREADS": "Threads and retries",
    "REQUESTS_PER_SECOND": "Politeness",
    "PROXY_HOST": "Proxies and Tor",
    "POSTGRES_DSN": "PostgreSQL",
    "CSV_ESCAPE_FORMULAS": "Files",
    "NOTIFY_URLS": "Monitoring",
    "ASSET_WORKERS": "Posters and catalogue",
}


@click.command("settings", short_help="Show every setting and the value in force.")
@click.option("--markdown", "form", flag_value="markdown", help="Print the tables of docs/settings.md instead.")
@click.option("--env", "form", flag_value="env", help="Print .env.example instead.")
@json_option
@command_context
def settings(context: CommandContext, form: str | None, as_json: bool) -> None:
    """Show every setting and the value in force; * marks changed values, *** a secret that is set."""
    if as_json:
        print_json(list(as_dicts(context.settings)))
        return
    lines = {"markdown": markdown, "env": env_example}.get(form or "", lambda: in_force(context.settings))
    for line in lines():
        click.echo(line)


def markdown() -> Iterator[str]:
    """Tables for the documents, line by line."""
    for setting in describe():
        if setting.name in PARTS:
            yield from (
                "",
                f"## {PARTS[setting.name]}",
                "",
                "| name | allowed | default | meaning |",
                "|---|---|---|---|",
            )
        name = f"`{setting.name}`" + (f", `{setting.name}_FILE`" if setting.secret else "")
        default = f"`{setting.default}`" if setting.default else ""
        yield f"| {name} | {_cell(setting.allowed)} | {default} | {_cell(setting.meaning)} |"
    yield from ("", "## Read from the environment only", "", "| name | meaning |", "|---|---|")
    for name, meaning in ENVIRONMENT_ONLY.items():
        yield f"| `{name}` | {_cell(meaning)} |"


def env_example() -> Iterator[str]:
    """A ``.env`` that changes nothing, line by line: every setting, commented out, with its default."""
    yield "# Copy this file to .env and uncomment what you want to change. An empty value means the default."
    for setting in describe():
        if setting.name in PARTS:
            title = PARTS[setting.name]
            yield from ("", f"# --- {title} " + "-" * (95 - len(title)))
        yield from ("", f"# {setting.meaning}", f"# Allowed: {setting.allowed}.{_file_hint(setting)}")
        yield f"#{setting.name}={setting.default}"


def in_force(settings: Settings) -> Iterator[str]:
    """Every setting with its value, line by line; secrets are masked, changed values marked."""
    width = max(len(setting.name) for setting in describe())
    for entry in as_dicts(settings):
        value = entry["value"]
        text = str(value).lower() if isinstance(value, bool) else "" if value is None else str(value)
        yield f"{'*' if entry['changed'] else ' '} {entry['name']:<{width}}  {text}".rstrip()


def as_dicts(settings: Settings) -> Iterator[dict[str, object]]:
    """Every setting with its value in JSON types; secrets are masked."""
    default = Settings()
    for setting in describe():
        value, usual = getattr(settings, setting.name.lower()), getattr(default, setting.name.lower())
        yield {"name": setting.name, "value": _masked(value), "changed": value != usual, "meaning": setting.meaning}


def _masked(value: object) -> object:
    if isinstance(value, Secret):
        return "***" if value else ""
    return value if value is None or isinstance(value, bool | int | float) else mask_user_info(str(value))


def _file_hint(setting: Setting) -> str:
    return f" A secret: {setting.name}_FILE may name a file that holds it." if setting.secret else ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


COMMANDS = (settings,)

"""What in the documents is made from the code: `python -m tests.docs.generated` writes it, a test compares it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import click

from domain.fields import Field, Table
from infrastructure.cli.app import program
from infrastructure.cli.settings import env_example, markdown
from tests.conftest import ROOT
from tests.docs.man_page import man_page
from tests.docs.picture import picture

_PART: Final = r"(<!-- made from the code: {name} -->\n).*?(<!-- end of {name} -->)"


def current(path: Path, name: str) -> str:
    """The part as it stands in the document."""
    found = re.search(_PART.format(name=name), path.read_text(encoding="utf-8"), re.DOTALL)
    assert found, f"{path.name} has no part {name}"
    return found[0].removeprefix(found[1]).removesuffix(found[2])


def command_tree() -> dict[str, click.Command]:
    """Every command by the name a user types."""
    group = program()
    assert isinstance(group, click.Group)
    return dict(sorted(group.commands.items()))


def help_of(name: str, command: click.Command) -> str:
    """What ``--help`` prints, at a fixed width."""
    return command.get_help(_context(name, command, width=100))


def _context(name: str, command: click.Command, width: int) -> click.Context:
    """As ``main.py NAME`` makes it; without its parent, ``-h`` would be missing from the help, now and ever after."""
    group = program()
    parent = click.Context(group, info_name="python main.py", **group.context_settings)
    return click.Context(command, info_name=name, parent=parent, terminal_width=width)


def _man_page() -> str:
    tree = command_tree()
    return man_page(tree, {name: _context(name, command, width=400) for name, command in tree.items()})


def _commands() -> Iterator[str]:
    for name, command in command_tree().items():
        yield from ("", f"## {name}", "", "```text", help_of(name, command), "```")


def _command_list() -> str:
    lines = ["| command | what it does |", "|---|---|"]
    lines += [f"| `{name}` | {command.get_short_help_str(200)} |" for name, command in command_tree().items()]
    return "\n".join([*lines, "", ""])


def _options_of(name: str) -> str:
    """The options of one command as a table."""
    lines = ["| option | meaning |", "|---|---|"]
    command = command_tree()[name]
    context = _context(name, command, width=400)
    for parameter in command.get_params(context):
        if isinstance(parameter, click.Option) and (record := parameter.get_help_record(context)):
            option, meaning = (" ".join(text.split()).replace("|", "\\|") for text in record)
            lines.append(f"| `{option}` | {meaning} |")
    return "\n".join([*lines, "", ""])


def _table_picture() -> str:
    """The tables with their keys and references, as a diagram that GitHub draws."""
    lines = ["```mermaid", "erDiagram"]
    lines += [
        "    movies ||--o{ credits : imdb_id",
        "    people ||--o{ credits : person_id",
        "    movies ||--o{ akas : imdb_id",
        "    movies ||--o{ ratings_history : imdb_id",
        "    movies |o--o{ charts : imdb_id",
        "    movies |o--o| my_ratings : imdb_id",
        "    movies |o--o{ movies : series_id",
    ]
    for table in Table:
        keys = [field for field in table.fields if field.name in table.key]
        lines += [f"    {table} {{", *(f"        {_diagram_type(field)} {field.name} PK" for field in keys), "    }"]
    return "\n".join([*lines, "```", ""]) + "\n"


def _diagram_type(field: Field) -> str:
    return field.type.value.replace(" ", "_")


def _dictionary() -> str:
    """Every field of every table, as the field table declares it."""
    parts = []
    for table in Table:
        parts += [f"### {table}", "", f"{table.meaning} Key: {', '.join(f'`{name}`' for name in table.key)}.", ""]
        parts += ["| field | type | meaning | sources |", "|---|---|---|---|"]
        for field in table.fields:
            required = ", required" if field.required else ""
            sources = ", ".join(source + "*" * (source in field.in_part) for source in field.sources)
            parts.append(f"| `{field.name}` | {field.type.value}{required} | {field.meaning} | {sources} |")
        parts.append("")
    return "\n".join(parts) + "\n"


def write() -> None:
    """Bring all of it up to date."""
    for name, make in WHOLE.items():
        (ROOT / name).write_text(make(), encoding="utf-8")
    for (file, name), make in PARTS.items():
        path = ROOT / file
        before, text = current(path, name), path.read_text(encoding="utf-8")
        opening = f"<!-- made from the code: {name} -->\n"
        path.write_text(text.replace(opening + before, opening + make(), 1), encoding="utf-8")


# Files made from their first to their last line, and parts of documents between two comments that name them.
WHOLE: Final[dict[str, Callable[[], str]]] = {
    ".env.example": lambda: "\n".join(env_example()) + "\n",
    "docs/architecture.svg": picture,
    "docs/filmledger.1": _man_page,
}
PARTS: Final[dict[tuple[str, str], Callable[[], str]]] = {
    ("docs/settings.md", "settings"): lambda: "\n".join(markdown()) + "\n\n",
    ("README.md", "settings"): lambda: "\n".join(markdown()).replace("\n## ", "\n### ") + "\n\n",
    ("README.md", "command list"): _command_list,
    ("README.md", "scrape options"): lambda: _options_of("scrape"),
    ("docs/data.md", "table picture"): _table_picture,
    ("docs/data.md", "dictionary"): _dictionary,
    ("docs/commands.md", "commands"): lambda: "\n".join(_commands()) + "\n",
}

if __name__ == "__main__":
    write()

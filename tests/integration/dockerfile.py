"""A Dockerfile as values: its stages with their instructions, lines joined and arguments filled in."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(slots=True)
class Stage:
    """One ``FROM`` and what follows."""

    image: str
    name: str
    instructions: list[tuple[str, str]] = field(default_factory=list)

    def all(self, keyword: str) -> list[str]:
        """The arguments of every instruction of a kind."""
        return [argument for word, argument in self.instructions if word == keyword]

    def copied(self) -> list[tuple[str, str]]:
        """What is copied out of the build context: source and target."""
        pairs = []
        for argument in self.all("COPY"):
            words = [word for word in shlex.split(argument) if not word.startswith("--")]
            if "--from" not in argument:
                pairs += [(source, words[-1]) for source in words[:-1]]
        return pairs

    def environment(self) -> dict[str, str]:
        """What its ``ENV`` lines set."""
        pairs = [word.partition("=") for argument in self.all("ENV") for word in shlex.split(argument)]
        return {name: value for name, _, value in pairs}


def stages(path: Path) -> list[Stage]:
    """The stages of a Dockerfile, those it begins from named images with their default arguments."""
    text = "\n".join(line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("#"))
    arguments: dict[str, str] = {}
    found: list[Stage] = []
    for line in re.sub(r"\\\n\s*", "", text).splitlines():
        word, _, argument = line.strip().partition(" ")
        if word == "ARG" and not found:
            name, _, default = argument.partition("=")
            arguments[name] = default
        elif word == "FROM":
            image, _, name = argument.partition(" AS ")
            found.append(Stage(re.sub(r"\$\{(\w+)\}", lambda match: arguments[match[1]], image), name))
        elif word:
            found[-1].instructions.append((word, argument))
    return found

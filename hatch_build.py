"""Builds the wheel: the top-level packages of the checkout become subpackages of ``filmledger``.

A wheel with top-level packages called ``domain`` or ``shared`` would collide
with other distributions. The hook copies the packages below ``filmledger`` and
rewrites their imports; nothing else of the code changes.
"""

from __future__ import annotations

import ast
import shutil
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

NAME = "filmledger"
PACKAGES = ("application", "domain", "infrastructure", "shared")
_INIT = f'''"""IMDb's charts and titles from Python: ``scrape``, ``parse_title``, and their types."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from {NAME}.infrastructure.api import FilmledgerError, Movie, Settings, parse_title, scrape

__all__ = ["FilmledgerError", "Movie", "Settings", "parse_title", "scrape"]


def __getattr__(name: str) -> object:
    """Imports the interface when it is used: the command line does without."""
    if name not in __all__:
        raise AttributeError(f"module {{__name__!r}} has no attribute {{name!r}}")
    from {NAME}.infrastructure import api

    return getattr(api, name)
'''
_MAIN = f'"""``python -m {NAME}``."""\n\nfrom {NAME}.main import main\n\nmain()\n'


class BundleHook(BuildHookInterface[Any]):
    """Adds the bundled packages to a wheel; a source distribution stays as the checkout is."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Prepares the package in a temporary folder.

        Raises:
            ValueError: the code cannot be rewritten, or an editable install was asked for.
        """
        if version == "editable":
            raise ValueError("an editable install is not possible: run `python main.py` in the checkout")
        self._folder = Path(tempfile.mkdtemp(prefix=f"{NAME}-"))
        bundle(Path(self.root), self._folder)
        build_data["force_include"][str(self._folder)] = NAME

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:  # noqa: ARG002 - hatch's
        """Removes the temporary folder."""
        shutil.rmtree(self._folder)


def bundle(root: Path, target: Path) -> None:
    """Writes the package that a wheel contains.

    Args:
        root: the checkout.
        target: an existing folder, which becomes the package.

    Raises:
        ValueError: an import or a name in the code cannot be rewritten; the message says where.
    """
    for package in PACKAGES:
        shutil.copytree(root / package, target / package, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
    shutil.copy(root / "main.py", target)
    for path in sorted(target.rglob("*.py")):
        path.write_text(rewritten(path.read_text(encoding="utf-8"), str(path.relative_to(target))), encoding="utf-8")
    (target / "__init__.py").write_text(_INIT, encoding="utf-8")
    (target / "__main__.py").write_text(_MAIN, encoding="utf-8")
    (target / "py.typed").touch()


def rewritten(source: str, name: str) -> str:
    """The module with its imports below ``filmledger``, and with the installed command in its texts.

    Raises:
        ValueError: it imports a package of ours in a form that cannot be rewritten, or names one in a string.
    """
    lines = source.splitlines(keepends=True)
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.level == 0 and _is_ours(node.module or ""):
            line = lines[node.lineno - 1]
            start, rest = line[: node.col_offset], line[node.col_offset :]
            lines[node.lineno - 1] = start + rest.replace(f"from {node.module}", f"from {NAME}.{node.module}", 1)
        if isinstance(node, ast.Import) and (ours := [each.name for each in node.names if _is_ours(each.name)]):
            raise ValueError(f"{name}:{node.lineno}: write `from … import`, not `import {ours[0]}`")
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and _is_module(node.value):
            raise ValueError(f"{name}:{node.lineno}: derive {node.value!r} from __package__")
    return "".join(lines).replace("python main.py", NAME)


def _is_ours(module: str) -> bool:
    return module.partition(".")[0] in PACKAGES


def _is_module(text: str) -> bool:
    """Whether a string, or the beginning of an f-string, is the dotted name of a module of ours."""
    _, dot, rest = text.partition(".")
    return bool(dot) and _is_ours(text) and all(part.isidentifier() for part in rest.split(".") if part)

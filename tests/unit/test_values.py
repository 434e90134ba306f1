"""Classes of values are what CONTRIBUTING.md says: a dataclass takes half a millisecond of every start."""

from __future__ import annotations

import re

from tests.conftest import ROOT

_DATACLASS = re.compile(  # with its body
    r"^@dataclass\b.*\nclass (\w+)(?:.*\n)(?:(?:[ )].*)?\n)*", re.MULTILINE
)
_WITHOUT_PACKAGES = "infrastructure/stores/embedded/"  # the supervisor runs with the standard library alone
_NEEDED = re.compile(r"= field\(.*\b(?:repr|init)=False")  # hidden, or set later: a Struct has neither


def test_infrastructure_has_a_dataclass_only_where_a_struct_cannot_be() -> None:
    found = {
        f"{path.relative_to(ROOT).as_posix()}: {match[1]}": match[0]
        for path in sorted((ROOT / "infrastructure").rglob("*.py"))
        for match in _DATACLASS.finditer(path.read_text("utf-8"))
    }
    assert "infrastructure/http/options.py: NetworkOptions" in found
    others = {name for name, text in found.items() if not _NEEDED.search(text)}
    assert {name for name in others if not name.startswith(_WITHOUT_PACKAGES)} == set()

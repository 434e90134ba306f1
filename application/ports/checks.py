"""Results of ``doctor``."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The result of one check; ``advice`` is what to do, empty if nothing."""

    subject: str
    ok: bool
    detail: str
    advice: str = ""

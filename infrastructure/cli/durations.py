"""Durations as users type them: ``12h``, ``90s``, ``7d``."""

from __future__ import annotations

import re
from datetime import timedelta

import click

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


class Duration(click.ParamType[timedelta]):
    """A number with a unit."""

    name = "duration"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        """Converts the text.

        Raises:
            click.BadParameter: it is not a duration.
        """
        match = re.fullmatch(r"(\d{1,6}(?:\.\d+)?)\s*([smhdw])", str(value).strip())
        if match is None:
            self.fail(f"{value!r} is not a number with s, m, h, d or w, such as 12h", param, ctx)
        return timedelta(**{_UNITS[match[2]]: float(match[1])})

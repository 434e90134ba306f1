"""The options of a demo site."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec.structs import asdict


class DemoOptions(msgspec.Struct, frozen=True):
    """How to serve.

    Attributes:
        port: 0 takes a free one.
        count: titles in the Top 250 chart; the other charts are cut to as many.
        day: number of days after the first: charts, ratings and votes change from day to day.
        latency: seconds before every answer.
        page_kb: size of a title page before compression; never less than its own content, about 33.
        seed: another seed gives other titles.
        public_url: the site's public address, for poster addresses; by default host and port.
        prepare: number of title pages rendered before the site is ready.
        faults: faults, each in the form of ``DemoFault.parse``.

    Raises:
        ValueError: a number is out of range.
    """

    host: str = "127.0.0.1"
    port: int = 0
    count: int = 250
    latency: float = 0.0
    page_kb: int = 1600
    seed: int = 1
    public_url: str | None = None
    prepare: int = 0
    faults: tuple[str, ...] = ()
    day: int = 0

    def __post_init__(self) -> None:
        for name, value, least, most in (
            ("port", self.port, 0, 65535),
            ("count", self.count, 1, 1_000_000),
            ("latency", self.latency, 0, 600),
            ("page_kb", self.page_kb, 0, 100_000),
            ("day", self.day, 0, 3_900),
        ):
            if not least <= value <= most:
                raise ValueError(f"{name} {value} is outside {least} to {most}")

    def to_json(self) -> dict[str, Any]:
        """Gives plain values, for the command line of a child process."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> DemoOptions:
        """Reads what ``to_json`` gives."""
        return cls(**{**values, "faults": tuple(values.get("faults", ()))})

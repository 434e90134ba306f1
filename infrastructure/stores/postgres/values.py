"""Values as people read them, whatever type the database gives them."""

from __future__ import annotations

import json
import re
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from application.ports import Value
from application.records import timestamp

CANONICAL_TIME: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z")
"""What ``application.records.timestamp`` makes. PostgreSQL takes others too, as infinity."""


def shown(value: Any) -> Value:
    """Numbers and text stay what they are; the rest becomes text."""
    match value:
        case None | str() | int() | float() | Decimal():
            return value
        case datetime() if value.tzinfo is not None:
            return timestamp(value)
        case date():
            return value.isoformat()
        case list() | dict():
            return json.dumps(value, ensure_ascii=False, default=str)
        case memoryview():
            return "\\x" + bytes(value).hex()
    return str(value)

"""Values as people read them, whatever type the database gives them."""

from __future__ import annotations

import json
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from application.ports import Value
from application.records import timestamp


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

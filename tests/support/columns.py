"""The columns of PostgreSQL's tables by the field table, which the migrations must agree with."""

from __future__ import annotations

from typing import Final

from domain.fields import INT32_MAX, INT64_MAX, Field, FieldType, Table
from infrastructure.stores.postgres.statements import FIRST_MOMENT, LAST_MOMENT, column_type

_PREFIXES: Final = {FieldType.TITLE_ID: "tt", FieldType.NAME_ID: "nm"}
_LARGEST: Final = {FieldType.INTEGER: INT32_MAX, FieldType.BIGINT: INT64_MAX}


def definition(table: Table, field: Field) -> str:
    """One column as CREATE TABLE takes it, without its keys."""
    condition = _check(field)
    required = " NOT NULL" if field.required else ""
    named = "" if condition is None else f" CONSTRAINT {table}_{field.name}_check CHECK ({condition})"
    return f"{field.name} {column_type(table, field)}{required}{named}"


def _check(field: Field) -> str | None:
    """The condition that keeps a column within the limits of its field; ``None`` where the type is enough.

    Conditions avoid regular expressions where possible: they would take a tenth of a save's time.
    """
    name = field.name
    match field.type:
        case FieldType.TEXT:
            return rf"btrim({name}, E' \t\r\n') <> ''" if field.required else f"{name} <> ''"
        case FieldType.TITLE_ID | FieldType.NAME_ID:
            return (
                f"starts_with({name}, '{_PREFIXES[field.type]}') AND length({name}) BETWEEN 9 AND 12"
                f" AND translate(substr({name}, 3), '0123456789', '') = ''"
            )
        case FieldType.PARTIAL_DATE:
            return f"{name} ~ '^[0-9]{{4}}(-(0[1-9]|1[0-2])(-(0[1-9]|[12][0-9]|3[01]))?)?$'"
        case FieldType.TEXT_LIST:
            filled = "" if field.keep_empty else f"cardinality({name}) > 0 AND "
            return f"{filled}array_position({name}, '') IS NULL AND array_position({name}, NULL) IS NULL"
        case FieldType.DATE:
            return f"{name} BETWEEN DATE '0001-01-01' AND DATE '9999-12-31'"
        case FieldType.TIMESTAMP:
            return f"{name} BETWEEN TIMESTAMPTZ '{FIRST_MOMENT}' AND TIMESTAMPTZ '{LAST_MOMENT}'"
        case FieldType.INTEGER | FieldType.BIGINT | FieldType.DECIMAL:
            if field.maximum == _LARGEST.get(field.type):
                return f"{name} >= {field.minimum}"
            return f"{name} BETWEEN {field.minimum} AND {field.maximum}"
    return None

"""Formats a log record as a line."""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import Mapping
from datetime import UTC, datetime

from shared.masking import mask
from shared.printable import printable


def message_of(record: logging.LogRecord) -> str:
    """The message with its arguments, masked and printable."""
    try:
        text = record.getMessage()
    except Exception as error:  # noqa: BLE001 - a wrong format string must not end the job that logs
        text = f"{record.msg!r} with arguments {record.args!r} ({error})"
    return printable(mask(text))


def traceback_of(record: logging.LogRecord) -> str:
    """The traceback of the record's exception, masked; empty if there is none."""
    if not record.exc_info or record.exc_info[0] is None:
        return ""
    return printable(mask("".join(traceback.format_exception(*record.exc_info)))).rstrip("\n")


def screen_line(record: logging.LogRecord, job: str, *, tracebacks: bool) -> str:
    """``12:30:01 WARNING tt0000001: message``; a message that begins with its job's name is not prefixed again."""
    moment = datetime.fromtimestamp(record.created, UTC).astimezone()
    message = message_of(record)
    who = f" {job}:" if job and not message.startswith(job) else ""
    line = f"{moment:%H:%M:%S} {record.levelname}{who} {message}"
    return _indented(line, traceback_of(record) if tracebacks else "")


def text_line(record: logging.LogRecord, job: str, run: str) -> str:
    """``2026-01-01T12:30:01.123Z WARNING run=4f5a job=tt0000001 [worker_3] infrastructure.http: message``"""
    line = (
        f"{_stamp(record)} {record.levelname} run={run or '-'} job={job or '-'} "
        f"[{record.threadName}] {record.name}: {message_of(record)}"
    )
    return _indented(line, traceback_of(record))


def json_line(record: logging.LogRecord, job: str, run: str) -> str:
    """One JSON object: ts, level, run, job, and an event with its fields, or else logger, thread and message.

    A record of an exception has its traceback too.
    """
    fields: dict[str, object] = {
        "ts": _stamp(record),
        "level": record.levelname,
        "run": run or None,
        "job": job or None,
    }
    if event := getattr(record, "event", None):
        fields |= {"event": event} | _masked(getattr(record, "fields", {}))
    else:
        fields |= {"logger": record.name, "thread": record.threadName, "message": message_of(record)}
    if trace := traceback_of(record):
        fields["traceback"] = trace
    return json.dumps(fields, separators=(",", ":"))


def _masked(fields: Mapping[str, object]) -> dict[str, object]:
    return {name: printable(mask(value)) if isinstance(value, str) else value for name, value in fields.items()}


def _stamp(record: logging.LogRecord) -> str:
    moment = datetime.fromtimestamp(record.created, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _indented(line: str, trace: str) -> str:
    """Indents all lines but the first, so that no message can look like another record."""
    text = f"{line}\n{trace}" if trace else line
    return text.replace("\n", "\n    ")

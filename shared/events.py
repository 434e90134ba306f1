"""Log records for programs: an event with fields, and a message for people."""

from __future__ import annotations

import logging


def log_event(log: logging.Logger, event: str, message: str, *arguments: object, **fields: object) -> None:
    """Logs at INFO; a JSON log file has the event and the fields, a text log file the message.

    Args:
        event: such as ``title_saved``.
        message, arguments: as for ``log.info``.
        fields: JSON values.
    """
    log.info(message, *arguments, extra={"event": event, "fields": fields})

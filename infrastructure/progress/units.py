"""Formats numbers, durations and times for people."""

from __future__ import annotations

from datetime import datetime


def percent(part: int, whole: int) -> int:
    """Whole percent, rounded down: 100 only if the part is the whole."""
    return 100 if whole <= 0 else max(0, min(part, whole)) * 100 // whole


def rate(per_second: float) -> str:
    """``12.3/s``; below one per second ``30.0/min``."""
    return f"{per_second:.1f}/s" if per_second >= 1 or per_second == 0 else f"{per_second * 60:.1f}/min"


def size(count: float) -> str:
    """Bytes in decimal units: ``1.6 MB``."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


def duration(seconds: float) -> str:
    """``0:14``, ``1:02:03``, ``2 d 03:00``: rounded to seconds, from a day on to minutes."""
    minutes, second = divmod(round(seconds), 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    if days:
        return f"{days} d {hour:02}:{minute:02}"
    return f"{hour}:{minute:02}:{second:02}" if hour else f"{minute}:{second:02}"


def elapsed(seconds: float) -> str:
    """``1.9 s`` below a minute, else as ``duration``."""
    return f"{seconds:.1f} s" if seconds < 59.95 else duration(seconds)


def local_time(moment: datetime | None) -> str:
    """``2026-01-31 14:05:09 +01:00``: local time with its offset from UTC."""
    if moment is None:
        return "unknown"
    return moment.astimezone().isoformat(" ", "seconds").replace("+", " +").replace("-00:00", " +00:00")

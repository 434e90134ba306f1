"""How figures are written for people."""

from __future__ import annotations


def percent(part: int, whole: int) -> int:
    """Whole percent, rounded down in integers: 29 of 100 is 29, and 100 only when all is done."""
    return 100 if whole <= 0 else max(0, min(part, whole)) * 100 // whole


def rate(per_second: float) -> str:
    """``12.3/s``, or by the minute where that reads better."""
    return f"{per_second:.1f}/s" if per_second >= 1 or per_second == 0 else f"{per_second * 60:.1f}/min"


def size(count: float) -> str:
    """Bytes in decimal units: ``1.6 MB``."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


def duration(seconds: float) -> str:
    """``0:14``, ``1:02:03``, ``2 d 03:00``: rounded to seconds, then to minutes."""
    minutes, second = divmod(round(seconds), 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    if days:
        return f"{days} d {hour:02}:{minute:02}"
    return f"{hour}:{minute:02}:{second:02}" if hour else f"{minute}:{second:02}"

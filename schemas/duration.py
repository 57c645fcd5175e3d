"""Durations as people write them: `30m`, `7d`, `1d12h`."""

from __future__ import annotations

import re

from schemas.timestamps import DAY_US, HOUR_US, MINUTE_US, SECOND_US

_UNITS = {"w": 7 * DAY_US, "d": DAY_US, "h": HOUR_US, "m": MINUTE_US, "s": SECOND_US}
_DURATION = re.compile(r"(?:\d{1,6}[wdhms])+", re.ASCII)
_PART = re.compile(r"(\d+)([wdhms])")


def parse_duration(text: str) -> int:
    """The microseconds of a duration.

    Raises:
        ValueError: the text is no sequence of whole numbers, each with one of w, d, h, m, s.
    """
    if not _DURATION.fullmatch(text):
        raise ValueError(f"expected a duration such as 30m, 12h or 7d, found {text!r}")
    return sum(int(number) * _UNITS[unit] for number, unit in _PART.findall(text))


def format_duration(duration_us: int) -> str:
    """The shortest exact text of a duration of whole seconds: 90 minutes are `1h30m`."""
    seconds = duration_us // SECOND_US
    parts = []
    for unit in "dhms":
        size = _UNITS[unit] // SECOND_US
        if seconds >= size:
            parts.append(f"{seconds // size}{unit}")
            seconds %= size
    return "".join(parts) or "0s"

"""Times as microseconds since 1970-01-01T00:00:00Z, and RFC 3339 text."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import msgspec

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NAIVE_EPOCH = datetime(1970, 1, 1)
MICROSECOND = timedelta(microseconds=1)
SECOND_US = 1_000_000
MINUTE_US = 60 * SECOND_US
HOUR_US = 60 * MINUTE_US
DAY_US = 24 * HOUR_US

_RFC3339 = re.compile(r"(\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:)(\d{2})(\.\d+)?([Zz]|[+-]\d{2}:\d{2})", re.ASCII)
_LEAP_SECOND = "60"


def parse_rfc3339(text: str) -> int:
    """The microseconds of an RFC 3339 timestamp, digits past the sixth rounded.

    A leap second (`:60`) counts as the first instant of the next minute.

    Raises:
        ValueError: the text is no RFC 3339 timestamp, or names no instant.
    """
    if len(text) >= 20 and text[10] == "T" and text[-1] == "Z":
        moment = _convert(text)
        if moment is not None:
            return (moment - EPOCH) // MICROSECOND
    match = _RFC3339.fullmatch(text)
    if match is not None:
        start, second, _, zone = match.groups()
        leap = second == _LEAP_SECOND
        moment = _convert(f"{start}59{zone}" if leap else text)
        if moment is not None:
            return (moment - EPOCH) // MICROSECOND + (SECOND_US if leap else 0)
    raise ValueError(f"expected an RFC 3339 timestamp such as 2026-01-31T09:30:00Z, found {text[:60]!r}")


def _convert(text: str) -> datetime | None:
    try:
        return msgspec.convert(text, datetime)
    except msgspec.ValidationError:
        return None


def format_rfc3339(time_us: int) -> str:
    """RFC 3339 in UTC with six fractional digits: text that sorts as the times do."""
    return (_NAIVE_EPOCH + timedelta(microseconds=time_us)).isoformat(timespec="microseconds") + "Z"


def datetime_us(moment: datetime) -> int:
    """The microseconds of an aware datetime."""
    return (moment - EPOCH) // MICROSECOND

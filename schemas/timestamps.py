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
_CACHED_MINUTES = 100_000
_MINUTES: dict[str, int] = {}
# By the length of a timestamp of 0, 3 or 6 fractional digits: what follows its seconds, and what makes
# its digits six.
_SHAPES = {20: ("Z", "000000"), 24: (".", "000"), 27: (".", "")}
# Minutes since the epoch, and their text up to the seconds; what a second and three digits are written as.
_MINUTE_TEXTS: dict[int, str] = {}
_SECOND_TEXTS = tuple(f"{second:02d}." for second in range(60))
_DIGITS = tuple(f"{digits:03d}" for digits in range(1000))


def parse_rfc3339(text: str) -> int:
    """The microseconds of an RFC 3339 timestamp, digits past the sixth rounded.

    A leap second (`:60`) counts as the first instant of the next minute.

    Raises:
        ValueError: the text is no RFC 3339 timestamp, or names no instant.
    """
    minute_us = _MINUTES.get(text[:17])
    if minute_us is not None and (shape := _SHAPES.get(len(text))) is not None:
        # Most timestamps share their minute with others, and differ in a few digits.
        point, padding = shape
        digits = f"{text[17:19]}{text[20:-1]}{padding}"
        if digits.isdecimal() and text.isascii() and digits < "60" and text[19] == point and text[-1] == "Z":
            return minute_us + int(digits)
    match = _RFC3339.fullmatch(text)
    if match is not None:
        start, second, _, zone = match.groups()
        leap = second == _LEAP_SECOND
        moment = _convert(f"{start}59{zone}" if leap else text)
        if moment is not None:
            time_us = (moment - EPOCH) // MICROSECOND + (SECOND_US if leap else 0)
            if zone == "Z" and not leap and len(text) in _SHAPES:
                if len(_MINUTES) >= _CACHED_MINUTES:
                    _MINUTES.clear()
                _MINUTES[start] = time_us - time_us % MINUTE_US
            return time_us
    raise ValueError(f"expected an RFC 3339 timestamp such as 2026-01-31T09:30:00Z, found {text[:60]!r}")


def _convert(text: str) -> datetime | None:
    try:
        return msgspec.convert(text, datetime)
    except msgspec.ValidationError:
        return None


def format_rfc3339(time_us: int) -> str:
    """RFC 3339 in UTC with six fractional digits: text that sorts as the times do.

    Raises:
        OverflowError: the time lies outside the years 1 to 9999.
    """
    minute = time_us // MINUTE_US
    rest_us = time_us % MINUTE_US
    start = _MINUTE_TEXTS.get(minute) or _minute_text(minute)
    fraction_us = rest_us % SECOND_US
    return (
        f"{start}{_SECOND_TEXTS[rest_us // SECOND_US]}"
        f"{_DIGITS[fraction_us // 1000]}{_DIGITS[fraction_us % 1000]}Z"
    )


def _minute_text(minute: int) -> str:
    text = (_NAIVE_EPOCH + timedelta(minutes=minute)).isoformat()[:17]
    if len(_MINUTE_TEXTS) >= _CACHED_MINUTES:
        _MINUTE_TEXTS.clear()
    _MINUTE_TEXTS[minute] = text
    return text


def datetime_us(moment: datetime) -> int:
    """The microseconds of an aware datetime."""
    return (moment - EPOCH) // MICROSECOND

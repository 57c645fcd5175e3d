"""Times of day and timestamps: from text and microseconds to canonical text.

Fractions of a second finer than the type are rounded, half up.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Annotated, Final

import msgspec

from schemas.timestamps import DAY_US, MINUTE_US, SECOND_US, datetime_us, parse_rfc3339

_EPOCH: Final = datetime(1970, 1, 1)
_AWARE: Final = Annotated[datetime, msgspec.Meta(tz=True)]
_LOCAL: Final = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:[0-5]\d)(?:\.(\d+))?", re.ASCII)
_CLOCK: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d):([0-5]\d)(?:\.(\d+))?", re.ASCII)
_UTC: Final = re.compile(
    r"(?!0000)\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,6})?Z",
    re.ASCII,
)
# What makes the digits of a second six, by the length of the text, in the most usual cases.
_PADDING: Final = {20: ".000000Z", 24: "000Z", 27: "Z"}


@lru_cache(1 << 14)
def _minute_text(minute: int) -> str:
    """`YYYY-MM-DDTHH:MM:` of a minute since the epoch: events come close together in time."""
    return (_EPOCH + timedelta(0, 60 * minute)).isoformat()[:17]


def local_text(time_us: int) -> str:
    """`YYYY-MM-DDTHH:MM:SS.ffffff` of microseconds since the epoch; ValueError outside of years 1 to 9999."""
    minute, rest_us = divmod(time_us, MINUTE_US)
    digits = str(rest_us + 100_000_000)
    try:
        return f"{_minute_text(minute)}{digits[1:3]}.{digits[3:]}"
    except OverflowError as error:
        raise ValueError from error


def clock_text(time_us: int) -> str:
    """`HH:MM:SS.ffffff` of microseconds since midnight; ValueError outside of a day."""
    if not 0 <= time_us < DAY_US:
        raise ValueError
    return local_text(time_us)[11:]


def timestamp_text(time_us: int) -> str:
    """RFC 3339 in UTC with six digits; ValueError outside of years 1 to 9999."""
    return local_text(time_us) + "Z"


def _rounded(time_us: int, unit_us: int) -> int:
    """The nearest multiple of the unit, the later of two."""
    return (time_us + unit_us // 2) // unit_us * unit_us


def _fraction_us(digits: str | None, unit_us: int) -> int:
    """A second's decimal digits in microseconds, rounded to the unit, half up."""
    tenths = int((digits or "0")[:7].ljust(7, "0"))
    return _rounded(tenths, 10 * unit_us) // 10


def instant_of(moment: datetime, unit_us: int) -> int:
    """The microseconds of an aware datetime, rounded to the unit, half up."""
    return _rounded(datetime_us(moment), unit_us)


def _parse_instant(text: str) -> int:
    """The microseconds of RFC 3339 text, or of ISO 8601 text that differs from it in an offset without
    a colon or a blank for the `T`; digits past the sixth are rounded."""
    try:
        return parse_rfc3339(text)
    except ValueError:
        try:
            return datetime_us(msgspec.convert(text, _AWARE))
        except msgspec.ValidationError:
            raise ValueError(text) from None


def read_timestamp(unit_us: int) -> Callable[[str], str]:
    """The function from RFC 3339 text to the canonical text, to the unit; it raises ValueError."""

    exact = 27 if unit_us == 1 else 24

    def read(text: str) -> str:
        size = len(text)
        if size <= exact and _UTC.fullmatch(text):
            if text[8:10] > "28":
                date.fromisoformat(text[:10])
            padding = _PADDING.get(size)
            return f"{text[:19]}.{text[20:-1]:0<6}Z" if padding is None else text[:-1] + padding
        return timestamp_text(_rounded(_parse_instant(text), unit_us))

    return read


def read_local(unit_us: int) -> Callable[[str], str]:
    """The function from a date and time without a zone to the canonical text; it raises ValueError."""

    def read(text: str) -> str:
        match = _LOCAL.fullmatch(text)
        if match is None:
            raise ValueError
        moment, fraction = match.groups()
        since = datetime.fromisoformat(moment) - _EPOCH
        return local_text((since.days * 86_400 + since.seconds) * SECOND_US + _fraction_us(fraction, unit_us))

    return read


def read_clock(unit_us: int) -> Callable[[str], str]:
    """The function from `HH:MM:SS`, with digits or without, to the canonical text; it raises ValueError."""

    def read(text: str) -> str:
        match = _CLOCK.fullmatch(text)
        if match is None:
            raise ValueError
        hours, minutes, seconds, fraction = match.groups()
        whole = (int(hours) * 60 + int(minutes)) * 60 + int(seconds)
        return clock_text(whole * SECOND_US + _fraction_us(fraction, unit_us))

    return read

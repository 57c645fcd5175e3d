"""Times of logs: text, numbers and datetimes to microseconds, with the gaps and repeats of local clocks."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from schemas.mapping import Clock
from schemas.timestamps import SECOND_US, datetime_us, format_rfc3339

_EPOCH_UNITS = {"epoch_s": SECOND_US, "epoch_ms": 1000, "epoch_us": 1}
_NUMBER = re.compile(r"[+-]?\d{1,20}(?:\.\d{1,20})?", re.ASCII)
_CACHED_TIMES = 1 << 16


def time_reader(clock: Clock) -> Callable[[Any], int]:
    """A function from a value of a log to microseconds; it raises ValueError with what was expected.

    Texts are remembered, since logs repeat their times and their days.
    """
    zone = None if clock.zone is None else ZoneInfo(clock.zone)
    unit_us = _EPOCH_UNITS.get(clock.format)

    def of_datetime(moment: datetime) -> int:
        if moment.tzinfo is not None:
            return _in_range(datetime_us(moment))
        if zone is None:
            raise ValueError(f"expected a time with its offset, found {moment}: name the zone in the mapping")
        return _in_range(_local_us(moment, zone, clock))

    @lru_cache(maxsize=_CACHED_TIMES)
    def of_text(text: str) -> int:
        if unit_us is not None:
            if not _NUMBER.fullmatch(text):
                raise ValueError(f"expected {clock.format}, found {text!r}")
            return _in_range(int(Decimal(text) * unit_us // 1))
        return of_datetime(_parse(text, clock.format))

    def read(value: Any) -> int:
        if isinstance(value, str):
            return of_text(value.strip())
        if isinstance(value, datetime):
            return of_datetime(value)
        if isinstance(value, date):
            return of_datetime(datetime(value.year, value.month, value.day))
        return of_text(_number_text(value, clock.format))

    return read


def date_reader(clock: Clock) -> Callable[[Any], str]:
    """A function from a value of a log to `YYYY-MM-DD`; it raises ValueError with what was expected."""

    @lru_cache(maxsize=_CACHED_TIMES)
    def of_text(text: str) -> str:
        return _parse(text, clock.format).date().isoformat()

    def read(value: Any) -> str:
        if isinstance(value, datetime):
            return value.date().isoformat()
        if isinstance(value, date):
            return value.isoformat()
        if isinstance(value, str):
            return of_text(value.strip())
        return of_text(_number_text(value, clock.format))

    return read


def _number_text(value: Any, form: str) -> str:
    # A fraction has its shortest text; a number such as 20260102 may be a date by strptime's rules.
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal) or form == "iso":
        raise ValueError(f"expected {form} time, found {value!r}")
    return format(Decimal(repr(value)) if isinstance(value, float) else Decimal(value), "f")


def _parse(text: str, form: str) -> datetime:
    try:
        return datetime.fromisoformat(text) if form == "iso" else datetime.strptime(text, form)
    except ValueError as error:
        expected = "an ISO 8601 time" if form == "iso" else f"a time as {form}"
        raise ValueError(f"expected {expected}, found {text!r}") from error


def _local_us(moment: datetime, zone: ZoneInfo, clock: Clock) -> int:
    earlier = moment.replace(tzinfo=zone, fold=0)
    later = moment.replace(tzinfo=zone, fold=1)
    before = earlier.utcoffset() or timedelta()
    after = later.utcoffset() or timedelta()
    if before == after:
        return datetime_us(earlier.astimezone(UTC))
    if before > after:
        # The clock went back: the same reading occurs twice.
        if clock.ambiguous == "reject":
            raise ValueError(f"expected one instant, found {moment} that {zone.key} had twice")
        return datetime_us((earlier if clock.ambiguous == "earlier" else later).astimezone(UTC))
    # The clock went forward: the reading never occurred; the offset from before the gap shifts it on.
    if clock.nonexistent == "reject":
        raise ValueError(f"expected a time that occurred, found {moment} that {zone.key} jumped over")
    return datetime_us(earlier.astimezone(UTC))


def _in_range(time_us: int) -> int:
    try:
        format_rfc3339(time_us)
    except OverflowError as error:
        raise ValueError(f"expected a year from 1 to 9999, found {time_us} µs") from error
    return time_us

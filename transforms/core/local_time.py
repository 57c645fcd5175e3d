"""Clock times in a time zone, and the moments at which its clocks show them."""

from __future__ import annotations

import re
from datetime import datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from schemas.timestamps import EPOCH, datetime_us

MINUTES_OF_DAY = 24 * 60


@lru_cache(maxsize=1 << 10)
def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (ValueError, KeyError, OSError):
        return None


def is_zone(name: str) -> bool:
    """Whether it is the name of a time zone."""
    return _zone(name) is not None


def zone_of(name: object, otherwise: str) -> ZoneInfo:
    """The time zone of a name that a person gave; another one where it is none."""
    zone = _zone(name) if isinstance(name, str) else None
    return ZoneInfo(otherwise) if zone is None else zone


def clock_minute(text: object) -> int | None:
    """The minute of the day of a clock time that a person gave, such as `21:00`; None where it is none."""
    if not isinstance(text, str):
        return None
    match = re.fullmatch(r"([01]?[0-9]|2[0-3]):([0-5][0-9])", text, re.ASCII)
    return None if match is None else int(match[1]) * 60 + int(match[2])


def local_minute(time_us: int, zone: ZoneInfo) -> int:
    """The minute of the day that clocks of a zone show."""
    local = _local(time_us, zone)
    return local.hour * 60 + local.minute


def local_weekday(time_us: int, zone: ZoneInfo) -> int:
    """The day of the week in a zone, Monday is 0."""
    return _local(time_us, zone).weekday()


def next_local(time_us: int, minute: int, zone: ZoneInfo) -> int:
    """The first moment after a time at which clocks of a zone show a minute of the day, in microseconds.

    A time that a change to summer time leaves out comes as much later as the clocks are put forward; of one
    that comes twice the first counts.
    """
    day = _local(time_us, zone).date()
    while True:
        moment = datetime.combine(day, time(minute // 60, minute % 60), zone)
        if (moment_us := datetime_us(moment)) > time_us:
            return moment_us
        day += timedelta(days=1)


def _local(time_us: int, zone: ZoneInfo) -> datetime:
    return (EPOCH + timedelta(microseconds=time_us)).astimezone(zone)

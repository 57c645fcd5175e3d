"""Clock times in a time zone, and the moments at which its clocks show them."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from schemas.timestamps import EPOCH, datetime_us

MINUTES_OF_DAY = 24 * 60


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

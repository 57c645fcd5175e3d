"""When things happen: the times of a firehose in order, busier by day than by night."""

from __future__ import annotations

from collections.abc import Sequence

from schemas.timestamps import HOUR_US, MINUTE_US, SECOND_US, format_rfc3339

_CACHED = 20_000


class Clock:
    """Spreads `count` instants over a period, in order.

    Args:
        start_us: the period's first instant.
        days: its length, rounded to whole hours, at least one.
        hours: how busy each hour of the UTC day is; 24 weights, not all 0.
    """

    def __init__(self, count: int, start_us: int, days: float, hours: Sequence[float]) -> None:
        self.hours = max(1, round(days * 24))
        first = start_us // HOUR_US % 24
        self._start_us = start_us
        self._weights = [hours[(first + hour) % 24] for hour in range(self.hours)]
        if not any(self._weights):
            self._weights = [1.0] * self.hours
        self._per_step = sum(self._weights) / max(count, 1)
        self._hour = 0
        self._passed = 0.0

    def at(self, index: int, fraction: float) -> int:
        """The instant of a step, in microseconds; `fraction` (0 to 1) places it inside the step.

        Indexes must not fall from call to call.
        """
        position = (index + fraction) * self._per_step
        last = self.hours - 1
        while position >= self._passed + self._weights[self._hour] and self._hour < last:
            self._passed += self._weights[self._hour]
            self._hour += 1
        share = min((position - self._passed) / (self._weights[self._hour] or 1.0), 1.0)
        return self._start_us + self._hour * HOUR_US + int(share * (HOUR_US - 1))


class TimeText:
    """RFC 3339 with six digits, as `format_rfc3339` writes it, with the minutes kept."""

    def __init__(self) -> None:
        self._minutes: dict[int, str] = {}

    def __call__(self, time_us: int) -> str:
        """The text of a time in microseconds."""
        minute, rest = divmod(time_us, MINUTE_US)
        prefix = self._minutes.get(minute)
        if prefix is None:
            if len(self._minutes) >= _CACHED:
                self._minutes.clear()
            prefix = self._minutes[minute] = format_rfc3339(minute * MINUTE_US)[:17]
        return f"{prefix}{rest // SECOND_US:02d}.{rest % SECOND_US:06d}Z"

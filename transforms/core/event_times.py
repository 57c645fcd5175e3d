"""The times of an event: when it happened, and when it was published."""

from __future__ import annotations

from schemas.dead_letter import DeadLetterError
from schemas.timestamps import HOUR_US, format_rfc3339, parse_rfc3339
from transforms.core.envelope import Envelope
from transforms.core.refused import refused

MAX_AHEAD_US = HOUR_US
# What is reckoned from a time, the end of a wait or an expiry, still has a date.
_FIRST_US = parse_rfc3339("0001-01-01T00:00:00Z")
_LAST_US = parse_rfc3339("9000-01-01T00:00:00Z")


def read_times(envelope: Envelope, publish_us: int | None, earliest_us: int) -> tuple[int, int]:
    """Event time and publish time in microseconds.

    Args:
        publish_us: the broker's publish time; without it the attribute `publishtime` stands in, or else
            the event's time, for which it stands in, in turn.
        earliest_us: how long before its publish time an event may lie.

    Raises:
        Refused: a time is no timestamp, is missing, or lies out of bounds.
    """
    time_us = None if envelope.time is None else read_time(envelope, "time", envelope.time)
    if publish_us is None and envelope.publishtime is not None:
        publish_us = read_time(envelope, "publishtime", envelope.publishtime)
    if publish_us is None:
        publish_us = time_us
    if publish_us is None:
        raise refused(
            DeadLetterError.MISSING_ATTRIBUTE,
            "time: expected a time, since the message has no publish time to stand in, found none",
            envelope.type,
        )
    if time_us is None:
        time_us = publish_us
    if time_us > publish_us + MAX_AHEAD_US:
        raise refused(
            DeadLetterError.IN_THE_FUTURE,
            f"time: expected at most 1 h after the publish time {format_rfc3339(publish_us)}, "
            f"found {format_rfc3339(time_us)}",
            envelope.type,
        )
    if time_us < publish_us - earliest_us:
        raise refused(
            DeadLetterError.TOO_OLD,
            f"time: expected {format_rfc3339(max(_FIRST_US, publish_us - earliest_us))} or later, "
            f"found {format_rfc3339(time_us)}",
            envelope.type,
        )
    return time_us, publish_us


def read_time(envelope: Envelope, name: str, text: str) -> int:
    """The microseconds of an attribute.

    Raises:
        Refused: it is no timestamp, or lies out of bounds.
    """
    try:
        time_us = parse_rfc3339(text)
    except ValueError as error:
        raise refused(DeadLetterError.INVALID_ATTRIBUTE, f"{name}: {error}", envelope.type) from None
    if not _FIRST_US <= time_us < _LAST_US:
        raise refused(
            DeadLetterError.INVALID_ATTRIBUTE,
            f"{name}: expected a time in the years 1 to 8999 in UTC, found {text[:60]!r}",
            envelope.type,
        )
    return time_us

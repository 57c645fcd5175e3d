"""The kinds of values in a workspace's files: durations, times, names, each with its own message."""

from __future__ import annotations

import functools
import re
import zoneinfo
from collections.abc import Callable
from datetime import date
from typing import Annotated, Any, TypeGuard

import phonenumbers
from pydantic import Discriminator, Field, PlainValidator, StringConstraints, Tag, WithJsonSchema

from schemas.duration import format_duration, parse_duration
from schemas.timestamps import DAY_US, MINUTE_US, SECOND_US, parse_rfc3339
from schemas.workspace.phrases import found, remedy

MAX_DURATION_US = 36_500 * DAY_US
MAX_LOOKBACK_US = 3_650 * DAY_US
DURATION_PATTERN = "^([0-9]{1,6}[wdhms])+$"
CLOCK_PATTERN = "^([01][0-9]|2[0-3]):([0-5][0-9])$"
LANGUAGE_PATTERN = "^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$"
TIME_PATTERN = r"^\d{4}-\d{2}-\d{2}([Tt]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2}))?$"


def duration_us(value: Any, least_us: int, most_us: int) -> int:
    """The microseconds of a duration as the file has it.

    Raises:
        ValueError: it is no duration, or lies outside the bounds; says so in one sentence.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        raise ValueError(
            f"expected a duration with its unit, found the number {value}; "
            f"write {value}s, {value}m, {value}h or {value}d"
        )
    if not isinstance(value, str):
        raise ValueError(f"expected a duration such as 30m, 12h or 7d, found {found(value)}")
    duration = parse_duration(value)
    if not least_us <= duration <= most_us:
        bounds = f"from {format_duration(least_us)} to {format_duration(most_us)}"
        raise ValueError(f"expected a duration {bounds}, found {value}")
    return duration


def time_us(value: Any) -> int:
    """The microseconds of a date (its midnight in UTC) or an RFC 3339 time.

    Raises:
        ValueError: it is neither, or names no instant.
    """
    if isinstance(value, str):
        try:
            return parse_rfc3339(f"{value}T00:00:00Z" if len(value) == 10 else value)
        except ValueError:
            pass
    raise ValueError(
        f"expected a date such as 2026-01-31 or a time such as 2026-01-31T08:00:00Z, found {found(value)}"
    )


def is_date(value: str) -> bool:
    """Whether text is a day of the calendar as `YYYY-MM-DD`."""
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", value, re.ASCII):
        return False
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return True


def _bounded(least_us: int, most_us: int) -> Callable[[Any], int]:
    return functools.partial(duration_us, least_us=least_us, most_us=most_us)


def _duration_schema(least_us: int, most_us: int) -> WithJsonSchema:
    return WithJsonSchema(
        {
            "type": "string",
            "pattern": DURATION_PATTERN,
            "examples": ["30m", "12h", "7d"],
            "$comment": f"A duration from {format_duration(least_us)} to {format_duration(most_us)}: "
            "whole numbers, each with w, d, h, m or s.",
        }
    )


def language(value: Any) -> str:
    """A language tag.

    Raises:
        ValueError: it is none, or not of the form `de` or `pt-BR`.
    """
    if isinstance(value, str) and re.fullmatch(LANGUAGE_PATTERN, value, re.ASCII):
        return value
    raise ValueError(f"expected a language such as de or pt-BR, found {found(value)}; write its BCP 47 tag")


def _time_zone(value: Any) -> str:
    known = zoneinfo.available_timezones()
    if isinstance(value, str) and value in known:
        return value
    advice = (
        remedy(value, known, "write a name such as Europe/Berlin or UTC")
        if isinstance(value, str)
        else "write a name such as UTC"
    )
    raise ValueError(f"expected an IANA time zone, found {found(value)}; {advice}")


def _region(value: Any) -> str:
    if isinstance(value, str) and value in phonenumbers.SUPPORTED_REGIONS:
        return value
    advice = (
        f"write {value.upper()}"
        if isinstance(value, str) and value.upper() in phonenumbers.SUPPORTED_REGIONS
        else "write two capital letters such as DE"
    )
    raise ValueError(
        f"expected an ISO 3166 region that phone numbers are known for, found {found(value)}; {advice}"
    )


def is_secret_source(value: Any) -> TypeGuard[str]:
    """Whether a value says where a secret is: `file:PATH` or `env:NAME`."""
    return isinstance(value, str) and re.fullmatch(r"(file|env):\S.*", value) is not None


def _secret_source(value: Any) -> str:
    if is_secret_source(value):
        return value
    raise ValueError(
        "expected file:PATH or env:NAME, found something else, which is not shown; "
        "put the secret in a file or an environment variable and name that"
    )


def _power_of_two(value: Any) -> int:
    if (
        isinstance(value, int)
        and not isinstance(value, bool)
        and 1 <= value <= 4096
        and value.bit_count() == 1
    ):
        return value
    raise ValueError(f"expected a power of two from 1 to 4096, found {found(value)}; write 16, 32 or 64")


def clock_minute(value: Any) -> int:
    """The minute of the day of a clock time, 0 to 1439.

    Raises:
        ValueError: it is none.
    """
    if isinstance(value, str) and (match := re.fullmatch(CLOCK_PATTERN, value, re.ASCII)):
        return int(match[1]) * 60 + int(match[2])
    raise ValueError(f'expected a clock time such as "09:00", found {found(value)}; put it in quotes')


def _percent(value: Any) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 100:
        return value
    raise ValueError(f"expected a number from 0 to 100, found {found(value)}; write a percentage such as 50")


def _one_or_many(value: Any) -> str:
    return "<many>" if isinstance(value, list) else "<one>"


Lookback = Annotated[
    int, PlainValidator(_bounded(MINUTE_US, MAX_LOOKBACK_US)), _duration_schema(MINUTE_US, MAX_LOOKBACK_US)
]
Duration = Annotated[
    int, PlainValidator(_bounded(SECOND_US, MAX_DURATION_US)), _duration_schema(SECOND_US, MAX_DURATION_US)
]
DurationOrZero = Annotated[
    int, PlainValidator(_bounded(0, MAX_DURATION_US)), _duration_schema(0, MAX_DURATION_US)
]
ClockTime = Annotated[
    int,
    PlainValidator(clock_minute),
    WithJsonSchema({"type": "string", "pattern": CLOCK_PATTERN, "examples": ["09:00", "21:30"]}),
]
Percent = Annotated[
    float, PlainValidator(_percent), WithJsonSchema({"type": "number", "minimum": 0, "maximum": 100})
]
Time = Annotated[
    int,
    PlainValidator(time_us),
    WithJsonSchema(
        {"type": "string", "pattern": TIME_PATTERN, "examples": ["2026-01-31", "2026-01-31T08:00:00Z"]}
    ),
]
TimeZone = Annotated[
    str, PlainValidator(_time_zone), WithJsonSchema({"type": "string", "examples": ["Europe/Berlin", "UTC"]})
]
Region = Annotated[
    str,
    PlainValidator(_region),
    WithJsonSchema({"type": "string", "pattern": "^[A-Z]{2}$", "examples": ["DE"]}),
]
Language = Annotated[
    str,
    PlainValidator(language),
    WithJsonSchema({"type": "string", "pattern": LANGUAGE_PATTERN, "examples": ["de", "pt-BR"]}),
]
SecretSource = Annotated[
    str,
    PlainValidator(_secret_source),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": r"^(file|env):\S",
            "examples": ["file:dev-secret.txt", "env:CJAAS_SECRET"],
        }
    ),
]
Shards = Annotated[
    int,
    PlainValidator(_power_of_two),
    WithJsonSchema({"type": "integer", "enum": [1 << power for power in range(13)]}),
]
WorkspaceName = Annotated[str, StringConstraints(pattern="^[a-z][a-z0-9-]{1,29}$")]
Name = Annotated[str, StringConstraints(pattern="^[a-z][a-z0-9_-]{0,62}$")]
AttributeName = Annotated[str, StringConstraints(pattern="^[a-z][a-z0-9_]{0,62}$")]
Text = Annotated[str, StringConstraints(min_length=1, max_length=255)]
EventType = Text
EventTypes = Annotated[
    Annotated[EventType, Tag("<one>")] | Annotated[list[EventType], Field(min_length=1), Tag("<many>")],
    Discriminator(_one_or_many),
]

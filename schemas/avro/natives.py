"""Types that msgspec decodes in C, and what makes their values canonical.

What a native type takes, the exact reader takes too, with the same canonical value.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Annotated, Any, Final
from uuid import UUID

import msgspec

from schemas.avro.logical import read_date
from schemas.avro.model import INT_MAX, INT_MIN, LONG_MAX, LONG_MIN
from schemas.avro.times import instant_of, timestamp_text
from schemas.timestamps import datetime_us

TYPES: Final[dict[str, Any]] = {
    "null": None,
    "boolean": bool,
    "int": Annotated[int, msgspec.Meta(ge=INT_MIN, le=INT_MAX)],
    "long": Annotated[int, msgspec.Meta(ge=LONG_MIN, le=LONG_MAX)],
    "float": float,
    "double": float,
    "string": str,
}
"""By Avro's name, the type of JSON values that are canonical as they are."""

_FIRST_US: Final = datetime_us(datetime.min.replace(tzinfo=UTC))
_LAST_US: Final = datetime_us(datetime.max.replace(tzinfo=UTC))
_FIRST_DAY: Final = date.min.toordinal() - date(1970, 1, 1).toordinal()
_LAST_DAY: Final = date.max.toordinal() - date(1970, 1, 1).toordinal()
_ENCODE: Final = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Native:
    """How a logical type is decoded.

    Attributes:
        type: what msgspec decodes it as.
        canonical: from that to the canonical text.
        of_canonical: from canonical text to that; raises ValueError for any other.
        check: the expression, with `{0}` for a value, that calls `judge` where it has to; "" where msgspec
            takes nothing that has no canonical text.
        judge: raises ValueError for a value without canonical text.
    """

    type: Any
    canonical: Callable[[Any], str]
    of_canonical: Callable[[Any], Any]
    check: str = ""
    judge: Callable[[Any], object] | None = None


def _uuid_text(value: UUID) -> str:
    return _ENCODE(value)[1:-1].decode()


def _date_text(value: date | int) -> str:
    return read_date(value) if type(value) is int else value.isoformat()  # type: ignore[union-attr]


def _timestamp(unit_us: int, units_per_us: int = 1) -> Native:
    """An instant as RFC 3339 text, or as a number of units; nanoseconds are a thousand to the microsecond."""
    first = max(LONG_MIN, _FIRST_US * units_per_us // unit_us)
    last = min(LONG_MAX, ((_LAST_US + 1) * units_per_us - 1) // unit_us)
    number = Annotated[int, msgspec.Meta(ge=first, le=last)]

    def judge(value: datetime) -> str:
        return timestamp_text(instant_of(value, unit_us))

    def canonical(value: datetime | int) -> str:
        if isinstance(value, int):
            return timestamp_text(value * unit_us // units_per_us)
        if value.tzinfo is not UTC or (unit_us > 1 and value.microsecond % unit_us):
            return judge(value)
        text = _ENCODE(value)
        return f"{text[1:-2].decode()}.000000Z" if len(text) == _WHOLE_SECONDS else text[1:-1].decode()

    # Of another zone, or rounded, it may lie outside of years 1 to 9999.
    check = "type(t := {0}) is int or t.tzinfo is UTC and t.year < 9999 or judge(t)"
    moment = Annotated[datetime, msgspec.Meta(tz=True)]
    return Native(moment | number, canonical, datetime.fromisoformat, check, judge)


_WHOLE_SECONDS: Final = len('"2026-01-02T03:04:05Z"')

NATIVES: Final[dict[str, Native]] = {
    "uuid": Native(UUID, _uuid_text, UUID),
    "date": Native(
        date | Annotated[int, msgspec.Meta(ge=_FIRST_DAY, le=_LAST_DAY)], _date_text, date.fromisoformat
    ),
    "timestamp-millis": _timestamp(1000),
    "timestamp-micros": _timestamp(1),
    "timestamp-nanos": _timestamp(1, 1000),
}
"""The logical types that are decoded so, by name."""

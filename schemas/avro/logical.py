"""Leaf values: from JSON and from Avro's bytes to the canonical form, one function a type.

A function from JSON takes any JSON value (a decimal schema's numbers come as Decimal) and raises
ValueError where it does not fit. A function from binary takes what the base type holds.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from decimal import Context, Decimal, DecimalException, Inexact, InvalidOperation, Overflow
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

from schemas.avro.model import INT_MAX, INT_MIN, LONG_MAX, LONG_MIN, Enum, Fixed, Logical, Primitive
from schemas.avro.times import clock_text, local_text, read_clock, read_local, read_timestamp, timestamp_text

Read = Callable[[Any], Any]
Leaf = Primitive | Fixed | Enum

BASES: Final = {
    "decimal": ("bytes", "fixed"),
    "uuid": ("string", "fixed"),
    "date": ("int",),
    "time-millis": ("int",),
    "time-micros": ("long",),
    "timestamp-millis": ("long",),
    "timestamp-micros": ("long",),
    "timestamp-nanos": ("long",),
    "local-timestamp-millis": ("long",),
    "local-timestamp-micros": ("long",),
    "local-timestamp-nanos": ("long",),
    "duration": ("fixed",),
}

_EPOCH_DAY: Final = date(1970, 1, 1).toordinal()
_DECIMAL: Final = re.compile(r"-?\d+(?:\.\d+)?", re.ASCII)
_UUID: Final = re.compile(r"[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}")
_UUID_DIGITS: Final = re.compile(r"[0-9A-Fa-f]{32}")


def from_json(leaf: Leaf) -> Read:
    """The function from a JSON value to the canonical value."""
    match leaf:
        case Enum():
            return _enum(leaf.symbols)
        case Fixed(logical=Logical(name="uuid")):
            return _fixed_uuid
        case (
            Fixed(logical=Logical(name="decimal") as logical)
            | Primitive(logical=Logical(name="decimal") as logical)
        ):
            return decimal_reader(logical)
        case Fixed():
            return _fixed(leaf.size)
        case Primitive(logical=Logical() as logical):
            return _LOGICAL_FROM_JSON[logical.name]
        case Primitive():
            return _PRIMITIVE_FROM_JSON[leaf.kind]


def from_binary(leaf: Leaf) -> Read | None:
    """The function from the base type's value to the canonical value; None where they are the same."""
    match leaf:
        case Fixed(logical=Logical(name="uuid")):
            return _uuid_of_bytes
        case (
            Fixed(logical=Logical(name="decimal") as logical)
            | Primitive(logical=Logical(name="decimal") as logical)
        ):
            return _decimal_of_bytes(logical)
        case Fixed() | Primitive(kind="bytes"):
            return text_of_bytes
        case Primitive(logical=Logical(name=name)):
            return _LOGICAL_FROM_BINARY[name]
        case _:
            return None


def text_of_bytes(value: bytes) -> str:
    """Bytes as Avro's JSON encoding has them: the code point of each is its value."""
    return value.decode("latin-1")


def _null(value: Any) -> None:
    if value is not None:
        raise ValueError


def _boolean(value: Any) -> bool:
    if value is True or value is False:
        return bool(value)
    raise ValueError


def _int(value: Any) -> int:
    if type(value) is int and INT_MIN <= value <= INT_MAX:
        return value
    raise ValueError


def _long(value: Any) -> int:
    if type(value) is int and LONG_MIN <= value <= LONG_MAX:
        return value
    raise ValueError


def read_double(value: Any) -> float:
    """A JSON number as a double; an integer or decimal beyond its range does not fit."""
    if type(value) is float:
        return value
    if type(value) is int or type(value) is Decimal:
        try:
            number = float(value)
        except OverflowError as error:
            raise ValueError from error
        if number - number == 0.0:
            return number
    raise ValueError


def _string(value: Any) -> str:
    if type(value) is str:
        return value
    raise ValueError


def _bytes(value: Any) -> str:
    text = _string(value)
    text.encode("latin-1")
    return text


def _enum(symbols: tuple[str, ...]) -> Read:
    known = frozenset(symbols)

    def read(value: Any) -> str:
        if type(value) is str and value in known:
            return value
        raise ValueError

    return read


def _fixed(size: int) -> Read:
    def read(value: Any) -> str:
        text = _bytes(value)
        if len(text) != size:
            raise ValueError
        return text

    return read


def read_uuid(value: Any) -> str:
    """A UUID's text in lower case, from its digits with hyphens or without."""
    if type(value) is str:
        if _UUID.fullmatch(value):
            return value.lower()
        if _UUID_DIGITS.fullmatch(value):
            return str(UUID(value))
    raise ValueError


def _fixed_uuid(value: Any) -> str:
    if type(value) is str and len(value) == 16:
        return _uuid_of_bytes(value.encode("latin-1"))
    return read_uuid(value)


def _uuid_of_bytes(value: bytes) -> str:
    return str(UUID(bytes=value))


def decimal_reader(logical: Logical) -> Read:
    """A decimal from its text or a JSON number, exact at the schema's scale, as text with all its digits."""
    step = Decimal((0, (1,), -logical.scale))
    quantize = Context(logical.precision, traps=[Inexact, InvalidOperation, Overflow]).quantize
    zero = format(step * 0, "f")
    bits = 4 * logical.precision
    is_canonical = canonical_decimal(logical).fullmatch

    def read(value: Any) -> str:
        if type(value) is str:
            if is_canonical(value):
                return value
            if not _DECIMAL.fullmatch(value):
                raise ValueError
        elif type(value) is int:
            if value.bit_length() > bits:
                raise ValueError
        elif type(value) is not Decimal:
            raise ValueError
        try:
            number = quantize(Decimal(value), step)
        except DecimalException as error:
            raise ValueError from error
        return format(number, "f") if number else zero

    return read


def canonical_decimal(logical: Logical) -> re.Pattern[str]:
    """What a decimal's canonical text looks like, save negative ones, whose zero has no sign."""
    before = logical.precision - logical.scale
    whole = f"(?:0|[1-9][0-9]{{0,{before - 1}}})" if before else "0"
    return re.compile(f"{whole}\\.[0-9]{{{logical.scale}}}" if logical.scale else whole)


def _decimal_of_bytes(logical: Logical) -> Read:
    limit = 10**logical.precision
    scale = logical.scale

    def read(value: bytes) -> str:
        unscaled = int.from_bytes(value, "big", signed=True)
        if not -limit < unscaled < limit:
            raise ValueError
        digits = str(abs(unscaled)).rjust(scale + 1, "0")
        sign = "-" if unscaled < 0 else ""
        return f"{sign}{digits[:-scale]}.{digits[-scale:]}" if scale else sign + digits

    return read


def _date_of_days(days: int) -> str:
    try:
        return date.fromordinal(days + _EPOCH_DAY).isoformat()
    except OverflowError as error:
        raise ValueError from error


def read_date(value: Any) -> str:
    """A date from `YYYY-MM-DD` or the days since 1970-01-01."""
    return _date_of_text(value) if type(value) is str else _date_of_days(_int(value))


@lru_cache(1 << 14)
def _date_of_text(text: str) -> str:
    """The text itself: the same days come again and again."""
    if date.fromisoformat(text).isoformat() != text:
        raise ValueError
    return text


def _instant(of_text: Callable[[str], str], of_number: Callable[[int], str], number: Read) -> Read:
    """Text, or the number of the logical type."""

    def read(value: Any) -> str:
        return of_text(value) if type(value) is str else of_number(number(value))

    return read


def _of_millis(of_us: Callable[[int], str]) -> Callable[[int], str]:
    return lambda value: of_us(value * 1000)


def _of_nanos(of_us: Callable[[int], str]) -> Callable[[int], str]:
    return lambda value: of_us(value // 1000)


_LOGICAL_FROM_BINARY: Final[dict[str, Read | None]] = {
    "uuid": read_uuid,
    "date": _date_of_days,
    "time-millis": _of_millis(clock_text),
    "time-micros": clock_text,
    "timestamp-millis": _of_millis(timestamp_text),
    "timestamp-micros": timestamp_text,
    "timestamp-nanos": _of_nanos(timestamp_text),
    "local-timestamp-millis": _of_millis(local_text),
    "local-timestamp-micros": local_text,
    "local-timestamp-nanos": _of_nanos(local_text),
}

_LOGICAL_FROM_JSON: Final[dict[str, Read]] = {
    "uuid": read_uuid,
    "date": read_date,
    "time-millis": _instant(read_clock(1000), _of_millis(clock_text), _int),
    "time-micros": _instant(read_clock(1), clock_text, _long),
    "timestamp-millis": _instant(read_timestamp(1000), _of_millis(timestamp_text), _long),
    "timestamp-micros": _instant(read_timestamp(1), timestamp_text, _long),
    "timestamp-nanos": _instant(read_timestamp(1), _of_nanos(timestamp_text), _long),
    "local-timestamp-millis": _instant(read_local(1000), _of_millis(local_text), _long),
    "local-timestamp-micros": _instant(read_local(1), local_text, _long),
    "local-timestamp-nanos": _instant(read_local(1), _of_nanos(local_text), _long),
}

_PRIMITIVE_FROM_JSON: Final[dict[str, Read]] = {
    "null": _null,
    "boolean": _boolean,
    "int": _int,
    "long": _long,
    "float": read_double,
    "double": read_double,
    "bytes": _bytes,
    "string": _string,
}

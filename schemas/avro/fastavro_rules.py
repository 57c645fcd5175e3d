"""What fastavro takes for a value of each type, where the value is not of the most usual Python type."""

from __future__ import annotations

import array
import struct
from collections.abc import Callable, Mapping, Sequence
from numbers import Integral, Real
from typing import Any

from fastavro.logical_writers import LOGICAL_WRITERS

from schemas.avro.model import INT_MAX, INT_MIN, LONG_MAX, LONG_MIN

RAISED = (ValueError, TypeError, ArithmeticError, AttributeError, KeyError, struct.error)
"""What fastavro's writers and comparisons raise on odd values."""


def is_int(value: Any) -> bool:
    """An int's value."""
    return isinstance(value, Integral) and INT_MIN <= value <= INT_MAX and not isinstance(value, bool)  # type: ignore[operator]


def is_long(value: Any) -> bool:
    """A long's value."""
    return isinstance(value, Integral) and LONG_MIN <= value <= LONG_MAX and not isinstance(value, bool)  # type: ignore[operator]


def is_real(value: Any) -> bool:
    """A float's or double's value."""
    return isinstance(value, Real) and not isinstance(value, bool)


def is_sequence(value: Any) -> bool:
    """An array's value, whatever is in it."""
    return type(value) is list or (isinstance(value, Sequence | array.array) and not isinstance(value, str))


def is_map(value: Any) -> bool:
    """A map's value, whatever is in it."""
    return isinstance(value, Mapping) and all(isinstance(key, str) for key in value)


def _place(place: Any) -> str:
    """The dotted path that fastavro names an unqualified record by; see _Generator."""
    if isinstance(place, str):
        return place
    outer, name, field = place
    return f"{_full_name(outer, name)}.{field}"


def _full_name(place: Any, name: str) -> str:
    if "." in name:
        return name
    outer = _place(place)
    return f"{outer}.{name}" if outer else name


def hint_fits(value: Any, place: Any, name: str) -> bool:
    """Whether a record's `-type`, if it has one, is the record's name at this place."""
    return "-type" not in value or value["-type"] == _full_name(place, name)


def writer_of(schema: Any) -> Callable[[Any, Any], Any] | None:
    """What fastavro makes of a value before it looks at its type."""
    if not isinstance(schema, dict):
        return None
    writer: Callable[[Any, Any], Any] | None = LOGICAL_WRITERS.get(
        f"{schema['type']}-{schema.get('logicalType')}"
    )
    return writer

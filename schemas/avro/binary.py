"""Readers of Avro binary: strict, bounded in depth, in canonical form and the reader's shape.

Strict: every index, size and number is checked, and the whole buffer is consumed. Bounded: a short
buffer cannot name a deep or long value, whatever its schema.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

from schemas.avro.float32 import shortest
from schemas.avro.invalid_data import InvalidData
from schemas.avro.logical import from_binary
from schemas.avro.model import INT_MAX, INT_MIN, LONG_MAX, LONG_MIN, Fixed, describe
from schemas.avro.plan import (
    PROMOTE,
    ArrayPlan,
    EnumPlan,
    LeafPlan,
    MapPlan,
    Plan,
    Promotion,
    RecordPlan,
    UnionPlan,
)
from schemas.avro.read_value import WHOLE, fresh

DEEPEST = 64
"""How deep records may nest."""

MOST_EMPTY = 65_536
"""How many items a list may have that take no bytes (null, a record without fields)."""

ReadAvro = Callable[[bytes], tuple[dict[str, Any], int]]
_Read = Callable[[bytes, int, int], tuple[Any, int]]
"""From the buffer, the position and the depth to the value and the next position."""

_FLOAT = struct.Struct("<f")
_DOUBLE = struct.Struct("<d")


def compile_avro(plan: RecordPlan) -> ReadAvro:
    """The function from Avro binary to canonical data in the reader's shape; there are no unknown fields.

    It raises InvalidData for anything that is not one whole value of the writer's schema.
    """
    read = _Readers().reader(plan)

    def read_avro(raw: bytes) -> tuple[dict[str, Any], int]:
        value, at = read(raw, 0, 0)
        if at != len(raw):
            raise InvalidData(WHOLE, f"{at} bytes of Avro", f"{len(raw)} bytes")
        return value, 0

    return read_avro


def _cut(wanted: int) -> InvalidData:
    return InvalidData(WHOLE, f"{wanted} more byte{'' if wanted == 1 else 's'}", "the end of the data")


def _read_long(data: bytes, at: int, _: int) -> tuple[int, int]:
    if at < len(data) and (first := data[at]) < 0x80:
        return (first >> 1) ^ -(first & 1), at + 1
    shift = number = 0
    while True:
        if at >= len(data):
            raise _cut(1)
        byte = data[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            break
        shift += 7
        if shift > 63:
            raise InvalidData(WHOLE, "a long of at most ten bytes", "more")
    value = (number >> 1) ^ -(number & 1)
    if not LONG_MIN <= value <= LONG_MAX:
        raise InvalidData(WHOLE, "a long of 64 bits", f"number {value}")
    return value, at


def _read_int(data: bytes, at: int, depth: int) -> tuple[int, int]:
    value, at = _read_long(data, at, depth)
    if not INT_MIN <= value <= INT_MAX:
        raise InvalidData(WHOLE, "an int of 32 bits", f"number {value}")
    return value, at


def _read_bytes(data: bytes, at: int, depth: int) -> tuple[bytes, int]:
    size, at = _read_long(data, at, depth)
    if size < 0:
        raise InvalidData(WHOLE, "a length from 0", f"number {size}")
    end = at + size
    if end > len(data):
        raise _cut(end - len(data))
    return data[at:end], end


def _read_string(data: bytes, at: int, depth: int) -> tuple[str, int]:
    text, at = _read_bytes(data, at, depth)
    try:
        return text.decode(), at
    except UnicodeDecodeError:
        raise InvalidData(WHOLE, "text in UTF-8", "other bytes") from None


def _read_null(_data: bytes, at: int, _: int) -> tuple[None, int]:
    return None, at


def _read_boolean(data: bytes, at: int, _: int) -> tuple[bool, int]:
    if at >= len(data):
        raise _cut(1)
    if data[at] > 1:
        raise InvalidData(WHOLE, "a boolean's byte 0 or 1", f"byte {data[at]}")
    return data[at] == 1, at + 1


def _read_double(data: bytes, at: int, _: int) -> tuple[float, int]:
    if at + 8 > len(data):
        raise _cut(at + 8 - len(data))
    return _DOUBLE.unpack_from(data, at)[0], at + 8


def _read_float(data: bytes, at: int, _: int) -> tuple[float, int]:
    if at + 4 > len(data):
        raise _cut(at + 4 - len(data))
    return shortest(_FLOAT.unpack_from(data, at)[0]), at + 4


_PRIMITIVES: dict[str, _Read] = {
    "null": _read_null,
    "boolean": _read_boolean,
    "int": _read_int,
    "long": _read_long,
    "float": _read_float,
    "double": _read_double,
    "bytes": _read_bytes,
    "string": _read_string,
}


class _Readers:
    """Makes the reader of each plan once, so that records may hold themselves."""

    def __init__(self) -> None:
        self._made: dict[int, _Read] = {}

    def reader(self, plan: Plan) -> _Read:
        if id(plan) not in self._made:
            self._make(plan)
        return self._made[id(plan)]

    def _make(self, plan: Plan) -> None:
        match plan:
            case LeafPlan():
                self._made[id(plan)] = _leaf(plan)
            case EnumPlan():
                self._made[id(plan)] = _enum(plan)
            case ArrayPlan():
                self._made[id(plan)] = _array(self.reader(plan.items))
            case MapPlan():
                self._made[id(plan)] = _map(self.reader(plan.values))
            case UnionPlan():
                self._made[id(plan)] = _union([self.reader(branch.plan) for branch in plan.branches])
            case RecordPlan():
                fields: list[tuple[str, str | None, _Read]] = []
                self._made[id(plan)] = _record(plan, fields)
                fields += [(field.name, field.target, self.reader(field.plan)) for field in plan.fields]


def _leaf(plan: LeafPlan) -> _Read:
    type_ = plan.type
    physical = _fixed(type_.size) if isinstance(type_, Fixed) else _PRIMITIVES[type_.kind]
    convert = from_binary(type_)
    promote = PROMOTE[plan.promotion]
    if convert is None and plan.promotion is Promotion.NONE:
        return physical
    expected = describe(type_)

    def read(data: bytes, at: int, depth: int) -> tuple[Any, int]:
        value, end = physical(data, at, depth)
        try:
            return promote(convert(value) if convert else value), end
        except ValueError:
            shown = f"{len(value)} bytes" if isinstance(value, bytes) else f"{value!r:.60}"
            raise InvalidData(WHOLE, expected, f"{shown} that mean none") from None

    return read


def _fixed(size: int) -> _Read:
    def read(data: bytes, at: int, _: int) -> tuple[bytes, int]:
        end = at + size
        if end > len(data):
            raise _cut(end - len(data))
        return data[at:end], end

    return read


def _enum(plan: EnumPlan) -> _Read:
    symbols = [plan.renamed.get(symbol, symbol) for symbol in plan.symbols]

    def read(data: bytes, at: int, depth: int) -> tuple[str, int]:
        index, at = _read_long(data, at, depth)
        if not 0 <= index < len(symbols):
            raise InvalidData(WHOLE, f"a symbol's index below {len(symbols)}", f"number {index}")
        return symbols[index], at

    return read


def _block(data: bytes, at: int, depth: int) -> tuple[int, int]:
    """The number of items in the block that begins here."""
    count, at = _read_long(data, at, depth)
    if count < 0:
        count = -count
        _, at = _read_long(data, at, depth)
    return count, at


def _array(read_item: _Read) -> _Read:
    def read(data: bytes, at: int, depth: int) -> tuple[list[Any], int]:
        out: list[Any] = []
        empty = 0
        try:
            while True:
                count, at = _block(data, at, depth)
                if not count:
                    return out, at
                for _ in range(count):
                    item, end = read_item(data, at, depth)
                    if end == at:
                        empty += 1
                        if empty > MOST_EMPTY:
                            raise InvalidData(WHOLE, f"at most {MOST_EMPTY} items without bytes", "more")
                    out.append(item)
                    at = end
        except InvalidData as error:
            raise error.within(f"[{len(out)}]") from None

    return read


def _map(read_value: _Read) -> _Read:
    def read(data: bytes, at: int, depth: int) -> tuple[dict[str, Any], int]:
        out: dict[str, Any] = {}
        while True:
            count, at = _block(data, at, depth)
            if not count:
                return out, at
            for _ in range(count):
                key, at = _read_string(data, at, depth)
                try:
                    out[key], at = read_value(data, at, depth)
                except InvalidData as error:
                    raise error.within(key) from None

    return read


def _union(readers: list[_Read]) -> _Read:
    def read(data: bytes, at: int, depth: int) -> tuple[Any, int]:
        index, at = _read_long(data, at, depth)
        if not 0 <= index < len(readers):
            raise InvalidData(WHOLE, f"a union's branch below {len(readers)}", f"number {index}")
        return readers[index](data, at, depth)

    return read


def _record(plan: RecordPlan, fields: list[tuple[str, str | None, _Read]]) -> _Read:
    order = plan.order
    added = {name: fresh(value) for name, value in plan.added.items()}
    straight = not added and order == tuple(field.target for field in plan.fields)

    def read(data: bytes, at: int, depth: int) -> tuple[dict[str, Any], int]:
        if depth >= DEEPEST:
            raise InvalidData(WHOLE, f"records nested at most {DEEPEST} deep", "more")
        given: dict[str, Any] = {}
        name = ""
        depth += 1
        try:
            for name, target, read_field in fields:  # noqa: B007 - the failing one is named below
                if target is None:
                    _, at = read_field(data, at, depth)
                else:
                    given[target], at = read_field(data, at, depth)
        except InvalidData as error:
            raise error.within(name) from None
        if straight:
            return given, at
        for new, make in added.items():
            given[new] = make()
        return {name: given[name] for name in order}, at

    return read

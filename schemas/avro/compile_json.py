"""Readers of event data in JSON: typed, generated and exact, the quickest first.

Typed decoding takes plain data without unknown fields. The generated code takes what else it can be
sure of and gives up, by returning None, on all the rest; then the exact reader decides from a fresh
decoding. So the generated code may change its input in place, and only the exact reader words an error.
"""

from __future__ import annotations

import decimal
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from schemas.avro.generate_json import generate_json
from schemas.avro.invalid_data import InvalidData
from schemas.avro.paths import compile_projection
from schemas.avro.plan import ArrayPlan, LeafPlan, MapPlan, Plan, RecordPlan, UnionPlan
from schemas.avro.read_value import WHOLE, Reading, ValueReaders
from schemas.avro.typed import compile_typed

ReadJson = Callable[[bytes | msgspec.Raw], tuple[dict[str, Any], int]]

ReadValues = Callable[[bytes | msgspec.Raw], tuple[tuple[Any, ...], int]]


class JsonReader:
    """What reads raw JSON of a plan's writer; it raises InvalidData for anything that is no value of it.

    Attributes:
        read: gives canonical data in the reader's shape, and the number of unknown fields.
    """

    def __init__(self, plan: RecordPlan) -> None:
        decimals = holds_decimal(plan)
        self._typed = compile_typed(plan, decimals=decimals)
        self._untyped = compile_untyped(plan, decimals=decimals)
        self.read: ReadJson = self._untyped if self._typed is None else self._typed.data(self._untyped)

    def values(self, paths: Sequence[str]) -> ReadValues:
        """The function that checks all of the data, and makes no more of it than the values at the paths.

        It gives those, in the paths' order, and the number of unknown fields.
        """
        untyped, project = self._untyped, compile_projection(paths)

        def read(raw: bytes | msgspec.Raw) -> tuple[tuple[Any, ...], int]:
            data, unknown = untyped(raw)
            return project(data), unknown

        return read if self._typed is None else self._typed.values(paths, read)


def compile_untyped(plan: RecordPlan, *, decimals: bool) -> ReadJson:
    """The same function without typed decoding.

    `decimals`: whether the plan holds any, whose digits must not pass through a double.
    """
    decode = msgspec.json.Decoder(float_hook=decimal.Decimal if decimals else None).decode
    exact = ValueReaders().reader(plan)
    fast = generate_json(plan) if unchanged(plan) else None

    def decoded(raw: bytes | msgspec.Raw) -> Any:
        try:
            return decode(raw)
        except (msgspec.DecodeError, decimal.DecimalException) as error:
            raise InvalidData(WHOLE, "JSON", f"something else ({error})") from None
        except UnicodeDecodeError as error:
            raise InvalidData(WHOLE, "JSON in UTF-8", f"something else ({error.reason})") from None
        except RecursionError:
            raise InvalidData(WHOLE, "JSON of moderate nesting", "deeper nesting") from None

    def read_exactly(raw: bytes | msgspec.Raw) -> tuple[dict[str, Any], int]:
        reading = Reading()
        return exact(decoded(raw), reading), reading.unknown

    if fast is None:
        return read_exactly

    def read(raw: bytes | msgspec.Raw) -> tuple[dict[str, Any], int]:
        try:
            value = decode(raw)
        except (ValueError, RecursionError, decimal.DecimalException):
            value = decoded(raw)
        unknown = [0]
        out = fast(value, unknown)
        return read_exactly(raw) if out is None else (out, unknown[0])

    return read


def holds_decimal(plan: Plan) -> bool:
    """Whether a value of the plan's writer may hold a decimal."""
    return any(
        isinstance(part, LeafPlan) and part.type.logical is not None and part.type.logical.name == "decimal"
        for part in _parts(plan)
    )


def unchanged(plan: Plan) -> bool:
    """Whether writer and reader are the same schema."""
    return all(part.same for part in _parts(plan) if isinstance(part, RecordPlan))


def _parts(plan: Plan) -> list[Plan]:
    seen: dict[int, Plan] = {}
    waiting = [plan]
    while waiting:
        part = waiting.pop()
        if id(part) in seen:
            continue
        seen[id(part)] = part
        match part:
            case ArrayPlan():
                waiting.append(part.items)
            case MapPlan():
                waiting.append(part.values)
            case UnionPlan():
                waiting += [branch.plan for branch in part.branches]
            case RecordPlan():
                waiting += [field.plan for field in part.fields]
            case _:
                pass
    return list(seen.values())

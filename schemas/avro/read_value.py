"""Reading a decoded JSON value by a plan: exact, with the path of what does not fit.

It never changes the value it reads, so that a union may try one branch after another.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from functools import partial
from typing import Any

from schemas.avro.invalid_data import InvalidData, found
from schemas.avro.logical import from_json
from schemas.avro.model import NO_DEFAULT, Enum, describe
from schemas.avro.plan import (
    PROMOTE,
    ArrayPlan,
    BranchPlan,
    EnumPlan,
    LeafPlan,
    MapPlan,
    Plan,
    Promotion,
    RecordPlan,
    UnionPlan,
)

WHOLE = ""


class Reading:
    """What is known while one value is read.

    Attributes:
        unknown: the fields that no record of the schema has, so far.
        tried: what came of reading a list or object by a union, because unions nest.
    """

    __slots__ = ("tried", "unknown")

    def __init__(self) -> None:
        self.unknown = 0
        self.tried: dict[tuple[int, int], tuple[Any, int] | InvalidData] = {}


ReadValue = Callable[[Any, Reading], Any]


_SHAPES = {
    "uuid": "as text such as 8c1f9f5e-5bfa-4b0e-9a3e-1a2b3c4d5e6f",
    "date": "as YYYY-MM-DD or days since 1970-01-01",
    "time-millis": "as HH:MM:SS or milliseconds since midnight",
    "time-micros": "as HH:MM:SS or microseconds since midnight",
    "timestamp-millis": "as RFC 3339 text with a zone or milliseconds since 1970",
    "timestamp-micros": "as RFC 3339 text with a zone or microseconds since 1970",
    "timestamp-nanos": "as RFC 3339 text with a zone or nanoseconds since 1970",
    "local-timestamp-millis": "as YYYY-MM-DDTHH:MM:SS without a zone or milliseconds",
    "local-timestamp-micros": "as YYYY-MM-DDTHH:MM:SS without a zone or microseconds",
    "local-timestamp-nanos": "as YYYY-MM-DDTHH:MM:SS without a zone or nanoseconds",
}
"""How a logical type is written in JSON."""

_FieldReader = tuple[str, str | None, Callable[[], Any] | None, ReadValue]
"""A field's name, its target, what makes its default, and its reader."""


class ValueReaders:
    """Makes the reader of each plan once, so that records may hold themselves."""

    def __init__(self) -> None:
        self._made: dict[int, ReadValue] = {}

    def reader(self, plan: Plan) -> ReadValue:
        """The function from a decoded JSON value to the canonical value; raises InvalidData."""
        if id(plan) not in self._made:
            self._make(plan)
        return self._made[id(plan)]

    def _make(self, plan: Plan) -> None:
        match plan:
            case LeafPlan() | EnumPlan():
                self._made[id(plan)] = _leaf(plan)
            case ArrayPlan():
                self._made[id(plan)] = _array(self.reader(plan.items))
            case MapPlan():
                self._made[id(plan)] = _map(self.reader(plan.values))
            case UnionPlan():
                self._made[id(plan)] = _union(plan, [self.reader(branch.plan) for branch in plan.branches])
            case RecordPlan():
                fields: list[_FieldReader] = []
                self._made[id(plan)] = _record(plan, fields)
                for field in plan.fields:
                    default = None if field.default is NO_DEFAULT else fresh(field.default)
                    fields.append((field.name, field.target, default, self.reader(field.plan)))


def _leaf(plan: LeafPlan | EnumPlan) -> ReadValue:
    promote: Callable[[Any], Any] | None = None
    if isinstance(plan, EnumPlan):
        expected, convert = plan.expected, from_json(Enum("", (), plan.symbols))
        if plan.renamed:
            promote = {symbol: plan.renamed.get(symbol, symbol) for symbol in plan.symbols}.__getitem__
    else:
        shape = _SHAPES.get(plan.type.logical.name, "") if plan.type.logical else ""
        expected, convert = f"{describe(plan.type)} {shape}".rstrip(), from_json(plan.type)
        if plan.promotion is not Promotion.NONE:
            promote = PROMOTE[plan.promotion]

    def read(value: Any, _: Reading) -> Any:
        try:
            return promote(convert(value)) if promote else convert(value)
        except ValueError:
            raise InvalidData(WHOLE, expected, found(value)) from None

    return read


def _array(read_item: ReadValue) -> ReadValue:
    def read(value: Any, reading: Reading) -> list[Any]:
        if type(value) is not list:
            raise InvalidData(WHOLE, "a list", found(value))
        out: list[Any] = []
        try:
            for item in value:
                out.append(read_item(item, reading))  # noqa: PERF401 - the index of a failure is its length
        except InvalidData as error:
            raise error.within(f"[{len(out)}]") from None
        return out

    return read


def _map(read_item: ReadValue) -> ReadValue:
    def read(value: Any, reading: Reading) -> dict[str, Any]:
        if type(value) is not dict:
            raise InvalidData(WHOLE, "an object", found(value))
        out: dict[str, Any] = {}
        for key, item in value.items():
            try:
                out[key] = read_item(item, reading)
            except InvalidData as error:
                raise error.within(key) from None
        return out

    return read


def _record(plan: RecordPlan, fields: list[_FieldReader]) -> ReadValue:
    order = plan.order
    added = {name: fresh(value) for name, value in plan.added.items()}
    missing = object()

    def read(value: Any, reading: Reading) -> dict[str, Any]:
        if type(value) is not dict:
            raise InvalidData(WHOLE, plan.expected, found(value))
        get = value.get
        given: dict[str, Any] = {}
        known = 0
        name = ""
        item = None
        try:
            for name, target, default, read_field in fields:
                item = get(name, missing)
                if item is not missing:
                    known += 1
                    made = read_field(item, reading)
                elif default is not None:
                    made = default()
                else:
                    made = read_field(None, reading)
                if target is not None:
                    given[target] = made
        except InvalidData as error:
            if item is missing:
                raise InvalidData(name, error.expected, "nothing") from None
            raise error.within(name) from None
        reading.unknown += len(value) - known
        for new, make in added.items():
            given[new] = make()
        return {name: given[name] for name in order}

    return read


def fresh(value: Any) -> Callable[[], Any]:
    """The function that gives a value anew: what can change is copied."""
    return partial(deepcopy, value) if isinstance(value, list | dict) else lambda: value


def _union(plan: UnionPlan, readers: list[ReadValue]) -> ReadValue:
    by_tag = {
        tag: index
        for index, branch in enumerate(plan.branches)
        for tag in reversed(branch.tags)
        if tag != "null"
    }
    identity = id(plan)
    # Tags that no plain value of another branch can be mistaken for, of branches without parts.
    sure = {
        tag: readers[index]
        for tag, index in by_tag.items()
        if isinstance(plan.branches[index].plan, LeafPlan | EnumPlan)
        and not any(_knows(branch, tag) for branch in plan.branches)
    }
    leaves = [
        (index, reader)
        for index, (branch, reader) in enumerate(zip(plan.branches, readers, strict=True))
        if isinstance(branch.plan, LeafPlan | EnumPlan)
    ]
    parts = [
        (branch, reader)
        for branch, reader in zip(plan.branches, readers, strict=True)
        if not isinstance(branch.plan, LeafPlan | EnumPlan)
    ]

    def read(value: Any, reading: Reading) -> Any:
        if type(value) is not dict and type(value) is not list:
            for _, reader in leaves:
                try:
                    return reader(value, reading)
                except InvalidData:
                    continue
            raise InvalidData(WHOLE, plan.expected, found(value))
        if len(value) == 1 and type(value) is dict:
            (tag,) = value
            if tag in sure:
                try:
                    return sure[tag](value[tag], reading)
                except InvalidData as error:
                    raise error.within(tag) from None
        key = (identity, id(value))
        result = reading.tried.get(key)
        if result is None:
            result = reading.tried[key] = read_parts(value, reading)
        if isinstance(result, InvalidData):
            raise result
        reading.unknown += result[1]
        return result[0]

    def read_parts(value: Any, reading: Reading) -> tuple[Any, int] | InvalidData:
        """The best reading of a list or object, and its number of unknown fields."""
        outer = reading.unknown
        best: tuple[Any, int] | None = None
        failures: list[InvalidData] = []
        tag = next(iter(value)) if type(value) is dict and len(value) == 1 else None
        tagged = tag is not None and tag in by_tag
        if tagged:
            reading.unknown = 0
            try:
                best = (readers[by_tag[str(tag)]](value[tag], reading), reading.unknown)
            except InvalidData as error:
                failures.append(error.within(str(tag)))
        if best is None:
            for branch, reader in parts:
                if tagged and not _knows(branch, str(tag)):
                    continue
                reading.unknown = 0
                try:
                    made = (reader(value, reading), reading.unknown)
                except InvalidData as error:
                    failures.append(error)
                    continue
                if best is None or made[1] < best[1]:
                    best = made
        reading.unknown = outer
        if best is not None:
            return best
        return failures[0] if len(failures) == 1 else InvalidData(WHOLE, plan.expected, found(value))

    return read


def _knows(branch: BranchPlan, key: str) -> bool:
    """Whether an object with this one key may be meant as a plain value of the branch."""
    match branch.plan:
        case MapPlan():
            return True
        case RecordPlan(fields=fields):
            return any(field.name == key for field in fields)
        case _:
            return False

"""Generated Avro schemas, and values for them."""

from __future__ import annotations

import array
import datetime
import uuid
from collections import UserDict
from decimal import Decimal
from fractions import Fraction
from typing import Any

from hypothesis import strategies as st

PLAIN = ("null", "boolean", "int", "long", "float", "double", "string")
LOGICAL: tuple[dict[str, Any], ...] = (
    {"type": "int", "logicalType": "date"},
    {"type": "int", "logicalType": "time-millis"},
    {"type": "long", "logicalType": "time-micros"},
    {"type": "long", "logicalType": "timestamp-millis"},
    {"type": "long", "logicalType": "timestamp-micros"},
    {"type": "long", "logicalType": "timestamp-nanos"},
    {"type": "long", "logicalType": "local-timestamp-millis"},
    {"type": "long", "logicalType": "local-timestamp-micros"},
    {"type": "string", "logicalType": "uuid"},
    {"type": "int", "logicalType": "uuid"},
    {"type": "bytes", "logicalType": "decimal", "precision": 6, "scale": 2},
)
FIELD_NAMES = ("a", "b", "c", "d", "e")


@st.composite
def schemas(draw: st.DrawFn, *, plain: bool = False) -> dict[str, Any]:
    """A record schema: any types, nested, with unions, named references and recursion."""
    return _Builder(draw, plain).record(3)


@st.composite
def record_unions(draw: st.DrawFn) -> dict[str, Any]:
    """A record schema with a union of flat records that are alike."""
    leaf = st.sampled_from(["int", "string", "boolean", ["null", "int"]])
    branches: list[Any] = []
    for index in range(draw(st.integers(2, 3))):
        fields = draw(st.dictionaries(st.sampled_from(FIELD_NAMES[:3]), leaf, min_size=1, max_size=3))
        branches.append(
            {
                "type": "record",
                "name": f"N{index}",
                "namespace": "",
                "fields": [{"name": name, "type": type_} for name, type_ in fields.items()],
            }
        )
    return {"type": "record", "name": "R", "namespace": "", "fields": [{"name": "x", "type": branches}]}


class _Builder:
    def __init__(self, draw: st.DrawFn, plain: bool) -> None:
        self.draw = draw
        self.plain = plain
        self.count = 0
        # A type without a namespace cannot be named from inside one.
        self.namespace = draw(st.sampled_from(("com.acme", "")))
        self.defined: list[str] = []

    def name(self) -> dict[str, str]:
        self.count += 1
        return {"name": f"N{self.count}", "namespace": self.namespace}

    def record(self, depth: int) -> dict[str, Any]:
        names = self.name()
        full = f"{names['namespace']}.{names['name']}".lstrip(".")
        fields: list[dict[str, Any]] = []
        for field in self.draw(st.lists(st.sampled_from(FIELD_NAMES), unique=True, max_size=4)):
            made: dict[str, Any] = {"name": field, "type": self.type(depth - 1, full)}
            if isinstance(made["type"], list) and made["type"][0] == "null" and self.draw(st.booleans()):
                made["default"] = None
            elif made["type"] == "int" and self.draw(st.booleans()):
                made["default"] = 7
            elif made["type"] == "string" and self.draw(st.booleans()):
                made["default"] = "x"
            fields.append(made)
        self.defined.append(full)
        return {"type": "record", **names, "fields": fields}

    def type(self, depth: int, around: str) -> Any:
        kinds = ["leaf", "leaf", "enum", "nullable"]
        if depth > 0:
            kinds += ["array", "map", "record", "union", "reference", "self"]
        match self.draw(st.sampled_from(kinds)):
            case "enum":
                return {"type": "enum", **self.name(), "symbols": ["RED", "BLUE"]}
            case "nullable":
                return ["null", self.draw(st.sampled_from(PLAIN[1:]))]
            case "array":
                return {"type": "array", "items": self.type(depth - 1, around)}
            case "map":
                return {"type": "map", "values": self.type(depth - 1, around)}
            case "record":
                return self.record(depth)
            case "reference" if self.defined:
                return self.draw(st.sampled_from(self.defined))
            case "self":
                return ["null", around]
            case "union":
                return self.union(depth, around)
            case _:
                return self.leaf()

    def leaf(self) -> Any:
        if self.plain or self.draw(st.booleans()):
            return self.draw(st.sampled_from(PLAIN))
        kind = self.draw(st.sampled_from(("bytes", "fixed", "decimal", "logical", "object")))
        match kind:
            case "fixed":
                return {"type": "fixed", **self.name(), "size": 3}
            case "decimal":
                decimal = {"logicalType": "decimal", "precision": 4, "scale": 1}
                return {"type": "fixed", **self.name(), "size": 4, **decimal}
            case "logical":
                return dict(self.draw(st.sampled_from(LOGICAL)))
            case "object":
                return {"type": self.draw(st.sampled_from(PLAIN))}
            case _:
                return "bytes"

    def union(self, depth: int, around: str) -> list[Any]:
        out: list[Any] = []
        tags: set[str] = set()
        records = self.draw(st.booleans())
        for _ in range(self.draw(st.integers(1, 4))):
            known = len(self.defined)
            branch = self.record(depth - 1) if records else self.type(depth - 1, around)
            tag = "union" if isinstance(branch, list) else branch if isinstance(branch, str) else _tag(branch)
            if tag in tags or tag == "union":
                # What the branch defines is gone with it.
                del self.defined[known:]
            else:
                tags.add(tag)
                out.append(branch)
        return out or ["null"]


def _tag(branch: dict[str, Any]) -> str:
    if "name" in branch:
        return f"{branch['namespace']}.{branch['name']}".lstrip(".")
    return str(branch["type"])


def named_types(schema: Any) -> dict[str, Any]:
    """The definitions of named types in a generated schema, by full name."""
    out: dict[str, Any] = {}

    def walk(part: Any) -> None:
        if isinstance(part, list):
            for branch in part:
                walk(branch)
        elif isinstance(part, dict):
            if "name" in part:
                out[_tag(part)] = part
            for field in part.get("fields", ()):
                walk(field["type"])
            walk(part.get("items"))
            walk(part.get("values"))

    walk(schema)
    return out


def mostly(usual: st.SearchStrategy[Any], other: st.SearchStrategy[Any], of: int) -> st.SearchStrategy[Any]:
    """The other in one of so many cases; `one_of` counts equal parts once and those inside it one by one."""
    return st.integers(1, of).flatmap(lambda case: other if case == of else usual)


NUMBERS = st.one_of(st.integers(-5, 5), st.integers(-(1 << 66), 1 << 66), st.booleans())
JSON_LEAVES = st.one_of(
    st.none(),
    NUMBERS,
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(["RED", "x", "", "2026-01-02", "12.50"]),
    st.text(max_size=5),
)
JSON = st.recursive(
    JSON_LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from([*FIELD_NAMES, "zz", "other"]), inner, max_size=4),
    ),
    max_leaves=6,
)


class _Text(str):
    __slots__ = ()


class _Number(int):
    pass


ANYTHING = st.recursive(
    st.one_of(
        JSON_LEAVES,
        st.floats(),
        st.binary(max_size=4),
        st.binary(min_size=3, max_size=4).map(bytearray),
        st.decimals(allow_nan=True, places=2, min_value=-99999, max_value=99999),
        st.decimals(),
        st.dates(),
        st.datetimes(),
        st.datetimes(timezones=st.just(datetime.UTC)),
        st.times(),
        st.uuids(),
        st.fractions(),
        st.complex_numbers(max_magnitude=5),
        st.builds(_Text, st.sampled_from(["RED", "x"])),
        st.builds(_Number, st.integers(-5, 1 << 40)),
        st.sampled_from(
            [array.array("i", [1]), range(2), Fraction(3), Decimal(1), uuid.UUID(int=1), object()]
        ),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.lists(inner, max_size=3).map(tuple),
        st.tuples(st.sampled_from(["null", "string", "int", "com.acme.N2", "N2", "N3", "long"]), inner),
        st.dictionaries(st.sampled_from([*FIELD_NAMES, "zz", "-type"]), inner, max_size=4),
        st.dictionaries(st.one_of(st.sampled_from(FIELD_NAMES), st.integers(0, 2)), inner, max_size=2),
        st.dictionaries(st.sampled_from(FIELD_NAMES), inner, max_size=3).map(UserDict),
    ),
    max_leaves=6,
)


def values(schema: Any, *, json: bool = False, depth: int = 4) -> st.SearchStrategy[Any]:
    """Values that mostly fit a generated schema: of Python's types, or of JSON's."""
    return _Values(named_types(schema), json).fitting(schema, depth)


class _Values:
    def __init__(self, named: dict[str, Any], json: bool) -> None:
        self.named = named
        self.json = json
        self.stray = JSON if json else ANYTHING

    def fitting(self, schema: Any, depth: int) -> st.SearchStrategy[Any]:
        if depth < 0:
            return st.none()
        if isinstance(schema, list):
            return self.union(schema, depth)
        if isinstance(schema, str) and schema in self.named:
            schema = self.named[schema]
        if isinstance(schema, str):
            schema = {"type": schema}
        match schema["type"]:
            case "record":
                return self.record(schema, depth)
            case "array":
                return st.lists(self.fitting(schema["items"], depth - 1), max_size=3)
            case "map":
                return st.dictionaries(
                    st.sampled_from(FIELD_NAMES), self.fitting(schema["values"], depth - 1), max_size=3
                )
            case "enum":
                return st.sampled_from(schema["symbols"])
            case _:
                return self.leaf(schema)

    def union(self, schema: list[Any], depth: int) -> st.SearchStrategy[Any]:
        branches = [self.fitting(branch, depth - 1) for branch in schema]
        if not self.json:
            for branch, strategy in list(zip(schema, branches, strict=True)):
                name = branch if isinstance(branch, str) else branch.get("name", branch)
                branches.append(st.tuples(st.just(name), strategy))
        return st.one_of(branches)

    def record(self, schema: dict[str, Any], depth: int) -> st.SearchStrategy[Any]:
        required: dict[str, st.SearchStrategy[Any]] = {}
        optional: dict[str, st.SearchStrategy[Any]] = {"zz": st.integers(0, 3)}
        for field in schema["fields"]:
            where = optional if "default" in field or isinstance(field["type"], list) else required
            where[field["name"]] = mostly(self.fitting(field["type"], depth - 1), self.stray, 6)
        if not self.json:
            optional["-type"] = st.sampled_from([_tag(schema), schema["name"], "other"])
        return st.fixed_dictionaries(required, optional=optional)

    def leaf(self, schema: dict[str, Any]) -> st.SearchStrategy[Any]:
        physical: dict[str, st.SearchStrategy[Any]] = {
            "null": st.none(),
            "boolean": st.booleans(),
            "int": st.integers(-(1 << 31), (1 << 31) - 1),
            "long": st.integers(-(1 << 63), (1 << 63) - 1),
            "float": st.floats(allow_nan=False, allow_infinity=False),
            "double": st.one_of(st.floats(allow_nan=False, allow_infinity=False), st.integers(-9, 9)),
            "string": st.text(max_size=4),
            "bytes": st.binary(max_size=4),
            "fixed": st.binary(min_size=3, max_size=3),
        }
        made = physical[schema["type"]]
        native: dict[Any, st.SearchStrategy[Any]] = {
            "date": st.one_of(st.dates(), st.just("2026-01-02")),
            "time-millis": st.times(),
            "time-micros": st.times(),
            "uuid": st.uuids(),
            "decimal": st.decimals(-999, 999, places=1),
        }
        logical = schema.get("logicalType")
        if self.json or logical is None:
            return made
        return st.one_of(made, native.get(logical, st.datetimes(timezones=st.just(datetime.UTC))))

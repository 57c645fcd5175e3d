"""Typed decoding gives what the exact reader gives, or refuses."""

from __future__ import annotations

import itertools
import pickle
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.avro.compile_json import JsonReader, compile_untyped, holds_decimal
from schemas.avro.invalid_data import InvalidData
from schemas.avro.paths import compile_projection
from schemas.avro.plan import RecordPlan
from schemas.avro.read_value import Reading, ValueReaders
from schemas.avro.typed import compile_typed
from tests.schemas.avro.definitions import event, field, logical, made, plan_of, record, result
from tests.schemas.avro.json_texts import texts
from tests.schemas.avro.strategies import named_types, schemas

DECIMAL = logical("bytes", "decimal", precision=6, scale=2)


def exactly(value: Any) -> Any:
    """What tells 1 from 1.0 and True, 0.0 from -0.0, a subclass from its base, and one order from another."""
    if isinstance(value, dict):
        return dict, [(key, type(key), exactly(item)) for key, item in value.items()]
    if isinstance(value, list | tuple):
        return type(value), [exactly(item) for item in value]
    return type(value), repr(value)


def exact_reader(plan: RecordPlan) -> Any:
    exact = ValueReaders().reader(plan)
    decode = msgspec.json.Decoder(float_hook=Decimal if holds_decimal(plan) else None).decode

    def read(raw: bytes) -> Any:
        reading = Reading()
        return exact(decode(raw), reading), reading.unknown

    return read


def typed(raw: bytes, *fields: dict[str, Any]) -> Any:
    """What typed decoding makes of a text; None: it refuses."""
    plan = plan_of(event(*fields))
    compiled = compile_typed(plan, decimals=holds_decimal(plan))
    if compiled is None:
        return None
    try:
        return compiled.data(refuse)(raw)[0]
    except InvalidData:
        return None


def refuse(raw: Any) -> Any:
    """Stands for the exact reader, where typed decoding alone is wanted."""
    raise InvalidData("", "what types can say", "something else")


@st.composite
def small_schemas(draw: st.DrawFn) -> dict[str, Any]:
    """A record of few fields, some of whose names are names of types."""
    names = itertools.count(1)
    leaves = ["null", "boolean", "int", "long", "float", "double", "string", "bytes", DECIMAL]

    def type_(depth: int) -> Any:
        match draw(st.sampled_from(["leaf", "leaf", "enum", "array", "map", "record", "nullable", "union"])):
            case "enum":
                return {"type": "enum", "name": f"N{next(names)}", "namespace": "", "symbols": ["RED", "x"]}
            case "array" if depth:
                return {"type": "array", "items": type_(depth - 1)}
            case "map" if depth:
                return {"type": "map", "values": type_(depth - 1)}
            case "record" if depth:
                return made_record(depth - 1)
            case "nullable" if depth:
                part = type_(depth - 1)
                return part if part == "null" or isinstance(part, list) else ["null", part]
            case "union" if depth:
                kinds: list[Any] = draw(
                    st.lists(st.sampled_from(leaves[:8]), min_size=1, max_size=3, unique=True)
                )
                return draw(st.permutations([*kinds, *draw(st.sampled_from(parts))]))
            case _:
                return draw(st.sampled_from(leaves))

    def made_record(depth: int) -> dict[str, Any]:
        chosen = draw(
            st.lists(
                st.sampled_from(["a", "class", "string", "map", "N2"]), unique=True, min_size=1, max_size=2
            )
        )
        return {
            "type": "record",
            "name": f"N{next(names)}",
            "namespace": "",
            "fields": [{"name": name, "type": type_(depth)} for name in chosen],
        }

    array: Any = {"type": "array", "items": "int"}
    parts = [[], [], [array], [{"type": "map", "values": "int"}], [{"type": "map", "values": array}]]
    return made_record(2)


DEFINITIONS = st.one_of(small_schemas(), small_schemas(), small_schemas(), schemas(), schemas(plain=True))


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_what_typed_decoding_takes_it_reads_as_the_exact_reader(data: st.DataObject) -> None:
    definition = data.draw(DEFINITIONS)
    plan = plan_of(definition)
    compiled = compile_typed(plan, decimals=holds_decimal(plan))
    if compiled is None:
        return
    exact = exact_reader(plan)
    for _ in range(8):
        raw = data.draw(texts(definition))
        try:
            taken = compiled.data(refuse)(raw)
        except InvalidData:
            continue
        assert exactly(taken) == exactly(exact(raw))


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_values_at_paths_are_those_of_the_whole(data: st.DataObject) -> None:
    definition = data.draw(DEFINITIONS)
    reader = JsonReader(plan_of(definition))
    known = sorted(paths_of(definition, named_types(definition), 3))
    paths = data.draw(st.lists(st.sampled_from(known), unique=True)) if known else []
    read, project = reader.values(paths), compile_projection(paths)
    for _ in range(8):
        raw = data.draw(texts(definition))
        whole = result(reader.read, raw)
        expected = whole if isinstance(whole, str) else (project(whole[0]), whole[1])
        assert exactly(result(read, raw)) == exactly(expected)


def paths_of(schema: Any, named: dict[str, Any], depth: int) -> set[str]:
    """Dot paths from a record, through whatever holds others, and one that leads nowhere."""
    if isinstance(schema, list):
        return {path for branch in schema for path in paths_of(branch, named, depth)}
    schema = named.get(schema, {}) if isinstance(schema, str) else schema
    match schema.get("type") if depth else None:
        case "record":
            return {
                path
                for item in schema["fields"]
                for path in (
                    item["name"],
                    *(f"{item['name']}.{inner}" for inner in paths_of(item["type"], named, depth - 1)),
                )
            }
        case "array":
            return paths_of(schema["items"], named, depth)
        case "map":
            return {"a", *(f"a.{inner}" for inner in paths_of(schema["values"], named, depth - 1))}
        case _:
            return {"nowhere"}


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_every_way_of_reading_has_one_verdict_and_one_error(data: st.DataObject) -> None:
    definition = data.draw(DEFINITIONS)
    plan = plan_of(definition)
    reader, untyped = JsonReader(plan).read, compile_untyped(plan, decimals=holds_decimal(plan))
    for _ in range(8):
        raw = data.draw(texts(definition))
        made, expected = result(reader, raw), result(untyped, raw)
        assert made == expected
        if not isinstance(made, str):
            # The order of an object read in place is its sender's.
            assert exactly_unordered(made) == exactly_unordered(expected)


def exactly_unordered(value: Any) -> Any:
    if isinstance(value, dict):
        return dict, {key: exactly_unordered(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value), [exactly_unordered(item) for item in value]
    return type(value), repr(value)


MONEY = record("Money", field("amount", "long"), field("currency", "string", default="EUR"))
TAKEN: list[tuple[Any, str, Any]] = [
    ("null", "null", None),
    ("boolean", "true", True),
    ("int", "-0", 0),
    ("long", "9223372036854775807", (1 << 63) - 1),
    ("double", "1", 1.0),
    ("double", "-0", 0.0),
    ("double", "-0.0", -0.0),
    ("double", "9007199254740993", 9007199254740992.0),
    ("double", "123456789012345678901234567890", 1.2345678901234568e29),
    ("string", '"a"', "a"),
    ("bytes", '"\\u00ff"', "\xff"),
    ({"type": "enum", "name": "E", "symbols": ["A", "B"]}, '"B"', "B"),
    (["null", "string"], "null", None),
    (["null", "double"], "1", 1.0),
    (["string", "null", "long", "boolean"], "5", 5),
    (["null", MONEY], '{"amount": 1}', {"amount": 1, "currency": "EUR"}),
    (["null", {"type": "map", "values": "string"}], '{"a": "b"}', {"a": "b"}),
    ({"type": "array", "items": "double"}, "[1, 2.5]", [1.0, 2.5]),
    ({"type": "array", "items": MONEY}, '[{"amount": 1}]', [{"amount": 1, "currency": "EUR"}]),
    ({"type": "map", "values": MONEY}, '{"a": {"amount": 1}}', {"a": {"amount": 1, "currency": "EUR"}}),
    ({"type": "map", "values": "float"}, '{"a": 1, "a": 2}', {"a": 2.0}),
    (logical("long", "timestamp-millis"), '"2026-01-02T03:04:05Z"', "2026-01-02T03:04:05.000000Z"),
    (["null", logical("int", "date")], "1", "1970-01-02"),
    (logical("int", "date"), '"2026-01-02"', "2026-01-02"),
    (logical("long", "timestamp-millis"), '"2026-01-02 03:04:05.1239+0100"', "2026-01-02T02:04:05.124000Z"),
    (logical("long", "timestamp-micros"), '"9999-12-31T23:59:59.9Z"', "9999-12-31T23:59:59.900000Z"),
    (logical("long", "timestamp-micros"), "-62135596800000000", "0001-01-01T00:00:00.000000Z"),
    (logical("long", "timestamp-nanos"), "-1", "1969-12-31T23:59:59.999999Z"),
    (
        logical("string", "uuid"),
        '"8C1F9F5E5BFA4B0E9A3E1A2B3C4D5E6F"',
        "8c1f9f5e-5bfa-4b0e-9a3e-1a2b3c4d5e6f",
    ),
    (DECIMAL, "12.10", "12.10"),
    ({"type": "array", "items": DECIMAL}, '["1", 2]', ["1.00", "2.00"]),
]


@pytest.mark.parametrize(("type_", "raw", "expected"), TAKEN)
def test_plain_data_is_read_by_typed_decoding(type_: Any, raw: str, expected: Any) -> None:
    data = typed(f'{{"x": {raw}, "n": 1}}'.encode(), field("n", "int"), field("x", type_))
    assert exactly(data) == exactly({"n": 1, "x": expected})


LEFT: list[tuple[Any, str]] = [
    ("int", "1.0"),
    ("int", "1e2"),
    ("int", "true"),
    ("int", "2147483648"),
    ("long", "9223372036854775808"),
    ("boolean", "1"),
    ("double", "1e400"),
    ("string", '"\\ud800"'),
    ("string", "null"),
    (["null", "string"], '{"string": "a"}'),
    (["null", {"type": "map", "values": "string"}], '{"map": "a"}'),
    (["null", record("Data", field("Data", "string"))], '{"Data": "a"}'),
    (["double", "long"], "5"),
    (MONEY, '{"amount": 1, "unknown": 1}'),
    (MONEY, '{"Money": {"amount": 1}}'),
    (record("Node", field("next", ["null", "Node"])), '{"next": null}'),
    (logical("long", "timestamp-millis"), '"9999-12-31T23:59:59.9999Z"'),
    (logical("long", "timestamp-micros"), '"0001-01-01T00:00:00+23:59"'),
    (logical("long", "timestamp-micros"), "-62135596800000001"),
    (logical("long", "timestamp-millis"), '"2026-01-02T03:04:05"'),
    (logical("int", "date"), "3000000"),
    (logical("string", "uuid"), '"8c1f9f5e-5bfa4b0e9a3e1a2b3c4d5e6f"'),
]


@pytest.mark.parametrize(("type_", "raw"), LEFT)
def test_what_needs_judgement_is_left_to_the_exact_reader(type_: Any, raw: str) -> None:
    assert typed(f'{{"x": {raw}}}'.encode(), field("x", type_)) is None


AMBIGUOUS: list[tuple[Any, str]] = [
    (["null", {"type": "map", "values": {"type": "map", "values": "int"}}], '{"map": {}}'),
    (["null", record("Box", field("Box", {"type": "map", "values": "int"}, default={}))], '{"Box": {}}'),
    (["double", "long"], "5"),
    (["float", "null", "int"], "5"),
    (["string", {"type": "enum", "name": "E", "symbols": ["A"]}], '{"E": "A"}'),
]


@pytest.mark.parametrize(("type_", "raw"), AMBIGUOUS)
def test_of_two_meanings_the_exact_readers_is_taken(type_: Any, raw: str) -> None:
    plan = plan_of(event(field("x", type_)))
    text = f'{{"x": {raw}}}'.encode()
    assert exactly(JsonReader(plan).read(text)) == exactly(exact_reader(plan)(text))


@pytest.mark.parametrize(
    "raw", [b'{"x": "\xff"}', b'{"x": "a"', b'{"x": "a"} 1', b"[]", b"", b'{"x": ' + b"[" * 100_000]
)
def test_what_is_no_object_of_json_is_refused(raw: bytes) -> None:
    assert typed(raw, field("x", "string")) is None


@pytest.mark.parametrize(
    "name", ["class", "None", "_x", "__init__", "__struct_fields__", "mro", "v", "asdict", "f1"]
)
def test_any_name_of_avro_names_a_field(name: str) -> None:
    data = typed(f'{{"{name}": 1, "f0": 2}}'.encode(), field(name, "double"), field("f0", "int"))
    assert exactly(data) == exactly({name: 1.0, "f0": 2})


def test_missing_fields_take_fresh_defaults() -> None:
    fields = (
        field("tags", {"type": "array", "items": "string"}, default=["a"]),
        field("note", ["null", "string"]),
        field("at", logical("long", "timestamp-millis"), default=0),
        field("n", "double", default=1),
    )
    data = typed(b"{}", *fields)
    assert exactly(data) == exactly(
        {"tags": ["a"], "note": None, "at": "1970-01-01T00:00:00.000000Z", "n": 1.0}
    )
    data["tags"].append("changed")
    assert typed(b"{}", *fields)["tags"] == ["a"]
    plan = plan_of(event(*fields))
    read = JsonReader(plan).read
    read(b"{}")[0]["tags"].append("changed")
    assert read(b"{}")[0]["tags"] == ["a"]


def test_older_data_is_read_in_the_newest_shape() -> None:
    colour = {"type": "enum", "name": "Colour", "symbols": ["RED", "OLD"]}
    newer = {**colour, "symbols": ["RED"], "default": "RED"}
    old = event(field("qty", "int"), field("gone", "string"), field("colour", colour))
    new = event(
        field("tags", {"type": "array", "items": "string"}, default=["a"]),
        field("colour", newer),
        field("quantity", "double", aliases=["qty"]),
        version=2,
    )
    schema = made(old, new)
    raw = b'{"gone": "x", "qty": 2, "colour": "OLD"}'
    expected = {"tags": ["a"], "colour": "RED", "quantity": 2.0}
    assert exactly(schema.read_json(raw)) == exactly((expected, 0))
    schema.read_json(raw)[0]["tags"].append("changed")
    again = pickle.loads(pickle.dumps(schema))
    assert exactly(again.read_json(raw)) == exactly((expected, 0))
    assert (
        result(schema.read_json, b'{"gone": 1, "qty": 2, "colour": "OLD"}')
        == "gone: expected a string, found number 1"
    )


def test_a_run_of_odd_data_changes_no_verdict() -> None:
    read = JsonReader(plan_of(event(field("x", "int")))).read
    for size in (1, 2, 5, 100):
        assert [read(b'{"x": 1, "y": 2}') for _ in range(size)] == [({"x": 1}, 1)] * size
        assert [read(b'{"x": 1}') for _ in range(size)] == [({"x": 1}, 0)] * size
        assert result(read, b'{"x": "a"}') == "x: expected an int, found text 'a'"

# ruff: noqa: E501 - a case is a line
from __future__ import annotations

import io
from typing import Any

import fastavro
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.avro import compatibility
from tests.schemas.avro.definitions import encode, event, field, logical, made, record, same_bytes

ENUM = {"type": "enum", "name": "E", "symbols": ["A", "B"]}
FIXED = {"type": "fixed", "name": "F", "size": 2}
DECIMAL = logical("bytes", "decimal", precision=6, scale=2)


def old_and_new(old: Any, new: Any, **more: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    return event(field("x", old)), event(field("x", new, **more), version=2)


@pytest.mark.parametrize(
    ("old", "new", "raw", "expected"),
    [
        ("int", "long", b"5", 5),
        ("int", "double", b"5", 5.0),
        ("long", "float", b"5", 5.0),
        ("float", "double", b"0.5", 0.5),
        ("string", "bytes", '"é"'.encode(), "\xc3\xa9"),
        ("bytes", "string", b'"\\u00c3\\u00a9"', "é"),
        ("int", ["null", "int"], b"5", 5),
        ("int", ["string", "double"], b"5", 5.0),
        ("int", ["double", "int"], b"5", 5),
        (["int"], "long", b"5", 5),
        (["int", "string"], ["string", "int", "null"], b'"a"', "a"),
        (["double", "int"], ["double", "int"], b'{"int": 5}', 5),
        (ENUM, {**ENUM, "symbols": ["A", "C"], "default": "C"}, b'"B"', "C"),
        (ENUM, {**ENUM, "symbols": ["B", "A", "C"]}, b'"B"', "B"),
        (ENUM, {**ENUM, "name": "E2", "aliases": ["E"]}, b'"B"', "B"),
        (ENUM, {**ENUM, "name": "org.E"}, b'"B"', "B"),
        (FIXED, {**FIXED, "name": "G", "aliases": ["F"]}, b'"ab"', "ab"),
        ({"type": "array", "items": "int"}, {"type": "array", "items": "double"}, b"[1]", [1.0]),
        (
            {"type": "map", "values": "int"},
            {"type": "map", "values": ["null", "long"]},
            b'{"a": 1}',
            {"a": 1},
        ),
        (
            logical("string", "uuid"),
            "string",
            b'"8C1F9F5E-5BFA-4B0E-9A3E-1A2B3C4D5E6F"',
            "8c1f9f5e-5bfa-4b0e-9a3e-1a2b3c4d5e6f",
        ),
        (DECIMAL, ["null", DECIMAL], b"1.5", "1.50"),
        (
            record("S", field("a", "int"), field("gone", "int")),
            record("S", field("b", "long", aliases=["a"]), field("new", "string", default="n")),
            b'{"a": 1, "gone": 2}',
            {"b": 1, "new": "n"},
        ),
    ],
)
def test_older_data_takes_the_newest_shape(old: Any, new: Any, raw: bytes, expected: Any) -> None:
    writer, reader = old_and_new(old, new)
    assert compatibility(reader, writer) == []
    value = made(writer, reader).read_json(b'{"x": ' + raw + b"}")[0]["x"]
    assert (value, type(value)) == (expected, type(expected))


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("long", "int", "field x was a long, which cannot be read as an int"),
        ("double", "float", "field x was a double, which cannot be read as a float"),
        ("string", "int", "field x was a string, which cannot be read as an int"),
        (["null", "int"], "int", "field x was null, which cannot be read as an int"),
        (["null", "int"], ["null", "string"], "field x was an int, which cannot be read as null or a string"),
        (
            ENUM,
            {**ENUM, "symbols": ["A"]},
            "field x loses the symbol B and has no enum default to read it as",
        ),
        (FIXED, {**FIXED, "size": 3}, "field x changes its fixed size from 2 to 3"),
        (
            FIXED,
            {**FIXED, "name": "G"},
            "field x was the type F, which cannot be read as the type G (an alias may tell that it is the same)",
        ),
        (
            {"type": "array", "items": record("S", field("a", "int"))},
            {"type": "array", "items": record("S", field("b", "int"))},
            "field x[].b is new and has no default",
        ),
        (
            logical("long", "timestamp-millis"),
            logical("long", "timestamp-micros"),
            "field x changes its logical type from timestamp-millis to timestamp-micros: "
            "the same data would mean something else; add a field instead",
        ),
        (
            DECIMAL,
            logical("bytes", "decimal", precision=8, scale=2),
            "field x changes its logical type from decimal(6, 2) to decimal(8, 2): "
            "the same data would mean something else; add a field instead",
        ),
    ],
)
def test_what_keeps_a_reader_from_older_data_is_told(old: Any, new: Any, problem: str) -> None:
    writer, reader = old_and_new(old, new)
    assert compatibility(reader, writer) == [problem]


def test_a_new_field_needs_a_default_and_a_dropped_one_nothing() -> None:
    old, new = event(field("a", "int")), event(field("b", "int"))
    assert compatibility(new, old) == ["field b is new and has no default"]
    assert compatibility(event(field("b", "int", default=1)), old) == []


def test_a_renamed_record_needs_an_alias() -> None:
    old = event(field("a", "int"))
    assert compatibility({**old, "name": "Other"}, old) == [
        "the record was the type Event, which cannot be read as the type Other (an alias may tell that it is the same)"
    ]
    assert compatibility({**old, "name": "Other", "aliases": ["Event"]}, old) == []


def test_a_definition_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="expected a type that is defined above, found 'strin'"):
        compatibility(event(field("a", "strin")), event())


def test_older_defaults_come_through_renames_and_promotions() -> None:
    old = event(field("a", "int", default=3), field("b", "string"))
    new = event(
        field("c", "double", aliases=["a"], default=9),
        field("b", "string"),
        field("d", ["null", "int"], default=None),
    )
    assert made(old, new).read_json(b'{"b": "x", "u": 1}') == ({"c": 3.0, "b": "x", "d": None}, 1)


def test_recursive_records_resolve() -> None:
    old = record("Node", field("next", ["null", "Node"]), field("n", "int"))
    new = record(
        "Node",
        field("next", ["null", "Node"]),
        field("m", "double", aliases=["n"]),
        field("t", "string", default="t"),
    )
    schema = made(event(field("x", old)), event(field("x", new)))
    assert schema.read_json(b'{"x": {"next": {"next": null, "n": 2}, "n": 1}}') == (
        {"x": {"next": {"next": None, "m": 2.0, "t": "t"}, "m": 1.0, "t": "t"}},
        0,
    )


CHANGES: list[tuple[Any, list[Any]]] = [
    ("int", ["int", "long", "double", ["null", "int"], ["long", "string"], "string"]),
    ("string", ["string", ["null", "string"], "int"]),
    (["null", "int"], [["null", "int"], ["null", "long", "string"], "int"]),
    (
        {"type": "array", "items": "int"},
        [{"type": "array", "items": "long"}, {"type": "array", "items": "string"}],
    ),
    ({"type": "map", "values": "int"}, [{"type": "map", "values": "double"}]),
]
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "0": st.integers(-9, 9),
    "1": st.text(max_size=2),
    "2": st.none() | st.integers(-9, 9),
    "3": st.lists(st.integers(-9, 9), max_size=2),
    "4": st.dictionaries(st.sampled_from("ab"), st.integers(-9, 9), max_size=2),
}


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_binary_and_json_resolve_as_fastavro_does(data: st.DataObject) -> None:
    kinds = data.draw(st.lists(st.sampled_from(range(len(CHANGES))), unique=True))
    old = event(*(field(f"f{kind}", CHANGES[kind][0]) for kind in kinds))
    fields = []
    for kind in data.draw(st.permutations(kinds)):
        new = data.draw(st.sampled_from(CHANGES[kind][1]))
        names: list[dict[str, Any]] = [{"name": f"f{kind}"}, {"name": f"g{kind}", "aliases": [f"f{kind}"]}]
        name = data.draw(st.sampled_from(names))
        if data.draw(st.integers(0, 4)):
            fields.append({**field("", new), **name})
    new_event = event(*fields, field("added", "int", default=4))
    value = {f"f{kind}": data.draw(VALUES[str(kind)]) for kind in kinds}
    raw = encode(old, value)
    problems = compatibility(new_event, old)
    if problems:
        return
    expected = fastavro.schemaless_reader(
        io.BytesIO(raw), fastavro.parse_schema(old), fastavro.parse_schema(new_event)
    )
    schema = made(old, new_event)
    assert same_bytes(schema.read_avro(raw)[0]) == same_bytes(expected)
    assert same_bytes(schema.read_json(msgspec.json.encode(value))[0]) == same_bytes(expected)

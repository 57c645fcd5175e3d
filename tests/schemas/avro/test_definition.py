from __future__ import annotations

from typing import Any

import pytest
from fastavro import parse_schema
from hypothesis import given, settings

from schemas.avro.definition import define
from tests.schemas.avro.definitions import field, record
from tests.schemas.avro.strategies import schemas

BYTES_DECIMAL = {"type": "bytes", "logicalType": "decimal"}


def mistakes(type_: Any, **more: Any) -> list[str]:
    return [message for _, message in define(record("R", field("x", type_, **more)))[1]]


@pytest.mark.parametrize(
    ("type_", "more", "message"),
    [
        ("strin", {}, "expected a type that is defined above, found 'strin'"),
        ("array", {}, "expected an object of type 'array', found its bare name"),
        (5, {}, "expected a schema, found number 5"),
        ({}, {}, "expected a schema with a 'type', found an object without"),
        ({"type": {"type": "string"}}, {}, "expected the name of a type, found an object"),
        ({"type": "R"}, {}, "expected the name of a type, found 'R'"),
        ({"type": "array"}, {}, "expected 'items' in the array, found none"),
        ({"type": "map"}, {}, "expected 'values' in the map, found none"),
        ([], {}, "expected at least one branch in the union, found none"),
        (["null", ["int"]], {}, "expected no union directly inside a union"),
        (["int", "int"], {}, "expected each type once in a union, found 'int' again"),
        (
            ["int", {"type": "int", "logicalType": "date"}],
            {},
            "expected each type once in a union, found 'int' again",
        ),
        (
            [{"type": "array", "items": "int"}, {"type": "array", "items": "string"}],
            {},
            "expected each type once in a union, found 'array' again",
        ),
        (["null", "R", "R"], {}, "expected each type once in a union, found 'R' again"),
        (
            {"type": "fixed", "name": "F", "size": 0},
            {},
            "expected a size from 1 to 1048576 bytes, found number 0",
        ),
        ({"type": "fixed", "name": "F"}, {}, "expected a size from 1 to 1048576 bytes, found none"),
        ({"type": "fixed", "size": 1}, {}, "expected a name of letters, digits and _, found none"),
        (
            {"type": "fixed", "name": "R", "size": 1},
            {},
            "expected a new name, found 'R', which is defined above",
        ),
        (
            {"type": "fixed", "name": "int", "size": 1},
            {},
            "expected a name that is no primitive type's, found 'int'",
        ),
        (
            {"type": "fixed", "name": "a..b", "size": 1},
            {},
            "expected a name of letters, digits and _, found text 'a..b'",
        ),
        (
            {"type": "fixed", "name": "é", "size": 1},
            {},
            "expected a name of letters, digits and _, found text 'é'",
        ),
        (
            {"type": "fixed", "name": "F", "namespace": "1a", "size": 1},
            {},
            "expected a namespace such as com.acme, found text '1a'",
        ),
        (
            {"type": "fixed", "name": "F", "size": 1, "aliases": "G"},
            {},
            "expected a list of names as aliases",
        ),
        ({"type": "fixed", "name": "F", "size": 1, "aliases": ["G", "G"]}, {}, "expected each alias once"),
        ({"type": "enum", "name": "E"}, {}, "expected a list of 'symbols' in the enum, at least one"),
        (
            {"type": "enum", "name": "E", "symbols": []},
            {},
            "expected a list of 'symbols' in the enum, at least one",
        ),
        (
            {"type": "enum", "name": "E", "symbols": ["a-b"]},
            {},
            "expected symbols of letters, digits and _, found text 'a-b'",
        ),
        (
            {"type": "enum", "name": "E", "symbols": ["A", "A"]},
            {},
            "expected each symbol once, found 'A' again",
        ),
        (
            {"type": "enum", "name": "E", "symbols": ["A"], "default": "B"},
            {},
            "expected one of the symbols as default, found text 'B'",
        ),
        (BYTES_DECIMAL, {}, "expected a decimal's precision from 1 to 1000, found none"),
        (
            {**BYTES_DECIMAL, "precision": 0},
            {},
            "expected a decimal's precision from 1 to 1000, found number 0",
        ),
        (
            {**BYTES_DECIMAL, "precision": 2, "scale": 3},
            {},
            "expected a decimal's scale from 0 to its precision, found number 3",
        ),
        (
            {"type": "fixed", "name": "F", "size": 2, "logicalType": "decimal", "precision": 5},
            {},
            "expected a decimal's precision from 1 to 4, found number 5",
        ),
        (
            "int",
            {"order": "up"},
            "expected the order to be one of ascending, descending, ignore, found text 'up'",
        ),
        ("int", {"aliases": ["a.b"]}, "expected a list of names as aliases"),
        ("int", {"aliases": ["x"]}, "expected 'x' once in the record, found it again as alias"),
        ("int", {"default": None}, "field x: expected an int as default, found null"),
        ("int", {"default": True}, "field x: expected an int as default, found true"),
        ("int", {"default": 1 << 31}, "field x: expected an int as default, found number 2147483648"),
        ("double", {"default": "1"}, "field x: expected a double as default, found text '1'"),
        ("R", {}, "expected a record that ends, found 'R' in itself"),
        (
            ["null", "int"],
            {"default": 1},
            "field x: expected null as default (a union's default fits its first branch), found number 1",
        ),
        (
            "bytes",
            {"default": "\u0100"},
            "field x: expected text up to U+00FF (bytes are ISO-8859-1 text) as default, found text 'Ā'",
        ),
        (
            {"type": "array", "items": "int"},
            {"default": [1, "a"]},
            "field x: expected an int as default, found a list",
        ),
        (
            record("S", field("a", "int")),
            {"default": {}},
            "field x: expected an object (S) with 'a' as default, found an object",
        ),
        (
            record("S"),
            {"default": {"z": 1}},
            "field x: expected an object (S) without 'z' as default, found an object",
        ),
    ],
)
def test_a_mistake_is_told(type_: Any, more: dict[str, Any], message: str) -> None:
    assert mistakes(type_, **more) == [message]


def test_a_default_that_holds_itself_is_refused() -> None:
    inner = record(
        "S", field("more", {"type": "map", "values": "int"}), field("s", ["S", "null"], default={"more": {}})
    )
    assert "its record is its own default" in mistakes(inner)[0]


def test_every_mistake_is_told_with_its_place() -> None:
    definition = record(
        "R", field("a", "strin"), field("a b", "int"), field("c", ["int", "int"]), {"doc": "x"}
    )
    assert [place for place, _ in define(definition)[1]] == [
        ("fields", 0, "type"),
        ("fields", 1, "name"),
        ("fields", 2, "type", 1),
        ("fields", 3, "name"),
        ("fields", 3, "name"),
    ]


@pytest.mark.parametrize(
    "type_",
    [
        {"type": "string", "logicalType": "date"},
        {"type": "int", "logicalType": "decimal"},
        {"type": "int", "logicalType": "no-such"},
        {"type": "fixed", "name": "F", "size": 3, "logicalType": "duration"},
        {"type": "fixed", "name": "F", "size": 3, "logicalType": "uuid"},
        {"type": "fixed", "name": "com.acme.F", "size": 3, "aliases": ["G", "org.H"]},
        ["null", "R"],
        {"type": "array", "items": "R"},
        {"type": "map", "values": ["int", "string"]},
        record(
            "S", field("y", {"type": "fixed", "name": "F", "size": 1}), field("z", "org.F"), namespace="org"
        ),
    ],
)
def test_what_the_specification_allows_is_a_type(type_: Any) -> None:
    assert mistakes(type_) == []


@settings(max_examples=200, deadline=None)
@given(schemas())
def test_what_fastavro_parses_of_generated_schemas_is_a_type(definition: Any) -> None:
    parse_schema(definition)
    assert define(definition)[1] == []

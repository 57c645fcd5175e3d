# ruff: noqa: E501 - a case is a line
from __future__ import annotations

import copy
import itertools
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from fastavro.validation import validate
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.avro import InvalidData
from schemas.avro.compile_json import JsonReader, holds_decimal
from schemas.avro.read_value import Reading, ValueReaders
from tests.schemas.avro.definitions import field, logical, plan_of, record, result, same_bytes, schema
from tests.schemas.avro.strategies import JSON, PLAIN, record_unions, schemas, values

DECIMAL = {"type": "bytes", "logicalType": "decimal", "precision": 6, "scale": 2}
MONEY = record(
    "Money", field("amount", "long"), field("currency", "string", default="EUR"), namespace="com.acme"
)


def read(type_: Any, raw: str) -> Any:
    return schema(field("x", type_)).read_json(f'{{"x": {raw}}}'.encode())[0]["x"]


DOCS = Path(__file__).resolve().parents[3] / "docs" / "avro.md"


def rows(heading: str) -> list[list[str]]:
    """The rows of the table in the documentation whose first row is given, as the code in their cells."""
    lines = DOCS.read_text(encoding="utf-8").splitlines()
    table = itertools.takewhile(lambda line: line.startswith("|"), lines[lines.index(heading) + 2 :])
    return [[cell.strip().strip("`") for cell in line.strip("|").split(" | ")] for line in table]


@pytest.mark.parametrize("row", rows("| type | JSON | canonical |"))
def test_what_the_documentation_accepts_is_accepted(row: list[str]) -> None:
    type_, raw, canonical = row
    expected = json.loads(canonical)
    made = read(json.loads(type_), raw)
    assert (made, type(made)) == (expected, type(expected))


@pytest.mark.parametrize("row", rows("| type | JSON | because |"))
def test_what_the_documentation_refuses_is_refused(row: list[str]) -> None:
    with pytest.raises(InvalidData):
        read(json.loads(row[0]), row[1])


ACCEPTED: list[tuple[Any, str, Any]] = [
    ("null", "null", None),
    ("boolean", "true", True),
    ("int", "-2147483648", -(1 << 31)),
    ("long", "9223372036854775807", (1 << 63) - 1),
    ("double", "1", 1.0),
    ("double", "1.5e3", 1500.0),
    ("double", "123456789012345678901234567890", 1.2345678901234568e29),
    ("float", "0.1", 0.1),
    ("string", '"\\ud83d\\ude00"', "😀"),
    ("bytes", '"\\u00ff\\u0000"', "\xff\x00"),
    ({"type": "fixed", "name": "F", "size": 2}, '"\\u00ff\\u0000"', "\xff\x00"),
    ({"type": "enum", "name": "E", "symbols": ["A", "B"]}, '"B"', "B"),
    (DECIMAL, '"12.5"', "12.50"),
    (DECIMAL, '"12.500"', "12.50"),
    (DECIMAL, '"-0.00"', "0.00"),
    (DECIMAL, '"0"', "0.00"),
    (DECIMAL, "12.10", "12.10"),
    (DECIMAL, "1e2", "100.00"),
    (DECIMAL, "-7", "-7.00"),
    (DECIMAL, "9999.99", "9999.99"),
    (logical("bytes", "decimal", precision=30, scale=20), "0.12345678901234567891", "0.12345678901234567891"),
    (logical("bytes", "decimal", precision=9, scale=9), "0.000000001", "0.000000001"),
    (logical("long", "timestamp-millis"), '"2026-01-02T03:04:05Z"', "2026-01-02T03:04:05.000000Z"),
    (
        logical("long", "timestamp-millis"),
        '"2026-01-02T03:04:05.123456+01:00"',
        "2026-01-02T02:04:05.123000Z",
    ),
    (logical("long", "timestamp-millis"), "1767323045123", "2026-01-02T03:04:05.123000Z"),
    (logical("long", "timestamp-micros"), "-1", "1969-12-31T23:59:59.999999Z"),
    (logical("long", "timestamp-micros"), '"2026-01-02T03:04:05.123456789Z"', "2026-01-02T03:04:05.123457Z"),
    (logical("long", "timestamp-micros"), '"2016-12-31T23:59:60Z"', "2017-01-01T00:00:00.000000Z"),
    (logical("long", "timestamp-nanos"), "1767323045123456789", "2026-01-02T03:04:05.123456Z"),
    (logical("long", "local-timestamp-micros"), '"2026-01-02T03:04:05.5"', "2026-01-02T03:04:05.500000"),
    (logical("long", "local-timestamp-millis"), "0", "1970-01-01T00:00:00.000000"),
    (logical("int", "date"), '"2024-02-29"', "2024-02-29"),
    (logical("int", "date"), "-1", "1969-12-31"),
    (logical("int", "time-millis"), '"03:04:05.123456"', "03:04:05.123000"),
    (logical("int", "time-millis"), "86399999", "23:59:59.999000"),
    (logical("long", "time-micros"), '"03:04:05"', "03:04:05.000000"),
    (
        logical("string", "uuid"),
        '"8C1F9F5E-5BFA-4B0E-9A3E-1A2B3C4D5E6F"',
        "8c1f9f5e-5bfa-4b0e-9a3e-1a2b3c4d5e6f",
    ),
    (
        {"type": "fixed", "name": "U", "size": 16, "logicalType": "uuid"},
        '"8C1F9F5E-5BFA-4B0E-9A3E-1A2B3C4D5E6F"',
        "8c1f9f5e-5bfa-4b0e-9a3e-1a2b3c4d5e6f",
    ),
    (
        {"type": "fixed", "name": "U", "size": 16, "logicalType": "uuid"},
        json.dumps("\x01" * 16),
        "01010101-0101-0101-0101-010101010101",
    ),
    (
        logical("string", "date"),
        '"not a date: the logical type is ignored"',
        "not a date: the logical type is ignored",
    ),
    ({"type": "array", "items": "double"}, "[1, 2.5]", [1.0, 2.5]),
    ({"type": "map", "values": "int"}, '{"a": 1}', {"a": 1}),
    (["null", "string"], "null", None),
    (["null", "string"], '"a"', "a"),
    (["null", "string"], '{"string": "a"}', "a"),
    (["null", "string", "long"], '{"long": 5}', 5),
    (["double", "long"], "5", 5.0),
    (["null", logical("int", "date")], '{"int": 0}', "1970-01-01"),
    (["null", DECIMAL], '{"bytes": "1.5"}', "1.50"),
    (["null", {"type": "array", "items": "int"}], '{"array": [1]}', [1]),
    (["null", {"type": "map", "values": "string"}], '{"map": {"a": "b"}}', {"a": "b"}),
    (["null", {"type": "map", "values": "string"}], '{"map": "b"}', {"map": "b"}),
    (["null", {"type": "map", "values": "string"}], '{"a": "b"}', {"a": "b"}),
    (["string", {"type": "map", "values": "string"}], '{"string": "b"}', "b"),
    (["null", MONEY], '{"com.acme.Money": {"amount": 1}}', {"amount": 1, "currency": "EUR"}),
    (["null", MONEY], '{"Money": {"amount": 1}}', {"amount": 1, "currency": "EUR"}),
    (["null", MONEY], '{"amount": 1}', {"amount": 1, "currency": "EUR"}),
]


@pytest.mark.parametrize(("type_", "raw", "expected"), ACCEPTED)
def test_a_value_is_read_in_its_canonical_form(type_: Any, raw: str, expected: Any) -> None:
    made = read(type_, raw)
    assert (made, type(made)) == (expected, type(expected))


TIME = logical("long", "timestamp-micros")
REFUSED: list[tuple[Any, str]] = [
    ("null", "0"),
    ("boolean", "1"),
    ("int", "true"),
    ("int", "1.0"),
    ("int", "2147483648"),
    ("long", "9223372036854775808"),
    ("long", '"1"'),
    ("double", '"NaN"'),
    ("double", "1" + "0" * 400),
    ("double", "1e400"),
    ("double", "true"),
    ("string", "1"),
    ("bytes", '"\\u0100"'),
    ({"type": "fixed", "name": "F", "size": 2}, '"abc"'),
    ({"type": "enum", "name": "E", "symbols": ["A", "B"]}, '"C"'),
    ({"type": "enum", "name": "E", "symbols": ["A", "B"]}, "[]"),
    (DECIMAL, "12.105"),
    (DECIMAL, "12.1000000000000000000001"),
    (DECIMAL, '"12.105"'),
    (DECIMAL, '"1e2"'),
    (DECIMAL, '"\\u0004\\u00d2"'),
    (DECIMAL, "10000"),
    (DECIMAL, '"10000.00"'),
    (DECIMAL, "1e999999999"),
    (DECIMAL, "1e-999999999"),
    (DECIMAL, "1e99999999999999999999999"),
    (DECIMAL, '"NaN"'),
    (DECIMAL, "true"),
    (DECIMAL, '""'),
    (TIME, '"2026-01-02T03:04:05"'),
    (TIME, '"2026-02-29T03:04:05Z"'),
    (TIME, '"2026-02-30T03:04:05.123456Z"'),
    (TIME, '"0000-01-01T00:00:00Z"'),
    (TIME, '"0001-01-01T00:00:00+01:00"'),
    (TIME, '"2026-01-02T24:00:00Z"'),
    (TIME, "9223372036854775807"),
    (TIME, "1.5"),
    (logical("int", "date"), '"2026-W01-1"'),
    (logical("int", "date"), '"20260102"'),
    (logical("int", "date"), '"2026-13-01"'),
    (logical("int", "date"), "2147483647"),
    (logical("int", "time-millis"), "86400000"),
    (logical("int", "time-millis"), '"24:00:00"'),
    (logical("int", "time-millis"), "-1"),
    (logical("long", "local-timestamp-micros"), '"2026-01-02T03:04:05Z"'),
    (logical("string", "uuid"), '"{8c1f9f5e-5bfa-4b0e-9a3e-1a2b3c4d5e6f}"'),
    ({"type": "fixed", "name": "U", "size": 16, "logicalType": "uuid"}, json.dumps("\u0100" * 16)),
    ({"type": "array", "items": "int"}, "{}"),
    ({"type": "array", "items": "int"}, '[1, "a"]'),
    ({"type": "map", "values": "int"}, '{"a": "b"}'),
    (["null", "string"], '{"long": 1}'),
    (["null", "string"], '{"null": null}'),
    (["null", MONEY], '{"com.acme.Money": {"amount": "x"}}'),
    (["null", record("Loose", field("note", ["null", "string"]))], '{"Loose": {"note": 1}}'),
    (MONEY, '{"com.acme.Money": {"amount": 1}}'),
]


@pytest.mark.parametrize(("type_", "raw"), REFUSED)
def test_a_value_that_does_not_fit_is_refused(type_: Any, raw: str) -> None:
    with pytest.raises(InvalidData):
        read(type_, raw)


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b'{"price": "abc"}', "price: expected a double, found text 'abc'"),
        (b"{}", "price: expected a double, found nothing"),
        (b'{"price": null}', "price: expected a double, found null"),
        (
            b'{"price": 1, "items": [{"sku": "a"}, {"sku": 1}]}',
            "items[1].sku: expected a string, found number 1",
        ),
        (b'{"price": 1, "labels": {"a": true}}', "labels.a: expected a string, found true"),
        (b'{"price": 1, "items": 7}', "items: expected a list, found number 7"),
        (b'{"price": 1, "data": {"data": 7}}', "data.data: expected a string, found number 7"),
        (
            b'{"price": 1, "at": "2026-01-02"}',
            "at: expected a timestamp-millis as RFC 3339 text with a zone or milliseconds since 1970, found text '2026-01-02'",
        ),
        (
            b'{"price": 1, "cost": 1.234}',
            "cost: expected a decimal of 6 digits, 2 after the point, found number 1.234",
        ),
        (b"[]", "data: expected an object (Event), found a list"),
        (b'{"price": 1', "data: expected JSON, found something else (Input data was truncated)"),
        (b'{"price": "\xff"}', "data: expected JSON in UTF-8, found something else (invalid start byte)"),
    ],
)
def test_the_error_names_field_expectation_and_value(raw: bytes, message: str) -> None:
    item = record("Item", field("sku", "string"))
    whole = schema(
        field("price", "double"),
        field("items", {"type": "array", "items": item}, default=[]),
        field("labels", {"type": "map", "values": "string"}, default={}),
        field("at", logical("long", "timestamp-millis"), default=0),
        field("cost", DECIMAL, default="\u0000"),
        field("data", ["null", record("Data", field("data", "string"))], default=None),
    )
    with pytest.raises(InvalidData) as caught:
        whole.read_json(raw)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    "raw", [b'"\\ud800"', b'"\\udc00x"', b'"\xed\xa0\x80"', b"", b"nul", b'"\x01"', b"[" * 100_000]
)
def test_what_is_no_json_is_refused_as_a_whole(raw: bytes) -> None:
    with pytest.raises(InvalidData) as caught:
        schema(field("x", "string")).read_json(b'{"x": ' + raw + b"}")
    assert caught.value.field == "data"


@pytest.mark.parametrize("raw", [json.dumps("a" * 10_000), "1" * 4000, "[" + "1," * 999 + "1]"])
def test_an_error_is_short_whatever_was_sent(raw: str) -> None:
    with pytest.raises(InvalidData) as caught:
        read(["null", "boolean"], raw)
    assert len(str(caught.value)) < 160


def test_an_error_is_short_whatever_the_keys() -> None:
    with pytest.raises(InvalidData) as caught:
        read({"type": "map", "values": "int"}, json.dumps({"k" * 100_000: "a"}))
    assert len(str(caught.value)) < 300


def test_missing_fields_take_their_defaults_and_unknown_ones_are_counted_at_any_depth() -> None:
    item = record("Item", field("sku", "string"), field("note", ["null", "string"], default=None))
    whole = schema(
        field("items", {"type": "array", "items": item}),
        field("one", ["null", item["name"]]),
        field("at", logical("long", "timestamp-millis"), default=0),
        field("cost", DECIMAL, default="\u0004\u00d2"),
        field("tags", {"type": "array", "items": "string"}, default=["a"]),
        field(
            "home",
            record("Home", field("city", "string", default="B"), field("zip", "bytes")),
            default={"zip": "\u00ff"},
        ),
    )
    data, unknown = whole.read_json(
        b'{"items": [{"sku": "a", "u": {"deep": 1}}], "v": 2, "one": {"sku": "b", "w": 1}}'
    )
    assert unknown == 3
    assert data == {
        "items": [{"sku": "a", "note": None}],
        "one": {"sku": "b", "note": None},
        "at": "1970-01-01T00:00:00.000000Z",
        "cost": "12.34",
        "tags": ["a"],
        "home": {"city": "B", "zip": "\xff"},
    }


def test_a_default_is_no_tagged_value() -> None:
    whole = schema(field("x", [{"type": "map", "values": "string"}, "string"], default={"string": "a"}))
    assert whole.read_json(b"{}") == ({"x": {"string": "a"}}, 0)


def test_a_default_is_new_for_each_value() -> None:
    whole = schema(field("tags", {"type": "array", "items": "string"}, default=[]), field("n", "int"))
    whole.read_json(b'{"n": 1}')[0]["tags"].append("changed")
    assert whole.read_json(b'{"n": 1}')[0]["tags"] == []


def test_a_plain_object_is_read_by_the_record_that_knows_most_of_it() -> None:
    near = record("Near", field("a", ["null", "int"]), field("b", ["null", "int"]))
    far = record("Far", field("c", ["null", "int"]))
    whole = schema(field("x", [far, near]))
    assert whole.read_json(b'{"x": {"a": 1, "z": 2}}') == ({"x": {"a": 1, "b": None}}, 1)
    assert whole.read_json(b'{"x": {"z": 2}}') == ({"x": {"c": None}}, 1)
    assert whole.read_json(b'{"x": {"c": "no int", "b": 1}}') == ({"x": {"a": None, "b": 1}}, 1)


def test_nested_unions_are_read_in_good_time() -> None:
    first = record("A", field("next", ["null", "A", "B"]), field("a", "int"))
    second = record("B", field("next", ["null", "A", "B"]), field("b", "int"))
    first["fields"][0]["type"] = ["null", "A", second]
    value: dict[str, Any] = {"a": "neither"}
    for _ in range(60):
        value = {"next": value, "a": 1, "b": 2}
    with pytest.raises(InvalidData):
        schema(field("x", ["null", first])).read_json(json.dumps({"x": value}).encode())


def test_a_recursive_record_is_read_to_the_callers_depth() -> None:
    whole = schema(
        field("x", ["null", record("Node", field("next", ["null", "Node"]), field("n", "double"))])
    )
    value: Any = None
    for n in range(62):
        value = {"next": value, "n": n}
    assert whole.read_json(json.dumps({"x": value}).encode()) == ({"x": value}, 0)


def test_raw_json_is_read_in_place() -> None:
    envelope = msgspec.json.decode(b'{"data": {"x": 1}}', type=dict[str, msgspec.Raw])
    assert schema(field("x", "int")).read_json(envelope["data"]) == ({"x": 1}, 0)


def test_a_field_name_adds_no_code() -> None:
    whole = schema(field("x", "string", default="'}; raise SystemExit #"))
    assert whole.read_json(b"{}")[0] == {"x": "'}; raise SystemExit #"}


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_plain_schemas_accept_what_fastavro_accepts(data: st.DataObject) -> None:
    definition = data.draw(st.one_of(schemas(plain=True), record_unions()))
    reader = JsonReader(plan_of(definition)).read
    for _ in range(3):
        value = data.draw(st.one_of(values(definition, json=True), values(definition, json=True), JSON))
        raw = msgspec.json.encode(value)
        valid = validate(msgspec.json.decode(raw), definition, strict=False, raise_errors=False)
        assert isinstance(result(reader, raw), tuple) is valid


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_generated_code_and_exact_reader_agree(data: st.DataObject) -> None:
    definition = data.draw(schemas())
    plan = plan_of(definition)
    reader, exact = JsonReader(plan).read, ValueReaders().reader(plan)
    text = values(definition, json=True).map(_as_json)
    for _ in range(3):
        raw = msgspec.json.encode(data.draw(st.one_of(text, text, JSON)))

        def read_exactly(raw: bytes) -> tuple[Any, int]:
            reading = Reading()
            value = msgspec.json.decode(raw) if not holds_decimal(plan) else _decimals(raw)
            before = copy.deepcopy(value)
            try:
                return exact(value, reading), reading.unknown
            finally:
                assert value == before

        assert same_bytes(result(reader, raw)) == same_bytes(result(read_exactly, raw))


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_canonical_data_is_its_own_canonical_form(data: st.DataObject) -> None:
    # An untagged object that fits two branches may have been meant as the other.
    definition = data.draw(schemas(plain=True).filter(lambda made: not _unites_objects(made)))
    reader = JsonReader(plan_of(definition)).read
    made = result(reader, msgspec.json.encode(data.draw(values(definition, json=True))))
    if isinstance(made, tuple):
        assert reader(msgspec.json.encode(made[0])) == (made[0], 0)


def _unites_objects(schema: Any) -> bool:
    """Whether a generated schema has a union of several records or maps."""
    match schema:
        case list():
            objects = [part for part in schema if _is_object(part)]
            return len(objects) > 1 or any(map(_unites_objects, schema))
        case {"fields": fields}:
            return any(_unites_objects(part["type"]) for part in fields)
        case {"items": part} | {"values": part}:
            return _unites_objects(part)
        case _:
            return False


def _is_object(branch: Any) -> bool:
    # Any name may be that of a record.
    return branch["type"] in ("record", "map") if isinstance(branch, dict) else branch not in PLAIN


def _decimals(raw: bytes) -> Any:
    return msgspec.json.Decoder(float_hook=Decimal).decode(raw)


def _as_json(value: Any) -> Any:
    """Bytes as the text that stands for them."""
    if isinstance(value, bytes):
        return value.decode("latin-1")
    if isinstance(value, list):
        return [_as_json(item) for item in value]
    if isinstance(value, dict):
        return {key: _as_json(item) for key, item in value.items()}
    return value

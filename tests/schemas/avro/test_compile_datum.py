from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Any

import pytest
from fastavro.validation import validate
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.avro import compile_datum
from schemas.avro.fastavro_rules import RAISED
from tests.schemas.avro.strategies import ANYTHING, record_unions, schemas, values


def oracle(datum: object, schema: Any) -> bool:
    try:
        return bool(validate(datum, schema, strict=False, raise_errors=False))
    except RAISED:
        return False


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_the_verdict_is_fastavros(data: st.DataObject) -> None:
    schema = data.draw(st.one_of(schemas(), record_unions()))
    check = compile_datum(schema)
    for _ in range(3):
        datum = data.draw(st.one_of(values(schema), values(schema), ANYTHING))
        assert check(datum) is oracle(datum, schema)


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_the_verdict_on_a_union_at_the_top_is_fastavros(data: st.DataObject) -> None:
    first, second = data.draw(schemas()), data.draw(st.sampled_from(["null", "int", "string"]))
    schema = [second, first]
    datum = data.draw(st.one_of(values(first), ANYTHING))
    assert compile_datum(schema)(datum) is oracle(datum, schema)


_INNER = {"type": "record", "name": "Inner", "fields": [{"name": "x", "type": "int"}]}
_OUTER = {"type": "record", "name": "Outer", "fields": [{"name": "i", "type": ["null", _INNER]}]}
_SPACED = {
    "type": "record",
    "name": "com.acme.Outer",
    "fields": [{"name": "i", "type": {**_INNER, "name": "com.acme.Inner"}}],
}


ODD: list[tuple[Any, object]] = [
    (_OUTER, {"i": {"x": 1, "-type": "Inner"}}),
    (_OUTER, {"i": {"x": 1, "-type": "Outer.i.Inner"}}),
    (_OUTER, {"i": ("Inner", {"x": 1})}),
    (_OUTER, {"i": ("Other", {"x": 1})}),
    (_OUTER, {"i": ("Inner", {"x": 1}, 3)}),
    (_OUTER, {}),
    (_OUTER, {"-type": "Outer"}),
    (_OUTER, {"-type": "Inner"}),
    (_SPACED, {"i": {"x": 1, "-type": "com.acme.Inner"}}),
    (_SPACED, {"i": {"x": 1, "-type": "Inner"}}),
    ("int", True),
    ("int", 1 << 31),
    ("long", 1 << 63),
    ("double", True),
    ("double", float("nan")),
    ("double", Decimal("1.5")),
    ({"type": "int", "logicalType": "date"}, "2026-02-30"),
    ({"type": "int", "logicalType": "date"}, datetime.datetime(2026, 1, 1)),
    ([{"type": "int", "logicalType": "date"}, "string"], "no date"),
    ({"type": "bytes", "logicalType": "decimal", "precision": 3, "scale": 1}, Decimal("1.25")),
    ({"type": "bytes", "logicalType": "decimal", "precision": 3, "scale": 1}, Decimal("NaN")),
    ({"type": "fixed", "name": "F", "size": 2}, bytearray(b"ab")),
    ({"type": "array", "items": "int"}, b"ab"),
    ({"type": "array", "items": "int"}, {1, 2}),
    ({"type": "array", "items": "string"}, "ab"),
    ({"type": "map", "values": "int"}, {1: 2}),
]


@pytest.mark.parametrize(("schema", "datum"), ODD)
def test_odd_values_are_judged_as_fastavro_does(schema: Any, datum: object) -> None:
    assert compile_datum(schema)(datum) is oracle(datum, schema)


@pytest.mark.parametrize(("schema", "datum"), ODD)
def test_odd_values_within_others_are_judged_as_fastavro_does(schema: Any, datum: object) -> None:
    for type_, value in (
        (schema, datum),
        ({"type": "array", "items": schema}, [datum]),
        ({"type": "map", "values": schema}, {"a": datum}),
        (schema if isinstance(schema, list) else ["null", schema], datum),
    ):
        whole = {"type": "record", "name": "Whole", "fields": [{"name": "x", "type": type_}]}
        outer = {"type": "record", "name": "Around", "fields": [{"name": "y", "type": whole}]}
        assert compile_datum(whole)({"x": value}) is oracle({"x": value}, whole)
        assert compile_datum(outer)({"y": {"x": value}}) is oracle({"y": {"x": value}}, outer)


def test_a_name_from_a_schema_adds_no_code() -> None:
    evil = "x'); raise SystemExit('"
    schema = {"type": "record", "name": "R", "fields": [{"name": evil, "type": "int", "default": evil}]}
    assert compile_datum({**schema, "fields": [{"name": evil, "type": "int"}]})({evil: 1})

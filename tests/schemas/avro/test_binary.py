from __future__ import annotations

import io
import math
import struct
from typing import Any

import fastavro
import pytest
from fastavro.validation import validate
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from schemas.avro import InvalidData
from schemas.avro.binary import DEEPEST, MOST_EMPTY, compile_avro
from schemas.avro.compile_json import JsonReader
from schemas.avro.float32 import shortest
from tests.schemas.avro.definitions import encode, field, logical, plan_of, record, result, same_bytes, schema
from tests.schemas.avro.strategies import schemas, values


def read(type_: Any, raw: bytes) -> Any:
    return schema(field("x", type_)).read_avro(raw)[0]["x"]


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_what_fastavro_writes_is_read_as_fastavro_reads_it(data: st.DataObject) -> None:
    definition = data.draw(schemas(plain=True))
    value = data.draw(values(definition, json=True))
    assume(validate(value, definition, raise_errors=False))
    try:
        raw = encode(definition, value)
    except (OverflowError, ValueError):
        assume(False)
        return
    expected = fastavro.schemaless_reader(io.BytesIO(raw), fastavro.parse_schema(definition))
    made, unknown = compile_avro(plan_of(definition))(raw)
    assert unknown == 0
    assert same_bytes(_singles(made)) == same_bytes(_singles(expected))


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_any_bytes_are_a_value_or_invalid_data(data: st.DataObject) -> None:
    definition = data.draw(schemas())
    reader = compile_avro(plan_of(definition))
    raw = data.draw(st.binary(max_size=30))
    made = result(reader, raw)
    if isinstance(made, str):
        assert len(made) < 300
        return
    # What binary gives is canonical: JSON reads it as it is, save what JSON or plain unions cannot say.
    again = result(JsonReader(plan_of(definition)).read, same_bytes(made[0]))
    assert isinstance(again, tuple) or "null" in again or "number" in again


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_value_cut_short_or_with_more_behind_it_is_invalid(data: st.DataObject) -> None:
    definition = data.draw(schemas(plain=True))
    value = data.draw(values(definition, json=True))
    assume(validate(value, definition, raise_errors=False))
    try:
        raw = encode(definition, value)
    except (OverflowError, ValueError):
        assume(False)
        return
    reader = compile_avro(plan_of(definition))
    for cut in range(len(raw)):
        with pytest.raises(InvalidData):
            reader(raw[:cut])
    with pytest.raises(InvalidData, match=f"expected {len(raw)} bytes of Avro, found {len(raw) + 1} bytes"):
        reader(raw + b"\0")


@pytest.mark.parametrize(
    ("type_", "raw", "expected"),
    [
        ("bytes", b"\x04\xff\x00", "\xff\x00"),
        ({"type": "fixed", "name": "F", "size": 2}, b"\xff\x00", "\xff\x00"),
        ("float", struct.pack("<f", 0.1), 0.1),
        ("float", struct.pack("<f", 16777216.0), 16777216.0),
        ("double", struct.pack("<d", 0.1), 0.1),
        (logical("bytes", "decimal", precision=6, scale=2), b"\x04\x04\xd2", "12.34"),
        (logical("bytes", "decimal", precision=6, scale=2), b"\x02\xff", "-0.01"),
        (logical("bytes", "decimal", precision=6), b"\x02\x05", "5"),
        (
            {"type": "fixed", "name": "F", "size": 4, "logicalType": "decimal", "precision": 6, "scale": 2},
            b"\0\0\x04\xd2",
            "12.34",
        ),
        (logical("int", "date"), b"\x00", "1970-01-01"),
        (logical("int", "time-millis"), b"\x02", "00:00:00.001000"),
        (logical("long", "time-micros"), b"\x02", "00:00:00.000001"),
        (logical("long", "timestamp-millis"), b"\x01", "1969-12-31T23:59:59.999000Z"),
        (logical("long", "timestamp-micros"), b"\x01", "1969-12-31T23:59:59.999999Z"),
        (logical("long", "timestamp-nanos"), b"\x01", "1969-12-31T23:59:59.999999Z"),
        (logical("long", "local-timestamp-millis"), b"\x00", "1970-01-01T00:00:00.000000"),
        (
            {"type": "fixed", "name": "U", "size": 16, "logicalType": "uuid"},
            b"\xab" * 16,
            "abababab-abab-abab-abab-abababababab",
        ),
        ({"type": "array", "items": "int"}, b"\x03\x04\x02\x04\x02\x06\x00", [1, 2, 3]),
        ({"type": "map", "values": "int"}, b"\x02\x02a\x02\x02\x02b\x04\x00", {"a": 1, "b": 2}),
        ({"type": "enum", "name": "E", "symbols": ["A", "B"]}, b"\x02", "B"),
        (["null", "string"], b"\x02\x02a", "a"),
        ("boolean", b"\x01", True),
        ("long", b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", -(1 << 63)),
    ],
)
def test_a_value_is_read_in_its_canonical_form(type_: Any, raw: bytes, expected: Any) -> None:
    made = read(type_, raw)
    assert (made, type(made)) == (expected, type(expected))


NODE = record("Node", field("next", ["null", "Node"]))


@pytest.mark.parametrize(
    ("type_", "raw", "message"),
    [
        ("boolean", b"\x02", "x: expected a boolean's byte 0 or 1, found byte 2"),
        ("int", b"\x80\x80\x80\x80\x10", "x: expected an int of 32 bits, found number 2147483648"),
        ("long", b"\xff" * 10 + b"\x01", "x: expected a long of at most ten bytes, found more"),
        ("long", b"\xff" * 9 + b"\x03", "x: expected a long of 64 bits"),
        ("string", b"\x01", "x: expected a length from 0, found number -1"),
        ("string", b"\x02\xff", "x: expected text in UTF-8, found other bytes"),
        ("string", b"\x06\xed\xa0\x80", "x: expected text in UTF-8, found other bytes"),
        ("string", b"\xfe\xff\xff\xff\x0f", "more bytes, found the end of the data"),
        (["null", "int"], b"\x01", "x: expected a union's branch below 2, found number -1"),
        (["null", "int"], b"\x04\x00", "x: expected a union's branch below 2, found number 2"),
        (
            {"type": "enum", "name": "E", "symbols": ["A"]},
            b"\x01",
            "x: expected a symbol's index below 1, found number -1",
        ),
        (
            logical("long", "timestamp-micros"),
            b"\xfe" + b"\xff" * 8 + b"\x01",
            "x: expected a timestamp-micros",
        ),
        (logical("int", "time-millis"), b"\x01", "x: expected a time-millis, found -1 that mean"),
        (logical("string", "uuid"), b"\x02a", "x: expected a uuid, found 'a'"),
        (logical("bytes", "decimal", precision=2), b"\x02\x7f", "x: expected a decimal of 2 digits"),
        (
            {"type": "array", "items": "null"},
            b"\xfe\xff\xff\xff\xff\xff\x01\x00",
            f"at most {MOST_EMPTY} items without bytes",
        ),
        (
            {"type": "array", "items": "int"},
            b"\xfe\xff\xff\xff\xff\xff\x01\x00",
            r"x\[1\]: expected 1 more byte",
        ),
        (["null", NODE], b"\x02" * 2_000_000, f"expected records nested at most {DEEPEST} deep"),
    ],
)
def test_what_is_no_value_is_refused(type_: Any, raw: bytes, message: str) -> None:
    with pytest.raises(InvalidData, match=message):
        read(type_, raw)


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_a_float_becomes_the_shortest_decimal_that_names_it(value: float) -> None:
    made = shortest(value)
    assert struct.pack("<f", made) == struct.pack("<f", value)
    digits = len(repr(made).partition("e")[0].replace("-", "").replace(".", "").strip("0")) or 1
    for fewer in range(1, digits):
        shorter = float(f"{value:.{fewer - 1}e}")
        # Beyond a float's range there is nothing to pack.
        assert abs(shorter) >= 3.4028235677973366e38 or struct.pack("<f", shorter) != struct.pack("<f", value)


@pytest.mark.parametrize("exponent", range(-149, 128))
def test_powers_of_two_are_no_longer_than_numpy_has_them(exponent: int) -> None:
    value = math.ldexp(1.0, exponent)
    numpy = pytest.importorskip("numpy", reason="numpy is missing: its shortest floats are the oracle here")
    assert shortest(value) == float(numpy.format_float_scientific(numpy.float32(value), unique=True))


@pytest.mark.parametrize("value", [math.inf, -math.inf, -0.0])
def test_special_floats_stay(value: float) -> None:
    assert struct.pack("<d", shortest(value)) == struct.pack("<d", value)


def _singles(value: Any) -> Any:
    """Floats as 32 bits, so that a float and its shortest decimal are the same."""
    if isinstance(value, float) and abs(value) < 3e38:
        return struct.unpack("<f", struct.pack("<f", value))[0]
    if isinstance(value, list):
        return [_singles(item) for item in value]
    if isinstance(value, dict):
        return {key: _singles(item) for key, item in value.items()}
    return value

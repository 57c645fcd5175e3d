"""Microseconds per value: what it costs to read and check event data, against what others take.

Run `.venv/bin/python benchmarks/validate.py`. The best of several rounds counts, in one process.
`read_json` gives checked canonical data; msgspec's typed decoders and pydantic check the like and build
objects; `decode` is msgspec's untyped JSON decoder alone; `fastavro.validate` and `compile_datum` check
values that are decoded already.
"""

from __future__ import annotations

import io
import json
import sys
import tempfile
import timeit
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import fastavro
import msgspec
import pydantic
from fastavro.validation import validate
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from schemas.avro import EventSchema, Registry, compile_datum

ROUNDS = 7
SECONDS = 0.05


def _field(name: str, type_: Any, **more: Any) -> dict[str, Any]:
    return {"name": name, "type": type_, "doc": name, **more}


def _record(name: str, *fields: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "record", "name": name, "doc": name, "fields": list(fields), **more}


_LINE = _record(
    "Line",
    _field("sku", "string"),
    _field("quantity", "int"),
    _field("price", "double"),
    _field("gift", "boolean"),
)
_ADDRESS = _record("Address", _field("city", "string"), _field("zip", "string"), _field("country", "string"))

DEFINITIONS = {
    "flat": _record(
        "Flat",
        _field("email", "string", identity="email", pii=True),
        _field("sku", "string"),
        _field("price", "double"),
        _field("quantity", "int"),
        _field("currency", {"type": "enum", "name": "Currency", "symbols": ["EUR", "USD"]}),
        _field("coupon", ["null", "string"], default=None),
        _field("gift", "boolean"),
        _field("stock", "long"),
    ),
    "nested": _record(
        "Nested",
        _field("order", "string"),
        _field("address", ["null", _ADDRESS], default=None),
        _field("lines", {"type": "array", "items": _LINE}),
        _field("labels", {"type": "map", "values": "string"}),
        _field("total", "double"),
    ),
    "logical": _record(
        "Logical",
        _field("order", {"type": "string", "logicalType": "uuid"}),
        _field("at", {"type": "long", "logicalType": "timestamp-millis"}),
        _field("paid", {"type": "long", "logicalType": "timestamp-micros"}),
        _field("day", {"type": "int", "logicalType": "date"}),
        _field("total", {"type": "bytes", "logicalType": "decimal", "precision": 12, "scale": 2}),
        _field("note", ["null", "string"], default=None),
    ),
}

_LINE_VALUE = {"sku": "SKU-123", "quantity": 2, "price": 19.99, "gift": False}
VALUES: dict[str, dict[str, Any]] = {
    "flat": {
        "email": "ann@example.com",
        "sku": "SKU-123456",
        "price": 19.99,
        "quantity": 2,
        "currency": "EUR",
        "coupon": None,
        "gift": False,
        "stock": 8_000_000_000,
    },
    "nested": {
        "order": "o-81723",
        "address": {"city": "Berlin", "zip": "10115", "country": "DE"},
        "lines": [_LINE_VALUE, _LINE_VALUE, _LINE_VALUE],
        "labels": {"campaign": "spring", "channel": "web"},
        "total": 119.94,
    },
    "logical": {
        "order": "8c1f9f5e-5bfa-4b0e-9a3e-1a2b3c4d5e6f",
        "at": "2026-01-02T03:04:05.123Z",
        "paid": 1767323045123456,
        "day": "2026-01-02",
        "total": "129.90",
        "note": None,
    },
}


class Flat(msgspec.Struct):
    """The flat schema as a Struct."""

    email: str
    sku: str
    price: float
    quantity: int
    currency: Literal["EUR", "USD"]
    coupon: str | None
    gift: bool
    stock: int


class Address(msgspec.Struct):
    """An address as a Struct."""

    city: str
    zip: str
    country: str


class Line(msgspec.Struct):
    """An order line as a Struct."""

    sku: str
    quantity: int
    price: float
    gift: bool


class Nested(msgspec.Struct):
    """The nested schema as a Struct."""

    order: str
    address: Address | None
    lines: list[Line]
    labels: dict[str, str]
    total: float


class Logical(msgspec.Struct):
    """The schema of logical types as a Struct; its values stay text and numbers."""

    order: str
    at: str | int
    paid: str | int
    day: str | int
    total: str
    note: str | None


STRUCTS: dict[str, type[msgspec.Struct]] = {"flat": Flat, "nested": Nested, "logical": Logical}


def _pydantic(struct: type[msgspec.Struct]) -> type[pydantic.BaseModel]:
    """A strict model of a Struct's fields."""
    hints = {field.name: field.type for field in msgspec.structs.fields(struct)}
    fields: dict[str, Any] = {name: (_pydantic_type(hint), ...) for name, hint in hints.items()}
    return pydantic.create_model(struct.__name__, __config__=pydantic.ConfigDict(strict=True), **fields)


def _pydantic_type(hint: Any) -> Any:
    if hint == list[Line]:
        return list[_pydantic(Line)]  # type: ignore[misc]
    if hint == Address | None:
        return _pydantic(Address) | None
    return hint


def microseconds(call: Callable[[], object]) -> float:
    """The time of one call: the best round's mean."""
    timer = timeit.Timer(call)
    number = 1
    while (taken := timer.timeit(number)) < SECONDS:
        number = max(number + 1, int(number * min(10.0, 1.2 * SECONDS / max(taken, 1e-9))))
    return min(timer.repeat(ROUNDS, number)) / number * 1e6


def load() -> dict[str, EventSchema]:
    """The schemas, by way of a registry."""
    with tempfile.TemporaryDirectory() as folder:
        for name, definition in DEFINITIONS.items():
            path = Path(folder, f"{name}.v1.avsc")
            path.write_text(json.dumps({**definition, "eventType": name, "version": 1}))
        registry, problems = Registry.load(Path(folder))
    if problems:
        raise SystemExit("\n".join(map(str, problems)))
    return {schema.type: schema for schema in registry.schemas()}


def measure(name: str, schema: EventSchema) -> list[tuple[str, float]]:
    """Every contestant's time for one schema's value."""
    value = VALUES[name]
    raw = msgspec.json.encode(value)
    decoded = msgspec.json.decode(raw)
    physical = (
        {**decoded, "day": 20455, "at": 1767323045123, "total": b"\x32\xbe"} if name == "logical" else decoded
    )
    partial = msgspec.json.encode(
        {key: item for key, item in value.items() if item is not None} | {"extra": 1}
    )
    parsed = fastavro.parse_schema({**DEFINITIONS[name]})
    binary = _binary(parsed, physical)
    struct = STRUCTS[name]
    untyped = msgspec.json.Decoder().decode
    typed = msgspec.json.Decoder(struct).decode
    model = _pydantic(struct).model_validate_json
    check = compile_datum(DEFINITIONS[name])
    assert schema.read_json(raw)[1] == 0
    assert check(physical)
    assert validate(physical, parsed, raise_errors=False)
    return [
        ("read_json", microseconds(lambda: schema.read_json(raw))),
        ("read_json, a field missing and one unknown", microseconds(lambda: schema.read_json(partial))),
        ("read_avro", microseconds(lambda: schema.read_avro(binary))),
        ("compile_datum, decoded value", microseconds(lambda: check(physical))),
        ("msgspec decode, untyped", microseconds(lambda: untyped(raw))),
        ("msgspec decode, typed", microseconds(lambda: typed(raw))),
        ("msgspec decode and convert", microseconds(lambda: msgspec.convert(untyped(raw), struct))),
        ("pydantic model_validate_json", microseconds(lambda: model(raw))),
        (
            "fastavro.validate, decoded value",
            microseconds(lambda: validate(physical, parsed, raise_errors=False)),
        ),
    ]


def _binary(parsed: Any, value: dict[str, Any]) -> bytes:
    out = io.BytesIO()
    fastavro.schemaless_writer(out, parsed, value)
    return out.getvalue()


def main() -> None:
    """Prints the table."""
    schemas = load()
    columns = {name: measure(name, schema) for name, schema in schemas.items()}
    table = Table(title="µs per value (best round)")
    table.add_column("")
    for name in columns:
        size = len(msgspec.json.encode(VALUES[name]))
        table.add_column(f"{name} ({size} B)", justify="right")
    for rows in zip(*columns.values(), strict=True):
        table.add_row(rows[0][0], *(f"{time:.2f}" for _, time in rows))
    Console(width=110).print(table)


if __name__ == "__main__":
    main()

"""Microseconds per value: what it costs to check event data, like compared with like.

Run `.venv/bin/python benchmarks/validate.py`. Contestants take turns in short rounds in one process, and
the best round counts, so that a busy machine slows all alike. Four tables: JSON bytes to checked values,
as the job reads them (`read_values`, with no field read and with every field read); JSON bytes to a checked
plain dict; a Python value to a verdict; and what `read_json` and `read_avro` cost on other data.

Like with like: integers have Avro's ranges everywhere, times, dates and UUIDs are msgspec's own types in its
Structs, and a decimal is checked for its precision and scale. What tells a value from a refusal is in every
contestant that says so ("as a verdict": a function with a `try`). `read_values` and `read_json` also count
unknown fields, and give times, decimals and UUIDs their canonical text.
"""

from __future__ import annotations

import datetime
import io
import json
import sys
import tempfile
import timeit
import types
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal, TypedDict

import fastavro
import msgspec
import pydantic
from fastavro.validation import validate
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from schemas.avro import EventSchema, Registry, compile_datum

ROUNDS = 25
SECONDS = 0.01

Int = Annotated[int, msgspec.Meta(ge=-(1 << 31), le=(1 << 31) - 1)]
Long = Annotated[int, msgspec.Meta(ge=-(1 << 63), le=(1 << 63) - 1)]


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
    quantity: Int
    currency: Literal["EUR", "USD"]
    coupon: str | None
    gift: bool
    stock: Long


class Address(msgspec.Struct):
    """An address as a Struct."""

    city: str
    zip: str
    country: str


class Line(msgspec.Struct):
    """An order line as a Struct."""

    sku: str
    quantity: Int
    price: float
    gift: bool


class Nested(msgspec.Struct):
    """The nested schema as a Struct."""

    order: str
    address: Address | None
    lines: list[Line]
    labels: dict[str, str]
    total: float


Instant = Annotated[datetime.datetime, msgspec.Meta(tz=True)]
Money = Annotated[str, msgspec.Meta(pattern=r"^-?(?:0|[1-9][0-9]{0,9})\.[0-9]{2}$")]


class Logical(msgspec.Struct):
    """The schema of logical types as a Struct."""

    order: uuid.UUID
    at: Instant | Long
    paid: Instant | Long
    day: datetime.date | Int
    total: Money
    note: str | None


class Physical(msgspec.Struct):
    """The schema of logical types as a Struct of the types beneath them."""

    order: str
    at: Long
    paid: Long
    day: Int
    total: bytes
    note: str | None


STRUCTS: dict[str, type[msgspec.Struct]] = {"flat": Flat, "nested": Nested, "logical": Logical}


def typed_dict(struct: type[msgspec.Struct]) -> Any:
    """A TypedDict of a Struct's fields."""
    fields = {item.name: _within(item.type, typed_dict) for item in msgspec.structs.fields(struct)}
    return TypedDict(struct.__name__, fields)  # type: ignore[operator]


def model(struct: type[msgspec.Struct]) -> Any:
    """A strict pydantic model of a Struct's fields."""
    bounds = {
        Int: Annotated[int, pydantic.Field(ge=-(1 << 31), le=(1 << 31) - 1)],
        Long: Annotated[int, pydantic.Field(ge=-(1 << 63), le=(1 << 63) - 1)],
    }
    fields: dict[str, Any] = {
        item.name: (bounds.get(item.type) or _within(item.type, model), ...)
        for item in msgspec.structs.fields(struct)
    }
    config = pydantic.ConfigDict(strict=True)
    return pydantic.create_model(struct.__name__, __config__=config, **fields)


def _within(hint: Any, of_struct: Callable[[type[msgspec.Struct]], Any]) -> Any:
    """A field's type with the Struct in it made something else."""
    if hint == list[Line]:
        return types.GenericAlias(list, (of_struct(Line),))
    return of_struct(Address) | None if hint == Address | None else hint


MODELS = {name: model(struct) for name, struct in STRUCTS.items()}


def microseconds(calls: dict[str, Callable[[], object]]) -> dict[str, float]:
    """The time of one call of each: the best round's mean."""
    timers = {name: timeit.Timer(call) for name, call in calls.items()}
    numbers: dict[str, int] = {}
    for name, timer in timers.items():
        number = 1
        while (taken := timer.timeit(number)) < SECONDS:
            number = max(number + 1, int(number * min(10.0, 1.2 * SECONDS / max(taken, 1e-9))))
        numbers[name] = number
    best = dict.fromkeys(calls, float("inf"))
    for _ in range(ROUNDS):
        for name, timer in timers.items():
            best[name] = min(best[name], timer.timeit(numbers[name]) / numbers[name] * 1e6)
    return best


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


def json_to_values(name: str, schema: EventSchema) -> dict[str, Callable[[], object]]:
    """JSON bytes to checked values."""
    raw, struct = msgspec.json.encode(VALUES[name]), STRUCTS[name]
    typed = msgspec.json.Decoder(struct).decode
    nothing, everything = schema.read_values(()), schema.read_values(tuple(VALUES[name]))
    assert nothing(raw) == ((), 0)

    def verdict(raw: bytes) -> msgspec.Struct | None:
        try:
            return typed(raw)
        except msgspec.ValidationError:
            return None

    assert verdict(raw) is not None
    return {
        "read_values, none": lambda: nothing(raw),
        "read_values, every field": lambda: everything(raw),
        "msgspec decode, Struct": lambda: typed(raw),
        "msgspec decode, Struct, as a verdict": lambda: verdict(raw),
        "pydantic model_validate_json": lambda: MODELS[name].model_validate_json(raw),
    }


def json_to_dict(name: str, schema: EventSchema) -> dict[str, Callable[[], object]]:
    """JSON bytes to a checked plain dict."""
    raw, struct = msgspec.json.encode(VALUES[name]), STRUCTS[name]
    assert schema.read_json(raw)[1] == 0
    untyped = msgspec.json.Decoder().decode
    typed = msgspec.json.Decoder(struct).decode
    as_dict = msgspec.json.Decoder(typed_dict(struct)).decode
    # What holds Structs, times or UUIDs becomes plain by to_builtins alone.
    plain = msgspec.structs.asdict if name == "flat" else msgspec.to_builtins
    return {
        "read_json": lambda: schema.read_json(raw),
        "msgspec decode, TypedDict": lambda: as_dict(raw),
        "msgspec decode, Struct, made a dict": lambda: plain(typed(raw)),
        "msgspec decode, unchecked dict": lambda: untyped(raw),
    }


def value_to_verdict(name: str) -> dict[str, Callable[[], object]]:
    """A Python value to whether it is one of the schema."""
    value: Any = msgspec.json.decode(msgspec.json.encode(VALUES[name]))
    struct = STRUCTS[name]
    if name == "logical":
        value |= {"day": 20455, "at": 1767323045123, "total": b"\x32\xbe"}
        struct = Physical
    parsed = fastavro.parse_schema({**DEFINITIONS[name]})
    check = compile_datum(DEFINITIONS[name])
    keys, checked = typed_dict(struct), model(struct).model_validate
    assert check(value)
    assert validate(value, parsed, raise_errors=False)

    def by_convert(hint: Any) -> bool:
        try:
            msgspec.convert(value, hint)
        except msgspec.ValidationError:
            return False
        return True

    assert by_convert(struct)
    assert by_convert(keys)
    return {
        "compile_datum": lambda: check(value),
        "msgspec convert, Struct": lambda: msgspec.convert(value, struct),
        "msgspec convert, Struct, as a verdict": lambda: by_convert(struct),
        "msgspec convert, TypedDict": lambda: msgspec.convert(value, keys),
        "pydantic model_validate": lambda: checked(value),
        "fastavro.validate": lambda: validate(value, parsed, raise_errors=False),
    }


def other_data(name: str, schema: EventSchema) -> dict[str, Callable[[], object]]:
    """JSON that is not as it should be, and Avro binary."""
    value = VALUES[name]
    missing = msgspec.json.encode({key: item for key, item in value.items() if item is not None})
    unknown = msgspec.json.encode({**value, "extra": 1})
    physical = msgspec.json.decode(msgspec.json.encode(value))
    if name == "logical":
        physical |= {"day": 20455, "at": 1767323045123, "total": b"\x32\xbe"}
    out = io.BytesIO()
    fastavro.schemaless_writer(out, fastavro.parse_schema({**DEFINITIONS[name]}), physical)
    binary = out.getvalue()
    assert schema.read_json(unknown)[1] == 1
    return {
        "read_json, nulls left out": lambda: schema.read_json(missing),
        "read_json, always an unknown field": lambda: schema.read_json(unknown),
        "read_avro": lambda: schema.read_avro(binary),
    }


def table(title: str, columns: dict[str, dict[str, float]]) -> Table:
    """One row a contestant, one column a schema."""
    out = Table(title=f"{title}, µs (best round)")
    out.add_column("")
    for name in columns:
        out.add_column(f"{name} ({len(msgspec.json.encode(VALUES[name]))} B)", justify="right")
    for row in next(iter(columns.values())):
        out.add_row(row, *(f"{times[row]:.2f}" for times in columns.values()))
    return out


def main() -> None:
    """Prints the tables."""
    schemas = load()
    console = Console(width=110)
    for title, calls in (
        ("JSON bytes to checked values", json_to_values),
        ("JSON bytes to a checked dict", json_to_dict),
        ("Python value to a verdict", lambda name, _: value_to_verdict(name)),
        ("Other data", other_data),
    ):
        console.print(
            table(title, {name: microseconds(calls(name, schema)) for name, schema in schemas.items()})
        )


if __name__ == "__main__":
    main()

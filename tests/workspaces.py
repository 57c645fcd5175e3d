"""A small workspace for tests, written as files and loaded as a job loads it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from schemas.workspace import Workspace, load_workspace

SECRET = "a secret of the small shop"

SETTINGS = """\
name: shop
time_zone: Europe/Berlin
secret: file:dev-secret.txt
region: DE
shards: 4
namespaces:
  - {name: customer, priority: 1, unique: true}
  - {name: email, priority: 2, normalizer: email, max_per_person: 10}
  - {name: phone, priority: 3, normalizer: phone}
  - {name: cookie, priority: 9}
consents: {commercial: not_needed, advisory: not_needed}
channels:
  - {name: web}
  - {name: email, address: email}
"""

PROFILES = """\
templates:
  - name: shopper
    attributes:
      - {name: name, event: customer_registered, field: name, aggregate: value, limit: 1, lookback: 365d}
      - {name: items_in_cart, event: cart_added, field: sku, aggregate: count, lookback: 7d}
      - {name: calls, event: call_wrapped, field: reason, aggregate: value, limit: 4, lookback: 30d}
      - {name: activity, event: login, aggregate: sum, lookback: 30d}
      - name: spend
        event: purchase
        field: total
        aggregate: sum
        where: {field: currency, op: eq, value: EUR}
      - {name: last_seen, event: "*", field: $time, aggregate: last}
"""

JOURNEYS = {
    "cart_left_behind": """\
name: cart_left_behind
version: 1
category: commercial
priority: 40
entry:
  event: cart_added
  where: {field: price, op: ge, value: 20}
  cooldown: 3d
exit: [purchase]
condition: {attribute: items_in_cart, op: exists}
steps:
  - wait: 1h
  - send: remind
    channel: email
    template: cart_reminder
    data: {name: {attribute: name}, sku: {field: sku}, text: {value: "x"}}
"""
}


def record(event_type: str, fields: Sequence[Mapping[str, Any]], version: int = 1) -> dict[str, Any]:
    """The Avro record of an event type; a `doc` is written where a field has none."""
    return {
        "type": "record",
        "name": event_type.replace(".", "_"),
        "doc": f"The event {event_type}.",
        "eventType": event_type,
        "version": version,
        "fields": [{"doc": f"The {field['name']}.", **field} for field in fields],
    }


_OPTIONAL = {"default": None}
_CART = (
    {"name": "sku", "type": "string"},
    {"name": "price", "type": "double"},
    {"name": "email", "type": ["null", "string"], "identity": "email", "pii": True, **_OPTIONAL},
)
_LINE = {
    "type": "record",
    "name": "line",
    "doc": "One line.",
    "fields": [
        {"name": "sku", "type": "string", "doc": "What was bought."},
        {"name": "price", "type": ["null", "double"], "default": None, "doc": "Its price."},
    ],
}

SCHEMAS = (
    record(
        "customer_registered",
        [
            {"name": "name", "type": "string", "pii": True},
            {"name": "email", "type": ["null", "string"], "identity": "email", "pii": True, **_OPTIONAL},
            {"name": "customer", "type": ["null", "string"], "identity": "customer", **_OPTIONAL},
        ],
    ),
    record("cart_added", _CART),
    record("cart_added", [*_CART, {"name": "quantity", "type": "int", "default": 1}], 2),
    record("login", [{"name": "device", "type": ["null", "string"], **_OPTIONAL}]),
    record(
        "call_wrapped",
        [
            {"name": "reason", "type": "string"},
            {"name": "phone", "type": ["null", "string"], "identity": "phone", "pii": True, **_OPTIONAL},
        ],
    ),
    record(
        "purchase",
        [
            {
                "name": "total",
                "type": {"type": "bytes", "logicalType": "decimal", "precision": 12, "scale": 2},
            },
            {"name": "currency", "type": "string"},
            {"name": "lines", "type": {"type": "array", "items": _LINE}, "default": []},
        ],
    ),
    record(
        "probe",
        [
            {"name": "number", "type": ["null", "double"], **_OPTIONAL},
            {"name": "label", "type": ["null", "string"], **_OPTIONAL},
            {"name": "flag", "type": ["null", "boolean"], **_OPTIONAL},
            {"name": "mixed", "type": ["null", "long", "string"], **_OPTIONAL},
            {
                "name": "seen_at",
                "type": ["null", {"type": "long", "logicalType": "timestamp-micros"}],
                **_OPTIONAL,
            },
            {"name": "tags", "type": {"type": "array", "items": "string"}, "default": []},
            {"name": "notes", "type": {"type": "map", "values": "string"}, "default": {}},
        ],
    ),
)


def write_workspace(
    directory: Path,
    *,
    settings: str = SETTINGS,
    profiles: str = PROFILES,
    journeys: Mapping[str, str] = JOURNEYS,
    schemas: Sequence[Mapping[str, Any]] = SCHEMAS,
) -> None:
    """Writes a workspace's files; without arguments, the small shop's."""
    (directory / "schemas").mkdir(parents=True)
    (directory / "journeys").mkdir()
    (directory / "workspace.yaml").write_text(settings)
    (directory / "dev-secret.txt").write_text(SECRET)
    (directory / "profiles.yaml").write_text(profiles)
    for name, text in journeys.items():
        (directory / "journeys" / f"{name}.yaml").write_text(text)
    for schema in schemas:
        name = f"{schema['eventType']}.v{schema['version']}.avsc"
        (directory / "schemas" / name).write_text(json.dumps(schema, indent=2))


def small_workspace(
    directory: Path,
    *,
    settings: str = SETTINGS,
    profiles: str = PROFILES,
    journeys: Mapping[str, str] = JOURNEYS,
    schemas: Sequence[Mapping[str, Any]] = SCHEMAS,
) -> Workspace:
    """The workspace of these files, written to a directory and loaded."""
    write_workspace(directory, settings=settings, profiles=profiles, journeys=journeys, schemas=schemas)
    return load_workspace(directory, {})

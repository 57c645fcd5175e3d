"""A workspace that loads, to be broken by tests."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from schemas.errors import Problem
from schemas.workspace import Workspace, check_workspace, load_workspace

SECRET = b"a secret of the shop"

WORKSPACE = """\
name: shop
time_zone: Europe/Berlin
secret: file:dev-secret.txt
region: DE
namespaces:
  - {name: customer, priority: 1, unique: true}
  - {name: email, priority: 2, normalizer: email, max_per_person: 10}
  - {name: phone, priority: 3, normalizer: phone}
  - {name: cookie, priority: 9}
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
        event: [purchase, store_purchase]
        field: total
        aggregate: sum
        where: {field: currency, op: eq, value: EUR}
      - {name: last_seen, event: "*", field: $time, aggregate: last}
      - {name: skus, event: purchase, field: lines.sku, aggregate: distinct, lookback: 90d}
"""

JOURNEY = """\
name: cart_left_behind
version: 1
category: commercial
priority: 40
valid: {from: 2026-01-01, until: 2026-12-31}
entry:
  event: cart_added
  where: {field: price, op: ge, value: 20}
  cooldown: 3d
  reentry: restart
exit: [purchase]
condition:
  all:
    - {attribute: items_in_cart, op: exists}
    - not: {attribute: last_seen, op: within, value: 30m}
steps:
  - wait: 1h
  - send: remind
    channel: email
    template: cart_reminder
    data: {name: {attribute: name}, sku: {field: sku}, text: {value: "x"}}
    expires_after: 12h
"""

_LINE = {
    "type": "record",
    "name": "Line",
    "doc": "One article.",
    "fields": [{"name": "sku", "type": "string", "doc": "The article."}],
}

FIELDS: dict[str, list[dict[str, Any]]] = {
    "cart_added": [
        {"name": "sku", "type": "string"},
        {"name": "price", "type": "double"},
        {"name": "gift", "type": ["null", "boolean"], "default": None},
        {"name": "added_at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "deliver_on", "type": {"type": "int", "logicalType": "date"}},
        {"name": "tags", "type": {"type": "array", "items": "string"}},
        {"name": "counts", "type": {"type": "map", "values": "long"}},
        {"name": "numbers", "type": {"type": "array", "items": "long"}},
        {"name": "shop", "type": {"type": "record", "name": "Shop", "doc": "A shop.", "fields": [
            {"name": "city", "type": "string", "doc": "Its city."},
        ]}},
    ],
    "purchase": [
        {"name": "total", "type": {"type": "bytes", "logicalType": "decimal", "precision": 12, "scale": 2}},
        {"name": "currency", "type": "string"},
        {"name": "lines", "type": {"type": "array", "items": _LINE}},
    ],
    "store_purchase": [
        {"name": "total", "type": "double"},
        {"name": "currency", "type": "string"},
        {"name": "reason", "type": "int"},
    ],
    "login": [{"name": "device", "type": ["null", "string"], "default": None}],
    "call_wrapped": [
        {"name": "reason", "type": {"type": "enum", "name": "Reason", "symbols": ["price", "other"]}},
    ],
    "customer_registered": [
        {"name": "name", "type": "string"},
        {"name": "email", "type": "string", "identity": "email"},
    ],
}  # fmt: skip


def schema_text(event: str) -> str:
    """The schema of an event type, one line a property."""
    fields = [{"doc": "What it says.", **entry} for entry in FIELDS[event]]
    record = {
        "type": "record",
        "name": "".join(word.title() for word in event.split("_")),
        "eventType": event,
        "version": 1,
        "doc": "An event of the shop.",
        "fields": fields,
    }
    return json.dumps(record, indent=1)


@dataclass(frozen=True)
class Shop:
    """The workspace's directory, in a test's own folder."""

    directory: Path
    environment: dict[str, str] = field(default_factory=dict)

    @classmethod
    def create(cls, directory: Path) -> Shop:
        shop = cls(directory)
        shop.write("workspace.yaml", WORKSPACE)
        shop.write("profiles.yaml", PROFILES)
        shop.write("journeys/cart_left_behind.yaml", JOURNEY)
        shop.write("dev-secret.txt", SECRET.decode() + "\n")
        for event in FIELDS:
            shop.write(f"schemas/{event}.v1.avsc", schema_text(event))
        return shop

    def write(self, name: str, text: str) -> None:
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")

    def edit(self, name: str, old: str, new: str) -> None:
        """Replaces a text that stands in a file once."""
        text = (self.directory / name).read_text("utf-8")
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {name}"
        self.write(name, text.replace(old, new))

    def load(self) -> Workspace:
        return load_workspace(self.directory, self.environment)

    def check(self) -> list[Problem]:
        return check_workspace(self.directory, self.environment)

    def found(self) -> list[tuple[str, int, str]]:
        """The problems, each with its file's name within the workspace."""
        return [
            (problem.path.relative_to(self.directory).as_posix(), problem.line, problem.message)
            for problem in self.check()
        ]

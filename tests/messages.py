"""Messages for tests, in the content modes of CloudEvents, and what becomes of one."""

from __future__ import annotations

import json
from typing import Any

from schemas.dead_letter import DeadLetter
from schemas.event import Event
from schemas.message import MessageBatch
from schemas.timestamps import parse_rfc3339
from transforms.core.decode import Decoder

NOW = "2026-03-01T12:00:00Z"
NOW_US = parse_rfc3339(NOW)
STRUCTURED = {"content-type": "application/cloudevents+json; charset=utf-8"}
ABSENT = object()
"""Given for a member: leaves it out."""

MEMBERS: dict[str, Any] = {
    "specversion": "1.0",
    "id": "e1",
    "source": "/shop/web",
    "type": "cart_added",
    "time": NOW,
    "identity": "c12",
    "identitytype": "cookie",
    "data": {"sku": "A", "price": 25.5},
}


def structured(**members: Any) -> bytes:
    """A structured-mode event, with these members instead of the usual ones."""
    merged = {**MEMBERS, **members}
    return json.dumps({name: value for name, value in merged.items() if value is not ABSENT}).encode()


def binary(**members: Any) -> tuple[bytes, dict[str, str]]:
    """Body and attributes of a binary-mode event, with these members instead of the usual ones."""
    merged = {**MEMBERS, "content-type": "application/json", **members}
    merged = {name: value for name, value in merged.items() if value is not ABSENT}
    data = merged.pop("data", b"")
    body = data if isinstance(data, bytes) else json.dumps(data).encode()
    return body, {
        name if name == "content-type" or name.startswith("googclient") else f"ce-{name}": value
        for name, value in merged.items()
    }


def decode_one(
    decoder: Decoder,
    payload: bytes,
    attributes: dict[str, str] | None = None,
    publish_us: int | None = NOW_US,
) -> Event | DeadLetter:
    """What a message becomes: exactly one event or one dead letter."""
    batch = MessageBatch("a@0", [payload], ["a@0"], [attributes], [publish_us])
    decoded = decoder.decode(batch)
    results: list[Event | DeadLetter] = [*decoded.events, *decoded.dead_letters]
    assert len(results) == 1
    return results[0]


def accepted(
    decoder: Decoder,
    payload: bytes,
    attributes: dict[str, str] | None = None,
    publish_us: int | None = NOW_US,
) -> Event:
    """The event that a message becomes."""
    result = decode_one(decoder, payload, attributes, publish_us)
    assert isinstance(result, Event), result
    return result


def refused(
    decoder: Decoder,
    payload: bytes,
    attributes: dict[str, str] | None = None,
    publish_us: int | None = NOW_US,
) -> DeadLetter:
    """The dead letter that a message becomes."""
    result = decode_one(decoder, payload, attributes, publish_us)
    assert isinstance(result, DeadLetter), result
    assert len(result.detail.splitlines()) == 1
    return result

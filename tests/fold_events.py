"""Fold events for tests, made from data as a decoder makes them."""

from __future__ import annotations

import json
from typing import Any

from schemas.event import Event
from schemas.timestamps import MINUTE_US, parse_rfc3339
from transforms.core.fold_event import FoldEvent, reduce_event
from transforms.core.plan import Plan

START_US = parse_rfc3339("2026-03-01T12:00:00Z")
PERSON = "00000000000000000000000000000001"


def at(minutes: float) -> int:
    """So many minutes after the tests' start, in microseconds."""
    return START_US + int(minutes * MINUTE_US)


def fold_event(
    plan: Plan,
    event_type: str,
    data: dict[str, Any],
    time_us: int = START_US,
    *,
    event_id: str = "e1",
    publish_us: int | None = None,
    person_id: str = PERSON,
    source: str = "/test",
    identities: tuple[str, ...] = ("cookie:c1",),
) -> FoldEvent:
    """The fold event of valid data; it is published when it happens unless said otherwise."""
    schema = plan.workspace.registry.newest(event_type)
    assert schema is not None
    raw = json.dumps(data).encode()
    values, _ = schema.read_values(plan.types[event_type].paths)(raw)
    event = Event(
        event_id=event_id,
        source=source,
        type=event_type,
        time_us=time_us,
        publish_us=time_us if publish_us is None else publish_us,
        schema=schema.name,
        person_id=person_id,
        identities=identities,
        values=values,
        data_json=raw,
        payload=raw,
        extensions=None,
        message_id="m",
    )
    return reduce_event(event)

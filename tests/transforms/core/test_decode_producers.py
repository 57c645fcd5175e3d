"""Decode: what the cloudevents package writes."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from cloudevents.core.bindings import http
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from cloudevents.v1.conversion import to_json
from cloudevents.v1.http import CloudEvent as OlderCloudEvent

from schemas.event import Event
from tests.messages import (
    NOW_US,
    accepted,
)
from transforms.core.decode import Decoder

DATA = {"sku": "Ä1", "price": 12.5}


ATTRIBUTES: dict[str, Any] = {
    "id": "e7",
    "source": "/shop/sdk",
    "type": "cart_added",
    "time": datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC),
    "identity": "c12",
    "identitytype": "cookie",
    "subject": "basket",
    "dataschema": "https://schemas.example.com/cart_added/2",
    "comexample": "x",
}


def same_event(event: Event) -> None:
    assert (event.event_id, event.source, event.type) == ("e7", "/shop/sdk", "cart_added")
    assert (event.time_us, event.schema) == (NOW_US + 123_456, "cart_added/2")
    assert (json.loads(event.data_json), event.values) == (DATA, (DATA["price"], DATA["sku"]))
    extensions = json.loads(event.extensions or b"")
    assert (extensions["subject"], extensions["comexample"]) == ("basket", "x")


def test_events_of_the_cloudevents_package_structured(decoder: Decoder) -> None:
    event = CloudEvent({**ATTRIBUTES, "datacontenttype": "application/json"}, DATA)
    message = http.to_structured(event, JSONFormat())
    attributes = {name.lower(): value for name, value in message.headers.items()}
    same_event(accepted(decoder, message.body, attributes))


def test_events_of_the_cloudevents_package_binary(decoder: Decoder) -> None:
    # As HTTP has them: `ce-` names as on Pub/Sub, where values are not percent-encoded.
    event = CloudEvent({**ATTRIBUTES, "datacontenttype": "application/json"}, DATA)
    message = http.to_binary(event, JSONFormat())
    attributes = {name.lower(): value for name, value in message.headers.items()}
    assert "%" not in "".join(attributes.values())
    same_event(accepted(decoder, message.body, attributes))


def test_events_of_the_cloudevents_package_with_bytes(decoder: Decoder) -> None:
    event = CloudEvent({**ATTRIBUTES, "datacontenttype": "application/json"}, json.dumps(DATA).encode())
    message = http.to_structured(event, JSONFormat())
    assert b"data_base64" in message.body
    same_event(accepted(decoder, message.body))


def test_events_of_the_older_cloudevents_api(decoder: Decoder) -> None:
    attributes = {**ATTRIBUTES, "time": "2026-03-01T12:00:00.123456+00:00"}
    same_event(accepted(decoder, to_json(OlderCloudEvent(attributes, DATA))))

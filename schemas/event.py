"""Events: one valid CloudEvent about one person, and the part of it that a profile needs."""

from __future__ import annotations

from typing import Any

import msgspec


class Event(msgspec.Struct, frozen=True, gc=False):
    """A valid event, as the tape keeps it.

    Attributes:
        event_id: the CloudEvents `id`, unique within `source`.
        source: the CloudEvents `source`.
        type: the event type.
        time_us: event time.
        publish_us: publish time.
        schema: `TYPE/VERSION` of the schema that the data was written in.
        person_id: 32 hex digits, from the best identity.
        identities: normalised `namespace:value`, best first.
        values: what is at each path that the workspace reads from this type, in the newest version's
            shape: a value, a list of values, or None.
        data_json: the data as JSON, as sent where it was JSON.
        payload: the message body as sent.
        extensions: extension attributes as a JSON object, None where there are none.
        message_id: the broker's id, or `FILE@OFFSET`.
    """

    event_id: str
    source: str
    type: str
    time_us: int
    publish_us: int
    schema: str
    person_id: str
    identities: tuple[str, ...]
    values: tuple[Any, ...]
    data_json: bytes
    payload: bytes
    extensions: bytes | None
    message_id: str

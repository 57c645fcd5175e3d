"""The part of an event that a profile needs: what travels to the person's shard."""

from __future__ import annotations

import zlib
from typing import Any

import msgspec
import xxhash

from schemas.event import Event


class FoldEvent(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An event, reduced to what templates and journeys of its workspace read.

    Attributes:
        print64: 64-bit fingerprint of source and id.
        content32: 32-bit fingerprint of time and data: tells a copy from a conflict.
        values: for each path that the workspace reads from this type, what is there: a value, a list of
            values, or None.
        size_bytes: of the data as JSON: about as much as the event can add to an image.
    """

    person_id: str
    time_us: int
    event_id: str
    print64: int
    publish_us: int
    type: str
    source: str
    content32: int
    identities: tuple[str, ...]
    values: tuple[Any, ...]
    size_bytes: int = 0


def order(event: FoldEvent) -> tuple[int, str, int, int, int]:
    """The order in which a person's events are folded and decided; of copies the one published first."""
    return event.time_us, event.event_id, event.print64, event.publish_us, event.content32


def reduce_event(event: Event) -> FoldEvent:
    """The fold event of an event."""
    return FoldEvent(
        event.person_id,
        event.time_us,
        event.event_id,
        xxhash.xxh3_64_intdigest(f"{event.source}\n{event.event_id}".encode()),
        event.publish_us,
        event.type,
        event.source,
        zlib.crc32(event.data_json, event.time_us & 0xFFFFFFFF),
        event.identities,
        event.values,
        len(event.data_json),
    )

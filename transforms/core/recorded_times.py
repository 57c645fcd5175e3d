"""Publish times of events that are published again: a broker gives a new one, and the first one counts."""

from __future__ import annotations

import msgspec

from schemas.message import MessageBatch
from schemas.timestamps import parse_rfc3339
from transforms.core.decode import REDRIVEN

_STRUCTURED = {"content-type": "application/cloudevents+json"}


class _Times(msgspec.Struct):
    publishtime: str | None = None
    time: str | None = None


_DECODE = msgspec.json.Decoder(_Times).decode


def keep_publish_times(batch: MessageBatch) -> MessageBatch:
    """The messages with the attribute that says when they were first published, where that can be told.

    As a file's events are read: by their `publishtime`, or else their `time`.
    """
    attributes = [_kept(payload, own) for payload, own in zip(batch.payloads, batch.attributes, strict=True)]
    return msgspec.structs.replace(batch, attributes=attributes)


def _kept(payload: bytes, attributes: dict[str, str] | None) -> dict[str, str] | None:
    if attributes is None:
        try:
            times = _DECODE(payload)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None
        found = times.publishtime or times.time
    else:
        found = attributes.get("ce-publishtime") or attributes.get("ce-time")
    try:
        if found is None or (attributes is not None and REDRIVEN in attributes):
            return attributes
        parse_rfc3339(found)
    except ValueError:
        return attributes
    return {**(_STRUCTURED if attributes is None else attributes), REDRIVEN: found}

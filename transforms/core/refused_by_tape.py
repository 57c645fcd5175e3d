"""Events that the tape's storage refused, as dead letters: what is not on the tape is not folded either."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from schemas.dead_letter import DeadLetter, DeadLetterError, Stage
from schemas.event import Event
from schemas.streams import Rejected
from schemas.timestamps import format_rfc3339
from transforms.core.decode import DecodedBatch

_STRUCTURED = {"content-type": "application/cloudevents+json"}


def refuse_events(
    batch: DecodedBatch, rejected: Sequence[Rejected], workspace: str, pipeline_version: str
) -> DecodedBatch:
    """The batch with those of its events as dead letters, behind the ones that it has."""
    if not rejected:
        return batch
    reasons = {refusal.index: refusal.reason for refusal in rejected}
    kept = [index for index in range(len(batch.events)) if index not in reasons]
    refused = sorted(reasons)
    letters = [
        _dead_letter(batch.events[index], reasons[index], workspace, pipeline_version) for index in refused
    ]
    ack_ids = batch.ack_ids
    return msgspec.structs.replace(
        batch,
        events=[batch.events[index] for index in kept],
        dead_letters=[*batch.dead_letters, *letters],
        ack_ids=[ack_ids[index] for index in kept] if ack_ids else [],
        refused_ack_ids=[*batch.refused_ack_ids, *(ack_ids[index] for index in refused if ack_ids)],
    )


def _dead_letter(event: Event, reason: str, workspace: str, pipeline_version: str) -> DeadLetter:
    return DeadLetter(
        payload=event.payload,
        payload_sha256=None,
        attributes=_STRUCTURED if _is_structured(event) else _binary_attributes(event),
        message_id=event.message_id,
        publish_us=event.publish_us,
        stage=Stage.TAPE,
        error=DeadLetterError.REFUSED_BY_TAPE,
        detail=f"tape: expected a row that the table takes, found: {reason}",
        workspace=workspace,
        type=event.type,
        schema=event.schema,
        pipeline_version=pipeline_version,
    )


def _is_structured(event: Event) -> bool:
    """Whether the payload is the whole event, so that it can be read again without attributes."""
    if event.payload == event.data_json:
        return False
    try:
        return "specversion" in msgspec.json.decode(event.payload, type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False


def _binary_attributes(event: Event) -> dict[str, str]:
    """The attributes of a binary-mode message, which its event no longer has, from what the event keeps."""
    extensions = msgspec.json.decode(event.extensions or b"{}", type=dict[str, object])
    attributes = {
        "ce-specversion": "1.0",
        "ce-id": event.event_id,
        "ce-source": event.source,
        "ce-type": event.type,
        "ce-time": format_rfc3339(event.time_us),
        "ce-dataschema": event.schema,
    }
    for name, value in extensions.items():
        key = "content-type" if name == "datacontenttype" else f"ce-{name}"
        attributes[key] = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return attributes

"""Events that the tape refuses become dead letters that can be sent again."""

from __future__ import annotations

import json
from typing import Any

import pytest

from schemas.dead_letter import DeadLetterError, Stage
from schemas.event import Event
from schemas.streams import Rejected
from tests.messages import NOW_US, STRUCTURED, accepted, binary, structured
from transforms.core.decode import DecodedBatch, Decoder
from transforms.core.refused_by_tape import refuse_events


def batch_of(*events: Event, **more: Any) -> DecodedBatch:
    return DecodedBatch("o", list(events), [], 0, 0, **more)


def events(decoder: Decoder) -> list[Event]:
    return [accepted(decoder, structured(id=f"e{number}"), STRUCTURED) for number in range(3)]


def test_a_batch_without_refusals_is_itself(decoder: Decoder) -> None:
    batch = batch_of(*events(decoder))
    assert refuse_events(batch, [], "shop", "1") is batch


def test_refused_events_move_with_their_acknowledgements(decoder: Decoder) -> None:
    first, second, third = events(decoder)
    batch = batch_of(first, second, third, ack_ids=["a", "b", "c"], refused_ack_ids=["z"])
    refused = refuse_events(batch, [Rejected(2, "too wide"), Rejected(0, "too long")], "shop", "7")
    assert (refused.events, refused.ack_ids) == ([second], ["b"])
    assert refused.refused_ack_ids == ["z", "a", "c"]
    letter, other = refused.dead_letters
    assert (letter.stage, letter.error) == (Stage.TAPE, DeadLetterError.REFUSED_BY_TAPE)
    assert letter.detail == "tape: expected a row that the table takes, found: too long"
    assert (letter.payload, letter.message_id, letter.publish_us) == (first.payload, "a@0", NOW_US)
    assert (letter.workspace, letter.type, letter.schema) == ("shop", first.type, first.schema)
    assert letter.pipeline_version == "7"
    assert other.payload == third.payload
    # The batch that was given is not changed.
    assert (len(batch.events), batch.ack_ids) == (3, ["a", "b", "c"])


def test_files_need_no_acknowledgement(decoder: Decoder) -> None:
    refused = refuse_events(batch_of(*events(decoder)), [Rejected(1, "x")], "shop", "1")
    assert (refused.ack_ids, refused.refused_ack_ids) == ([], [])


@pytest.mark.parametrize(
    ("payload", "attributes"),
    [
        (structured(), STRUCTURED),
        (structured(dataschema="urn:shop/cart_added/1", note="x"), None),
        binary(),
        binary(note="ä", dataschema="urn:shop/cart_added/1", **{"content-type": "application/json"}),
        binary(data={"sku": "A", "price": 25.5, "specversion": "9"}),
    ],
)
def test_a_refused_event_is_the_same_when_sent_again(
    decoder: Decoder, payload: bytes, attributes: dict[str, str] | None
) -> None:
    event = accepted(decoder, payload, attributes)
    (letter,) = refuse_events(batch_of(event), [Rejected(0, "x")], "shop", "1").dead_letters
    again = accepted(decoder, letter.payload, letter.attributes, letter.publish_us)
    names = [name for name in Event.__struct_fields__ if name != "extensions"]
    assert [getattr(again, name) for name in names] == [getattr(event, name) for name in names]
    # The schema that was taken for granted is named now.
    sent, kept = json.loads(again.extensions or b"{}"), json.loads(event.extensions or b"{}")
    assert {**sent, "dataschema": None} == {**kept, "dataschema": None}

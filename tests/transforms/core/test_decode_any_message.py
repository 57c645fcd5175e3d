"""Decode: every message becomes one event or one dead letter, whatever it holds."""

from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.dead_letter import DeadLetter, Stage
from schemas.event import Event
from schemas.message import MessageBatch
from schemas.timestamps import format_rfc3339, parse_rfc3339
from tests.messages import (
    MEMBERS,
    binary,
    decode_one,
)
from transforms.core.decode import REDRIVEN, Decoder

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


NAMES = st.sampled_from(
    [
        *MEMBERS,
        "workspace",
        "subject",
        "dataschema",
        "publishtime",
        "datacontenttype",
        "data_base64",
        "previousidentity",
        "previousidentitytype",
        "zz",
    ]
) | st.text(max_size=4)


PLAUSIBLE = st.sampled_from(
    [
        "1.0",
        "shop",
        "/a",
        "cart_added",
        "login",
        "probe",
        "/cart_added/1",
        "e30=",
        "2026-03-01T12:00:00Z",
        "9999-12-31T23:59:60Z",
        "application/avro",
        "email",
        "ann@example.com",
        "application/json",
        "+49 30 123456",
        {"notes": {"\n": 1}},
    ]
)


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A structured event with some members replaced, and perhaps some bytes."""
    members = {**MEMBERS, **draw(st.dictionaries(NAMES, PLAUSIBLE | JSON_VALUES, max_size=3))}
    for name in draw(st.lists(NAMES, max_size=1)):
        members.pop(name, None)
    payload = json.dumps(members).encode()
    for _ in range(draw(st.integers(0, 2))):
        at = draw(st.integers(0, len(payload)))
        payload = payload[:at] + draw(st.binary(max_size=3)) + payload[at + draw(st.integers(0, 2)) :]
    return payload


HEADERS = st.dictionaries(
    NAMES.map(lambda name: f"ce-{name}")
    | st.sampled_from(["content-type", "googclient_schemaname", REDRIVEN]),
    PLAUSIBLE.filter(lambda value: isinstance(value, str)) | st.text(max_size=8),
    max_size=4,
)


@settings(max_examples=400)
@given(
    st.lists(
        st.tuples(
            mutated() | st.binary(max_size=40) | JSON_VALUES.map(lambda value: json.dumps(value).encode()),
            st.none() | HEADERS | HEADERS.map(lambda headers: {**binary()[1], **headers}),
            st.none()
            | st.integers(parse_rfc3339("1900-01-01T00:00:00Z"), parse_rfc3339("2100-01-01T00:00:00Z")),
        ),
        max_size=3,
    )
)
def test_any_message_becomes_one_event_or_one_dead_letter(
    decoder: Decoder, messages: list[tuple[bytes, dict[str, str] | None, int | None]]
) -> None:
    batch = MessageBatch(
        "a@0",
        [payload for payload, _, _ in messages],
        [str(index) for index in range(len(messages))],
        [attributes for _, attributes, _ in messages],
        [publish_us for _, _, publish_us in messages],
    )
    decoded = decoder.decode(batch)
    ids = [event.message_id for event in decoded.events] + [
        letter.message_id for letter in decoded.dead_letters
    ]
    assert sorted(ids) == sorted(batch.message_ids)
    for event in decoded.events:
        event.data_json.decode()
        format_rfc3339(event.time_us)
        assert event.person_id
        assert event.identities
    for letter in decoded.dead_letters:
        assert len(letter.detail.splitlines()) == 1
        letter.detail.encode()
        assert letter.payload == batch.payloads[int(letter.message_id)]
    assert decoder.decode(batch) == decoded


@given(mutated())
def test_a_further_extension_changes_no_verdict(decoder: Decoder, payload: bytes) -> None:
    """The quick way for common events says the same as the long one for all others."""
    try:
        members = json.loads(payload)
    except ValueError:
        return
    if not isinstance(members, dict):
        return
    plain = decode_one(decoder, json.dumps(members).encode())
    more = decode_one(decoder, json.dumps({**members, "furtherextension": "1"}).encode())
    if isinstance(plain, DeadLetter):
        assert isinstance(more, DeadLetter)
        assert (more.error == plain.error) or {more.stage, plain.stage} == {Stage.ENVELOPE}
    else:
        assert isinstance(more, Event)
        for name in ("event_id", "source", "type", "time_us", "schema", "person_id", "identities", "values"):
            assert getattr(more, name) == getattr(plain, name)

"""Decode: every message becomes one event or one dead letter, whatever it holds."""

from __future__ import annotations

import base64
import hashlib
import io
import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import fastavro
import pytest
from cloudevents.core.bindings import http
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from cloudevents.v1.conversion import to_json
from cloudevents.v1.http import CloudEvent as OlderCloudEvent
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.dead_letter import DeadLetter, DeadLetterError, Stage
from schemas.event import Event
from schemas.message import MessageBatch
from schemas.timestamps import DAY_US, HOUR_US, SECOND_US, format_rfc3339, parse_rfc3339
from schemas.workspace import Workspace
from tests.messages import (
    ABSENT,
    MEMBERS,
    NOW_US,
    STRUCTURED,
    accepted,
    binary,
    decode_one,
    refused,
    structured,
)
from transforms.core.decode import REDRIVEN, Decoder
from transforms.core.envelope import MAX_PAYLOAD_BYTES
from transforms.core.identity import Identities


@pytest.fixture(scope="module")
def decoder(workspace: Workspace) -> Decoder:
    return Decoder(workspace, "1.2.3")


def avro(workspace: Workspace, event_type: str, version: int, value: dict[str, Any]) -> bytes:
    schema = workspace.registry.find(event_type, version)
    assert schema is not None
    body = io.BytesIO()
    fastavro.schemaless_writer(body, fastavro.parse_schema(schema.definition), value)
    return body.getvalue()


def test_structured_event_is_kept_whole(workspace: Workspace, decoder: Decoder) -> None:
    payload = structured(data={"sku": "Ä", "price": 25, "colour": "red"})
    event = accepted(decoder, payload, STRUCTURED, NOW_US + 5)
    assert event == Event(
        event_id="e1",
        source="/shop/web",
        type="cart_added",
        time_us=NOW_US,
        publish_us=NOW_US + 5,
        schema="cart_added/2",
        person_id=Identities(workspace).person_id("cookie:c12"),
        identities=("cookie:c12",),
        data={"sku": "Ä", "price": 25.0, "email": None, "quantity": 1},
        data_json=json.dumps({"sku": "Ä", "price": 25, "colour": "red"}).encode(),
        payload=payload,
        extensions=b'{"identity":"c12","identitytype":"cookie"}',
        message_id="a@0",
    )
    assert type(event.data["price"]) is float


def test_a_line_of_a_file_is_a_structured_event(decoder: Decoder) -> None:
    assert accepted(decoder, structured(), None) == accepted(decoder, structured(), STRUCTURED)


def test_binary_event_is_the_same_event(decoder: Decoder) -> None:
    body, attributes = binary()
    event = accepted(decoder, body, attributes)
    other = accepted(decoder, structured())
    for name in ("event_id", "source", "type", "time_us", "schema", "person_id", "identities", "data"):
        assert getattr(event, name) == getattr(other, name)
    assert event.payload == event.data_json == body


def test_avro_body_is_the_same_event(workspace: Workspace, decoder: Decoder) -> None:
    value = {"sku": "A", "price": 25.5, "email": None, "quantity": 3}
    plain, _ = binary(**{"content-type": ABSENT})
    for attributes in (
        {"content-type": "application/avro", "ce-dataschema": "urn:x:schemas/cart_added/2"},
        {"googclient_schemaencoding": "BINARY", "googclient_schemaname": "projects/p/schemas/cart_added.v2"},
        {"googclient_schemaencoding": "BINARY"},
    ):
        body = avro(workspace, "cart_added", 2, value)
        event = accepted(decoder, body, {**binary(**{"content-type": ABSENT})[1], **attributes})
        assert (event.data, json.loads(event.data_json), event.payload) == (value, value, body)
        assert event.schema == "cart_added/2"
    assert plain  # the body that the attributes above go with is not the JSON one


def test_older_avro_version_is_resolved_to_the_newest(workspace: Workspace, decoder: Decoder) -> None:
    body = avro(workspace, "cart_added", 1, {"sku": "A", "price": 1.5, "email": None})
    _, attributes = binary(dataschema="/cart_added/1", **{"content-type": "application/avro"})
    event = accepted(decoder, body, attributes)
    assert (event.data["quantity"], event.schema) == (1, "cart_added/1")


def test_avro_in_a_structured_event(workspace: Workspace, decoder: Decoder) -> None:
    body = avro(workspace, "login", 1, {"device": "phone"})
    payload = structured(
        type="login",
        data=ABSENT,
        data_base64=base64.b64encode(body).decode(),
        datacontenttype="application/avro",
    )
    assert accepted(decoder, payload).data == {"device": "phone"}


@pytest.mark.parametrize(
    "dataschema",
    [
        "/cart_added/1",
        "cart_added/1",
        "https://schemas.example.com/shop/cart_added/1",
        "urn:a/cart_added/1",
        "/cart_added/01",
    ],
)
def test_dataschema_names_the_version(decoder: Decoder, dataschema: str) -> None:
    event = accepted(decoder, structured(dataschema=dataschema))
    assert event.schema == "cart_added/1"
    assert event.data["quantity"] == 1


@pytest.mark.parametrize(
    "dataschema",
    ["cart_added", "/cart_added/3", "/cart_added/0", "/login/1", "/cart_added/1/", "/cart_added/v1",
     "/cart_added/1#x", "/cart_added/99999999999999999999", "/cart_added/%31"],
)  # fmt: skip
def test_other_dataschemas_are_unknown(decoder: Decoder, dataschema: str) -> None:
    letter = refused(decoder, structured(dataschema=dataschema))
    assert letter.error is DeadLetterError.UNKNOWN_SCHEMA
    assert letter.detail == (
        f"dataschema: expected a URI that ends in one of cart_added/1, cart_added/2, found {dataschema!r}"
    )


@pytest.mark.parametrize(
    ("text", "time_us"),
    [
        ("2026-03-01T12:00:00Z", NOW_US),
        ("2026-03-01t12:00:00z", NOW_US),
        ("2026-03-01T13:00:00+01:00", NOW_US),
        ("2026-03-01T12:00:00-00:00", NOW_US),
        ("2026-03-01T12:00:00.5Z", NOW_US + SECOND_US // 2),
        ("2026-03-01T12:00:00.123456789Z", NOW_US + 123_457),
        ("2026-03-01T11:59:60Z", NOW_US),
        ("2026-02-28T23:59:60.25Z", parse_rfc3339("2026-03-01T00:00:00Z")),
    ],
)
def test_time_is_rfc3339(decoder: Decoder, text: str, time_us: int) -> None:
    assert accepted(decoder, structured(time=text)).time_us == time_us


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-01 12:00:00Z",
        "2026-03-01T12:00:00",
        "2026-03-01T12:00:00+0100",
        "2026-03-01T12:00:00+01",
        "2026-03-01",
        "2026-03-01T12:00Z",
        "2026-02-30T12:00:00Z",
        "2026-03-01T24:00:00Z",
        "1772366400",
        "2026-03-01T12:00:00,5Z",
        "2026-03-01T12:00:00.Z",
        "２026-03-01T12:00:00Z",
        " 2026-03-01T12:00:00Z",
        "0000-01-01T00:00:00Z",
        "9999-12-31T23:59:60Z",
        "9999-12-31T23:59:59-23:59",
        "0001-01-01T00:00:00+23:59",
    ],
)
@pytest.mark.parametrize("publish_us", [NOW_US, None])
def test_other_times_are_refused(decoder: Decoder, text: str, publish_us: int | None) -> None:
    letter = refused(decoder, structured(time=text), None, publish_us)
    assert letter.error is DeadLetterError.INVALID_ATTRIBUTE
    assert letter.detail.startswith("time: expected ")


def test_time_defaults_to_the_publish_time(decoder: Decoder) -> None:
    event = accepted(decoder, structured(time=ABSENT), STRUCTURED, NOW_US)
    assert (event.time_us, event.publish_us) == (NOW_US, NOW_US)


def test_publish_time_of_a_file_defaults_to_the_events(decoder: Decoder) -> None:
    event = accepted(decoder, structured(), None, None)
    assert (event.time_us, event.publish_us) == (NOW_US, NOW_US)


def test_publish_time_stands_in_the_file(decoder: Decoder) -> None:
    event = accepted(decoder, structured(publishtime="2026-03-01T12:00:09Z"), None, None)
    assert (event.time_us, event.publish_us) == (NOW_US, NOW_US + 9 * SECOND_US)
    assert json.loads(event.extensions or b"")["publishtime"] == "2026-03-01T12:00:09Z"


def test_the_brokers_publish_time_goes_before_the_files(decoder: Decoder) -> None:
    event = accepted(decoder, structured(publishtime="2026-03-01T12:00:09Z"), STRUCTURED, NOW_US + 1)
    assert event.publish_us == NOW_US + 1


def test_redriven_event_keeps_its_first_publish_time(decoder: Decoder) -> None:
    attributes = {**STRUCTURED, REDRIVEN: "2026-03-01T12:00:09Z"}
    event = accepted(decoder, structured(), attributes, NOW_US + 99 * DAY_US)
    assert event.publish_us == NOW_US + 9 * SECOND_US
    letter = refused(decoder, structured(), {**STRUCTURED, REDRIVEN: "soon"})
    assert letter.detail.startswith("cjaas-publish-time: expected an RFC 3339 timestamp")


def test_no_time_at_all_is_refused(decoder: Decoder) -> None:
    letter = refused(decoder, structured(time=ABSENT), None, None)
    assert letter.error is DeadLetterError.MISSING_ATTRIBUTE
    assert letter.detail.startswith("time: expected a time, since the message has no publish time")


def test_an_hour_ahead_is_accepted_and_more_is_not(decoder: Decoder) -> None:
    assert accepted(decoder, structured(), None, NOW_US - HOUR_US).time_us == NOW_US
    letter = refused(decoder, structured(), None, NOW_US - HOUR_US - 1)
    assert letter.error is DeadLetterError.IN_THE_FUTURE
    assert letter.detail == (
        "time: expected at most 1 h after the publish time 2026-03-01T10:59:59.999999Z, "
        "found 2026-03-01T12:00:00.000000Z"
    )


def test_earliest_is_accepted_and_older_is_not(workspace: Workspace, decoder: Decoder) -> None:
    publish_us = NOW_US + workspace.earliest_us
    assert accepted(decoder, structured(), None, publish_us).time_us == NOW_US
    letter = refused(decoder, structured(), None, publish_us + 1)
    assert letter.error is DeadLetterError.TOO_OLD
    assert letter.detail == (
        "time: expected 2026-03-01T12:00:00.000001Z or later, found 2026-03-01T12:00:00.000000Z"
    )


def test_times_at_the_ends_of_the_calendar(workspace: Workspace) -> None:
    decoder = Decoder(replace(workspace, earliest_us=HOUR_US), "1")
    first = "0001-01-01T00:00:00Z"
    assert format_rfc3339(accepted(decoder, structured(time=first), None, None).time_us).startswith(
        "0001-01-01"
    )
    letter = refused(decoder, structured(time=first), None, parse_rfc3339("0001-01-01T01:00:01Z"))
    assert letter.error is DeadLetterError.TOO_OLD
    letter = refused(decoder, structured(time="9000-01-01T00:00:00Z"), None, None)
    assert letter.error is DeadLetterError.INVALID_ATTRIBUTE


def test_own_workspace_may_be_claimed_and_another_may_not(decoder: Decoder) -> None:
    assert accepted(decoder, structured(workspace="shop")).event_id == "e1"
    letter = refused(decoder, structured(workspace="bank"))
    assert (letter.error, letter.detail) == (
        DeadLetterError.WRONG_WORKSPACE,
        "workspace: expected 'shop', found 'bank'",
    )
    assert (letter.workspace, letter.type) == ("shop", "cart_added")


def test_identities_of_attributes_and_fields_are_ranked(workspace: Workspace, decoder: Decoder) -> None:
    event = accepted(
        decoder,
        structured(
            type="customer_registered",
            data={"name": "Ann", "email": " Ann@Example.com", "customer": "K1"},
            previousidentity="c11",
            previousidentitytype="cookie",
        ),
    )
    assert event.identities == ("customer:K1", "email:ann@example.com", "cookie:c11", "cookie:c12")
    assert event.person_id == Identities(workspace).person_id("customer:K1")


def test_the_same_identity_twice_is_one(decoder: Decoder) -> None:
    data = {"sku": "A", "price": 1.0, "email": "ANN@example.com"}
    event = accepted(decoder, structured(identity="ann@example.com", identitytype="email", data=data))
    assert event.identities == ("email:ann@example.com",)


def test_number_may_be_an_identity(decoder: Decoder) -> None:
    assert accepted(decoder, structured(identity=12)).identities == ("cookie:12",)


def test_unknown_type_is_named(decoder: Decoder) -> None:
    letter = refused(decoder, structured(type="nothing"))
    assert letter.detail == "type: expected an event type of workspace 'shop', found 'nothing'"
    assert (letter.type, letter.schema) == ("nothing", None)


@pytest.mark.parametrize(
    ("members", "error", "detail"),
    [
        (
            {"identity": ABSENT},
            DeadLetterError.MISSING_IDENTITY,
            "identity: expected identity and identitytype, or a field that names a person, found none",
        ),
        (
            {"identity": None},
            DeadLetterError.MISSING_IDENTITY,
            "identity: expected identity and identitytype",
        ),
        (
            {"identitytype": ABSENT},
            DeadLetterError.MISSING_IDENTITY,
            "identitytype: expected the namespace of identity, found none",
        ),
        (
            {"previousidentity": "x"},
            DeadLetterError.MISSING_IDENTITY,
            "previousidentitytype: expected the namespace of previousidentity",
        ),
        (
            {"identity": ""},
            DeadLetterError.INVALID_IDENTITY,
            "identity cookie: expected 1 to 320 characters without space, found ''",
        ),
        (
            {"identity": "a b"},
            DeadLetterError.INVALID_IDENTITY,
            "identity cookie: expected 1 to 320 characters without space, found 'a b'",
        ),
        (
            {"identitytype": "fax"},
            DeadLetterError.UNKNOWN_NAMESPACE,
            "identitytype: expected one of customer, email, phone, cookie, found 'fax'",
        ),
        (
            {"identitytype": ""},
            DeadLetterError.UNKNOWN_NAMESPACE,
            "identitytype: expected one of customer, email, phone, cookie, found ''",
        ),
        (
            {"identitytype": "email"},
            DeadLetterError.INVALID_IDENTITY,
            "identity email: expected a mail address, found 'c12'",
        ),
        (
            {"previousidentity": "x", "previousidentitytype": "phone"},
            DeadLetterError.INVALID_IDENTITY,
            "identity phone: expected a phone number, found 'x'",
        ),
    ],
)
@pytest.mark.parametrize("extra", [{}, {"zz": "1"}])
def test_identity_refusals(
    decoder: Decoder, members: dict[str, Any], error: DeadLetterError, detail: str, extra: dict[str, Any]
) -> None:
    letter = refused(decoder, structured(**members, **extra))
    assert (letter.stage, letter.error) == (Stage.IDENTITY, error)
    assert letter.detail.startswith(detail)
    assert (letter.type, letter.schema) == ("cart_added", "cart_added/2")


def test_field_of_no_identity_is_ignored_and_counted_where_another_names_the_person(decoder: Decoder) -> None:
    data = {"sku": "A", "price": 1.0, "email": "nonsense"}
    payloads = [structured(data=data), structured(data=data, identity=ABSENT)]
    decoded = decoder.decode(MessageBatch("a@0", payloads, ["1", "2"], [None] * 2, [None] * 2))
    assert [event.identities for event in decoded.events] == [("cookie:c12",)]
    assert [letter.error for letter in decoded.dead_letters] == [DeadLetterError.INVALID_IDENTITY]
    assert decoded.ignored_identities == 2


@pytest.mark.parametrize(
    ("data", "detail"),
    [
        ({"price": 1.0}, "sku: expected "),
        ({"sku": "A", "price": "abc"}, "price: expected a double, found text 'abc'"),
        ({"sku": None, "price": 1.0}, "sku: expected a string, found null"),
        (None, "data: expected an object (cart_added), found null"),
        ([], "data: expected an object (cart_added), found a list"),
        ("x", "data: expected an object (cart_added), found text 'x'"),
    ],
)
def test_data_refusals(decoder: Decoder, data: Any, detail: str) -> None:
    for payload in (structured(data=data), structured(data=data, zz="1")):
        letter = refused(decoder, payload)
        assert (letter.stage, letter.error) == (Stage.DATA, DeadLetterError.INVALID_DATA)
        assert letter.detail.startswith(detail)
        assert (letter.type, letter.schema) == ("cart_added", "cart_added/2")


def test_names_within_data_stay_on_one_line(decoder: Decoder) -> None:
    letter = refused(decoder, structured(type="probe", data={"notes": {"a\nb\u2028": 1}}))
    assert letter.error is DeadLetterError.INVALID_DATA
    assert r"notes.a\nb\u2028" in letter.detail


def test_unknown_fields_are_kept_and_counted(decoder: Decoder) -> None:
    data = {"sku": "A", "price": 1.0, "x": 1, "y": {"z": 1}}
    decoded = decoder.decode(MessageBatch("a@0", [structured(data=data)], ["1"], [None], [None]))
    assert json.loads(decoded.events[0].data_json) == data
    assert decoded.unknown_fields == 2
    assert decoded.events[0].data.keys() == {"sku", "price", "email", "quantity"}


BROKEN = [b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xf5\x80\x80\x80", b"\xc0\xaf"]


@pytest.mark.parametrize("broken", BROKEN)
@pytest.mark.parametrize(
    "place",
    [
        b'"id": "HERE"',
        b'"source": "/HERE"',
        b'"type": "HERE"',
        b'"time": "HERE"',
        b'"identity": "HERE"',
        b'"zz": "HERE"',
        b'"HERE": 1',
        b'"data": {"sku": "HERE", "price": 1.0}',
        b'"data": {"sku": "A", "price": 1.0, "zz": "HERE"}',
        b'"data": {"sku": "A", "price": 1.0, "HERE": [{}]}',
    ],
)
def test_invalid_utf8_is_refused_wherever_it_stands(decoder: Decoder, broken: bytes, place: bytes) -> None:
    payload = structured()[:-1] + b", " + place.replace(b"HERE", broken) + b"}"
    letter = refused(decoder, payload)
    assert letter.error in (DeadLetterError.INVALID_UTF8, DeadLetterError.INVALID_DATA)
    assert letter.payload == payload
    body, attributes = binary(data=b'{"sku": "A", "price": 1.0, "zz": "' + broken + b'"}')
    assert refused(decoder, body, attributes).error is DeadLetterError.INVALID_DATA


@pytest.mark.parametrize("place", ["id", "zz"])
def test_lone_surrogates_are_refused_in_attributes(decoder: Decoder, place: str) -> None:
    payload = structured(**{place: "HERE"}).replace(b"HERE", b"\\udc00x")
    assert refused(decoder, payload).error in (
        DeadLetterError.INVALID_JSON,
        DeadLetterError.INVALID_ATTRIBUTE,
    )


@pytest.mark.parametrize("name", ["sku", "zz"])
def test_lone_surrogates_are_refused_in_data(decoder: Decoder, name: str) -> None:
    data = json.dumps({"sku": "A", "price": 1.0, name: "\ud800"}).encode()
    assert refused(decoder, *binary(data=data)).error is DeadLetterError.INVALID_DATA


def test_surrogate_pairs_are_one_character(decoder: Decoder) -> None:
    payload = structured(id="\U0001f600", data={"sku": "\U0001f600", "price": 1.0})
    assert b"\\ud83d\\ude00" in payload
    event = accepted(decoder, payload)
    assert (event.event_id, event.data["sku"]) == ("\U0001f600", "\U0001f600")


def padded(size_bytes: int) -> bytes:
    payload = structured()[:-1] + b', "zz": ""}'
    return payload[:-2] + b"x" * (size_bytes - len(payload)) + payload[-2:]


def test_payload_of_one_mebibyte_is_accepted(decoder: Decoder) -> None:
    payload = padded(MAX_PAYLOAD_BYTES)
    assert accepted(decoder, payload).payload == payload


def test_larger_payload_keeps_its_head_and_its_hash(decoder: Decoder) -> None:
    payload = padded(MAX_PAYLOAD_BYTES + 1)
    letter = refused(decoder, payload, {**STRUCTURED, "x": "y"}, NOW_US)
    assert letter == DeadLetter(
        payload=payload[:MAX_PAYLOAD_BYTES],
        payload_sha256=hashlib.sha256(payload).hexdigest(),
        attributes={**STRUCTURED, "x": "y"},
        message_id="a@0",
        publish_us=NOW_US,
        stage=Stage.ENVELOPE,
        error=DeadLetterError.PAYLOAD_TOO_LARGE,
        detail="payload: expected at most 1048576 bytes, found 1048577",
        workspace="shop",
        type=None,
        schema=None,
        pipeline_version="1.2.3",
    )


def test_dead_letter_keeps_the_message_whole(decoder: Decoder) -> None:
    letter = refused(decoder, b"\xff\x00nonsense", {"a": "b"}, NOW_US)
    assert (letter.payload, letter.payload_sha256, letter.attributes) == (
        b"\xff\x00nonsense",
        None,
        {"a": "b"},
    )


def test_nesting_of_64_levels_is_accepted_and_65_is_not(decoder: Decoder) -> None:
    def deep(levels: int) -> bytes:
        inner = json.loads("[" * (levels - 2) + "]" * (levels - 2))
        return structured(data={"sku": "A", "price": 1.0, "zz": inner})

    assert accepted(decoder, deep(64)).event_id == "e1"
    letter = refused(decoder, deep(65))
    assert letter.error is DeadLetterError.NESTING_TOO_DEEP
    text = structured(data={"sku": "[{" * 500, "price": 1.0})
    assert accepted(decoder, text).data["sku"] == "[{" * 500


REACHED: dict[DeadLetterError, tuple[bytes, dict[str, str] | None]] = {
    DeadLetterError.PAYLOAD_TOO_LARGE: (b" " * (MAX_PAYLOAD_BYTES + 1), None),
    DeadLetterError.NESTING_TOO_DEEP: (b"[" * 65 + b"]" * 65, None),
    DeadLetterError.INVALID_UTF8: (b'{"id": "\xff"}', None),
    DeadLetterError.INVALID_JSON: (b"{", None),
    DeadLetterError.NOT_AN_OBJECT: (b"[]", None),
    DeadLetterError.MISSING_ATTRIBUTE: (b"{}", {}),
    DeadLetterError.INVALID_ATTRIBUTE: (structured(id=""), None),
    DeadLetterError.UNSUPPORTED_CONTENT_TYPE: (b"", {"content-type": "application/cloudevents-batch+json"}),
    DeadLetterError.WRONG_WORKSPACE: (structured(workspace="bank"), None),
    DeadLetterError.TOO_OLD: (structured(time="2020-01-01T00:00:00Z"), None),
    DeadLetterError.IN_THE_FUTURE: (structured(time="2030-01-01T00:00:00Z"), None),
    DeadLetterError.UNKNOWN_SCHEMA: (structured(type="nothing"), None),
    DeadLetterError.INVALID_DATA: (structured(data={}), None),
    DeadLetterError.INVALID_AVRO: binary(data=b"\x02", **{"content-type": "application/avro"}),
    DeadLetterError.MISSING_IDENTITY: (structured(identity=None), None),
    DeadLetterError.UNKNOWN_NAMESPACE: (structured(identitytype="fax"), None),
    DeadLetterError.INVALID_IDENTITY: (structured(identity=" "), None),
}


@pytest.mark.parametrize("error", DeadLetterError)
def test_every_error_is_reached(decoder: Decoder, error: DeadLetterError) -> None:
    assert refused(decoder, *REACHED[error]).error is error


def test_results_stand_in_the_order_of_the_messages(decoder: Decoder) -> None:
    payloads = [structured(id="a"), b"1", structured(id="b"), b"2", structured(id="c")]
    batch = MessageBatch("f@7", payloads, list("01234"), [None] * 5, [None] * 5)
    decoded = decoder.decode(batch)
    assert decoded.origin == "f@7"
    assert [(event.event_id, event.message_id) for event in decoded.events] == [
        ("a", "0"),
        ("b", "2"),
        ("c", "4"),
    ]
    assert [letter.message_id for letter in decoded.dead_letters] == ["1", "3"]


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
    assert event.data == {**DATA, "email": None, "quantity": 1}
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
        for name in ("event_id", "source", "type", "time_us", "schema", "person_id", "identities", "data"):
            assert getattr(more, name) == getattr(plain, name)

"""Decode: messages in every mode, and what is kept of the refused ones."""

from __future__ import annotations

import base64
import io
import json
from typing import Any

import fastavro
import pytest

from schemas.dead_letter import DeadLetterError, Stage
from schemas.event import Event
from schemas.message import MessageBatch
from schemas.workspace import Workspace
from tests.messages import (
    ABSENT,
    NOW_US,
    STRUCTURED,
    accepted,
    binary,
    refused,
    structured,
)
from transforms.core.decode import Decoder
from transforms.core.envelope import MAX_PAYLOAD_BYTES
from transforms.core.identity import Identities


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
        values=(25.0, "Ä"),
        data_json=json.dumps({"sku": "Ä", "price": 25, "colour": "red"}).encode(),
        payload=payload,
        extensions=b'{"identity":"c12","identitytype":"cookie"}',
        message_id="a@0",
    )
    assert type(event.values[0]) is float


def test_a_line_of_a_file_is_a_structured_event(decoder: Decoder) -> None:
    assert accepted(decoder, structured(), None) == accepted(decoder, structured(), STRUCTURED)


def test_binary_event_is_the_same_event(decoder: Decoder) -> None:
    body, attributes = binary()
    event = accepted(decoder, body, attributes)
    other = accepted(decoder, structured())
    for name in ("event_id", "source", "type", "time_us", "schema", "person_id", "identities", "values"):
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
        assert (event.values, json.loads(event.data_json), event.payload) == ((25.5, "A"), value, body)
        assert event.schema == "cart_added/2"
    assert plain  # the body that the attributes above go with is not the JSON one


def test_older_avro_version_is_resolved_to_the_newest(workspace: Workspace, decoder: Decoder) -> None:
    body = avro(workspace, "cart_added", 1, {"sku": "A", "price": 1.5, "email": None})
    _, attributes = binary(dataschema="/cart_added/1", **{"content-type": "application/avro"})
    event = accepted(decoder, body, attributes)
    assert (json.loads(event.data_json)["quantity"], event.schema) == (1, "cart_added/1")


def test_avro_in_a_structured_event(workspace: Workspace, decoder: Decoder) -> None:
    body = avro(workspace, "login", 1, {"device": "phone"})
    payload = structured(
        type="login",
        data=ABSENT,
        data_base64=base64.b64encode(body).decode(),
        datacontenttype="application/avro",
    )
    assert json.loads(accepted(decoder, payload).data_json) == {"device": "phone"}


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
    assert (event.schema, event.values) == ("cart_added/1", (25.5, "A"))


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
    assert decoded.ignored_identities == 1  # what is refused is no event


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
    assert decoded.events[0].values == (1.0, "A")


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


# What the tape's storage refuses is no matter of decoding: tests/transforms/test_keep_batches.py.
@pytest.mark.parametrize("error", [error for error in DeadLetterError if error.value != "refused_by_tape"])
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

"""The envelope against CloudEvents 1.0.2: core, JSON event format, Pub/Sub protocol binding."""

from __future__ import annotations

import base64
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.dead_letter import DeadLetterError, Stage
from tests.messages import ABSENT, binary, structured
from transforms.core.context_attributes import valid_uri
from transforms.core.envelope import (
    MAX_DEPTH,
    MAX_PAYLOAD_BYTES,
    Envelope,
    check_depth,
    check_size,
    is_avro,
    is_structured,
    read_binary,
    read_structured,
)
from transforms.core.refused import Refused


def data_of(envelope: Envelope) -> bytes:
    return bytes(envelope.data)


def refusal(call: Any, *arguments: Any) -> Refused:
    with pytest.raises(Refused) as caught:
        call(*arguments)
    assert caught.value.stage is Stage.ENVELOPE
    assert len(caught.value.detail.splitlines()) == 1
    return caught.value


def test_structured_gives_attributes_and_raw_data() -> None:
    envelope, extensions = read_structured(structured(data={"sku": "Ä", "price": 1.50}))
    assert (envelope.id, envelope.source, envelope.type) == ("e1", "/shop/web", "cart_added")
    assert json.loads(data_of(envelope)) == {"sku": "Ä", "price": 1.5}
    assert json.loads(extensions or b"") == {"identity": "c12", "identitytype": "cookie"}


def test_raw_data_is_kept_as_sent() -> None:
    payload = structured().replace(b"25.5", b"25.50e0 ")
    assert b"25.50e0 " in data_of(read_structured(payload)[0])


@pytest.mark.parametrize("extra", [{"zz": "1"}, {"subject": "s"}, {"datacontenttype": "application/json"}])
def test_further_attributes_change_nothing_else(extra: dict[str, Any]) -> None:
    plain, _ = read_structured(structured())
    more, extensions = read_structured(structured(**extra))
    for name in ("id", "source", "type", "time", "identity", "identitytype"):
        assert getattr(more, name) == getattr(plain, name)
    assert data_of(more) == data_of(plain)
    assert json.loads(extensions or b"") == {"identity": "c12", "identitytype": "cookie", **extra}


def test_extensions_keep_their_types() -> None:
    _, extensions = read_structured(
        structured(comexint=-5, comexbool=True, comexno=False, comextext="x", comexnull=None)
    )
    assert json.loads(extensions or b"") == {
        "comexbool": True,
        "comexint": -5,
        "comexno": False,
        "comextext": "x",
        "identity": "c12",
        "identitytype": "cookie",
    }


def test_no_extensions_are_none() -> None:
    assert read_structured(structured(identity=ABSENT, identitytype=ABSENT))[1] is None


@pytest.mark.parametrize("name", ["specversion", "id", "source", "type"])
@pytest.mark.parametrize("value", [ABSENT, None])
@pytest.mark.parametrize("extra", [{}, {"zz": "1"}])
def test_required_attribute_is_missed(name: str, value: Any, extra: dict[str, Any]) -> None:
    error = refusal(read_structured, structured(**{name: value}, **extra))
    assert error.error is DeadLetterError.MISSING_ATTRIBUTE
    assert error.detail == f"{name}: expected the required attribute, found none"


def test_data_is_missed() -> None:
    error = refusal(read_structured, structured(data=ABSENT))
    assert error.error is DeadLetterError.MISSING_ATTRIBUTE
    assert error.detail == "data: expected the event's data, found none"
    assert error.event_type == "cart_added"


@pytest.mark.parametrize("extra", [{}, {"zz": "1"}])
def test_null_data_is_a_payload_of_null(extra: dict[str, Any]) -> None:
    assert data_of(read_structured(structured(data=None, **extra))[0]) == b"null"


@pytest.mark.parametrize("name", ["subject", "time", "datacontenttype", "dataschema", "identity", "zz"])
def test_null_is_as_good_as_absent(name: str) -> None:
    envelope, extensions = read_structured(structured(**{name: None}))
    absent, without = read_structured(structured(**{name: ABSENT}))
    assert (getattr(envelope, name, None), extensions) == (getattr(absent, name, None), without)


@pytest.mark.parametrize(
    ("members", "detail"),
    [
        ({"specversion": "0.3"}, "specversion: expected '1.0', found '0.3'"),
        ({"specversion": 1.0}, "specversion: expected text, found a number"),
        ({"specversion": ""}, "specversion: expected text, found an empty one"),
        ({"id": ""}, "id: expected text, found an empty one"),
        ({"id": 5}, "id: expected text, found a number"),
        ({"id": "a\nb"}, "id: expected text without control characters"),
        ({"id": "a\x9fb"}, "id: expected text without control characters"),
        ({"id": "a￾"}, "id: expected text without control characters"),
        ({"id": "a\U0001ffff"}, "id: expected text without control characters"),
        ({"type": ["x"]}, "type: expected text, found an array"),
        ({"type": ""}, "type: expected text, found an empty one"),
        ({"source": {}}, "source: expected text, found an object"),
        ({"source": "", "zz": 1}, "source: expected text, found an empty one"),
        ({"source": "a b", "zz": 1}, "source: expected a URI, found 'a b'"),
        ({"source": "/a%zz", "zz": 1}, "source: expected a URI, found '/a%zz'"),
        ({"time": 5}, "time: expected text, found a number"),
        ({"subject": ""}, "subject: expected text, found an empty one"),
        ({"datacontenttype": ""}, "datacontenttype: expected text, found an empty one"),
        ({"dataschema": "", "zz": 1}, "dataschema: expected text, found an empty one"),
        ({"identity": True}, "identity: expected text, found a boolean"),
        ({"identity": "a\x01"}, "identity: expected text without control characters"),
        ({"workspace": False}, "workspace: expected text, found a boolean"),
        ({"zz": 1.5}, "zz: expected text, found a number"),
        ({"zz": {}}, "zz: expected text, found an object"),
        ({"zz": []}, "zz: expected text, found an array"),
        ({"zz": 2**31}, "zz: expected a 32-bit integer, found 2147483648"),
        ({"zz": -(2**31) - 1}, "zz: expected a 32-bit integer, found -2147483649"),
        ({"zz": "\x00"}, "zz: expected text without control characters"),
        ({"Zz": "1"}, "Zz: expected an attribute name of lower-case letters and digits other than data"),
        ({"z_z": "1"}, "z_z: expected an attribute name of lower-case letters and digits other than data"),
        ({"z\nz": "1"}, r"z\nz: expected an attribute name of lower-case letters and digits other than data"),
        ({"": "1"}, ": expected an attribute name of lower-case letters and digits other than data"),
        ({"data_base64": "e30="}, "data_base64: expected either data or data_base64, found both"),
    ],
)  # fmt: skip
def test_invalid_attributes(members: dict[str, Any], detail: str) -> None:
    error = refusal(read_structured, structured(**members))
    assert error.error is DeadLetterError.INVALID_ATTRIBUTE
    assert error.detail == detail


@pytest.mark.parametrize("value", [2**31 - 1, -(2**31), 0])
def test_integers_of_32_bits(value: int) -> None:
    assert json.loads(read_structured(structured(zz=value))[1] or b"")["zz"] == value


@pytest.mark.parametrize("encoded", ["%", "e30", "ä", " e30=", 1234, {}, True])
def test_base64_must_be_base64(encoded: Any) -> None:
    error = refusal(read_structured, structured(data=ABSENT, data_base64=encoded))
    assert error.error is DeadLetterError.INVALID_ATTRIBUTE
    assert error.detail.startswith("data_base64: expected base64, found ")


def test_base64_data_is_decoded() -> None:
    encoded = base64.b64encode(b'{"sku":"A"}').decode()
    envelope, extensions = read_structured(structured(data=ABSENT, data_base64=encoded))
    assert data_of(envelope) == b'{"sku":"A"}'
    assert "data_base64" not in json.loads(extensions or b"")


def test_null_base64_is_as_good_as_absent() -> None:
    assert json.loads(data_of(read_structured(structured(data_base64=None))[0])) == {
        "sku": "A",
        "price": 25.5,
    }


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "Application/JSON", "application/json; charset=utf-8", "text/json",
     "application/vnd.shop+json", "application/vnd.shop+json;v=1"],
)  # fmt: skip
def test_json_content_types(content_type: str) -> None:
    envelope, _ = read_structured(structured(datacontenttype=content_type))
    assert not is_avro(envelope.datacontenttype)


@pytest.mark.parametrize(
    "content_type", ["application/xml", "text/plain", "application/avro", "application/jsonx"]
)
def test_data_member_of_another_content_type_is_refused(content_type: str) -> None:
    error = refusal(read_structured, structured(datacontenttype=content_type))
    assert error.error is DeadLetterError.UNSUPPORTED_CONTENT_TYPE
    assert (error.event_type, "datacontenttype: expected JSON data" in error.detail) == ("cart_added", True)


@pytest.mark.parametrize("content_type", ["application/avro", "avro/binary", "Application/Avro; v=1"])
def test_avro_content_types(content_type: str) -> None:
    assert is_avro(content_type)


@pytest.mark.parametrize(
    "content_type", ["application/xml", "text/plain", "json", "application/octet-stream"]
)
def test_other_content_types_are_refused(content_type: str) -> None:
    assert refusal(is_avro, content_type).error is DeadLetterError.UNSUPPORTED_CONTENT_TYPE


def test_no_content_type_is_json() -> None:
    assert not is_avro(None)


@pytest.mark.parametrize(
    ("content_type", "expected"),
    [
        (None, False),
        ("application/cloudevents+json", True),
        ("application/cloudevents+json; charset=UTF-8", True),
        ("Application/CloudEvents+JSON;charset=utf-8", True),
        ("application/json", False),
        ("text/application/cloudevents", False),
    ],
)
def test_content_mode_follows_the_content_type(content_type: str | None, expected: bool) -> None:
    assert is_structured({} if content_type is None else {"content-type": content_type}) is expected


@pytest.mark.parametrize(
    "content_type",
    ["application/cloudevents-batch+json", "application/cloudevents+avro", "application/cloudevents"],
)
def test_batches_and_other_event_formats_are_refused(content_type: str) -> None:
    error = refusal(is_structured, {"content-type": content_type})
    assert error.error is DeadLetterError.UNSUPPORTED_CONTENT_TYPE


@pytest.mark.parametrize(
    ("payload", "error"),
    [
        (b"", DeadLetterError.INVALID_JSON),
        (b"{", DeadLetterError.INVALID_JSON),
        (b"not json", DeadLetterError.INVALID_JSON),
        (b"{} {}", DeadLetterError.INVALID_JSON),
        (b'{"id": 01}', DeadLetterError.INVALID_JSON),
        (b'{"id": NaN}', DeadLetterError.INVALID_JSON),
        (b"{'id': 1}", DeadLetterError.INVALID_JSON),
        (b'\xef\xbb\xbf{"id": "1"}', DeadLetterError.INVALID_JSON),
        (b'{"id": "\\ud800"}', DeadLetterError.INVALID_JSON),
        (b'{"zz\\n": 1e999}', DeadLetterError.INVALID_JSON),
        (b"[]", DeadLetterError.NOT_AN_OBJECT),
        (b"null", DeadLetterError.NOT_AN_OBJECT),
        (b"5", DeadLetterError.NOT_AN_OBJECT),
        (b'"a\\nb"', DeadLetterError.NOT_AN_OBJECT),
        (b'{"id": "\xff"}', DeadLetterError.INVALID_UTF8),
        (b'{"\xff": "a"}', DeadLetterError.INVALID_UTF8),
        (b'{"id": "\xed\xa0\x80"}', DeadLetterError.INVALID_UTF8),
        (b'{"id": "\xc0\x80"}', DeadLetterError.INVALID_UTF8),
        ('{"id": "a"}'.encode("utf-16"), DeadLetterError.INVALID_UTF8),
    ],
)
def test_what_is_no_json_object(payload: bytes, error: DeadLetterError) -> None:
    assert refusal(read_structured, payload).error is error


def test_surrounding_white_space_and_crlf_are_json() -> None:
    assert read_structured(b"\r\n " + structured() + b"\r\n")[0].id == "e1"


def test_of_repeated_members_the_last_one_stands() -> None:
    repeated = structured()[:-1] + b', "id": "e2", "data": {"sku": "B", "price": 1.0}}'
    for payload in (repeated, repeated[:-1] + b', "zz": "1"}'):
        envelope, _ = read_structured(payload)
        assert (envelope.id, json.loads(data_of(envelope))["sku"]) == ("e2", "B")


def nested(levels: int) -> bytes:
    return b"[" * levels + b"]" * levels


def test_64_levels_are_accepted_and_65_are_not() -> None:
    check_depth(nested(MAX_DEPTH))
    error = refusal(check_depth, nested(MAX_DEPTH + 1))
    assert error.error is DeadLetterError.NESTING_TOO_DEEP
    assert error.detail == "payload: expected at most 64 levels of nesting, found 65"
    assert MAX_DEPTH == 64


@pytest.mark.parametrize(
    "text",
    ["[" * 100, '"' + "{" * 100, "\\" + "[" * 100, '\\"[' * 100, "[" * 50 + "\\\\", "\n[" * 100],
)
def test_brackets_within_strings_are_no_nesting(text: str) -> None:
    check_depth(json.dumps({"a": text, "b": [[text]]}).encode())


def test_brackets_side_by_side_are_no_nesting() -> None:
    check_depth(b"[" + b",".join([b"{}"] * 1000) + b"]")


@given(
    st.recursive(st.text('[]{}"\\a', max_size=8) | st.integers(), lambda inner: st.lists(inner, max_size=3))
)
def test_depth_is_that_of_the_value(value: Any) -> None:
    def depth(inner: Any) -> int:
        return 1 + max(map(depth, inner), default=0) if isinstance(inner, list) else 0

    wrapped = json.loads("[" * 60 + json.dumps(value) + "]" * 60)
    payload = msgspec.json.encode([wrapped, "[" * 65])
    if depth(value) + 61 > MAX_DEPTH:
        assert str(depth(value) + 61) in refusal(check_depth, payload).detail
    else:
        check_depth(payload)


def test_depth_of_what_is_no_json_is_found_in_one_pass() -> None:
    """An unterminated string full of escaped quotes: 1 MiB in which each quote could begin a string."""
    check_depth(nested(40) + b'"' + b'\\"' * 500_000)
    check_depth(nested(40) + b'"' + b'\\"' * 500_000 + b"\\")


def test_one_mebibyte_is_accepted_and_a_byte_more_is_not() -> None:
    check_size(b"x" * MAX_PAYLOAD_BYTES)
    error = refusal(check_size, b"x" * (MAX_PAYLOAD_BYTES + 1))
    assert error.error is DeadLetterError.PAYLOAD_TOO_LARGE
    assert error.detail == "payload: expected at most 1048576 bytes, found 1048577"


def test_binary_gives_the_same_as_structured() -> None:
    extra = {"subject": "s", "zz": "1", "dataschema": "/cart_added/1"}
    body, attributes = binary(**extra)
    envelope, extensions = read_binary(body, attributes)
    other, others = read_structured(structured(datacontenttype="application/json", **extra))
    assert data_of(envelope) == data_of(other)
    assert extensions == others
    for name in set(Envelope.__struct_fields__) - {"data"}:
        assert getattr(envelope, name) == getattr(other, name)


def test_binary_ignores_attributes_of_others() -> None:
    body, attributes = binary()
    _, extensions = read_binary(body, {**attributes, "ordering": "x", "Ce-id": "y", "ce_id": "z"})
    assert json.loads(extensions or b"").keys() == {"datacontenttype", "identity", "identitytype"}


def test_content_type_attribute_goes_before_ce_datacontenttype() -> None:
    body, attributes = binary(datacontenttype="application/avro")
    assert read_binary(body, attributes)[0].datacontenttype == "application/json"
    del attributes["content-type"]
    assert read_binary(body, attributes)[0].datacontenttype == "application/avro"


@pytest.mark.parametrize(
    ("members", "error"),
    [
        ({"id": ABSENT}, DeadLetterError.MISSING_ATTRIBUTE),
        ({"specversion": ABSENT}, DeadLetterError.MISSING_ATTRIBUTE),
        ({"id": ""}, DeadLetterError.INVALID_ATTRIBUTE),
        ({"id": "\ud800"}, DeadLetterError.INVALID_ATTRIBUTE),
        ({"Upper": "1"}, DeadLetterError.INVALID_ATTRIBUTE),
        ({"": "1"}, DeadLetterError.INVALID_ATTRIBUTE),
        ({"data_base64": "e30="}, DeadLetterError.INVALID_ATTRIBUTE),
        ({"content-type": ""}, DeadLetterError.INVALID_ATTRIBUTE),
        ({"content-type": "json"}, DeadLetterError.INVALID_ATTRIBUTE),
        ({"content-type": "text/plain\r\nx: y"}, DeadLetterError.INVALID_ATTRIBUTE),
    ],
)
def test_binary_refusals(members: dict[str, Any], error: DeadLetterError) -> None:
    assert refusal(read_binary, *binary(**members)).error is error


def test_attribute_named_data_is_refused() -> None:
    body, attributes = binary()
    error = refusal(read_binary, body, {**attributes, "ce-data": "{}"})
    assert error.error is DeadLetterError.INVALID_ATTRIBUTE


@pytest.mark.parametrize(
    ("attributes", "content_type", "dataschema"),
    [
        ({"googclient_schemaencoding": "BINARY"}, "application/avro", None),
        ({"googclient_schemaencoding": "JSON"}, None, None),
        ({"googclient_schemaname": "projects/p/schemas/cart_added.v2"}, None, "cart_added/2"),
        ({"googclient_schemaname": "projects/p/schemas/other"}, None, None),
    ],
)
def test_pubsub_schema_attributes(
    attributes: dict[str, str], content_type: str | None, dataschema: str | None
) -> None:
    body, plain = binary(**{"content-type": ABSENT})
    envelope, _ = read_binary(body, {**plain, **attributes})
    assert (envelope.datacontenttype, envelope.dataschema) == (content_type, dataschema)


def test_brackets_in_avro_are_no_nesting() -> None:
    body, attributes = binary(data=b"[" * 1000, **{"content-type": "application/avro"})
    assert data_of(read_binary(body, attributes)[0]) == body
    with pytest.raises(Refused, match="levels of nesting"):
        read_binary(*binary(data=nested(65)))


def test_nesting_within_base64_counts() -> None:
    encoded = base64.b64encode(nested(65)).decode()
    error = refusal(read_structured, structured(data=ABSENT, data_base64=encoded))
    assert error.error is DeadLetterError.NESTING_TOO_DEEP


@pytest.mark.parametrize(
    "source", ["/a", "https://example.com/a?b=c#d", "urn:uuid:6e8b", "1-555-123-4567", "a%20b"]
)
def test_sources_are_uri_references(source: str) -> None:
    assert valid_uri(source)


@pytest.mark.parametrize("source", ["", " ", "a b", "a%2", "ü", 'a"b', "a\n", "a<b>", "a\\b"])
def test_other_sources_are_not(source: str) -> None:
    assert not valid_uri(source)

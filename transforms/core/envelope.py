"""CloudEvents 1.0 on Pub/Sub: from a message to its attributes and its data, undecoded.

Sources: CloudEvents 1.0.2 (core, JSON event format) and the Pub/Sub protocol binding: a message whose
`content-type` attribute begins with `application/cloudevents` is structured, every other is binary.
"""

from __future__ import annotations

import binascii
import re
from base64 import b64decode

import msgspec

from schemas.dead_letter import DeadLetterError
from transforms.core.context_attributes import KNOWN, attribute_problem, attribute_text, describe
from transforms.core.refused import refused

MAX_PAYLOAD_BYTES = 1024 * 1024
MAX_DEPTH = 64
JSON = "application/json"
AVRO = "application/avro"


class Envelope(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    """The attributes that cjaas knows; `data` is JSON text, or the bytes of another content type."""

    specversion: str
    id: str
    source: str
    type: str
    data: msgspec.Raw
    time: str | None = None
    identity: str | None = None
    identitytype: str | None = None
    previousidentity: str | None = None
    previousidentitytype: str | None = None
    dataschema: str | None = None
    datacontenttype: str | None = None
    publishtime: str | None = None
    workspace: str | None = None
    subject: str | None = None


class _Extensions(msgspec.Struct, omit_defaults=True, gc=False):
    datacontenttype: str | None = None
    dataschema: str | None = None
    identity: str | None = None
    identitytype: str | None = None
    previousidentity: str | None = None
    previousidentitytype: str | None = None
    publishtime: str | None = None
    workspace: str | None = None


_EXTENSIONS = msgspec.json.Encoder()
_OWN_COLUMNS = frozenset({"specversion", "id", "source", "type", "time", "data", "data_base64"})
_FAST = msgspec.json.Decoder(Envelope)
_MEMBERS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ANY = msgspec.json.Decoder()
# Possessive, and an unterminated string reaches to the end: one pass over whatever it is given.
_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)', re.DOTALL)


def read_structured(payload: bytes) -> tuple[Envelope, bytes | None]:
    """The envelope of a structured-mode message, and its extension attributes as a JSON object.

    Raises:
        Refused: it is no CloudEvent.
    """
    if len(payload) > MAX_PAYLOAD_BYTES or payload.count(b"{") + payload.count(b"[") > MAX_DEPTH:
        check_size(payload)
        check_depth(payload)
    try:
        envelope = _FAST.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _read_members(payload)
    if (
        envelope.specversion == "1.0"
        and envelope.id
        and envelope.type
        and f"{envelope.id}{envelope.identity}{envelope.previousidentity}".isprintable()
        and (envelope.datacontenttype is None or envelope.datacontenttype == JSON)
        and envelope.subject is None
    ):
        return envelope, _identity_extensions(envelope)
    return _read_members(payload)


def _identity_extensions(envelope: Envelope) -> bytes | None:
    """The extension attributes of an event that has none but those of `_Extensions`."""
    encoded = _EXTENSIONS.encode(
        _Extensions(
            envelope.datacontenttype,
            envelope.dataschema,
            envelope.identity,
            envelope.identitytype,
            envelope.previousidentity,
            envelope.previousidentitytype,
            envelope.publishtime,
            envelope.workspace,
        )
    )
    return encoded if encoded != b"{}" else None


def read_binary(payload: bytes, attributes: dict[str, str]) -> tuple[Envelope, bytes | None]:
    """The envelope of a binary-mode message: `ce-` attributes, and the payload as data.

    Raises:
        Refused: it is no CloudEvent.
    """
    check_size(payload)
    members: dict[str, object] = {}
    for key, value in attributes.items():
        if key.startswith("ce-"):
            members[key[3:]] = value
    content_type = attributes.get("content-type")
    if content_type is None:
        encoding = attributes.get("googclient_schemaencoding")
        content_type = AVRO if encoding == "BINARY" else None
    if content_type is not None:
        members["datacontenttype"] = content_type
    if _is_json(members.get("datacontenttype")):
        check_depth(payload)
    if "dataschema" not in members and "googclient_schemaname" in attributes:
        named = re.search(r"([a-z][a-z0-9_.]*)\.v([0-9]+)$", attributes["googclient_schemaname"])
        if named:
            members["dataschema"] = f"{named[1]}/{named[2]}"
    return _check(members, msgspec.Raw(payload))


def is_structured(attributes: dict[str, str]) -> bool:
    """Whether a message with these attributes is in structured mode.

    Raises:
        Refused: it is a batch, which holds more than one event.
    """
    content_type = attributes.get("content-type", "").strip().lower()
    if content_type.startswith("application/cloudevents-batch"):
        raise refused(
            DeadLetterError.UNSUPPORTED_CONTENT_TYPE,
            "content-type: expected one event a message, found a batch; send each event by itself",
        )
    if content_type.startswith("application/cloudevents"):
        kind = content_type.split(";")[0].strip()
        if kind != "application/cloudevents+json":
            raise refused(
                DeadLetterError.UNSUPPORTED_CONTENT_TYPE,
                f"content-type: expected application/cloudevents+json, found {content_type[:60]!r}",
            )
        return True
    return False


def check_size(payload: bytes) -> None:
    """Refuses a payload over the limit of size."""
    if len(payload) > MAX_PAYLOAD_BYTES:
        raise refused(
            DeadLetterError.PAYLOAD_TOO_LARGE,
            f"payload: expected at most {MAX_PAYLOAD_BYTES} bytes, found {len(payload)}",
        )


def check_depth(payload: bytes) -> None:
    """Refuses JSON over the limit of nesting."""
    if payload.count(b"{") + payload.count(b"[") > MAX_DEPTH:
        depth = _depth(payload)
        if depth > MAX_DEPTH:
            raise refused(
                DeadLetterError.NESTING_TOO_DEEP,
                f"payload: expected at most {MAX_DEPTH} levels of nesting, found {depth}",
            )


def _depth(payload: bytes) -> int:
    deepest = level = 0
    for byte in _STRING.sub(b"", payload):
        if byte in b"{[":
            level += 1
            deepest = max(deepest, level)
        elif byte in b"}]":
            level -= 1
    return deepest


def _read_members(payload: bytes) -> tuple[Envelope, bytes | None]:
    try:
        text = payload.decode()
    except UnicodeDecodeError as error:
        raise refused(
            DeadLetterError.INVALID_UTF8,
            f"payload: expected UTF-8, found {error.reason} at byte {error.start}",
        ) from None
    try:
        raw_members = _MEMBERS.decode(payload)
    except msgspec.ValidationError:
        raise refused(
            DeadLetterError.NOT_AN_OBJECT, f"payload: expected a JSON object, found {text[:40]!r}"
        ) from None
    except (msgspec.DecodeError, RecursionError) as error:
        raise refused(
            DeadLetterError.INVALID_JSON, f"payload: expected a JSON object, found {str(error)[:120]}"
        ) from None
    raw_data = raw_members.pop("data", None)
    members: dict[str, object] = {}
    for name, raw in raw_members.items():
        try:
            value = _ANY.decode(raw)
        except (msgspec.DecodeError, RecursionError) as error:
            raise refused(
                DeadLetterError.INVALID_JSON, f"{name[:60]}: expected a JSON value, found {str(error)[:120]}"
            ) from None
        if value is not None:
            members[name] = value
    event_type = members.get("type")
    encoded = members.pop("data_base64", None)
    data = _raw_data(raw_data, encoded, event_type if isinstance(event_type, str) else None)
    if encoded is None and not _is_json(members.get("datacontenttype")):
        raise refused(
            DeadLetterError.UNSUPPORTED_CONTENT_TYPE,
            f"datacontenttype: expected JSON data, or Avro in data_base64, "
            f"found {str(members['datacontenttype'])[:60]!r} with data",
            event_type,
        )
    if encoded is not None and data is not None and _is_json(members.get("datacontenttype")):
        check_depth(bytes(data))
    return _check(members, data)


def _raw_data(raw: msgspec.Raw | None, encoded: object, event_type: str | None) -> msgspec.Raw | None:
    if encoded is None:
        return raw
    if raw is not None:
        raise refused(
            DeadLetterError.INVALID_ATTRIBUTE,
            "data_base64: expected either data or data_base64, found both",
            event_type,
        )
    try:
        if not isinstance(encoded, str):
            raise ValueError(describe(encoded))
        return msgspec.Raw(b64decode(encoded, validate=True))
    except (binascii.Error, ValueError) as error:
        raise refused(
            DeadLetterError.INVALID_ATTRIBUTE, f"data_base64: expected base64, found {error}", event_type
        ) from None


def _is_json(content_type: object) -> bool:
    kind = str(content_type or JSON).split(";")[0].strip().lower()
    return kind == JSON or kind.endswith(("+json", "/json"))


def is_avro(content_type: str | None) -> bool:
    """Whether data of this content type is Avro binary.

    Raises:
        Refused: it is neither Avro nor JSON.
    """
    kind = (content_type or JSON).split(";")[0].strip().lower()
    if kind in (AVRO, "avro/binary", "application/vnd.apache.avro+binary"):
        return True
    if not _is_json(kind):
        raise refused(
            DeadLetterError.UNSUPPORTED_CONTENT_TYPE,
            f"datacontenttype: expected {JSON} or {AVRO}, found {kind[:60]!r}",
        )
    return False


def _check(members: dict[str, object], data: msgspec.Raw | None) -> tuple[Envelope, bytes | None]:
    found_type = members.get("type")
    event_type = found_type if isinstance(found_type, str) else None
    for name, value in members.items():
        problem = attribute_problem(name, value)
        if problem:
            raise refused(DeadLetterError.INVALID_ATTRIBUTE, f"{name[:60]}: {problem}", event_type)
    for name in ("specversion", "id", "source", "type"):
        if name not in members:
            raise refused(
                DeadLetterError.MISSING_ATTRIBUTE,
                f"{name}: expected the required attribute, found none",
                event_type,
            )
    if members["specversion"] != "1.0":
        raise refused(
            DeadLetterError.INVALID_ATTRIBUTE,
            f"specversion: expected '1.0', found {str(members['specversion'])[:60]!r}",
            event_type,
        )
    if data is None:
        raise refused(
            DeadLetterError.MISSING_ATTRIBUTE, "data: expected the event's data, found none", event_type
        )
    known = {name: attribute_text(value) for name, value in members.items() if name in KNOWN}
    envelope = Envelope(data=data, **known)
    extensions = {name: value for name, value in members.items() if name not in _OWN_COLUMNS}
    return envelope, msgspec.json.encode(extensions, order="sorted") if extensions else None

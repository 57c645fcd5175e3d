"""Dead letters: what could not be accepted, whole, with its reason."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Stage(StrEnum):
    """Where a message was refused."""

    ENVELOPE = "envelope"
    DATA = "data"
    IDENTITY = "identity"
    TAPE = "tape"


class DeadLetterError(StrEnum):
    """Why a message was refused."""

    PAYLOAD_TOO_LARGE = "payload_too_large"
    NESTING_TOO_DEEP = "nesting_too_deep"
    INVALID_UTF8 = "invalid_utf8"
    INVALID_JSON = "invalid_json"
    NOT_AN_OBJECT = "not_an_object"
    MISSING_ATTRIBUTE = "missing_attribute"
    INVALID_ATTRIBUTE = "invalid_attribute"
    UNSUPPORTED_CONTENT_TYPE = "unsupported_content_type"
    WRONG_WORKSPACE = "wrong_workspace"
    TOO_OLD = "too_old"
    IN_THE_FUTURE = "in_the_future"
    UNKNOWN_SCHEMA = "unknown_schema"
    INVALID_DATA = "invalid_data"
    INVALID_AVRO = "invalid_avro"
    MISSING_IDENTITY = "missing_identity"
    UNKNOWN_NAMESPACE = "unknown_namespace"
    INVALID_IDENTITY = "invalid_identity"
    REFUSED_BY_TAPE = "refused_by_tape"


class DeadLetter(msgspec.Struct, frozen=True, gc=False):
    """One refused message.

    Attributes:
        payload: the body, whole; over the limit, its head.
        payload_sha256: the hash of the whole body in hex, where `payload` is only its head.
        attributes: the message's attributes.
        message_id: the broker's id, or `FILE@OFFSET`.
        publish_us: publish time, None where it is not known.
        detail: one sentence that names the field, what was expected and what was found.
        workspace: the workspace it was sent to.
        type: the event type, as far as it could be read.
        schema: `TYPE/VERSION`, as far as it could be read.
        pipeline_version: the version of cjaas that refused it.
    """

    payload: bytes
    payload_sha256: str | None
    attributes: dict[str, str]
    message_id: str
    publish_us: int | None
    stage: Stage
    error: DeadLetterError
    detail: str
    workspace: str
    type: str | None
    schema: str | None
    pipeline_version: str

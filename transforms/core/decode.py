"""Decode: from a micro-batch of raw messages to valid events and dead letters."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import msgspec

from schemas.avro import EventSchema, InvalidData
from schemas.dead_letter import DeadLetter, DeadLetterError, Stage
from schemas.event import Event
from schemas.message import MessageBatch
from schemas.timestamps import HOUR_US, format_rfc3339, parse_rfc3339
from schemas.workspace.model import Workspace
from transforms.core import envelope as cloudevents
from transforms.core.envelope import MAX_PAYLOAD_BYTES, Envelope, Refused
from transforms.core.identity import Identities, Identity
from transforms.core.paths import compile_path, values_of

MAX_AHEAD_US = HOUR_US
FIRST_US = parse_rfc3339("0001-01-01T00:00:00Z")
END_US = parse_rfc3339("9000-01-01T00:00:00Z")
"""No time is this or later: what is reckoned from it still has a date."""
REDRIVEN = "cjaas-publish-time"

_IdentityField = tuple[Callable[[dict[str, Any]], Any], str]


class DecodedBatch(msgspec.Struct, gc=False):
    """What a micro-batch holds; every message is one event or one dead letter.

    Attributes:
        unknown_fields: how many fields no schema knows, over all events.
        ignored_identities: how many values of annotated fields were none of their namespace's.
    """

    origin: str
    events: list[Event]
    dead_letters: list[DeadLetter]
    unknown_fields: int
    ignored_identities: int


class Decoder:
    """Decodes the messages of one workspace. Holds caches, no state: equal input, equal output."""

    def __init__(self, workspace: Workspace, pipeline_version: str) -> None:
        self._workspace = workspace
        self._version = pipeline_version
        self._identities = Identities(workspace)
        self._schemas: dict[tuple[str, str | None], EventSchema] = {}
        self._sources: set[str] = set()
        self._identity_fields: dict[str, list[_IdentityField]] = {}
        for event_type in workspace.registry.types():
            newest = workspace.registry.newest(event_type)
            fields = newest.identity_fields if newest else ()
            self._identity_fields[event_type] = [
                (compile_path(path), namespace) for path, namespace in fields
            ]

    def decode(self, batch: MessageBatch) -> DecodedBatch:
        """The batch's events and dead letters, each in the order of the messages."""
        decoded = DecodedBatch(batch.origin, [], [], 0, 0)
        events, dead_letters = decoded.events, decoded.dead_letters
        for payload, message_id, attributes, publish_us in zip(
            batch.payloads, batch.message_ids, batch.attributes, batch.publish_us, strict=True
        ):
            try:
                events.append(self._event(payload, message_id, attributes, publish_us, decoded))
            except Refused as refused:
                dead_letters.append(self._dead_letter(payload, message_id, attributes, publish_us, refused))
        return decoded

    def _event(
        self,
        payload: bytes,
        message_id: str,
        attributes: dict[str, str] | None,
        publish_us: int | None,
        decoded: DecodedBatch,
    ) -> Event:
        if attributes is None or cloudevents.is_structured(attributes):
            envelope, extensions = cloudevents.read_structured(payload)
        else:
            envelope, extensions = cloudevents.read_binary(payload, attributes)
        if attributes and REDRIVEN in attributes:
            publish_us = _time(envelope, REDRIVEN, attributes[REDRIVEN])
        if envelope.workspace is not None and envelope.workspace != self._workspace.name:
            raise _refused(
                envelope,
                DeadLetterError.WRONG_WORKSPACE,
                f"workspace: expected {self._workspace.name!r}, found {envelope.workspace[:60]!r}",
            )
        source = envelope.source
        if source not in self._sources:
            self._check_source(envelope)
        time_us, publish_us = self._times(envelope, publish_us)
        schema = self._schemas.get((envelope.type, envelope.dataschema)) or self._schema(envelope)
        raw = envelope.data
        avro = envelope.datacontenttype is not None and cloudevents.is_avro(envelope.datacontenttype)
        try:
            data, unknown = schema.read_avro(bytes(raw)) if avro else schema.read_json(raw)
        except InvalidData as error:
            code = DeadLetterError.INVALID_AVRO if avro else DeadLetterError.INVALID_DATA
            raise Refused(Stage.DATA, code, str(error), envelope.type, schema.name) from None
        data_json = msgspec.json.encode(data) if avro else bytes(raw)
        decoded.unknown_fields += unknown
        best, identities = self._identify(envelope, data, decoded, schema)
        return Event(
            envelope.id,
            source,
            envelope.type,
            time_us,
            publish_us,
            schema.name,
            self._identities.person_id(best),
            identities,
            data,
            data_json,
            payload,
            extensions,
            message_id,
        )

    def _check_source(self, envelope: Envelope) -> None:
        if not cloudevents.valid_uri(envelope.source):
            raise _refused(
                envelope,
                DeadLetterError.INVALID_ATTRIBUTE,
                f"source: expected a URI, found {envelope.source[:60]!r}",
            )
        if len(self._sources) < 10_000:
            self._sources.add(envelope.source)

    def _times(self, envelope: Envelope, publish_us: int | None) -> tuple[int, int]:
        name = "time"
        time_us = None
        try:
            if envelope.time is not None:
                time_us = parse_rfc3339(envelope.time)
            if publish_us is None:
                name = "publishtime"
                publish_us = time_us if envelope.publishtime is None else parse_rfc3339(envelope.publishtime)
        except ValueError as error:
            raise _refused(envelope, DeadLetterError.INVALID_ATTRIBUTE, f"{name}: {error}") from None
        if publish_us is None:
            raise _refused(
                envelope,
                DeadLetterError.MISSING_ATTRIBUTE,
                "time: expected a time, since the message has no publish time to stand in, found none",
            )
        if time_us is None:
            time_us = publish_us
        if time_us > publish_us + MAX_AHEAD_US:
            raise _refused(
                envelope,
                DeadLetterError.IN_THE_FUTURE,
                f"time: expected at most 1 h after the publish time {format_rfc3339(publish_us)}, "
                f"found {format_rfc3339(time_us)}",
            )
        if time_us < publish_us - self._workspace.earliest_us:
            raise _refused(
                envelope,
                DeadLetterError.TOO_OLD,
                f"time: expected {format_rfc3339(max(FIRST_US, publish_us - self._workspace.earliest_us))} "
                f"or later, "
                f"found {format_rfc3339(time_us)}",
            )
        return time_us, publish_us

    def _schema(self, envelope: Envelope) -> EventSchema:
        registry = self._workspace.registry
        event_type, uri = envelope.type, envelope.dataschema
        versions = registry.versions(event_type)
        if not versions:
            raise _refused(
                envelope,
                DeadLetterError.UNKNOWN_SCHEMA,
                f"type: expected an event type of workspace {self._workspace.name!r}, "
                f"found {event_type[:60]!r}",
            )
        version = versions[-1]
        if uri is not None:
            if not cloudevents.valid_uri(uri):
                raise _refused(
                    envelope,
                    DeadLetterError.INVALID_ATTRIBUTE,
                    f"dataschema: expected a URI, found {uri[:60]!r}",
                )
            named_type, _, named_version = uri.rpartition("/")
            named_type = named_type.rpartition("/")[2]
            digits = named_version.isascii() and named_version.isdigit() and len(named_version) < 9
            if named_type != event_type or not digits or int(named_version) not in versions:
                known = ", ".join(f"{event_type}/{number}" for number in versions)
                raise _refused(
                    envelope,
                    DeadLetterError.UNKNOWN_SCHEMA,
                    f"dataschema: expected a URI that ends in one of {known}, found {uri[:120]!r}",
                )
            version = int(named_version)
        schema = registry.find(event_type, version)
        assert schema is not None
        if len(self._schemas) < 10_000:
            self._schemas[event_type, uri] = schema
        return schema

    def _identify(
        self, envelope: Envelope, data: dict[str, Any], decoded: DecodedBatch, schema: EventSchema
    ) -> tuple[str, tuple[str, ...]]:
        found: list[Identity] = []
        ignored: Refused | None = None
        try:
            if envelope.identity is not None:
                found.append(self._named(envelope, "identity", envelope.identity, envelope.identitytype))
            if envelope.previousidentity is not None:
                found.append(
                    self._named(
                        envelope,
                        "previousidentity",
                        envelope.previousidentity,
                        envelope.previousidentitytype,
                    )
                )
        except Refused as refused:
            refused.event_type, refused.schema = envelope.type, schema.name
            raise
        for read, namespace in self._identity_fields[envelope.type]:
            for value in values_of(read(data)):
                try:
                    found.append(self._identities.identity(namespace, str(value)))
                except Refused as refused:
                    decoded.ignored_identities += 1
                    ignored = refused
        if len(found) == 1:
            text = found[0].text
            return text, (text,)
        if not found:
            if ignored is not None:
                ignored.event_type, ignored.schema = envelope.type, schema.name
                raise ignored
            raise Refused(
                Stage.IDENTITY,
                DeadLetterError.MISSING_IDENTITY,
                "identity: expected identity and identitytype, or a field that names a person, found none",
                envelope.type,
                schema.name,
            )
        ranked = tuple(identity.text for identity in sorted(set(found)))
        return ranked[0], ranked

    def _named(self, envelope: Envelope, name: str, value: str, namespace: str | None) -> Identity:
        if namespace is None:
            raise Refused(
                Stage.IDENTITY,
                DeadLetterError.MISSING_IDENTITY,
                f"{name}type: expected the namespace of {name}, found none",
                envelope.type,
            )
        return self._identities.identity(namespace, value)

    def _dead_letter(
        self,
        payload: bytes,
        message_id: str,
        attributes: dict[str, str] | None,
        publish_us: int | None,
        refused: Refused,
    ) -> DeadLetter:
        whole = len(payload) <= MAX_PAYLOAD_BYTES
        return DeadLetter(
            payload=payload if whole else payload[:MAX_PAYLOAD_BYTES],
            payload_sha256=None if whole else hashlib.sha256(payload).hexdigest(),
            attributes=attributes or {},
            message_id=message_id,
            publish_us=publish_us,
            stage=refused.stage,
            error=refused.error,
            detail=refused.detail,
            workspace=self._workspace.name,
            type=refused.event_type,
            schema=refused.schema,
            pipeline_version=self._version,
        )


def _time(envelope: Envelope, name: str, text: str) -> int:
    try:
        time_us = parse_rfc3339(text)
    except ValueError as error:
        raise _refused(envelope, DeadLetterError.INVALID_ATTRIBUTE, f"{name}: {error}") from None
    if not FIRST_US <= time_us < END_US:
        raise _refused(
            envelope,
            DeadLetterError.INVALID_ATTRIBUTE,
            f"{name}: expected a time in the years 1 to 8999 in UTC, found {text[:60]!r}",
        )
    return time_us


def _refused(envelope: Envelope, error: DeadLetterError, detail: str) -> Refused:
    return Refused(Stage.ENVELOPE, error, detail, envelope.type)

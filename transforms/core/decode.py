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
from schemas.workspace.model import Workspace
from transforms.core import envelope as cloudevents
from transforms.core.context_attributes import valid_uri
from transforms.core.envelope import MAX_PAYLOAD_BYTES, Envelope
from transforms.core.event_times import read_time, read_times
from transforms.core.identity import Identities, Identity
from transforms.core.paths import compile_path, values_of
from transforms.core.refused import Refused, refused

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
            except Refused as refusal:
                dead_letters.append(self._dead_letter(payload, message_id, attributes, publish_us, refusal))
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
            publish_us = read_time(envelope, REDRIVEN, attributes[REDRIVEN])
        if envelope.workspace is not None and envelope.workspace != self._workspace.name:
            raise refused(
                DeadLetterError.WRONG_WORKSPACE,
                f"workspace: expected {self._workspace.name!r}, found {envelope.workspace[:60]!r}",
                envelope.type,
            )
        source = envelope.source
        if source not in self._sources:
            self._check_source(envelope)
        time_us, publish_us = read_times(envelope, publish_us, self._workspace.earliest_us)
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
        if not valid_uri(envelope.source):
            raise refused(
                DeadLetterError.INVALID_ATTRIBUTE,
                f"source: expected a URI, found {envelope.source[:60]!r}",
                envelope.type,
            )
        if len(self._sources) < 10_000:
            self._sources.add(envelope.source)

    def _schema(self, envelope: Envelope) -> EventSchema:
        registry = self._workspace.registry
        event_type, uri = envelope.type, envelope.dataschema
        versions = registry.versions(event_type)
        if not versions:
            raise refused(
                DeadLetterError.UNKNOWN_SCHEMA,
                f"type: expected an event type of workspace {self._workspace.name!r}, "
                f"found {event_type[:60]!r}",
                event_type,
            )
        version = versions[-1]
        if uri is not None:
            if not valid_uri(uri):
                raise refused(
                    DeadLetterError.INVALID_ATTRIBUTE,
                    f"dataschema: expected a URI, found {uri[:60]!r}",
                    envelope.type,
                )
            named_type, _, named_version = uri.rpartition("/")
            named_type = named_type.rpartition("/")[2]
            digits = named_version.isascii() and named_version.isdigit() and len(named_version) < 9
            if named_type != event_type or not digits or int(named_version) not in versions:
                known = ", ".join(f"{event_type}/{number}" for number in versions)
                raise refused(
                    DeadLetterError.UNKNOWN_SCHEMA,
                    f"dataschema: expected a URI that ends in one of {known}, found {uri[:120]!r}",
                    envelope.type,
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
        except Refused as refusal:
            refusal.event_type, refusal.schema = envelope.type, schema.name
            raise
        for read, namespace in self._identity_fields[envelope.type]:
            for value in values_of(read(data)):
                try:
                    found.append(self._identities.identity(namespace, str(value)))
                except Refused as refusal:
                    decoded.ignored_identities += 1
                    ignored = refusal
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
        refusal: Refused,
    ) -> DeadLetter:
        whole = len(payload) <= MAX_PAYLOAD_BYTES
        return DeadLetter(
            payload=payload if whole else payload[:MAX_PAYLOAD_BYTES],
            payload_sha256=None if whole else hashlib.sha256(payload).hexdigest(),
            attributes=attributes or {},
            message_id=message_id,
            publish_us=publish_us,
            stage=refusal.stage,
            error=refusal.error,
            detail=refusal.detail,
            workspace=self._workspace.name,
            type=refusal.event_type,
            schema=refusal.schema,
            pipeline_version=self._version,
        )

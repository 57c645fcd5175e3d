"""Decode: from a micro-batch of raw messages to valid events and dead letters."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from threading import Lock
from typing import Any

import msgspec

from schemas.avro import EventSchema, InvalidData, compile_projection
from schemas.dead_letter import DeadLetter, DeadLetterError, Stage
from schemas.event import Event
from schemas.message import MessageBatch
from schemas.workspace.model import Workspace
from transforms.core import envelope as cloudevents
from transforms.core.context_attributes import valid_uri
from transforms.core.envelope import MAX_PAYLOAD_BYTES, Envelope
from transforms.core.event_times import read_time, read_times
from transforms.core.naming import Naming
from transforms.core.plan import Plan
from transforms.core.refused import Refused, refused

REDRIVEN = "cjaas-publish-time"


class _Reader(msgspec.Struct, frozen=True):
    """What reads the data of one schema: the paths that the workspace reads, then its identity fields.

    Attributes:
        namespaces: of the identity fields, in their order.
        read_json: all of it checked, and the values at those paths with the number of unknown fields.
        project: the values at those paths in canonical data, for Avro.
    """

    schema: EventSchema
    namespaces: tuple[str, ...]
    read_json: Callable[[bytes | msgspec.Raw], tuple[tuple[Any, ...], int]]
    project: Callable[[dict[str, Any]], tuple[Any, ...]]


class DecodedBatch(msgspec.Struct, gc=False):
    """What a micro-batch holds; every message is one event or one dead letter.

    Attributes:
        unknown_fields: how many fields no schema knows, over all events.
        ignored_identities: how many values of the events' annotated fields were none of their namespace's.
        ack_ids: what the messages of the events are acknowledged by; empty where none needs to be.
        refused_ack_ids: the same of the dead letters.
        watermark_us: of the micro-batch.
    """

    origin: str
    events: list[Event]
    dead_letters: list[DeadLetter]
    unknown_fields: int
    ignored_identities: int
    ack_ids: list[str] = []
    refused_ack_ids: list[str] = []
    watermark_us: int | None = None


class Decoder:
    """Decodes the messages of one workspace. Holds caches, no state: equal input, equal output.

    Serves several threads.
    """

    def __init__(self, workspace: Workspace, pipeline_version: str) -> None:
        self._workspace = workspace
        self._version = pipeline_version
        self._naming = Naming(workspace)
        self._plan = Plan(workspace)
        self._readers: dict[tuple[str, str | None], _Reader] = {}
        self._compiled: dict[str, _Reader] = {}
        self._compiling = Lock()
        self._sources: set[str] = set()

    def decode(self, batch: MessageBatch) -> DecodedBatch:
        """The batch's events and dead letters, each in the order of the messages."""
        decoded = DecodedBatch(batch.origin, [], [], 0, 0, watermark_us=batch.watermark_us)
        events, dead_letters = decoded.events, decoded.dead_letters
        refused_at: list[int] = []
        for payload, message_id, attributes, publish_us in zip(
            batch.payloads, batch.message_ids, batch.attributes, batch.publish_us, strict=True
        ):
            try:
                events.append(self._event(payload, message_id, attributes, publish_us, decoded))
            except Refused as refusal:
                refused_at.append(len(events) + len(dead_letters))
                dead_letters.append(self._dead_letter(payload, message_id, attributes, publish_us, refusal))
        if batch.ack_ids:
            decoded.refused_ack_ids = [batch.ack_ids[index] for index in refused_at]
            gone = set(refused_at)
            decoded.ack_ids = [ack_id for index, ack_id in enumerate(batch.ack_ids) if index not in gone]
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
        reader = self._readers.get((envelope.type, envelope.dataschema)) or self._reader(envelope)
        raw = envelope.data
        content_type = envelope.datacontenttype
        if (
            content_type is not None
            and content_type != cloudevents.JSON
            and cloudevents.is_avro(content_type)
        ):
            values, data_json = self._read_avro(reader, raw, envelope)
        else:
            data_json = bytes(raw)
            try:
                values, unknown = reader.read_json(raw)
            except InvalidData as error:
                raise _invalid(DeadLetterError.INVALID_DATA, error, envelope, reader) from None
            decoded.unknown_fields += unknown
        named: tuple[Any, ...] = ()
        if reader.namespaces:
            count = len(reader.namespaces)
            values, named = values[:-count], values[-count:]
        who = self._naming.person(envelope, named, reader.namespaces, reader.schema.name)
        decoded.ignored_identities += who.ignored
        return Event(
            envelope.id,
            source,
            envelope.type,
            time_us,
            publish_us,
            reader.schema.name,
            who.person_id,
            who.identities,
            values,
            data_json,
            payload,
            extensions,
            message_id,
        )

    def _read_avro(
        self, reader: _Reader, raw: msgspec.Raw, envelope: Envelope
    ) -> tuple[tuple[Any, ...], bytes]:
        try:
            data, _ = reader.schema.read_avro(bytes(raw))
        except InvalidData as error:
            raise _invalid(DeadLetterError.INVALID_AVRO, error, envelope, reader) from None
        return reader.project(data), msgspec.json.encode(data)

    def _check_source(self, envelope: Envelope) -> None:
        if not valid_uri(envelope.source):
            raise refused(
                DeadLetterError.INVALID_ATTRIBUTE,
                f"source: expected a URI, found {envelope.source[:60]!r}",
                envelope.type,
            )
        if len(self._sources) < 10_000:
            self._sources.add(envelope.source)

    def _reader(self, envelope: Envelope) -> _Reader:
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
        with self._compiling:
            reader = self._compiled.get(schema.name)
            if reader is None:
                reader = self._compiled[schema.name] = self._compile(schema)
        if len(self._readers) < 10_000:
            self._readers[event_type, uri] = reader
        return reader

    def _compile(self, schema: EventSchema) -> _Reader:
        newest = self._workspace.registry.newest(schema.type)
        fields = newest.identity_fields if newest else ()
        paths = (*self._plan.types[schema.type].paths, *(path for path, _ in fields))
        return _Reader(
            schema,
            tuple(namespace for _, namespace in fields),
            schema.read_values(paths),
            compile_projection(paths),
        )

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


def _invalid(code: DeadLetterError, error: InvalidData, envelope: Envelope, reader: _Reader) -> Refused:
    return Refused(Stage.DATA, code, str(error), envelope.type, reader.schema.name)

"""Broken messages: one fault each, for every reason to refuse a message."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from enum import StrEnum
from typing import Any

import msgspec

from schemas.dead_letter import DeadLetterError
from schemas.timestamps import DAY_US, HOUR_US
from schemas.workspace import Workspace
from transforms.core.envelope import MAX_DEPTH, MAX_PAYLOAD_BYTES
from transforms.generate.clock import TimeText

_LONGEST_PAST_US = 1900 * 365 * DAY_US
_NO_AVRO = base64.b64encode(b"\xff" * 11).decode()


class Fault(StrEnum):
    """What is wrong with a broken message."""

    TRUNCATED_JSON = "truncated_json"
    NOT_AN_OBJECT = "not_an_object"
    MISSING_ID = "missing_id"
    WRONG_SPECVERSION = "wrong_specversion"
    BAD_TIME = "bad_time"
    UNKNOWN_TYPE = "unknown_type"
    WRONG_FIELD_TYPE = "wrong_field_type"
    MISSING_IDENTITY = "missing_identity"
    UNKNOWN_NAMESPACE = "unknown_namespace"
    BAD_IDENTITY = "bad_identity"
    INVALID_UTF8 = "invalid_utf8"
    TOO_DEEP = "too_deep"
    TOO_OLD = "too_old"
    FUTURE = "future"
    OTHER_WORKSPACE = "other_workspace"
    WRONG_CONTENT_TYPE = "wrong_content_type"
    BROKEN_AVRO = "broken_avro"
    TOO_LARGE = "too_large"


ERRORS: dict[Fault, DeadLetterError] = {
    Fault.TRUNCATED_JSON: DeadLetterError.INVALID_JSON,
    Fault.NOT_AN_OBJECT: DeadLetterError.NOT_AN_OBJECT,
    Fault.MISSING_ID: DeadLetterError.MISSING_ATTRIBUTE,
    Fault.WRONG_SPECVERSION: DeadLetterError.INVALID_ATTRIBUTE,
    Fault.BAD_TIME: DeadLetterError.INVALID_ATTRIBUTE,
    Fault.UNKNOWN_TYPE: DeadLetterError.UNKNOWN_SCHEMA,
    Fault.WRONG_FIELD_TYPE: DeadLetterError.INVALID_DATA,
    Fault.MISSING_IDENTITY: DeadLetterError.MISSING_IDENTITY,
    Fault.UNKNOWN_NAMESPACE: DeadLetterError.UNKNOWN_NAMESPACE,
    Fault.BAD_IDENTITY: DeadLetterError.INVALID_IDENTITY,
    Fault.INVALID_UTF8: DeadLetterError.INVALID_UTF8,
    Fault.TOO_DEEP: DeadLetterError.NESTING_TOO_DEEP,
    Fault.TOO_OLD: DeadLetterError.TOO_OLD,
    Fault.FUTURE: DeadLetterError.IN_THE_FUTURE,
    Fault.OTHER_WORKSPACE: DeadLetterError.WRONG_WORKSPACE,
    Fault.WRONG_CONTENT_TYPE: DeadLetterError.UNSUPPORTED_CONTENT_TYPE,
    Fault.BROKEN_AVRO: DeadLetterError.INVALID_AVRO,
    Fault.TOO_LARGE: DeadLetterError.PAYLOAD_TOO_LARGE,
}


class Draft(msgspec.Struct, gc=False):
    """An event in parts, before it becomes a line.

    Attributes:
        id: the CloudEvents id.
        type_index: which of the firehose's types it is.
        head: from the source up to the opening quote of the time.
        identity: the members about identity and schema, each with a comma behind it.
        data: JSON text.
    """

    id: str
    type_index: int
    head: str
    time_us: int
    publish_us: int
    identity: str
    data: str


class Breaker:
    """Makes broken messages of valid ones, the faults in turn.

    Args:
        workspace: the one that the messages are sent to.
        wrong_fields: for each type, a required field and a value that is none of its type; None where
            the type has no such field.
        nameless: for each type, whether its data alone may name nobody.
    """

    def __init__(
        self,
        workspace: Workspace,
        wrong_fields: list[tuple[str, Any] | None],
        nameless: list[bool],
        text: TimeText,
    ) -> None:
        self._workspace = workspace
        self._wrong_fields = wrong_fields
        self._nameless = nameless
        self._text = text
        self._makers = self._choose()
        self.faults = tuple(self._makers)

    def _choose(self) -> dict[Fault, Callable[[Draft], bytes]]:
        makers: dict[Fault, Callable[[Draft], bytes]] = {
            Fault.TRUNCATED_JSON: lambda draft: _cut(self.line(draft)),
            Fault.NOT_AN_OBJECT: lambda draft: f'["{draft.id}"]'.encode(),
            Fault.MISSING_ID: lambda draft: _replace(self.line(draft), f'"id":"{draft.id}",', ""),
            Fault.WRONG_SPECVERSION: lambda draft: _replace(self.line(draft), '"1.0"', '"0.3"'),
            Fault.BAD_TIME: lambda draft: _replace(self.line(draft), '"time":"', '"time":"yesterday '),
            Fault.UNKNOWN_TYPE: lambda draft: _replace(self.line(draft), '"type":"', '"type":"undeclared_'),
            Fault.WRONG_FIELD_TYPE: self._wrong_field,
            Fault.MISSING_IDENTITY: self._no_identity,
            Fault.UNKNOWN_NAMESPACE: lambda draft: self._named(draft, "undeclared", "x1"),
            Fault.BAD_IDENTITY: self._bad_identity,
            Fault.INVALID_UTF8: lambda draft: self.line(draft).replace(b'"id":"', b'"id":"\xff\xfe', 1),
            Fault.TOO_DEEP: lambda draft: self._extended(draft, "[" * MAX_DEPTH + "]" * MAX_DEPTH),
            Fault.FUTURE: lambda draft: self._moved(draft, 2 * HOUR_US),
            Fault.OTHER_WORKSPACE: lambda draft: _replace(
                self.line(draft), '"data":', f'"workspace":"not-{self._workspace.name[:20]}","data":'
            ),
            Fault.WRONG_CONTENT_TYPE: lambda draft: _replace(
                self.line(draft), '"data":', '"datacontenttype":"text/xml","data":'
            ),
            Fault.BROKEN_AVRO: self._broken_avro,
        }
        if self._workspace.earliest_us < _LONGEST_PAST_US:
            makers[Fault.TOO_OLD] = lambda draft: self._moved(draft, -self._workspace.earliest_us - DAY_US)
        return makers

    def line(self, draft: Draft) -> bytes:
        """The valid line of a draft. The publish time stands last, 27 characters before `"}`."""
        return (
            f'{{"specversion":"1.0","id":"{draft.id}",{draft.head}{self._text(draft.time_us)}",'
            f'{draft.identity}"data":{draft.data},"publishtime":"{self._text(draft.publish_us)}"}}'
        ).encode()

    def broken(self, draft: Draft, number: int) -> tuple[Fault, bytes]:
        """The message number `number` of the broken ones: the faults take turns."""
        fault = self.faults[number % len(self.faults)]
        return fault, self._makers[fault](draft)

    def too_large(self, draft: Draft) -> bytes:
        """A message one byte over the limit."""
        room = MAX_PAYLOAD_BYTES + 1 - len(self._extended(draft, '""'))
        return self._extended(draft, f'"{"x" * room}"')

    def _extended(self, draft: Draft, value: str) -> bytes:
        comma = "" if draft.data == "{}" else ","
        return self.line(
            msgspec.structs.replace(draft, data=f'{draft.data[:-1]}{comma}"undeclared":{value}}}')
        )

    def _moved(self, draft: Draft, by_us: int) -> bytes:
        return self.line(msgspec.structs.replace(draft, time_us=draft.publish_us + by_us))

    def _named(self, draft: Draft, namespace: str, value: str) -> bytes:
        members = f'"identitytype":"{namespace}","identity":"{value}",'
        return self.line(msgspec.structs.replace(draft, identity=members))

    def _no_identity(self, draft: Draft) -> bytes:
        members = "" if self._nameless[draft.type_index] else '"identity":"x1",'
        return self.line(msgspec.structs.replace(draft, identity=members))

    def _bad_identity(self, draft: Draft) -> bytes:
        for namespace in self._workspace.namespaces:
            if namespace.normalizer == "email":
                return self._named(draft, namespace.name, "ann at example.com")
        return self._named(draft, self._workspace.namespaces[0].name, " ")

    def _wrong_field(self, draft: Draft) -> bytes:
        wrong = self._wrong_fields[draft.type_index]
        if wrong is None:
            return self.line(msgspec.structs.replace(draft, data="7"))
        data = json.loads(draft.data)
        data[wrong[0]] = wrong[1]
        text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
        return self.line(msgspec.structs.replace(draft, data=text))

    def _broken_avro(self, draft: Draft) -> bytes:
        line = self.line(msgspec.structs.replace(draft, data=f'"{_NO_AVRO}"'))
        return _replace(line, '"data":', '"datacontenttype":"application/avro","data_base64":')


def _replace(line: bytes, old: str, new: str) -> bytes:
    return line.replace(old.encode(), new.encode(), 1)


def _cut(line: bytes) -> bytes:
    """The first two thirds, to the whole character."""
    return line[: len(line) * 2 // 3].decode(errors="ignore").encode()

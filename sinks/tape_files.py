"""The tape's Parquet files as a bounded source of messages."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from schemas.errors import InputError
from schemas.message import MessageBatch
from schemas.streams import Split
from schemas.timestamps import format_rfc3339

_ATTRIBUTES = ("event_id", "source", "type", "event_time", "schema", "extensions")
_OTHERS = ("publish_time", "person_id", "data", "message_id")
_PAYLOAD = "payload"
_JSON = pa.json_(pa.string())


class _Structured(msgspec.Struct):
    """A message with Avro data in structured mode."""

    id: str
    source: str
    data_base64: str


_STRUCTURED = msgspec.json.Decoder(_Structured)


@dataclass(frozen=True)
class TapeFiles:
    """A `schemas.streams.EventSource`: what `ParquetTape` wrote, as messages that decode to the same events.

    An event comes in binary mode, with its attributes from the columns and the data as the body, under its
    own message id and publish time. It names the version that its data was written in, whatever is the
    newest by now. Avro data comes as it was sent. Copies come too.

    Attributes:
        directory: the folder `tape` of an output.
    """

    directory: Path

    def splits(self) -> list[Split]:
        """One a file, in order."""
        paths = sorted(self.directory.glob("date=*/*.parquet"))
        return [Split(str(path), str(path.relative_to(self.directory)), 0, None) for path in paths]

    def read(self, split: Split) -> Iterator[MessageBatch]:
        """The file's messages as one batch.

        Raises:
            InputError: it is no file of a tape.
        """
        yield self.read_named(split)[0]

    def read_named(self, split: Split) -> tuple[MessageBatch, list[str]]:
        """The file's messages, and for each the id of the person whom it is about on the tape.

        Raises:
            InputError: it is no file of a tape.
        """
        columns = _read(split.path, (*_ATTRIBUTES, *_OTHERS))
        bodies: list[bytes] = columns["data"]
        attributes: list[dict[str, str] | None] = []
        payloads: list[bytes] = []
        for index, row in enumerate(zip(*map(columns.__getitem__, _ATTRIBUTES), strict=True)):
            event_id, source, kind, time_us, schema, extensions = row
            described = {"ce-" + name: _text(value) for name, value in _members(extensions).items()}
            if "avro" in described.get("ce-datacontenttype", "").lower():
                payloads = payloads or _read(split.path, (_PAYLOAD,))[_PAYLOAD]
                bodies[index] = _avro_body(payloads[index], event_id, source)
            described["ce-specversion"] = "1.0"
            described["ce-id"] = event_id
            described["ce-source"] = source
            described["ce-type"] = kind
            described["ce-time"] = format_rfc3339(time_us)
            described["ce-dataschema"] = schema
            attributes.append(described)
        origin = f"{split.name}@0"
        batch = MessageBatch(origin, bodies, columns["message_id"], attributes, columns["publish_time"])
        return batch, columns["person_id"]

    def size_bytes(self) -> int:
        """How large the messages were that the events came in.

        Raises:
            InputError: a file is no file of a tape.
        """
        size = 0
        for split in self.splits():
            with _opened(split.path) as file:
                groups = [file.metadata.row_group(number) for number in range(file.num_row_groups)]
            for group in groups:
                columns = map(group.column, range(group.num_columns))
                size += sum(
                    column.total_uncompressed_size for column in columns if column.path_in_schema == _PAYLOAD
                )
        return size


def _members(extensions: bytes | None) -> dict[str, Any]:
    return {} if extensions is None else msgspec.json.decode(extensions)


def _text(value: object) -> str:
    """An extension attribute as a header has it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _avro_body(payload: bytes, event_id: str, source: str) -> bytes:
    """The Avro data of a message of either mode."""
    try:
        message = _STRUCTURED.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return payload
    # Avro data that reads as JSON does not name its own event.
    return b64decode(message.data_base64) if (message.id, message.source) == (event_id, source) else payload


def _opened(path: str) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(path)
    except (pa.ArrowException, OSError) as error:
        raise InputError(
            f"{path}: expected a file of the tape, found what Parquet cannot read: {error}"
        ) from error


def _read(path: str, names: tuple[str, ...]) -> dict[str, list[Any]]:
    """Columns of a file as Python values: times in microseconds, JSON as bytes."""
    with _opened(path) as file:
        missing = sorted({*names} - {*file.schema_arrow.names})
        if missing:
            raise InputError(
                f"{path}: expected a file of the tape, found none of its columns {', '.join(missing)}"
            )
        try:
            table = file.read(columns=list(names))
        except (pa.ArrowException, OSError) as error:
            raise InputError(f"{path}: cannot be read to its end: {error}; restore it") from error
    return {name: _values(table.column(name).combine_chunks()) for name in names}


def _values(column: pa.Array) -> list[Any]:
    if column.type == _JSON:
        column = column.storage.cast(pa.binary())
    elif pa.types.is_timestamp(column.type):
        column = column.cast(pa.int64())
    values: list[Any] = column.to_pylist()
    return values

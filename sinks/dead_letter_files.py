"""Dead letters as NDJSON files."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from schemas.dead_letter import DeadLetter, DeadLetterError, Stage
from schemas.errors import InputError
from schemas.timestamps import format_rfc3339, parse_rfc3339
from sinks.replacing import file_stem, replacing


class _Line(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """One dead letter as it stands in a file: either `payload` or `payload_base64`."""

    attributes: dict[str, str]
    message_id: str
    publish_time: str | None
    stage: Stage
    error: DeadLetterError
    detail: str
    workspace: str
    type: str | None
    schema: str | None
    pipeline_version: str
    payload_sha256: str | None
    payload: str | None = None
    payload_base64: str | None = None


@dataclass(frozen=True)
class DeadLetterFiles:
    """Keeps dead letters under `directory`: one file a batch, one JSON object a line.

    The file's name follows from the batch's origin: a batch written again replaces its file with the
    same bytes. A payload that is UTF-8 stands as text under `payload`, any other under
    `payload_base64`.
    """

    directory: Path

    def append(self, origin: str, letters: Sequence[DeadLetter]) -> None:
        """Writes one batch; safe when it returns. No letters, no file.

        Raises:
            CjaasError: the file cannot be written.
        """
        if letters:
            with replacing(self.directory / f"{file_stem(origin)}.ndjson") as file:
                file.writelines(msgspec.json.encode(_document(letter)) + b"\n" for letter in letters)

    def close(self) -> None:
        """Nothing is held open."""

    def read(self) -> Iterator[DeadLetter]:
        """All dead letters, by file name and in each file's order.

        Raises:
            InputError: a line is not a dead letter.
        """
        for path in sorted(self.directory.glob("*.ndjson")):
            yield from read_dead_letters(path)


def read_dead_letters(path: Path) -> Iterator[DeadLetter]:
    """The dead letters of one file, in its order.

    Raises:
        InputError: the file cannot be read, or a line is not a dead letter.
    """
    decoder = msgspec.json.Decoder(_Line)
    try:
        with path.open("rb") as file:
            for number, text in enumerate(file, start=1):
                try:
                    yield _letter(decoder.decode(text))
                except ValueError as error:
                    raise InputError(
                        f"{path}:{number}: expected a dead letter as `cjaas run` writes it: {error}"
                    ) from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error


def _document(letter: DeadLetter) -> dict[str, Any]:
    """A dead letter as one JSON object, the payload first."""
    try:
        payload: dict[str, Any] = {"payload": letter.payload.decode()}
    except UnicodeDecodeError:
        payload = {"payload_base64": base64.b64encode(letter.payload).decode()}
    published = letter.publish_us
    return payload | {
        "payload_sha256": letter.payload_sha256,
        "attributes": letter.attributes,
        "message_id": letter.message_id,
        "publish_time": None if published is None else format_rfc3339(published),
        "stage": letter.stage,
        "error": letter.error,
        "detail": letter.detail,
        "workspace": letter.workspace,
        "type": letter.type,
        "schema": letter.schema,
        "pipeline_version": letter.pipeline_version,
    }


def _letter(line: _Line) -> DeadLetter:
    return DeadLetter(
        payload=_payload(line),
        payload_sha256=line.payload_sha256,
        attributes=line.attributes,
        message_id=line.message_id,
        publish_us=None if line.publish_time is None else parse_rfc3339(line.publish_time),
        stage=line.stage,
        error=line.error,
        detail=line.detail,
        workspace=line.workspace,
        type=line.type,
        schema=line.schema,
        pipeline_version=line.pipeline_version,
    )


def _payload(line: _Line) -> bytes:
    """The body as it was sent."""
    if line.payload is not None and line.payload_base64 is None:
        return line.payload.encode()
    if line.payload_base64 is not None and line.payload is None:
        try:
            return base64.b64decode(line.payload_base64, validate=True)
        except binascii.Error as error:
            raise ValueError(f"payload_base64 is not base64: {error}") from error
    raise ValueError("exactly one of payload and payload_base64 has to be there")

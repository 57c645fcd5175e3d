"""Event files: NDJSON, plain or gzip, a message a line.

A line is a structured-mode CloudEvent, or a Pub/Sub message as its REST interface writes one: an object
with `data` in base64, `attributes`, `messageId` and `publishTime`. The two cannot be mistaken for each
other: `messageId` and `publishTime` are no names that CloudEvents allows.
"""

from __future__ import annotations

import binascii
import glob
import gzip
import os
import zlib
from base64 import b64decode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from operator import add
from typing import BinaryIO

import msgspec

from schemas.errors import InputError
from schemas.message import MessageBatch
from schemas.streams import Split
from schemas.timestamps import parse_rfc3339

BATCH_BYTES = 8 * 1024 * 1024
_BLOCK_BYTES = 1024 * 1024
_GZIP_MAGIC = b"\x1f\x8b"
_BOM = b"\xef\xbb\xbf"


class _PubsubMessage(msgspec.Struct):
    data: str = ""
    attributes: dict[str, str] = {}
    messageId: str | None = None  # noqa: N815 (Pub/Sub's own names)
    publishTime: str | None = None  # noqa: N815
    orderingKey: str | None = None  # noqa: N815


_PUBSUB = msgspec.json.Decoder(_PubsubMessage)


def find_files(patterns: Sequence[str]) -> list[str]:
    """The files that paths and glob patterns name, each once however it is named, in order.

    Raises:
        InputError: one of them names no readable file.
    """
    found: dict[str, str] = {}
    for pattern in patterns:
        paths = [pattern] if os.path.lexists(pattern) else sorted(glob.glob(pattern))
        if not paths:
            raise InputError(f"{pattern}: no such file; check the path given to --input")
        for path in paths:
            _check_readable(path)
            found.setdefault(os.path.realpath(path), path)
    return list(found.values())


def _check_readable(path: str) -> None:
    if os.path.isdir(path):
        example = os.path.join(path, "*.ndjson")
        raise InputError(f"{path}: expected a file, found a directory; name its files: {example}")
    if not os.path.exists(path):
        raise InputError(f"{path}: expected a file, found a link to nothing; check where it leads")
    if not os.path.isfile(path):
        raise InputError(
            f"{path}: expected a file, found a pipe or device, which cannot be read in parts; "
            "write its content to a file first"
        )
    if not os.access(path, os.R_OK):
        raise InputError(f"{path}: cannot be read; check its permissions")


@dataclass(frozen=True)
class EventFiles:
    """Event files as a bounded source.

    Attributes:
        paths: the files.
        batch_bytes: how much of a file, uncompressed, makes a micro-batch.
    """

    paths: tuple[str, ...]
    batch_bytes: int = BATCH_BYTES

    def splits(self) -> list[Split]:
        """Each plain file in parts of a micro-batch; each gzip file whole, since gzip cannot be entered."""
        found = []
        for path, name in zip(self.paths, _names(self.paths), strict=True):
            if _is_gzip(path):
                found.append(Split(path, name, 0, None))
                continue
            size = os.path.getsize(path)
            found += [
                Split(path, name, start, min(start + self.batch_bytes, size))
                for start in range(0, size, self.batch_bytes)
            ]
        return found

    def size_bytes(self) -> int:
        """The size of all files as they are stored."""
        return sum(os.path.getsize(path) for path in self.paths)

    def read(self, split: Split) -> Iterator[MessageBatch]:
        """The lines that begin within the split, in micro-batches.

        Raises:
            InputError: the file is gone, or its gzip data ends too soon or is damaged.
        """
        try:
            if split.end is None:
                with gzip.open(split.path, "rb") as stream:
                    yield from self._read_stream(stream, split)
            else:
                with open(split.path, "rb") as stream:
                    yield _batch(split.name, *_read_range(stream, split.start, split.end))
        except EOFError:
            raise InputError(
                f"{split.path}: expected a whole gzip file, found one that ends too soon; "
                "copy it again, or unpack what there is with `gzip -dc`"
            ) from None
        except (gzip.BadGzipFile, zlib.error) as error:
            raise InputError(f"{split.path}: expected a gzip file, found damaged data ({error})") from None
        except OSError as error:
            raise InputError(f"{split.path}: cannot be read ({error.strerror or error})") from None

    def _read_stream(self, stream: gzip.GzipFile, split: Split) -> Iterator[MessageBatch]:
        block_bytes = min(_BLOCK_BYTES, self.batch_bytes)
        offset = 0
        rest = b""
        while True:
            parts = [rest]
            size = len(rest)
            while size < self.batch_bytes:
                block = stream.read(block_bytes)
                if not block:
                    break
                parts.append(block)
                size += len(block)
            text = b"".join(parts)
            if size < self.batch_bytes:
                if text:
                    yield _batch(split.name, text, offset)
                return
            cut = text.rfind(b"\n") + 1
            while not cut:
                block = stream.read(block_bytes)
                text += block
                cut = text.rfind(b"\n") + 1 if block else len(text)
            yield _batch(split.name, text[:cut], offset)
            offset += cut
            rest = text[cut:]


def _is_gzip(path: str) -> bool:
    with open(path, "rb") as stream:
        return stream.read(2) == _GZIP_MAGIC


def _names(paths: Sequence[str]) -> list[str]:
    """Each file's name below the folder that all share: the same wherever the folder lies."""
    if len(paths) == 1:
        return [_text(os.path.basename(paths[0]))]
    absolute = [os.path.abspath(path) for path in paths]
    shared = os.path.commonpath([os.path.dirname(path) for path in absolute])
    return [_text(os.path.relpath(path, shared)) for path in absolute]


def _text(name: str) -> str:
    """A file's name as text, where it may hold bytes that are none."""
    return name.encode("utf-8", "backslashreplace").decode()


def _read_range(stream: BinaryIO, start: int, end: int) -> tuple[bytes, int]:
    """The whole lines that begin in [start, end), and the offset of the first."""
    if start:
        stream.seek(start - 1)
        start += len(stream.readline(end - start + 1)) - 1
    else:
        stream.seek(0)
    if start >= end:
        return b"", start
    text = stream.read(end - start)
    if not text.endswith(b"\n"):
        text += stream.readline()
    return text, start


def _batch(name: str, text: bytes, offset: int) -> MessageBatch:
    payloads: list[bytes] = []
    message_ids: list[str] = []
    attributes: list[dict[str, str] | None] = []
    publish_us: list[int | None] = []
    position = offset
    if offset == 0 and text.startswith(_BOM):
        text = text[len(_BOM) :]
        position = len(_BOM)
    prefix = f"{name}@"
    lines = text.split(b"\n")
    if b'"publishTime"' not in text and b'"messageId"' not in text and b"\r" not in text:
        # Structured events all the way: nothing to look at line by line.
        if not lines[-1]:
            lines.pop()
        if all(lines) and not any(map(bytes.isspace, lines)):
            # Before each line stand the lines before it, and a line feed for each of them.
            starts = map(add, accumulate(map(len, lines), initial=position), range(len(lines)))
            message_ids = [f"{prefix}{start}" for start in starts]
            attributes = [None] * len(lines)
            publish_us = [None] * len(lines)
            return MessageBatch(f"{prefix}{offset}", lines, message_ids, attributes, publish_us)
    for line in lines:
        start = position
        position += len(line) + 1
        if line.endswith(b"\r"):
            line = line[:-1]
        if not line or line.isspace():
            continue
        if b'"publishTime"' in line or b'"messageId"' in line:
            message = _read_message(line)
            if message is not None:
                payload, line_attributes, message_id, published_us = message
                payloads.append(payload)
                message_ids.append(message_id or f"{prefix}{start}")
                attributes.append(line_attributes)
                publish_us.append(published_us)
                continue
        payloads.append(line)
        message_ids.append(f"{prefix}{start}")
        attributes.append(None)
        publish_us.append(None)
    return MessageBatch(f"{prefix}{offset}", payloads, message_ids, attributes, publish_us)


def _read_message(line: bytes) -> tuple[bytes, dict[str, str], str | None, int | None] | None:
    """A Pub/Sub message's body, attributes, id and publish time; None if the line is none."""
    try:
        message = _PUBSUB.decode(line)
        if message.messageId is None and message.publishTime is None:
            return None
        publish_us = None if message.publishTime is None else parse_rfc3339(message.publishTime)
        return b64decode(message.data, validate=True), message.attributes, message.messageId, publish_us
    except (msgspec.DecodeError, binascii.Error, ValueError, RecursionError):
        return None

"""JSON files as the rows of a log; fractions are exact."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from schemas.errors import InputError
from schemas.mapping import BadRow, LogRow

_LINE_LIMIT_BYTES = 16 << 20
_JSON_LIMIT_BYTES = 512 << 20
_Decode = Callable[[bytes | msgspec.Raw], Any]
_BOM = b"\xef\xbb\xbf"


def ndjson_rows(content: BinaryIO, path: Path) -> Iterator[LogRow | BadRow]:
    """The rows of a file with one JSON object a line; blank lines don't count.

    Raises:
        InputError: a line has no end.
    """
    decode = msgspec.json.Decoder(float_hook=Decimal).decode
    number = 0
    for line, raw in enumerate(iter(partial(content.readline, _LINE_LIMIT_BYTES), b""), 1):
        if len(raw) >= _LINE_LIMIT_BYTES:
            raise InputError(
                f"{path}:{line}: expected lines under {_LINE_LIMIT_BYTES >> 20} MiB: "
                "is it one array? Then the format is json"
            )
        text = raw.removeprefix(_BOM).strip() if line == 1 else raw.strip()
        if text:
            number += 1
            yield _row(number, line, text, decode)


def json_rows(content: BinaryIO, path: Path, records: str | None) -> Iterator[LogRow | BadRow]:
    """The rows of a file with one JSON array of objects, as a whole in memory.

    Args:
        records: dot path to the array; None for the whole file.

    Raises:
        InputError: the file is too large, no JSON, or has no array there.
    """
    whole = content.read(_JSON_LIMIT_BYTES + 1)
    if len(whole) > _JSON_LIMIT_BYTES:
        raise InputError(
            f"{path}: expected at most {_JSON_LIMIT_BYTES >> 20} MiB of JSON in one value: "
            "write one row a line (jq -c '.[]') and read it as ndjson"
        )
    value = msgspec.Raw(whole.removeprefix(_BOM))
    place = "the file"
    try:
        for part in records.split(".") if records else ():
            members = msgspec.json.decode(value, type=dict[str, msgspec.Raw])
            place = f"{records}"
            if part not in members:
                raise InputError(
                    f"{path}: expected the array of rows at {records}, found only {', '.join(members)}: "
                    "see read.records"
                )
            value = members[part]
        rows = msgspec.json.decode(value, type=list[msgspec.Raw])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: expected a JSON array of rows as {place}: {error}") from error
    decode = msgspec.json.Decoder(float_hook=Decimal).decode
    for number, raw in enumerate(rows, 1):
        yield _row(number, None, raw, decode)


def _row(
    number: int, line: int | None, raw: bytes | msgspec.Raw, decode: Callable[[bytes | msgspec.Raw], Any]
) -> LogRow | BadRow:
    try:
        value = decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return BadRow(number, line, bytes(raw).decode("utf-8", "backslashreplace"), f"not JSON: {error}")
    if not isinstance(value, dict):
        content = bytes(raw).decode("utf-8", "backslashreplace")
        return BadRow(number, line, content, "expected a JSON object")
    return LogRow(number, line, value)

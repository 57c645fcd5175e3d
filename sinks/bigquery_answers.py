"""What an answer of the Storage Write API means for the rows that were sent.

Sources: AppendRowsResponse and StorageError in the API's reference; which codes pass by themselves follows
Google's own Java client (`ConnectionWorker`).
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType
from typing import Final, NamedTuple

import grpc
from google.cloud.bigquery_storage_v1.types import AppendRowsResponse, StorageError

from sinks.bigquery_connection import ConnectionLostError


class Outcome(Enum):
    """What became of a request: `ROWS_REFUSED` names rows, `REFUSED` is about the request as a whole."""

    WRITTEN = "written"
    ROWS_REFUSED = "rows_refused"
    REFUSED = "refused"
    TRANSIENT = "transient"
    FINAL = "final"


class Verdict(NamedTuple):
    """An answer, judged.

    Attributes:
        detail: one line, for trouble.
        row_errors: the rows that were refused, by their index in the request; none of its rows is written.
        schema_changed: the table's schema is not what the connection knows.
        columns_missing: the table lacks columns that the rows have.
    """

    outcome: Outcome
    detail: str = ""
    row_errors: Mapping[int, str] = MappingProxyType({})
    schema_changed: bool = False
    columns_missing: bool = False


_TRANSIENT: Final = {
    grpc.StatusCode.ABORTED,
    grpc.StatusCode.CANCELLED,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.INTERNAL,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
    grpc.StatusCode.UNAVAILABLE,
}
_BY_NUMBER: Final = {code.value[0]: code for code in grpc.StatusCode}
_EXTRA_FIELDS: Final = StorageError.StorageErrorCode.SCHEMA_MISMATCH_EXTRA_FIELDS


def verdict_of(response: AppendRowsResponse) -> Verdict:
    """What the answer to a request means."""
    # The bare message: an answer for each request, and proto-plus wraps each field that is read.
    message = AppendRowsResponse.pb(response)
    changed = message.HasField("updated_schema")
    if message.row_errors:
        errors = {int(row.index): row.message or "the row has an error" for row in message.row_errors}
        return Verdict(Outcome.ROWS_REFUSED, row_errors=errors, schema_changed=changed)
    error = message.error
    if error.code == 0:
        return Verdict(Outcome.WRITTEN, schema_changed=changed)
    code = _BY_NUMBER.get(error.code, grpc.StatusCode.UNKNOWN)
    detail = f"{code.name}: {_one_line(error.message)}"
    about_table = [code for code in map(_storage_error, error.details) if code is not None]
    if _EXTRA_FIELDS in about_table:
        # A new column takes minutes to reach the servers that take rows.
        return Verdict(Outcome.TRANSIENT, detail, columns_missing=True)
    return Verdict(_outcome(code, bool(about_table)), detail, schema_changed=changed)


def verdict_of_loss(lost: ConnectionLostError) -> Verdict:
    """What the end of a connection means for a request that it did not answer."""
    if lost.code is None:
        return Verdict(Outcome.TRANSIENT, str(lost))
    detail = f"{lost.code.name}: {_one_line(str(lost))}"
    return Verdict(_outcome(lost.code), detail)


def _outcome(code: grpc.StatusCode, about_table: bool = False) -> Outcome:
    """What an error means; one about the table is not about what the rows hold."""
    if code in _TRANSIENT:
        return Outcome.TRANSIENT
    refused = code is grpc.StatusCode.INVALID_ARGUMENT and not about_table
    return Outcome.REFUSED if refused else Outcome.FINAL


def _storage_error(detail: object) -> int | None:
    """The code of an error's detail that is a StorageError: those are about tables and streams."""
    message = StorageError.pb(StorageError())
    return int(message.code) if detail.Unpack(message) else None  # type: ignore[attr-defined]


def _one_line(text: str) -> str:
    return " ".join(text.split())[:500]

"""Errors of Bigtable, as a person reads them, and which of them pass."""

from __future__ import annotations

from typing import Any, Final

import grpc

from schemas.errors import CjaasError


class BigtableError(CjaasError):
    """Bigtable did not do what it was asked to."""


TRANSIENT: Final = frozenset(
    {
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.ABORTED,
        grpc.StatusCode.CANCELLED,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
    }
)
"""Codes after which an idempotent call is made again; a server that ends cancels the calls it has begun."""

TRANSIENT_NUMBERS: Final = frozenset(code.value[0] for code in TRANSIENT)
"""The same codes as an entry of MutateRows gives them."""

REFUSED: Final = frozenset(
    {
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.NOT_FOUND,
        grpc.StatusCode.ALREADY_EXISTS,
        grpc.StatusCode.PERMISSION_DENIED,
        grpc.StatusCode.UNAUTHENTICATED,
        grpc.StatusCode.FAILED_PRECONDITION,
        grpc.StatusCode.OUT_OF_RANGE,
        grpc.StatusCode.UNIMPLEMENTED,
    }
)
"""Codes that say that nothing was done; after all others a write may have been applied."""

_BROKEN_STREAM: Final = ("rst_stream", "rst stream", "unexpected eos")


def is_transient(error: Any) -> bool:
    """Whether a call may succeed if it is made again."""
    if error.code() is grpc.StatusCode.INTERNAL:
        # A connection that broke in the middle of an answer.
        details = (error.details() or "").lower()
        return any(sign in details for sign in _BROKEN_STREAM)
    return error.code() in TRANSIENT


def told(method: str, table: str, error: Any) -> BigtableError:
    """A failed call in one line."""
    return BigtableError(f"{table}: {method} failed: {error.code().name}: {error.details()}")

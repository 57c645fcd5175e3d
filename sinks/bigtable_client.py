"""Calls to one Bigtable table: with deadlines, retried, and as cheap as Python allows.

The channel is Google's own (credentials, endpoint); the calls are plain protobuf stubs on it. On 1 kB rows
Google's batchers cost several times as much a row (`benchmarks/bigtable.py`), and reading a stream on the
caller's thread costs half of what a thread for each call does.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import grpc
import grpc.experimental
from google.api_core.gapic_v1.routing_header import to_grpc_metadata
from google.cloud.bigtable_v2.services.bigtable.transports import BigtableGrpcTransport
from google.cloud.bigtable_v2.types import bigtable, data

from sinks.bigtable_attempts import Attempts, Patience
from sinks.bigtable_chunks import Row, RowAssembler
from sinks.bigtable_errors import TRANSIENT_NUMBERS, BigtableError

ReadRowsRequest: Final[Any] = bigtable.ReadRowsRequest.pb()
ReadRowsResponse: Final[Any] = bigtable.ReadRowsResponse.pb()
MutateRowsRequest: Final[Any] = bigtable.MutateRowsRequest.pb()
MutateRowsResponse: Final[Any] = bigtable.MutateRowsResponse.pb()
CheckAndMutateRowRequest: Final[Any] = bigtable.CheckAndMutateRowRequest.pb()
CheckAndMutateRowResponse: Final[Any] = bigtable.CheckAndMutateRowResponse.pb()
RowFilter: Final[Any] = data.RowFilter.pb()
RowSet: Final[Any] = data.RowSet.pb()
RowRange: Final[Any] = data.RowRange.pb()
Mutation: Final[Any] = data.Mutation.pb()

_SERVICE: Final = "/google.bigtable.v2.Bigtable/"
_CHANNEL_OPTIONS: Final = (
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", -1),
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 10_000),
    (grpc.experimental.ChannelOptions.SingleThreadedUnaryStream, 1),
)
_KEYS_A_READ: Final = 4_000


@dataclass(frozen=True)
class TableAddress:
    """Where a table is.

    Attributes:
        app_profile: an app profile that routes to a single cluster and allows transactions on a row; the
            instance's default unless said otherwise.
        emulator_host: `HOST:PORT` of an emulator, which takes no credentials.
    """

    project: str
    instance: str
    table: str
    app_profile: str = ""
    emulator_host: str | None = None

    @property
    def parent(self) -> str:
        """The instance's full name."""
        return f"projects/{self.project}/instances/{self.instance}"

    @property
    def name(self) -> str:
        """The table's full name."""
        return f"{self.parent}/tables/{self.table}"


class TableClient:
    """An open connection to a table, for any number of threads of one process."""

    def __init__(self, address: TableAddress, patience: Patience | None = None) -> None:
        self.address = address
        self._patience = patience or Patience()
        self._channel = open_channel(address)
        self._metadata = routing_metadata(address)
        self._read_rows = self._channel.unary_stream(
            f"{_SERVICE}ReadRows",
            request_serializer=ReadRowsRequest.SerializeToString,
            response_deserializer=ReadRowsResponse.FromString,
        )
        self._mutate_rows = self._channel.unary_stream(
            f"{_SERVICE}MutateRows",
            request_serializer=MutateRowsRequest.SerializeToString,
            response_deserializer=MutateRowsResponse.FromString,
        )
        self._check_and_mutate_row = self._channel.unary_unary(
            f"{_SERVICE}CheckAndMutateRow",
            request_serializer=CheckAndMutateRowRequest.SerializeToString,
            response_deserializer=CheckAndMutateRowResponse.FromString,
        )

    def attempts(self, method: str) -> Attempts:
        """The attempts of a call that is about to be made."""
        return Attempts(self._patience, method, self.address.name)

    def read_keys(self, keys: Sequence[bytes], row_filter: Any) -> Iterator[list[Row]]:
        """Those of the rows that exist and pass the filter, by key, some at a time."""
        ordered = sorted(set(keys))
        for start in range(0, len(ordered), _KEYS_A_READ):
            yield from self._read(RowSet(row_keys=ordered[start : start + _KEYS_A_READ]), row_filter, 0)

    def read_range(self, start: bytes, end: bytes, row_filter: Any, limit: int = 0) -> Iterator[list[Row]]:
        """The rows from `start` up to, and without, `end`, some at a time.

        Args:
            limit: as many rows at most, 0 for all.
        """
        if start < end:
            rows = RowSet(row_ranges=[RowRange(start_key_closed=start, end_key_open=end)])
            yield from self._read(rows, row_filter, limit)

    def _read(self, rows: Any, row_filter: Any, limit: int) -> Iterator[list[Row]]:
        request = ReadRowsRequest(
            table_name=self.address.name,
            app_profile_id=self.address.app_profile,
            rows=rows,
            filter=row_filter,
            rows_limit=limit,
        )
        attempts = self.attempts("ReadRows")
        assembler = RowAssembler()
        while True:
            call = self._read_rows(request, timeout=attempts.timeout_seconds(), metadata=self._metadata)
            try:
                with _ended(call) as stream:
                    for response in stream:
                        found = assembler.feed(response)
                        if request.rows_limit:
                            limit -= len(found)
                        if found:
                            yield found
                            attempts.progress()
                assembler.end()
                return
            except grpc.RpcError as error:
                attempts.wait_after(error)
            assembler.restart()
            if not _goes_on(request, assembler.last_key, limit):
                return

    def mutate_rows(self, request: Any) -> None:
        """Applies the entries of a MutateRowsRequest, all of which must be idempotent.

        Raises:
            BigtableError: an entry was refused, or could not be applied in time. Others may have been.
        """
        attempts = self.attempts("MutateRows")
        while request.entries:
            request.table_name = self.address.name
            request.app_profile_id = self.address.app_profile
            pending = dict.fromkeys(range(len(request.entries)), "no answer")
            refused = ""
            try:
                call = self._mutate_rows(request, timeout=attempts.timeout_seconds(), metadata=self._metadata)
                with _ended(call) as stream:
                    for response in stream:
                        for entry in response.entries:
                            code = entry.status.code
                            if not code:
                                del pending[entry.index]
                                continue
                            pending[entry.index] = f"code {code}: {entry.status.message}"
                            if code not in TRANSIENT_NUMBERS:
                                refused = refused or self._refusal(request, entry)
            except grpc.RpcError as error:
                if not refused:
                    attempts.wait_after(error)
            else:
                if pending and not refused:
                    attempts.wait(f"{len(pending)} rows, the first with {next(iter(pending.values()))}")
            if refused:
                raise BigtableError(refused)
            request = _only(request, pending)

    def _refusal(self, request: Any, entry: Any) -> str:
        key = bytes(request.entries[entry.index].row_key)
        return (
            f"{self.address.name}: row {key!r} can't be written: code {entry.status.code}:"
            f" {entry.status.message}"
        )

    def check_and_mutate_row(self, request: Any, timeout_seconds: float) -> bool:
        """One attempt at a CheckAndMutateRowRequest: whether the predicate matched.

        Raises:
            grpc.RpcError: it failed, or its answer was lost.
        """
        request.table_name = self.address.name
        request.app_profile_id = self.address.app_profile
        answer = self._check_and_mutate_row(request, timeout=timeout_seconds, metadata=self._metadata)
        matched: bool = answer.predicate_matched
        return matched

    def close(self) -> None:
        """Closes the connection."""
        self._channel.close()


def routing_metadata(address: TableAddress) -> tuple[tuple[str, str], ...]:
    """What the service routes a call by, beside the request that it does not look into.

    Source: https://google.aip.dev/client-libraries/4222.
    """
    routing = {"table_name": address.name, "app_profile_id": address.app_profile}
    return (to_grpc_metadata(routing),)  # type: ignore[no-untyped-call]


def open_channel(address: TableAddress) -> Any:
    """A channel to the data API: with Google's default credentials, or to an emulator."""
    if address.emulator_host is not None:
        return grpc.insecure_channel(address.emulator_host, options=_CHANNEL_OPTIONS)
    return BigtableGrpcTransport.create_channel(BigtableGrpcTransport.DEFAULT_HOST, options=_CHANNEL_OPTIONS)


def newest_cells(family: str, qualifiers: bytes | None = None) -> Any:
    """The newest cell of each column of a family, or of those that a regular expression matches."""
    row_filter = RowFilter()
    filters = row_filter.chain.filters
    filters.add().family_name_regex_filter = family
    if qualifiers is not None:
        filters.add().column_qualifier_regex_filter = qualifiers
    filters.add().cells_per_column_limit_filter = 1
    return row_filter


@contextmanager
def _ended(stream: Any) -> Iterator[Any]:
    """A stream of answers, which is ended whatever happens, with all taken that it still has to tell.

    One that is read on the caller's thread is over with its status, though it may not have told yet that the
    request was sent; gRPC keeps a call, 16 kB, until everything was taken, and has no public way to do it.
    """
    try:
        yield stream
    finally:
        stream.cancel()
        take = getattr(stream, "_consume_next_event", None)
        while take is not None and stream._state.due:
            take()


def _goes_on(request: Any, last_key: bytes, limit: int) -> bool:
    """Narrows a request to what comes after a key; False where nothing does."""
    if request.rows_limit:
        if limit <= 0:
            return False
        request.rows_limit = limit
    if not last_key:
        return True
    if request.rows.row_keys:
        left = [key for key in request.rows.row_keys if key > last_key]
        del request.rows.row_keys[:]
        request.rows.row_keys.extend(left)
        return bool(left)
    rows = request.rows.row_ranges[0]
    rows.start_key_open = last_key
    return bool(last_key < rows.end_key_open)


def _only(request: Any, indices: dict[int, str]) -> Any:
    return MutateRowsRequest(entries=[request.entries[index] for index in indices])

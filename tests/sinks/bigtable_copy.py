"""A table of Bigtable's emulator, read out to the last cell and written to another emulator."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sinks.bigtable_client import (
    MutateRowsRequest,
    ReadRowsRequest,
    ReadRowsResponse,
    TableAddress,
    TableClient,
    open_channel,
)
from sinks.bigtable_tables import ensure_table

_ENTRIES_A_REQUEST = 1_000


def read_table(address: TableAddress) -> list[Any]:
    """An entry of MutateRows for each row: every cell with its timestamp."""
    channel = open_channel(address)
    read_rows = channel.unary_stream(
        "/google.bigtable.v2.Bigtable/ReadRows",
        request_serializer=ReadRowsRequest.SerializeToString,
        response_deserializer=ReadRowsResponse.FromString,
    )
    entries: list[Any] = []
    family, qualifier = "", b""
    try:
        for response in read_rows(ReadRowsRequest(table_name=address.name), timeout=60):
            for chunk in response.chunks:
                # The emulator never breaks a cell up. What a chunk leaves out is that of the one before.
                assert not chunk.value_size
                if chunk.row_key:
                    entries.append(MutateRowsRequest.Entry(row_key=chunk.row_key))
                if chunk.HasField("family_name"):
                    family = chunk.family_name.value
                if chunk.HasField("qualifier"):
                    qualifier = chunk.qualifier.value
                cell = entries[-1].mutations.add().set_cell
                cell.family_name, cell.column_qualifier = family, qualifier
                cell.timestamp_micros, cell.value = chunk.timestamp_micros, chunk.value
    finally:
        channel.close()
    return entries


def write_table(address: TableAddress, workspaces: Iterable[str], entries: list[Any]) -> None:
    """Makes a table of what was read."""
    ensure_table(address, workspaces)
    client = TableClient(address)
    try:
        for start in range(0, len(entries), _ENTRIES_A_REQUEST):
            client.mutate_rows(MutateRowsRequest(entries=entries[start : start + _ENTRIES_A_REQUEST]))
    finally:
        client.close()

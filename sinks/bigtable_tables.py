"""The table of a deployment: made with its families, garbage collection rules and splits."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import grpc
from google.api_core import exceptions
from google.api_core.retry import Retry, if_exception_type
from google.cloud.bigtable_admin_v2 import BaseBigtableTableAdminClient, ColumnFamily, GcRule, Table
from google.cloud.bigtable_admin_v2.services.bigtable_table_admin.transports import (
    BigtableTableAdminGrpcTransport,
)
from google.cloud.bigtable_admin_v2.types import CreateTableRequest, ModifyColumnFamiliesRequest

from sinks.bigtable_client import TableAddress
from sinks.bigtable_rows import FAMILIES, Keys

PREFIXES: Final = 16
"""Into as many ranges of person ids a workspace is split at first; Bigtable splits on by itself."""

_TIMEOUT_SECONDS: Final = 60.0
_RETRY: Final = Retry(
    predicate=if_exception_type(exceptions.ServiceUnavailable, exceptions.DeadlineExceeded),
    initial=0.1,
    timeout=_TIMEOUT_SECONDS,
)


def splits(workspaces: Iterable[str], prefixes: int = PREFIXES) -> list[bytes]:
    """The keys at which a new table is split: each workspace's kinds of rows, and its persons by prefix.

    Person ids are hex digits of a hash, so that equal ranges of the first eight hold equal numbers.
    """
    found = []
    for workspace in sorted(set(workspaces)):
        keys = Keys(workspace)
        found += [keys.dues, keys.heads, keys.profiles]
        found += [keys.profile(f"{(number << 32) // prefixes:08x}") for number in range(1, prefixes)]
    return found


def ensure_table(address: TableAddress, workspaces: Iterable[str], *, prefixes: int = PREFIXES) -> None:
    """Makes the table, or adds what it lacks: families, and rules that keep one version.

    A table that exists is not split again, and nothing in it is deleted.

    Raises:
        google.api_core.exceptions.GoogleAPICallError: the service refuses, or can't be reached.
    """
    client = _admin(address)
    try:
        request = CreateTableRequest(
            parent=address.parent,
            table_id=address.table,
            table=Table(column_families={family: _one_version() for family in FAMILIES}),
            initial_splits=[{"key": key} for key in splits(workspaces, prefixes)],
        )
        try:
            client.create_table(request=request, timeout=_TIMEOUT_SECONDS, retry=_RETRY)
        except exceptions.AlreadyExists:
            _amend(client, address)
    finally:
        client.transport.close()  # type: ignore[no-untyped-call]


def _amend(client: Any, address: TableAddress) -> None:
    found = client.get_table(name=address.name, timeout=_TIMEOUT_SECONDS, retry=_RETRY).column_families
    changes = []
    for family in FAMILIES:
        if family not in found:
            changes.append({"id": family, "create": _one_version()})
        elif found[family].gc_rule != _one_version().gc_rule:
            changes.append({"id": family, "update": _one_version()})
    if changes:
        client.modify_column_families(
            request=ModifyColumnFamiliesRequest(name=address.name, modifications=changes),
            timeout=_TIMEOUT_SECONDS,
            retry=_RETRY,
        )


def _one_version() -> ColumnFamily:
    return ColumnFamily(gc_rule=GcRule(max_num_versions=1))  # type: ignore[no-untyped-call]


def _admin(address: TableAddress) -> BaseBigtableTableAdminClient:
    if address.emulator_host is None:
        return BaseBigtableTableAdminClient()
    channel = grpc.insecure_channel(address.emulator_host)
    return BaseBigtableTableAdminClient(transport=BigtableTableAdminGrpcTransport(channel=channel))

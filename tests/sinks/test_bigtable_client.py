"""How the Bigtable client reaches the real service: what can be seen without it."""

from __future__ import annotations

import gc
from dataclasses import replace
from typing import Any

import google.auth
import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud.bigtable_v2 import BigtableClient
from google.cloud.bigtable_v2.services.bigtable.transports import BigtableGrpcTransport
from google.cloud.bigtable_v2.types import RowFilter

from sinks.bigtable_attempts import Attempts, Patience
from sinks.bigtable_client import (
    CheckAndMutateRowRequest,
    MutateRowsRequest,
    TableAddress,
    TableClient,
    newest_cells,
    open_channel,
)
from sinks.bigtable_errors import BigtableError
from tests.sinks.bigtable import PATIENCE
from tests.sinks.faults import FaultyServer

ADDRESS = TableAddress("p", "i", "profiles", app_profile="one-cluster")


@pytest.mark.parametrize("app_profile", ["", "one-cluster"])
def test_calls_are_addressed_as_googles_client_addresses_them(
    profile_table: TableAddress, faulty_bigtable: FaultyServer, app_profile: str
) -> None:
    address = replace(profile_table, app_profile=app_profile, emulator_host=faulty_bigtable.host)
    row_filter = newest_cells("p")
    google = BigtableClient(transport=BigtableGrpcTransport(channel=open_channel(address)))
    wrapped = RowFilter.deserialize(row_filter.SerializeToString())
    list(
        google.read_rows(
            {
                "table_name": address.name,
                "app_profile_id": app_profile,
                "rows": {"row_keys": [b"k"]},
                "filter": wrapped,
            },
            timeout=10,
        )
    )
    google.check_and_mutate_row(
        {
            "table_name": address.name,
            "app_profile_id": app_profile,
            "row_key": b"k",
            "predicate_filter": wrapped,
            "true_mutations": [{"delete_from_row": {}}],
        },
        timeout=10,
    )
    google.transport.close()  # type: ignore[no-untyped-call]
    by_google = faulty_bigtable.requests.copy(), faulty_bigtable.metadata.copy()
    client = TableClient(address, PATIENCE)
    list(client.read_keys([b"k"], row_filter))
    request = CheckAndMutateRowRequest(row_key=b"k", predicate_filter=row_filter)
    request.true_mutations.add().delete_from_row.SetInParent()
    assert client.check_and_mutate_row(request, 10) is False
    client.close()
    routing = "x-goog-request-params"
    for method in ("ReadRows", "CheckAndMutateRow"):
        assert faulty_bigtable.requests[method] == by_google[0][method]
        assert faulty_bigtable.metadata[method][routing] == by_google[1][method][routing]


def test_the_service_is_reached_with_default_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def default(**named: Any) -> tuple[Any, str]:
        asked.append(named)
        return AnonymousCredentials(), "p"  # type: ignore[no-untyped-call]

    monkeypatch.setattr(google.auth, "default", default)
    channel = open_channel(ADDRESS)
    channel.close()
    assert "https://www.googleapis.com/auth/bigtable.data" in asked[0]["default_scopes"]


def test_progress_renews_patience() -> None:
    attempts = Attempts(Patience(total_seconds=0.0, first_delay_seconds=0.001), "ReadRows", "t")
    with pytest.raises(BigtableError, match="ReadRows failed again and again for 0 s: broken"):
        attempts.wait("broken")
    attempts = Attempts(Patience(attempt_seconds=7.0, first_delay_seconds=0.001), "ReadRows", "t")
    assert attempts.timeout_seconds() == 7.0
    attempts.wait("broken")


def calls_kept() -> int:
    """How many calls gRPC keeps in this process."""
    gc.collect()
    return sum(type(item).__name__ == "_CallState" for item in gc.get_objects())


def test_no_call_is_kept_when_it_is_over(profile_table: TableAddress) -> None:
    client = TableClient(profile_table)
    keys = [b"kept-%d" % number for number in range(3)]
    request = MutateRowsRequest()
    for key in keys:
        entry = request.entries.add(row_key=key)
        entry.mutations.add().set_cell.family_name = "p"
    before = calls_kept()
    for _ in range(50):
        again = MutateRowsRequest()
        again.CopyFrom(request)
        client.mutate_rows(again)
        assert len([row for rows in client.read_keys(keys, newest_cells("p")) for row in rows]) == 3
        for _rows in client.read_keys(keys, newest_cells("p")):
            break
    assert calls_kept() <= before
    client.close()

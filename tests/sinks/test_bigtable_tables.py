"""The profile table, made on the emulator."""

from __future__ import annotations

from dataclasses import replace

import grpc
from google.cloud.bigtable_admin_v2 import BaseBigtableTableAdminClient, ColumnFamily, GcRule, Table
from google.cloud.bigtable_admin_v2.services.bigtable_table_admin.transports import (
    BigtableTableAdminGrpcTransport,
)
from google.cloud.bigtable_admin_v2.types import CreateTableRequest

from sinks.bigtable_client import TableAddress
from sinks.bigtable_tables import ensure_table, splits
from tests.sinks.bigtable import Stores
from tests.sinks.faults import FaultyServer
from tests.sinks.profile_store_contract import commit


def admin(address: TableAddress) -> BaseBigtableTableAdminClient:
    assert address.emulator_host is not None
    channel = grpc.insecure_channel(address.emulator_host)
    return BaseBigtableTableAdminClient(transport=BigtableTableAdminGrpcTransport(channel=channel))


def versions_kept(client: BaseBigtableTableAdminClient, address: TableAddress) -> dict[str, int]:
    table = client.get_table(name=address.name, timeout=10)
    return {name: family.gc_rule.max_num_versions for name, family in table.column_families.items()}


def test_a_table_is_made_once_and_keeps_what_it_holds(profile_table: TableAddress) -> None:
    address = replace(profile_table, table="once")
    ensure_table(address, ["shop"])
    stores = Stores(address)
    store = stores.open("shop")
    assert store.commit(commit("t1", images={"p": b"x"}))
    ensure_table(address, ["shop", "bank"])
    assert list(store.scan()) == [("p", b"x")]
    stores.close()
    with admin(address) as client:
        assert versions_kept(client, address) == {"p": 1, "h": 1, "d": 1}


def test_a_table_that_lacks_something_is_amended(profile_table: TableAddress) -> None:
    address = replace(profile_table, table="amended")
    three = GcRule(max_num_versions=3)  # type: ignore[no-untyped-call]
    families = {"p": ColumnFamily(gc_rule=three), "d": ColumnFamily(), "own": ColumnFamily(gc_rule=three)}
    with admin(address) as client:
        client.create_table(
            parent=address.parent, table_id=address.table, table=Table(column_families=families), timeout=10
        )
        ensure_table(address, ["shop"])
        assert versions_kept(client, address) == {"p": 1, "h": 1, "d": 1, "own": 3}


def test_a_new_table_is_split(profile_table: TableAddress, faulty_bigtable: FaultyServer) -> None:
    ensure_table(
        replace(profile_table, table="split", emulator_host=faulty_bigtable.host), ["shop"], prefixes=4
    )
    request = CreateTableRequest.deserialize(faulty_bigtable.requests["CreateTable"])
    assert [split.key for split in request.initial_splits] == splits(["shop"], 4)


def test_a_lost_answer_does_not_matter(profile_table: TableAddress, faulty_bigtable: FaultyServer) -> None:
    address = replace(profile_table, table="lost", emulator_host=faulty_bigtable.host)
    faulty_bigtable.fail("CreateTable", grpc.StatusCode.UNAVAILABLE, applied=True)
    faulty_bigtable.fail("CreateTable", grpc.StatusCode.UNAVAILABLE, call=2)
    faulty_bigtable.fail("GetTable", grpc.StatusCode.UNAVAILABLE)
    ensure_table(address, ["shop"])
    with admin(address) as client:
        assert versions_kept(client, address) == {"p": 1, "h": 1, "d": 1}

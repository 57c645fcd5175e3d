"""Emulators, and a profile table on Bigtable's, for all tests of sinks."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import pytest

from pipelines.local.emulators import PROJECT, Emulator
from sinks.bigquery_dataset import BigQueryDataset
from sinks.bigquery_reading import BigQueryReading
from sinks.bigquery_tables import BigQueryTables
from sinks.bigtable_client import TableAddress
from sinks.bigtable_tables import ensure_table
from tests.emulators import bigquery_emulator, bigtable_emulator, pubsub_emulator
from tests.sinks.bigtable import Stores, new_workspace
from tests.sinks.faults import FaultyServer

_NUMBERS = count()
__all__ = ["bigquery_emulator", "bigtable_emulator", "pubsub_emulator"]


@pytest.fixture(scope="session")
def profile_table(bigtable_emulator: Emulator) -> TableAddress:
    """A profile table for all tests."""
    address = TableAddress(PROJECT, "local", "profiles", emulator_host=bigtable_emulator.host)
    ensure_table(address, ["shop"])
    return address


@pytest.fixture
def profile_stores(profile_table: TableAddress) -> Iterator[Stores]:
    """Opens stores in the table, and closes them."""
    stores = Stores(profile_table)
    yield stores
    stores.close()


@pytest.fixture
def own_workspace() -> str:
    """A workspace that nobody has written to."""
    return new_workspace()


@pytest.fixture
def faulty_bigtable(bigtable_emulator: Emulator) -> Iterator[FaultyServer]:
    """A server before Bigtable's emulator that fails as it is told."""
    with FaultyServer(bigtable_emulator.host) as server:
        yield server


@pytest.fixture
def dataset(bigquery_emulator: Emulator) -> BigQueryDataset:
    """A dataset of its own for each test, with all tables and views."""
    dataset = BigQueryDataset(
        PROJECT,
        f"sinks_{next(_NUMBERS)}",
        emulator_rest=bigquery_emulator.rest,
        emulator_host=bigquery_emulator.host,
    )
    BigQueryTables(dataset).ensure()
    return dataset


@pytest.fixture
def reading(dataset: BigQueryDataset) -> Iterator[BigQueryReading]:
    """What reads the test's dataset."""
    with BigQueryReading(dataset) as reading:
        yield reading

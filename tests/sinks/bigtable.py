"""A profile table on the emulator for tests, each with a workspace of its own in it."""

from __future__ import annotations

from dataclasses import replace
from itertools import count

from sinks.bigtable_attempts import Patience
from sinks.bigtable_cache import CACHE_BYTES
from sinks.bigtable_client import TableAddress
from sinks.bigtable_profiles import BigtableProfiles

PATIENCE = Patience(
    attempt_seconds=10, total_seconds=20, first_delay_seconds=0.001, longest_delay_seconds=0.05
)
HASTE = Patience(
    attempt_seconds=0.5, total_seconds=0.5, first_delay_seconds=0.001, longest_delay_seconds=0.05
)
_numbers = count()


def new_workspace() -> str:
    return f"shop{next(_numbers)}"


class Stores:
    """Opens stores, and closes all of them in the end."""

    def __init__(self, address: TableAddress) -> None:
        self.address = address
        self.opened: list[BigtableProfiles] = []

    def open(
        self,
        workspace: str,
        *,
        host: str | None = None,
        patience: Patience = PATIENCE,
        cache_bytes: int = CACHE_BYTES,
    ) -> BigtableProfiles:
        address = replace(self.address, emulator_host=host) if host else self.address
        store = BigtableProfiles(address, workspace, patience=patience, cache_bytes=cache_bytes)
        self.opened.append(store)
        return store

    def close(self) -> None:
        for store in self.opened:
            store.close()

"""Profile rows kept in the worker, by shard, within a limit of bytes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

CACHE_BYTES: Final = 128 * 2**20
"""What a worker keeps unless it is told otherwise."""
_ENTRY_BYTES = 320
"""What a row costs beside its image: two keys, a tuple, and places in a dict and a set."""


class CachedRow(NamedTuple):
    """A person's row: its image, and its due time in microseconds."""

    image: bytes
    due_us: int | None


class RowCache:
    """Rows of many shards; those that were not used for longest go first.

    It serves one thread at a time, and knows nothing of heads: its owner drops a shard that moved on.
    """

    def __init__(self, limit_bytes: int) -> None:
        self.limit_bytes = limit_bytes
        self.size_bytes = 0
        self._rows: OrderedDict[str, CachedRow] = OrderedDict()
        self._shard_of: dict[str, int] = {}
        self._persons: dict[int, set[str]] = {}

    def __len__(self) -> int:
        return len(self._rows)

    def rows(self, shard: int, person_ids: Iterable[str]) -> dict[str, CachedRow]:
        """Those of the shard's persons that are here, now the most recently used."""
        persons = self._persons.get(shard)
        if not persons:
            return {}
        found = {}
        for person_id in person_ids:
            if person_id in persons:
                found[person_id] = self._rows[person_id]
                self._rows.move_to_end(person_id)
        return found

    def keep(self, shard: int, rows: Mapping[str, CachedRow]) -> None:
        """Keeps rows, or what of them has room."""
        persons = self._persons.setdefault(shard, set())
        for person_id, row in rows.items():
            former = self._rows.pop(person_id, None)
            if former is not None:
                self.size_bytes -= _size(former)
                self._persons[self._shard_of[person_id]].discard(person_id)
            self._rows[person_id] = row
            self._shard_of[person_id] = shard
            persons.add(person_id)
            self.size_bytes += _size(row)
        while self.size_bytes > self.limit_bytes:
            self._remove(next(iter(self._rows)))

    def forget(self, person_id: str) -> None:
        """Drops a person's row, if it is here."""
        if person_id in self._rows:
            self._remove(person_id)

    def drop(self, shard: int) -> None:
        """Drops a shard's rows."""
        for person_id in self._persons.pop(shard, ()):
            self.size_bytes -= _size(self._rows.pop(person_id))
            del self._shard_of[person_id]

    def clear(self) -> None:
        """Drops all."""
        self._rows.clear()
        self._shard_of.clear()
        self._persons.clear()
        self.size_bytes = 0

    def _remove(self, person_id: str) -> None:
        self.size_bytes -= _size(self._rows.pop(person_id))
        shard = self._shard_of.pop(person_id)
        self._persons[shard].discard(person_id)


def _size(row: CachedRow) -> int:
    return len(row.image) + _ENTRY_BYTES

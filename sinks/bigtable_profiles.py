"""Profiles in Bigtable: a shard is a log of one entry.

A commit is one conditional mutation of its shard's head, which takes in all that the commit writes; then the
images and due rows are written in bulk at the commit's sequence. Where a process dies in between, whoever
reads the head next writes them again, the same bytes at the same version, before it reads rows.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

import msgspec

from schemas.store import NO_TOKEN, Commit, DueRow, Head, Outbox
from sinks.bigtable_attempts import Patience
from sinks.bigtable_cache import CACHE_BYTES, CachedRow, RowCache
from sinks.bigtable_client import TableAddress, TableClient, newest_cells
from sinks.bigtable_heads import HeadRow, HeadRows, followed_by
from sinks.bigtable_mutations import rows_request
from sinks.bigtable_rows import DUE_FAMILY, DUE_TIME, IMAGE, PROFILE_FAMILY, Keys, decode_due_time
from sinks.bigtable_written import Written, decode_payload, encode_payload, written_by


@dataclass(slots=True)
class _Shard:
    """A head whose rows this object has seen written.

    Attributes:
        outbox: as JSON, None once it is acknowledged.
        own: whether this object committed it, and may answer for it from memory.
        due: the due times that were read with images since then, by person, None for none.
    """

    sequence: int
    token: str
    past: tuple[str, ...]
    outbox: bytes | None
    own: bool
    due: dict[str, int | None] = field(default_factory=dict)


class BigtableProfiles:
    """A `schemas.store.ProfileStore` in a table that `sinks.bigtable_tables.ensure_table` made.

    It connects when it is first used, travels to other processes closed, and serves several threads, best
    one a shard. What it knows of a shard may be old: then its next commit is refused, and it reads anew.

    Args:
        address: the table; an app profile in it must route to a single cluster.
        cache_bytes: what images kept in memory may take.
        patience: how long a call may take.
    """

    def __init__(
        self,
        address: TableAddress,
        workspace: str,
        *,
        cache_bytes: int = CACHE_BYTES,
        patience: Patience | None = None,
    ) -> None:
        self.address = address
        self.workspace = workspace
        self.cache_bytes = cache_bytes
        self.patience = patience or Patience()
        self._keys = Keys(workspace)
        self._encoder = msgspec.json.Encoder()
        self._decoder = msgspec.json.Decoder(Outbox)
        self._rows_filter = newest_cells(PROFILE_FAMILY)
        self._due_times_filter = newest_cells(PROFILE_FAMILY, DUE_TIME)
        self._images_filter = newest_cells(PROFILE_FAMILY, IMAGE)
        self._waits_filter = newest_cells(DUE_FAMILY)
        self._lock = Lock()
        self._process = 0
        self._client: TableClient | None = None
        # A shard is absent while a commit is under way, after one that failed, and before it was read;
        # the cache of such a shard is not read from.
        self._shards: dict[int, _Shard] = {}
        # Counts up whenever a shard is left, so that a thread that was overtaken leaves nothing behind.
        self._epochs: Counter[int] = Counter()
        self._cache = RowCache(cache_bytes)

    def __repr__(self) -> str:
        return f"BigtableProfiles({self.address.name!r}, {self.workspace!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuilt, (self.address, self.workspace, self.cache_bytes, self.patience)

    def head(self, shard: int) -> Head:
        """The shard's head, its rows written; from memory if it is this object's own and acknowledged.

        Raises:
            BigtableError: it can't be read, or its rows can't be written.
        """
        state = self._shards.get(shard)
        if state is None or not state.own or state.outbox is not None:
            state = self._read_head(shard, state)
        state.due.clear()
        outbox = None if state.outbox is None else self._decoder.decode(state.outbox)
        return Head(state.sequence, state.token, outbox)

    def _read_head(self, shard: int, known: _Shard | None) -> _Shard:
        heads = HeadRows(self._connected(), self._keys)
        row = heads.read(shard, payload=False)
        if known is not None and known.token == row.token and (row.acknowledged or known.outbox is not None):
            if row.acknowledged:
                known.outbox = None
            return known
        _, epoch = self._leave(shard, drop=True)
        outbox = None
        # Nobody acknowledges a head before its rows are written, so that one can be taken as it is.
        if not row.acknowledged:
            row = heads.read(shard, payload=True)
            assert row.payload is not None
            written = decode_payload(row.payload)
            self._write_rows(shard, row.sequence, written)
            outbox = None if row.acknowledged else written.outbox
        state = _Shard(row.sequence, row.token, row.past, outbox, own=False)
        with self._lock:
            if self._epochs[shard] == epoch:
                self._shards[shard] = state
        return state

    def _leave(self, shard: int, *, drop: bool) -> tuple[_Shard | None, int]:
        """Takes what is known of a shard away, and perhaps its cache: gives it, and the new epoch."""
        with self._lock:
            if drop:
                self._cache.drop(shard)
            self._epochs[shard] += 1
            return self._shards.pop(shard, None), self._epochs[shard]

    def images(self, person_ids: Sequence[str], shard: int | None = None) -> dict[str, bytes]:
        """The images of those persons that have one.

        Args:
            shard: theirs, after its head was read: then rows come from the cache and stay in it.
        """
        state = None if shard is None else self._shards.get(shard)
        if state is None or shard is None:
            return {person_id: row.image for person_id, row in self._read_rows(person_ids).items()}
        with self._lock:
            found = self._cache.rows(shard, person_ids)
        missing = [person_id for person_id in person_ids if person_id not in found]
        if missing:
            read = self._read_rows(missing, state.due)
            with self._lock:
                if self._shards.get(shard) is state:
                    self._cache.keep(shard, read)
            found.update(read)
        due = state.due
        images = {}
        for person_id, row in found.items():
            due[person_id] = row.due_us
            images[person_id] = row.image
        return images

    def _read_rows(
        self, person_ids: Sequence[str], due: dict[str, int | None] | None = None
    ) -> dict[str, CachedRow]:
        """The rows with images; the due times of all that were asked for go into `due`."""
        found = {}
        due = {} if due is None else due
        due.update(dict.fromkeys(person_ids))
        for rows in self._read(person_ids, self._rows_filter):
            for key, cells in rows:
                person_id = self._keys.person_id(key)
                due[person_id] = due_us = decode_due_time(cells.get(DUE_TIME))
                if IMAGE in cells:
                    found[person_id] = CachedRow(cells[IMAGE], due_us)
        return found

    def _read(self, person_ids: Iterable[str], row_filter: Any) -> Iterable[list[Any]]:
        profile = self._keys.profile
        return self._connected().read_keys([profile(person_id) for person_id in person_ids], row_filter)

    def commit(self, commit: Commit) -> bool:
        """Writes head, images and due rows; False, and nothing written, if the token moved on.

        Raises:
            CommitTooLargeError: of more than one person, and over 4 MB of images or 100,000 mutations;
                nothing is written.
            BigtableError: it can't be told whether the head was written, or it was and the rows were not,
                which the next `head` makes good.
        """
        # Only on top of a head whose rows are written: its payload goes.
        state, epoch = self._leave(commit.shard, drop=False)
        if state is None or state.token != commit.expected_token:
            state = self._read_head(commit.shard, None)
            if state.token != commit.expected_token:
                return False
            _, epoch = self._leave(commit.shard, drop=False)
        self._learn_due_times(commit, state)
        written = written_by(commit, state.due, self._encoder.encode(commit.outbox))
        old = HeadRow(state.sequence, state.token, state.past, acknowledged=True, payload=None)
        new = HeadRow(
            commit.sequence,
            commit.token,
            followed_by(old),
            acknowledged=False,
            payload=encode_payload(written),
        )
        if not HeadRows(self._connected(), self._keys).replace(commit.shard, old, new):
            return False
        self._write_rows(commit.shard, commit.sequence, written)
        successor = _Shard(commit.sequence, commit.token, new.past, written.outbox, own=True)
        with self._lock:
            if self._epochs[commit.shard] == epoch:
                self._keep_rows(commit.shard, written, state.due)
                self._shards[commit.shard] = successor
        return True

    def _learn_due_times(self, commit: Commit, state: _Shard) -> None:
        """Reads the due times that no `images` has brought."""
        known = state.due
        unknown = {person_id for person_id in commit.deadlines if person_id not in known}
        unknown.update(row.person_id for row in commit.woken if row.person_id not in known)
        if unknown:
            known.update(dict.fromkeys(unknown))
            for rows in self._read(unknown, self._due_times_filter):
                for key, cells in rows:
                    known[self._keys.person_id(key)] = decode_due_time(cells.get(DUE_TIME))

    def _write_rows(self, shard: int, sequence: int, written: Written) -> None:
        self._connected().mutate_rows(rows_request(self._keys, shard, sequence, written))

    def _keep_rows(self, shard: int, written: Written, due: dict[str, int | None]) -> None:
        due = due | written.due
        rows = {}
        for person_id, image in written.images.items():
            if person_id in due:
                rows[person_id] = CachedRow(image, due[person_id])
            else:
                self._cache.forget(person_id)
        only_due = [person_id for person_id in written.due if person_id not in written.images]
        for person_id, row in self._cache.rows(shard, only_due).items():
            rows[person_id] = CachedRow(row.image, due[person_id])
        self._cache.keep(shard, rows)

    def acknowledge(self, shard: int, token: str) -> None:
        """Empties the outbox of the head that still has this token."""
        state = self._shards.get(shard)
        if state is None or state.token != token:
            # An acknowledged head is one whose rows are written.
            state = self._read_head(shard, None)
        if token == NO_TOKEN or state.token != token or state.outbox is None:
            return
        if HeadRows(self._connected(), self._keys).acknowledge(shard, token):
            state.outbox = None
        else:
            self._leave(shard, drop=True)

    def due(self, shard: int, until_us: int, limit: int) -> list[DueRow]:
        """The shard's due rows up to a time, inclusive, earliest first.

        Among them may be some that a slow writer wrote after they were gone; `Commit.woken` removes them.
        """
        if limit < 1:
            return []
        start, end = self._keys.due_until(shard, until_us)
        found = []
        for rows in self._connected().read_range(start, end, self._waits_filter, limit):
            found += [self._keys.due_row(row.key) for row in rows]
        return found

    def scan(self) -> Iterable[tuple[str, bytes]]:
        """Every person's id and image, by id; commits made meanwhile may show."""
        start, end = self._keys.profiles, self._keys.profiles_end
        for rows in self._connected().read_range(start, end, self._images_filter):
            for key, cells in rows:
                yield self._keys.person_id(key), cells[IMAGE]

    def close(self) -> None:
        """Closes the connection and forgets all; the next use connects again."""
        with self._lock:
            client, self._client = self._client, None
            self._shards.clear()
            self._cache.clear()
        if client is not None and self._process == os.getpid():
            client.close()

    def _connected(self) -> TableClient:
        """The connection of this process."""
        client = self._client
        if client is not None and self._process == os.getpid():
            return client
        with self._lock:
            if self._client is None or self._process != os.getpid():
                self._client = TableClient(self.address, self.patience)
                self._process = os.getpid()
            return self._client


def _rebuilt(address: TableAddress, workspace: str, cache_bytes: int, patience: Patience) -> BigtableProfiles:
    return BigtableProfiles(address, workspace, cache_bytes=cache_bytes, patience=patience)

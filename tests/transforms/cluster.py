"""A profile store as the services are: one conditional write, then rows that are written later, or never.

What is durable is shared; each owner has a handle of its own, which remembers what it wrote, may be cut off
in the middle of anything, and may write on after another has taken over.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

import msgspec

from schemas.store import NO_TOKEN, Commit, DueRow, Head, Outbox
from transforms.core.engine import Advanced, Engine
from transforms.core.fold_event import FoldEvent
from transforms.core.trail import Passage

Fault = Literal["none", "refused", "lost answer", "cut rows", "late rows", "unpublished", "published twice"]


class Crash(Exception):  # noqa: N818 (a crash is no error of the code under test)
    """The owner's process ends here."""


class Batch(msgspec.Struct, frozen=True):
    """One execution of the engine, by which a commit can be repeated."""

    shard: int
    expected_token: str
    events: Mapping[str, Sequence[FoldEvent]]
    as_of_us: int


class RecordingEngine(Engine):
    """An engine that keeps what it was asked, by the token of what came of it."""

    batches: dict[str, Batch]

    def advance(
        self,
        shard: int,
        head: Head,
        images: Mapping[str, bytes],
        events: Mapping[str, Sequence[FoldEvent]],
        as_of_us: int,
        trail: list[Passage] | None = None,
    ) -> Advanced:
        advanced = super().advance(shard, head, images, events, as_of_us, trail)
        self.batches[advanced.commit.token] = Batch(shard, head.token, events, as_of_us)
        return advanced


class Cluster:
    """What survives every crash, and what was seen from outside."""

    def __init__(self) -> None:
        self.heads: dict[int, tuple[Commit, bool]] = {}
        self.rows: dict[str, tuple[int, bytes]] = {}
        self.dues: dict[tuple[int, int, str], int] = {}
        self.committed: list[Commit] = []
        self.published: list[tuple[int, int, bytes]] = []
        self.late: list[list[tuple[str, int, object]]] = []

    def write(self, row: tuple[str, int, object]) -> None:
        """One row of a bulk write; what is older than what is there changes nothing."""
        kind, sequence, what = row
        if kind == "image":
            assert isinstance(what, tuple)
            person_id, image = what
            if sequence >= self.rows.get(person_id, (0, b""))[0]:
                self.rows[person_id] = (sequence, image)
        elif kind == "due":
            assert isinstance(what, tuple)
            self.dues[what] = max(sequence, self.dues.get(what, 0))
        else:
            assert isinstance(what, tuple)
            if self.dues.get(what, sequence + 1) <= sequence:
                del self.dues[what]


def rows_of(commit: Commit) -> list[tuple[str, int, object]]:
    """The bulk write of a commit, in the order of its writing.

    A due row whose deadline has moved is left: it goes when it comes up.
    """
    sequence, shard = commit.sequence, commit.shard
    gone = {(shard, row.time_us, row.person_id) for row in commit.woken}
    new = {(shard, due, person) for person, due in commit.deadlines.items() if due is not None}
    rows: list[tuple[str, int, object]] = [("image", sequence, item) for item in commit.images.items()]
    rows += [("gone", sequence, due) for due in sorted(gone - new)]
    return rows + [("due", sequence, due) for due in sorted(new)]


class Handle:
    """One owner's `ProfileStore` and `Publisher` over a cluster; `fault` is what befalls its next commit."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._applied: dict[int, str] = {}
        self._cache: dict[str, bytes] = {}
        self.fault: Fault = "none"

    def head(self, shard: int) -> Head:
        found = self._cluster.heads.get(shard)
        if found is None:
            return Head(0, NO_TOKEN, None)
        commit, acknowledged = found
        if self._applied.get(shard) != commit.token:
            self._cache.clear()
            for row in rows_of(commit):
                self._cluster.write(row)
            self._applied[shard] = commit.token
        return Head(commit.sequence, commit.token, None if acknowledged else commit.outbox)

    def images(self, person_ids: Sequence[str], shard: int | None = None) -> dict[str, bytes]:
        found = {}
        for person_id in person_ids:
            if person_id in self._cache:
                found[person_id] = self._cache[person_id]
            elif person_id in self._cluster.rows:
                found[person_id] = self._cache[person_id] = self._cluster.rows[person_id][1]
        return found

    def commit(self, commit: Commit) -> bool:
        cluster, fault = self._cluster, self.fault
        # As bytes: what is published after a crash is what was stored.
        stored = msgspec.msgpack.decode(msgspec.msgpack.encode(commit), type=Commit)
        found = cluster.heads.get(commit.shard)
        token = NO_TOKEN if found is None else found[0].token
        if fault == "refused":
            self.fault = "none"
            raise Crash
        if token != commit.expected_token:
            self._applied.pop(commit.shard, None)
            return False
        assert found is None or found[1], "the outbox of the last commit is not out yet"
        assert found is None or commit.sequence > found[0].sequence
        cluster.heads[commit.shard] = (stored, False)
        cluster.committed.append(stored)
        rows = rows_of(stored)
        if fault in ("lost answer", "cut rows", "late rows"):
            self.fault = "none"
            done = {"lost answer": 0, "cut rows": len(rows) // 2, "late rows": 0}[fault]
            for row in rows[:done]:
                cluster.write(row)
            if fault == "late rows":
                cluster.late.append(rows)
            raise Crash
        for row in rows:
            cluster.write(row)
        self._applied[commit.shard] = commit.token
        self._cache.update(stored.images)
        return True

    def acknowledge(self, shard: int, token: str) -> None:
        found = self._cluster.heads.get(shard)
        if found is not None and found[0].token == token:
            self._cluster.heads[shard] = (found[0], True)

    def due(self, shard: int, until_us: int, limit: int) -> list[DueRow]:
        rows = [
            DueRow(due_us, person)
            for own, due_us, person in sorted(self._cluster.dues)
            if own == shard and due_us <= until_us
        ]
        return rows[:limit]

    def scan(self) -> Iterable[tuple[str, bytes]]:
        return sorted((person, image) for person, (_, image) in self._cluster.rows.items())

    def close(self) -> None:
        pass

    def publish(self, shard: int, sequence: int, outbox: Outbox, *, again: bool = False) -> None:
        fault = self.fault
        if fault in ("unpublished", "published twice"):
            self.fault = "none"
        if fault != "unpublished":
            self._cluster.published.append((shard, sequence, msgspec.msgpack.encode(outbox)))
        if fault in ("unpublished", "published twice"):
            raise Crash

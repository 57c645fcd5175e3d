"""A profile store as the services are: one conditional write, then rows that are written later, or never.

What is durable is shared; each process has a handle of its own, which remembers what it wrote and read, as
`sinks.bigtable_profiles` does, and to which a fault may happen at any point of a commit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal, NamedTuple, TypeVar

import msgspec

from schemas.store import NO_TOKEN, Commit, CommitTooLargeError, DueRow, Head, Outbox

Point = Literal[
    "before images",
    "before head",
    "after head",
    "amid rows",
    "after rows",
    "before publish",
    "amid publish",
    "after publish",
    "before acknowledge",
    "after acknowledge",
]
"""Where a fault happens; "after" is when the service has done it and its answer is on its way."""

MOST_COMMITS = 1000

T = TypeVar("T")
Row = tuple[Literal["image", "gone", "due"], int, Any]
"""One row of a bulk write: what it is, its version, and what is written."""


class Mishap(StrEnum):
    """What happens to a process: it dies, a call of it fails, or it stops and goes on when others have."""

    CRASH = "crash"
    ERROR = "error"
    PAUSE = "pause"


class Fault(NamedTuple):
    """A mishap at a point.

    Attributes:
        passes: how often the point is passed before.
        mask: which rows of a bulk write, or actions of an outbox, go first: through when it happens amid.
    """

    point: Point
    mishap: Mishap
    passes: int = 0
    mask: int = 0b0101_0101


class Crash(Exception):  # noqa: N818 (a crash is no error of the code under test)
    """The process ends here."""


class UnavailableError(Exception):
    """A call failed for good: its bundle fails, the process lives on."""


class Cluster:
    """What survives every crash, and what was seen from outside."""

    def __init__(self) -> None:
        self.heads: dict[int, tuple[Commit, bool]] = {}
        self.rows: dict[str, tuple[int, bytes]] = {}
        self.dues: dict[tuple[int, int, str], int] = {}
        self.committed: list[Commit] = []
        self.published: list[Outbox] = []

    def head(self, shard: int) -> tuple[Commit, bool]:
        """The last commit, and whether it is acknowledged."""
        nothing = Commit(shard, NO_TOKEN, 0, NO_TOKEN, {}, {}, Outbox([], []))
        return self.heads.get(shard, (nothing, True))

    def replace(self, commit: Commit) -> bool:
        """The conditional write."""
        head, acknowledged = self.head(commit.shard)
        if head.token != commit.expected_token:
            return False
        assert acknowledged, "the outbox of the last commit is not out yet"
        assert commit.sequence > head.sequence
        assert len(self.committed) < MOST_COMMITS, "commits without end"
        self.heads[commit.shard] = (commit, False)
        self.committed.append(commit)
        return True

    def acknowledge(self, shard: int, token: str) -> bool:
        head, _ = self.head(shard)
        if head.token != token:
            return False
        self.heads[shard] = (head, True)
        return True

    def write(self, row: Row) -> None:
        """One row of a bulk write; what is older than what is there changes nothing."""
        kind, sequence, what = row
        if kind == "image":
            person_id, image = what
            if sequence >= self.rows.get(person_id, (0, b""))[0]:
                self.rows[person_id] = (sequence, image)
        elif kind == "due":
            self.dues[what] = max(sequence, self.dues.get(what, 0))
        elif self.dues.get(what, sequence + 1) <= sequence:
            del self.dues[what]


def rows_of(commit: Commit) -> list[Row]:
    """The bulk write of a commit.

    A due row whose deadline has moved is left: it goes when it comes up.
    """
    sequence, shard = commit.sequence, commit.shard
    gone = {(shard, row.time_us, row.person_id) for row in commit.woken}
    new = {(shard, due, person) for person, due in commit.deadlines.items() if due is not None}
    rows: list[Row] = [("image", sequence, item) for item in commit.images.items()]
    rows += [("gone", sequence, due) for due in sorted(gone - new)]
    return rows + [("due", sequence, due) for due in sorted(new)]


@dataclass
class _Known:
    """A head whose rows a handle has seen written; `own`: it may answer for it from memory."""

    commit: Commit
    acknowledged: bool
    own: bool


class Handle:
    """One process's `ProfileStore` and `Publisher` over a cluster.

    Args:
        most_persons: a commit of more is too large.

    Attributes:
        fault: what happens to it next.
        suspend: stops the call that it is in.
    """

    def __init__(self, cluster: Cluster, most_persons: int = 1000) -> None:
        self._cluster = cluster
        self._most_persons = most_persons
        self._known: dict[int, _Known] = {}
        self._cache: dict[int, dict[str, bytes]] = {}
        self.fault: Fault | None = None
        self.suspend: Callable[[], None] | None = None

    def head(self, shard: int) -> Head:
        known = self._known.get(shard)
        if known is None or not (known.own and known.acknowledged):
            known = self._read_head(shard, known)
        commit = known.commit
        return Head(commit.sequence, commit.token, None if known.acknowledged else commit.outbox)

    def _read_head(self, shard: int, known: _Known | None) -> _Known:
        commit, acknowledged = self._cluster.head(shard)
        if known is not None and known.commit.token == commit.token:
            known.acknowledged = acknowledged
            return known
        self._cache.pop(shard, None)
        # Nobody acknowledges a head before its rows are written.
        if not acknowledged:
            self._write_rows(commit)
        known = self._known[shard] = _Known(commit, acknowledged, own=False)
        return known

    def images(self, person_ids: Sequence[str], shard: int | None = None) -> dict[str, bytes]:
        self._reach("before images")
        cache = self._cache.setdefault(shard, {}) if shard is not None and shard in self._known else {}
        for person_id in person_ids:
            if person_id not in cache and person_id in self._cluster.rows:
                cache[person_id] = self._cluster.rows[person_id][1]
        return {person_id: cache[person_id] for person_id in person_ids if person_id in cache}

    def commit(self, commit: Commit) -> bool:
        # As bytes: what is published after a crash is what was stored.
        stored = msgspec.msgpack.decode(msgspec.msgpack.encode(commit), type=Commit)
        self._known.pop(commit.shard, None)
        if len(commit.images) > self._most_persons:
            raise CommitTooLargeError
        self._reach("before head")
        if not self._cluster.replace(stored):
            return False
        self._reach("after head")
        self._write_rows(stored)
        self._reach("after rows")
        self._known[commit.shard] = _Known(stored, acknowledged=False, own=True)
        self._cache.setdefault(commit.shard, {}).update(stored.images)
        return True

    def _write_rows(self, commit: Commit) -> None:
        first, rest = self._split(rows_of(commit))
        for row in first:
            self._cluster.write(row)
        self._reach("amid rows")
        for row in rest:
            self._cluster.write(row)

    def acknowledge(self, shard: int, token: str) -> None:
        self._reach("before acknowledge")
        known = self._known.get(shard)
        if known is None or known.commit.token != token:
            known = self._read_head(shard, None)
        if known.commit.token != token:
            return
        if self._cluster.acknowledge(shard, token):
            self._reach("after acknowledge")
            known.acknowledged = True
        else:
            del self._known[shard]

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
        self._reach("before publish")
        first, rest = self._split(outbox.actions)
        self._cluster.published.append(Outbox(first, outbox.decisions))
        self._reach("amid publish")
        self._cluster.published.append(Outbox(rest, []))
        self._reach("after publish")

    def _split(self, items: Sequence[T]) -> tuple[list[T], list[T]]:
        mask = 0 if self.fault is None else self.fault.mask
        parts: tuple[list[T], list[T]] = ([], [])
        for number, item in enumerate(items):
            parts[not mask >> number % 8 & 1].append(item)
        return parts

    def _reach(self, point: Point) -> None:
        """The fault happens, if it is one of this point."""
        fault = self.fault
        if fault is None or fault.point != point:
            return
        self.fault = fault._replace(passes=fault.passes - 1) if fault.passes else None
        if self.fault is not None:
            return
        if fault.mishap is Mishap.CRASH:
            raise Crash
        if fault.mishap is Mishap.ERROR:
            raise UnavailableError
        assert self.suspend is not None
        self.suspend()

"""The shards of a running job, without Beam: of each a clock, the next wake-up, and a commit at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from schemas.store import ProfileStore, Publisher
from transforms.commit import MAX_DUE, advance_shard, wake_persons
from transforms.core.engine import Advanced, Engine
from transforms.core.fold_event import FoldEvent
from transforms.shard_events import Slice

_EVER_US = 1 << 62


class LiveShards:
    """Advances shards as batches of them come, and wakes persons whose waits are over.

    A shard's clock is the lesser of the watermark and the wall clock; it never goes back. What is kept
    here is only a hint: everything that a commit rests on is read from the store.
    """

    def __init__(
        self, engine: Engine, store: ProfileStore, publisher: Publisher, now_us: Callable[[], int]
    ) -> None:
        self._engine = engine
        self._store = store
        self._publisher = publisher
        self._now_us = now_us
        self._watermarks: dict[int, int] = {}
        self._tokens: dict[int, str] = {}
        self._due_us: dict[int, int] = {}

    def advance(self, shard: int, slices: Iterable[Slice]) -> Advanced | None:
        """Folds and decides the events of a shard in one commit; None where there are none.

        When it returns, what was committed is published, and the messages of the slices are settled.
        """
        persons: dict[str, list[FoldEvent]] = {}
        for part in slices:
            if part.watermark_us is not None:
                self._watermarks[shard] = max(part.watermark_us, self._watermarks.get(shard, 0))
            for event in part.events:
                persons.setdefault(event.person_id, []).append(event)
        if not persons:
            return None
        advanced = advance_shard(
            self._engine, self._store, self._publisher, shard, persons, self._clock_us(shard)
        )
        self._note(shard, advanced)
        return advanced

    def wake(self, shard: int, watermark_us: int) -> Advanced | None:
        """Ends waits of at most 500 persons that are due; None where nobody is.

        Args:
            watermark_us: how far it has come at least; a drain claims that it is at infinity.
        """
        self._watermarks[shard] = max(watermark_us, self._watermarks.get(shard, 0))
        clock_us = self._clock_us(shard)
        due = self._store.due(shard, clock_us, MAX_DUE)
        if not due:
            self._look(shard)
            return None
        advanced = wake_persons(self._engine, self._store, self._publisher, shard, due, clock_us)
        self._note(shard, advanced)
        self._look(shard)
        return advanced

    def next_wake_us(self, shard: int, woken_us: int | None = None) -> int | None:
        """When the shard is to be woken next, in microseconds; None for never.

        A shard that this job has not seen yet is taken over: what its last commit left undone is done.

        Args:
            woken_us: the watermark that has woken it just now. What is due by then and not by the shard's
                clock will not become due in this job, which is being drained.
        """
        if shard not in self._due_us:
            head = self._store.head(shard)
            if head.outbox is not None:
                self._publisher.publish(shard, head.sequence, head.outbox, again=True)
                self._store.acknowledge(shard, head.token)
            self._look(shard)
        due_us = self._due_us[shard]
        if due_us == _EVER_US or (woken_us is not None and self._clock_us(shard) < due_us <= woken_us):
            return None
        return due_us

    def close(self) -> None:
        """Gives back what store and publisher hold open."""
        self._store.close()

    def _clock_us(self, shard: int) -> int:
        return min(self._watermarks.get(shard, 0), self._now_us())

    def _look(self, shard: int) -> None:
        """Reads the shard's first due row."""
        rows = self._store.due(shard, _EVER_US, 1)
        self._due_us[shard] = rows[0].time_us if rows else _EVER_US

    def _note(self, shard: int, advanced: Advanced) -> None:
        """Keeps the earliest deadline in mind; where another writer came in between, reads it."""
        commit = advanced.commit
        followed = self._tokens.get(shard) == commit.expected_token
        self._tokens[shard] = commit.token
        if not followed or shard not in self._due_us:
            self._look(shard)
            return
        deadlines = [deadline for deadline in commit.deadlines.values() if deadline is not None]
        self._due_us[shard] = min([self._due_us[shard], *deadlines])

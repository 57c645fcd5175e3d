"""The shards of a running job, without Beam: of each a clock, the next wake-up, and a commit at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from schemas.store import Outbox, ProfileStore, Publisher
from schemas.timestamps import MINUTE_US, SECOND_US
from transforms.commit import MAX_DUE, commit_parts, take_over, wake_persons
from transforms.core.engine import Advanced, Engine
from transforms.core.fold_event import FoldEvent
from transforms.core.program import shortest_waits
from transforms.pausing import paused_collection
from transforms.shard_events import Slice

RunAll = Callable[[Sequence[Callable[[], Any]]], list[Any]]

SLACK_US = 10 * SECOND_US
"""So much later than a wait ends is its shard looked at, if no event of the shard has come by then.

Events end the waits of their shard, too. Prism holds back a key's events behind a timer that the watermark
has not reached: one that every batch sets again, to a time that has not come, is never in their way.
"""
LOOK_AGAIN_US = 10 * MINUTE_US
"""So long a shard is left alone at most: another job may have left waits that nobody here knows of."""

_EVER_US = 1 << 62


class LiveShards:
    """Advances shards as batches of them come, and wakes persons whose waits are over.

    A shard's clock is the lesser of the watermark and the wall clock; it never goes back. What is kept
    here is only a hint: everything that a commit rests on is read from the store.
    """

    def __init__(
        self,
        engine: Engine,
        store: ProfileStore,
        publisher: Publisher,
        now_us: Callable[[], int],
        run_all: RunAll,
    ) -> None:
        """`run_all`: calls functions, maybe at once, and gives their results, in their order."""
        self._engine = engine
        self._store = store
        self._publisher = publisher
        self._now_us = now_us
        self._run_all = run_all
        self._watermarks: dict[int, int] = {}
        self._tokens: dict[int, str] = {}
        self._looked_us: dict[int, int] = {}
        self._due_us: dict[int, int] = {}
        self._waits_us = shortest_waits(engine.plan.workspace)

    def use(self, engine: Engine) -> None:
        """Puts another engine of the same journeys to use, for the commits that begin from now on."""
        self._engine = engine

    def advance(self, batches: Mapping[int, Iterable[Slice]]) -> list[Advanced]:
        """Folds and decides the events of several shards; nothing for one without events.

        Each shard's are one commit, or as many as the store needs, one after another. The shards commit side
        by side, and publish together: what takes long is to wait for services. When it returns, what was
        committed is published, and the messages of the slices are settled.
        """
        work = {
            shard: persons for shard, slices in batches.items() if (persons := self._persons(shard, slices))
        }
        parts = self._run_all([partial(self._commit, shard, persons) for shard, persons in work.items()])
        commits = [advanced[-1].commit for advanced in parts]
        if commits:
            outbox = Outbox(
                [action for commit in commits for action in commit.outbox.actions],
                [decision for commit in commits for decision in commit.outbox.decisions],
            )
            self._publisher.publish(commits[0].shard, commits[0].sequence, outbox)
            self._run_all([partial(self._store.acknowledge, item.shard, item.token) for item in commits])
        advanced = [item for part in parts for item in part]
        for item in advanced:
            self._note(item.commit.shard, item)
        return advanced

    def _persons(self, shard: int, slices: Iterable[Slice]) -> dict[str, list[FoldEvent]]:
        persons: dict[str, list[FoldEvent]] = {}
        for part in slices:
            if part.watermark_us is not None:
                self._watermarks[shard] = max(part.watermark_us, self._watermarks.get(shard, 0))
            for event in part.events:
                persons.setdefault(event.person_id, []).append(event)
        return persons

    def _commit(self, shard: int, persons: dict[str, list[FoldEvent]]) -> list[Advanced]:
        with paused_collection():
            return commit_parts(
                self._engine, self._store, self._publisher, shard, persons, self._clock_us(shard)
            )

    def wake(self, shard: int, watermark_us: int) -> Advanced | None:
        """Ends waits of at most 500 persons that are due; None where nobody is.

        Args:
            watermark_us: how far it has come at least; a drain claims that it is at infinity.
        """
        self._watermarks[shard] = max(watermark_us, self._watermarks.get(shard, 0))
        clock_us = self._clock_us(shard)
        self._take_over(shard)
        if watermark_us >= self._looked_us.get(shard, 0) + LOOK_AGAIN_US:
            self._looked_us[shard] = watermark_us
            self._look(shard)
        if self._due_us[shard] > clock_us:
            return None
        due = self._store.due(shard, clock_us, MAX_DUE)
        if not due:
            self._look(shard)
            return None
        advanced = wake_persons(self._engine, self._store, self._publisher, shard, due, clock_us)
        self._note(shard, advanced)
        self._look(shard)
        return advanced

    def hint_us(self, shard: int, slices: Iterable[Slice]) -> int:
        """When to look at a shard again once these events are committed: soon after the end of a wait."""
        self._take_over(shard)
        earliest_us = min(self._due_us[shard], self._now_us() + LOOK_AGAIN_US)
        for part in slices:
            for event in part.events:
                wait_us = self._waits_us.get(event.type)
                if wait_us is not None and event.time_us + wait_us < earliest_us:
                    earliest_us = event.time_us + wait_us
        # What is due by now ends with these events.
        return max(earliest_us, self._clock_us(shard)) + SLACK_US

    def wake_due(self, shards: Iterable[int]) -> list[Advanced]:
        """Ends the waits of these shards that are due by now, as far as is known here."""
        due = [shard for shard in shards if self._due_us.get(shard, _EVER_US) <= self._clock_us(shard)]
        parts = self._run_all([partial(self._wake_due, shard) for shard in due])
        return [advanced for part in parts for advanced in part]

    def _wake_due(self, shard: int) -> list[Advanced]:
        woken = []
        while self._due_us.get(shard, _EVER_US) <= self._clock_us(shard):
            advanced = self.wake(shard, self._watermarks.get(shard, 0))
            if advanced is None:
                break
            woken.append(advanced)
        return woken

    def next_wake_us(self, shard: int, woken_us: int | None = None) -> int | None:
        """When the shard is to be woken next, in microseconds; None for never.

        A shard that this job has not seen yet is taken over: what its last commit left undone is done.

        Args:
            woken_us: the watermark that has woken it just now. What is due by then and not by the shard's
                clock will not become due in this job, which is being drained.
        """
        self._take_over(shard)
        due_us = self._due_us[shard]
        if due_us == _EVER_US or (woken_us is not None and self._clock_us(shard) < due_us <= woken_us):
            return None
        return due_us

    def again_us(self, shard: int, woken_us: int) -> int | None:
        """When to look at a shard again that was looked at just now, in microseconds; None for never.

        Args:
            woken_us: the watermark that has woken it; ahead of the wall clock only in a drain.
        """
        due_us = self.next_wake_us(shard, woken_us)
        if woken_us > self._now_us():
            return due_us
        again_us = self._now_us() + LOOK_AGAIN_US
        return again_us if due_us is None else min(due_us + SLACK_US, again_us)

    def _clock_us(self, shard: int) -> int:
        return min(self._watermarks.get(shard, 0), self._now_us())

    def _take_over(self, shard: int) -> None:
        """Does what the last commit of a shard left undone, if this job has not seen the shard yet."""
        if shard not in self._due_us:
            take_over(self._store, self._publisher, shard)
            self._look(shard)

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

"""A running job as the keyed step sees it, on a cluster that may fail, with timers and a clock of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from schemas.decision import Outcome
from schemas.store import Head
from schemas.timestamps import HOUR_US, MINUTE_US
from tests.journeys import JOURNEY, after, exits
from tests.transforms.cluster import Handle, UnavailableError
from tests.transforms.history import Batch, Rewrite
from transforms.core.engine import Advanced, Engine
from transforms.core.fold_event import FoldEvent, order
from transforms.core.trail import Trail
from transforms.live_shards import LiveShards
from transforms.shard_events import Slice

SHARDS = 2
WAITING = replace(JOURNEY, name="waits", steps=after(HOUR_US), exits=exits("purchase"))
JOURNEYS = (replace(JOURNEY, name="capped", cooldown_us=40 * MINUTE_US), WAITING)


class RecordingEngine(Engine):
    """An engine that keeps what it was asked, by the token of what came of it, and minds the time.

    Args:
        engine: does the work; to compile one for each job would take most of the time.
        clock_us: as late may be the as-of time of a shard.
    """

    def __init__(
        self, engine: Engine, asked: dict[str, Batch | Rewrite], clock_us: Callable[[int], int]
    ) -> None:
        self.plan = engine.plan
        self._engine = engine
        self._asked = asked
        self._latest_us = clock_us

    def advance(
        self,
        shard: int,
        head: Head,
        images: Mapping[str, bytes],
        events: Mapping[str, Sequence[FoldEvent]],
        as_of_us: int,
        trail: Trail | None = None,
    ) -> Advanced:
        assert as_of_us <= self._latest_us(shard), "decided before its time"
        advanced = self._engine.advance(shard, head, images, events, as_of_us)
        for decision in advanced.commit.outbox.decisions:
            ended = decision.journey == WAITING.name and decision.outcome is Outcome.SENT
            assert not ended or decision.as_of_us <= as_of_us, "a wait ended before its time"
        batch = Batch(shard, {person: sorted(of, key=order) for person, of in events.items()}, as_of_us)
        assert self._asked.setdefault(advanced.commit.token, batch) == batch, "one token names two batches"
        return advanced


class Job:
    """A running job: its shards, and their timers, as `FollowProfiles` has them.

    Args:
        asked: where it notes what its commits are made of.
        now_us: the true time.

    Attributes:
        skew_us: how far its clock is ahead; its watermark is by that clock.
        timers: when it looks at a shard next; absent before the first look, and once it is drained.
    """

    def __init__(
        self, engine: Engine, asked: dict[str, Batch | Rewrite], handle: Handle, now_us: Callable[[], int]
    ) -> None:
        self._true_us = now_us
        self.handle = handle
        self.skew_us = 0
        self.timers: dict[int, int] = {}
        self._watermarks: dict[int, int] = {}
        recording = RecordingEngine(engine, asked, self._clock_us)
        self.shards = LiveShards(recording, handle, handle, self.now_us, _all_of)

    def now_us(self) -> int:
        return self._true_us() + self.skew_us

    def bundle(self, batches: Mapping[int, list[Slice]]) -> None:
        """Events come to some shards; none, where a shard is looked at for the first time."""
        for shard, slices in batches.items():
            self._heard(shard, max([part.watermark_us or 0 for part in slices], default=0))
        hints = {shard: self.shards.hint_us(shard, slices) for shard, slices in batches.items()}
        self.shards.advance(batches)
        self.shards.wake_due(batches)
        self.timers |= hints

    def fire(self, watermark_us: int) -> None:
        """The timers that the watermark has reached."""
        for shard in range(SHARDS):
            if shard not in self.timers:
                self.bundle({shard: []})
            if self.timers[shard] <= watermark_us:
                assert self._fired(shard, self.timers[shard]), "a shard is left for good"

    def drain(self) -> None:
        """The watermark goes to infinity: what timers are set fires, and what is set by them."""
        for shard, at_us in self.timers.items():
            due: int | None = at_us
            for _ in range(10):
                due = None if due is None else self._fired(shard, due)
            assert due is None, "a drain does not end"

    def wake(self, shard: int, watermark_us: int) -> Advanced | None:
        """A timer's first half: what is due ends."""
        self._heard(shard, watermark_us)
        return self.shards.wake(shard, watermark_us)

    def _fired(self, shard: int, at_us: int) -> int | None:
        self.wake(shard, at_us)
        again_us = self.shards.again_us(shard, at_us)
        if again_us is not None:
            self.timers[shard] = again_us
        return again_us

    def _heard(self, shard: int, watermark_us: int) -> None:
        self._watermarks[shard] = max(watermark_us, self._watermarks.get(shard, 0))

    def _clock_us(self, shard: int) -> int:
        return min(self._watermarks.get(shard, 0), self.now_us())


def _all_of(calls: Sequence[Callable[[], Any]]) -> list[Any]:
    """All have ended before the first error rises, but for a crash."""
    results = []
    errors = []
    for call in calls:
        try:
            results.append(call())
        except UnavailableError as error:
            errors.append(error)
    if errors:
        raise errors[0]
    return results

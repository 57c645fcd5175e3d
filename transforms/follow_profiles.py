"""Following a stream: fold and decide shard by shard as events come, and as waits end."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any

import apache_beam as beam
from apache_beam.transforms.timeutil import TimeDomain
from apache_beam.transforms.userstate import TimerSpec, on_timer
from apache_beam.utils.shared import Shared
from apache_beam.utils.timestamp import Timestamp

from schemas.metrics import Metric
from schemas.store import ProfileStore, Publisher
from schemas.streams import Acknowledger
from schemas.workspace.model import Workspace
from transforms.counting import count, count_advanced
from transforms.engines import Renewal, load_engine
from transforms.gather import Gather
from transforms.live_shards import LiveShards
from transforms.shard_events import Slice, SlicedBatch, decode_slice, encode_slice

COMMITS_AT_ONCE = 8
"""So many shards of a worker wait for their services at once."""

_NO_EVENTS = encode_slice(Slice([]))


@dataclass(eq=False)
class FollowProfiles(beam.PTransform[beam.PCollection[tuple[int, SlicedBatch]], beam.PCollection[int]]):
    """Folds events as they come and decides in the order of commits.

    A message is acknowledged after its event's commit and what that publishes. Nothing is kept in Beam's
    state but a timer a shard, which is a hint to look for waits that are over.

    Attributes:
        acknowledger: who is told of settled messages; None where the read itself is durable.
        now_us: the wall clock in microseconds.
    """

    workspace: Workspace
    store: ProfileStore
    publisher: Publisher
    acknowledger: Acknowledger | None
    now_us: Callable[[], int]

    def expand(self, batches: beam.PCollection[tuple[int, SlicedBatch]]) -> beam.PCollection[int]:
        """Gives a shard for each commit that ended waits."""
        follow = _FollowShard(self.workspace, self.store, self.publisher, self.acknowledger, self.now_us)
        shards = [(shard, (0, _NO_EVENTS)) for shard in range(self.workspace.shards)]
        hint = tuple[int, tuple[int, bytes]]
        wakes = batches.pipeline | "EveryShardOnce" >> beam.Create(shards).with_output_types(hint)
        return (
            (batches, wakes)
            | "WithWakes" >> beam.Flatten()
            | "Gather" >> Gather()
            | "Follow" >> beam.ParDo(follow).with_output_types(int)
        )


@dataclass(eq=False)
class _Live:
    """What all threads of a worker share."""

    shards: LiveShards
    renewal: Renewal


_WAKE = TimerSpec("wake", TimeDomain.WATERMARK)
_WAKE_PARAM = beam.DoFn.TimerParam(_WAKE)


class _FollowShard(beam.DoFn):
    def __init__(
        self,
        workspace: Workspace,
        store: ProfileStore,
        publisher: Publisher,
        acknowledger: Acknowledger | None,
        now_us: Callable[[], int],
    ) -> None:
        self._workspace = workspace
        self._store = store
        self._publisher = publisher
        self._acknowledger = acknowledger
        self._now_us = now_us
        # One for all threads of a worker: rows stay cached wherever a shard comes up next.
        self._shared = Shared()
        self._live: _Live | None = None
        self._waiting: dict[int, list[Slice]] = {}

    def setup(self) -> None:
        self._live = self._shared.acquire(self._begin)

    def _begin(self) -> _Live:
        renewal = Renewal(self._workspace, self._now_us)
        engine, side_by_side = load_engine(self._workspace), _SideBySide(COMMITS_AT_ONCE)
        return _Live(LiveShards(engine, self._store, self._publisher, self._now_us, side_by_side), renewal)

    def start_bundle(self) -> None:
        self._waiting = {}
        assert self._live is not None
        renewed = self._live.renewal.look(self._live.shards.use)
        if renewed is not None:
            count(Metric.REFERENCE_READS, 1, "used" if renewed else "refused")

    def process(
        self,
        keyed: tuple[int, Iterable[SlicedBatch]],
        wake: beam.transforms.userstate.RuntimeTimer = _WAKE_PARAM,
    ) -> None:
        assert self._live is not None
        shard, batches = keyed
        slices = [decode_slice(packed) for _, packed in batches]
        self._waiting.setdefault(shard, []).extend(slices)
        # No timer can be set once the bundle has committed: this one is early, if anything.
        wake.set(_not_before(self._live.shards.hint_us(shard, slices)))

    def finish_bundle(self) -> None:
        assert self._live is not None
        shards = self._live.shards
        for advanced in shards.advance(self._waiting):
            count_advanced(advanced)
        for advanced in shards.wake_due(self._waiting):
            count_advanced(advanced)
        slices = [part for parts in self._waiting.values() for part in parts]
        count(Metric.BATCHES, sum(bool(part.events) for part in slices))
        ack_ids = [ack_id for part in slices for ack_id in part.ack_ids]
        if ack_ids and self._acknowledger is not None:
            self._acknowledger.acknowledge(ack_ids)

    @on_timer(_WAKE)
    def on_wake(
        self,
        shard: int = beam.DoFn.KeyParam,
        at: Timestamp = beam.DoFn.TimestampParam,
        wake: beam.transforms.userstate.RuntimeTimer = _WAKE_PARAM,
    ) -> Iterator[int]:
        assert self._live is not None
        shards = self._live.shards
        advanced = shards.wake(shard, at.micros)
        again_us = shards.again_us(shard, at.micros)
        if again_us is not None:
            wake.set(_not_before(again_us))
        if advanced is not None:
            count_advanced(advanced)
            yield shard


def _not_before(time_us: int) -> Timestamp:
    """A time for a timer. Runners keep whole milliseconds: one cut short would fire too early, for ever."""
    return Timestamp(micros=-(-time_us // 1000) * 1000)


class _SideBySide:
    """Runs functions in threads, at most so many at once."""

    def __init__(self, threads: int) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="commit")

    def __call__(self, calls: Sequence[Callable[[], Any]]) -> list[Any]:
        futures = [self._pool.submit(call) for call in calls]
        # All have ended before the first error rises: nothing goes on behind a bundle that failed.
        wait(futures)
        return [future.result() for future in futures]

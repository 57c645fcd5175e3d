"""Micro-batches by shard: what travels through the shuffle is a batch a shard, never single events."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import apache_beam as beam
import msgspec
import zstandard

from schemas.event import Event
from schemas.metrics import Metric
from schemas.workspace.model import Workspace
from transforms.core.decode import DecodedBatch
from transforms.core.fold import is_late
from transforms.core.fold_event import FoldEvent, reduce_event
from transforms.core.identity import shard_of
from transforms.core.plan import Plan
from transforms.counting import count
from transforms.pausing import paused_collection

SlicedBatch = tuple[int, bytes]
"""A slice of a shard, and fold events of its persons as compressed MessagePack."""

_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(list[FoldEvent])


def group_by_slice(
    events: Iterable[Event], plan: Plan, slices: int
) -> tuple[dict[tuple[int, int], list[FoldEvent]], int]:
    """The fold events of those events that are not late, by shard and slice, and how many are late.

    Args:
        slices: how many slices a shard has.
    """
    groups: dict[tuple[int, int], list[FoldEvent]] = {}
    number = plan.workspace.shards * slices
    late = 0
    for event in events:
        if is_late(event.time_us, event.publish_us, plan.lateness_us):
            late += 1
            continue
        reduced = reduce_event(event)
        group = divmod(shard_of(event.person_id, number), slices)
        if group in groups:
            groups[group].append(reduced)
        else:
            groups[group] = [reduced]
    return groups, late


def encode_slice(events: list[FoldEvent]) -> bytes:
    """A sliced batch of fold events."""
    return zstandard.ZstdCompressor(level=1).compress(_ENCODER.encode(events))


def decode_slice(packed: bytes) -> list[FoldEvent]:
    """The fold events of a sliced batch."""
    return _DECODER.decode(zstandard.decompress(packed))


@dataclass(eq=False)
class ShardEvents(beam.PTransform[beam.PCollection[DecodedBatch], beam.PCollection[tuple[int, SlicedBatch]]]):
    """Events that are not late, reduced to what profiles need, by shard.

    Attributes:
        slices: how many slices of whole persons a shard is folded in, so that one fits in memory.
    """

    workspace: Workspace
    slices: int = 1

    def expand(self, batches: beam.PCollection[DecodedBatch]) -> beam.PCollection[tuple[int, SlicedBatch]]:
        """At most one element for each shard and slice."""
        shard = _ShardEvents(self.workspace, self.slices)
        return batches | "GroupBatch" >> beam.ParDo(shard).with_output_types(tuple[int, tuple[int, bytes]])


class _ShardEvents(beam.DoFn):
    def __init__(self, workspace: Workspace, slices: int) -> None:
        self._workspace = workspace
        self._slices = slices
        self._plan: Plan | None = None

    def setup(self) -> None:
        self._plan = Plan(self._workspace)

    def process(self, batch: DecodedBatch) -> Iterator[tuple[int, SlicedBatch]]:
        assert self._plan is not None
        with paused_collection():
            groups, late = group_by_slice(batch.events, self._plan, self._slices)
        count(Metric.LATE, late)
        for (shard, number), events in groups.items():
            yield shard, (number, encode_slice(events))

"""Micro-batches by shard: what travels through the shuffle is a batch a shard, never single events."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import apache_beam as beam
import msgspec
import zstandard

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
"""A slice of a shard, and a `Slice` of its persons as compressed MessagePack."""

Groups = dict[tuple[int, int], "Slice"]
"""By shard and number of the slice."""


class Slice(msgspec.Struct, array_like=True, gc=False):
    """What one micro-batch has for one slice of a shard.

    Attributes:
        ack_ids: of the messages that are settled once the events are committed.
        watermark_us: of the micro-batch.
    """

    events: list[FoldEvent]
    ack_ids: list[str] = []
    watermark_us: int | None = None


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(Slice)


def group_by_slice(batch: DecodedBatch, plan: Plan, slices: int) -> tuple[Groups, int]:
    """The fold events of those events that can be folded, by shard and slice, and how many are late.

    What has nothing to fold, late events and dead letters, is acknowledged by whatever slice is there, or
    by an empty one of the first shard.

    Args:
        slices: how many slices a shard has.
    """
    groups: Groups = {}
    number, lateness_us = plan.workspace.shards * slices, plan.lateness_us
    late: list[int] = []
    ack_ids, watermark_us = batch.ack_ids, batch.watermark_us
    for index, event in enumerate(batch.events):
        if is_late(event.time_us, event.publish_us, lateness_us) and event.type not in plan.says:
            late.append(index)
            continue
        place = divmod(shard_of(event.person_id, number), slices)
        group = groups.get(place)
        if group is None:
            group = groups[place] = Slice([], [], watermark_us)
        group.events.append(reduce_event(event))
        if ack_ids:
            group.ack_ids.append(ack_ids[index])
    settled = [ack_ids[index] for index in late] if ack_ids else []
    settled += batch.refused_ack_ids
    if settled:
        group = next(iter(groups.values()), None)
        if group is None:
            group = groups[0, 0] = Slice([], [], watermark_us)
        group.ack_ids.extend(settled)
    return groups, len(late)


def encode_slice(part: Slice) -> bytes:
    """A slice's batch, packed."""
    return zstandard.ZstdCompressor(level=1).compress(_ENCODER.encode(part))


def decode_slice(packed: bytes) -> Slice:
    """A slice's batch."""
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
            groups, late = group_by_slice(batch, self._plan, self._slices)
        count(Metric.LATE, late)
        for (shard, number), part in groups.items():
            yield shard, (number, encode_slice(part))

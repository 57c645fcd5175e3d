"""The main job: raw events in; tape, profiles, decisions, actions and dead letters out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import apache_beam as beam

from schemas.message import MessageBatch
from schemas.store import ProfileStore, Publisher
from schemas.streams import Acknowledger, DeadLetterSink, Progress, Tape
from schemas.workspace.model import Workspace
from transforms.advance_profiles import AdvanceProfiles
from transforms.decode_events import DecodeEvents
from transforms.follow_profiles import FollowProfiles
from transforms.keep_batches import AppendTape, KeepDeadLetters
from transforms.shard_events import ShardEvents
from transforms.watermark import GreatestPublishTime


@dataclass(frozen=True)
class JourneyConfig:
    """What one run of the job is to do.

    Attributes:
        pipeline_version: of cjaas, written into dead letters.
        now_us: the wall clock of a running job, in microseconds; None for a bounded one, which reads none.
        slices: how many slices of whole persons a bounded job folds a shard in.
        as_of_us: the event time at which a bounded job ends; None for the greatest publish time.
    """

    workspace: Workspace
    pipeline_version: str
    now_us: Callable[[], int] | None = None
    slices: int = 1
    as_of_us: int | None = None


@dataclass(frozen=True)
class JourneySinks:
    """Where the job's outputs go.

    Attributes:
        tape: None where the source is the tape itself.
        acknowledger: who is told of a running job's settled messages; None where its read is durable.
    """

    tape: Tape | None
    dead_letters: DeadLetterSink
    store: ProfileStore
    publisher: Publisher
    acknowledger: Acknowledger | None = None
    progress: Progress | None = None


class JourneyOutputs(NamedTuple):
    """What the job gives to whatever is built upon it."""

    advanced_shards: beam.PCollection[int]


def build(
    pipeline: beam.Pipeline,
    config: JourneyConfig,
    source: beam.PTransform[beam.pvalue.PBegin, beam.PCollection[MessageBatch]],
    sinks: JourneySinks,
) -> JourneyOutputs:
    """The job, in the order of the data: bounded over files or a tape, or running on a stream."""
    workspace = config.workspace
    batches = pipeline | "ReadEvents" >> source
    taped = batches | "DecodeEvents" >> DecodeEvents(workspace, config.pipeline_version, sinks.progress)
    if sinks.tape is not None:
        taped = taped | "AppendTape" >> AppendTape(sinks.tape, workspace, config.pipeline_version)
    _ = taped | "KeepDeadLetters" >> KeepDeadLetters(sinks.dead_letters)
    sharded = taped | "ShardEvents" >> ShardEvents(workspace, config.slices)
    if config.now_us is not None:
        advanced = sharded | "FollowProfiles" >> FollowProfiles(
            workspace, sinks.store, sinks.publisher, sinks.acknowledger, config.now_us
        )
    else:
        as_of = taped | "GreatestPublishTime" >> GreatestPublishTime(config.as_of_us)
        advanced = sharded | "AdvanceProfiles" >> AdvanceProfiles(
            workspace, sinks.store, sinks.publisher, beam.pvalue.AsSingleton(as_of)
        )
    return JourneyOutputs(advanced)

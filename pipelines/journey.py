"""The main job: raw events in; tape, profiles, decisions, actions and dead letters out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import apache_beam as beam

from schemas.store import ProfileStore, Publisher
from schemas.streams import DeadLetterSink, EventSource, Progress, Tape
from schemas.workspace.model import Workspace
from transforms.advance_profiles import AdvanceProfiles
from transforms.decode_events import DecodeEvents
from transforms.keep_batches import AppendTape, KeepDeadLetters
from transforms.read_events import ReadEvents
from transforms.shard_events import ShardEvents
from transforms.watermark import GreatestPublishTime


@dataclass(frozen=True)
class JourneyConfig:
    """What one run of the job is to do.

    Attributes:
        pipeline_version: of cjaas, written into dead letters.
        slices: how many slices of whole persons a shard is folded in.
        as_of_us: the event time at which the run ends; None for the greatest publish time.
    """

    workspace: Workspace
    pipeline_version: str
    slices: int = 1
    as_of_us: int | None = None


@dataclass(frozen=True)
class JourneySinks:
    """Where the job's outputs go."""

    tape: Tape
    dead_letters: DeadLetterSink
    store: ProfileStore
    publisher: Publisher
    progress: Progress | None = None


class JourneyOutputs(NamedTuple):
    """What the job gives to whatever is built upon it."""

    advanced_shards: beam.PCollection[int]


def build(
    pipeline: beam.Pipeline, config: JourneyConfig, source: EventSource, sinks: JourneySinks
) -> JourneyOutputs:
    """The job, in the order of the data."""
    workspace = config.workspace
    batches = pipeline | "ReadEvents" >> ReadEvents(source)
    decoded = batches | "DecodeEvents" >> DecodeEvents(workspace, config.pipeline_version, sinks.progress)
    _ = decoded | "AppendTape" >> AppendTape(sinks.tape, workspace)
    _ = decoded | "KeepDeadLetters" >> KeepDeadLetters(sinks.dead_letters)
    as_of = decoded | "GreatestPublishTime" >> GreatestPublishTime(config.as_of_us)
    sharded = decoded | "ShardEvents" >> ShardEvents(workspace, config.slices)
    advanced = sharded | "AdvanceProfiles" >> AdvanceProfiles(
        workspace, sinks.store, sinks.publisher, beam.pvalue.AsSingleton(as_of)
    )
    return JourneyOutputs(advanced)

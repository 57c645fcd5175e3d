"""The `backtest` job: events of a tape in; the decisions that a workspace would have made out.

It is the bounded `journey` job, whose source is the tape and whose sinks keep decisions alone: nothing is
published, and no tape is written. Profiles begin from nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import apache_beam as beam

from pipelines import journey
from pipelines.journey import JourneyConfig, JourneyOutputs, JourneySinks
from schemas.store import ProfileStore, Publisher
from schemas.streams import DeadLetterSink, EventSource, Progress
from transforms.read_events import ReadEvents


@dataclass(frozen=True)
class BacktestSinks:
    """Where the job's outputs go.

    Attributes:
        decisions: keeps what is decided, and sends nothing.
        refused: keeps events of the tape that are none of the workspace's.
        store: an empty one, of no use afterwards.
    """

    decisions: Publisher
    refused: DeadLetterSink
    store: ProfileStore
    progress: Progress | None = None


def build(
    pipeline: beam.Pipeline, config: JourneyConfig, tape: EventSource, sinks: BacktestSinks
) -> JourneyOutputs:
    """The job: the bounded journey job's own steps, but for the one that appends to the tape."""
    return journey.build(
        pipeline,
        config,
        ReadEvents(tape),
        JourneySinks(
            tape=None,
            dead_letters=sinks.refused,
            store=sinks.store,
            publisher=sinks.decisions,
            progress=sinks.progress,
        ),
    )

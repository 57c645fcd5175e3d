"""Gathering: what waits for a key in a stream comes as one list, at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import apache_beam as beam
from apache_beam.transforms import trigger, window


@dataclass(eq=False)
class Gather(beam.PTransform[beam.PCollection[tuple[int, Any]], beam.PCollection[tuple[int, Iterable[Any]]]]):
    """Joins the elements of a key that have arrived; nobody waits for more to come.

    A shuffle takes micro-batches apart by key, so that a busy key has several of them waiting.
    """

    def expand(self, keyed: beam.PCollection[tuple[int, Any]]) -> beam.PCollection[tuple[int, Iterable[Any]]]:
        """Each element once, in a list of its key's, with the earliest of their timestamps."""
        return (
            keyed
            | "AtOnce"
            >> beam.WindowInto(
                window.GlobalWindows(),
                trigger=trigger.Repeatedly(trigger.AfterCount(1)),
                accumulation_mode=trigger.AccumulationMode.DISCARDING,
                timestamp_combiner=window.TimestampCombiner.OUTPUT_AT_EARLIEST,
            )
            | "Join" >> beam.GroupByKey()
        )

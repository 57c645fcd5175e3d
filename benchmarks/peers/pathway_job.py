"""The job in Pathway.

Its best form: a row of the input table is a micro-batch of lines, so that reading, decoding and the tape
run per batch; all of the input is one commit, so that the grouping by person is computed once.
"""

# mypy: allow-subclassing-any, allow-untyped-decorators

from __future__ import annotations

from typing import Any

import msgspec
import pathway as pw

from benchmarks.peers.parts import Job
from schemas.message import MessageBatch
from transforms.core.decode import DecodedBatch
from transforms.core.fold_event import FoldEvent


class _Batches(pw.Schema):
    batch: pw.PyObjectWrapper


class _Lines(pw.io.python.ConnectorSubject):
    def __init__(self, job: Job) -> None:
        super().__init__()
        self._job = job

    def run(self) -> None:
        for split in self._job.source.splits():
            for batch in self._job.source.read(split):
                self.next(batch=pw.wrap_py_object(batch))


class _Persons:
    """All persons, at the end of the input."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._decode = msgspec.msgpack.Decoder(FoldEvent).decode
        self._persons: dict[str, list[FoldEvent]] = {}
        self._as_of_us = 0

    def add_person(self, key: pw.Pointer, row: dict[str, Any], time: int, is_addition: bool) -> None:
        assert is_addition, "one commit changes nothing it gave before"
        self._persons[row["person_id"]] = [self._decode(packed) for packed in row["events"]]

    def set_as_of(self, key: pw.Pointer, row: dict[str, Any], time: int, is_addition: bool) -> None:
        if is_addition:
            self._as_of_us = row["as_of_us"]

    def finish(self) -> None:
        profiles = self._job.profiles()
        profiles.advance(self._persons, self._as_of_us)
        profiles.close()
        self._job.finish(profiles.folded)


def run(job: Job) -> None:
    """Runs the job with one worker in this process."""
    decoder, reduction = job.decoder(), job.reduction()
    encode = msgspec.msgpack.Encoder().encode

    @pw.udf(deterministic=True)
    def decode(batch: pw.PyObjectWrapper[MessageBatch]) -> pw.PyObjectWrapper[DecodedBatch]:
        return pw.wrap_py_object(decoder.decode(batch.value))

    @pw.udf(deterministic=True)
    def reduce(decoded: pw.PyObjectWrapper[DecodedBatch]) -> list[tuple[str, bytes]]:
        return [(event.person_id, encode(event)) for event in reduction.of_all(decoded.value.events)]

    @pw.udf(deterministic=True)
    def last_publish(decoded: pw.PyObjectWrapper[DecodedBatch]) -> int:
        return max((event.publish_us for event in decoded.value.events), default=0)

    def keep(key: pw.Pointer, row: dict[str, Any], time: int, is_addition: bool) -> None:
        job.keep(row["decoded"].value)

    batches = pw.io.python.read(_Lines(job), schema=_Batches, autocommit_duration_ms=None)
    decoded = batches.select(decoded=decode(pw.this.batch))
    pw.io.subscribe(decoded, on_change=keep)
    reduced = decoded.select(events=reduce(pw.this.decoded), publish_us=last_publish(pw.this.decoded))
    clock = reduced.reduce(as_of_us=pw.reducers.max(pw.this.publish_us))
    events = reduced.flatten(pw.this.events).select(
        person_id=pw.this.events.get(0), packed=pw.this.events.get(1)
    )
    persons = events.groupby(pw.this.person_id).reduce(
        pw.this.person_id, events=pw.reducers.tuple(pw.this.packed)
    )
    gathered = _Persons(job)
    pw.io.subscribe(clock, on_change=gathered.set_as_of)
    pw.io.subscribe(persons, on_change=gathered.add_person)
    pw.run(monitoring_level=pw.MonitoringLevel.NONE)
    gathered.finish()

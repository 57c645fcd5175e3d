"""The job in element-wise Beam, as most pipelines are written: an element is one event.

Its best form on the in-process runner: no accounting of state sizes, reading, decoding and the tape in
one fused stage, strings and bytes through the shuffle, files and commits gathered per bundle.
"""

# mypy: allow-subclassing-any

from __future__ import annotations

from collections.abc import Iterable, Iterator

import apache_beam as beam
import msgspec
from apache_beam.metrics.metric import Metrics
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.pvalue import AsSingleton, TaggedOutput
from apache_beam.runners.portability.fn_api_runner import FnApiRunner, worker_handlers

from benchmarks.peers.parts import Job, Profiles, Reduction
from schemas.dead_letter import DeadLetter
from schemas.event import Event
from schemas.message import MessageBatch
from schemas.streams import Split
from transforms.core.decode import DecodedBatch, Decoder
from transforms.core.fold_event import FoldEvent

TAPE_ROWS = 25_000
"""As many events make a file of the tape for each of their days."""
COMMITTED_PERSONS = 20_000
"""As many persons are committed together."""

_DEAD = "dead"


def run(job: Job) -> None:
    """Runs the job in this process."""
    worker_handlers.STATE_CACHE_SIZE_MB = 0
    options = PipelineOptions(direct_num_workers=1, direct_running_mode="in_memory")
    pipeline = beam.Pipeline(runner=FnApiRunner(), options=options)
    messages = pipeline | "Splits" >> beam.Create(job.source.splits()) | "Read" >> beam.ParDo(_Read(job))
    decoded = messages | "Decode" >> beam.ParDo(_Decode(job)).with_outputs(_DEAD, main="events")
    events = decoded.events
    _ = decoded[_DEAD] | "KeepDeadLetters" >> beam.ParDo(_KeepDeadLetters(job))
    _ = events | "AppendTape" >> beam.ParDo(_AppendTape(job))
    times = events | "PublishTime" >> beam.Map(_publish_time).with_output_types(int)
    as_of = times | "Last" >> beam.CombineGlobally(max).without_defaults()
    by_person = events | "ByPerson" >> beam.ParDo(_ByPerson(job)).with_output_types(tuple[str, bytes])
    persons = by_person | "Group" >> beam.GroupByKey()
    _ = persons | "Advance" >> beam.ParDo(_Advance(job), as_of_us=AsSingleton(as_of))
    result = pipeline.run()
    result.wait_until_finish()
    counters = result.metrics().query()["counters"]
    job.finish(sum(counter.committed for counter in counters if counter.key.metric.name == "folded"))


class _Read(beam.DoFn):
    def __init__(self, job: Job) -> None:
        self._job = job

    def process(self, split: Split) -> Iterator[MessageBatch]:
        for batch in self._job.source.read(split):
            for row in zip(
                batch.payloads, batch.message_ids, batch.attributes, batch.publish_us, strict=True
            ):
                payload, message_id, attributes, publish_us = row
                yield MessageBatch(message_id, [payload], [message_id], [attributes], [publish_us])


class _Decode(beam.DoFn):
    def __init__(self, job: Job) -> None:
        self._job = job

    def setup(self) -> None:
        self._decoder: Decoder = self._job.decoder()

    def process(self, message: MessageBatch) -> Iterable[Event | TaggedOutput]:
        decoded = self._decoder.decode(message)
        if decoded.events:
            return decoded.events
        return [TaggedOutput(_DEAD, decoded.dead_letters[0])]


def _publish_time(event: Event) -> int:
    return event.publish_us


class _KeepDeadLetters(beam.DoFn):
    def __init__(self, job: Job) -> None:
        self._job = job

    def start_bundle(self) -> None:
        self._held: list[DeadLetter] = []

    def process(self, letter: DeadLetter) -> None:
        self._held.append(letter)

    def finish_bundle(self) -> None:
        if self._held:
            self._job.keep(DecodedBatch(self._held[0].message_id, [], self._held, 0, 0))


class _AppendTape(beam.DoFn):
    def __init__(self, job: Job) -> None:
        self._job = job

    def start_bundle(self) -> None:
        self._held: list[Event] = []

    def process(self, event: Event) -> None:
        self._held.append(event)
        if len(self._held) >= TAPE_ROWS:
            self.finish_bundle()

    def finish_bundle(self) -> None:
        if self._held:
            self._job.keep(DecodedBatch(self._held[0].message_id, self._held, [], 0, 0))
        self._held = []


class _ByPerson(beam.DoFn):
    def __init__(self, job: Job) -> None:
        self._job = job

    def setup(self) -> None:
        self._reduction: Reduction = self._job.reduction()
        self._encode = msgspec.msgpack.Encoder().encode

    def process(self, event: Event) -> Iterable[tuple[str, bytes]]:
        reduced = self._reduction.of(event)
        return () if reduced is None else ((reduced.person_id, self._encode(reduced)),)


class _Advance(beam.DoFn):
    def __init__(self, job: Job) -> None:
        self._job = job

    def setup(self) -> None:
        self._profiles: Profiles = self._job.profiles()
        self._decode = msgspec.msgpack.Decoder(FoldEvent).decode
        self._folded = Metrics.counter("benchmark", "folded")

    def start_bundle(self) -> None:
        self._held: dict[str, list[FoldEvent]] = {}
        self._as_of_us = 0

    def process(self, keyed: tuple[str, Iterable[bytes]], as_of_us: int) -> None:
        person_id, packed = keyed
        self._held[person_id] = [self._decode(event) for event in packed]
        self._as_of_us = as_of_us
        if len(self._held) >= COMMITTED_PERSONS:
            self.finish_bundle()

    def finish_bundle(self) -> None:
        before = self._profiles.folded
        self._profiles.advance(self._held, self._as_of_us)
        self._folded.inc(self._profiles.folded - before)
        self._held = {}

    def teardown(self) -> None:
        self._profiles.close()

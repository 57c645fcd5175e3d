"""A script of events and watermarks, through the steps of a running job, and of a bounded one.

Beam's TestStream gives them one by one to the streaming direct runner, which takes the next one when nothing
is left to do: no timer that the watermark has reached, no element on its way. Store, publisher and clock are
of this process: what travels in a pickled pipeline is their name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import count
from typing import Any, NamedTuple
from weakref import WeakValueDictionary

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.direct.direct_runner import BundleBasedDirectRunner
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.testing.test_stream import TestStream
from apache_beam.transforms.window import TimestampedValue
from apache_beam.utils.timestamp import Timestamp

from schemas.decision import Decision
from schemas.message import MessageBatch
from schemas.store import Outbox
from schemas.timestamps import SECOND_US, parse_rfc3339
from schemas.workspace.model import Workspace
from tests.messages import STRUCTURED, structured
from tests.transforms.cluster import Cluster, Handle
from transforms.advance_profiles import AdvanceProfiles
from transforms.batch_coders import register_batch_coders
from transforms.core.fold import prune
from transforms.core.plan import Plan
from transforms.core.profile import decode_image, facts
from transforms.decode_events import DecodeEvents
from transforms.follow_profiles import FollowProfiles
from transforms.shard_events import ShardEvents
from transforms.watermark import GreatestPublishTime

ANN = "customer:ann"
VERSION = "0"
_BEHIND_US = 5 * SECOND_US
"""So much the watermark is behind the wall clock where nothing lags."""
_SEQUENCE = re.compile(rb'"sequence":\d+')
_NAMES = count()
_PLACES: WeakValueDictionary[int, Place] = WeakValueDictionary()


def moment(text: str) -> int:
    """A time in 2026 such as `01-05T09:00` or `01-05T09:00:10.001`, in microseconds."""
    return parse_rfc3339(_rfc3339(text))


def _rfc3339(text: str) -> str:
    return f"2026-{text}Z" if text.count(":") == 2 else f"2026-{text}:00Z"


def shortened(rfc3339: str) -> str:
    """A time in 2026 as `moment` reads it."""
    day, _, fraction = rfc3339.removeprefix("2026-").removesuffix("Z").partition(".")
    fraction = fraction.rstrip("0")
    return f"{day}.{fraction}" if fraction else day.removesuffix(":00")


def _text(time_us: int) -> str:
    return shortened(Timestamp(micros=time_us).to_rfc3339())


class Until(NamedTuple):
    """The watermark comes to a time: all that was published before it has been delivered."""

    time: str


class Told(NamedTuple):
    """An event that is delivered.

    Attributes:
        time: of the event, as `moment` reads it.
        published: None for its time.
        who: the person's identity, `namespace:value`.
    """

    time: str
    type: str
    data: dict[str, Any] = {}  # noqa: RUF012 (nobody changes it)
    published: str | None = None
    who: str = ANN

    @property
    def publish_us(self) -> int:
        """The publish time in microseconds."""
        return moment(self.published or self.time)

    def batch(self, watermark_us: int | None) -> MessageBatch:
        """The event as a micro-batch of its own."""
        namespace, _, value = self.who.partition(":")
        event_id = f"{self.who} {self.type} {self.time}"
        payload = structured(
            id=event_id,
            type=self.type,
            time=_rfc3339(self.time),
            identitytype=namespace,
            identity=value,
            data=self.data,
        )
        return MessageBatch(
            event_id, [payload], [event_id], [dict(STRUCTURED)], [self.publish_us], [event_id], watermark_us
        )


class Line(NamedTuple):
    """What a test looks at of a decision.

    Attributes:
        seen: how far the watermark had come when it was published; empty in a bounded job.
    """

    seen: str
    what: str
    outcome: str
    reason: str
    as_of: str


class Place(Handle):
    """A store, a publisher and a clock that stay where they are, and all that is seen there.

    Attributes:
        wall_us: the wall clock.
    """

    def __init__(self, cluster: Cluster) -> None:
        super().__init__(cluster)
        self.cluster = cluster
        self._name = next(_NAMES)
        _PLACES[self._name] = self
        self.wall_us = 0
        self.settled: list[str] = []
        self._published: list[tuple[int, Outbox]] = []

    def __reduce__(self) -> Any:
        return _place, (self._name,)

    def now_us(self) -> int:
        return self.wall_us

    def publish(self, shard: int, sequence: int, outbox: Outbox, *, again: bool = False) -> None:
        super().publish(shard, sequence, outbox, again=again)
        self._published.append((self.wall_us - _BEHIND_US, outbox))

    def acknowledge_messages(self, ack_ids: Sequence[str]) -> None:
        self.settled += ack_ids

    def decisions(self) -> list[Decision]:
        """All of them, in the order in which they were published."""
        return [decision for _, outbox in self._published for decision in outbox.decisions]

    def lines(self) -> list[Line]:
        """All decisions, by the watermark at which they were seen, then by as-of time."""
        return [
            Line(
                _text(seen_us) if self.wall_us else "",
                f"{decision.journey}/{decision.step}",
                decision.outcome.value,
                decision.reason.value,
                _text(decision.as_of_us),
            )
            for seen_us, outbox in self._published
            for decision in sorted(outbox.decisions, key=lambda item: item.as_of_us)
        ]

    def bodies(self) -> dict[str, bytes]:
        """Each action by its id, without the number of its commit."""
        return {
            action.action_id: _SEQUENCE.sub(b"", action.body)
            for _, outbox in self._published
            for action in outbox.actions
        }

    def facts(self, plan: Plan) -> dict[str, bytes]:
        """What is known of each person, as bytes."""
        profiles = {person_id: decode_image(image) for person_id, image in self.scan()}
        for profile in profiles.values():
            prune(profile, plan)
        return {person_id: facts(profile) for person_id, profile in profiles.items()}

    def pending(self, workspace: Workspace) -> list[str]:
        """When waits are over that are still there."""
        rows = [row for shard in range(workspace.shards) for row in self.due(shard, 1 << 62, 100)]
        return [_text(row.time_us) for row in sorted(rows)]


def _place(name: int) -> Place:
    return _PLACES[name]


class _Acknowledger:
    def __init__(self, place: Place) -> None:
        self._place = place

    def acknowledge(self, ack_ids: Sequence[str]) -> None:
        self._place.acknowledge_messages(ack_ids)


def in_order(script: Iterable[Told | Until]) -> list[Told | Until]:
    """Events and watermarks by their times, each event behind a watermark that has come to it."""

    def time_us(each: Told | Until) -> int:
        return each.publish_us if isinstance(each, Told) else moment(each.time)

    ordered: list[Told | Until] = []
    for each in sorted(script, key=time_us):
        watermark = Until(_text(time_us(each)))
        if watermark not in ordered:
            ordered.append(watermark)
        if isinstance(each, Told):
            ordered.append(each)
    return ordered


def streamed(workspace: Workspace, script: Sequence[Told | Until], cluster: Cluster | None = None) -> Place:
    """Runs the steps of a running job over a script, and then drains it.

    The wall clock is five seconds ahead of the watermark, and stays where it was when the job is drained.

    Args:
        cluster: where a job before this one has left its profiles.
    """
    place = Place(cluster or Cluster())
    assert isinstance(script[0], Until), "an event needs a watermark before it"
    watermark_us = moment(script[0].time)
    place.wall_us = watermark_us + _BEHIND_US
    stream = TestStream()
    for each in script:
        if isinstance(each, Told):
            batch = each.batch(watermark_us)
            element = TimestampedValue(batch, Timestamp(micros=each.publish_us))
            stream.add_elements([element])
        else:
            watermark_us = moment(each.time)
            # Told first: what happens at this watermark is seen at it.
            stream.add_elements([TimestampedValue(watermark_us, Timestamp(micros=watermark_us))])
            stream.advance_watermark_to(Timestamp(micros=watermark_us))
    stream.advance_watermark_to_infinity()
    options = PipelineOptions([], streaming=True)
    pipeline = beam.Pipeline(runner=BundleBasedDirectRunner(), options=options)
    register_batch_coders()
    tell = beam.FlatMap(_tell_time, place).with_output_types(MessageBatch)
    decoded = (
        pipeline | "Script" >> stream | "TellTime" >> tell | "Decode" >> DecodeEvents(workspace, VERSION)
    )
    _ = (
        decoded
        | ShardEvents(workspace)
        | FollowProfiles(workspace, place, place, _Acknowledger(place), place.now_us)
    )
    pipeline.run().wait_until_finish()
    return place


def _tell_time(each: MessageBatch | int, place: Place) -> Iterator[MessageBatch]:
    if isinstance(each, MessageBatch):
        yield each
    else:
        place.wall_us = each + _BEHIND_US


def bounded(workspace: Workspace, events: Sequence[Told], as_of: str) -> Place:
    """Runs the steps of a bounded job over all events at once."""
    place = Place(Cluster())
    register_batch_coders()
    pipeline = beam.Pipeline(runner=FnApiRunner(), options=PipelineOptions([]))
    batches = pipeline | "Events" >> beam.Create([each.batch(None) for each in events])
    decoded = batches | "DecodeAll" >> DecodeEvents(workspace, VERSION)
    as_of_us = beam.pvalue.AsSingleton(decoded | GreatestPublishTime(moment(as_of)))
    _ = decoded | ShardEvents(workspace) | AdvanceProfiles(workspace, place, place, as_of_us)
    pipeline.run().wait_until_finish()
    return place

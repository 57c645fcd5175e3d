"""Jobs that own the same shards, and a writer that is none, over one cluster: each may fail at any point."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import msgspec

from schemas.timestamps import HOUR_US, MINUTE_US
from tests.fold_events import START_US, fold_event
from tests.transforms.cluster import Cluster, Crash, Fault, Handle, UnavailableError
from tests.transforms.fault_job import SHARDS, Job
from tests.transforms.fault_laws import check_laws
from tests.transforms.history import Batch, Change, Lives, Rewrite, lives_as_of
from tests.transforms.other_writers import Rewriter
from tests.transforms.suspendable import SuspendableCall
from transforms.core.engine import Engine
from transforms.core.fold_event import FoldEvent
from transforms.live_shards import LOOK_AGAIN_US
from transforms.shard_events import Slice

INFINITY_US = START_US + 1000 * HOUR_US

_SLICE_EVENTS = 2
_DATA: Mapping[str, dict[str, Any]] = {
    "cart_added": {"sku": "s1", "price": 1.0},
    "purchase": {"total": "9.90", "currency": "EUR", "lines": []},
}


@dataclass
class _Work:
    """A call that a process is in.

    Attributes:
        events: those of the messages that are acknowledged at its end.
    """

    slot: int
    process: Job | Rewriter
    call: SuspendableCall
    events: Sequence[FoldEvent]


class World:
    """Processes, what they are in the middle of, and all events that there are.

    Args:
        most_persons: of so many is a job's commit at most, as if their images were large.

    Attributes:
        asked: what commits were made of, by their tokens.
        pending: the events of messages that are not acknowledged: they come again.
        suspended: calls whose process was thought dead, and another one started in its place.
    """

    def __init__(self, engine: Engine, jobs: int, most_persons: int = 1000) -> None:
        self.engine = engine
        self._most_persons = most_persons
        self.cluster = Cluster()
        self.asked: dict[str, Batch | Rewrite] = {}
        self.now_us = START_US
        self.jobs = [self._new_job() for _ in range(jobs)]
        self.rewriter = self._new_rewriter()
        self.events: list[FoldEvent] = []
        self.pending: list[FoldEvent] = []
        self.suspended: list[_Work] = []

    def _new_job(self) -> Job:
        handle = Handle(self.cluster, self._most_persons)
        return Job(self.engine, self.asked, handle, lambda: self.now_us)

    def _new_rewriter(self) -> Rewriter:
        handle = Handle(self.cluster)
        return Rewriter(
            handle, self.engine.plan, lambda: self.now_us, self.asked.__setitem__, self._lives_as_of
        )

    def _lives_as_of(self, token: str) -> Lives:
        return lives_as_of(token, self.cluster.committed, self.asked)

    def publish(self, kind: str, minute: int, person: int) -> FoldEvent:
        """A new event, still to be delivered."""
        event = fold_event(
            self.engine.plan,
            kind,
            _DATA[kind],
            START_US + minute * MINUTE_US,
            event_id=f"e{len(self.events)}",
            person_id=person_id(person),
        )
        self.events.append(event)
        self.pending.append(event)
        return event

    def deliver(
        self, slot: int, events: Sequence[FoldEvent], fault: Fault | None = None, *, lag_us: int = 0
    ) -> bool:
        """Hands events to a job, in this order; whether it came to the end of them."""
        job = self.jobs[slot]
        batches: dict[int, list[Slice]] = {}
        for event in events:
            slices = batches.setdefault(int(event.person_id, 16) % SHARDS, [])
            if not slices or len(slices[-1].events) == _SLICE_EVENTS:
                slices.append(Slice([], [], job.now_us() - lag_us))
            slices[-1].events.append(event)
        return self._run(slot, job, partial(job.bundle, batches), fault, events)

    def fire(self, slot: int, fault: Fault | None = None) -> bool:
        """A job's timers fire; whether it came to the end of it."""
        job = self.jobs[slot]
        return self._run(slot, job, partial(job.fire, job.now_us()), fault)

    def drain(self, slot: int, fault: Fault | None = None) -> bool:
        """A job is drained, and another one takes over; whether it came to its end."""
        job = self.jobs[slot]
        ended = self._run(slot, job, job.drain, fault)
        if self.jobs[slot] is job:
            self.restart(slot)
        return ended

    def rewrite(self, change: Change, person: int, survivor: int, fault: Fault | None = None) -> bool:
        """Another writer changes a person; whether it came to the end of it."""
        asked = Rewrite(change, person_id(person), person_id(survivor))
        call = partial(self.rewriter.rewrite, person % SHARDS, asked)
        return self._run(0, self.rewriter, call, fault)

    def restart(self, slot: int) -> None:
        """A job anew, on the same machine, without anything that it knew."""
        skew_us = self.jobs[slot].skew_us
        self.jobs[slot] = self._new_job()
        self.jobs[slot].skew_us = skew_us

    def resume(self, number: int, fault: Fault | None = None, *, stays: bool = False) -> bool:
        """A suspended call goes on; whether it came to its end.

        Args:
            stays: whether its process goes on after it, in the place of the one that took over.
        """
        work = self.suspended.pop(number)
        if stays and isinstance(work.process, Job):
            self.jobs[work.slot] = work.process
        return self._go_on(work, fault)

    def _run(
        self,
        slot: int,
        process: Job | Rewriter,
        call: Callable[[], None],
        fault: Fault | None,
        events: Sequence[FoldEvent] = (),
    ) -> bool:
        return self._go_on(_Work(slot, process, SuspendableCall(call), events), fault)

    def _go_on(self, work: _Work, fault: Fault | None) -> bool:
        handle = work.process.handle
        handle.fault, handle.suspend = fault, work.call.suspend
        try:
            ended = work.call.resume()
        except Crash:
            self._replace(work)
            return False
        except UnavailableError:
            return False
        finally:
            handle.fault = None
        if ended:
            settled = {event.event_id for event in work.events}
            self.pending = [event for event in self.pending if event.event_id not in settled]
        else:
            self.suspended.append(work)
            self._replace(work)
        return ended

    def _replace(self, work: _Work) -> None:
        if work.process is self.rewriter:
            self.rewriter = self._new_rewriter()
        elif work.process is self.jobs[work.slot]:
            self.restart(work.slot)

    def settle(self) -> None:
        """All goes on without faults until nothing is left to do; then the laws are checked.

        First with one job, whatever it knows, while the others have ended; then with one that begins.
        """
        while self.suspended:
            assert self.resume(0)
        del self.jobs[1:]
        self.jobs[0].skew_us = 0
        assert self.deliver(0, self.pending)
        self._end_waits(0)
        self.jobs.append(self._new_job())
        self._end_waits(1)
        check_laws(self.engine, self.cluster, self.asked, self.events)

    def _end_waits(self, slot: int) -> None:
        """A job's timers alone bring every wait to its end, not long after its time."""
        limit_us = max([self.now_us, *self.due_us()]) + 3 * LOOK_AGAIN_US
        for _ in range(1000):
            assert self.fire(slot)
            if not self.cluster.dues:
                return
            assert self.now_us <= limit_us, "a wait is forgotten"
            self.now_us = max(self.now_us, min(self.jobs[slot].timers.values()))
        raise AssertionError("timers fire without end")

    def due_us(self) -> list[int]:
        """The times of all due rows."""
        return [due_us for _, due_us, _ in self.cluster.dues]


def person_id(person: int) -> str:
    return f"{person:032x}"


def again(event: FoldEvent, minutes: int) -> FoldEvent:
    """A copy of an event that its producer has published again, so much later."""
    return msgspec.structs.replace(event, publish_us=event.publish_us + minutes * MINUTE_US)

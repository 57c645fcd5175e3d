"""Walking: a run goes through its journey's program until it waits or ends."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, NamedTuple

import msgspec

from schemas.workspace.model import Journey
from schemas.workspace.steps import (
    Branch,
    Send,
    Split,
    Update,
    Wait,
    WaitFor,
    WaitUntilField,
    WaitUntilLocal,
    walk_steps,
)
from transforms.core.action_body import read_source
from transforms.core.changes import NextChange, next_change_of
from transforms.core.condition import Predicate, compile_condition, instant_us
from transforms.core.entry_gates import EntryGates
from transforms.core.gate import preference
from transforms.core.local_time import next_local, zone_of
from transforms.core.plan import Plan
from transforms.core.profile import Profile, Run, Written
from transforms.core.program import Node, Program
from transforms.core.record import Candidate, Decided, Recorder
from transforms.core.scope import Scope
from transforms.core.sending import Sender, parked
from transforms.core.shares import share_of
from transforms.core.trail import Passage

CAME, TIMED_OUT = 0, 1
"""The ways of a wait for something: it came, or it did not."""


class _Watch(NamedTuple):
    """What a run waits for, compiled.

    Attributes:
        holds: whether the condition holds.
        next_change: when that may change by the passage of time.
    """

    holds: Predicate
    next_change: NextChange


class Walker:
    """One journey, compiled.

    Attributes:
        entry: the gates of a run that begins.
        first: what a decision is about that is taken before any step.
    """

    def __init__(self, journey: Journey, plan: Plan, recorder: Recorder) -> None:
        self.journey = journey
        self.name = journey.name
        self.version = journey.version
        self.entry = EntryGates(journey, plan.workspace)
        self.program = Program(journey.steps)
        sends = journey.sends()
        self.first = Candidate.of(journey.name, journey.version, sends[0].name if sends else None)
        self._recorder = recorder
        self._plan = plan
        self._senders = {send.path: Sender(journey, send, plan, recorder) for send in sends}
        self._watches: dict[str, _Watch] = {}
        self._arms: dict[str, list[Predicate | None]] = {}
        self._next_sends: dict[str, Candidate] = {}
        following = Candidate.of(journey.name, journey.version, None)
        for step in reversed(list(walk_steps(journey.steps))):
            match step:
                case Send():
                    following = self._senders[step.path].candidate
                case WaitFor() if step.condition is not None:
                    holds = compile_condition(step.condition, plan.subject)
                    next_change = next_change_of(step.condition, plan.folds, plan.subject)
                    self._watches[step.path] = _Watch(holds, next_change)
                case Branch():
                    self._arms[step.path] = [
                        None if arm.condition is None else compile_condition(arm.condition, plan.subject)
                        for arm in step.arms
                    ]
            self._next_sends[step.path] = following

    @property
    def sends_at_once(self) -> bool:
        """Whether the first thing that a run does is to send, which passes all gates."""
        return self.program.start in self._senders

    def watches(self, path: str) -> bool:
        """Whether a run that waits at a step waits for a condition to hold."""
        return path in self._watches

    def next_send(self, path: str) -> Candidate:
        """What a run that waits at a step would send next, by the order of the file."""
        return self._next_sends[path]

    def go(
        self, profile: Profile, slot: str, run: Run, at: str | None, as_of_us: int, decided: Decided
    ) -> Run | None:
        """Goes on from a step until the run waits; gives the waiting run, None for one that ended."""
        scope = Scope(profile, run.fields, as_of_us)
        while at is not None:
            node = self.program.nodes[at]
            step = node.step
            way = None
            match step:
                case Send():
                    run, deferred = self._senders[at].send(slot, scope, run, decided)
                    if deferred:
                        return run
                case Wait():
                    return parked(run, at, as_of_us + step.duration_us)
                case WaitUntilLocal():
                    zone = zone_of(preference(profile, "time_zone"), self._plan.workspace.time_zone)
                    return parked(run, at, next_local(as_of_us, step.minute, zone))
                case WaitUntilField():
                    moment_us = _moment_us(run.fields.get(step.field))
                    if moment_us is not None and moment_us + step.offset_us > as_of_us:
                        return parked(run, at, moment_us + step.offset_us)
                case WaitFor():
                    if not self._holds(step.path, scope):
                        return self._awaiting(step, scope, run, as_of_us + step.timeout_us)
                    way = CAME
                case Update():
                    self._update(step, scope)
                case Branch():
                    way = self._way(at, scope)
                case Split():
                    way = share_of(
                        profile.person_id,
                        f"{self.name}\x1f{step.name}",
                        [share.percent for share in step.shares],
                    )
                    variant = None if way is None else step.shares[way].name
                    run = msgspec.structs.replace(run, variant=variant)
            at = self._leave(node, way, run, decided)
        return None

    def go_on(self, profile: Profile, slot: str, run: Run, as_of_us: int, decided: Decided) -> Run | None:
        """Goes on where the run waits, because it is due; gives what `go` gives."""
        node = self.program.nodes[run.at]
        step = node.step
        if isinstance(step, Send):
            return self.go(profile, slot, run, run.at, as_of_us, decided)
        if not isinstance(step, WaitFor):
            at = self._leave(node, None, run, decided)
            return self.go(profile, slot, run, at, as_of_us, decided)
        assert run.timeout_us is not None
        scope = Scope(profile, run.fields, as_of_us)
        if self._holds(run.at, scope):
            at = self._leave(node, CAME, run, decided)
            return self.go(profile, slot, run, at, as_of_us, decided)
        if run.timeout_us <= as_of_us:
            at = self._leave(node, TIMED_OUT, run, decided)
            return self.go(profile, slot, run, at, as_of_us, decided)
        return self._awaiting(step, scope, run, run.timeout_us)

    def came(self, profile: Profile, slot: str, run: Run, as_of_us: int, decided: Decided) -> Run | None:
        """Goes on because the event came that the run waits for; gives what `go` gives."""
        node = self.program.nodes[run.at]
        at = self._leave(node, CAME, run, decided)
        return self.go(profile, slot, run, at, as_of_us, decided)

    def _leave(self, node: Node, way: int | None, run: Run, decided: Decided) -> str | None:
        """Where a run goes on from a step: on one of its ways, or behind it."""
        if decided.trail is not None:
            decided.trail.append(Passage(self.name, run, node, way, len(decided.decisions)))
        return node.after if way is None else node.ways[way]

    def _update(self, step: Update, scope: Scope) -> None:
        """Writes an attribute."""
        value = read_source(step.source, scope, self._plan)
        if isinstance(value, Decimal):
            value = float(value)
        scope.profile.written[step.attribute] = Written(scope.as_of_us, value)

    def _holds(self, path: str, scope: Scope) -> bool:
        watch = self._watches.get(path)
        return watch is not None and watch.holds(scope, scope.as_of_us)

    def _awaiting(self, step: WaitFor, scope: Scope, run: Run, timeout_us: int) -> Run:
        """The run, waiting: due at its timeout, or when what it watches may change before."""
        watch = self._watches.get(step.path)
        change_us = None if watch is None else watch.next_change(scope)
        due_us = timeout_us if change_us is None else min(change_us, timeout_us)
        return msgspec.structs.replace(run, at=step.path, due_us=due_us, timeout_us=timeout_us)

    def _way(self, path: str, scope: Scope) -> int | None:
        """Which way of a branch is taken; None for none."""
        for way, holds in enumerate(self._arms[path]):
            if holds is None or holds(scope, scope.as_of_us):
                return way
        return None


def _moment_us(values: list[Any] | None) -> int | None:
    """The first moment among the values of a field."""
    moments = (instant_us(value) for value in values or () if isinstance(value, str))
    return next((moment for moment in moments if moment is not None), None)

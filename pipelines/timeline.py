"""A simulated person's timeline: each thing that happened, in words and as data."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from typing import Any

import msgspec

from pipelines.sentences import because, value_words
from pipelines.simulation import OVERFLOWN, Tick
from pipelines.step_words import end_words, wait_words
from schemas.decision import Decision, Gate, Outcome, Reason
from schemas.store import OutboundAction
from schemas.timestamps import format_rfc3339
from schemas.workspace.entries import ConditionEntry, Reentry
from schemas.workspace.steps import Exit
from transforms.core.fold import FoldOutcome
from transforms.core.paths import values_of
from transforms.core.plan import Plan
from transforms.core.profile import Profile, Run
from transforms.core.program import Program
from transforms.core.run_keys import journey_of
from transforms.core.trail import Passage
from transforms.core.watch import SCHEDULED, TIME_PASSED

_SHOWN = 60
"""So many characters of a value are shown in words; the data has all of it."""


class Kind(StrEnum):
    """What happened."""

    EVENT = "event"
    BEGUN = "begun"
    REFUSED = "refused"
    WAITS = "waits"
    PASSED = "passed"
    SENT = "sent"
    NOT_SENT = "not_sent"
    ENDED = "ended"
    PENDING = "pending"
    NOTHING = "nothing"


class Moment(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line of a timeline.

    Attributes:
        journey: None where it is about an event.
        key: of the run.
        step: the path of the step, where it is about one.
        passed: the gates that a candidate passed, in order; none for what goes to a nominee beside it.
        action: the message, as its channel gets it.
        data: what the workspace reads from an event, by path.
        text: the line in words.
    """

    time: str
    kind: Kind
    text: str
    journey: str | None = None
    key: str = ""
    step: str | None = None
    event_id: str | None = None
    event_type: str | None = None
    outcome: str | None = None
    data: dict[str, Any] = {}
    passed: list[Gate] = []
    decision: Decision | None = None
    action: msgspec.Raw | None = None


_NOT_FOLDED = {
    FoldOutcome.DUPLICATE: "it was before",
    FoldOutcome.CONFLICT: "another event of its source and id was before",
    FoldOutcome.BELOW_FLOOR: "it lagged too far behind the others",
    FoldOutcome.LATE: "it was published too late",
    OVERFLOWN: "the profile is full",
}
_Identity = tuple[str, tuple[str, str, str, int]]
"""What tells runs of a person apart: the journey, and the cause."""


class Timeline:
    """Tells what happened, for one workspace."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._zone = plan.workspace.time_zone
        self._journeys = {(journey.name, journey.version): journey for journey in plan.workspace.versions()}
        self._programs = {at: Program(journey.steps) for at, journey in self._journeys.items()}

    def tell(self, ticks: Iterable[Tick], as_of_us: int) -> Iterator[Moment]:
        """All moments, in order; at the end what is pending as of then."""
        profile = None
        quiet = True
        for tick in ticks:
            profile = tick.after
            if tick.event is not None:
                yield self._event(tick)
            for moment in self._journeys_of(tick):
                quiet = False
                yield moment
        if profile is not None:
            for moment in self._pending(profile, as_of_us):
                quiet = False
                yield moment
        if quiet:
            yield Moment(format_rfc3339(as_of_us), Kind.NOTHING, "nothing enters a journey")

    def _event(self, tick: Tick) -> Moment:
        event = tick.event
        assert event is not None
        paths = self._plan.types[event.type].paths
        data = {
            path: found[0] if len(found) == 1 else found
            for path, value in zip(paths, event.values, strict=True)
            if (found := values_of(value))
        }
        text = f"{event.type} {event.event_id}"
        if data:
            text += f": {_listed(data)}"
        if tick.outcome != FoldOutcome.FOLDED:
            text += f" (not folded: {_NOT_FOLDED[tick.outcome]})"
        return Moment(
            format_rfc3339(tick.time_us),
            Kind.EVENT,
            text,
            event_id=event.event_id,
            event_type=event.type,
            outcome=tick.outcome,
            data=data,
        )

    def _journeys_of(self, tick: Tick) -> Iterator[Moment]:
        """What a tick comes to for journeys: those under way first, then those that begin, by name."""
        before, after = _runs(tick.before), _runs(tick.after)
        passages: dict[_Identity, list[Passage]] = {}
        for passage in tick.trail:
            passages.setdefault((passage.journey, passage.run.cause), []).append(passage)
        decisions: dict[_Identity, list[tuple[int, Decision]]] = {}
        for number, decision in enumerate(tick.decisions):
            decisions.setdefault(_about(decision), []).append((number, decision))
        concerned = {**dict.fromkeys(before), **dict.fromkeys(passages), **dict.fromkeys(after)}
        rest = [about for about in decisions if about not in concerned]
        for about in sorted([*concerned, *rest], key=lambda about: (about not in before, about[0], about[1])):
            telling = _Telling(self, tick, about[0])
            if about in concerned:
                yield from telling.run(
                    before.get(about), after.get(about), passages.get(about, []), decisions.get(about, [])
                )
            else:
                for _, decision in decisions[about]:
                    yield telling.refusal(decision)

    def _pending(self, profile: Profile, as_of_us: int) -> Iterator[Moment]:
        time = format_rfc3339(as_of_us)
        for (name, _), run in sorted(_runs(profile).items()):
            text = f"{self.label(name, run)} still {self.waiting(name, run)}"
            yield Moment(time, Kind.PENDING, text, name, run.key, run.at)
        for name, watch in sorted(profile.watches.items()):
            if watch.due_us is None:
                continue
            newest = self._plan.journeys[name]
            changes = isinstance(newest.entry, ConditionEntry)
            how = "as its condition may change then" if changes else "by its schedule"
            yield Moment(
                time, Kind.PENDING, f"{name} may begin at {format_rfc3339(watch.due_us)}, {how}", name
            )

    def label(self, name: str, run: Run) -> str:
        """How a run is called: by its journey, its key, and where there may be several by its event."""
        journey = self._journeys[name, run.version]
        of = f" of {run.cause[0]}" if journey.reentry is Reentry.ALWAYS else ""
        return f"{name}{f' {run.key}' if run.key else ''}{of}"

    def waiting(self, name: str, run: Run) -> str:
        """What a run waits for."""
        return wait_words(self._programs[name, run.version].nodes[run.at].step, run, self._zone)

    def begins(self, name: str, run: Run) -> str:
        """Why a run begins."""
        how = {TIME_PASSED: " as time passes: its condition holds", SCHEDULED: " by its schedule"}
        if isinstance(self._journeys[name, run.version].entry, ConditionEntry):
            how.setdefault(run.cause[2], ": its condition holds")
        return f"begins{how.get(run.cause[2], '')}"


class _Telling:
    """Tells what a tick comes to for one run, or for one that does not begin."""

    def __init__(self, timeline: Timeline, tick: Tick, journey: str) -> None:
        self._timeline = timeline
        self._tick = tick
        self._journey = journey

    def run(
        self,
        before: Run | None,
        after: Run | None,
        passages: Sequence[Passage],
        decisions: Sequence[tuple[int, Decision]],
    ) -> Iterator[Moment]:
        """What became of a run; nothing where it waits as it did."""
        run = before or (passages[0].run if passages else after)
        assert run is not None
        if before is None:
            yield self._moment(Kind.BEGUN, run, self._timeline.begins(self._journey, run))
        left = list(decisions)
        ended = False
        waited_at = before.at if before else None
        for passage in passages:
            while left and left[0][0] < passage.decisions:
                yield self._candidate(run, left.pop(0)[1])
            step = passage.node.step
            text = end_words(step, passage.way, step.path == waited_at, self._event())
            if text is not None:
                yield self._moment(Kind.PASSED, run, text, step.path)
            elif isinstance(step, Exit):
                ended = True
                yield self._moment(Kind.ENDED, run, "ends: it exits", step.path)
        for _, decision in left:
            if decision.change.get("run") == "ended":
                ended = True
                text = f"ends before {decision.step}: {because(decision)}"
                yield self._moment(Kind.ENDED, run, text, decision=decision)
            else:
                yield self._candidate(run, decision)
        if after is None and not ended:
            text = "ends" if passages else "ends: it begins anew"
            yield self._moment(Kind.ENDED, run, text)
        elif after is not None and (before is None or passages or decisions):
            yield self._moment(Kind.WAITS, after, self._timeline.waiting(self._journey, after), after.at)

    def refusal(self, decision: Decision) -> Moment:
        """A run that does not begin, or an event that is refused."""
        what = f"{decision.journey} does not begin" if decision.journey else "the event is refused"
        gate = f"{decision.gate} failed: " if decision.gate else ""
        return Moment(
            format_rfc3339(self._tick.time_us),
            Kind.REFUSED,
            f"{what}: {gate}{because(decision)}",
            decision.journey,
            decision=decision,
        )

    def _candidate(self, run: Run, decision: Decision) -> Moment:
        """A message that passed its gates, or failed at one."""
        gates = list(Gate)
        passed = gates if decision.gate is None else gates[: gates.index(decision.gate)]
        told = f"{', '.join(passed)} passed" if passed else ""
        if decision.reason is Reason.NOMINATED:
            passed, told = [], because(decision)
        action = next((item for item in self._tick.actions if item.action_id == decision.action_id), None)
        if action is not None:
            kind, text = Kind.SENT, f"sends {decision.step} {_message(action)}; {told}"
        else:
            kind, text = Kind.NOT_SENT, f"does not send {decision.step}"
            if decision.outcome is not Outcome.SUPPRESSED:
                text += f" ({decision.outcome.replace('_', ' ')})"
            failed = f"{decision.gate} failed: " if decision.gate else ""
            text += f": {told}{', ' if told else ''}{failed}{because(decision)}"
        body = None if action is None else msgspec.Raw(action.body)
        return self._moment(kind, run, text, decision=decision, passed=passed, action=body)

    def _event(self) -> str | None:
        event = self._tick.event
        return None if event is None else f"{event.type} {event.event_id}"

    def _moment(self, kind: Kind, run: Run, text: str, step: str | None = None, **more: Any) -> Moment:
        text = f"{self._timeline.label(self._journey, run)} {text}"
        return Moment(
            format_rfc3339(self._tick.time_us), kind, text, self._journey, run.key, step=step, **more
        )


def _runs(profile: Profile) -> dict[_Identity, Run]:
    return {(journey_of(slot), run.cause): run for slot, run in profile.runs.items()}


def _about(decision: Decision) -> _Identity:
    cause = decision.cause
    return decision.journey or "", (cause.event_id, cause.source, cause.type, cause.time_us)


def _message(action: OutboundAction) -> str:
    body: dict[str, Any] = msgspec.json.decode(action.body)
    variant = f" (variant {body['variant']})" if "variant" in body else ""
    filled = f" with {_listed(body['data'])}" if body["data"] else ""
    nominee = body.get("nominee")
    whom = "" if nominee is None else f"to {nominee.get('name', 'a nominee')} "
    return f"{whom}by {action.channel}: template {body['template']}{variant}{filled}"


def _listed(data: dict[str, Any]) -> str:
    return ", ".join(f"{name} {_clipped(value_words(value))}" for name, value in data.items())


def _clipped(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."

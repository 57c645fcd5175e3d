"""Decide: whether to act for a person now, and why.

A candidate action passes its gates in order; the first that fails gives the decision its reason.
Everything here follows from the profile, the cause and the as-of time.
"""

from __future__ import annotations

from typing import NamedTuple

from schemas.decision import Cause
from schemas.timestamps import DAY_US, format_rfc3339
from transforms.core.condition import Predicate
from transforms.core.fold_event import FoldEvent
from transforms.core.gates import EXITED, PROFILE_OVERFLOW, UNDER_WAY, VERSION_GONE, Verdict
from transforms.core.plan import Entry, Plan
from transforms.core.profile import Profile, Run
from transforms.core.record import NO_CANDIDATE, Candidate, Decided, Recorder
from transforms.core.walk import Walker

MIN_CONTACTS_US = 90 * DAY_US
"""Contact history is kept at least this long."""


class _Entrance(NamedTuple):
    """An entry of the plan with its journey."""

    where: Predicate | None
    walker: Walker
    entry: Entry


class Decider:
    """The journeys of one workspace, compiled."""

    def __init__(self, plan: Plan) -> None:
        self._recorder = Recorder(plan.workspace.name)
        self._walkers = {
            (journey.name, journey.version): Walker(journey, plan, self._recorder)
            for journey in plan.workspace.versions()
        }
        self._entrances = {
            event_type: [
                _Entrance(entry.where, self._walkers[entry.journey.name, entry.journey.version], entry)
                for entry in of.entries
            ]
            for event_type, of in plan.types.items()
        }
        self._exits = {event_type: of.exits for event_type, of in plan.types.items()}
        self._awaited = {event_type: of.awaited for event_type, of in plan.types.items()}
        cooldowns = [journey.cooldown_us or 0 for journey in plan.workspace.journeys]
        self._contacts_us = max([MIN_CONTACTS_US, *cooldowns])

    def on_event(self, profile: Profile, event: FoldEvent, as_of_us: int, decided: Decided) -> None:
        """Lets journeys end, go on and begin by an event that was just folded."""
        if profile.runs:
            self._end(profile, event, as_of_us, decided)
            self._go_on(profile, event, as_of_us, decided)
        cause = None
        for where, walker, entry in self._entrances[event.type]:
            if where is None or where(event, as_of_us):
                if cause is None:
                    cause = Cause(event.event_id, event.source, event.type, event.time_us)
                self._enter(profile, walker, entry, event, cause, as_of_us, decided)

    def on_due(self, profile: Profile, until_us: int, decided: Decided) -> None:
        """Lets every run go on that is due up to a time, inclusive, earliest first."""
        while profile.runs:
            due_us, name = min([(run.due_us, name) for name, run in profile.runs.items()])
            if due_us > until_us:
                return
            run = profile.runs.pop(name)
            walker = self._walker(profile, name, run, due_us, decided)
            if walker is not None:
                self._keep(profile, name, walker.go_on(profile, run, due_us, decided))

    def prune(self, profile: Profile) -> None:
        """Drops contacts that no gate looks at any more."""
        start = profile.time_us - self._contacts_us
        if profile.contacts and profile.contacts[0].time_us <= start:
            profile.contacts = [contact for contact in profile.contacts if contact.time_us > start]

    def overflow(self, profile: Profile, event: FoldEvent, decided: Decided) -> None:
        """Records that an event was refused because the person's image is full."""
        cause = Cause(event.event_id, event.source, event.type, event.time_us)
        verdict = Verdict(PROFILE_OVERFLOW, {"event_type": event.type})
        self._recorder.record(profile, NO_CANDIDATE, cause, event.time_us, decided, verdict, {})

    def _enter(
        self,
        profile: Profile,
        walker: Walker,
        entry: Entry,
        event: FoldEvent,
        cause: Cause,
        as_of_us: int,
        decided: Decided,
    ) -> None:
        """Begins a run, or a further one where the journey restarts; records why not."""
        name, verdict = walker.name, None
        under_way = profile.runs.get(name) if profile.runs else None
        if under_way is not None and walker.journey.on_repeat == "keep":
            verdict = Verdict(UNDER_WAY, {"waits_until": format_rfc3339(under_way.due_us)})
        elif not walker.sends_at_once:
            verdict = walker.entry.validity(as_of_us) or walker.entry.cooldown(profile, as_of_us)
        if verdict is not None:
            self._recorder.record(profile, walker.first, cause, as_of_us, decided, verdict, {})
            return
        if under_way is not None:
            del profile.runs[name]
        fields = {path: read(event) for path, read in entry.fields}
        run = Run(
            walker.version, "", as_of_us, (cause.event_id, cause.source, cause.type, cause.time_us), fields
        )
        self._keep(profile, name, walker.go(profile, run, walker.program.start, as_of_us, decided))

    def _end(self, profile: Profile, event: FoldEvent, as_of_us: int, decided: Decided) -> None:
        """Ends the runs that an event ends."""
        exits = self._exits[event.type]
        if not exits:
            return
        for name in sorted(profile.runs):
            run = profile.runs[name]
            if (name, run.version) not in exits:
                continue
            del profile.runs[name]
            walker = self._walker(profile, name, run, as_of_us, decided)
            if walker is not None:
                evidence = {
                    "exit_event": event.event_id,
                    "type": event.type,
                    "time": format_rfc3339(event.time_us),
                }
                self._recorder.record(
                    profile,
                    walker.next_send(run.at),
                    Cause(*run.cause),
                    as_of_us,
                    decided,
                    Verdict(EXITED, evidence),
                    {"run": "ended"},
                )

    def _go_on(self, profile: Profile, event: FoldEvent, as_of_us: int, decided: Decided) -> None:
        """Lets runs go on for which an event was the one that they waited for, or made a condition hold."""
        awaited = self._awaited[event.type]
        for name in sorted(profile.runs):
            run = profile.runs[name]
            if run.timeout_us is None:
                continue
            walker = self._walker(profile, name, run, as_of_us, decided)
            if walker is None:
                del profile.runs[name]
            elif walker.watches(run.at):
                self._keep(profile, name, walker.go_on(profile, run, as_of_us, decided))
            elif (where := awaited.get((name, run.version, run.at), _never)) is None or where(
                event, as_of_us
            ):
                self._keep(profile, name, walker.came(profile, run, as_of_us, decided))

    def _walker(
        self, profile: Profile, name: str, run: Run, as_of_us: int, decided: Decided
    ) -> Walker | None:
        """The journey of a run; None, and a record of it, where the version that it entered is gone."""
        walker = self._walkers.get((name, run.version))
        if walker is not None:
            return walker
        candidate = Candidate.of(name, run.version, None)
        verdict = Verdict(VERSION_GONE, {"version": run.version})
        self._recorder.record(
            profile, candidate, Cause(*run.cause), as_of_us, decided, verdict, {"run": "ended"}
        )
        return None

    def _keep(self, profile: Profile, name: str, run: Run | None) -> None:
        """Keeps a run that waits; one that ended goes."""
        if run is not None:
            profile.runs[name] = run
        else:
            profile.runs.pop(name, None)


def _never(event: FoldEvent, as_of_us: int) -> bool:
    return False


def next_deadline(profile: Profile) -> int | None:
    """When the earliest of a person's runs is due, None for none."""
    return min([run.due_us for run in profile.runs.values()]) if profile.runs else None

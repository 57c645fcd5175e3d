"""Decide: whether to act for a person now, and why.

A candidate action passes its gates in order; the first that fails gives the decision its reason.
Everything here follows from the profile, the cause and the as-of time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from schemas.decision import Cause
from schemas.timestamps import DAY_US, format_rfc3339
from schemas.workspace.entries import Reentry
from transforms.core.condition import Predicate
from transforms.core.entering import Entering
from transforms.core.fold_event import FoldEvent
from transforms.core.plan import EntryPlan, ExitPlan, Plan
from transforms.core.profile import Profile, Run
from transforms.core.ranks import Rank, Ranks
from transforms.core.record import NO_CANDIDATE, Candidate, Decided, Recorder
from transforms.core.rulings import EXITED, PROFILE_OVERFLOW, VERSION_GONE, Verdict
from transforms.core.run_keys import journey_of, key_of
from transforms.core.scope import Scope
from transforms.core.walk import Walker
from transforms.core.watch import Watcher, watcher_of

_UNRANKED = (1, 0.0, "")
"""Of a journey that is gone: after all others."""
MIN_CONTACTS_US = 90 * DAY_US
"""Contact history is kept at least this long."""


class _Entrance(NamedTuple):
    """An entry of the plan with its journey."""

    where: Predicate | None
    walker: Walker
    entry: EntryPlan


class Decider:
    """The journeys of one workspace, compiled."""

    def __init__(self, plan: Plan) -> None:
        self._recorder = Recorder(plan.workspace.name)
        self._entering = Entering(self._recorder)
        self._walkers = {
            (journey.name, journey.version): Walker(journey, plan, self._recorder)
            for journey in plan.workspace.versions()
        }
        self._newest = {
            journey.name: self._walkers[journey.name, journey.version] for journey in plan.workspace.journeys
        }
        self._entrances = {
            event_type: [
                _Entrance(entry.where, self._newest[entry.journey.name], entry)
                for entry in sorted(
                    of.entries, key=lambda entry: (-entry.journey.priority, entry.journey.name)
                )
            ]
            for event_type, of in plan.types.items()
        }
        self._watchers: dict[str, Watcher] = {}
        for journey in plan.workspace.journeys:
            watcher = watcher_of(journey, plan.workspace, plan.folds, plan.subject)
            if watcher is not None:
                self._watchers[journey.name] = watcher
        self._watched = {event_type: of.watched for event_type, of in plan.types.items()}
        self._goals = {event_type: of.goals for event_type, of in plan.types.items()}
        self._ranks = {journey.name: Ranks(journey, plan).rank for journey in plan.workspace.journeys}
        # Entrances are in the order of their ranks, unless a person's propensity has a say in it.
        self._ranked = {
            event_type: len(of) > 1 and any(item.entry.journey.propensity is not None for item in of)
            for event_type, of in self._entrances.items()
        }
        self._exits = {event_type: of.exits for event_type, of in plan.types.items()}
        self._awaited = {event_type: of.awaited for event_type, of in plan.types.items()}
        self._once = {item.name for item in plan.workspace.journeys if item.reentry is Reentry.ONCE}
        policy = plan.workspace.policy
        looks_back_us = [journey.cooldown_us or 0 for journey in plan.workspace.journeys]
        looks_back_us += [journey.goal.within_us for journey in plan.workspace.journeys if journey.goal]
        looks_back_us += [cap.window_us for cap in policy.caps]
        looks_back_us += [policy.unanswered.pause_us] if policy.unanswered else []
        looks_back_us += [policy.arbitration.window_us] if policy.arbitration else []
        self._contacts_us = max([MIN_CONTACTS_US, *looks_back_us])

    def on_event(self, profile: Profile, event: FoldEvent, as_of_us: int, decided: Decided) -> None:
        """Lets journeys end, go on and begin by an event that was just folded."""
        if profile.contacts and self._goals[event.type]:
            self._convert(profile, event)
        if profile.runs:
            self._end(profile, event, as_of_us, decided)
            self._go_on(profile, event, as_of_us, decided)
        entering = self._entering
        cause = None
        entrances = self._entrances[event.type]
        if self._ranked[event.type]:
            entrances = self._by_rank(entrances, profile, event, as_of_us)
        for where, walker, entry in entrances:
            if where is None or where(event, as_of_us):
                if cause is None:
                    cause = _cause_of(event)
                entering.enter(
                    profile,
                    walker,
                    cause,
                    as_of_us,
                    decided,
                    key="" if entry.key is None else key_of(entry.key(event)),
                    print64=event.print64,
                    fields={path: read(event) for path, read in entry.fields},
                )
        for name in self._watched[event.type]:
            if self._watchers[name].after_event(profile, as_of_us):
                entering.enter(profile, self._newest[name], _cause_of(event), as_of_us, decided)

    def on_due(self, profile: Profile, until_us: int, decided: Decided) -> None:
        """Lets all go on that is due up to a time, inclusive, earliest first; runs before what may begin."""
        while True:
            due_us = next_deadline(profile)
            if due_us is None or due_us > until_us:
                return
            slots = [slot for slot, run in profile.runs.items() if run.due_us == due_us]
            for slot in self._in_turn(slots, profile, due_us):
                run = profile.runs.pop(slot)
                walker = self._walker(profile, slot, run, due_us, decided)
                if walker is not None:
                    _keep(profile, slot, walker.go_on(profile, slot, run, due_us, decided))
            names = [name for name, watch in profile.watches.items() if watch.due_us == due_us]
            for name in self._in_turn(names, profile, due_us):
                self._look(profile, name, due_us, decided)

    def _by_rank(
        self, entrances: Sequence[_Entrance], profile: Profile, event: FoldEvent, as_of_us: int
    ) -> list[_Entrance]:
        """The ways in which an event enters journeys, in the order in which it does."""

        def rank(item: _Entrance) -> Rank:
            fields = {path: read(event) for path, read in item.entry.fields}
            return self._ranks[item.walker.name](Scope(profile, fields, as_of_us))

        return sorted(entrances, key=rank)

    def _in_turn(self, slots: list[str], profile: Profile, due_us: int) -> list[str]:
        """Slots or journeys that are due at one time, in the order of their ranks."""
        if len(slots) < 2:
            return slots

        def key(slot: str) -> tuple[Rank, str]:
            rank = self._ranks.get(journey_of(slot))
            if rank is None:
                return _UNRANKED, slot
            run = profile.runs.get(slot)
            return rank(Scope(profile, {} if run is None else run.fields, due_us)), slot

        return sorted(slots, key=key)

    def prune(self, profile: Profile) -> None:
        """Drops what no gate and no journey looks at any more."""
        start = profile.time_us - self._contacts_us
        if profile.contacts and profile.contacts[0].time_us <= start:
            profile.contacts = [contact for contact in profile.contacts if contact.time_us > start]
        if profile.conversions:
            known = {contact.action_id for contact in profile.contacts}
            profile.conversions = {
                action_id: time_us
                for action_id, time_us in sorted(profile.conversions.items())
                if action_id in known
            }
        if profile.entered:
            profile.entered = {
                slot: time_us for slot, time_us in profile.entered.items() if journey_of(slot) in self._once
            }
        if not profile.watches.keys() <= self._watchers.keys():
            profile.watches = {
                name: watch for name, watch in profile.watches.items() if name in self._watchers
            }

    def overflow(self, profile: Profile, event: FoldEvent, decided: Decided) -> None:
        """Records that an event was refused because the person's image is full."""
        verdict = Verdict(PROFILE_OVERFLOW, {"event_type": event.type})
        self._recorder.record(profile, NO_CANDIDATE, _cause_of(event), event.time_us, decided, verdict, {})

    def _convert(self, profile: Profile, event: FoldEvent) -> None:
        """Takes an event for a conversion of the actions whose goal it is."""
        within_us = self._goals[event.type]
        for contact in profile.contacts:
            if 0 <= event.time_us - contact.time_us <= within_us.get(contact.journey, -1):
                profile.conversions.setdefault(contact.action_id, event.time_us)

    def _look(self, profile: Profile, name: str, due_us: int, decided: Decided) -> None:
        """Looks whether a journey is entered, because it is time to."""
        watcher = self._watchers.get(name)
        if watcher is None:
            del profile.watches[name]
            return
        cause = watcher.when_due(profile, due_us)
        if cause is not None:
            self._entering.enter(profile, self._newest[name], cause, due_us, decided)

    def _end(self, profile: Profile, event: FoldEvent, as_of_us: int, decided: Decided) -> None:
        """Ends the runs that an event ends."""
        exits = self._exits[event.type]
        if not exits:
            return
        for slot in sorted(profile.runs):
            run = profile.runs[slot]
            ends = exits.get((journey_of(slot), run.version))
            if ends is None or not any(_ends(item, run, event, as_of_us) for item in ends):
                continue
            del profile.runs[slot]
            walker = self._walker(profile, slot, run, as_of_us, decided)
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
        for slot in sorted(profile.runs):
            run = profile.runs[slot]
            if run.timeout_us is None:
                continue
            walker = self._walker(profile, slot, run, as_of_us, decided)
            if walker is None:
                del profile.runs[slot]
                continue
            if walker.watches(run.at):
                _keep(profile, slot, walker.go_on(profile, slot, run, as_of_us, decided))
                continue
            where = awaited.get((journey_of(slot), run.version, run.at), _never)
            if where is None or where(event, as_of_us):
                _keep(profile, slot, walker.came(profile, slot, run, as_of_us, decided))

    def _walker(
        self, profile: Profile, slot: str, run: Run, as_of_us: int, decided: Decided
    ) -> Walker | None:
        """The journey of a run; None, and a record of it, where the version that it entered is gone."""
        name = journey_of(slot)
        walker = self._walkers.get((name, run.version))
        if walker is not None:
            return walker
        candidate = Candidate.of(name, run.version, None)
        verdict = Verdict(VERSION_GONE, {"version": run.version})
        self._recorder.record(
            profile, candidate, Cause(*run.cause), as_of_us, decided, verdict, {"run": "ended"}
        )
        return None


def _keep(profile: Profile, slot: str, run: Run | None) -> None:
    """Keeps a run that waits; one that ended goes."""
    if run is not None:
        profile.runs[slot] = run
    else:
        profile.runs.pop(slot, None)


def _ends(item: ExitPlan, run: Run, event: FoldEvent, as_of_us: int) -> bool:
    """Whether an event ends a run."""
    if item.where is not None and not item.where(event, as_of_us):
        return False
    return item.key is None or key_of(item.key(event)) == run.key


def _never(event: FoldEvent, as_of_us: int) -> bool:
    return False


def _cause_of(event: FoldEvent) -> Cause:
    return Cause(event.event_id, event.source, event.type, event.time_us)


def next_deadline(profile: Profile) -> int | None:
    """When the earliest of what waits for a person is due, None for none."""
    if not profile.runs and not profile.watches:
        return None
    due = [run.due_us for run in profile.runs.values()]
    due += [watch.due_us for watch in profile.watches.values() if watch.due_us is not None]
    return min(due, default=None)

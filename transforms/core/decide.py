"""Decide: whether to act for a person now, and why.

A candidate action passes its gates in order; the first that fails gives the decision its reason.
Everything here follows from the profile, the cause and the as-of time.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b
from typing import Any, NamedTuple

import msgspec

from schemas.decision import Cause, Decision
from schemas.store import OutboundAction
from schemas.timestamps import DAY_US, format_rfc3339
from schemas.workspace.model import Journey
from transforms.core.action_body import ActionWriter
from transforms.core.condition import Predicate
from transforms.core.fold_event import FoldEvent
from transforms.core.gates import EXITED, PASSED, PROFILE_OVERFLOW, UNDER_WAY, Gates, Scope, Verdict
from transforms.core.plan import Entry, Plan
from transforms.core.profile import Contact, Profile, Run

MIN_CONTACTS_US = 90 * DAY_US
"""Contact history is kept at least this long."""

_NO_FIELDS: dict[str, list[Any]] = {}


class Decided(msgspec.Struct):
    """The decisions and actions of one commit, in the order in which they were made."""

    shard: int
    sequence: int
    decisions: list[Decision]
    actions: list[OutboundAction]


class _Rules:
    """One journey, compiled: its gates, its actions, and what all its decisions have in common."""

    def __init__(self, journey: Journey, plan: Plan) -> None:
        self.journey = journey
        self.name = journey.name
        self.version = journey.version
        self.step = journey.send.name
        self.wait_us = journey.wait_us
        self.keeps = journey.on_repeat == "keep"
        self.gates = Gates(journey, plan)
        self.write = ActionWriter(journey, plan).write
        self.trace = f"{journey.name}\x1f{journey.send.name}"
        self.contact = (journey.name, journey.send.name, journey.send.channel, journey.category.value)


class _Entrance(NamedTuple):
    """An entry of the plan with its journey's rules."""

    where: Predicate | None
    rules: _Rules
    entry: Entry


class Decider:
    """The journeys of one workspace, compiled."""

    def __init__(self, plan: Plan) -> None:
        self._workspace = plan.workspace.name
        self._rules = {name: _Rules(journey, plan) for name, journey in plan.journeys.items()}
        self._entrances = {
            event_type: [
                _Entrance(entry.where, self._rules[entry.journey.name], entry) for entry in of.entries
            ]
            for event_type, of in plan.types.items()
        }
        self._exits = {event_type: of.exits for event_type, of in plan.types.items()}
        self._decision_id = _hashing("decision", self._workspace)
        self._action_id = _hashing("action", self._workspace)
        cooldowns = [journey.cooldown_us or 0 for journey in plan.workspace.journeys]
        self._contacts_us = max([MIN_CONTACTS_US, *cooldowns])

    def on_event(self, profile: Profile, event: FoldEvent, as_of_us: int, decided: Decided) -> None:
        """Lets journeys end and begin by an event that was just folded."""
        event_type = event.type
        if profile.runs and (ended := self._exits[event_type] & profile.runs.keys()):
            for name in sorted(ended):
                self._exit(profile, self._rules[name], event, as_of_us, decided)
        cause = None
        for where, rules, entry in self._entrances[event_type]:
            if where is None or where(event, as_of_us):
                if cause is None:
                    cause = Cause(event.event_id, event.source, event_type, event.time_us)
                if rules.wait_us:
                    self._wait(profile, rules, entry, event, cause, as_of_us, decided)
                else:
                    fields = _fields(entry, event) if rules.gates.asks_fields else _NO_FIELDS
                    verdict = rules.gates.pass_all(scope := Scope(profile, fields, as_of_us))
                    if verdict.ruling is PASSED:
                        scope.fields = _fields(entry, event)
                    self._act(rules, cause, scope, verdict, decided)

    def on_due(self, profile: Profile, until_us: int, decided: Decided) -> None:
        """Ends every wait that is due up to a time, inclusive, earliest first."""
        runs = profile.runs
        while runs:
            due_us, name = min([(run.due_us, name) for name, run in runs.items()])
            if due_us > until_us:
                return
            run = runs.pop(name)
            rules = self._rules.get(name)
            if rules is not None:
                scope = Scope(profile, run.fields, due_us)
                self._act(rules, Cause(*run.cause), scope, rules.gates.pass_all(scope), decided)

    def prune(self, profile: Profile) -> None:
        """Drops contacts that no gate looks at any more."""
        start = profile.time_us - self._contacts_us
        if profile.contacts and profile.contacts[0].time_us <= start:
            profile.contacts = [contact for contact in profile.contacts if contact.time_us > start]

    def overflow(self, profile: Profile, event: FoldEvent, decided: Decided) -> None:
        """Records that an event was refused because the person's image is full."""
        cause = Cause(event.event_id, event.source, event.type, event.time_us)
        verdict = Verdict(PROFILE_OVERFLOW, {"event_type": event.type})
        self._record(profile, None, cause, event.time_us, decided, verdict, {})

    def _wait(
        self,
        profile: Profile,
        rules: _Rules,
        entry: Entry,
        event: FoldEvent,
        cause: Cause,
        as_of_us: int,
        decided: Decided,
    ) -> None:
        """Begins a run, or a further one where the journey restarts."""
        name = rules.name
        if rules.keeps and (under_way := profile.runs.get(name)) is not None:
            evidence = {"waits_until": format_rfc3339(under_way.due_us)}
            verdict: Verdict | None = Verdict(UNDER_WAY, evidence)
        else:
            gates = rules.gates
            verdict = gates.validity(as_of_us) or gates.cooldown(profile, as_of_us)
        if verdict is not None:
            self._record(profile, rules, cause, as_of_us, decided, verdict, {})
            return
        profile.runs[name] = Run(
            rules.version,
            as_of_us + rules.wait_us,
            (cause.event_id, cause.source, cause.type, cause.time_us),
            _fields(entry, event),
        )

    def _exit(
        self, profile: Profile, rules: _Rules, event: FoldEvent, as_of_us: int, decided: Decided
    ) -> None:
        run = profile.runs.pop(rules.name)
        evidence = {"exit_event": event.event_id, "type": event.type, "time": format_rfc3339(event.time_us)}
        verdict = Verdict(EXITED, evidence)
        self._record(profile, rules, Cause(*run.cause), as_of_us, decided, verdict, {"run": "ended"})

    def _act(self, rules: _Rules, cause: Cause, scope: Scope, verdict: Verdict, decided: Decided) -> None:
        """Does what a verdict came to: sends the action, or records why not."""
        profile, as_of_us = scope.profile, scope.as_of_us
        if verdict.ruling is not PASSED:
            self._record(profile, rules, cause, as_of_us, decided, verdict, {})
            return
        action_id = self._action_id(f"{rules.trace}\x1f\x1f{cause.source}\x1f{cause.event_id}")
        profile.contacts.append(Contact(as_of_us, action_id, *rules.contact))
        decided.actions.append(rules.write(scope, cause, action_id, verdict.address, decided.sequence))
        self._record(profile, rules, cause, as_of_us, decided, verdict, {"contact": action_id}, action_id)

    def _record(
        self,
        profile: Profile,
        rules: _Rules | None,
        cause: Cause,
        as_of_us: int,
        decided: Decided,
        verdict: Verdict,
        change: dict[str, Any],
        action_id: str | None = None,
    ) -> None:
        person_id, ruling = profile.person_id, verdict.ruling
        name, version, step, trace = (
            (None, None, None, "\x1f")
            if rules is None
            else (rules.name, rules.version, rules.step, rules.trace)
        )
        decision_id = self._decision_id(
            f"{person_id}\x1f{trace}\x1f{cause.source}\x1f{cause.event_id}\x1f{ruling.trace}\x1f{as_of_us}"
        )
        decided.decisions.append(
            Decision(
                decision_id,
                self._workspace,
                person_id,
                decided.shard,
                decided.sequence,
                name,
                version,
                step,
                ruling.outcome,
                ruling.reason,
                ruling.gate,
                verdict.evidence,
                change,
                cause,
                action_id,
                as_of_us,
            )
        )


def next_deadline(profile: Profile) -> int | None:
    """When the earliest of a person's pending waits ends, None for none."""
    return min([run.due_us for run in profile.runs.values()]) if profile.runs else None


def _fields(entry: Entry, event: FoldEvent) -> dict[str, list[Any]]:
    """The values that a journey reads from its entry event, by path."""
    return {path: read(event) for path, read in entry.fields}


def _hashing(*parts: str) -> Callable[[str], str]:
    """A function from the rest of a text that begins with these parts to the hash of the whole."""
    seed = blake2b("".join(f"{part}\x1f" for part in parts).encode(), digest_size=16)

    def digest(rest: str) -> str:
        whole = seed.copy()
        whole.update(rest.encode())
        return whole.hexdigest()

    return digest

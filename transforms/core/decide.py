"""Decide: whether to act for a person now, and why.

A candidate action passes its gates in order; the first that fails gives the decision its reason.
Everything here follows from the profile, the cause and the as-of time.
"""

from __future__ import annotations

from datetime import timedelta
from hashlib import blake2b
from typing import Any

import msgspec

from schemas.action import Action, ActionCause
from schemas.decision import Cause, Decision, Gate, Outcome, Reason
from schemas.store import OutboundAction
from schemas.timestamps import DAY_US, EPOCH, format_rfc3339
from schemas.workspace.model import AttributeSource, FieldSource, Journey
from transforms.core.fold import read_attribute
from transforms.core.fold_event import FoldEvent
from transforms.core.gates import Gates, Scope, Verdict
from transforms.core.plan import Entry, Plan
from transforms.core.profile import Contact, Profile, Run

MIN_CONTACTS_US = 90 * DAY_US
"""Contact history is kept at least this long."""


class Decided(msgspec.Struct):
    """The decisions and actions of one commit, in the order in which they were made."""

    shard: int
    sequence: int
    decisions: list[Decision]
    actions: list[OutboundAction]


class Decider:
    """The journeys of one workspace, compiled."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._workspace = plan.workspace
        self._gates = Gates(plan)
        cooldowns = [journey.cooldown_us or 0 for journey in plan.workspace.journeys]
        self._contacts_us = max([MIN_CONTACTS_US, *cooldowns])

    def on_event(self, profile: Profile, event: FoldEvent, as_of_us: int, decided: Decided) -> None:
        """Lets journeys end and begin by an event that was just folded."""
        plan = self._plan.types[event.type]
        if profile.runs and plan.exits:
            for name in sorted(plan.exits & profile.runs.keys()):
                self._exit(profile, name, event, as_of_us, decided)
        for entry in plan.entries:
            if entry.where is None or entry.where(event, as_of_us):
                self._enter(profile, entry, event, as_of_us, decided)

    def on_due(self, profile: Profile, until_us: int, decided: Decided) -> None:
        """Ends every wait that is due up to a time, inclusive, earliest first."""
        while (deadline := next_deadline(profile)) is not None and deadline <= until_us:
            name = min(name for name, run in profile.runs.items() if run.due_us == deadline)
            run = profile.runs.pop(name)
            journey = self._plan.journeys.get(name)
            if journey is not None:
                self._act(profile, journey, Cause(*run.cause), run.fields, deadline, decided)

    def prune(self, profile: Profile) -> None:
        """Drops contacts that no gate looks at any more."""
        start = profile.time_us - self._contacts_us
        if profile.contacts and profile.contacts[0].time_us <= start:
            profile.contacts = [contact for contact in profile.contacts if contact.time_us > start]

    def overflow(self, profile: Profile, event: FoldEvent, decided: Decided) -> None:
        """Records that an event was refused because the person's image is full."""
        decided.decisions.append(
            self._decision(
                profile,
                None,
                _cause(event),
                event.time_us,
                decided,
                Outcome.SUPPRESSED,
                Verdict(None, Reason.PROFILE_OVERFLOW, {"event_type": event.type}),
            )
        )

    def _enter(
        self, profile: Profile, entry: Entry, event: FoldEvent, as_of_us: int, decided: Decided
    ) -> None:
        journey = entry.journey
        cause = _cause(event)
        fields = {path: read(event) for path, read in entry.fields}
        if not journey.wait_us:
            self._act(profile, journey, cause, fields, as_of_us, decided)
            return
        under_way = profile.runs.get(journey.name)
        if under_way is not None and journey.on_repeat == "keep":
            evidence = {"waits_until": format_rfc3339(under_way.due_us)}
            verdict: Verdict | None = Verdict(Gate.REENTRY, Reason.UNDER_WAY, evidence)
        else:
            verdict = self._gates.validity(journey, as_of_us) or self._gates.cooldown(
                profile, journey, as_of_us
            )
        if verdict is not None:
            self._suppress(profile, journey, cause, as_of_us, decided, verdict)
            return
        due_us = as_of_us + journey.wait_us
        profile.runs[journey.name] = Run(
            journey.version, due_us, (cause.event_id, cause.source, cause.type, cause.time_us), fields
        )

    def _exit(self, profile: Profile, name: str, event: FoldEvent, as_of_us: int, decided: Decided) -> None:
        run = profile.runs.pop(name)
        journey = self._plan.journeys[name]
        evidence = {"exit_event": event.event_id, "type": event.type, "time": format_rfc3339(event.time_us)}
        self._suppress(
            profile,
            journey,
            Cause(*run.cause),
            as_of_us,
            decided,
            Verdict(Gate.REENTRY, Reason.EXITED, evidence),
            {"run": "ended"},
        )

    def _act(
        self,
        profile: Profile,
        journey: Journey,
        cause: Cause,
        fields: dict[str, list[Any]],
        as_of_us: int,
        decided: Decided,
    ) -> None:
        scope = Scope(profile, fields, as_of_us)
        verdict = self._gates.pass_all(journey, scope)
        if verdict.gate is not None:
            self._suppress(profile, journey, cause, as_of_us, decided, verdict)
            return
        action_id = _hash(
            "action", self._workspace.name, journey.name, journey.send.name, "",
            cause.source, cause.event_id,
        )  # fmt: skip
        contact = Contact(
            as_of_us,
            action_id,
            journey.name,
            journey.send.name,
            journey.send.channel,
            journey.category.value,
        )
        profile.contacts.append(contact)
        decided.actions.append(
            self._action(journey, cause, scope, decided.sequence, action_id, verdict.address)
        )
        decided.decisions.append(
            self._decision(
                profile, journey, cause, as_of_us, decided, Outcome.SENT, verdict, {"contact": action_id}
            )
        )

    def _data(self, journey: Journey, scope: Scope) -> dict[str, Any]:
        data: dict[str, Any] = {}
        for name, source in journey.send.data.items():
            if isinstance(source, AttributeSource):
                value = read_attribute(scope.profile, self._plan.folds[source.name], scope.as_of_us)
            elif isinstance(source, FieldSource):
                found = scope.fields.get(source.path)
                value = (found[0] if len(found) == 1 else found) if found else None
            else:
                value = source.value
            if value is not None:
                data[name] = value
        return data

    def _action(
        self,
        journey: Journey,
        cause: Cause,
        scope: Scope,
        sequence: int,
        action_id: str,
        address: str | None,
    ) -> OutboundAction:
        action = Action(
            action_id=action_id,
            workspace=self._workspace.name,
            person_id=scope.profile.person_id,
            channel=journey.send.channel,
            address=address,
            category=journey.category,
            journey=journey.name,
            journey_version=journey.version,
            step=journey.send.name,
            template=journey.send.template,
            data=_plain(self._data(journey, scope)),
            priority=journey.priority,
            sequence=sequence,
            cause=ActionCause(
                event_id=cause.event_id,
                source=cause.source,
                type=cause.type,
                time=EPOCH + timedelta(microseconds=cause.time_us),
            ),
            decided_at=EPOCH + timedelta(microseconds=scope.as_of_us),
            expires_at=EPOCH + timedelta(microseconds=scope.as_of_us + journey.send.expires_after_us),
        )
        return OutboundAction(
            journey.send.channel, action_id, action.model_dump_json(exclude_none=True).encode()
        )

    def _suppress(
        self,
        profile: Profile,
        journey: Journey,
        cause: Cause,
        as_of_us: int,
        decided: Decided,
        verdict: Verdict,
        change: dict[str, Any] | None = None,
    ) -> None:
        decided.decisions.append(
            self._decision(profile, journey, cause, as_of_us, decided, Outcome.SUPPRESSED, verdict, change)
        )

    def _decision(
        self,
        profile: Profile,
        journey: Journey | None,
        cause: Cause,
        as_of_us: int,
        decided: Decided,
        outcome: Outcome,
        verdict: Verdict,
        change: dict[str, Any] | None = None,
    ) -> Decision:
        name = journey.name if journey else None
        step = journey.send.name if journey else None
        action_id = (change or {}).get("contact")
        return Decision(
            decision_id=_hash(
                "decision", self._workspace.name, profile.person_id, name or "", step or "",
                cause.source, cause.event_id, outcome.value, verdict.reason.value, str(as_of_us),
            ),
            workspace=self._workspace.name,
            person_id=profile.person_id,
            shard=decided.shard,
            sequence=decided.sequence,
            journey=name,
            journey_version=journey.version if journey else None,
            step=step,
            outcome=outcome,
            reason=verdict.reason,
            gate=verdict.gate,
            evidence=verdict.evidence,
            change=change or {},
            cause=cause,
            action_id=action_id,
            as_of_us=as_of_us,
        )  # fmt: skip


def next_deadline(profile: Profile) -> int | None:
    """When the earliest of a person's pending waits ends, None for none."""
    return min((run.due_us for run in profile.runs.values()), default=None)


def _cause(event: FoldEvent) -> Cause:
    return Cause(event.event_id, event.source, event.type, event.time_us)


def _hash(*parts: str) -> str:
    return blake2b("\x1f".join(parts).encode(), digest_size=16).hexdigest()


_NUMBERS = msgspec.json.Encoder(order="sorted", decimal_format="number")


def _plain(data: dict[str, Any]) -> dict[str, Any]:
    """The data as JSON has it, Decimals as numbers."""
    plain: dict[str, Any] = msgspec.json.decode(_NUMBERS.encode(data))
    return plain

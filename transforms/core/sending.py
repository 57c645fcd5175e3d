"""Sending: a message passes its gates; it becomes an action, a contact and a decision, or a decision."""

from __future__ import annotations

from bisect import insort
from operator import attrgetter
from typing import Any

import msgspec

from schemas.decision import Cause, Outcome
from schemas.timestamps import format_rfc3339
from schemas.workspace.model import Journey
from schemas.workspace.policy import SOLICITING
from schemas.workspace.steps import Send
from transforms.core.action_body import ActionWriter
from transforms.core.gates import Gates
from transforms.core.nominees import told_as_well
from transforms.core.plan import Plan
from transforms.core.profile import Contact, Run
from transforms.core.record import Candidate, Decided, Recorder
from transforms.core.rulings import NOMINATED, Verdict
from transforms.core.scope import Scope

_TIME = attrgetter("time_us")
_CONTACTS = frozenset({Outcome.SENT, Outcome.HELD_OUT, Outcome.REHEARSED})
"""Outcomes that count for cooldowns, so that all groups are treated alike."""


class Sender:
    """One message of a journey, compiled.

    Attributes:
        candidate: what its decisions are about.
    """

    def __init__(self, journey: Journey, send: Send, plan: Plan, recorder: Recorder) -> None:
        self.candidate = Candidate.of(journey.name, journey.version, send.name)
        self._journey = journey
        self._send = send
        self._recorder = recorder
        self._channels = plan.workspace.channels
        self._gates = Gates(journey, send, plan)
        self._write = ActionWriter(journey, send, plan).write
        self._use_case = None if journey.category in SOLICITING else journey.use_case

    def send(self, slot: str, scope: Scope, run: Run, decided: Decided) -> tuple[Run, bool]:
        """Sends an action, or records why not; gives the run, and whether it waits here to try again."""
        cause = Cause(*run.cause)
        profile, as_of_us = scope.profile, scope.as_of_us
        verdict = self._gates.pass_all(scope, slot, run.sent)
        outcome = verdict.ruling.outcome
        change: dict[str, Any] = {}
        action_id = None
        if outcome in _CONTACTS:
            contact_id = self._recorder.action_id(profile.person_id, self.candidate, run.key, cause)
            held = outcome is not Outcome.SENT
            channel = verdict.channel or self._send.channels[0]
            contact = Contact(
                as_of_us,
                contact_id,
                self._journey.name,
                self._send.name,
                channel,
                self._journey.category.value,
                held,
            )
            change = {"contact": contact_id, "held": True} if held else {"contact": contact_id}
            if not held:
                action_id = contact_id
                decided.actions.append(
                    self._write(
                        scope,
                        cause,
                        action_id,
                        channel,
                        verdict.address,
                        decided.sequence,
                        run.variant,
                        verdict.language,
                    )
                )
            insort(profile.contacts, contact, key=_TIME)
            if not run.sent:
                run = msgspec.structs.replace(run, sent=True)
        elif outcome is Outcome.DEFERRED:
            run = parked(run, self._send.path, verdict.until_us)
            change = {"run": "deferred"}
        self._recorder.record(profile, self.candidate, cause, as_of_us, decided, verdict, change, action_id)
        if action_id is not None and self._use_case is not None:
            self._tell_nominees(self._use_case, scope, run, verdict, action_id, decided)
        return run, outcome is Outcome.DEFERRED

    def _tell_nominees(
        self, use_case: str, scope: Scope, run: Run, verdict: Verdict, sent_id: str, decided: Decided
    ) -> None:
        """Sends to whom the person nominated what was just sent to the person: no gate, and no contact."""
        namespace = self._channels[verdict.channel].address
        if namespace is None:
            return
        profile, cause = scope.profile, Cause(*run.cause)
        for nominee in told_as_well(profile.consents, use_case, namespace, verdict.address):
            trace = f"{self.candidate.trace}\x1f{nominee.identity}"
            candidate = self.candidate._replace(trace=trace)
            action_id = self._recorder.action_id(profile.person_id, candidate, run.key, cause)
            language = verdict.language
            if nominee.language is not None:
                language = self._gates.language(nominee.language)
            decided.actions.append(
                self._write(
                    scope,
                    cause,
                    action_id,
                    verdict.channel,
                    nominee.address,
                    decided.sequence,
                    run.variant,
                    language,
                    nominee,
                )
            )
            evidence = {
                "use_case": use_case,
                "nominated": format_rfc3339(nominee.said.time_us),
                "source": nominee.said.source,
                "sent_with": sent_id,
            }
            told = Verdict(NOMINATED, evidence)
            self._recorder.record(profile, candidate, cause, scope.as_of_us, decided, told, {}, action_id)


def parked(run: Run, at: str, due_us: int) -> Run:
    """The run, waiting at a step."""
    return msgspec.structs.replace(run, at=at, due_us=due_us, timeout_us=None)

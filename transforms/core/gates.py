"""Gates: what a candidate action passes before it is sent, in order; the first that fails decides."""

from __future__ import annotations

from typing import Any

import msgspec

from schemas.decision import Gate, Outcome, Reason
from schemas.timestamps import format_rfc3339
from schemas.workspace.model import Journey
from schemas.workspace.steps import Send
from transforms.core.condition import Explained
from transforms.core.plan import Plan
from transforms.core.profile import Profile
from transforms.core.scope import Scope, scope_subject


class Ruling(msgspec.Struct, frozen=True, gc=False):
    """One of the ways in which a candidate comes out.

    Attributes:
        trace: outcome and reason as they enter the id of a decision.
    """

    outcome: Outcome
    reason: Reason
    gate: Gate | None
    trace: str


def _ruling(reason: Reason, gate: Gate | None, outcome: Outcome = Outcome.SUPPRESSED) -> Ruling:
    return Ruling(outcome, reason, gate, f"{outcome.value}\x1f{reason.value}")


PASSED = _ruling(Reason.PASSED, None, Outcome.SENT)
INACTIVE = _ruling(Reason.INACTIVE, Gate.VALIDITY)
NOT_YET_VALID = _ruling(Reason.NOT_YET_VALID, Gate.VALIDITY)
NO_LONGER_VALID = _ruling(Reason.NO_LONGER_VALID, Gate.VALIDITY)
CONDITION_NOT_MET = _ruling(Reason.CONDITION_NOT_MET, Gate.CONDITION)
UNDER_WAY = _ruling(Reason.UNDER_WAY, Gate.REENTRY)
COOLDOWN = _ruling(Reason.COOLDOWN, Gate.REENTRY)
ENTERED_BEFORE = _ruling(Reason.ENTERED_BEFORE, Gate.REENTRY)
NO_KEY = _ruling(Reason.NO_KEY, Gate.REENTRY)
EXITED = _ruling(Reason.EXITED, Gate.REENTRY)
VERSION_GONE = _ruling(Reason.VERSION_GONE, None)
NO_ADDRESS = _ruling(Reason.NO_ADDRESS, Gate.ADDRESS)
PROFILE_OVERFLOW = _ruling(Reason.PROFILE_OVERFLOW, None)


class Verdict(msgspec.Struct, frozen=True, gc=False):
    """How a candidate came out of its gates, and why."""

    ruling: Ruling
    evidence: dict[str, Any]
    address: str | None = None


class EntryGates:
    """What a run passes when it begins and waits: the gates that need no message."""

    def __init__(self, journey: Journey) -> None:
        self._journey = journey
        self._name = journey.name
        self._cooldown_us = journey.cooldown_us
        self.always_valid = (
            journey.active and journey.valid_from_us is None and journey.valid_until_us is None
        )

    def validity(self, as_of_us: int) -> Verdict | None:
        """The verdict if the journey does not act at that time, None if it does."""
        journey = self._journey
        if not journey.active:
            return Verdict(INACTIVE, {"active": False})
        if journey.valid_from_us is not None and as_of_us < journey.valid_from_us:
            return Verdict(NOT_YET_VALID, {"valid_from": format_rfc3339(journey.valid_from_us)})
        if journey.valid_until_us is not None and as_of_us >= journey.valid_until_us:
            return Verdict(NO_LONGER_VALID, {"valid_until": format_rfc3339(journey.valid_until_us)})
        return None

    def cooldown(self, profile: Profile, as_of_us: int) -> Verdict | None:
        """The verdict if the person had the journey's action too recently, None if not."""
        cooldown_us = self._cooldown_us
        if cooldown_us is None:
            return None
        name = self._name
        start_us = as_of_us - cooldown_us
        for contact in reversed(profile.contacts):
            if contact.journey == name and contact.time_us > start_us:
                evidence = {
                    "last_sent": format_rfc3339(contact.time_us),
                    "cooldown_until": format_rfc3339(contact.time_us + cooldown_us),
                }
                return Verdict(COOLDOWN, evidence)
        return None


class Gates:
    """The gates of one message of a journey, compiled."""

    def __init__(self, journey: Journey, send: Send, plan: Plan) -> None:
        self._entry = EntryGates(journey)
        self._condition = Explained(journey.condition, scope_subject(plan.folds))
        namespace = plan.workspace.channels[send.channel].address
        self._prefix = None if namespace is None else f"{namespace}:"
        self._no_address = Verdict(NO_ADDRESS, {"channel": send.channel, "namespace": namespace})

    def pass_all(self, scope: Scope, follows: bool) -> Verdict:
        """The verdict about a candidate: the first gate that fails, or `PASSED` with its evidence.

        Args:
            follows: whether the run has sent an action before, which its cooldown began with.
        """
        as_of_us, entry = scope.as_of_us, self._entry
        if not entry.always_valid and (invalid := entry.validity(as_of_us)) is not None:
            return invalid
        holds, tests = self._condition.evaluate(scope, as_of_us)
        if not holds:
            return Verdict(CONDITION_NOT_MET, {"condition": tests})
        profile = scope.profile
        if profile.contacts and not follows and (cooling := entry.cooldown(profile, as_of_us)) is not None:
            return cooling
        address = None
        if self._prefix is not None:
            address = _address(profile, self._prefix)
            if address is None:
                return self._no_address
        return Verdict(PASSED, {"condition": tests}, address)


def _address(profile: Profile, prefix: str) -> str | None:
    """The person's identity in a namespace that was first seen last."""
    known = [(seen, text) for text, seen in profile.identities.items() if text.startswith(prefix)]
    return max(known)[1].removeprefix(prefix) if known else None

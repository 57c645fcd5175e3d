"""Gates: what a candidate action passes before it is sent, in order; the first that fails decides."""

from __future__ import annotations

from typing import Any

import msgspec

from schemas.decision import Gate, Outcome, Reason
from schemas.timestamps import format_rfc3339
from schemas.workspace.condition import Subject
from schemas.workspace.model import Journey
from transforms.core.condition import Explained, Read
from transforms.core.plan import Plan
from transforms.core.profile import Profile

_NOTHING: list[Any] = []


class Scope(msgspec.Struct, gc=False):
    """What a journey's condition is asked about.

    Attributes:
        fields: the values that the journey reads from the entry event, by path.
    """

    profile: Profile
    fields: dict[str, list[Any]]
    as_of_us: int


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
EXITED = _ruling(Reason.EXITED, Gate.REENTRY)
NO_ADDRESS = _ruling(Reason.NO_ADDRESS, Gate.ADDRESS)
PROFILE_OVERFLOW = _ruling(Reason.PROFILE_OVERFLOW, None)


class Verdict(msgspec.Struct, frozen=True, gc=False):
    """How a candidate came out of its gates, and why."""

    ruling: Ruling
    evidence: dict[str, Any]
    address: str | None = None


class Gates:
    """The gates of one journey, compiled."""

    def __init__(self, journey: Journey, plan: Plan) -> None:
        self._journey = journey
        self._name = journey.name
        self._folds = plan.folds
        self._cooldown_us = journey.cooldown_us
        self._condition = Explained(journey.condition, self._subject)
        channel = journey.send.channel
        namespace = plan.workspace.channels[channel].address
        self._prefix = None if namespace is None else f"{namespace}:"
        self._no_address = Verdict(NO_ADDRESS, {"channel": channel, "namespace": namespace})
        self._always_valid = (
            journey.active and journey.valid_from_us is None and journey.valid_until_us is None
        )
        self.asks_fields = self._condition.asks_fields

    def pass_all(self, scope: Scope) -> Verdict:
        """The verdict about a candidate: the first gate that fails, or `PASSED` with its evidence."""
        as_of_us = scope.as_of_us
        if not self._always_valid and (invalid := self.validity(as_of_us)) is not None:
            return invalid
        holds, tests = self._condition.evaluate(scope, as_of_us)
        if not holds:
            return Verdict(CONDITION_NOT_MET, {"condition": tests})
        profile = scope.profile
        if profile.contacts and (cooling := self.cooldown(profile, as_of_us)) is not None:
            return cooling
        address = None
        if self._prefix is not None:
            address = _address(profile, self._prefix)
            if address is None:
                return self._no_address
        return Verdict(PASSED, {"condition": tests}, address)

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

    def _subject(self, subject: Subject) -> Read:
        name = subject.name
        if subject.kind == "field":
            # A run that began under another version of the journey does not know every field.
            return lambda scope: scope.fields.get(name, _NOTHING)
        value_as_of = self._folds[name].read

        def read(scope: Scope) -> list[Any]:
            state = scope.profile.attributes.get(name)
            value = None if state is None else value_as_of(state, scope.as_of_us)
            if value is None:
                return _NOTHING
            return value if isinstance(value, list) else [value]

        return read


def _address(profile: Profile, prefix: str) -> str | None:
    """The person's identity in a namespace that was first seen last."""
    known = [(seen, text) for text, seen in profile.identities.items() if text.startswith(prefix)]
    return max(known)[1].removeprefix(prefix) if known else None

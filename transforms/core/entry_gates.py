"""The gates that a run passes when it begins, and a message each time: validity, condition, cooldown."""

from __future__ import annotations

from schemas.timestamps import format_rfc3339, parse_rfc3339
from schemas.workspace.model import Journey, Workspace
from transforms.core.condition import Explained
from transforms.core.gate import Candidate, Gate, Message
from transforms.core.plan import LEAD, LEAD_ENDS
from transforms.core.profile import Profile
from transforms.core.rulings import (
    CONDITION_NOT_MET,
    COOLDOWN,
    INACTIVE,
    NO_LONGER_VALID,
    NO_TEST_PERSON,
    NOT_YET_VALID,
    Verdict,
)


class EntryGates:
    """What a run passes when it begins and waits: the gates that need no message."""

    def __init__(self, journey: Journey, workspace: Workspace) -> None:
        self._journey = journey
        self._name = journey.name
        self._cooldown_us = journey.cooldown_us
        self._test_people = workspace.policy.test_people
        self.always_valid = (
            journey.active
            and journey.valid_from_us is None
            and journey.valid_until_us is None
            and journey.mode != "test"
        )

    def validity(self, profile: Profile, as_of_us: int) -> Verdict | None:
        """The verdict if the journey does not act at that time for that person, None if it does."""
        if self.always_valid:
            return None
        journey = self._journey
        if not journey.active:
            return Verdict(INACTIVE, {"active": False})
        if journey.valid_from_us is not None and as_of_us < journey.valid_from_us:
            return Verdict(NOT_YET_VALID, {"valid_from": format_rfc3339(journey.valid_from_us)})
        if journey.valid_until_us is not None and as_of_us >= journey.valid_until_us:
            return Verdict(NO_LONGER_VALID, {"valid_until": format_rfc3339(journey.valid_until_us)})
        if journey.mode == "test" and self._test_people.isdisjoint(profile.identities):
            return Verdict(NO_TEST_PERSON, {"mode": "test"})
        return None

    def cooldown(self, profile: Profile, as_of_us: int) -> Verdict | None:
        """The verdict if the person had the journey's action too recently, None if not."""
        cooldown_us = self._cooldown_us
        if cooldown_us is None or not profile.contacts:
            return None
        name = self._name
        start_us = as_of_us - cooldown_us
        for contact in reversed(profile.contacts):
            if contact.time_us <= start_us:
                break
            if contact.journey == name:
                evidence = {
                    "last_sent": format_rfc3339(contact.time_us),
                    "cooldown_until": format_rfc3339(contact.time_us + cooldown_us),
                }
                return Verdict(COOLDOWN, evidence)
        return None


def entry_gates(message: Message) -> list[Gate]:
    """The first gates of a message."""
    journey, plan = message.journey, message.plan
    entry = EntryGates(journey, plan.workspace)
    condition = Explained(journey.condition, plan.subject)

    def validity(candidate: Candidate) -> Verdict | None:
        return entry.validity(candidate.profile, candidate.as_of_us)

    def lead_validity(candidate: Candidate) -> Verdict | None:
        """A lead that has ended is of no use any more."""
        ends = candidate.scope.fields.get(LEAD_ENDS)
        if not ends or candidate.as_of_us < parse_rfc3339(ends[0]):
            return None
        return Verdict(NO_LONGER_VALID, {"valid_until": ends[0]})

    def holds(candidate: Candidate) -> Verdict | None:
        met, tests = condition.evaluate(candidate.scope, candidate.as_of_us)
        candidate.evidence["condition"] = tests
        return None if met else Verdict(CONDITION_NOT_MET, candidate.evidence)

    def cooled(candidate: Candidate) -> Verdict | None:
        if candidate.follows:
            return None
        return entry.cooldown(candidate.profile, candidate.as_of_us)

    gates: list[Gate] = [] if entry.always_valid else [validity]
    if LEAD in getattr(journey.entry, "events", ()):
        gates.append(lead_validity)
    gates.append(holds)
    if journey.cooldown_us is not None:
        gates.append(cooled)
    return gates

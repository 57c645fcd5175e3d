"""Gates: what a candidate action passes before it is sent, in order; the first that fails decides."""

from __future__ import annotations

from typing import Any, NamedTuple

from schemas.decision import Gate, Reason
from schemas.timestamps import format_rfc3339
from schemas.workspace.condition import Subject
from schemas.workspace.model import Journey
from transforms.core.condition import Explained, Read
from transforms.core.fold import read_attribute
from transforms.core.plan import Plan
from transforms.core.profile import Profile


class Scope(NamedTuple):
    """What a journey's condition is asked about."""

    profile: Profile
    fields: dict[str, list[Any]]
    as_of_us: int


class Verdict(NamedTuple):
    """Whether a candidate passed its gates, and if not, at which it failed and why."""

    gate: Gate | None
    reason: Reason
    evidence: dict[str, Any]
    address: str | None = None


class Gates:
    """The gates of one workspace, compiled."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._channels = plan.workspace.channels
        self._conditions = {
            journey.name: Explained(journey.condition, self._subject) for journey in plan.workspace.journeys
        }

    def pass_all(self, journey: Journey, scope: Scope) -> Verdict:
        """The verdict about a candidate: the first gate that fails, or `passed` with its evidence."""
        invalid = self.validity(journey, scope.as_of_us)
        if invalid is not None:
            return invalid
        holds, tests = self._conditions[journey.name].evaluate(scope, scope.as_of_us)
        if not holds:
            return Verdict(Gate.CONDITION, Reason.CONDITION_NOT_MET, {"condition": tests})
        cooling = self.cooldown(scope.profile, journey, scope.as_of_us)
        if cooling is not None:
            return cooling
        namespace = self._channels[journey.send.channel].address
        address = self.address(scope.profile, journey)
        if namespace is not None and address is None:
            evidence = {"channel": journey.send.channel, "namespace": namespace}
            return Verdict(Gate.ADDRESS, Reason.NO_ADDRESS, evidence)
        return Verdict(None, Reason.PASSED, {"condition": tests}, address)

    def validity(self, journey: Journey, as_of_us: int) -> Verdict | None:
        """The verdict if the journey does not act at that time, None if it does."""
        if not journey.active:
            return Verdict(Gate.VALIDITY, Reason.INACTIVE, {"active": False})
        if journey.valid_from_us is not None and as_of_us < journey.valid_from_us:
            evidence = {"valid_from": format_rfc3339(journey.valid_from_us)}
            return Verdict(Gate.VALIDITY, Reason.NOT_YET_VALID, evidence)
        if journey.valid_until_us is not None and as_of_us >= journey.valid_until_us:
            evidence = {"valid_until": format_rfc3339(journey.valid_until_us)}
            return Verdict(Gate.VALIDITY, Reason.NO_LONGER_VALID, evidence)
        return None

    def cooldown(self, profile: Profile, journey: Journey, as_of_us: int) -> Verdict | None:
        """The verdict if the person had the journey's action too recently, None if not."""
        if journey.cooldown_us is None:
            return None
        for contact in reversed(profile.contacts):
            if contact.journey == journey.name and contact.time_us > as_of_us - journey.cooldown_us:
                return Verdict(
                    Gate.REENTRY,
                    Reason.COOLDOWN,
                    {
                        "last_sent": format_rfc3339(contact.time_us),
                        "cooldown_until": format_rfc3339(contact.time_us + journey.cooldown_us),
                    },
                )
        return None

    def address(self, profile: Profile, journey: Journey) -> str | None:
        """The person's identity in the channel's namespace that was first seen last."""
        namespace = self._channels[journey.send.channel].address
        if namespace is None:
            return None
        prefix = f"{namespace}:"
        known = [(seen, text) for text, seen in profile.identities.items() if text.startswith(prefix)]
        return max(known)[1].removeprefix(prefix) if known else None

    def _subject(self, subject: Subject) -> Read:
        name = subject.name
        if subject.kind == "field":
            # A run that began under another version of the journey does not know every field.
            return lambda scope: scope.fields.get(name, [])
        attribute = self._plan.folds[name]

        def read(scope: Scope) -> list[Any]:
            value = read_attribute(scope.profile, attribute, scope.as_of_us)
            if value is None:
                return []
            return value if isinstance(value, list) else [value]

        return read

"""Decisions on record, and the ids that follow from what they are about."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b
from typing import Any, NamedTuple

import msgspec

from schemas.decision import Cause, Decision
from schemas.store import OutboundAction
from transforms.core.profile import Profile
from transforms.core.rulings import Verdict
from transforms.core.trail import Trail


class Decided(msgspec.Struct):
    """The decisions and actions of one commit, in the order in which they were made.

    Attributes:
        trail: which steps runs left on the way; None where nobody looks on.
    """

    shard: int
    sequence: int
    decisions: list[Decision]
    actions: list[OutboundAction]
    trail: Trail | None = None


class Candidate(NamedTuple):
    """What a decision is about: a step of a journey; nothing for an event that was refused.

    Attributes:
        trace: how it enters ids.
    """

    journey: str | None
    version: int | None
    step: str | None
    trace: str

    @classmethod
    def of(cls, journey: str, version: int, step: str | None) -> Candidate:
        """A step of a journey."""
        return cls(journey, version, step, f"{journey}\x1f{step or ''}")


NO_CANDIDATE = Candidate(None, None, None, "\x1f")


class Recorder:
    """Makes the decisions of one workspace."""

    def __init__(self, workspace: str) -> None:
        self._workspace = workspace
        self._decision_id = _hashing("decision", workspace)
        self._action_id = _hashing("action", workspace)

    def action_id(self, person_id: str, candidate: Candidate, key: str, cause: Cause) -> str:
        """Of the action that a candidate is for a cause: a repetition has the same.

        Args:
            person_id: a cause that is a time is many persons' at once.
        """
        return self._action_id(
            f"{person_id}\x1f{candidate.trace}\x1f{key}\x1f{cause.source}\x1f{cause.event_id}"
        )

    def record(
        self,
        profile: Profile,
        candidate: Candidate,
        cause: Cause,
        as_of_us: int,
        decided: Decided,
        verdict: Verdict,
        change: dict[str, Any],
        action_id: str | None = None,
    ) -> None:
        """Adds a decision to those of the commit."""
        person_id, ruling = profile.person_id, verdict.ruling
        decision_id = self._decision_id(
            f"{person_id}\x1f{candidate.trace}\x1f{cause.source}\x1f{cause.event_id}"
            f"\x1f{ruling.trace}\x1f{as_of_us}"
        )
        decided.decisions.append(
            Decision(
                decision_id,
                self._workspace,
                person_id,
                decided.shard,
                decided.sequence,
                candidate.journey,
                candidate.version,
                candidate.step,
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


def _hashing(*parts: str) -> Callable[[str], str]:
    """A function from the rest of a text that begins with these parts to the hash of the whole."""
    seed = blake2b("".join(f"{part}\x1f" for part in parts).encode(), digest_size=16)

    def digest(rest: str) -> str:
        whole = seed.copy()
        whole.update(rest.encode())
        return whole.hexdigest()

    return digest

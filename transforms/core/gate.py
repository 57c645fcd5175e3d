"""A gate: what lets a candidate action pass, or gives the reason why it does not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from schemas.action import Category
from schemas.workspace.model import Journey
from schemas.workspace.policy import SOLICITING
from schemas.workspace.steps import Send
from transforms.core.plan import Plan
from transforms.core.profile import Profile
from transforms.core.rulings import Verdict
from transforms.core.scope import Scope


class Message(msgspec.Struct, frozen=True, gc=False):
    """The step that a gate is for, with its journey."""

    journey: Journey
    send: Send
    plan: Plan

    @property
    def category(self) -> Category:
        """What the message is about."""
        return self.journey.category

    @property
    def solicits(self) -> bool:
        """Whether a person need not put up with it."""
        return self.journey.category in SOLICITING


class Candidate(msgspec.Struct, gc=False):
    """A message that may be sent to a person now, as far as it came.

    Attributes:
        slot: of its run.
        follows: whether the run has sent an action before, which its cooldown began with.
        channels: those that are left to choose from, the best first.
        address: in the channel that was chosen, which is the first.
        evidence: of the gates that it passed.
    """

    scope: Scope
    slot: str
    follows: bool
    channels: tuple[str, ...]
    address: str | None
    evidence: dict[str, Any]

    @property
    def profile(self) -> Profile:
        """The person's."""
        return self.scope.profile

    @property
    def as_of_us(self) -> int:
        """When it is decided."""
        return self.scope.as_of_us


Gate = Callable[[Candidate], Verdict | None]
"""Gives the verdict about a candidate that does not pass, None for one that does."""


def preference(profile: Profile, name: str) -> Any:
    """What a person prefers, None where they did not say."""
    said = profile.consents.get(f"preference/{name}")
    return None if said is None else said.value

"""A person under a policy: what happens to them, and what their carts come to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from schemas.action import Category
from schemas.decision import Decision
from schemas.workspace import Workspace
from schemas.workspace.model import Journey
from schemas.workspace.policy import ConsentRule, Policy
from tests.journeys import JOURNEY, Person, event, with_journeys

FREE = dict.fromkeys(Category, ConsentRule.NOT_NEEDED)


def person(
    workspace: Workspace, policy: Policy, *journeys: Journey, person_id: str = "0" * 31 + "1"
) -> Person:
    given = with_journeys(workspace, *(journeys or (JOURNEY,)))
    return Person(replace(given, policy=policy), person_id)


def policy(**keys: Any) -> Policy:
    return Policy(**({"consents": FREE} | keys))


def cart(someone: Person, minutes: float) -> list[Decision]:
    """What a cart comes to, which enters the journey."""
    return someone.decide(event(someone, "cart_added", minutes))


def reason(decisions: Sequence[Decision]) -> str:
    [decision] = decisions
    return decision.reason.value

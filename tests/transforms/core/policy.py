"""A person under a policy: what happens to them, and what their carts come to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import msgspec

from schemas.action import Category
from schemas.decision import Decision
from schemas.timestamps import MINUTE_US
from schemas.workspace import Workspace
from schemas.workspace.model import Journey
from schemas.workspace.policy import ConsentRule, Policy
from tests.fold_events import START_US, fold_event
from tests.journeys import JOURNEY, Person, with_journeys
from transforms.core.fold_event import FoldEvent

SENT = ("sent", "passed", None)
FREE = dict.fromkeys(Category, ConsentRule.NOT_NEEDED)
DATA: Mapping[str, dict[str, Any]] = {
    "cart_added": {"sku": "A", "price": 25.5},
    "purchase": {"total": "60.00", "currency": "EUR"},
}


def at(minutes: float) -> int:
    return START_US + int(minutes * MINUTE_US)


def person(
    workspace: Workspace, policy: Policy, *journeys: Journey, person_id: str = "0" * 31 + "1"
) -> Person:
    given = with_journeys(workspace, *(journeys or (JOURNEY,)))
    return Person(replace(given, policy=policy), person_id)


def policy(**keys: Any) -> Policy:
    return Policy(**({"consents": FREE} | keys))


def event(
    someone: Person, kind: str, minutes: float, identities: Sequence[str] = (), **data: Any
) -> FoldEvent:
    made = fold_event(
        someone.plan,
        kind,
        dict(DATA.get(kind, {})) | data,
        at(minutes),
        event_id=f"{kind}{minutes}",
        person_id=someone.person_id,
    )
    return msgspec.structs.replace(made, identities=tuple(identities)) if identities else made


def cart(someone: Person, minutes: float) -> list[Decision]:
    """What a cart comes to, which enters the journey."""
    return someone.decide(event(someone, "cart_added", minutes))


def reason(decisions: Sequence[Decision]) -> str:
    [decision] = decisions
    return decision.reason.value

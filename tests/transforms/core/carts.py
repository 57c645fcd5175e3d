"""Persons whose carts enter a journey, and what their further carts come to while they are under way."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from schemas.timestamps import HOUR_US
from schemas.workspace import Workspace
from schemas.workspace.model import Journey
from tests.fold_events import at, fold_event
from tests.journeys import JOURNEY, Person, after, with_journeys
from transforms.core.fold_event import FoldEvent

UNDER_WAY = ("suppressed", "under_way", "reentry")
EXITED = ("suppressed", "exited", "reentry")
COOLDOWN = ("suppressed", "cooldown", "reentry")
WAITING = replace(JOURNEY, steps=after(HOUR_US))


def person(workspace: Workspace, *journeys: Journey) -> Person:
    return Person(with_journeys(workspace, *journeys))


def cart(someone: Person, minute: int = 0, event_id: str | None = None, **keys: Any) -> FoldEvent:
    data = {"sku": keys.pop("sku", "A"), "price": keys.pop("price", 25.5)}
    return fold_event(someone.plan, "cart_added", data, at(minute), event_id=event_id or f"c{minute}", **keys)


def bought(someone: Person, minute: int, **keys: Any) -> FoldEvent:
    data = {"total": "1.00", "currency": "EUR"}
    return fold_event(someone.plan, "purchase", data, at(minute), event_id=f"p{minute}", **keys)

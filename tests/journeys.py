"""Journeys for tests, and the decisions that a batch of one person comes to."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import msgspec

from schemas.action import Category
from schemas.decision import Decision
from schemas.store import NO_TOKEN, Head
from schemas.timestamps import DAY_US
from schemas.workspace import Workspace
from schemas.workspace.entries import EventEntry, ExitEvent, Reentry
from schemas.workspace.model import Journey
from schemas.workspace.steps import Send, Step, Wait
from tests.fold_events import PERSON, at, fold_event
from transforms.core.engine import Advanced, Engine
from transforms.core.fold_event import FoldEvent

EMPTY = Head(0, NO_TOKEN, None)
SEND = Send("0", "remind", ("web",), "reminder", {}, DAY_US)
JOURNEY = Journey(
    name="cart",
    version=1,
    active=True,
    category=Category.COMMERCIAL,
    priority=50,
    valid_from_us=None,
    valid_until_us=None,
    entry=EventEntry(("cart_added",)),
    reentry=Reentry.AFTER_EXIT,
    cooldown_us=None,
    exits=(),
    condition=None,
    steps=(SEND,),
)
SENT = ("sent", "passed", None)
DATA: Mapping[str, dict[str, Any]] = {
    "cart_added": {"sku": "A", "price": 25.5},
    "purchase": {"total": "60.00", "currency": "EUR"},
}
"""What events hold unless a test says otherwise."""


def after(wait_us: int, send: Send = SEND) -> tuple[Step, ...]:
    """The steps of a journey that waits and then sends."""
    return Wait("0", wait_us), replace(send, path="1")


def exits(*event_types: str) -> tuple[ExitEvent, ...]:
    """These events end every run of a journey."""
    return tuple(ExitEvent(event_type) for event_type in event_types)


def with_journeys(workspace: Workspace, *journeys: Journey) -> Workspace:
    """The workspace with these journeys alone."""
    return replace(workspace, journeys=journeys)


class Person:
    """One person's row, advanced batch by batch."""

    def __init__(self, workspace: Workspace, person_id: str = PERSON) -> None:
        self.engine = Engine(workspace)
        self.plan = self.engine.plan
        self.person_id = person_id
        self.head = EMPTY
        self.images: dict[str, bytes] = {}

    def advance(self, events: Iterable[FoldEvent], as_of_us: int) -> Advanced:
        """What a batch of the person's events comes to, committed."""
        advanced = self.engine.advance(0, self.head, self.images, {self.person_id: list(events)}, as_of_us)
        self.images.update(advanced.commit.images)
        self.head = Head(advanced.commit.sequence, advanced.commit.token, None)
        return advanced

    def decide(self, *events: FoldEvent, as_of_us: int | None = None) -> list[Decision]:
        """The decisions of a batch, by default as of its newest event."""
        newest_us = max((event.time_us for event in events), default=0)
        return self.advance(events, newest_us if as_of_us is None else as_of_us).commit.outbox.decisions

    def image(self) -> dict[str, Any]:
        """The person's row as JSON."""
        row: dict[str, Any] = json.loads(self.images[self.person_id])
        return row


def event(
    someone: Person, kind: str, minutes: float, identities: Sequence[str] = (), **data: Any
) -> FoldEvent:
    """An event of a person, so many minutes after the start; its id is made of its type and time."""
    made = fold_event(
        someone.plan,
        kind,
        DATA.get(kind, {}) | data,
        at(minutes),
        event_id=f"{kind}{minutes}",
        person_id=someone.person_id,
    )
    return msgspec.structs.replace(made, identities=tuple(identities)) if identities else made


def actions_of(advanced: Advanced) -> list[dict[str, Any]]:
    """The actions of a batch as JSON."""
    return [json.loads(action.body) for action in advanced.commit.outbox.actions]


def reasons(decisions: Iterable[Decision]) -> list[tuple[str, str, str | None]]:
    """Outcome, reason and gate of each decision."""
    return [
        (decision.outcome.value, decision.reason.value, decision.gate.value if decision.gate else None)
        for decision in decisions
    ]


def by_person(events: Iterable[FoldEvent]) -> Mapping[str, list[FoldEvent]]:
    """A batch as the engine takes it."""
    batch: dict[str, list[FoldEvent]] = {}
    for event in events:
        batch.setdefault(event.person_id, []).append(event)
    return batch

"""What commits were made of, and what persons must have come to by them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from schemas.store import NO_TOKEN, Commit
from transforms.core.fold_event import FoldEvent, order


@dataclass(frozen=True)
class Batch:
    """What the engine was asked; each person's events in order."""

    shard: int
    events: Mapping[str, Sequence[FoldEvent]]
    as_of_us: int


class Change(StrEnum):
    """What a writer that is no journey job makes of a person."""

    FORGET = "forget"
    """Nothing is left, not even fingerprints; the image is the same bytes each time."""
    EMPTY = "empty"
    """Facts and waits go; fingerprints and contacts stay."""
    MERGE = "merge"
    """All goes over to another person of the shard; fingerprints and contacts stay here as well."""


@dataclass(frozen=True)
class Rewrite:
    """A change of one person; in a merge, another one survives."""

    change: Change
    person_id: str
    survivor_id: str


Asked = Mapping[str, Batch | Rewrite]
"""What commits were made of, by their tokens."""


@dataclass
class Life:
    """What is to be known of a person.

    Attributes:
        held: the events in the image, by fingerprint.
        known: the events whose fingerprints are in the image.
        contacts: which journeys sent an action, and when.
        action_ids: of these actions.
    """

    held: dict[int, FoldEvent] = field(default_factory=dict)
    known: dict[int, FoldEvent] = field(default_factory=dict)
    contacts: set[tuple[str, int]] = field(default_factory=set)
    action_ids: set[str] = field(default_factory=set)


class Lives(defaultdict[str, Life]):
    """Persons by id: an event is in one image once, unless that one was told to forget."""

    def __init__(self) -> None:
        super().__init__(Life)

    def take_in(self, asked: Batch | Rewrite) -> None:
        """Follows a commit."""
        if isinstance(asked, Batch):
            for person_id, events in asked.events.items():
                life = self[person_id]
                for event in sorted(events, key=order):
                    if event.print64 not in life.known:
                        life.known[event.print64] = life.held[event.print64] = event
            return
        life, survivor = self[asked.person_id], self[asked.survivor_id]
        if asked.change is Change.FORGET:
            self[asked.person_id] = Life()
            return
        if asked.change is Change.MERGE:
            survivor.held |= life.held
            survivor.known |= life.known
            survivor.contacts |= life.contacts
            survivor.action_ids |= life.action_ids
        life.held = {}


def lives_as_of(token: str, commits: Iterable[Commit], asked: Asked) -> Lives:
    """All persons as of the commit with this token."""
    lives = Lives()
    if token == NO_TOKEN:
        return lives
    for commit in commits:
        lives.take_in(asked[commit.token])
        if commit.token == token:
            break
    return lives

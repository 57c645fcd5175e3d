"""The protocol of a profile store: a shard is a log of one entry.

A commit is one conditional write of the shard's head. What it publishes stands in the head's outbox
until it is acknowledged, and only then may the shard's next batch commit.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

import msgspec

from schemas.decision import Decision
from schemas.errors import CjaasError

NO_TOKEN = ""


class OutboundAction(msgspec.Struct, frozen=True, gc=False):
    """An action as bytes, ready to be published: `body` is the JSON of `schemas.action.Action`."""

    channel: str
    action_id: str
    body: bytes


class Outbox(msgspec.Struct, frozen=True, gc=False):
    """What one commit publishes."""

    actions: list[OutboundAction]
    decisions: list[Decision]


class Head(msgspec.Struct, frozen=True, gc=False):
    """A shard's last commit.

    Attributes:
        sequence: milliseconds, at least the previous sequence + 1; 0 before the first commit.
        token: hash of the previous token and the batch; `NO_TOKEN` before the first commit.
        outbox: what that commit publishes, None once it is acknowledged.
    """

    sequence: int
    token: str
    outbox: Outbox | None


class DueRow(msgspec.Struct, frozen=True, order=True):
    """A person's earliest pending wait."""

    time_us: int
    person_id: str


class Commit(msgspec.Struct, frozen=True, gc=False):
    """One batch of one shard.

    Attributes:
        expected_token: the token of the head that the batch was computed from.
        images: each changed person's whole profile row, by person id.
        deadlines: for each changed person its earliest pending wait in microseconds, None for none;
            replaces the person's due row.
        woken: due rows that the batch looked at, which go, unless a deadline of the commit is one of them.
    """

    shard: int
    expected_token: str
    sequence: int
    token: str
    images: dict[str, bytes]
    deadlines: dict[str, int | None]
    outbox: Outbox
    woken: tuple[DueRow, ...] = ()


class CommitTooLargeError(CjaasError):
    """A commit is over what a store takes at once: fewer persons make a smaller one."""


class ProfileStore(Protocol):
    """Profiles of one workspace. Every writer of profiles goes through `commit`."""

    def head(self, shard: int) -> Head:
        """The shard's head; a shard that never committed has sequence 0 and `NO_TOKEN`.

        After it, rows are those of that head: what its commit has left unwritten is written first.
        """
        ...

    def images(self, person_ids: Sequence[str], shard: int | None = None) -> dict[str, bytes]:
        """The images of those persons that have one, in one bulk read.

        Args:
            shard: theirs, where its head was read before: a store may then answer from memory with the
                images of that head.
        """
        ...

    def commit(self, commit: Commit) -> bool:
        """Writes head, images and due rows; False, and nothing written, if the token moved on.

        Raises:
            CommitTooLargeError: it is of more than one person, and over the store's limits; nothing is
                written.
        """
        ...

    def acknowledge(self, shard: int, token: str) -> None:
        """Empties the outbox of the head that still has this token."""
        ...

    def due(self, shard: int, until_us: int, limit: int) -> list[DueRow]:
        """The shard's due rows up to a time, inclusive, earliest first."""
        ...

    def scan(self) -> Iterable[tuple[str, bytes]]:
        """Every person's id and image, by id."""
        ...

    def close(self) -> None:
        """Gives back what the store holds open."""
        ...


class Publisher(Protocol):
    """Where an outbox goes. Publishing one twice publishes the same bytes under the same ids."""

    def publish(self, shard: int, sequence: int, outbox: Outbox, *, again: bool = False) -> None:
        """Publishes all of it, and returns once it is safe.

        Args:
            again: whether some of it may have been published before.
        """
        ...

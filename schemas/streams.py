"""Protocols of what a job reads and writes, fulfilled by sinks and handed to transforms."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

import msgspec

from schemas.dead_letter import DeadLetter
from schemas.event import Event
from schemas.message import MessageBatch


class Split(msgspec.Struct, frozen=True):
    """A part of a bounded source that is read by itself.

    Attributes:
        name: what messages of the split are named by.
        start: offset in bytes.
        end: offset in bytes, None for the end of the file, wherever that is.
    """

    path: str
    name: str
    start: int
    end: int | None


class EventSource(Protocol):
    """A bounded source of raw messages."""

    def splits(self) -> list[Split]:
        """What there is to read, in parts that do not depend on each other."""
        ...

    def read(self, split: Split) -> Iterator[MessageBatch]:
        """The split's messages in micro-batches: the same ones each time."""
        ...


class Rejected(msgspec.Struct, frozen=True, gc=False):
    """An event that the tape's storage refuses for good, whatever is retried.

    Attributes:
        index: of the event in the batch.
        reason: one sentence that says what the storage expected.
    """

    index: int
    reason: str


class Tape(Protocol):
    """The append-only ledger of valid events."""

    def append(self, origin: str, events: Sequence[Event], workspace: str) -> list[Rejected]:
        """Appends a batch; safe when it returns. The same batch again leaves no second event in the view.

        Returns:
            The events that are not on the tape because the storage refuses them, by index: dead letters
            of the stage `tape`. All others are. Infrastructure trouble is raised, never returned.
        """
        ...

    def close(self) -> None:
        """Gives back what the tape holds open."""
        ...


class DeadLetterSink(Protocol):
    """Where refused messages are kept."""

    def append(self, origin: str, dead_letters: Sequence[DeadLetter]) -> None:
        """Keeps a batch; the same batch again leaves one copy of it, or copies under one message id."""
        ...

    def close(self) -> None:
        """Gives back what the sink holds open."""
        ...


class Progress(Protocol):
    """Who is told how far a job has come."""

    def advance(self, size_bytes: int, messages: int, dead_letters: int) -> None:
        """So much more has been read."""
        ...


class Acknowledger(Protocol):
    """Who tells a broker that messages are settled."""

    def acknowledge(self, ack_ids: Sequence[str]) -> None:
        """They need not come again. One that comes again all the same is harmless."""
        ...


class Pulled(msgspec.Struct, frozen=True, gc=False):
    """Messages that a subscription gave, leased, in columns of equal length.

    Attributes:
        publish_us: publish times in microseconds.
        ack_ids: what each message is acknowledged by.
    """

    payloads: list[bytes]
    message_ids: list[str]
    attributes: list[dict[str, str]]
    publish_us: list[int]
    ack_ids: list[str]

    def batch(self, subscription: str, watermark_us: int) -> MessageBatch:
        """The messages, one at the least, as a micro-batch."""
        return MessageBatch(
            f"{subscription}@{self.message_ids[0]}",
            self.payloads,
            self.message_ids,
            list(self.attributes),
            list(self.publish_us),
            self.ack_ids,
            watermark_us,
        )


class MessageSubscription(Acknowledger, Protocol):
    """A subscription of a broker that delivers at least once.

    What was pulled is leased, and the lease is extended, until it is acknowledged or released.

    Attributes:
        name: of the subscription.
    """

    name: str

    def pull(self, max_messages: int, wait_seconds: float) -> Pulled:
        """Some messages, as soon as there is one; none after the wait."""
        ...

    def release(self, ack_ids: Sequence[str]) -> None:
        """Gives leases up: the messages come again."""
        ...

    def close(self) -> None:
        """Gives back what it holds open."""
        ...

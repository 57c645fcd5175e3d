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


class Tape(Protocol):
    """The append-only ledger of valid events."""

    def append(self, origin: str, events: Sequence[Event], workspace: str) -> None:
        """Appends a batch; the same batch again leaves one copy of it."""
        ...


class DeadLetterSink(Protocol):
    """Where refused messages are kept."""

    def append(self, origin: str, dead_letters: Sequence[DeadLetter]) -> None:
        """Keeps a batch; the same batch again leaves one copy of it."""
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

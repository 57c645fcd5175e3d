"""The protocol of what a job has written down, to be asked: tape and decisions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from schemas.decision import Decision


class Result(NamedTuple):
    """The answer to a query: the columns' names, and the rows in that order."""

    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]


class TapeEvent(NamedTuple):
    """What a profile is folded from again: one event of the tape.

    Attributes:
        data: as JSON.
        extensions: as JSON, None for none.
    """

    person_id: str
    event_id: str
    source: str
    type: str
    event_time: datetime
    publish_time: datetime
    schema: str
    identities: Sequence[str]
    data: str
    extensions: str | None


class Journal(Protocol):
    """What a job has written down."""

    def sql(self, query: str) -> Result:
        """The answer to one query over tape, decisions and dead letters."""
        ...

    def decisions_of_person(self, person_id: str) -> list[Decision]:
        """A person's decisions, oldest first."""
        ...

    def decisions_of_action(self, action_id: str) -> list[Decision]:
        """The decisions that name an action, oldest first."""
        ...

    def persons_of(self, identity: str) -> list[str]:
        """The ids of the persons whose events carry an identity, `namespace:value`."""
        ...

    def events_of(self, person_ids: Sequence[str], until_us: int) -> Iterator[TapeEvent]:
        """Each event of these persons up to a time in microseconds, inclusive, by person."""
        ...

    def close(self) -> None:
        """Gives back what it holds open."""
        ...

"""Comparing what would have been decided with what was: counted, by journey and reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from heapq import nsmallest
from typing import NamedTuple

import msgspec

from schemas.decision import Gate, Outcome


class Told(NamedTuple):
    """Decisions about one person that came out alike.

    Attributes:
        journey: None where an event was refused before any journey saw it.
        gate: the gate that failed, None for none.
        decisions: how many.
    """

    journey: str | None
    outcome: str
    gate: str | None
    reason: str
    person_id: str
    decisions: int


class Counted(msgspec.Struct, frozen=True):
    """A number as it would have been, and as it was."""

    would: int
    was: int
    difference: int


class Alike(msgspec.Struct, frozen=True):
    """How many candidates came out in one way; those that were sent are not among them."""

    outcome: str
    gate: str | None
    reason: str
    would: int
    was: int
    difference: int


class Persons(msgspec.Struct, frozen=True):
    """How many persons, and the ids of the first few by id."""

    number: int
    examples: list[str]


class Compared(msgspec.Struct, frozen=True):
    """One journey's decisions, or all.

    Attributes:
        sent: actions.
        persons: to whom at least one was sent.
        gained: persons who would get an action, and got none.
        lost: persons who got an action, and would get none.
        others: what was not sent, by outcome and reason, in the order of the gates.
    """

    sent: Counted
    persons: Counted
    gained: Persons
    lost: Persons
    others: list[Alike]


class Comparison(msgspec.Struct, frozen=True):
    """Two sets of decisions about the same events.

    Attributes:
        total: over all journeys that were compared: a person whom another journey reached is not gained.
        journeys: by name; those of events that no journey saw are under `NO_JOURNEY`.
    """

    total: Compared
    journeys: dict[str, Compared]


NO_JOURNEY = "(no journey)"
"""What stands for the journey of decisions that have none."""

_Way = tuple[str, str | None, str]
_EXAMPLES = 3
_OUTCOMES = list(Outcome)
_GATES = list(Gate)


class _Tally:
    """One side's decisions of one journey, or of all."""

    def __init__(self) -> None:
        self.ways: Counter[_Way] = Counter()
        self.reached: set[str] = set()

    def add(self, told: Told) -> None:
        self.ways[told.outcome, told.gate, told.reason] += told.decisions
        if told.outcome == Outcome.SENT:
            self.reached.add(told.person_id)

    def sent(self) -> int:
        return sum(number for way, number in self.ways.items() if way[0] == Outcome.SENT)


def compare(would: Iterable[Told], was: Iterable[Told], journeys: Iterable[str]) -> Comparison:
    """What would have been decided against what was.

    Args:
        journeys: that are compared, whether anything was decided about them or not; `NO_JOURNEY` too.
    """
    names = sorted(set(journeys))
    planned, planned_total = _tallies(would, names)
    actual, actual_total = _tallies(was, names)
    return Comparison(
        _compared(planned_total, actual_total),
        {name: _compared(planned[name], actual[name]) for name in names},
    )


def _tallies(all_told: Iterable[Told], names: list[str]) -> tuple[dict[str, _Tally], _Tally]:
    tallies = {name: _Tally() for name in names}
    total = _Tally()
    for told in all_told:
        tally = tallies.get(told.journey or NO_JOURNEY)
        if tally is not None:
            tally.add(told)
            total.add(told)
    return tallies, total


def _compared(would: _Tally, was: _Tally) -> Compared:
    return Compared(
        _counted(would.sent(), was.sent()),
        _counted(len(would.reached), len(was.reached)),
        _persons(would.reached - was.reached),
        _persons(was.reached - would.reached),
        list(_others(would.ways, was.ways)),
    )


def _counted(would: int, was: int) -> Counted:
    return Counted(would, was, would - was)


def _persons(person_ids: set[str]) -> Persons:
    return Persons(len(person_ids), nsmallest(_EXAMPLES, person_ids))


def _others(would: Counter[_Way], was: Counter[_Way]) -> Iterator[Alike]:
    for way in sorted({*would, *was}, key=_place):
        if way[0] != Outcome.SENT:
            yield Alike(*way, would[way], was[way], would[way] - was[way])


def _place(way: _Way) -> tuple[int, int, str]:
    """Where a way to come out stands: by outcome, gate and reason."""
    outcome, gate, reason = way
    place = len(_GATES) if gate is None else _GATES.index(Gate(gate))
    return _OUTCOMES.index(Outcome(outcome)), place, reason

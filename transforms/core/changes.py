"""When time alone may change what a condition comes to: its values age, and nothing else happens."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from schemas.workspace.condition import Condition, Op, Test, leaves
from transforms.core.attributes import AttributeFold
from transforms.core.condition import Read, instant_us
from transforms.core.scope import ReadOf, Scope

NextChange = Callable[[Scope], int | None]
"""From what a condition is asked about to the next time, in microseconds, at which it may come out otherwise
although nothing happens; None for never. It may be too early, never too late."""


def next_change_of(condition: Condition, folds: dict[str, AttributeFold], subject: ReadOf) -> NextChange:
    """When a condition may change by the passage of time, as long as no event comes."""
    changes: list[NextChange] = []
    for test in leaves(condition):
        if test.subject.kind == "attribute" and test.subject.name in folds:
            changes.append(_aging(folds[test.subject.name]))
        if test.op is Op.WITHIN:
            changes.append(_leaving(test, subject(test.subject)))

    def earliest(scope: Scope) -> int | None:
        return _least(change(scope) for change in changes)

    return earliest


def _aging(fold: AttributeFold) -> NextChange:
    """When an entry of an attribute leaves its lookback."""

    def change(scope: Scope) -> int | None:
        state = scope.profile.attributes.get(fold.name)
        return None if state is None else fold.next_change_us(state, scope.as_of_us)

    return change


def _leaving(test: Test, read: Read) -> NextChange:
    """When a time comes to lie within a while before now, or no longer does."""
    assert isinstance(test.value, int)
    duration_us = test.value

    def change(scope: Scope) -> int | None:
        return _least(_turn(value, scope.as_of_us, duration_us) for value in read(scope))

    return change


def _turn(value: Any, as_of_us: int, duration_us: int) -> int | None:
    moment_us = instant_us(value) if isinstance(value, str) else None
    if moment_us is None or as_of_us > moment_us + duration_us:
        return None
    return moment_us if as_of_us < moment_us else moment_us + duration_us + 1


def _least(times: Iterable[int | None]) -> int | None:
    return min((time_us for time_us in times if time_us is not None), default=None)

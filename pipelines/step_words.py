"""Conditions and steps of journeys in words."""

from __future__ import annotations

from pipelines.sentences import tested
from schemas.duration import format_duration
from schemas.timestamps import format_rfc3339
from schemas.workspace import condition as tree
from schemas.workspace.condition import Condition, Lookup
from schemas.workspace.steps import (
    AttributeSource,
    Branch,
    DataSource,
    FieldSource,
    ModelSource,
    Split,
    Step,
    Update,
    Wait,
    WaitFor,
    WaitUntilField,
    WaitUntilLocal,
)
from transforms.core.profile import Run
from transforms.core.walk import TIMED_OUT


def condition_words(condition: Condition) -> str:
    """A condition, such as `price >= 20 and not spend exists`."""
    match condition:
        case tree.All(parts):
            return " and ".join(_part(part) for part in parts)
        case tree.Any(parts):
            return " or ".join(_part(part) for part in parts)
        case tree.Not(part):
            return f"not {_part(part)}"
        case tree.Test(subject, op, value):
            return tested(f"{_looked_up(subject.lookup)}{subject.name}", op.value, value)


def _part(condition: Condition) -> str:
    words = condition_words(condition)
    return f"({words})" if isinstance(condition, tree.All | tree.Any) else words


def wait_words(step: Step, run: Run, time_zone: str) -> str:
    """What a run waits for, and until when."""
    until = format_rfc3339(run.due_us)
    match step:
        case Wait(_, duration_us):
            return f"waits {format_duration(duration_us)}, until {until}"
        case WaitUntilLocal(_, minute):
            return f"waits until it is {minute // 60:02d}:{minute % 60:02d} in {time_zone}, {until}"
        case WaitUntilField(_, field, offset_us):
            side = f"{format_duration(abs(offset_us))} {'before' if offset_us < 0 else 'after'} "
            return f"waits until {side if offset_us else ''}{field}, {until}"
        case WaitFor():
            assert run.timeout_us is not None
            return f"waits for {_awaited(step)}, until {format_rfc3339(run.timeout_us)} at most"
    return f"waits until {until}"


def _awaited(step: WaitFor) -> str:
    if step.condition is not None:
        return condition_words(step.condition)
    where = "" if step.where is None else f" with {condition_words(step.where)}"
    return f"{' or '.join(step.events)}{where}"


def end_words(step: Step, way: int | None, waited: bool, event: str | None) -> str | None:
    """How a run came past a step; None for a step that does not need a word.

    Args:
        way: that it took.
        waited: whether it had been waiting there.
        event: type and id of the event that came, None where time passed.
    """
    match step:
        case WaitFor(condition=None) if way != TIMED_OUT:
            return f"goes on: {event} came"
        case WaitFor() if way != TIMED_OUT:
            return "goes on: its condition holds" if waited else "does not wait: its condition holds already"
        case WaitFor():
            return "goes on: its wait timed out"
        case Wait() | WaitUntilLocal() | WaitUntilField() if waited:
            return "goes on: its wait is over"
        case WaitUntilField(_, field, _):
            return f"does not wait: {field} is over, or the event does not have it"
        case Update(_, attribute, source):
            return f"writes {attribute}: {_source_words(source)}"
        case Branch(_, arms):
            return _branched(None if way is None else arms[way].condition, way)
        case Split(_, name, shares):
            return f"falls into {'no share' if way is None else f'share {shares[way].name}'} of {name}"
    return None


def _source_words(source: DataSource) -> str:
    match source:
        case AttributeSource(name, lookup):
            return f"{_looked_up(lookup)}the value of {name}"
        case FieldSource(path, lookup):
            return f"{_looked_up(lookup)}the event's {path}"
        case ModelSource(name):
            return f"the score of {name}"
    return str(source.value)


def _looked_up(lookup: Lookup | None) -> str:
    return "" if lookup is None else f"{lookup.column} in {lookup.table} by "


def _branched(condition: Condition | None, way: int | None) -> str:
    if way is None:
        return "takes no way of its branch"
    because = "the others do not hold" if condition is None else condition_words(condition)
    return f"takes way {way + 1} of its branch: {because}"

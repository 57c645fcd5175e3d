"""What a journey's entry and exits say, with their names checked."""

from __future__ import annotations

from pydantic import ValidationError

from schemas.workspace.condition import Condition
from schemas.workspace.condition_file import CONDITION
from schemas.workspace.conditions import Scope, compile_condition
from schemas.workspace.entries import ConditionEntry, Entry, EventEntry, ExitEvent, ScheduleEntry
from schemas.workspace.entry_files import (
    DAYS,
    ENTRY,
    EXITS,
    ConditionEntryFile,
    EntryFile,
    EventEntryFile,
    ExitEventFile,
    ScheduleEntryFile,
)
from schemas.workspace.place import Place
from schemas.workspace.vocabulary import Vocabulary

_KEYS = ("number", "text")


def compile_entry(place: Place, vocabulary: Vocabulary) -> tuple[EntryFile | None, Entry]:
    """The entry, and its file; with mistakes of its own, told elsewhere, None and an entry by no event."""
    try:
        file = ENTRY.validate_python(place.document.get(*place.location))
    except ValidationError:
        return None, EventEntry(())
    scope = Scope(vocabulary, None, sees_attributes=True)
    match file:
        case EventEntryFile():
            events = tuple(file.event) if isinstance(file.event, list) else (file.event,)
            vocabulary.check_events(place.at("event"), events, isinstance(file.event, list))
            where = None
            if file.where is not None:
                seen = Scope(vocabulary, events, sees_attributes=False)
                where = compile_condition(place.at("where"), file.where, seen)
            if file.key is not None:
                _check_key(place.at("key"), events, file.key, vocabulary)
            return file, EventEntry(events, where, file.key)
        case ConditionEntryFile():
            return file, ConditionEntry(compile_condition(place.at("condition"), file.condition, scope))
        case ScheduleEntryFile():
            days = None
            if file.schedule.days is not None:
                days = frozenset(DAYS.index(day) for day in file.schedule.days)
            condition = None
            if file.condition is not None:
                condition = compile_condition(place.at("condition"), file.condition, scope)
            return file, ScheduleEntry(file.schedule.at, days, condition)


def compile_exits(place: Place, vocabulary: Vocabulary, keyed: bool) -> tuple[ExitEvent, ...]:
    """The exits; none where they have mistakes of their own.

    Args:
        keyed: whether the journey's runs have keys.
    """
    raw = place.document.get(*place.location)
    try:
        files = EXITS.validate_python([] if raw is None else raw)
    except ValidationError:
        return ()
    exits = []
    for index, file in enumerate(files):
        here = place.at(index)
        if isinstance(file, ExitEventFile):
            vocabulary.check_event(here.at("event"), file.event)
            exits.append(_exit(here, file, vocabulary, keyed))
        else:
            vocabulary.check_event(here, file)
            exits.append(ExitEvent(file))
        if exits[-1] in exits[:-1]:
            here.add(f"expected each exit once, found {exits[-1].event!r} again; remove it")
    return tuple(exits)


def _exit(place: Place, file: ExitEventFile, vocabulary: Vocabulary, keyed: bool) -> ExitEvent:
    where: Condition | None = None
    if file.where is not None:
        scope = Scope(vocabulary, (file.event,), sees_attributes=False)
        where = compile_condition(place.at("where"), file.where, scope)
    if file.key is not None:
        _check_key(place.at("key"), (file.event,), file.key, vocabulary)
        if not keyed:
            place.at("key").add("expected no key, as entry has none, found one; add entry.key or remove it")
    return ExitEvent(file.event, where, file.key)


def _check_key(place: Place, events: tuple[str, ...], path: str, vocabulary: Vocabulary) -> None:
    for shape in sorted(vocabulary.check_field(place, events, path), key=str):
        if shape.kind not in _KEYS or shape.container != "one":
            place.add(
                f"expected a field of one text or number, found {path!r}, which is {shape}; name another"
            )


def compile_optional_condition(place: Place, scope: Scope) -> Condition | None:
    """The condition at a place, None where there is none or it has mistakes of its own, told elsewhere."""
    raw = place.document.get(*place.location)
    if raw is None:
        return None
    try:
        file = CONDITION.validate_python(raw)
    except ValidationError:
        return None
    return compile_condition(place, file, scope)
